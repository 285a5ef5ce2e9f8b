"""Which child answers what: one child a role, started when first needed, restarted with backoff.

A slow send must not hold up a lookup, and a legacy program answers strictly in turn, so each role has a child
of its own.  Starting takes a thread of its own, so that neither an interrupted nor an asynchronous caller can
leave a half-started child behind.  The pool also remembers for a while which requests ended a
child, and does not let the same request end another.
"""

from __future__ import annotations

import collections
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from enum import StrEnum
from typing import Any

import msgspec

from imsg_sdk.errors import BackendExited, ClientClosed, ForkedProcess, ImsgError, UsageError
from imsg_sdk.rpc.backends import Backend, locate, prove
from imsg_sdk.rpc.commands import IsUnwanted, Lines
from imsg_sdk.rpc.connection import Connection, Pending
from imsg_sdk.rpc.faults import ENDED_FROM_OUTSIDE
from imsg_sdk.rpc.handshake import Session, shake_hands
from imsg_sdk.rpc.profiles import Generation
from imsg_sdk.rpc.protocol import encode_request
from imsg_sdk.rpc.transport import ProcessTransport

__all__ = ["Limits", "Pool", "Role"]

log = logging.getLogger("imsg_sdk.client.pool")

_QUICK_DEATH_S = 5.0
_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 3.0
_KILLERS_KEPT = 256
_KILLER_LIFE_S = 60.0
"""One that was only there when a child fell is not refused for good: whoever watches has nothing else to ask."""
_SUBSCRIBE = "watch.subscribe"


class Role(StrEnum):
    """What a child is for."""

    READ = "read"
    SEND = "send"
    WATCH = "watch"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the pool's children."""

    startup_timeout_s: float
    close_timeout_s: float
    max_line_bytes: int


