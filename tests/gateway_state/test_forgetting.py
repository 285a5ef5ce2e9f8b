"""What is kept goes in time, a person's part at once; what de-duplication needs stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.errors import AddressError
from imsg_sdk.gateway import Decision, Reason
from imsg_sdk.gateway.conversation import LastRoute
from imsg_sdk.gateway.state import Journal, OutboxState, PairingStore, StateReader, erase_beside
from imsg_sdk.models import Message, Poll, Reaction

Row = Callable[..., Message]
Open = Callable[..., Journal]


def texts(folder: Path) -> list[str | None]:
    return [each.text for each in StateReader(folder).decisions()]


def everything(folder: Path) -> bytes:
    """Return all bytes of the state on disk."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


# In time.


def test_texts_go_a_week_after_the_end_of_their_handling(
    journal: Journal, row: Row, dropped: Decision, dispatched: Decision, folder: Path, clock: Any
) -> None:
    one, two, _ = journal.arrive([row(1), row(2), row(3)], "c")
    journal.conclude([(one, dropped)])
    journal.begin(two, dispatched)
    clock.advance(days=6)
    journal.settle(*_attempted(journal, two), guid="S1")
    assert journal.prune() == 0
    clock.advance(days=1, seconds=1)
    assert journal.prune() == 1
    assert texts(folder) == [None, "text 2", "text 3"]
    clock.advance(days=6)
    assert journal.prune() == 2
    # What waits for its decision waits with its text.
    assert texts(folder) == [None, None, "text 3"]
    assert [each.text for each in StateReader(folder).outbox()] == [None]
    assert journal.prune() == 0


def _attempted(journal: Journal, entry: Any) -> tuple[Any, OutboxState]:
    (chunk,) = journal.plan(entry, [[{"text": "hi", "chat_id": 7}]])
    return journal.attempting(chunk), OutboxState.OBSERVED


def test_a_guid_is_known_long_after_its_text_is_gone(
    open_journal: Open, row: Row, dropped: Decision, folder: Path, clock: Any
) -> None:
    journal = open_journal(keep=timedelta(0), keep_decisions=timedelta(days=30))
    (one,) = journal.arrive([row(1)], "c")
    journal.conclude([(one, dropped)])
    clock.advance(seconds=1)
    assert journal.prune() == 1
    clock.advance(days=29)
    assert journal.prune() == 0
    assert journal.arrive([row(1)], "c") == []
    clock.advance(days=2)
    assert journal.prune() == 1
    assert list(StateReader(folder).decisions()) == []
    assert len(journal.arrive([row(1)], "c")) == 1


def test_nothing_unfinished_is_ever_forgotten(journal: Journal, row: Row, dispatched: Decision, clock: Any) -> None:
    undecided, begun, answered = journal.arrive([row(1), row(2), row(3)], "c")
    journal.begin(begun, dispatched)
    planned, attempted = journal.plan(answered, [[{"text": "a", "chat_id": 7}, {"text": "b", "chat_id": 7}]])
    journal.attempting(attempted)
    clock.advance(days=1000)
    journal.prune()
    left = journal.unfinished()
    assert left.undecided == (undecided,)
    assert [each.message for each in left.begun] == [begun.message]
    assert left.planned == (planned,)
    assert [each.params for each in left.attempting] == [attempted.params]
    assert journal.arrive([row(3)], "c") == []


