"""The course of a watch, as one plan that never ends: catch up, subscribe, listen, and begin anew after trouble.

It is moved by whoever reads the watch (:mod:`pump`), so it has no thread; and it may be cut off at any
instruction, since all that must outlive it is in the :class:`Place`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from imsg_sdk._time import Clock
from imsg_sdk.client.core import Core
from imsg_sdk.client.plan import Pause, Plan
from imsg_sdk.client.pool import Role
from imsg_sdk.client.watching.cursor import File
from imsg_sdk.client.watching.listening import Listening
from imsg_sdk.client.watching.place import Place
from imsg_sdk.client.watching.sources import Page, Source, source_of
from imsg_sdk.errors import (
    BackendExited,
    CursorMismatch,
    DatabaseUnavailable,
    ImsgError,
    InvalidParams,
    MethodNotFound,
    ProtocolError,
    RequestError,
    RequestTimeout,
    TransportError,
    Unsupported,
)
from imsg_sdk.models import Message
from imsg_sdk.rpc.connection import Connection, Subscription
from imsg_sdk.rpc.faults import redact
from imsg_sdk.rpc.handshake import Session
from imsg_sdk.rpc.profiles import MAX_AFTER_ROWS

__all__ = ["Feed", "Opening", "Timing", "file_of"]

log = logging.getLogger("imsg_sdk.client.watching")

_HELD = 1024
_BESIDE = timedelta(minutes=1)
"""Rows of one moment need not be dated in their order."""
_SILENCES = 3
"""Subscriptions in a row that report nothing before the child itself is replaced."""

Opening = Callable[["Feed", Source], Plan[None]]
"""Finds the place to start from."""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Waits of a watch, in seconds."""

    check_s: float = 15.0
    """Between two looks whether the subscription misses something."""
    grace_s: float = 1.0
    """What a subscription of our own server may take to report a row."""
    real_grace_s: float = 12.0
    """The same for a real program, which looks every five seconds and holds rows back for ten."""
    quiet_s: float = 0.05
    """No notification for so long ends a burst."""
    settle_s: float = 0.5
    """Nothing for so long ends the replay of a program that does not tell where it ends."""
    first_retry_s: float = 0.05
    longest_retry_s: float = 5.0
    first_look_s: float = 0.25
    longest_look_s: float = 300.0


