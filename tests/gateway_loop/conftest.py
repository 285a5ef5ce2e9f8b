"""Shared by the tests of the running gateway: a program that is a script, and gateways over it that always end."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk._time import from_us, to_us
from imsg_sdk.gateway.gateway import Gateway
from imsg_sdk.models import Message, SendResult, SendState

OPEN: dict[str, Any] = {"imessage": {"allowFrom": ["*"], "dmPolicy": "open", "groupPolicy": "open"}}
WAIT_S = 5.0
START = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self._us = to_us(START)

    def now(self) -> datetime:
        return from_us(self._us)

    def monotonic(self) -> float:
        return self._us / 1_000_000

    def move(self, seconds: float) -> None:
        self._us += round(seconds * 1_000_000)


class FakeInbox:
    def __init__(self, program: FakeProgram, since: str | None) -> None:
        self._program = program
        self._next = len(program.rows) if since is None else int(since)
        self._live_from = len(program.rows)

    @property
    def cursor(self) -> str:
        return str(self._next)

    @property
    def is_live(self) -> bool:
        return self._next >= self._live_from

    @property
    def boundary_rowid(self) -> int | None:
        return self._program.rows[self._live_from - 1].rowid if self._live_from else 0

    async def start(self) -> None:
        if self._program.start_errors:
            raise self._program.start_errors.pop(0)

    async def get_many(self, max_records: int, timeout_s: float) -> list[Message]:
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            if self._program.read_errors:
                raise self._program.read_errors.pop(0)
            if rows := self._program.rows[self._next : self._next + max_records]:
                self._next += len(rows)
                return rows
            if asyncio.get_running_loop().time() >= deadline:
                return []
            await asyncio.sleep(0.002)

    async def close(self) -> None:
        pass


class FakeProgram:
    """A program that is a list: rows are appended, sends are noted."""

    def __init__(self, clock: Clock, identity: str) -> None:
        self.clock = clock
        self.identity = identity
        self.roots: tuple[str, ...] = ()
        self.rows: list[Message] = []
        self.sends: list[dict[str, Any]] = []
        self.acts: list[tuple[str, int]] = []
        self.guids: list[str | None] = []
        self.results: list[SendResult | Exception] = []
        self.history: list[SendResult | None] = []
        self.start_errors: list[Exception] = []
        self.read_errors: list[Exception] = []
        self.gate = threading.Event()
        self.gate.set()
        self.echoes = False
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def inbox(self, since: str | None, *, reactions: bool) -> FakeInbox:
        return FakeInbox(self, since)

    def receive(self, text: str | None = "hey", *, sender: str = "+15550001", chat_id: int = 7, **more: Any) -> int:
        """Let a message arrive; return its row."""
        with self._lock:
            number = next(self._numbers)
            row = {
                "rowid": number, "guid": f"in-{number}", "sender": sender, "chat_id": chat_id, "text": text,
                "is_group": False, "created_at": self.clock.now(),
            } | more  # fmt: skip
            self.rows.append(Message(**row))
            return int(row["rowid"])

    async def deliver(self, params: Mapping[str, Any], *, attempt_id: str, chat_guid: str | None = None) -> SendResult:
        self.sends.append(dict(params))
        self.guids.append(chat_guid)
        while not self.gate.is_set():
            await asyncio.sleep(0.002)
        result = self.results.pop(0) if self.results else None
        if isinstance(result, Exception):
            raise result
        number = next(self._numbers)
        if self.echoes:
            more = {"is_from_me": True, "guid": attempt_id, "rowid": number}
            self.receive(params.get("text"), chat_id=params.get("chat_id", 0), **more)
        return result or SendResult(state=SendState.OBSERVED, guid=attempt_id, rowid=number)

    async def settle(
        self, params: Mapping[str, Any], *, after_rowid: int, attempt_id: str | None, claimed: Collection[str]
    ) -> SendResult | None:
        return self.history.pop(0) if self.history else None

    async def mark_read(self, chat_id: int) -> None:
        self.acts.append(("read", chat_id))

    async def show_typing(self, chat_id: int, *, is_typing: bool) -> None:
        self.acts.append(("typing" if is_typing else "still", chat_id))

    async def close(self) -> None:
        pass


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def make_program() -> Callable[[str], FakeProgram]:
    """Return a maker of programs with a database of their own."""
    return lambda name: FakeProgram(Clock(), f"test:{name}")


@pytest.fixture
def program(clock: Clock, tmp_path: Path) -> FakeProgram:
    return FakeProgram(clock, f"test:{tmp_path}")


@pytest.fixture
def make_gateway(program: FakeProgram, clock: Clock, tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Return a maker of gateways over the program; all share one state, and all are stopped."""
    made: list[Gateway] = []

    def make(config: Any = OPEN, handler: Any = None, **options: Any) -> Gateway:
        options = {"client": program, "clock": clock, "state_dir": tmp_path / "state"} | options
        gateway = Gateway(config, handler=handler, **options)
        made.append(gateway)
        return gateway

    yield make
    for gateway in made:
        gateway.stop()


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], Any]], None]:
    """Return what waits until something holds."""

    def wait(holds: Callable[[], Any]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < deadline, "it did not come to hold"
            time.sleep(0.005)

    return wait


@pytest.fixture
def reasons() -> Callable[[Gateway], list[str | None]]:
    """Return what became of each row, in order; None where a handler got it."""

    def read(gateway: Gateway) -> list[str | None]:
        return [row.reason for row in gateway._reader().decisions()]

    return read


@pytest.fixture
def states() -> Callable[[Gateway], list[str]]:
    """Return what became of each chunk, in order."""

    def read(gateway: Gateway) -> list[str]:
        return [row.state for row in gateway._reader().outbox()]

    return read
