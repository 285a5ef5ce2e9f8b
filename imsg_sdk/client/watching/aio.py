"""A watch for code that runs in an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from imsg_sdk.client.watching.feed import Feed
from imsg_sdk.client.watching.pump import SLICE_S
from imsg_sdk.client.watching.watch import BaseWatch, checked_most, deadline_of
from imsg_sdk.models import Message

if TYPE_CHECKING:
    from imsg_sdk.client.base import BaseClient

__all__ = ["AsyncWatch"]


class AsyncWatch(BaseWatch):
    """Messages as they arrive; what :meth:`imsg_sdk.AsyncIMessageClient.watch` returns.

    The twin of :class:`Watch`.  Its place is found when it is first awaited: by ``async with``, :meth:`start`, or
    the first message.  A wait may be cancelled at any time; what had arrived is handed out by the next.
    """

    def __init__(self, client: BaseClient, feed: Feed) -> None:
        super().__init__(client, feed)
        self._turn = asyncio.Lock()

    async def start(self) -> Self:
        """Find the place to start from; calling it again does nothing.

        Raises
        ------
        AddressError, CursorMismatch, InvalidParams
            The chat, or the cursor, is none of this database.
        """
        self._check()
        async with self._turn:
            await self._run(lambda: self._is_closed or self._feed.is_placed, None)
        return self

    async def get(self, timeout: float | None = None) -> Message | None:
        """Return the next message, or None if none came in time.  See `Watch.get`."""
        found = await self.get_many(1, timeout)
        return found[0] if found else None

    async def get_many(
        self,
        max_records: int = 100,
        timeout: float | None = None,
    ) -> list[Message]:
        """Wait for the next message, and return it with what else is there.  See `Watch.get_many`.

        Returns
        -------
        list of Message
            Oldest row first; empty if none came in time.
        """
        most, deadline = checked_most(max_records), deadline_of(timeout)
        self._check()
        found: list[Message] = []
        try:
            async with self._turn:
                await self._run(self._has_some, deadline)
                found = self._take_what_is_there(most)
        except BaseException:
            self._feed.place.give_back(found)
            raise
        return found

    async def close(self) -> None:
        """End the watch; who waits for it gets nothing more.  Calling it again does nothing."""
        self._is_closed = True
        async with self._turn:
            self._end()

    async def __aiter__(self) -> AsyncIterator[Message]:
        """Yield messages until the watch is closed."""
        while not self._is_closed:
            if (message := await self.get()) is not None:
                yield message

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, until: Callable[[], bool], deadline: float | None) -> None:
        """Move the feed on, without blocking the loop, until something holds or the deadline passes."""
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


def _tell(loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[None]) -> None:
    with suppress(RuntimeError):  # the loop was closed; nobody waits
        loop.call_soon_threadsafe(_settle, waiter)


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