def test_pruning_goes_on_where_it_stopped(
    journal: Journal, row: Row, dropped: Decision, folder: Path, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imsg_sdk.gateway.state.pruning.STEP", 3)
    entries = journal.arrive([row(number) for number in range(1, 12)], "c")
    # The oldest stay unfinished, more of them than one step looks at.
    journal.conclude([(entry, dropped) for entry in entries[4:]])
    clock.advance(days=8)
    journal.arrive([row(20)], "c")
    assert [journal.prune() for _ in range(5)] == [0, 2, 3, 2, 0]
    assert [text for text in texts(folder) if text] == ["text 1", "text 2", "text 3", "text 4", "text 20"]


def test_the_file_shrinks_again(journal: Journal, row: Row, dropped: Decision, folder: Path, clock: Any) -> None:
    entries = journal.arrive([row(number, text="x" * 4000) for number in range(500)], "c")
    journal.conclude([(entry, dropped) for entry in entries])
    journal.store.forget_log()
    path = folder / "gateway-default.db"
    full = path.stat().st_size
    clock.advance(days=8)
    while journal.prune(clock.now()):
        pass
    for _ in range(3):
        journal.prune()
    journal.store.forget_log()
    assert path.stat().st_size < full / 2


# At once.


def test_a_person_is_erased_from_every_place(
    journal: Journal, row: Row, dropped: Decision, dispatched: Decision, folder: Path, clock: Any
) -> None:
    zoe = "+1 (555) 867-5309"
    store = PairingStore.of(journal, clock)
    from_zoe = row(1, sender="+15558675309", text="zoe's secret", chat_identifier="+15558675309")
    to_zoe = row(2, sender=None, is_from_me=True, text="for zoe only", chat_identifier="+15558675309", guid="O2")
    in_group = row(
        3,
        sender="+15550000001",
        is_group=True,
        chat_identifier="chat1",
        participants=("+15558675309", "+15550000001"),
        reply_to_sender="+15558675309",
        reply_to_text="zoe was quoted",
        text="hello all",
        poll=Poll(kind="vote", votes=(("a", "+15558675309"),)),
        reactions=(Reaction(message_rowid=3, rowid=9, type="love", sender="+15558675309"),),
        extra={"odd": "+15558675309"},
    )
    of_bob = row(4, sender="+15550000002", text="bob's own", chat_id=8, chat_identifier="+15550000002")
    first, own, *_ = journal.arrive([from_zoe, to_zoe, in_group, of_bob], "c")
    journal.begin(first, dispatched)
    journal.plan(first, [[{"text": "answer to zoe", "chat_id": 7}]], error="zoe said +15558675309")
    journal.plan(None, [[{"text": "code for zoe", "to": "+15558675309"}]])
    journal.plan(None, [[{"text": "for bob", "to": "+15550000002"}]])
    journal.conclude([(own, dropped)])
    journal.remember_route(LastRoute("main", "imessage", "+15558675309"))
    request = store.ask("+15558675309")
    assert request is not None
    store.approve(request.code)

    assert journal.erase(zoe) == 6
    journal.close()
    left = everything(folder)
    for secret in (b"5558675309", b"zoe", b"867-5309"):
        assert secret not in left
    for kept in (b"bob's own", b"hello all", b"for bob", b"+15550000001"):
        assert kept in left


def test_what_an_erased_person_wrote_is_not_handled_and_not_answered(
    journal: Journal, row: Row, dispatched: Decision, folder: Path
) -> None:
    undecided, begun, answered = journal.arrive([row(1), row(2), row(3)], "c")
    journal.begin(begun, dispatched)
    planned, tried = journal.plan(answered, [[{"text": "a", "chat_id": 7}, {"text": "b", "chat_id": 7}]])
    journal.attempting(tried)
    assert journal.erase("+15551234567") == 5
    assert repr(journal.unfinished()) == "<Unfinished: 0 undecided, 0 begun, 0 planned, 0 attempting>"
    assert journal.begin(undecided, dispatched) == 0
    assert journal.plan(begun, [[{"text": "c", "chat_id": 7}]]) == []
    assert journal.attempting(planned) is None
    # It was under way when the person was erased: what became of it may still be noted.
    assert journal.settle(tried, OutboxState.OBSERVED, guid="S1")
    reasons = [each.reason for each in StateReader(folder).decisions()]
    assert reasons == ["erased", "erased", None]
    assert [each.state for each in StateReader(folder).outbox()] == ["skipped", "observed"]
    # Its rows are known still.
    assert journal.arrive([row(1), row(2), row(3)], "c") == []


def test_another_process_erases_while_a_gateway_runs(
    journal: Journal, folder: Path, clock: Any, row: Row, dispatched: Decision
) -> None:
    (entry,) = journal.arrive([row(1)], "c")
    assert erase_beside(folder, "default", "+1 (555) 123-4567", clock) == 1
    assert journal.begin(entry, dispatched) == 0
    assert journal.unfinished().undecided == ()


def test_nobody_is_erased_by_mistake(journal: Journal, row: Row, folder: Path) -> None:
    journal.arrive([row(1, chat_identifier=None), row(2, sender=None)], "c")
    with pytest.raises(AddressError):
        journal.erase("  ")
    assert journal.erase("+15559999999") == 0
    assert texts(folder) == ["text 1", "text 2"]


def test_an_erased_decision_is_no_answer_of_the_rules() -> None:
    assert Reason("erased") is Reason.ERASED
