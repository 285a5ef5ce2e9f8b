r"""Lines of bytes: one JSON object a line, split at ``\n`` and nowhere else.  Pure; no I/O."""

from __future__ import annotations

__all__ = ["LineDecoder", "LineTooLong"]


class LineTooLong(OverflowError):
    """A line grew beyond the limit; ``max_bytes`` is the limit."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"a line is longer than {max_bytes:,} bytes")
        self.max_bytes = max_bytes


class LineDecoder:
    r"""Cut a stream of byte chunks into lines, in time linear to the bytes.

    A line is handed out without its ``\n`` and a ``\r`` before it.

    Parameters
    ----------
    max_bytes
        Longest line; beyond it :meth:`feed` raises :class:`LineTooLong` and the decoder is of no further
        use.  The default bounds nothing.
    """

    def __init__(self, max_bytes: int | None = None) -> None:
        self._parts: list[bytes] = []
        self._held = 0
        self._max_bytes = max_bytes

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes and return every line they complete."""
        pieces = chunk.split(b"\n")
        if self._max_bytes is not None and len(chunk) > self._max_bytes < max(map(len, pieces)):
            raise LineTooLong(self._max_bytes)
        self._hold(pieces[0])
        if len(pieces) == 1:
            return []
        pieces[0] = b"".join(self._parts)
        tail = pieces.pop()
        self._parts.clear()
        self._held = 0
        self._hold(tail)
        return [_strip_cr(piece) for piece in pieces]

    def close(self) -> bytes | None:
        r"""Return the last line if the stream ended without ``\n``, else None."""
        rest = _strip_cr(b"".join(self._parts))
        self._parts.clear()
        self._held = 0
        return rest or None

    def _hold(self, piece: bytes) -> None:
        self._parts.append(piece)
        self._held += len(piece)
        if self._max_bytes is not None and self._held > self._max_bytes:
            raise LineTooLong(self._max_bytes)


def _strip_cr(line: bytes) -> bytes:
    return line[:-1] if line.endswith(b"\r") else line
