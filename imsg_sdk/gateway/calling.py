"""Calling a handler that may be anything: plain, async, or a generator of either kind, and collecting its replies."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from imsg_sdk.errors import HandlerError
from imsg_sdk.gateway.context import Context
from imsg_sdk.gateway.handlers import HandlerFunction
from imsg_sdk.gateway.replies import MOST_REPLIES, Reply, read_replies

if TYPE_CHECKING:
    import asyncio

__all__ = ["HandlerRunner", "Said"]

_log = logging.getLogger(__name__)


class Said:
    """What one call has said so far; deaf once it is closed."""

    def __init__(self) -> None:
        self._replies: list[Reply] = []
        self.is_closed = False

    def take(self, result: object) -> None:
        """Add what was returned or yielded.

        Raises
        ------
        HandlerError
            It is no reply, or there are too many.
        """
        for reply in read_replies(result):
            if self.is_closed:
                return
            if len(self._replies) >= MOST_REPLIES:
                raise HandlerError(f"a handler gave more than {MOST_REPLIES} replies", hint="join them into fewer")
            self._replies.append(reply)

    def close(self) -> tuple[Reply, ...]:
        """Return the replies, and take no more."""
        self.is_closed = True
        return tuple(self._replies)


class HandlerRunner:
    """Calls a handler to its end and collects its replies; what was yielded before an error stays.

    Async handlers run on a thread and loop of its own, which :meth:`__exit__` ends.
    """

    def __init__(self, handler: HandlerFunction | None) -> None:
        self._handler = handler
        self._thread: ThreadPoolExecutor | None = None
        self._loop: asyncio.Runner | None = None

    def __enter__(self) -> HandlerRunner:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None and self._loop is not None:
            self._thread.submit(self._loop.close).result()
            self._thread.shutdown()

    def run(self, context: Context) -> tuple[tuple[Reply, ...], Exception | None]:
        """Return the replies to one message, and what the handler raised."""
        said = Said()
        if self._handler is None:
            return said.close(), None
        try:
            for result in self._results(self._handler(context)):
                said.take(result)
        except Exception as error:  # noqa: BLE001 - a handler may raise anything; nothing of it may reach a person
            _log.exception("the handler failed on message %d", context.message.rowid)
            return said.close(), error
        return said.close(), None

    def _results(self, result: Any) -> Iterator[Any]:
        if inspect.isgenerator(result):
            yield from result
        elif inspect.isasyncgen(result):
            while (item := self._await(_next_of(result))) is not _END:
                yield item
        elif inspect.isawaitable(result):
            yield from self._results(self._await(_value_of(result)))
        else:
            yield result

    def _await(self, coroutine: Any) -> Any:
        """Run a coroutine on a thread and loop of our own: the caller's loop may be running."""
        if self._thread is None:
            import asyncio

            self._thread = ThreadPoolExecutor(1, thread_name_prefix="imsg-rehearsal")
            self._loop = asyncio.Runner()
        assert self._loop is not None
        return self._thread.submit(self._loop.run, coroutine).result()


_END = object()


async def _next_of(results: Any) -> Any:
    return await anext(results, _END)


async def _value_of(awaitable: Any) -> Any:
    return await awaitable
