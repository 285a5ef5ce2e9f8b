"""Open subscriptions: one thread that looks for new rows and hands them out as fast as they are taken.

The database is the buffer: rows are read only when the ones before them are written, so that nothing
piles up here however slowly a reader reads.  A file event brings a look within milliseconds; a light
check (the file's identity and SQLite's change counter) finds what no event told of.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from typing import Final, Protocol

from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.methods.wakeups import Wakeups
from imsg_sdk.server.source import DatabaseFile
from imsg_sdk.server.store.store import Store, StoreError, WatchView
from imsg_sdk.wire import WireMessage

__all__ = ["MAX_SUBSCRIPTIONS", "REPLACED", "Sink", "Subscription", "Watcher"]

MAX_SUBSCRIPTIONS: Final = 64
REPLACED: Final = "the database file was replaced; subscribe again to follow the new one"

_BATCH: Final = 100
"""Rows of one look, so that many subscriptions share the thread fairly."""
_IDLE_S: Final = 0.1
_IDLE_WITHOUT_EVENTS_S: Final = 0.02
_NOBODY_S: Final = 60.0
_FIRST_RECHECK_S: Final = 0.0005
"""An event comes before the commit that it belongs to is visible, so look again, ever more slowly."""
_BUSY: Final = frozenset({5, 6})
_HOLE_LIFE_S: Final = 86_400.0
_MAX_HOLES: Final = 1024
_LOOK_BACK: Final = 64
"""Rows before a fresh start whose chat may still be on its way."""

_log = logging.getLogger("imsg_sdk.server.methods.watcher")


class Sink(Protocol):
    """Where the messages of subscriptions go; called by the watcher's thread, may block."""

    def messages(self, number: int, messages: list[WireMessage]) -> None:
        """Take messages of one subscription, in order."""
        ...

    def failed(self, number: int, text: str) -> None:
        """Take the end of one subscription."""
        ...


