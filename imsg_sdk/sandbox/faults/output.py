"""What is written goes wrong: lines that are none of the protocol, cut lines, and a child that ends."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, NoReturn

from imsg_sdk.sandbox.faults.fault import Fault, Shape
from imsg_sdk.sandbox.faults.play import Play
from imsg_sdk.server.extension import Handled, Next
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests.envelope import Request, notification_line

__all__ = ["Exit", "GarbageLine", "HugeLine", "PartialLine", "end_process"]

_GARBAGE: Final[dict[str, bytes]] = {
    "text": b"objc[4711]: Class IMHelper is implemented in both places. One of the two will be used.\n",
    "binary": b"\x00\xff\xfe\x80 \xc3\x28 no text\n",
    "cut": b'{"jsonrpc":"2.0","id":999999,"result":{"chats":[{"id":1,"na\n',
    "array": b"[1,2,3]\n",
    "number": b"42\n",
    "blank": b" \t\r\n\n",
    "stranger": b'{"jsonrpc":"2.0","id":999999,"result":{"ok":true}}\n',
    "nobody": b'{"jsonrpc":"2.0","method":"message","params":{"subscription":999999,"message":{}}}\n',
    "unknown": b'{"jsonrpc":"2.0","method":"weather","params":{"sunny":true}}\n',
    "no_params": b'{"jsonrpc":"2.0","method":"message"}\n',
}


class GarbageLine(Fault, frozen=True, kw_only=True, tag="garbage_line"):
    """Writes a line that belongs to nothing, beside an answer or a notification.

    ``kind`` is ``text``, ``binary``, ``cut``, ``array``, ``number``, ``blank``, ``stranger`` (an answer to an id that
    nobody used), ``nobody`` (a notification of no subscription), ``unknown`` (of no known method) or ``no_params``;
    ``lines`` is how many, ``side`` where.

    Source: runtime warnings that land on the standard output, and notifications that newer programs have.
    """

    kind: Literal["text", "binary", "cut", "array", "number", "blank", "stranger", "nobody", "unknown", "no_params"] = (
        "text"
    )
    lines: int = 1
    side: Literal["before", "after"] = "before"

    def on_request(self, play: Play, request: Request, go_on: Next) -> Handled:
        """Answer, with garbage beside it."""
        play.outlet.shape(self._shape())
        return go_on(request)

    def on_message(self, play: Play, number: int, params: Any) -> list[Any]:
        """Notify, with garbage beside it."""
        play.outlet.shape(self._shape())
        return [params]

    def _shape(self) -> Shape:
        def shaped(pieces: Iterable[bytes]) -> Iterator[bytes]:
            if self.side == "before":
                yield _GARBAGE[self.kind] * self.lines
            yield from pieces
            if self.side == "after":
                yield _GARBAGE[self.kind] * self.lines

        return shaped


class HugeLine(Fault, frozen=True, kw_only=True, tag="huge_line"):
    """Writes a line of ``size`` bytes: the answer itself (``where`` is ``answer``), or one beside it (``garbage``).

    Source: a history is one line and was seen at sixty megabytes; readers with a limit of 64 KiB hang for ever.
    """

    size: int = 64 << 20
    where: Literal["answer", "garbage"] = "answer"

    def on_request(self, play: Play, request: Request, go_on: Next) -> Handled:
        """Answer at length."""
        handled = go_on(request)
        result, then = handled
        if self.where == "answer" and isinstance(result, dict):
            return {**result, "padding": "x" * self.size}, then

        def shaped(pieces: Iterable[bytes]) -> Iterator[bytes]:
            yield b"x" * self.size + b"\n"
            yield from pieces

        play.outlet.shape(shaped)
        return handled


class PartialLine(Fault, frozen=True, kw_only=True, tag="partial_line"):
    """Writes a line in pieces: ``at`` bytes (half of it by default), and ``then`` what follows.

    That is the ``rest``, in as many ``pieces``, an ``exit`` of the child, or nothing more (``hang``).

    Source: a pipe holds 64 KiB, so every longer line comes in pieces, and a child may end in the middle of one.
    """

    at: int | None = None
    then: Literal["rest", "exit", "hang"] = "rest"
    pieces: int = 1

    def on_request(self, play: Play, request: Request, go_on: Next) -> Handled:
        """Answer in pieces."""
        play.outlet.shape(self._shape(play))
        return go_on(request)

    def on_message(self, play: Play, number: int, params: Any) -> list[Any]:
        """Notify in pieces."""
        play.outlet.shape(self._shape(play))
        return [params]

    def _shape(self, play: Play) -> Shape:
        def shaped(pieces: Iterable[bytes]) -> Iterator[bytes]:
            line = b"".join(pieces)
            at = len(line) // 2 if self.at is None else min(self.at, len(line) - 1)
            yield line[:at]
            if self.then == "exit":
                end_process(1)
            if self.then == "hang":
                try:
                    play.wait_for_ever()
                except RpcError:  # the input ended: the rest will not come
                    return
            size = -(-(len(line) - at) // max(self.pieces, 1))
            for start in range(at, len(line), max(size, 1)):
                yield line[start : start + size]

        return shaped


class Exit(Fault, frozen=True, kw_only=True, tag="exit"):
    """Ends the child with ``status``, or by ``signal``, at a point of a request or of a notification.

    ``point`` is ``request`` (nothing was done), ``done`` (all was done, nothing written), ``answer`` (in the middle of
    the line) or ``answered``.  For a notification, with the method ``message``, the first two are the same.

    Source: crashes of the program, from dates out of range to whatever comes; with ``times`` null and a request named,
    a request that ends every child that is asked it.
    """

    point: Literal["request", "done", "answer", "answered"] = "request"
    status: int = 1
    signal: int | None = None

    def on_request(self, play: Play, request: Request, go_on: Next) -> Handled:
        """End at the point."""
        if self.point == "request":
            self._end()
        try:
            handled = go_on(request)
        except RpcError:
            self._plan(play)
            raise
        self._plan(play)
        return handled

    def on_message(self, play: Play, number: int, params: Any) -> list[Any]:
        """End at the point; what came before the message is written."""
        line = notification_line("message", params)
        written = {"answered": len(line), "answer": len(line) // 2}.get(self.point, 0)

        def shaped(pieces: Iterable[bytes]) -> Iterator[bytes]:
            yield from pieces
            yield line[:written]
            self._end()

        play.end(number)
        play.outlet.shape(shaped)
        return []

    def _plan(self, play: Play) -> None:
        if self.point == "done":
            self._end()

        def shaped(pieces: Iterable[bytes]) -> Iterator[bytes]:
            line = b"".join(pieces)
            yield line[: len(line) // 2] if self.point == "answer" else line
            self._end()

        play.outlet.shape(shaped)

    def _end(self) -> NoReturn:
        end_process(self.status, self.signal)


def end_process(status: int, by: int | None = None) -> NoReturn:
    """End this process at once, with nothing cleaned up."""
    if by is not None:
        os.kill(os.getpid(), by)
        threading.Event().wait(1)  # it may come to another thread first
    os._exit(status)
