"""Reading of what arrives for code that runs in an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeVar

from imsg_sdk.client.plan import SLICE_S
from imsg_sdk.client.watching.reader import BaseReader, Stream, checked_most, deadline_of
from imsg_sdk.client.watching.watch import BaseWatch
from imsg_sdk.models import Message

if TYPE_CHECKING:
    from imsg_sdk.client.base import BaseClient

__all__ = ["AsyncReader", "AsyncWatch"]

T = TypeVar("T")


class AsyncReader(BaseReader[T]):
    """Reads by awaiting; the twin of :class:`Reader`.

    A wait may be cancelled at any time; what had arrived is handed out by the next.
    """

    def __init__(self, client: BaseClient, stream: Stream[T]) -> None:
        super().__init__(client, stream)
        self._turn = asyncio.Lock()

    async def start(self) -> Self:
        """Begin; calling it again does nothing.

        Raises
        ------
        AddressError, CursorMismatch, InvalidParams, Unsupported
            As for the method that made this.
        """
        self._check()
        async with self._turn:
            await self._run(self._is_over_or_placed, None)
        return self

    async def get(self, timeout: float | None = None) -> T | None:
        """Return the next record, or None if none came in time.  See `Watch.get`."""
        found = await self.get_many(1, timeout)
        return found[0] if found else None

    async def get_many(self, max_records: int = 100, timeout: float | None = None) -> list[T]:
        """Wait for the next record, and return it with what else is there.  See `Watch.get_many`.

        Returns
        -------
        list
            In the order of arrival; empty if none came in time.
        """
        most, deadline = checked_most(max_records), deadline_of(timeout)
        self._check()
        found: list[T] = []
        try:
            async with self._turn:
                await self._run(self._has_some, deadline)
                found = self._take_what_is_there(most)
        except BaseException:
            self._stream.give_back(found)
            raise
        return found

    async def close(self) -> None:
        """End it; who waits for it gets nothing more.  Calling it again does nothing."""
        self._is_closed = True
        async with self._turn:
            self._end()

    async def __aiter__(self) -> AsyncIterator[T]:
        """Yield records until it is closed."""
        while not self._is_closed:
            if (record := await self.get()) is not None:
                yield record

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, until: Callable[[], bool], deadline: float | None) -> None:
        """Move the stream on, without blocking the loop, until something holds or the deadline passes."""
        loop = asyncio.get_running_loop()
        while not until():
            if self._pump.is_ready():
                self._pump.advance()
                continue
            left = SLICE_S if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return
            waiter = loop.create_future()
            self._pump.wake = lambda waiter=waiter: _tell(loop, waiter)
            try:
                if not self._pump.is_ready():
                    await asyncio.wait([waiter], timeout=min(left, self._pump.left_s(), SLICE_S))
            finally:
                self._pump.wake = None
                waiter.cancel()


class AsyncWatch(BaseWatch, AsyncReader[Message]):
    """Messages as they arrive; what :meth:`imsg_sdk.AsyncIMessageClient.watch` returns.

    The twin of :class:`Watch`.  Its place is found when it is first awaited: by ``async with``, :meth:`start`, or
    the first message.  A wait may be cancelled at any time; what had arrived is handed out by the next.
    """


def _tell(loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[None]) -> None:
    with suppress(RuntimeError):  # the loop was closed; nobody waits
        loop.call_soon_threadsafe(_settle, waiter)


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
