"""Reading of what arrives: one, many, for ever, by one thread after another, until it is closed.

What arrives is a stream that moves only while somebody reads it.  Nothing here knows what it is of.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator
from operator import index
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, SupportsIndex, TypeVar

from imsg_sdk.arguments import checked_seconds, refused
from imsg_sdk.client.plan import Plan
from imsg_sdk.client.watching.pump import Pump
from imsg_sdk.errors import ClientClosed

if TYPE_CHECKING:
    from imsg_sdk.client.base import BaseClient

__all__ = ["BaseReader", "Reader", "Stream", "checked_most", "deadline_of"]

T = TypeVar("T")

_CLOSE_S = 5.0
"""A reader notices the end within a fifth of a second."""


class Stream(Protocol[T]):
    """What is read: a plan that never ends, and what it has brought."""

    @property
    def is_placed(self) -> bool:
        """Whether it has begun."""
        ...

    @property
    def n_ready(self) -> int:
        """How many wait to be handed out."""
        ...

    def run(self) -> Plan[None]:
        """Go on for ever."""
        ...

    def hand_out(self, most: int) -> list[T]:
        """Return the next; all of it happens, or nothing."""
        ...

    def give_back(self, records: list[T]) -> None:
        """Take back what was handed out last."""
        ...

    def let_go(self) -> None:
        """End what was begun, without waiting."""
        ...


class BaseReader(Generic[T]):
    """What the sync and the async reader have.

    It holds its client, and nothing that runs by itself holds it: a reader that is forgotten ends.
    """

    def __init__(self, client: BaseClient, stream: Stream[T]) -> None:
        self._client = client
        self._stream = stream
        self._pump = Pump(stream.run)
        self._read_at = time.monotonic()
        self._is_closed = False
        self._finalizer = weakref.finalize(self, stream.let_go)

    @property
    def is_closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._is_closed

    def _check(self) -> None:
        if self._is_closed:
            raise ClientClosed(f"this {type(self).__name__} is closed", hint="make a new one")
        self._client._core.pool.check()

    def _is_over_or_placed(self) -> bool:
        return self._is_closed or self._stream.is_placed

    def _has_some(self) -> bool:
        """Tell whether there is no reason to wait any more."""
        self._read_at = time.monotonic()
        return self._is_closed or self._stream.n_ready > 0

    def _take_what_is_there(self, most: int) -> list[T]:
        """Read what has arrived, without waiting, and hand it out."""
        while self._stream.n_ready < most and not self._is_closed and self._pump.is_ready():
            self._pump.advance()
        return self._stream.hand_out(most)

    def _end(self) -> None:
        self._is_closed = True
        self._pump.stop()
        self._finalizer()

    def __reduce__(self) -> Any:
        raise TypeError(f"{type(self).__name__} belongs to a process and cannot be pickled")


class _Turn:
    """One reader at a time.

    Other than a lock it is not lost to all if an interrupt comes just after it was taken: the thread has it, and
    gives it back after its next turn.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holder: int | None = None

    def take(self, deadline: float | None) -> bool:
        """Wait for the turn; tell whether it came in time."""
        me = threading.get_ident()
        with self._changed:
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            if not self._changed.wait_for(lambda: self._holder in (None, me), left):
                return False
            self._holder = me
            return True

    def leave(self) -> None:
        """Give the turn to another."""
        with self._changed:
            self._holder = None
            self._changed.notify()


class Reader(BaseReader[T]):
    """Reads by blocking the thread that asks."""

    def __init__(self, client: BaseClient, stream: Stream[T]) -> None:
        super().__init__(client, stream)
        self._turn = _Turn()

    def _start(self) -> Self:
        """Begin."""
        self._pump.run(self._is_over_or_placed, None)
        return self

    def get(self, timeout: float | None = None) -> T | None:
        """Return the next record, or None if none came in time.

        Parameters
        ----------
        timeout
            Longest wait in seconds; 0 takes what is there, None waits for ever.

        Raises
        ------
        CursorMismatch
            The database was replaced by another one.
        ClientClosed
            This, or the client, was closed.
        TransportError, RemoteError
            The program was out of order for longer than ``patience_s``.  Calling again tries on.
        """
        found = self.get_many(1, timeout)
        return found[0] if found else None

    def get_many(self, max_records: int = 100, timeout: float | None = None) -> list[T]:
        """Wait for the next record, and return it with what else is there.

        Parameters
        ----------
        max_records
            Most records to return.
        timeout
            Longest wait in seconds for the first; 0 takes what is there, None waits for ever.

        Returns
        -------
        list
            In the order of arrival; empty if none came in time.

        Raises
        ------
        CursorMismatch, ClientClosed, TransportError, RemoteError
            As for :meth:`get`.
        """
        most, deadline = checked_most(max_records), deadline_of(timeout)
        self._check()
        found: list[T] = []
        try:
            if self._turn.take(deadline):
                try:
                    self._pump.run(self._has_some, deadline)
                    found = self._take_what_is_there(most)
                finally:
                    self._turn.leave()
        except BaseException:
            self._stream.give_back(found)
            raise
        return found

    def close(self) -> None:
        """End it; who waits for it gets nothing more.  Calling it again does nothing."""
        self._is_closed = True
        if self._turn.take(time.monotonic() + _CLOSE_S):
            self._end()
            self._turn.leave()

    def __iter__(self) -> Iterator[T]:
        """Yield records until it is closed."""
        while not self._is_closed:
            if (record := self.get()) is not None:
                yield record

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def checked_most(value: SupportsIndex) -> int:
    """Return a number of records of at least 1."""
    number = index(value) if isinstance(value, SupportsIndex) and not isinstance(value, bool) else 0
    if number < 1:
        raise refused("max_records must be a whole number above 0")
    return number


def deadline_of(timeout: float | None) -> float | None:
    """Return until when to wait, on the monotonic clock."""
    if timeout is None:
        return None
    return time.monotonic() + (0.0 if timeout == 0 else checked_seconds(timeout, "timeout"))
