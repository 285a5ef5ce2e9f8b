"""The one way out: whole lines on the standard output, from any thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable

__all__ = ["Writer", "claim_stdout"]

_STANDARD = (0, 1, 2)


class Writer:
    """Writes lines to a file descriptor; no line is ever torn by another."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self.pieces: Callable[[bytes], Iterable[bytes]] = lambda lines: (lines,)
        """What is written in place of some lines; asked by the writing thread, between two pieces too."""

    def write(self, lines: bytes) -> None:
        """Write whole lines at once, however long the reader takes.

        A process that can no longer answer has no purpose, so that a failing write ends it.
        """
        with self._lock:
            for piece in self.pieces(lines):
                self._write(piece)

    def _write(self, piece: bytes) -> None:
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            os._exit(1)


def claim_stdout() -> Writer:
    """Take the standard output for answers alone; whatever else prints, prints to the standard error."""
    for fd in _STANDARD:
        try:
            os.set_blocking(fd, True)
        except OSError:
            # Started without it: the next file to be opened must not take its number.
            os.open(os.devnull, os.O_RDWR)
    answers = os.dup(1)
    os.dup2(2, 1)
    return Writer(answers)
