"""What the journal hands out: entries, chunks to send, and the rows that people look at.  Data only.

No ``repr`` here shows what people wrote.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from imsg_sdk.gateway.policy import Decision
from imsg_sdk.models import Message

__all__ = ["DecisionRow", "Entry", "EntryState", "Outbound", "OutboundRow", "OutboxState", "PairingRow", "Unfinished"]


class EntryState(StrEnum):
    """How far an inbound row has come."""

    ARRIVED = "arrived"
    """No decision yet."""
    BEGUN = "begun"
    """Its handler runs, or was running when the process ended."""
    FINISHED = "finished"


class OutboxState(StrEnum):
    """How far a chunk has come."""

    PLANNED = "planned"
    ATTEMPTING = "attempting"
    """The request was, or is about to be, written."""
    OBSERVED = "observed"
    """Seen in the history."""
    ACCEPTED = "accepted"
    """The program took it."""
    FAILED = "failed"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    """It may have gone out; never sent again by itself."""
    EXPIRED = "expired"
    """Too old to be sent when its turn came."""
    SKIPPED = "skipped"
    """Not sent, because an earlier part of its reply was not, or its person was erased."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One inbound row in the journal."""

    id: int
    message: Message
    arrived_at: datetime
    attempt: int = 0
    """How often a handler was begun for it."""
    decision: Decision | None = None

    def __repr__(self) -> str:
        return f"<Entry {self.id}, message {self.message.rowid}, attempt {self.attempt}>"


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """One chunk of one reply in the outbox; ``entry_id`` is None where it answers nothing."""

    id: int
    entry_id: int | None
    chat_id: int | None
    reply: int
    part: int
    params: dict[str, Any]
    state: OutboxState
    planned_at: datetime
    attempt_id: str | None = None
    """What the attempt was called, where the program can find it by that."""
    after_rowid: int | None = None
    """No row of the attempt can be at or below this one."""
    answers_rowid: int | None = None
    """Row of the message that it answers."""
    guid: str | None = None
    rowid: int | None = None
    """What it was settled with."""

    def __repr__(self) -> str:
        return f"<Outbound {self.id}, reply {self.reply} part {self.part} to entry {self.entry_id}, {self.state}>"


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """What a process that ended left behind, each in order."""

    undecided: tuple[Entry, ...] = ()
    begun: tuple[Entry, ...] = ()
    """A handler was running and nothing was planned: it may run again."""
    planned: tuple[Outbound, ...] = ()
    """To be sent."""
    attempting: tuple[Outbound, ...] = ()
    """To be settled from history, never to be sent again."""

    def __repr__(self) -> str:
        return (
            f"<Unfinished: {len(self.undecided)} undecided, {len(self.begun)} begun, "
            f"{len(self.planned)} planned, {len(self.attempting)} attempting>"
        )


class PairingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One person who waits or was approved; fields as in :data:`imsg_sdk.columns.PAIRING`."""

    handle: str
    state: str
    code: str | None = None
    chat_id: int | None = None
    asked_at: datetime | None = None
    seen_at: datetime | None = None
    approved_at: datetime | None = None

    def __repr__(self) -> str:
        return f"<PairingRow, {self.state}>"


class DecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One inbound row and what became of it; fields as in :data:`imsg_sdk.columns.DECISIONS`."""

    entry_id: int
    message_rowid: int
    guid: str | None
    chat_id: int | None
    sender: str | None
    is_group: bool | None
    is_from_me: bool
    text: str | None
    created_at: datetime | None
    arrived_at: datetime
    state: str
    dispatched: bool | None
    reason: str | None
    detail: str | None
    was_mentioned: bool | None
    command_authorized: bool | None
    attempts: int
    repeats: int
    error: str | None
    decided_at: datetime | None
    finished_at: datetime | None

    def __repr__(self) -> str:
        return f"<DecisionRow of message {self.message_rowid}, {self.reason or self.state}>"


class OutboundRow(msgspec.Struct, frozen=True, kw_only=True):
    """One chunk and what became of it; fields as in :data:`imsg_sdk.columns.OUTBOX`."""

    outbound_id: int
    entry_id: int | None
    chat_id: int | None
    reply: int
    part: int
    state: str
    text: str | None
    has_file: bool | None
    guid: str | None
    rowid: int | None
    detail: str | None
    planned_at: datetime
    attempted_at: datetime | None
    settled_at: datetime | None

    def __repr__(self) -> str:
        return f"<OutboundRow {self.outbound_id}, {self.state}>"
