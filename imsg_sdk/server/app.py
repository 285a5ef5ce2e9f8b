"""``imsg rpc``: lines in, lines out, from the first byte of input to the last answer."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from imsg_sdk.rpc import protocol
from imsg_sdk.rpc.framing import LineDecoder
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.extension import Extension, Handled
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.methods.reads import Reads
from imsg_sdk.server.requests import tables
from imsg_sdk.server.requests.envelope import (
    ABSENT,
    Fault,
    Request,
    error_line,
    notification_line,
    read_line,
    result_line,
)
from imsg_sdk.server.requests.lanes import Lane, Lanes
from imsg_sdk.server.requests.output import Writer
from imsg_sdk.server.senders import NoMessages, Senders
from imsg_sdk.server.source import DatabaseFile
from imsg_sdk.wire import WireMessage

if TYPE_CHECKING:
    from imsg_sdk.server.methods.mutations import Mutations
    from imsg_sdk.server.methods.subscriptions import Subscriptions

__all__ = ["RpcServer", "lines_of", "serve_failure"]

_CHUNK: Final = 1 << 16
_log = logging.getLogger("imsg_sdk.server.app")


class _Delivery(NamedTuple):
    """A line to write (empty where nothing is answered), and what happens once it is written."""

    line: bytes
    then: Callable[[], None] | None = None


class RpcServer:
    """One child's life: reads requests, has them worked on, writes the answers."""

    def __init__(
        self,
        source: DatabaseFile,
        writer: Writer,
        *,
        dialect: Dialect,
        extended: bool = False,
        senders: Senders | None = None,
        extension: Extension | None = None,
    ) -> None:
        self._dialect = dialect
        self._extended = extended
        self._writer = writer
        self._source = source
        self._senders = senders or NoMessages(dialect)
        self._extension = extension or Extension()
        self._reads = Reads(
            source, dialect=dialect, extended=extended, senders=self._senders, now_us=self._extension.now_us
        )
        self._mutations: Mutations | None = None
        self._subscriptions: Subscriptions | None = None
        self._lock = threading.Lock()
        self._is_ending = False

    def serve(self, fd: int) -> None:
        """Answer everything that comes in on `fd`, until it ends."""
        if self._dialect is Dialect.LEGACY:
            self._serve_in_turn(fd)
        else:
            self._serve_in_lanes(fd)

    def _serve_in_turn(self, fd: int) -> None:
        for line in lines_of(fd):
            heard = read_line(line, self._dialect)
            if heard is not None:
                self._deliver(self._work_on(heard))
        self._extension.end_of_input()
        self._end_subscriptions()

    def _serve_in_lanes(self, fd: int) -> None:
        lanes = Lanes(self._work_on, self._deliver)
        for line in lines_of(fd):
            heard = read_line(line, self._dialect)
            if isinstance(heard, Fault):
                lanes.submit_uncounted(heard)
            elif heard is not None and not lanes.submit(self._lane(heard.method), heard):
                self._deliver(self._refusal(heard.id, RpcError.busy("outstanding request limit exceeded")))
        self._extension.end_of_input()
        self._end_subscriptions()
        lanes.finish()

    def _lane(self, method: str) -> Lane:
        if method in self._reads and method != "initialize":
            return Lane.READ
        return Lane.MUTATION if tables.is_mutation(method, self._dialect) else Lane.CONTROL

    def _work_on(self, heard: Request | Fault) -> _Delivery:
        if isinstance(heard, Fault):
            return self._refusal(heard.id, heard.error)
        try:
            result, then = self._extension.call(heard, self._call)
            return _Delivery(b"" if heard.id is ABSENT else result_line(heard.id, result), then)
        except RpcError as error:
            return self._refusal(heard.id, error)
        except Exception as error:  # noqa: BLE001 - the handler's boundary: every request is answered
            _log.exception("%s failed", heard.method)
            return self._refusal(heard.id, RpcError.internal(f"unexpected {type(error).__name__}"))

    def _refusal(self, id_: Any, error: RpcError) -> _Delivery:
        if id_ is not ABSENT:
            return _Delivery(error_line(id_, error))
        return _Delivery(b"" if self._dialect is Dialect.V1 else error_line(None, error))

    def _deliver(self, delivery: _Delivery) -> None:
        if delivery.line:
            self._writer.write(delivery.line)
        if delivery.then is not None:
            delivery.then()

    def _call(self, request: Request) -> Handled:
        method = request.method
        if method in self._reads:
            return self._reads.call(request), None
        if tables.is_stream(method, self._dialect):
            return self._streams().call(request)
        if tables.is_mutation(method, self._dialect):
            return self._changes().call(request), None
        raise RpcError(protocol.METHOD_NOT_FOUND, method)

    def _streams(self) -> Subscriptions:
        """Return what holds the subscriptions; loaded with the first, as the first answer must not wait for it."""
        from imsg_sdk.server.methods.subscriptions import Subscriptions
        from imsg_sdk.server.methods.watcher import Watcher

        with self._lock:
            if self._subscriptions is None:
                watcher = Watcher(self._source, _Notifications(self._writer, self._extension))
                self._subscriptions = Subscriptions(watcher, self._source, self._dialect, self._senders)
                if self._is_ending:
                    watcher.close()
            return self._subscriptions

    def _end_subscriptions(self) -> None:
        with self._lock:
            self._is_ending = True
            subscriptions = self._subscriptions
        if subscriptions is not None:
            subscriptions.close()

    def _changes(self) -> Mutations:
        """Return what checks mutations; loaded with the first."""
        from imsg_sdk.server.methods.mutations import Mutations

        if self._mutations is None:
            self._mutations = Mutations(self._source, dialect=self._dialect, senders=self._senders)
        return self._mutations


class _Notifications:
    """Writes what subscriptions see, many lines at a time."""

    def __init__(self, writer: Writer, extension: Extension) -> None:
        self._writer = writer
        self._extension = extension

    def messages(self, number: int, messages: list[WireMessage]) -> None:
        self._write(number, "message", [{"subscription": number, "message": message} for message in messages])

    def failed(self, number: int, text: str) -> None:
        self._write(number, "error", [{"subscription": number, "error": {"message": text}}])

    def _write(self, number: int, method: str, params: list[dict[str, Any]]) -> None:
        kept = self._extension.notify(number, method, params)
        self._writer.write(b"".join(notification_line(method, each) for each in kept))


def lines_of(fd: int) -> Iterator[bytes]:
    """Yield the lines that arrive on `fd`; the last one may lack its end."""
    decoder = LineDecoder()
    while chunk := os.read(fd, _CHUNK):
        yield from decoder.feed(chunk)
    if (rest := decoder.close()) is not None:
        yield rest


def serve_failure(fd: int, writer: Writer, text: str) -> None:
    """Answer every request with the reason why the database could not be opened, as 0.8 to 0.13 do."""
    for line in lines_of(fd):
        heard = read_line(line, Dialect.LEGACY)
        if isinstance(heard, Request):
            heard = Fault(heard.id, RpcError.internal(text))
        if heard is not None:
            writer.write(error_line(None if heard.id is ABSENT else heard.id, heard.error))
