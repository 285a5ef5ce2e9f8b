"""The running gateway with its journal, over a program that costs nothing."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measure import Bench, Figure

from imsg_sdk.gateway import Gateway
from imsg_sdk.models import Message, SendResult, SendState

MESSAGES = 20_000
SETTINGS: dict[str, Any] = {
    "imessage": {
        "allowFrom": [f"+1555{number:07d}" for number in range(50)],
        "groups": {"*": {}},
        "groupPolicy": "open",
        "limits": {"burst": 0, "queuedPerChat": 1000},
    },
    "messages": {"groupChat": {"mentionPatterns": ["@bot"]}},
}


class _Inbox:
    is_live = True
    boundary_rowid = 0

    def __init__(self, rows: list[Message]) -> None:
        self._rows = rows
        self._next = 0

    @property
    def cursor(self) -> str:
        return str(self._next)

    async def start(self) -> None:
        pass

    async def get_many(self, max_records: int, timeout_s: float) -> list[Message]:
        rows = self._rows[self._next : self._next + max_records]
        self._next += len(rows)
        await asyncio.sleep(0 if rows else timeout_s)
        return rows

    async def close(self) -> None:
        pass


class _Program:
    """Reports rows as fast as they are taken, and sends at once."""

    identity = "bench"
    roots = ()

    def __init__(self, rows: list[Message]) -> None:
        self._rows = rows
        self.sent = 0

    def inbox(self, since: str | None, *, reactions: bool) -> _Inbox:
        return _Inbox(self._rows)

    async def deliver(self, params: Any, *, attempt_id: str, chat_guid: str | None = None) -> SendResult:
        self.sent += 1
        return SendResult(state=SendState.OBSERVED, guid=attempt_id, rowid=10_000_000 + self.sent)

    async def close(self) -> None:
        pass


def _rows() -> list[Message]:
    """Nine in ten dropped: half of them by their sender, half in groups that speak of something else."""
    now = datetime.now(UTC)
    rows = []
    for number in range(1, MESSAGES + 1):
        answered, in_group = number % 10 == 0, number % 2 == 1
        rows.append(
            Message(
                rowid=number,
                guid=f"guid-{number}",
                chat_id=1000 + number % 97 if in_group else number % 50 + 1,
                is_group=in_group,
                sender=f"+1555{number % 50:07d}" if answered or in_group else f"+1666{number:07d}",
                text=f"message {number}, as long as most of them are, and a little longer than that",
                created_at=now,
            )
        )
    return rows


def loop(bench: Bench) -> Iterator[Figure]:
    """Messages through journal, rules, handlers and outbox: nine in ten dropped, one answered."""
    for name, handler in (("async def", _answer), ("def", lambda context: "ok")):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["IMSG_SDK_STATE_DIR"] = folder
            program = _Program(_rows())
            gateway = Gateway(SETTINGS, client=program, handler=handler, state_dir=Path(folder) / "state")
            started = time.perf_counter()
            with gateway:
                gateway.drain(120, through=MESSAGES)
                seconds = time.perf_counter() - started
            assert program.sent == MESSAGES // 10
            note = f"{program.sent:,} answered"
            rate = MESSAGES / seconds
            yield Figure(f"gateway loop with journal, {name}", rate, "messages/s", 2000, more_is_better=True, note=note)


async def _answer(context: Any) -> str:
    return "ok"
