"""Shared by the tests of the state: a clock that stands still, a folder, a journal and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.gateway import Decision, Reason
from imsg_sdk.gateway.state import Journal, state_folder
from imsg_sdk.models import Message

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


class StillClock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def advance(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return state_folder(tmp_path / "state")


@pytest.fixture
def open_journal(folder: Path, clock: StillClock) -> Iterator[Callable[..., Journal]]:
    """Return a maker of journals on the one folder; they are closed at the end."""
    opened = []

    def make(**options: Any) -> Journal:
        journal = Journal.open(folder, **{"identity": "database 1", "clock": clock, **options})
        opened.append(journal)
        return journal

    yield make
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(open_journal: Callable[..., Journal]) -> Journal:
    return open_journal()


@pytest.fixture(scope="session")
def row() -> Callable[..., Message]:
    """Return a maker of messages: row number, then whatever differs."""

    def make(rowid: int = 1, **more: Any) -> Message:
        values = {"guid": f"G{rowid}", "chat_id": 7, "sender": "+15551234567", "text": f"text {rowid}", **more}
        return Message(rowid=rowid, is_group=values.pop("is_group", False), **values)

    return make


@pytest.fixture(scope="session")
def dropped() -> Decision:
    return Decision(dispatched=False, rule="dm_not_allowed", reason=Reason.DM_NOT_ALLOWED, detail="because")


@pytest.fixture(scope="session")
def dispatched() -> Decision:
    return Decision(dispatched=True, rule="dispatch", is_group=True, was_mentioned=True, command_authorized=True)
