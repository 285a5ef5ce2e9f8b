"""What a caller holds of a watch: one message, many, the place, how it goes, an end."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator
from operator import index
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

from imsg_sdk.arguments import checked_seconds, refused
from imsg_sdk.client.watching.cursor import encode_cursor
from imsg_sdk.client.watching.feed import Feed
from imsg_sdk.client.watching.pump import Pump
from imsg_sdk.client.watching.status import WatchStatus
from imsg_sdk.errors import ClientClosed
from imsg_sdk.models import Message

if TYPE_CHECKING:
    from imsg_sdk.client.base import BaseClient

__all__ = ["BaseWatch", "Watch"]

_CLOSE_S = 5.0
"""A reader notices the end within a fifth of a second."""


class BaseWatch:
    """What both kinds of watch have.

    It holds its client, and nothing that runs by itself holds it: a watch that is forgotten ends.
    """

    def __init__(self, client: BaseClient, feed: Feed) -> None:
        self._client = client
        self._feed = feed
        self._pump = Pump(feed.run)
        self._read_at = time.monotonic()
        self._is_closed = False
        self._finalizer = weakref.finalize(self, feed.let_go)

    @property
    def cursor(self) -> str:
        """Return where the watch stands behind the last message that was handed out.

        Give it as ``since=`` to go on from there, after a restart too.  It holds row numbers, guids and dates of
        some rows, and no word of a message.  It moves on over messages that the filters leave out.
        """
        return encode_cursor(self._feed.place.cursor())

    @property
    def boundary_rowid(self) -> int | None:
        """Return the last row that was there before the watch went live; None while that is not known.

        Messages up to this row are the past, those behind it arrived while the watch was there.
        """
        return self._feed.boundary

    @property
    def is_closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._is_closed

    def status(self) -> WatchStatus:
        """Return how the watch is doing; from any thread, without waiting and without asking the child."""
        feed, place = self._feed, self._feed.place
        held = feed.n_held
        lag_s = max(place.waiting_s(), time.monotonic() - self._read_at if held else 0.0)
        return WatchStatus(
            state="closed" if self._is_closed else feed.state,
            last_rowid=place.last_rowid,
            handed_out=place.n_handed_out,
            waiting=place.n_ready + held,
            lag_s=lag_s,
            restarts=feed.n_restarts,
            resubscribed=feed.n_resubscribed,
            healed=place.n_healed,
            duplicates=place.n_duplicates,
            open_holes=len(place.holes),
            silent_since=feed.silent_since,
            last_heard_at=feed.heard_at,
            last_error=feed.last_error,
            failing_since=feed.failing_since,
        )

    def _check(self) -> None:
        if self._is_closed:
            raise ClientClosed("this watch is closed", hint="make a new one with since=watch.cursor")
        self._client._core.pool.check()

    def _has_some(self) -> bool:
        """Tell whether there is no reason to wait any more."""
        self._read_at = time.monotonic()
        return self._is_closed or self._feed.place.n_ready > 0

    def _take_what_is_there(self, most: int) -> list[Message]:
        """Read what has arrived, without waiting, and hand it out."""
        while self._feed.place.n_ready < most and not self._is_closed and self._pump.is_ready():
            self._pump.advance()
        return self._feed.place.hand_out(most)

    def _end(self) -> None:
        self._is_closed = True
        self._pump.stop()
        self._finalizer()

    def __reduce__(self) -> Any:
        raise TypeError("a watch belongs to a process and cannot be pickled: keep its cursor instead")

    def __repr__(self) -> str:
        status = self.status()
        return f"<{type(self).__name__}, {status.state}, {status.handed_out} messages, {status.waiting} waiting>"


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


class Watch(BaseWatch):
    """Messages as they arrive; what :meth:`imsg_sdk.IMessageClient.watch` returns.

    Iterate over it, or call :meth:`get` or :meth:`get_many`; several threads may, and each message goes to one.
    It has no thread of its own: it reads, catches up and starts its child anew while somebody waits for it.
    """

    def __init__(self, client: BaseClient, feed: Feed) -> None:
        super().__init__(client, feed)
        self._turn = _Turn()

    def _start(self) -> Self:
        """Find the place to start from."""
        self._pump.run(lambda: self._feed.is_placed, None)
        return self

    def get(self, timeout: float | None = None) -> Message | None:
        """Return the next message, or None if none came in time.

        Parameters
        ----------
        timeout
            Longest wait in seconds; 0 takes what is there, None waits for ever.

        Raises
        ------
        CursorMismatch
            The database was replaced by another one.
        ClientClosed
            The watch, or its client, was closed.
        TransportError, RemoteError
            The program was out of order for longer than ``patience_s``.  Calling again tries on.
        """
        found = self.get_many(1, timeout)
        return found[0] if found else None

    def get_many(self, max_records: int = 100, timeout: float | None = None) -> list[Message]:
        """Wait for the next message, and return it with what else is there.

        Parameters
        ----------
        max_records
            Most messages to return.
        timeout
            Longest wait in seconds for the first; 0 takes what is there, None waits for ever.

        Returns
        -------
        list of Message
            Oldest row first; empty if none came in time.

        Raises
        ------
        CursorMismatch, ClientClosed, TransportError, RemoteError
            As for :meth:`get`.
        """
        most, deadline = checked_most(max_records), deadline_of(timeout)
        self._check()
        found: list[Message] = []
        try:
            if self._turn.take(deadline):
                try:
                    self._pump.run(self._has_some, deadline)
                    found = self._take_what_is_there(most)
                finally:
                    self._turn.leave()
        except BaseException:
            self._feed.place.give_back(found)
            raise
        return found

    def close(self) -> None:
        """End the watch; who waits for it gets nothing more.  Calling it again does nothing."""
        self._is_closed = True
        if self._turn.take(time.monotonic() + _CLOSE_S):
            self._end()
            self._turn.leave()

    def __iter__(self) -> Iterator[Message]:
        """Yield messages until the watch is closed."""
        while not self._is_closed:
            if (message := self.get()) is not None:
                yield message

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def checked_most(value: SupportsIndex) -> int:
    """Return a number of messages of at least 1."""
    number = index(value) if isinstance(value, SupportsIndex) and not isinstance(value, bool) else 0
    if number < 1:
        raise refused("max_records must be a whole number above 0")
    return number


def deadline_of(timeout: float | None) -> float | None:
    """Return until when to wait, on the monotonic clock."""
    if timeout is None:
        return None
    return time.monotonic() + (0.0 if timeout == 0 else checked_seconds(timeout, "timeout"))
