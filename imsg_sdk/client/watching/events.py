"""What the bridge notices beside messages (typing, receipts…), as a stream that begins anew after trouble.

Other than messages, events are in no database: what nobody heard is gone, so nothing here catches up.
"""

from __future__ import annotations

import collections
import itertools
import logging
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import msgspec

from imsg_sdk.client.abilities import NO_BRIDGE, require_listed, says_bridge_is_down
from imsg_sdk.client.core import Core
from imsg_sdk.client.plan import Pause, Plan, Wait
from imsg_sdk.client.pool import Role
from imsg_sdk.client.records import instant
from imsg_sdk.client.watching.aio import AsyncReader
from imsg_sdk.client.watching.reader import Reader
from imsg_sdk.errors import ImsgError, ProtocolError, RequestError, TransportError, Unsupported
from imsg_sdk.models import BridgeEvent
from imsg_sdk.rpc.connection import Connection, Notification, Subscription
from imsg_sdk.rpc.handshake import Session

__all__ = ["AsyncBridgeEvents", "BridgeEvents", "EventStream"]

log = logging.getLogger("imsg_sdk.client.watching")

_METHOD = "bridge.events.subscribe"
_HELD = 1024
_AT_ONCE = 256
_WAIT_S = 3600.0
_FIRST_RETRY_S = 0.05
_LONGEST_RETRY_S = 5.0


class _Event(msgspec.Struct):
    event: str
    ts: str | None = None
    data: dict[str, Any] = {}


class _Params(msgspec.Struct):
    event: _Event


class _Answer(msgspec.Struct):
    subscription: int


_params = msgspec.json.Decoder(_Params)
_answer = msgspec.json.Decoder(_Answer)


class _Quiet(ImsgError):
    """Nothing happened for long."""


class EventStream:
    """Events of one subscription after another."""

    def __init__(self, core: Core) -> None:
        self.is_placed = False
        self._core = core
        self._ready: collections.deque[BridgeEvent] = collections.deque()
        self._open: tuple[Connection, Subscription] | None = None
        self._retry_s = _FIRST_RETRY_S

    @property
    def n_ready(self) -> int:
        """How many events wait to be handed out."""
        return len(self._ready)

    def hand_out(self, most: int) -> list[BridgeEvent]:
        """Return the next events."""
        events = list(itertools.islice(self._ready, most))
        self._ready = collections.deque(itertools.islice(self._ready, len(events), None))
        return events

    def give_back(self, records: list[BridgeEvent]) -> None:
        """Take back what was handed out last."""
        self._ready.extendleft(reversed(records))

    def run(self) -> Plan[None]:
        """Listen for ever; a subscription that ends is followed by another."""
        while True:
            try:
                session = yield from self._core.session(Role.WATCH)
                _require(session)
                subscription = yield from self._subscribe(session)
                self.is_placed = True
                yield from self._listen(subscription)
            except Unsupported:
                raise
            except (TransportError, RequestError) as error:
                if not self.is_placed:
                    raise
                log.info("bridge events were cut off: %s", type(error).__name__)
                yield Pause(self._retry_s)
                self._retry_s = min(2 * self._retry_s, _LONGEST_RETRY_S)
            finally:
                self.let_go()

    def _subscribe(self, session: Session) -> Plan[Subscription]:
        answer = yield from self._core.request(_METHOD, session.profile.params(_METHOD), role=Role.WATCH)
        try:
            number = _answer.decode(answer).subscription
        except msgspec.DecodeError:
            raise ProtocolError(f"{_METHOD} was answered without a number", hint="doctor() checks imsg") from None
        subscription = session.connection.subscribe(number, max_held=_HELD)
        self._open = session.connection, subscription
        return subscription

    def _listen(self, subscription: Subscription) -> Plan[None]:
        while True:
            arrival: Future[None] = subscription.arrival()
            with suppress(_Quiet):
                yield Wait(arrival, _WAIT_S, expired=lambda: _Quiet("quiet"), forget=lambda: None)
            notes = subscription.take(_AT_ONCE)
            for note in notes:
                if note.method != "bridge.event":
                    return  # an overflow or an error, which ends it
                self._take(note)
            if not notes and subscription.has_ended:
                if subscription.error is not None:
                    raise subscription.error
                return

    def _take(self, note: Notification) -> None:
        try:
            event = _params.decode(note.params).event
        except msgspec.DecodeError:
            log.warning("an event of %d bytes could not be read", len(note.params))
            return
        self._retry_s = _FIRST_RETRY_S
        self._ready.append(BridgeEvent(event=event.event, at=instant(event.ts), data=event.data))

    def let_go(self) -> None:
        """End the subscription, without waiting; safe in a finalizer."""
        opened, self._open = self._open, None
        if opened is None or self._core.pool.was_forked:
            return  # as for a watch
        connection, subscription = opened
        connection.unsubscribe(subscription.number)
        with suppress(ImsgError):  # the child has ended
            connection.forget(connection.request("watch.unsubscribe", {"subscription": subscription.number}))


def _require(session: Session) -> None:
    require_listed(session, _METHOD)
    if says_bridge_is_down(session.introduction):
        raise Unsupported(f"{_METHOD} needs the bridge, which does not run", hint=NO_BRIDGE)


class BridgeEvents(Reader[BridgeEvent]):
    """Events as they happen; what :meth:`imsg_sdk.IMessageClient.bridge_events` returns."""

    def __repr__(self) -> str:
        return f"<BridgeEvents, {self._stream.n_ready} waiting>"


class AsyncBridgeEvents(AsyncReader[BridgeEvent]):
    """Events as they happen; the twin of :class:`BridgeEvents`."""

    def __repr__(self) -> str:
        return f"<AsyncBridgeEvents, {self._stream.n_ready} waiting>"
