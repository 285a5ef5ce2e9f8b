"""What one subscription brings, until it ends or proves to be of no use; and what is looked after meanwhile."""

from __future__ import annotations

import collections
import logging
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from imsg_sdk.client import records
from imsg_sdk.client.plan import Plan, Wait
from imsg_sdk.client.pool import Role
from imsg_sdk.client.watching.holes import Span
from imsg_sdk.client.watching.pump import Pump
from imsg_sdk.client.watching.sources import Source
from imsg_sdk.errors import DatabaseUnavailable, ImsgError, ProtocolError, RemoteError
from imsg_sdk.models import Message
from imsg_sdk.rpc.connection import Notification, Subscription
from imsg_sdk.rpc.faults import redact
from imsg_sdk.rpc.handshake import Session

if TYPE_CHECKING:
    from imsg_sdk.client.watching.feed import Feed

__all__ = ["Listening"]

log = logging.getLogger("imsg_sdk.client.watching")

_AT_ONCE = 256
_BURST_ROWS = 64
_POLL_ROWS = 100
"""What real programs report at one look; the next look comes after seconds, or with a new subscription."""
_GAP_ROWS = 256
_GAP_STEPS = 16
_GAPS_KEPT = 64
_ASIDE_S = 60.0
_RECENT_S = 3600.0
_DOUBT_S = 3600
_AROUND_S = 600


class _Due(ImsgError):
    """Something is to be done while nothing came."""


class _Lost(RemoteError):
    """The subscription ended by what the program said."""


class _Failure(msgspec.Struct, frozen=True):
    message: str = ""


class _Error(msgspec.Struct):
    error: _Failure = _Failure()


_error = msgspec.json.Decoder(_Error)


