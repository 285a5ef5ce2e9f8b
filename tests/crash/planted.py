"""Faults to plant into the journal.  A harness that finds nothing proves nothing: it must find each of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from imsg_sdk.gateway.state import Entry, Journal, Outbound
from imsg_sdk.models import Message


def attempt_kept_late() -> None:
    """Send before the attempt is in the file."""
    _replace("attempting", lambda self, outbound, **_: outbound)


def cursor_first() -> None:
    """Move the cursor before the rows are in the file."""
    arrive = Journal.arrive

    def careless(self: Journal, rows: Sequence[Message], cursor: str | None) -> list[Entry]:
        self.move_cursor(str(cursor))
        return arrive(self, rows, None)

    _replace("arrive", careless)


def plan_in_two_steps() -> None:
    """Plan the answer, and finish its message in a transaction of its own."""
    plan = Journal.plan

    def careless(self: Journal, entry: Entry | None, replies: Any, *, error: str = "") -> list[Outbound]:
        chunks = plan(self, None, replies)
        plan(self, entry, (), error=error)
        return chunks

    _replace("plan", careless)


def no_memory_of_guids() -> None:
    """Take every row for a new one."""
    _replace("_known", lambda self, row: None)


def _replace(name: str, function: Callable[..., Any]) -> None:
    setattr(Journal, name, function)


FAULTS: dict[str, tuple[Callable[[], None], str]] = {
    "attempt_kept_late": (attempt_kept_late, "a chunk is attempted at most once"),
    "cursor_first": (cursor_first, "a reported message is never lost"),
    "plan_in_two_steps": (plan_in_two_steps, "every answer is planned once and whole"),
    "no_memory_of_guids": (no_memory_of_guids, "a row has one decision"),
}
"""Name -> what it does, and the promise that it breaks."""
