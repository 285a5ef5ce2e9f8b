"""Decisions, outbox, pairing and status as people see them, beside a gateway that runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.columns import DECISIONS, OUTBOX, PAIRING
from imsg_sdk.errors import InvalidParams
from imsg_sdk.frames import dtypes
from imsg_sdk.gateway import Decision, Reason
from imsg_sdk.gateway.state import Journal, OutboxState, PairingStore, StateReader
from imsg_sdk.gateway.state.frames import decisions_frame, outbox_frame, pairing_frame
from imsg_sdk.models import Message

Row = Callable[..., Message]


def test_without_a_state_there_is_nothing(folder: Path, clock: Any) -> None:
    reader = StateReader(folder)
    assert reader.status() is None
    for frame, table in (
        (decisions_frame(reader), DECISIONS),
        (outbox_frame(reader), OUTBOX),
        (pairing_frame(reader, clock.at), PAIRING),
    ):
        assert len(frame) == 0
        assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == dtypes(table)


def test_every_row_shows_what_became_of_it(
    journal: Journal, row: Row, dropped: Decision, dispatched: Decision, folder: Path, clock: Any
) -> None:
    one, two, three, four = journal.arrive([row(1), row(2, created_at=clock.at), row(3), row(4)], "c")
    journal.conclude([(one, dropped)])
    clock.advance(seconds=2)
    journal.begin(two, dispatched)
    journal.plan(two, [[{"text": "hi", "chat_id": 7}], [{"file": "/tmp/a.png", "chat_id": 7}]], error="ValueError")
    journal.begin(three, dispatched)
    frame = decisions_frame(StateReader(folder))
    assert {name: str(dtype) for name, dtype in frame.dtypes.items() if str(dtype) != "category"} == {
        name: dtype for name, dtype in dtypes(DECISIONS).items() if dtype != "category"
    }
    assert frame["entry_id"].tolist() == [one.id, two.id, three.id, four.id]
    assert frame["state"].tolist() == ["finished", "finished", "begun", "arrived"]
    assert frame["dispatched"].fillna(False).tolist() == [False, True, True, False]
    assert frame["dispatched"].isna().tolist() == [False, False, False, True]
    assert frame["reason"].tolist()[0] == "dm_not_allowed"
    assert frame["detail"].tolist()[0] == "because"
    assert frame["error"].tolist()[1] == "ValueError"
    assert frame["text"].tolist() == ["text 1", "text 2", "text 3", "text 4"]
    assert (frame["finished_at"] - frame["arrived_at"]).tolist()[1].total_seconds() == 2
    sent = outbox_frame(StateReader(folder))
    assert sent["entry_id"].tolist() == [two.id, two.id]
    assert sent["has_file"].tolist() == [False, True]
    assert sent["state"].tolist() == ["planned", "planned"]


def test_only_the_latest_are_read(journal: Journal, row: Row, folder: Path, clock: Any) -> None:
    journal.arrive([row(number) for number in range(1, 5)], "c")
    clock.advance(hours=1)
    journal.arrive([row(number) for number in range(5, 8)], "c")
    reader = StateReader(folder)

    def read(**options: Any) -> list[int]:
        return [each.message_rowid for each in reader.decisions(**options)]

    assert read(limit=2) == [6, 7]
    assert read(limit=99) == [1, 2, 3, 4, 5, 6, 7]
    assert read(limit=0) == []
    assert read(since=clock.at) == [5, 6, 7]
    assert read(since=clock.at, limit=2) == [6, 7]
    assert read(since=clock.at + timedelta(seconds=1), limit=2) == []
    for frame in (
        decisions_frame(reader, since="30m", now=clock.at),
        decisions_frame(reader, since=clock.at.isoformat()),
        decisions_frame(reader, limit=3),
    ):
        assert frame["message_rowid"].tolist() == [5, 6, 7]


@pytest.mark.parametrize("table", [decisions_frame, outbox_frame])
@pytest.mark.parametrize("options", [{"since": "yesterday"}, {"since": 3}, {"limit": 0}, {"limit": "5"}])
def test_what_cannot_be_meant_is_refused(folder: Path, table: Any, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidParams):
        table(StateReader(folder), **options)


def test_a_reader_sees_whole_steps_only_and_holds_nobody_up(
    journal: Journal, row: Row, dropped: Decision, folder: Path
) -> None:
    journal.arrive([row(1)], "c")
    reader = StateReader(folder)
    reading = reader.decisions()
    assert next(reading).message_rowid == 1
    with journal.together():
        (two,) = journal.arrive([row(2)], "c2")
        assert [each.message_rowid for each in reader.decisions()] == [1]
        journal.conclude([(two, dropped)])
    assert [each.reason for each in reader.decisions()] == [None, "dm_not_allowed"]
    assert [each.message_rowid for each in reading] == [2]


def test_pages_join_without_a_gap(journal: Journal, row: Row, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imsg_sdk.gateway.state.reader._AT_ONCE", 3)
    journal.arrive([row(number) for number in range(1, 9)], "c")
    journal.plan(None, [[{"text": str(number), "chat_id": 7}] for number in range(8)])
    reader = StateReader(folder)
    assert [each.message_rowid for each in reader.decisions()] == list(range(1, 9))
    assert [each.text for each in reader.outbox()] == [str(number) for number in range(8)]


def test_who_waits_and_who_was_approved(journal: Journal, folder: Path, clock: Any) -> None:
    store = PairingStore.of(journal, clock)
    first = store.ask("+1 555 123 0001", chat_id=4)
    store.ask("ann@example.com")
    assert first is not None
    store.approve(first.code)
    clock.advance(minutes=10)
    frame = pairing_frame(StateReader(folder), clock.at)
    assert frame["handle"].tolist() == ["+15551230001", "ann@example.com"]
    assert frame["state"].tolist() == ["approved", "pending"]
    clock.advance(minutes=51)
    assert len(pairing_frame(StateReader(folder), clock.at)) == 1


def test_a_chunk_that_was_settled_says_how(journal: Journal, folder: Path) -> None:
    (chunk,) = journal.plan(None, [[{"text": "hi", "to": "+1"}]])
    journal.attempting(chunk)
    journal.settle(chunk, OutboxState.UNCERTAIN, detail="timeout")
    (seen,) = StateReader(folder).outbox()
    assert (seen.state, seen.detail, seen.entry_id) == ("uncertain", "timeout", None)
    assert seen.settled_at is not None


def test_a_decision_may_be_a_reason_alone(journal: Journal, row: Row, folder: Path) -> None:
    (entry,) = journal.arrive([row(1)], "c")
    journal.conclude([(entry, Decision(dispatched=False, rule="echo", reason=Reason.ECHO))])
    assert [each.detail for each in StateReader(folder).decisions()] == [None]