class Listening:
    """The part of a feed that listens."""

    def __init__(self, feed: Feed, source: Source, session: Session, subscription: Subscription) -> None:
        self._feed = feed
        self._place = feed.place
        self._source = source
        self._session = session
        self._subscription = subscription
        self._timing = feed.timing
        self._clock = feed.clock
        self._is_ours = feed.core.pool.backend.is_ours
        self._check_at = self._clock.monotonic() + self._timing.check_s
        self._missed: int | None = None
        """Where the place was when a look found more than the subscription had reported."""
        self._n_in_burst = 0
        self._gaps: collections.deque[range] = collections.deque(maxlen=_GAPS_KEPT)
        self._aside = Pump(_nothing)
        self._heard_at = self._clock.monotonic()
        self._is_over = False

    def run(self) -> Plan[None]:
        """Listen until the subscription is of no more use."""
        self._feed.worked()
        if self._source.has_pages and not self._feed.pages_are_deadly:
            self._feed.went_live()
        try:
            while not self._is_over:
                yield from self._turn()
        finally:
            self._aside.stop()

    def _turn(self) -> Plan[None]:
        """Wait for something, and take it: a report first, then what was asked aside, then what is due."""
        yield from self._wait()
        notes = self._subscription.take(_AT_ONCE)
        self._take(notes)
        if not self._aside.is_idle and self._aside.is_ready():
            self._aside.advance()
        elif notes or self._is_over:
            return
        elif self._subscription.has_ended:
            self._see_the_end()
        else:
            self._do_chores()

    def _wait(self) -> Plan[None]:
        seconds = self._seconds_left()
        arrival: Future[None] = self._subscription.arrival()
        if not self._aside.is_idle:
            seconds = min(seconds, self._aside.left_s())
            if (asked := self._aside.future) is not None:
                arrival = _either(arrival, asked)
        try:
            yield Wait(arrival, seconds, expired=lambda: _Due("due"), forget=lambda: None)
        except _Due:
            return

    def _seconds_left(self) -> float:
        """Return how soon something is due."""
        if self._n_in_burst or self._feed.state != "live":
            return self._timing.quiet_s
        if not self._aside.is_idle:
            return _ASIDE_S
        at = min(self._check_at, self._place.holes.next_look() or self._check_at)
        return 0.0 if self._gaps else max(at - self._clock.monotonic(), 0.0)

    # ---- notifications ---------------------------------------------------------------------------------------------

    def _take(self, notes: list[Notification]) -> None:
        for note in notes:
            if note.method == "message":
                self._n_in_burst += 1
                self._take_message(note)
            elif note.method == "error":
                raise self._lost(note)
            elif note.method == "watch.overflow":
                self._is_over = True
        if notes:
            self._heard_at = self._clock.monotonic()
            self._feed.heard()
            self._missed = None
            self._check_at = self._clock.monotonic() + self._timing.check_s
        if self._n_in_burst == _POLL_ROWS and not self._is_ours:
            self._is_over = True  # it may have more, and would wait for seconds before the next look

    def _take_message(self, note: Notification) -> None:
        wanted = self._place.wanted
        try:
            message = records.decode_notification(
                note.params, attachments=wanted.attachments, reactions=wanted.include_reactions
            )
        except ProtocolError:
            log.warning("a notification of %d bytes could not be read", len(note.params))
            return
        if self._is_old(message):
            self._place.move(message.rowid)
            return
        start = self._place.position
        if message.rowid > start + 1 and self._may_be_late(message):
            gap = range(max(start + 1, message.rowid - _GAP_ROWS), message.rowid)
            # Tapbacks leave such gaps too, and most programs before 0.14 tell nothing of what is in them.
            self._place.doubt(gap, beside=message, life_s=None if self._source.has_pages else _DOUBT_S)
            if self._source.has_pages:
                self._gaps.append(gap)
        self._place.take(message)

    def _is_old(self, message: Message) -> bool:
        """Tell whether a replay brought what was there before a watch of the present began."""
        old_until = self._feed.old_until
        if old_until is None or message.rowid <= self._place.position or message.created_at is None:
            return False
        if message.is_reaction:
            # No history shows tapbacks, so the last ones may be newer than all that is known.
            is_early = self._feed.state != "live" or not self._is_ours
            return is_early and message.created_at <= self._feed.began_at
        return message.created_at <= old_until and self._feed.state != "live"

    def _may_be_late(self, message: Message) -> bool:
        """Tell whether rows before this one can still be on their way to a chat."""
        if self._feed.doubts or message.created_at is None:
            return True
        return (self._clock.now() - message.created_at).total_seconds() < _RECENT_S

    def _explain(self, gap: range) -> Plan[None]:
        """Find out what the rows of a gap are: no rows, hidden ones, unlinked ones, or some that were not reported."""
        rowid = gap.start - 1
        for _ in range(_GAP_STEPS):
            page = yield from self._source.is_behind(rowid)
            if page.is_stuck_at(rowid):
                return
            if not page.messages or page.messages[0].rowid >= gap.stop:
                self._close_holes(rowid + 1, gap.stop)
                return
            found = page.messages[0]
            self._feed.refuse_another_file(self._session)
            self._close_holes(rowid + 1, found.rowid)
            if found.chat_id is not None:
                self._place.take(found, healed=True)
            rowid = found.rowid
            if rowid + 1 >= gap.stop:
                return

    def _close_holes(self, start: int, stop: int) -> None:
        for rowid in range(start, stop):
            self._place.holes.close(rowid)

    def _lost(self, note: Notification) -> ImsgError:
        try:
            text = _error.decode(note.params).error.message
        except msgspec.DecodeError:
            text = ""
        self._subscription.end()
        kind = DatabaseUnavailable if "code: " in text else _Lost
        return kind(f"the subscription ended: {redact(text) or 'no reason given'}", hint="the watch subscribes again")

    def _see_the_end(self) -> None:
        self._is_over = True
        if self._subscription.error is not None:
            raise self._subscription.error

    # ---- while nothing comes -----------------------------------------------------------------------------------------

    def _do_chores(self) -> None:
        """Begin what is due.  It is asked aside, so that messages come through meanwhile."""
        if self._n_in_burst or self._feed.state != "live":
            self._end_burst()
        if self._is_over or self._feed.state != "live" or not self._aside.is_idle:
            return
        if (plan := self._next_chore()) is not None:
            self._aside = Pump(lambda: plan)
            self._aside.advance()

    def _next_chore(self) -> Plan[None] | None:
        now = self._clock.monotonic()
        self._place.holes.expire(self._place.now_s())
        if self._gaps:
            return self._explain(self._gaps.popleft())
        if due := self._place.holes.due(now)[: self._source.looks_at_once]:
            return self._look(*self._place.holes.of_one_time(due, _AROUND_S))
        return self._check() if now >= self._check_at else None

    def _end_burst(self) -> None:
        if self._n_in_burst >= _BURST_ROWS and not self._is_ours:
            self._is_over = True
            return
        self._n_in_burst = 0
        if self._clock.monotonic() - self._heard_at >= self._timing.settle_s:
            self._feed.went_live()

    def _look(self, due: list[int], span: Span) -> Plan[None]:
        """See what became of rows without a chat."""
        look = yield from self._source.look(due, span)
        self._feed.refuse_another_file(self._session)
        for message in look.linked:
            self._place.take(message, healed=True)
        for rowid in look.gone:
            self._place.holes.close(rowid)
        for rowid in due:
            self._place.holes.looked(rowid, self._clock.monotonic())

    def _check(self) -> Plan[None]:
        """See whether something lies behind the last reported row, and whether the file is still the same."""
        start = self._place.position
        self._feed.old_until = None
        session = yield from self._feed.core.session(Role.WATCH)
        if session.connection is not self._session.connection:
            self._is_over = True
            return
        yield from self._feed.prove(self._source, session)
        page = yield from self._source.is_behind(start)
        self._feed.worked()
        if page.messages and page.messages[0].chat_id is None:
            # No subscription reports a row without a chat.
            self._place.take(page.messages[0])
            self._check_at = self._clock.monotonic()
            return
        is_behind = bool(page.messages) or page.has_more
        if not is_behind or self._place.position > start or self._subscription.n_held:
            self._missed = None
            self._check_at = self._clock.monotonic() + self._timing.check_s
        elif self._missed == start:
            self._feed.is_silent(self._session)
            self._is_over = True
        else:
            self._missed = start
            grace_s = self._timing.grace_s if self._is_ours else self._timing.real_grace_s
            self._check_at = self._clock.monotonic() + grace_s


def _nothing() -> Plan[None]:
    yield from ()


def _either(*futures: Future[Any]) -> Future[None]:
    """Return a future that is done as soon as one of these is."""
    first: Future[None] = Future()

    def tell(_: Future[Any]) -> None:
        with suppress(InvalidStateError):  # another was sooner
            first.set_result(None)

    for future in futures:
        future.add_done_callback(tell)
    return first
