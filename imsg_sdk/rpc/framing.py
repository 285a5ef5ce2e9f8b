r"""Lines of bytes: one JSON object a line, split at ``\n`` and nowhere else.  Pure; no I/O."""

from __future__ import annotations

from collections.abc import Iterator


class LineDecoder:
    r"""Cut a stream of byte chunks into lines, in time linear to the bytes.

    A line is handed out without its ``\n`` and a ``\r`` before it.  ``max_bytes`` bounds the longest line
    held; beyond it :meth:`feed` raises ``OverflowError`` and the decoder is of no further use.
    """

    def __init__(self, max_bytes: int | None = None) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._max_bytes = max_bytes

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take the next bytes and yield every line they complete."""
        self._buffer += chunk
        start = 0
        while (end := self._buffer.find(b"\n", max(start, self._scanned))) >= 0:
            yield _strip_cr(bytes(self._buffer[start:end]))
            start = end + 1
        del self._buffer[:start]
        self._scanned = len(self._buffer)
        if self._max_bytes is not None and self._scanned > self._max_bytes:
            raise OverflowError(self._max_bytes)

    def close(self) -> bytes | None:
        r"""Return the last line if the stream ended without ``\n``, else None."""
        rest = _strip_cr(bytes(self._buffer))
        self._buffer.clear()
        self._scanned = 0
        return rest or None


def _strip_cr(line: bytes) -> bytes:
    return line[:-1] if line.endswith(b"\r") else line
