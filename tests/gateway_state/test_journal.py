"""The journal: what arrived is kept, decided once, handled once, and its answer attempted once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.errors import JournalError, UsageError
from imsg_sdk.gateway import Decision, Reason
from imsg_sdk.gateway.conversation import LastRoute
from imsg_sdk.gateway.state import Journal, OutboxState, PairingRow, PairingStore, StateReader
from imsg_sdk.models import Attachment, Message, Poll, Reaction

Row = Callable[..., Message]
Open = Callable[..., Journal]

SEND: dict[str, Any] = {"text": "yes", "chat_id": 7, "service": "auto"}


def rows_of(folder: Path) -> list[tuple[int, str | None, str, int]]:
    return [(each.message_rowid, each.reason, each.state, each.repeats) for each in StateReader(folder).decisions()]


def break_off(journal: Journal, *steps: Callable[[], object]) -> None:
    """Take steps together, and fail after the last."""
    with journal.together():
        for step in steps:
            step()
        raise KeyError


# What arrives.


def test_rows_and_cursor_are_there_after_a_restart(journal: Journal, open_journal: Open, row: Row) -> None:
    assert journal.cursor is None
    entries = journal.arrive([row(1), row(2)], "c2")
    journal.close()
    again = open_journal()
    assert again.cursor == "c2"
    assert again.unfinished().undecided == tuple(entries)


def test_a_message_comes_back_as_it_was(journal: Journal) -> None:
    at = datetime(2026, 1, 5, 11, 59, 59, 123456, tzinfo=UTC)
    message = Message(
        rowid=5,
        guid="G",
        chat_id=0,
        chat_ids=(1, 2),
        is_group=False,
        text="ö ￼ \0 😀",
        created_at=at,
        n_attachments=1,
        poll=Poll(kind="vote", votes=(("a", "+1"), ("b", None))),
        reactions=(Reaction(message_rowid=5, rowid=6, type="love", created_at=at),),
        attachments=(Attachment(message_rowid=5, total_bytes=2**40, extra={"x": [1, None]}),),
        extra={"new": {"key": 1.5}},
    )
    journal.arrive([message], "c")
    assert journal.unfinished().undecided[0].message == message


@pytest.mark.parametrize("odd", [{"text": "half \ud83d of a pair"}, {"extra": {"n": 2**80}, "text": "half ?"}])
def test_what_cannot_be_written_costs_no_message(journal: Journal, odd: dict[str, Any]) -> None:
    part = Attachment(message_rowid=1, transfer_name="\udc80")
    journal.arrive([Message(rowid=1, guid="G", attachments=(part,), **odd)], "c")
    kept = journal.unfinished().undecided[0].message
    assert kept.guid == "G"
    assert kept.text in ("half ? of a pair", "half ?")
    assert kept.attachments[0].transfer_name == "?"


def test_rows_can_be_kept_without_moving_the_cursor(journal: Journal, row: Row) -> None:
    journal.move_cursor("c1")
    assert len(journal.arrive([row(1)], None)) == 1
    assert journal.cursor == "c1"


def test_a_row_reported_again_is_counted_and_is_no_entry(journal: Journal, row: Row, folder: Path) -> None:
    assert len(journal.arrive([row(1), row(1)], "c1")) == 1
    assert journal.arrive([row(1), row(2)], "c2")[0].message.rowid == 2
    assert rows_of(folder) == [(1, None, "arrived", 2), (2, None, "arrived", 0)]
    assert journal.cursor == "c2"


def test_a_known_guid_under_another_row_is_a_duplicate(journal: Journal, row: Row, folder: Path) -> None:
    journal.arrive([row(1)], "c1")
    assert journal.arrive([row(9, guid="G1")], "c9") == []
    assert journal.arrive([row(9, guid="G1"), row(1)], "c9") == []
    assert rows_of(folder) == [(1, None, "arrived", 1), (9, "duplicate", "finished", 1)]


def test_rows_without_a_guid_are_told_apart_by_their_number(journal: Journal, row: Row) -> None:
    assert len(journal.arrive([row(1, guid=None), row(2, guid=""), row(1, guid=""), row(0, guid=None)], "c")) == 3
    assert len(journal.arrive([row(0, guid=None)], "c")) == 1
    assert journal.has(2)
    assert not journal.has(3)


# Decisions and handlers.


def test_every_row_has_one_decision(journal: Journal, row: Row, dropped: Decision, folder: Path) -> None:
    entry, other = journal.arrive([row(1), row(2)], "c")
    journal.conclude([(entry, dropped)])
    journal.conclude([(entry, Decision(dispatched=False, rule="empty", reason=Reason.EMPTY))])
    assert rows_of(folder) == [(1, "dm_not_allowed", "finished", 0), (2, None, "arrived", 0)]
    assert journal.unfinished().undecided == (other,)


def test_attempts_are_counted_over_restarts(
    journal: Journal, open_journal: Open, row: Row, dispatched: Decision
) -> None:
    (entry,) = journal.arrive([row(1)], "c")
    assert journal.begin(entry, dispatched) == 1
    journal.close()
    again = open_journal()
    (left,) = again.unfinished().begun
    assert (left.id, left.attempt, left.decision, left.message) == (entry.id, 1, dispatched, entry.message)
    assert again.begin(left, dispatched) == 2
    assert again.unfinished().undecided == ()


def test_a_finished_row_is_never_begun_again(
    journal: Journal, row: Row, dispatched: Decision, dropped: Decision
) -> None:
    said, refused = journal.arrive([row(1), row(2)], "c")
    journal.begin(said, dispatched)
    assert len(journal.plan(said, [[SEND]])) == 1
    assert journal.plan(said, [[SEND]]) == []
    journal.conclude([(refused, dropped)])
    assert [journal.begin(each, dispatched) for each in (said, refused)] == [0, 0]
    assert len(journal.unfinished().planned) == 1


def test_several_rows_made_one_are_kept_as_one(journal: Journal, row: Row, dispatched: Decision) -> None:
    first, last = journal.arrive([row(1), row(2)], "c")
    with journal.together():
        journal.conclude([(first, Decision(dispatched=False, rule="coalesced", reason=Reason.COALESCED))])
        journal.begin(last, dispatched, message=row(2, text="text 1\ntext 2"))
    (left,) = journal.unfinished().begun
    assert left.message.text == "text 1\ntext 2"


def test_calls_together_are_kept_all_or_none(journal: Journal, row: Row, dropped: Decision) -> None:
    (entry,) = journal.arrive([row(2)], "c0")
    with pytest.raises(KeyError):
        break_off(journal, lambda: journal.arrive([row(1)], "c1"), lambda: journal.conclude([(entry, dropped)]))
    assert journal.cursor == "c0"
    assert journal.unfinished().undecided == (entry,)
    assert journal.arrive([row(1)], "c1") != []


def test_a_failed_step_spoils_what_is_done_together(journal: Journal, row: Row) -> None:
    def swallow() -> None:
        with journal.together():
            journal.arrive([row(1)], "c1")
            with pytest.raises(KeyError):
                break_off(journal)

    with pytest.raises(JournalError, match="none of it was kept"):
        swallow()
    assert journal.cursor is None


# Sends.


def test_what_was_planned_is_sent_after_a_restart_and_what_was_attempted_is_not(
    journal: Journal, open_journal: Open, row: Row, dispatched: Decision
) -> None:
    (entry,) = journal.arrive([row(1)], "c")
    journal.begin(entry, dispatched)
    one, two, three = journal.plan(entry, [[SEND, {**SEND, "text": "and"}], [{**SEND, "text": "so"}]])
    assert {each.answers_rowid for each in (one, two, three)} == {1}
    assert [(each.reply, each.part, each.params["text"]) for each in (one, two, three)] == [
        (0, 0, "yes"), (0, 1, "and"), (1, 0, "so"),
    ]  # fmt: skip
    journal.settle(journal.attempting(one), OutboxState.OBSERVED, guid="S1", rowid=11)
    tried = journal.attempting(two, attempt_id="a-1", after_rowid=11)
    journal.close()
    left = open_journal().unfinished()
    assert left.planned == (three,)
    assert left.attempting == (tried,)
    assert (tried.attempt_id, tried.after_rowid) == ("a-1", 11)


def test_a_chunk_is_attempted_once(journal: Journal) -> None:
    (chunk,) = journal.plan(None, [[{"text": "hello", "to": "+1"}]])
    assert (chunk.entry_id, chunk.chat_id) == (None, None)
    assert journal.attempting(chunk) is not None
    assert journal.attempting(chunk) is None


def test_an_attempt_is_in_the_file_by_itself(journal: Journal) -> None:
    (chunk,) = journal.plan(None, [[SEND]])
    with journal.together(), pytest.raises(UsageError):
        journal.attempting(chunk)
    assert journal.unfinished().planned == (chunk,)


def test_only_an_uncertain_chunk_is_settled_twice(journal: Journal, folder: Path) -> None:
    one, two = journal.plan(None, [[SEND], [SEND]])
    assert journal.settle(journal.attempting(one), OutboxState.UNCERTAIN, detail="timeout")
    assert journal.settle(one, OutboxState.OBSERVED, guid="S1")
    assert not journal.settle(one, OutboxState.FAILED)
    assert journal.settle(two, OutboxState.EXPIRED)
    with pytest.raises(UsageError):
        journal.settle(two, OutboxState.PLANNED)
    assert [(each.state, each.guid, each.detail) for each in StateReader(folder).outbox()] == [
        ("observed", "S1", None), ("expired", None, None),
    ]  # fmt: skip


def test_own_messages_are_known_again_after_a_restart(
    journal: Journal, open_journal: Open, clock: Any, row: Row
) -> None:
    one, two = journal.plan(None, [[SEND], [{**SEND, "chat_id": 8}]])
    journal.settle(journal.attempting(one), OutboxState.OBSERVED, guid="S1", rowid=40)
    clock.advance(minutes=5)
    tried = journal.attempting(two)
    assert [(each.guid, each.rowid) for each in journal.recent_sends(clock.at - timedelta(hours=1))] == [
        ("S1", 40), (None, None),
    ]  # fmt: skip
    journal.close()
    again = open_journal()
    assert again.was_sent(guid="S1")
    assert again.was_sent(rowid=40)
    assert not again.was_sent(guid="S2", rowid=41)
    assert not again.was_sent()
    assert again.recent_sends(clock.at - timedelta(minutes=1)) == [tried]
    assert again.claimed(7) == {"S1"}
    assert again.claimed(8) == frozenset()


# Small things.


def test_what_was_said_since_the_last_answer_is_told_group_by_group(
    journal: Journal, row: Row, dispatched: Decision
) -> None:
    ignored = Decision(dispatched=False, rule="no_mention", reason=Reason.NO_MENTION)
    rows = [row(number, chat_id=7 + number % 2) for number in range(1, 9)]
    entries = journal.arrive([*rows, row(9, chat_id=None)], "c")
    journal.conclude([(each, ignored) for each in entries if each.message.rowid != 4])
    assert [each.rowid for each in journal.unmentioned(2)] == [6, 8, 5, 7]
    journal.begin(entries[3], dispatched)
    # The group is answered when the handling is over.
    assert [each.rowid for each in journal.unmentioned(9) if each.chat_id == 7] == [2, 6, 8]
    journal.plan(entries[3], [])
    assert [each.rowid for each in journal.unmentioned(9) if each.chat_id == 7] == [6, 8]
    journal.erase("+15551234567")
    assert journal.unmentioned(9) == []


def test_the_last_route_is_remembered(journal: Journal, open_journal: Open) -> None:
    assert journal.route("main") is None
    journal.remember_route(LastRoute("main", "imessage", "chat_id:7"))
    journal.remember_route(LastRoute("main", "imessage", "chat_id:8"))
    journal.close()
    assert open_journal().route("main") == LastRoute("main", "imessage", "chat_id:8")


def test_the_status_is_published_once_a_second(journal: Journal, clock: Any, folder: Path) -> None:
    assert StateReader(folder).status() is None
    assert journal.publish({"running": True, "n": 1})
    assert not journal.publish({"running": True, "n": 2})
    assert StateReader(folder).status() == {"running": True, "n": 1}
    clock.advance(seconds=1)
    assert journal.publish({"running": True, "n": 3})
    assert journal.publish({"running": False}, force=True)
    assert StateReader(folder).status() == {"running": False}
    assert not journal.publish({"running": False}, force=True)


def test_a_closed_journal_says_so(journal: Journal, row: Row) -> None:
    journal.close()
    journal.close()
    with pytest.raises(UsageError, match="closed"):
        journal.arrive([row(1)], "c")


def test_a_pairing_offer_is_one_transaction_with_its_decision(
    journal: Journal, row: Row, clock: Any, folder: Path
) -> None:
    store = PairingStore.of(journal, clock)
    (entry,) = journal.arrive([row(1)], "c")
    decision = Decision(dispatched=False, rule="pairing", reason=Reason.PAIRING)
    steps = (
        lambda: store.ask("+15551234567", chat_id=7),
        lambda: journal.conclude([(entry, decision)]),
        lambda: journal.plan(None, [[SEND]]),
    )
    with pytest.raises(KeyError):
        break_off(journal, *steps)
    assert store.pending() == ()
    assert journal.unfinished().planned == ()
    with journal.together():
        assert all(step() for step in steps[::2])
        steps[1]()
    assert len(store.pending()) == 1
    assert rows_of(folder) == [(1, "pairing", "finished", 0)]


def test_nothing_shown_of_a_journal_holds_what_people_wrote(
    journal: Journal, row: Row, dispatched: Decision, folder: Path
) -> None:
    (entry,) = journal.arrive([row(1, text="secret")], "c")
    journal.begin(entry, dispatched)
    chunks = journal.plan(entry, [[{**SEND, "text": "secret"}]])
    reader = StateReader(folder)
    pairing = PairingRow(handle="+15551234567", state="approved")
    rows = [*reader.decisions(), *reader.outbox(), pairing]
    shown = repr([entry, chunks, journal, journal.store, journal.unfinished(), reader, *rows])
    assert "secret" not in shown
    assert "555" not in shown
