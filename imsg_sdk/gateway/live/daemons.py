"""Calls on daemon threads, awaited: none of them holds up the end of the loop or of the interpreter."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Final

from imsg_sdk.errors import HandlerError

__all__ = ["Threads", "call_on_thread", "served_loop"]

_LOST_PER_THREAD: Final = 4
"""Threads that may be left to themselves, for each that runs handlers."""

served_loop: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("served_loop", default=None)
"""The loop whose handler this code is part of, on whatever thread it runs."""


async def call_on_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function on a thread of its own; where this is cancelled, the thread is left to itself."""
    call = Call(asyncio.get_running_loop(), lambda ended: None)
    call.start(function, arguments)
    return await call.future


class Threads:
    """So many calls at once, each on a thread of its own.

    Parameters
    ----------
    size
        How many at once.  As many again as four times that may be left to themselves.
    """

    def __init__(self, size: int) -> None:
        self._free = asyncio.Semaphore(size)
        self._most_lost = _LOST_PER_THREAD * size
        self.lost = 0

    async def acquire(self, timeout_s: float | None = None) -> None:
        """Wait for a thread; :meth:`run_acquired` uses it.

        Raises
        ------
        HandlerError
            None was free in time: those that run hang.
        """
        try:
            await asyncio.wait_for(self._free.acquire(), timeout_s)
        except TimeoutError:
            raise HandlerError(
                "no thread was free for a handler", hint="handlers hang; or raise imessage.limits.handlerThreads"
            ) from None

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Wait for a thread and call a function on it."""
        await self.acquire()
        return await self.run_acquired(function, *arguments)

    async def run_acquired(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function on the thread that was waited for."""
        loop = asyncio.get_running_loop()
        call = Call(loop, self._ended)
        try:
            call.start(function, arguments)
        except RuntimeError:
            self._free.release()
            raise
        try:
            return await call.future
        except asyncio.CancelledError:
            if not call.is_over and self.lost < self._most_lost:
                call.is_lost = True
                self.lost += 1
                self._free.release()
            raise

    def _ended(self, call: Call) -> None:
        if call.is_lost:
            self.lost -= 1
        else:
            self._free.release()


class Call:
    """One call on a thread of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ended: Callable[[Call], None]) -> None:
        self._loop = loop
        self._ended = ended
        self.future: asyncio.Future[Any] = loop.create_future()
        self.is_lost = False
        self.is_over = False

    def start(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        threading.Thread(target=self._run, args=(function, arguments), name="imsg-handler", daemon=True).start()

    def _run(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        value, error = None, None
        served_loop.set(self._loop)
        try:
            value = function(*arguments)
        except BaseException as raised:  # noqa: BLE001 - handed to the loop, which logs and records it
            error = raised
        with suppress(RuntimeError):  # the loop is gone: nobody wants to know
            self._loop.call_soon_threadsafe(self._finish, value, error)

    def _finish(self, value: Any, error: BaseException | None) -> None:
        self.is_over = True
        self._ended(self)
        if self.future.done():
            return
        if error is None:
            self.future.set_result(value)
        elif isinstance(error, Exception) and not isinstance(error, StopIteration):
            self.future.set_exception(error)
        else:
            # Neither SystemExit nor StopIteration of a handler may end the loop.
            self.future.set_exception(HandlerError(f"a handler raised {type(error).__name__}"))
