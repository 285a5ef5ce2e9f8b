"""The real gateway over a program that is a list and a log: rows come from the list, sends go into the log."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from world import Scenario, World, key_of

from imsg_sdk.gateway import Context, Gateway
from imsg_sdk.gateway.state import Journal, StateReader
from imsg_sdk.models import Message, SendResult, SendState

_LONG = 300
"""Longer than half a chunk, so that two of them make two."""

ANSWERS = {"two": ["a" * _LONG + "\n" + "b" * _LONG, "c"], "hold\nmerge": ["merged"], "say": ["said"], "none": None}
"""What the handler answers to which text; it fails where there is nothing here."""

CONFIG: dict[str, Any] = {
    "imessage": {"dmPolicy": "pairing", "allowFrom": ["+15551230001"], "textChunkLimit": 400},
    "messages": {"inbound": {"debounceMs": 5}},
}


def _row(rowid: int, text: str, *, chat_id: int, sender: str = "+15551230001", guid: str = "") -> Message:
    return Message(
        rowid=rowid,
        guid=guid or f"G{rowid}",
        chat_id=chat_id,
        sender=sender,
        is_group=False,
        text=text,
        created_at=datetime.now(UTC),
    )


BATCHES: tuple[Callable[[], tuple[Message, ...]], ...] = (
    lambda: (_row(1, "hey", chat_id=1, sender="+15551230009"), _row(2, "two", chat_id=2)),
    lambda: (_row(2, "two", chat_id=2), _row(3, "hold", chat_id=3), _row(4, "merge", chat_id=3)),
    lambda: (_row(5, "none", chat_id=5), _row(6, "fail", chat_id=6), _row(7, "x", chat_id=7, guid="G2")),
    lambda: (_row(8, "say", chat_id=8), _row(9, "hey again", chat_id=9, sender="+15551230009")),
)


class ListInbox:
    """The rows, batch by batch; the cursor is the number of the batch."""

    def __init__(self, since: str | None) -> None:
        self._next = int(since or 0)

    @property
    def cursor(self) -> str:
        return str(self._next)

    @property
    def is_live(self) -> bool:
        return True

    @property
    def boundary_rowid(self) -> int:
        return 0

    async def start(self) -> None:
        pass

    async def get_many(self, max_records: int, timeout_s: float) -> list[Message]:
        if self._next < len(BATCHES):
            self._next += 1
            return list(BATCHES[self._next - 1]())
        await asyncio.sleep(min(timeout_s, 0.01))
        return []

    async def close(self) -> None:
        pass


class ListProgram:
    """Sends into the log; history shows only some of what went out."""

    identity = "the list of the crash test"
    roots: tuple[str, ...] = ()

    def __init__(self, world: World) -> None:
        self._world = world

    def inbox(self, since: str | None, *, reactions: bool) -> ListInbox:
        return ListInbox(since)

    async def deliver(self, params: Mapping[str, Any], *, attempt_id: str, chat_guid: str | None = None) -> SendResult:
        self._world.note("sent", key_of(params["text"]))
        await asyncio.sleep(0)
        return SendResult(state=SendState.OBSERVED, guid=attempt_id)

    async def settle(
        self, params: Mapping[str, Any], *, after_rowid: int, attempt_id: str | None, claimed: Collection[str]
    ) -> SendResult | None:
        key = key_of(params["text"])
        went_out = key in self._world.sent() and not key.startswith("b")
        return SendResult(state=SendState.OBSERVED, guid=attempt_id) if went_out else None

    async def mark_read(self, chat_id: int) -> None:
        pass

    async def show_typing(self, chat_id: int, *, is_typing: bool) -> None:
        pass

    async def close(self) -> None:
        pass


def answer(world: World) -> Callable[[Context], Any]:
    """Return the handler, which notes that it ran."""

    def handler(context: Context) -> Iterator[str]:
        world.note("handled", context.message.guid, context.attempt)
        yield from ANSWERS[context.message.text or ""] or ()

    return handler


class EmbeddedScenario(Scenario):
    """The real gateway, from start to stop, over the list."""

    rows = frozenset(range(1, 10))
    chunks = ("a" * 8, "b" * 8, "c", "merged", "said", "This")

    def live(self, folder: Path, reached: Callable[[str], None]) -> None:
        """Live until everything is answered."""
        os.environ["IMSG_SDK_STATE_DIR"] = str(folder.with_name("shared"))
        Journal.reached = lambda self, point: reached(point)  # type: ignore[method-assign]
        world = World(folder)
        gateway = Gateway(CONFIG, client=ListProgram(world), handler=answer(world), state_dir=folder)
        last = max(self.rows)
        has_come = any(row.message_rowid == last for row in StateReader(folder).decisions())
        with gateway:
            gateway.drain(20, through=None if has_come else last)