class Feed:
    """One watch's way through restarts.

    Attributes
    ----------
    place
        What it has seen.
    state
        ``starting``, ``catching_up``, ``live``, ``recovering`` or ``closed``.
    """

    def __init__(
        self, core: Core, place: Place, opening: Opening, *, timing: Timing, clock: Clock, patience_s: float | None
    ) -> None:
        self.core = core
        self.place = place
        self.state = "starting"
        self.is_placed = False
        self.n_restarts = self.n_resubscribed = 0
        self.silent_since: datetime | None = None
        self.heard_at: datetime | None = None
        self.last_error: str | None = None
        self.failing_since: datetime | None = None
        self.boundary: int | None = None
        """The last row of the past, known once that is read."""
        self.old_until: datetime | None = None
        """Rows of a replay that are older than this were there before the watch; see :class:`Start`."""
        self.began_at = clock.now()
        self._opening = opening
        self.timing = timing
        self.clock = clock
        self._patience_s = patience_s
        self._failing_from = 0.0
        self._retry_s = timing.first_retry_s
        self._connection: Connection | None = None
        self._open: tuple[Connection, Subscription] | None = None
        self.doubts = False
        """Whether a gap among what comes may be a row that is linked later; in a replay of the past it hardly is."""
        self.pages_are_deadly = False
        self._cut_off_at: int | None = None
        self._silences = 0
        self._n_beginnings = 0
        self._misses_some = False
        """Whether the subscription before this one was silent, so that what a page brings was missed by it."""
        self._must_prove = True
        self._proven: File | None = None

    # ---- the course ----------------------------------------------------------------------------------------------

    def run(self) -> Plan[None]:
        """Go on for ever; ends by an error that waiting does not mend, or after patience."""
        while True:
            try:
                yield from self._follow()
            except (CursorMismatch, InvalidParams, MethodNotFound, Unsupported) as error:
                self._note(error)
                raise
            except (TransportError, RequestError) as error:
                if not self.is_placed and not self._may_begin_again(error):
                    raise
                self._note(error)
                if self._is_out_of_patience():
                    raise
                yield Pause(self._next_retry(error))
            finally:
                self.let_go()

    def _may_begin_again(self, error: ImsgError) -> bool:
        """Tell whether a first try met a child that somebody had killed; it is tried once more."""
        self._n_beginnings += 1
        return isinstance(error, BackendExited) and self._n_beginnings == 1

    def _follow(self) -> Plan[None]:
        session = yield from self.core.session(Role.WATCH)
        self._meet(session)
        source = source_of(
            self.core,
            session.profile,
            include_reactions=self.place.wanted.include_reactions,
            attachments=self.place.wanted.attachments,
        )
        if not self.is_placed:
            self._proven = file_of(self.core, session)
            yield from self._opening(self, source)
            self.place.file = self._proven
            self.is_placed = True
        elif self._must_prove:
            yield from self.prove(source, session)
        self._must_prove = False
        self.state = "catching_up"
        if source.has_pages and not self.pages_are_deadly:
            yield from self._catch_up(source, session)
        subscription = yield from self._subscribe(session)
        # What was asked so far may have been asked of another child or file than what is reported from now on.
        session = yield from self.core.session(Role.WATCH)
        self._meet(session)
        if self._proven is None or self._must_prove:
            yield from self.prove(source, session)
        self._must_prove = False
        self.refuse_another_file(session)
        yield from Listening(self, source, session, subscription).run()

    def _meet(self, session: Session) -> None:
        if session.connection is not self._connection:
            if self._connection is not None:
                self.n_restarts += 1
                self._must_prove = True
            self._connection = session.connection

    def prove(self, source: Source, session: Session) -> Plan[None]:
        """Make sure that the database is still the one of this place.

        Raises
        ------
        CursorMismatch
            It is another, or nobody can tell.
        """
        anchors = self.place.anchors()
        self._proven = file_of(self.core, session)
        for anchor in anchors:
            says = yield from source.says(anchor)
            if says:
                if anchor is not anchors[0]:
                    yield from self._refuse_backup(source)
                return
            if says is False:
                raise CursorMismatch(
                    "the place to go on from belongs to another database: its rows are not those",
                    hint="give since= a rowid, a time, or None for the present; or give back the old database",
                )
        file, known = self._proven, self.place.file
        if (anchors and (file is None or file != known)) or (file and known and file != known):
            raise CursorMismatch(
                "nobody can tell whether the place to go on from is of this database: the rows it knows are gone",
                hint="give since= a rowid, a time, or None for the present",
            )
        if anchors:
            yield from self._refuse_backup(source)

    def _refuse_backup(self, source: Source) -> Plan[None]:
        """Refuse an older state of the database, whose new rows get numbers that were seen already.

        The last row being gone may also mean that it was deleted; but Messages never gives a number twice.
        """
        dates = [anchor.created_at for anchor in self.place.anchors() if anchor.created_at is not None]
        if not dates:
            return
        since = max(dates) + _BESIDE
        for message in (yield from source.newest()):
            if message.created_at is not None and message.created_at > since and self.place.is_reused(message):
                raise CursorMismatch(
                    "the database is an older state of itself: what is new in it has the numbers of rows that are gone",
                    hint="give since= a time, or None for the present",
                )

    def refuse_another_file(self, session: Session) -> None:
        """Raise where the file is not the one that was proven last; what was read since is not to be taken.

        Raises
        ------
        DatabaseUnavailable
            It was exchanged.  The next try looks whether the new one is of the same database.
        """
        if self._proven is not None and file_of(self.core, session) not in (self._proven, None):
            raise DatabaseUnavailable("the database file was exchanged", hint="the watch looks what it is now")

    # ---- catching up -----------------------------------------------------------------------------------------------

    def _catch_up(self, source: Source, session: Session) -> Plan[None]:
        """Read pages to the end; where that kills the program or leads nowhere, the subscription must do it."""
        while True:
            start = self.place.position
            try:
                page = yield from source.page(start, MAX_AFTER_ROWS)
            except (BackendExited, RequestTimeout) as error:
                self._blame_page(start, session, error)
                raise
            if page.is_stuck_at(start):
                return
            self.refuse_another_file(session)
            self.take_page(page)
            self.worked()
            if not page.has_more:
                self._misses_some = False
                self.went_live()
                return

    def _blame_page(self, start: int, session: Session, error: ImsgError) -> None:
        """Catch up in another way from now on, unless the child was killed by somebody, for the first time here."""
        was_killed = isinstance(error, BackendExited) and self.core.pool.was_killed(session.connection, error)
        if not was_killed or self._cut_off_at == start:
            self.pages_are_deadly = True
            log.warning("a page ended the program or was never answered; catching up by subscription")
        self._cut_off_at = start

    def take_page(self, page: Page) -> None:
        """Take rows that were asked for."""
        for message in page.messages:
            self.place.take(message, healed=self._misses_some)
        self.place.move(page.next_rowid)

    # ---- the subscription ------------------------------------------------------------------------------------------

    def _subscribe(self, session: Session) -> Plan[Subscription]:
        wanted = self.place.wanted
        params = session.profile.params(
            "watch.subscribe",
            # 0 would mean the present.
            since_rowid=self.place.position or -1,
            attachments=True if wanted.attachments else None,
            include_reactions=True if wanted.include_reactions else None,
        )
        answer = yield from self.core.request("watch.subscribe", params, role=Role.WATCH)
        # The request may have met a dead child and gone to the next.
        session = yield from self.core.session(Role.WATCH)
        try:
            number = _subscribed.decode(answer).subscription
        except msgspec.DecodeError:
            raise ProtocolError("watch.subscribe was answered without a number", hint="doctor() checks imsg") from None
        subscription = session.connection.subscribe(number, max_held=_HELD)
        self._open = session.connection, subscription
        return subscription

    def let_go(self) -> None:
        """End the subscription, without waiting; safe in a finalizer."""
        opened, self._open = self._open, None
        if opened is None or self.core.pool.was_forked:
            return  # a fork may have been made while a thread, which is not in it, held a lock of the connection
        connection, subscription = opened
        has_ended = subscription.has_ended and not subscription.has_overflowed  # the program knows, or said so
        connection.unsubscribe(subscription.number)
        if connection.is_open and not has_ended:
            try:
                connection.forget(connection.request("watch.unsubscribe", {"subscription": subscription.number}))
            except ImsgError:
                log.debug("the child ended before its subscription")

    @property
    def n_ready(self) -> int:
        """Return how many messages wait to be handed out."""
        return self.place.n_ready

    def hand_out(self, most: int) -> list[Message]:
        """Return the next messages."""
        return self.place.hand_out(most)

    def give_back(self, records: list[Message]) -> None:
        """Take back what was handed out last."""
        self.place.give_back(records)

    @property
    def n_held(self) -> int:
        """Return how many notifications wait to be read."""
        return 0 if self._open is None else self._open[1].n_held

    # ---- how it goes -------------------------------------------------------------------------------------------------

    def worked(self) -> None:
        """Note that the program did what it should."""
        self.failing_since = None
        self._retry_s = self.timing.first_retry_s

    def heard(self) -> None:
        """Note that the subscription reported something."""
        self.heard_at = self.clock.now()
        self.silent_since = None
        self._silences = 0

    def went_live(self) -> None:
        """Note that the past is read."""
        self.state = "live"
        if self.boundary is None:
            self.boundary = self.place.position
        self.doubts = True

    def is_silent(self, session: Session) -> None:
        """Note that a subscription misses rows; one child that does so again and again is replaced."""
        self.silent_since = self.silent_since or self.clock.now()
        self._silences += 1
        self._misses_some = True
        self.n_resubscribed += 1
        log.warning("the subscription reports nothing; subscribing again")
        if self._silences >= _SILENCES or not session.profile.has("messages.after"):
            self._silences = 0
            self.core.pool.drop(session)

    def _note(self, error: ImsgError) -> None:
        self.state = "recovering"
        self.last_error = redact(f"{type(error).__name__.lstrip('_')}: {error.message}")
        if self.failing_since is None:
            self.failing_since = self.clock.now()
            self._failing_from = self.clock.monotonic()
        self._must_prove = True
        log.info("the watch was cut off: %s", type(error).__name__)
        if isinstance(error, RequestTimeout) and self._connection is not None:
            # It is there and does not answer: a child that hangs.
            self._connection.abandon()

    def _is_out_of_patience(self) -> bool:
        waited = self.clock.monotonic() - self._failing_from
        return self._patience_s is not None and waited >= self._patience_s

    def _next_retry(self, error: ImsgError) -> float:
        if isinstance(error, BackendExited) and self._retry_s == self.timing.first_retry_s:
            wait_s = 0.0  # the pool has a backoff of its own for children that end quickly
        else:
            wait_s = self._retry_s
        self._retry_s = min(2 * self._retry_s, self.timing.longest_retry_s)
        return wait_s


class _Subscribed(msgspec.Struct):
    subscription: int


_subscribed = msgspec.json.Decoder(_Subscribed)


def file_of(core: Core, session: Session) -> File | None:
    """Return device and inode of the database, where it is a file of this machine."""
    backend = core.pool.backend
    if backend.host is not None:
        return None
    database = session.introduction.get("database")
    path = backend.db_path or (database.get("path") if isinstance(database, dict) else None)
    if not isinstance(path, str):
        return None
    try:
        status = os.stat(os.path.expanduser(path))  # noqa: PTH111, PTH116 - text in
    except OSError:
        return None
    return status.st_dev, status.st_ino