class _Slot:
    """The child of one role, and the callers that wait for it."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.starter: threading.Thread | None = None
        self.starting: Connection | None = None
        self.waiting: list[Future[Session]] = []
        self.started_at = 0.0
        self.file: tuple[int, int] | None = None
        self.quick_deaths = 0

    @property
    def connections(self) -> list[Connection]:
        """Return the connections to children that are up or starting."""
        session, starting = self.session, self.starting
        return [*([] if session is None else [session.connection]), *([] if starting is None else [starting])]


class Pool:
    """The children of one client.

    Holds no reference to the client, so that a client nobody holds can be collected and its children end.
    """

    def __init__(
        self, backend: Backend, limits: Limits, *, prepare: Callable[[IsUnwanted], None] | None = None
    ) -> None:
        self.backend = backend
        self.limits = limits
        self._owner_pid = os.getpid()
        # Re-entrant, because a finalizer may run inside any allocation made while it is held.
        self._lock = threading.RLock()
        self._slots = {role: _Slot() for role in Role}
        self._killers: collections.OrderedDict[bytes, float] = collections.OrderedDict()
        self._is_proven = False
        self._prepare = prepare
        self._first_start = threading.Lock()
        self._closing = threading.Event()
        self._is_abandoned = False
        self._commands: weakref.WeakSet[Lines] = weakref.WeakSet()
        self.latest: Session | None = None
        """The session that started last, for showing what the program is."""

    @property
    def is_closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._is_abandoned or self._closing.is_set()

    @property
    def was_forked(self) -> bool:
        """Whether this process is a fork of the one that made it, and has neither its threads nor its children."""
        return os.getpid() != self._owner_pid

    @property
    def n_children(self) -> int:
        """Return how many children are up."""
        return sum(slot.session is not None and slot.session.connection.is_open for slot in self._slots.values())

    def check(self) -> None:
        """Raise where the client cannot be used any more.

        Raises
        ------
        ForkedProcess
            This process is a fork of the one that made the client.
        ClientClosed
            The client was closed.
        """
        if self.was_forked:
            raise ForkedProcess(
                "this client belongs to the process that made it", hint="make a new client in each worker process"
            )
        if self.is_closed:
            raise ClientClosed("this client is closed", hint="make a new one; `with` closes it at the end of the block")

    def session(self, role: Role) -> Session | Future[Session]:
        """Return the child of `role` if it is up, else a future for it; never blocks."""
        self.check()
        with self._lock:
            slot = self._slots[role]
            if slot.session is not None and self._is_stale(slot):
                log.info("the database was replaced; restarting the child")
                self.drop(slot.session)
            if slot.session is not None and slot.session.connection.is_usable:
                return slot.session
            future: Future[Session] = Future()
            slot.waiting.append(future)
            # A caller may be interrupted before its thread runs; then the next one starts another.
            if slot.starter is None or not slot.starter.is_alive():
                name = f"imsg-start-{role}"
                slot.starter = threading.Thread(target=self._start, args=(slot,), name=name, daemon=True)
                try:
                    slot.starter.start()
                except RuntimeError as error:
                    raise UsageError("no child can be started", hint="no thread can: is Python ending?") from error
        return future

    def _is_stale(self, slot: _Slot) -> bool:
        """Tell whether a legacy child reads a file that is no longer at the path; v1 looks by itself."""
        if slot.session is None or slot.session.profile.generation is not Generation.LEGACY or slot.file is None:
            return False
        return _identity(self.backend) not in (slot.file, None)

    def _start(self, slot: _Slot) -> None:
        try:
            outcome: Session | ImsgError = self._open(slot)
        except ImsgError as error:
            outcome = error
        except Exception:
            # The start thread is the owner of its callers' futures: none may be left hanging.
            log.exception("starting a child failed")
            outcome = UsageError("starting the program failed in an unexpected way", hint="see the log")
        with self._lock:
            waiting, slot.waiting = slot.waiting, []
            slot.starter = slot.starting = None
            if isinstance(outcome, Session):
                slot.session = self.latest = outcome
                if self.is_closed:
                    outcome.connection.abandon()
        for future in waiting:
            with suppress(InvalidStateError):  # its caller gave up
                if isinstance(outcome, Session):
                    future.set_result(outcome)
                else:
                    future.set_exception(outcome)

    def _open(self, slot: _Slot) -> Session:
        if slot.quick_deaths:
            delay = min(_FIRST_DELAY_S * 2 ** (slot.quick_deaths - 1), _LONGEST_DELAY_S)
            self._closing.wait(max(slot.started_at + delay - time.monotonic(), 0.0))
        self._make_ready()
        slot.started_at = time.monotonic()
        slot.file = _identity(self.backend)
        connection = Connection(self._transport(), name=self.backend.name)
        connection.on_end = lambda: self._count_death(slot)
        with self._lock:
            self.check()
            slot.starting = connection
        try:
            connection.start()
            return shake_hands(connection, self.backend, timeout_s=self.limits.startup_timeout_s, known=self.latest)
        except BaseException:
            connection.abandon()
            raise

    def _make_ready(self) -> None:
        """Find and prove the program, and make what it reads, once for all roles."""
        with self._first_start:
            self.check()
            if not self._is_proven:
                self.backend = locate(self.backend)
                prove(self.backend, timeout_s=self.limits.startup_timeout_s, is_unwanted=self._is_unwanted)
                if self._prepare is not None:
                    self._prepare(self._is_unwanted)
                self._is_proven = True

    def _is_unwanted(self) -> bool:
        return self.is_closed

    def _transport(self) -> ProcessTransport:
        return ProcessTransport(
            self.backend.argv("rpc"),
            env=self.backend.env,
            folder=self.backend.folder,
            max_line_bytes=self.limits.max_line_bytes,
            close_grace_s=self.limits.close_timeout_s,
        )

    def _count_death(self, slot: _Slot) -> None:
        if time.monotonic() - slot.started_at < _QUICK_DEATH_S and not self.is_closed:
            slot.quick_deaths += 1
        else:
            slot.quick_deaths = 0

    def drop(self, session: Session) -> None:
        """Let a child go that cannot be used any more; the next call starts another."""
        with self._lock:
            for slot in self._slots.values():
                if slot.session is session:
                    slot.session = None
        session.connection.on_end = None  # it does not die, it is sent away: the next may start at once
        session.connection.abandon()

    def kill(self, role: Role) -> int:
        """End the child of `role` at once, as ``kill -9`` does; return how many there were.  For tests."""
        with self._lock:
            connections = [connection for connection in self._slots[role].connections if connection.is_open]
        for connection in connections:
            connection.kill()
        return len(connections)

    def adopt(self, command: Lines) -> None:
        """End a running command when the pool is closed."""
        with self._lock:
            self._commands.add(command)
        if self.is_closed:
            command.close()

    # ---- requests that end children ------------------------------------------------------------------------------

    def refuse_killer(self, method: str, params: dict[str, Any]) -> None:
        """Raise if this very request has ended a child within the last minute.

        Raises
        ------
        BackendExited
            It has.
        """
        if not self._killers:
            return
        ended_at = self._killers.get(_key(method, params))
        if ended_at is not None and time.monotonic() - ended_at < _KILLER_LIFE_S:
            raise _killer_error(self.backend.name, method)

    def blame(self, connection: Connection, pending: Pending, error: BackendExited) -> BackendExited | None:
        """Judge the end of a child under a request.

        Returns the error to raise if this request ended it, which is remembered; None if the child was
        ended from outside or by ourselves, or others were out with it and nobody can tell.  A subscription is never
        to blame for good: whoever watches has nothing else to ask, and waits longer each time.
        """
        if connection.was_let_go or pending.method == _SUBSCRIBE:
            return None
        was_alone = connection.killers == (pending,)
        fell = connection.was_cut_off or not (self.was_killed(connection, error) or self.backend.host is not None)
        if not (was_alone and fell):
            return None
        with self._lock:
            key = _key(pending.method, pending.params)
            self._killers[key] = time.monotonic()
            self._killers.move_to_end(key)
            if len(self._killers) > _KILLERS_KEPT:
                self._killers.popitem(last=False)
        log.warning("%s ended the program", pending.method)
        return BackendExited(
            f"{error.message} while it answered {pending.method}",
            returncode=error.returncode,
            stderr_tail=error.stderr_tail,
            hint=_KILLER_HINT,
        )

    @staticmethod
    def was_killed(connection: Connection, error: BackendExited) -> bool:
        """Tell whether somebody ended the child from outside."""
        return error.returncode in ENDED_FROM_OUTSIDE and not connection.was_cut_off

    # ---- the end -------------------------------------------------------------------------------------------------

    def abandon(self) -> None:
        """Let all children go without waiting and without a lock; for a client that nobody holds any more."""
        self._is_abandoned = True
        if self.was_forked:
            return
        for slot in self._slots.values():
            for connection in slot.connections:
                connection.abandon()

    def close(self) -> None:
        """End all children, within the bound of the close ladder.  Calling it again does nothing."""
        if self.was_forked:
            return
        self._closing.set()
        with self._lock:
            connections = [connection for slot in self._slots.values() for connection in slot.connections]
            waiting = [future for slot in self._slots.values() for future in slot.waiting]
            commands = list(self._commands)
        closed = ClientClosed("this client was closed", hint="make a new one")
        for future in waiting:
            with suppress(InvalidStateError):  # settled this moment
                future.set_exception(closed)
        for command in commands:
            command.close()
        for connection in connections:
            connection.close(closed)


_KILLER_HINT = (
    "the same request is not sent again for a minute; ask for fewer rows (a smaller limit, a shorter time) "
    "or read the file with IMessageClient.from_chat_db(path)"
)


def _killer_error(name: str, method: str) -> BackendExited:
    return BackendExited(f"this request to {method} has ended {name} before, so it was not sent", hint=_KILLER_HINT)


def _key(method: str, params: dict[str, Any]) -> bytes:
    return encode_request(0, method, params)


def _identity(backend: Backend) -> tuple[int, int] | None:
    """Return device and inode of the database, where it is a file of this machine that we were told of."""
    if backend.host is not None or backend.db_path is None:
        return None
    try:
        status = os.stat(backend.db_path)  # noqa: PTH116 - called before every legacy request
    except OSError:
        return None
    return status.st_dev, status.st_ino