class _Feed:
    """One open file and its change counter."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.version: int | None = None
        self._is_warm = False

    def warm(self) -> None:
        """Read what the first message would have to wait for, once."""
        if not self._is_warm:
            self._is_warm = True
            with contextlib.suppress(StoreError):  # the first message tells
                self.store.warm()

    def changed(self) -> bool:
        """Return whether somebody committed since the last call; a lock is no answer yet."""
        try:
            version = self.store.data_version()
        except StoreError as error:
            return error.code not in _BUSY
        changed = version != self.version
        self.version = version
        return changed

    def was_replaced(self) -> bool:
        """Return whether another file took the path; a file that is merely gone can still be read."""
        try:
            found = os.stat(self.store.path)  # noqa: PTH116 - asked ten times a second
        except OSError:
            return False
        return (found.st_dev, found.st_ino) != self.store.identity


class Subscription:
    """Where one subscription stands."""

    def __init__(self, number: int, feed: _Feed, view: WatchView, debounce_s: float) -> None:
        self.number = number
        self.lock = threading.Lock()
        self.is_live = True
        self.cursor = 0
        self._feed = feed
        self._view = view
        self._debounce_s = debounce_s
        self._due: float | None = None
        self._is_placed = False
        self._has_more = True
        self._look_at_holes = False
        self._holes: dict[int, float] = {}

    @property
    def feed(self) -> _Feed:
        """The file that it is bound to, for good."""
        return self._feed

    def begin(self, since_rowid: int | None, now: float) -> None:
        """Take the place to start from; if that fails, the first turn tries again and tells why."""
        self.cursor = since_rowid or 0
        self._is_placed = bool(since_rowid)
        with contextlib.suppress(StoreError):
            self._place(now)

    def _place(self, now: float) -> None:
        """Begin at the end of the table, with an eye on rows whose chat is still on its way."""
        if self._is_placed:
            return
        self.cursor = self._feed.store.max_rowid()
        unlinked = self._feed.store.unlinked_rows(self.cursor - _LOOK_BACK, self._view)
        self._remember([rowid for rowid in unlinked if rowid <= self.cursor], now)
        self._is_placed = True

    def hurry(self) -> None:
        """Look at the next turn, whatever the debounce."""
        self._due = None
        self._has_more = self._look_at_holes = True

    def note_change(self, now: float) -> None:
        """Look at the next turn, or `debounce` after the first change of a burst."""
        if self._debounce_s and not self._has_more:
            self._due = self._due or now + self._debounce_s
        else:
            self.hurry()

    def seconds_left(self, now: float) -> float | None:
        """Return how soon this one wants a turn, None if nothing is known to wait."""
        if self._has_more:
            return 0.0
        return None if self._due is None else max(0.0, self._due - now)

    def take_turn(self, sink: Sink, now: float) -> None:
        """Hand out one batch; the caller holds `lock`."""
        if self._due is not None and now >= self._due:
            self.hurry()
        if not self._has_more:
            return
        self._place(now)
        if self._look_at_holes:
            self._look_at_holes = False
            self._fill_holes(sink, now)
        page = self._feed.store.watch_after(self.cursor, self._view, limit=_BATCH)
        if page.messages:
            sink.messages(self.number, page.messages)
        self.cursor = max(self.cursor, page.cursor)
        self._has_more = page.more
        self._remember(page.unlinked, now)

    def retry(self) -> None:
        """Take the same turn again later: the database was locked."""
        self._has_more = False
        self._due = time.monotonic() + _IDLE_S

    def _fill_holes(self, sink: Sink, now: float) -> None:
        """Hand out rows whose chat arrived after them."""
        for rowid in [rowid for rowid, since in self._holes.items() if now - since > _HOLE_LIFE_S]:
            del self._holes[rowid]
        if not self._holes:
            return
        page = self._feed.store.watch_rows(sorted(self._holes), self._view)
        if page.messages:
            sink.messages(self.number, page.messages)
        self._holes = {rowid: self._holes.get(rowid, now) for rowid in page.unlinked}

    def _remember(self, rowids: list[int], now: float) -> None:
        for rowid in rowids:
            self._holes.setdefault(rowid, now)
        for rowid in sorted(self._holes)[: max(0, len(self._holes) - _MAX_HOLES)]:
            del self._holes[rowid]


class Watcher:
    """The subscriptions of one server, on one thread that exists while there are any."""

    def __init__(self, source: DatabaseFile, sink: Sink) -> None:
        self._source = source
        self._sink = sink
        self._lock = threading.Lock()
        self._subscriptions: dict[int, Subscription] = {}
        self._started: set[int] = set()
        self._numbers = 0
        self._retired: list[_Feed] = []
        self._wakeups: Wakeups | None = None
        self._thread: threading.Thread | None = None
        self._is_closing = False

    def open(self, view: WatchView, since_rowid: int | None, debounce_s: float = 0.0) -> Subscription:
        """Prepare a subscription at its starting place; it stays silent until :meth:`start`.

        Raises
        ------
        RpcError
            No database (-32002), too many subscriptions or a server at its end (-32000).
        """
        with self._lock:
            if self._is_closing:
                raise RpcError.busy("server is shutting down")
            if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
                raise RpcError.busy("subscription limit exceeded")
            feed = self._current_feed()
            self._numbers += 1
            subscription = Subscription(self._numbers, feed, view, debounce_s)
            self._subscriptions[subscription.number] = subscription
        subscription.begin(since_rowid, time.monotonic())
        return subscription

    def take_number(self) -> int:
        """Return a number for a stream that is not of messages; all streams count together."""
        with self._lock:
            self._numbers += 1
            return self._numbers

    def start(self, subscription: Subscription) -> None:
        """Let a prepared subscription speak."""
        with self._lock:
            if self._is_closing:
                return
            self._started.add(subscription.number)
            if self._thread is None:
                self._wakeups = Wakeups(self._source.path)
                self._thread = threading.Thread(target=self._run, name="imsg-watch", daemon=True)
                self._thread.start()
            elif self._wakeups is not None:
                self._wakeups.poke()

    def stop(self, number: int) -> None:
        """End one subscription; when this returns, none of its lines will be written."""
        subscription = self._subscriptions.get(number)
        if subscription is not None:
            with subscription.lock:
                self._forget(subscription)

    def close(self) -> None:
        """End all subscriptions and the thread."""
        with self._lock:
            self._is_closing = True
            thread, wakeups = self._thread, self._wakeups
        if thread is not None and wakeups is not None:
            wakeups.poke()
            thread.join()
            wakeups.close()
        for subscription in list(self._subscriptions.values()):
            self._forget(subscription)
        self._close_retired()

    def _current_feed(self) -> _Feed:
        for subscription in self._subscriptions.values():
            if not subscription.feed.was_replaced():
                return subscription.feed
        return _Feed(self._source.open_another())

    def _forget(self, subscription: Subscription) -> None:
        subscription.is_live = False
        with self._lock:
            self._subscriptions.pop(subscription.number, None)
            self._started.discard(subscription.number)
            feed = subscription.feed
            if all(other.feed is not feed for other in self._subscriptions.values()):
                self._retired.append(feed)  # closed by the thread that reads it

    def _close_retired(self) -> None:
        with self._lock:
            retired, self._retired = self._retired, []
        for feed in retired:
            feed.store.close()

    def _run(self) -> None:
        assert self._wakeups is not None
        idle = _IDLE_S if self._wakeups.tells_of_files else _IDLE_WITHOUT_EVENTS_S
        recheck = idle
        while not self._is_closing:
            with self._lock:
                live = [self._subscriptions[number] for number in sorted(self._started)]
            self._look(live)
            for one in live:
                one.feed.warm()
            self._close_retired()
            now = time.monotonic()
            waits = [left for one in live if one.is_live and (left := one.seconds_left(now)) is not None]
            if self._wakeups.wait(min([recheck, *waits]) if live else _NOBODY_S):
                recheck = _FIRST_RECHECK_S
            else:
                recheck = min(2 * recheck, idle)

    def _look(self, live: list[Subscription]) -> None:
        now = time.monotonic()
        for feed in {id(one.feed): one.feed for one in live}.values():
            readers = [one for one in live if one.feed is feed]
            # The order matters: what was committed before the file was replaced is still handed out.
            replaced = feed.was_replaced()
            if feed.changed():
                for one in readers:
                    one.note_change(now)
            for one in readers:
                if replaced:
                    one.hurry()
                self._turn(one, now, drain=replaced)
                if replaced:
                    self._end(one, REPLACED)

    def _turn(self, one: Subscription, now: float, *, drain: bool) -> None:
        try:
            with one.lock:
                while one.is_live and not self._is_closing:
                    one.take_turn(self._sink, now)
                    if not drain or one.seconds_left(now) is None:
                        return
        except StoreError as error:
            if error.code in _BUSY:
                one.retry()
            else:
                self._end(one, error.text)
        except Exception:  # noqa: BLE001 - the watch task's boundary: one subscription ends, the others live
            _log.exception("a subscription failed")
            self._end(one, "internal error")

    def _end(self, one: Subscription, text: str) -> None:
        with one.lock:
            if one.is_live:
                self._forget(one)
                self._sink.failed(one.number, text)
