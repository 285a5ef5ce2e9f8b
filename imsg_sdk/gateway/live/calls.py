"""Calling a handler in time: ``async def`` on the loop, ``def`` on a thread, and nothing of it may stop the loop.

A thread cannot be ended from outside.  One whose handler overstays is left to itself and another takes its place, up
to a bound; what it says later is not heard.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from imsg_sdk.errors import HandlerError
from imsg_sdk.gateway.calling import Said
from imsg_sdk.gateway.context import Context
from imsg_sdk.gateway.handlers import HandlerFunction, Handlers, is_async
from imsg_sdk.gateway.live.daemons import Threads, served_loop
from imsg_sdk.gateway.replies import Reply

__all__ = ["HandlerCalls", "Outcome"]

_log = logging.getLogger("imsg_sdk.gateway.handlers")

_PATIENCE: Final = 4
"""Longest wait for a thread, in times of the longest run."""
_END: Final = object()


class Outcome(msgspec.Struct, frozen=True):
    """What a handler said, and what went wrong."""

    replies: tuple[Reply, ...] = ()
    error: Exception | None = None
    timed_out: bool = False

    def __repr__(self) -> str:
        return f"<Outcome, {len(self.replies)} replies{'' if self.error is None else ', failed'}>"


class HandlerCalls:
    """Finds the handler of a message and calls it.

    Parameters
    ----------
    handlers
        The registry; asked anew for each message, so that it may change while the loop runs.
    fallback
        Gets what no registered handler takes.
    timeout_s
        Longest run over one message.
    threads
        ``def`` handlers that run at once.
    """

    def __init__(self, handlers: Handlers, fallback: HandlerFunction | None, *, timeout_s: float, threads: int) -> None:
        self._handlers = handlers
        self._fallback = fallback
        self._timeout_s = timeout_s
        self._threads = Threads(threads)
        self._overdue: set[asyncio.Task[None]] = set()

    @property
    def lost(self) -> int:
        """Return how many handlers overstayed and still run."""
        return self._threads.lost + sum(not task.done() for task in self._overdue.copy())

    async def call(self, context: Context) -> Outcome:
        """Let the handler of a message run to its end, or to the end of its time."""
        return await self._guarded(self._find, context)

    async def run(self, function: HandlerFunction, context: Context) -> Outcome:
        """Call one function in the same way."""
        return await self._guarded(lambda context: function, context)

    async def _guarded(self, find: Callable[[Context], HandlerFunction | None], context: Context) -> Outcome:
        said = Said()
        try:
            function = find(context)
            if function is not None:
                await self._in_time(function, context, said)
        except Exception as error:  # noqa: BLE001 - a handler may raise anything; nothing of it may reach a person
            timed_out = isinstance(error, _Overdue)
            if timed_out:
                _log.error("the handler of message %d ran longer than %g s", context.message.rowid, self._timeout_s)
            else:
                _log.exception("the handler failed on message %d", context.message.rowid)
            return Outcome(said.close(), error, timed_out)
        return Outcome(said.close())

    def _find(self, context: Context) -> HandlerFunction | None:
        handler = self._handlers.find(context)
        if handler is not None:
            return self._handlers.chain(handler, around_plain=self._threaded)
        if self._fallback is None:
            return None
        return self._handlers.chained(self._fallback, around_plain=self._threaded)

    def _threaded(self, function: HandlerFunction) -> HandlerFunction:
        """Let a ``def`` handler that async middleware calls run on a thread all the same."""

        async def call(context: Context) -> Any:
            return await self._threads.run(_listed, function, context)

        return call

    async def _in_time(self, function: HandlerFunction, context: Context, said: Said) -> None:
        if is_async(function):
            running = self._drive(function(context), said)
        else:
            # Waiting for a thread is no fault of the handler: its time begins behind it.
            await self._threads.acquire(_PATIENCE * self._timeout_s)
            running = self._drive_plain(function, context, said)
        task = asyncio.get_running_loop().create_task(_tamed(running))
        try:
            done, _ = await asyncio.wait({task}, timeout=self._timeout_s)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.cancelled():
            # By itself: taken for a cancellation of ours, it would end the queue of its chat.
            raise HandlerError("a handler was cancelled", hint="catch asyncio.CancelledError of what it awaits")
        if done:
            task.result()
            return
        said.is_closed = True
        task.cancel()
        self._overdue.add(task)
        task.add_done_callback(self._forget)
        raise _Overdue(
            f"a handler ran longer than {self._timeout_s:g} s",
            hint="answer sooner, or raise imessage.limits.handlerTimeoutSeconds",
        )

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._overdue.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that nobody complains about it

    async def _drive_plain(self, function: HandlerFunction, context: Context, said: Said) -> None:
        await self._drive(await self._threads.run_acquired(_plain, function, context, said), said)

    async def _drive(self, result: Any, said: Said) -> None:
        while result is not _END:
            if inspect.isasyncgen(result):
                async for each in result:
                    said.take(each)
                return
            if inspect.isgenerator(result):
                result = await self._threads.run(_exhaust, result, said)
            elif inspect.isawaitable(result):
                result = await result
            else:
                said.take(result)
                return


async def _tamed(running: Coroutine[Any, Any, None]) -> None:
    """Let a handler end by nothing that would end the loop, too."""
    served_loop.set(asyncio.get_running_loop())
    try:
        await running
    except (SystemExit, KeyboardInterrupt) as error:
        raise HandlerError(f"a handler raised {type(error).__name__}") from None


class _Overdue(HandlerError):
    """A handler ran out of time."""


def _plain(function: HandlerFunction, context: Context, said: Said) -> Any:
    """Call a ``def`` handler to its end; return what only the loop can go on with."""
    result = function(context)
    if inspect.isgenerator(result):
        return _exhaust(result, said)
    if inspect.isawaitable(result) or inspect.isasyncgen(result):
        return result
    said.take(result)
    return _END


def _exhaust(results: Any, said: Said) -> Any:
    for each in results:
        said.take(each)
        if said.is_closed:
            results.close()
            break
    return _END


def _listed(function: HandlerFunction, context: Context) -> Any:
    """Call a ``def`` handler for middleware, which gets the replies of a generator as a list."""
    result = function(context)
    return list(result) if inspect.isgenerator(result) else result
