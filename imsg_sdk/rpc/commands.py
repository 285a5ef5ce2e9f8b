"""Short commands of the program and what they print, line by line, over the same transport as a long child."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress

import msgspec

from imsg_sdk.errors import ClientClosed, StartupTimeout
from imsg_sdk.rpc.transport import Ending, ProcessTransport

__all__ = ["IsUnwanted", "Lines", "Output", "never", "run_command"]

_SHORT_BYTES = 1 << 20
_SLICE_S = 0.2

IsUnwanted = Callable[[], bool]
"""Tells whether nobody waits any more."""


def never() -> bool:
    """Return False: somebody waits to the end."""
    return False


class Output(msgspec.Struct, frozen=True):
    """What a command printed, its first mebibyte, and how it ended."""

    lines: tuple[bytes, ...]
    ending: Ending

    @property
    def first_line(self) -> bytes:
        """Return the first line that is not blank, trimmed."""
        return next((line.strip() for line in self.lines if line.strip()), b"")


class Lines:
    """A running command.  One consumer takes its lines in pieces; the end is an empty piece."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        folder: str | None = None,
        max_line_bytes: int,
    ) -> None:
        self._lock = threading.Lock()
        self._held: list[bytes] = []
        self._waiter: Future[list[bytes]] | None = None
        self.ending: Ending | None = None
        self._transport = ProcessTransport(
            argv, env=env, folder=folder, max_line_bytes=max_line_bytes, close_grace_s=0.5
        )
        self._transport.start(self._take_line, self._take_end)
        self._transport.finish()

    def take(self) -> Future[list[bytes]]:
        """Return what has come since the last call as soon as there is any; ``[]`` once the command ended."""
        future: Future[list[bytes]] = Future()
        with self._lock:
            if not self._held and self.ending is None:
                self._waiter = future
                return future
            held, self._held = self._held, []
        future.set_result(held)
        return future

    def close(self) -> None:
        """End the command at once if it still runs; waits for nothing."""
        self._transport.kill()

    def close_and_wait(self) -> None:
        """End the command at once and wait until it is gone, within a bound."""
        self._transport.kill()
        self._transport.close()

    def _take_line(self, line: bytes) -> None:
        with self._lock:
            self._held.append(line)
        self._wake()

    def _take_end(self, ending: Ending) -> None:
        with self._lock:
            self.ending = ending
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            waiter, self._waiter = self._waiter, None
            if waiter is None:
                return
            held, self._held = self._held, []
        with suppress(InvalidStateError):  # the consumer gave up
            waiter.set_result(held)


def run_command(
    argv: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    folder: str | None = None,
    is_unwanted: IsUnwanted = never,
) -> Output:
    """Run a short command to its end; blocks for at most `timeout_s` and the end of the child.

    Raises
    ------
    BackendNotFound
        It cannot be run.
    StartupTimeout
        It took too long, or printed without end.
    ClientClosed
        Nobody wants it any more.
    """
    running = Lines(argv, env=env, folder=folder, max_line_bytes=_SHORT_BYTES)
    lines: list[bytes] = []
    deadline = time.monotonic() + timeout_s
    try:
        while piece := _wait_for(running.take(), deadline, is_unwanted):
            lines += piece
            if sum(map(len, lines)) > _SHORT_BYTES:
                raise TimeoutError
    except TimeoutError:
        raise StartupTimeout(
            f"a command of the program took longer than {timeout_s:g} s, or printed without end",
            hint="doctor() checks the program step by step",
        ) from None
    finally:
        running.close_and_wait()
    assert running.ending is not None
    return Output(tuple(lines), running.ending)


def _wait_for(coming: Future[list[bytes]], deadline: float, is_unwanted: IsUnwanted) -> list[bytes]:
    while not coming.done():
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if is_unwanted():
            raise ClientClosed("this client was closed", hint="make a new one")
        with suppress(TimeoutError):
            coming.exception(min(left, _SLICE_S))
    return coming.result()
