"""How a command ends that is told to, so that it can say how far it came."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Final

__all__ = ["TERMINATED", "ended_by_terminate"]

TERMINATED: Final = 128 + signal.SIGTERM
"""The exit code of a command that was told to end."""


@contextlib.contextmanager
def ended_by_terminate() -> Iterator[None]:
    """Let TERM end the command as Ctrl-C does: with what it knows kept and told, and its child ended."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
