"""Requests and answers over a transport: one future per id, one queue per subscription.

No I/O of its own and no clock: the transport calls :meth:`Connection` from its reader thread, callers call
from theirs.  Each future is settled exactly once, by an answer, by the end of the stream, or by being
forgotten; an answer that comes later is dropped.
"""

from __future__ import annotations

import collections
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import UNSET

from imsg_sdk.errors import BackendExited, ImsgError, ProtocolError
from imsg_sdk.rpc import protocol
from imsg_sdk.rpc.faults import exited_error, remote_error
from imsg_sdk.rpc.transport import Ending, Transport

__all__ = ["Connection", "Notification", "Pending", "Subscription"]

log = logging.getLogger("imsg_sdk.rpc.connection")

_GARBAGE_BEFORE_FIRST_ANSWER = 32
_PARKED_SUBSCRIPTIONS = 64
_PARKED_NOTIFICATIONS = 4096
_HELD_BYTES = 64 * 1024 * 1024
_ENDED_NUMBERS = 256


class Pending(Future[msgspec.Raw]):
    """The answer to one request, to come."""

    def __init__(self, request_id: int, method: str, params: dict[str, Any]) -> None:
        super().__init__()
        self.request_id = request_id
        self.method = method
        self.params = params
        self.line = protocol.encode_request(request_id, method, params)
        self.was_sent = False
        """Whether it may have reached the child; final once it is settled or forgotten."""


class Notification(msgspec.Struct, frozen=True):
    """A line that answers nothing: its method and its undecoded params."""

    method: str
    params: msgspec.Raw


class _Params(msgspec.Struct):
    subscription: int


_params = msgspec.json.Decoder(_Params)


class Subscription:
    """Notifications of one subscription number, in order, in a bounded queue.

    The reader never waits for a slow consumer, since answers travel the same pipe: a full queue ends the
    subscription with ``has_overflowed``, and the consumer goes on from its cursor.
    """

    def __init__(self, number: int, max_held: int) -> None:
        self.number = number
        self.has_overflowed = False
        self._max_held = max_held
        self._held_bytes = 0
        self._arrival: Future[None] | None = None
        self._held: collections.deque[Notification] = collections.deque()
        self._changed = threading.Condition()
        self._error: ImsgError | None = None
        self._has_ended = False

    def get(self, timeout_s: float | None = None) -> Notification | None:
        """Return the next notification, or None at the end.

        Raises
        ------
        TimeoutError
            Nothing came within `timeout_s`.
        ImsgError
            The connection ended under the subscription.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._held or self._has_ended, timeout_s):
                raise TimeoutError
            if self._held:
                notification = self._held.popleft()
                self._held_bytes -= len(notification.params)
                return notification
            if self._error is not None:
                raise self._error
            return None

    def arrival(self) -> Future[None]:
        """Return a future that is done once something is held or the end is known; one at a time."""
        with self._changed:
            arrival: Future[None] = Future()
            if self._held or self._has_ended:
                arrival.set_result(None)
            else:
                self._arrival = arrival
        return arrival

    def take(self, most: int) -> list[Notification]:
        """Return what is held, the oldest `most` of it, without waiting."""
        with self._changed:
            taken = [self._held.popleft() for _ in range(min(most, len(self._held)))]
            self._held_bytes -= sum(len(each.params) for each in taken)
        return taken

    @property
    def n_held(self) -> int:
        """Return how many notifications wait to be taken."""
        return len(self._held)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come than what is held."""
        return self._has_ended

    @property
    def error(self) -> ImsgError | None:
        """Return what ended it, if that was an error."""
        return self._error

    def put(self, notification: Notification) -> None:
        """Take a notification from the reader."""
        with self._changed:
            if self._has_ended:
                return
            size = len(notification.params)
            if self._held and (len(self._held) >= self._max_held or self._held_bytes + size > _HELD_BYTES):
                self.has_overflowed = self._has_ended = True
            else:
                self._held.append(notification)
                self._held_bytes += size
            self._tell()

    def end(self, error: ImsgError | None = None) -> None:
        """Let the consumer take what is held, then see the end."""
        with self._changed:
            self._has_ended = True
            self._error = self._error or error
            self._tell()

    def _tell(self) -> None:
        self._changed.notify_all()
        arrival, self._arrival = self._arrival, None
        if arrival is not None:
            with suppress(InvalidStateError):  # nobody waits for it any more
                arrival.set_result(None)


