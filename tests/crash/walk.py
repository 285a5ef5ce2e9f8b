"""A small gateway, the first scenario: takes rows from a list through every step of the journal, and sends into a file.

It keeps to what the real loop keeps to, and nothing more, so that a fault is the journal's.  What the outside world
would have seen is written to a log, line by line, which no end of the process can take back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from world import Scenario, World, key_of

from imsg_sdk._time import SystemClock
from imsg_sdk.gateway import Decision, Reason
from imsg_sdk.gateway.state import Entry, Journal, Outbound, OutboxState, PairingStore
from imsg_sdk.models import Message

IDENTITY = "the database of the crash test"


def _row(rowid: int, text: str, *, guid: str | None = None, sender: str = "+15551230001") -> Message:
    at = datetime(2026, 1, 5, 12, 0, rowid, tzinfo=UTC)
    return Message(rowid=rowid, guid=guid or f"G{rowid}", chat_id=7, sender=sender, text=text, created_at=at)


# What a message says is what becomes of it: dropped, or answered by so many chunks in so many replies.
BATCHES: tuple[tuple[Message, ...], ...] = (
    (_row(1, "drop"), _row(2, "answer a b | c")),
    (_row(2, "answer a b | c"), _row(3, "hold"), _row(4, "answer d")),
    (_row(5, "answer"), _row(6, "fail"), _row(7, "answer z", guid="G2"), _row(8, "pair", sender="+15551239999")),
)
"""What is reported, batch by batch; the second batch begins with a row that was reported before."""


class Walk:
    """One life of the process, from its start to the end of the list."""

    def __init__(self, folder: Path, reached: Callable[[str], None]) -> None:
        self.journal = Journal.open(folder, identity=IDENTITY, clock=SystemClock())
        self.pairing = PairingStore.of(self.journal, SystemClock())
        self.world = World(folder)
        self.reached = reached
        self.journal.reached = reached  # type: ignore[method-assign]
        self.held: list[Entry] = []

    def run(self) -> None:
        left = self.journal.unfinished()
        for chunk in left.attempting:
            # History shows only some of what went out.
            seen = key_of(chunk.params["text"]) in self.world.sent() and "b" not in chunk.params["text"]
            self.journal.settle(chunk, OutboxState.OBSERVED if seen else OutboxState.UNCERTAIN)
        for chunk in left.planned:
            self.send(chunk)
        for entry in sorted((*left.begun, *left.undecided), key=lambda each: each.id):
            self.handle(entry)
        for batch in range(int(self.journal.cursor or 0), len(BATCHES)):
            for entry in self.journal.arrive(BATCHES[batch], str(batch + 1)):
                self.handle(entry)
        self.journal.close()

    def handle(self, entry: Entry) -> None:
        word, _, rest = (entry.message.text or "").partition(" ")
        if word == "drop":
            decision = Decision(dispatched=False, rule="dm_not_allowed", reason=Reason.DM_NOT_ALLOWED)
            self.journal.conclude([(entry, decision)])
        elif word == "pair":
            self.offer(entry)
        elif word == "hold":
            self.held.append(entry)
        else:
            self.answer(entry, rest, fails=word == "fail")

    def offer(self, entry: Entry) -> None:
        sends: list[list[dict[str, Any]]] = [[{"text": "code", "to": entry.message.sender}]]
        with self.journal.together():
            request = self.pairing.ask(entry.message.sender or "")
            decision = Decision(dispatched=False, rule="pairing", reason=Reason.PAIRING)
            self.journal.conclude([(entry, decision)])
            chunks = self.journal.plan(None, sends) if request else []
        for chunk in chunks:
            self.send(chunk)

    def answer(self, entry: Entry, rest: str, *, fails: bool) -> None:
        decision = Decision(dispatched=True, rule="dispatch")
        merged = None
        with self.journal.together():
            if self.held:
                carried = Decision(dispatched=False, rule="coalesced", reason=Reason.COALESCED)
                self.journal.conclude([(each, carried) for each in self.held])
                rest = f"hold+{rest}"
                merged = _row(entry.message.rowid, f"answer {rest}")
                self.held.clear()
            attempt = self.journal.begin(entry, decision, message=merged)
        self.reached("handler:before")
        self.world.note("handled", entry.message.guid, attempt)
        self.reached("handler:after")
        replies = [[{"text": text, "chat_id": 7} for text in reply.split()] for reply in rest.split("|") if reply]
        for chunk in self.journal.plan(entry, replies, error="ValueError" if fails else ""):
            self.send(chunk)

    def send(self, chunk: Outbound) -> None:
        attempted = self.journal.attempting(chunk)
        if attempted is None:
            return
        self.reached("send:before")
        self.world.note("sent", key_of(attempted.params["text"]))
        self.reached("send:after")
        self.journal.settle(attempted, OutboxState.OBSERVED, guid=f"S{attempted.id}")


class WalkScenario(Scenario):
    """The small gateway."""

    rows = frozenset(row.rowid for batch in BATCHES for row in batch)
    chunks = ("a", "b", "c", "hold+d", "code")

    def live(self, folder: Path, reached: Callable[[str], None]) -> None:
        """Live to the end of the list."""
        Walk(folder, reached).run()