class Connection:
    """JSON-RPC over one transport.

    Parameters
    ----------
    transport
        Not started yet.
    name
        What error texts call the other side.
    max_outstanding
        Requests the server may hold at once; more wait here.  Forgotten ones count until they are answered,
        since the server still works on them.
    """

    def __init__(self, transport: Transport, *, name: str = "imsg", max_outstanding: int = 100) -> None:
        self._transport = transport
        self._name = name
        self.max_outstanding = max_outstanding
        # Re-entrant, because a finalizer may run inside any allocation made while it is held.
        self._lock = threading.RLock()
        self._ids = itertools.count(1)
        self._waiting: collections.deque[Pending] = collections.deque()
        self._sent: dict[int, Pending] = {}
        self._subscriptions: dict[int, Subscription] = {}
        self._parked: dict[int, list[Notification]] = {}
        self._ended: collections.deque[int] = collections.deque(maxlen=_ENDED_NUMBERS)
        self._error: ImsgError | None = None
        self._answers = 0
        self._garbage = 0
        self.was_cut_off = False
        """Whether we ended the child for what it sent."""
        self.was_let_go = False
        """Whether we sent the child away; what it is still asked, it need not answer."""
        self.killers: tuple[Pending, ...] = ()
        """Requests without an answer when the stream ended."""
        self.on_end: Callable[[], None] | None = None

    def start(self) -> None:
        """Start the transport."""
        self._transport.start(self._take_line, self._take_end)

    @property
    def is_open(self) -> bool:
        """Whether requests can be made."""
        return self._error is None

    @property
    def is_usable(self) -> bool:
        """Whether requests can be made and will be answered."""
        return self._error is None and not self.was_let_go

    @property
    def error(self) -> ImsgError | None:
        """Return what ended the connection."""
        return self._error

    @property
    def n_answers(self) -> int:
        """Return how many answers have arrived."""
        return self._answers

    def request(self, method: str, params: dict[str, Any]) -> Pending:
        """Send a request and return its future; never blocks.

        Raises
        ------
        ImsgError
            The connection has ended.
        ValueError
            The params cannot be encoded.
        """
        with self._lock:
            if self._error is not None:
                raise self._fresh(self._error)
            pending = Pending(next(self._ids), method, params)
            if len(self._sent) < self.max_outstanding:
                self._send(pending)
            else:
                self._waiting.append(pending)
        return pending

    def forget(self, pending: Pending) -> None:
        """Drop interest in an answer; it is ignored when it comes."""
        with self._lock:
            with suppress(ValueError):  # sent already
                self._waiting.remove(pending)
            pending.cancel()

    def release(self) -> None:
        """Fail at once what was never sent, so that its callers may turn to another child."""
        with self._lock:
            waiting, self._waiting = self._waiting, collections.deque()
        for pending in waiting:
            with suppress(InvalidStateError):  # forgotten
                pending.set_exception(BackendExited(f"{self._name} is not used any more"))

    def subscribe(self, number: int, *, max_held: int = 10_000) -> Subscription:
        """Return the queue of subscription `number`, what came before included."""
        with self._lock:
            subscription = Subscription(number, max_held)
            for notification in self._parked.pop(number, ()):
                subscription.put(notification)
            if self._error is not None:
                subscription.end(self._fresh(self._error))
            else:
                self._subscriptions[number] = subscription
        return subscription

    def unsubscribe(self, number: int) -> None:
        """End the queue of subscription `number`; later notifications are dropped."""
        with self._lock:
            subscription = self._subscriptions.pop(number, None)
            self._parked.pop(number, None)
            self._ended.append(number)
        if subscription is not None:
            subscription.end()

    def abandon(self) -> None:
        """Let go of the transport without waiting; safe in a finalizer."""
        self.was_let_go = True
        self._transport.abandon()

    def kill(self) -> None:
        """End the other side at once, as ``kill -9`` does."""
        self._transport.kill()

    def close(self, error: ImsgError) -> None:
        """Fail what is pending with `error` and close the transport, within its bound."""
        self._fail(error)
        self._transport.close()

    def _send(self, pending: Pending) -> None:
        log.debug("request %d %s, %d bytes", pending.request_id, pending.method, len(pending.line))
        # First the line: an interrupt in between must not leave an id that nobody will ever answer.
        pending.was_sent = True
        self._transport.send(pending.line)
        self._sent[pending.request_id] = pending

    def _send_waiting(self) -> None:
        while self._waiting and len(self._sent) < self.max_outstanding:
            self._send(self._waiting.popleft())

    def _take_line(self, line: bytes) -> None:
        if not line.strip():
            return
        message = protocol.decode_line(line)
        if message is None:
            self._take_garbage(line)
        elif message.method is not UNSET and message.result is UNSET and message.error is UNSET:
            self._take_notification(message)
        else:
            self._take_answer(message, len(line))

    def _take_answer(self, message: protocol.Incoming, n_bytes: int) -> None:
        with self._lock:
            self._answers += 1
            pending = self._sent.pop(message.id, None) if type(message.id) is int else self._only_one(message)
            self._send_waiting()
        if pending is None:
            log.warning("an answer to no request was dropped, %d bytes", n_bytes)
            return
        log.debug("answer %d %s, %d bytes", pending.request_id, pending.method, n_bytes)
        with suppress(InvalidStateError):  # forgotten: too late to matter
            if message.error is not UNSET:
                pending.set_exception(remote_error(pending.method, message.error))
            else:
                assert message.result is not UNSET
                pending.set_result(message.result)

    def _only_one(self, message: protocol.Incoming) -> Pending | None:
        """Return the request an error without an id concerns: the one that is out, if there is just one."""
        if message.error is not UNSET and len(self._sent) == 1:
            return self._sent.popitem()[1]
        return None

    def _take_notification(self, message: protocol.Incoming) -> None:
        assert message.method is not UNSET
        if message.params is UNSET:
            return
        notification = Notification(message.method, message.params)
        try:
            number = _params.decode(message.params).subscription
        except msgspec.DecodeError:
            log.debug("a notification %s without subscription was dropped", message.method)
            return
        with self._lock:
            self._answers += 1
            subscription = self._subscriptions.get(number)
            if subscription is None and number not in self._ended:
                self._park(number, notification)
        if subscription is not None:
            subscription.put(notification)

    def _park(self, number: int, notification: Notification) -> None:
        """Keep what arrives before the answer that tells us the number."""
        if number not in self._parked and len(self._parked) >= _PARKED_SUBSCRIPTIONS:
            self._parked.pop(next(iter(self._parked)))
        parked = self._parked.setdefault(number, [])
        if len(parked) < _PARKED_NOTIFICATIONS:
            parked.append(notification)

    def _take_garbage(self, line: bytes) -> None:
        self._garbage += 1
        log.log(
            logging.WARNING if self._garbage == 1 else logging.DEBUG,
            "a line that is not JSON-RPC was dropped, %d bytes",
            len(line),
        )
        if line.startswith(b"{") and b'"jsonrpc"' in line and not self._transport.is_cut:
            self._fail_only_one()
        if self._answers == 0 and self._garbage >= _GARBAGE_BEFORE_FIRST_ANSWER:
            self._fail(self._not_the_protocol())
            self._transport.abandon()

    def _fail_only_one(self) -> None:
        """Fail the one request that is out: what looks like its answer cannot be read, and no other will come."""
        with self._lock:
            pending = self._sent.popitem()[1] if len(self._sent) == 1 else None
            self._send_waiting()
        if pending is not None:
            with suppress(InvalidStateError):  # forgotten
                pending.set_exception(
                    ProtocolError(
                        f"the answer to {pending.method} cannot be read as JSON",
                        hint="read the file with IMessageClient.from_chat_db(path) or imsg_sdk.read_chat_db(path)",
                    )
                )

    def _not_the_protocol(self) -> ProtocolError:
        return ProtocolError(
            f"{self._name} printed {self._garbage} lines that are not JSON-RPC and answered nothing",
            hint="another program may be in its place: doctor() checks that it is imsg",
        )

    def _take_end(self, ending: Ending) -> None:
        self.was_cut_off = bool(ending.reason)
        self._fail(exited_error(self._name, ending))

    def _fail(self, error: ImsgError) -> None:
        with self._lock:
            if self._error is not None:
                return
            self._error = error
            self.killers = tuple(pending for pending in self._sent.values())
            orphans = [*self._sent.values(), *self._waiting]
            subscriptions = list(self._subscriptions.values())
            self._sent.clear()
            self._waiting.clear()
            self._subscriptions.clear()
        for pending in orphans:
            with suppress(InvalidStateError):  # forgotten
                pending.set_exception(self._fresh(error))
        for subscription in subscriptions:
            subscription.end(self._fresh(error))
        if self.on_end is not None:
            self.on_end()

    def garbage_error(self) -> ProtocolError | None:
        """Return the error to raise where nothing but garbage came, else None."""
        return self._not_the_protocol() if self._garbage and not self._answers else None

    @staticmethod
    def _fresh(error: ImsgError) -> ImsgError:
        """Return a copy: one exception object raised in several threads would mix their tracebacks."""
        if isinstance(error, BackendExited):
            return BackendExited(
                error.message, returncode=error.returncode, stderr_tail=error.stderr_tail, hint=error.hint
            )
        return type(error)(error.message, hint=error.hint)
