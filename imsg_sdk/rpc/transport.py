"""A child process as a stream of lines.

Three daemon threads a child: one reads its stdout, one writes its stdin, one drains its stderr.  The writer
is a thread of its own so that a caller's ``KeyboardInterrupt`` can never tear a line.  The child leads its
own session, so the interrupt key does not reach it, and it dies with this process in every case:
end of input, then a guard on a lifeline pipe, then TERM and KILL.  Nothing here knows JSON.
"""

from __future__ import annotations

import atexit
import collections
import contextlib
import errno
import functools
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from imsg_sdk.errors import BackendNotFound
from imsg_sdk.rpc.framing import LineDecoder, LineTooLong

__all__ = ["DEFAULT_MAX_LINE_BYTES", "Ending", "MemoryTransport", "ProcessTransport", "Transport"]

log = logging.getLogger("imsg_sdk.rpc.transport")

DEFAULT_MAX_LINE_BYTES = 256 * 1024 * 1024
_CHUNK = 1 << 20
_STDERR_KEPT = 16 * 1024
_EXIT_AFTER_EOF_S = 2.0
_STDERR_ENDS_S = 0.5
_GUARD_LEAVES_S = 3.0

# The guard holds the reading end of a pipe of ours.  "bye" ends it; after any other word it ends the child's
# whole group; end of file means that we are gone without a word, and then nobody else is left to remove our
# private folder.  `kill -s KILL -- -PGID` is the form that every POSIX shell understands.
_GUARD = """
read -r word
[ "$word" = bye ] && exit
sleep 1
kill -s KILL -- "-$1" 2>/dev/null
[ -z "$word" ] && [ -n "$2" ] && rm -rf -- "$2"
"""


class Ending(msgspec.Struct, frozen=True):
    """How a stream of lines ended.  ``reason`` is empty when the child simply went away."""

    returncode: int | None = None
    stderr_tail: str = ""
    reason: str = ""
    max_line_bytes: int | None = None


OnLine = Callable[[bytes], None]
OnEnd = Callable[[Ending], None]


class Transport(Protocol):
    """What a connection needs: lines out, lines in, an end."""

    is_cut: bool
    """Whether the line that is being handed over is the last one and lacks its end."""

    def start(self, on_line: OnLine, on_end: OnEnd) -> None:
        """Begin; `on_line` is called for each line in order, then `on_end` exactly once."""
        ...

    def send(self, line: bytes) -> None:
        """Queue a line with its newline; never blocks, never fails."""
        ...

    def abandon(self) -> None:
        """Let go without waiting and without taking a lock."""
        ...

    def kill(self) -> None:
        """End the other side at once, without waiting."""
        ...

    def close(self) -> None:
        """End the stream, within a bound."""
        ...


class MemoryTransport:
    """A transport without a process, for tests: `sent` holds the lines that were sent."""

    def __init__(self) -> None:
        self.sent: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.is_closed = False
        self.is_cut = False
        self._on_line: OnLine | None = None
        self._on_end: OnEnd | None = None

    def start(self, on_line: OnLine, on_end: OnEnd) -> None:
        """Remember whom to tell."""
        self._on_line, self._on_end = on_line, on_end

    def send(self, line: bytes) -> None:
        """Keep the line."""
        self.sent.put(line)

    def receive(self, line: bytes) -> None:
        """Play a line from the other side."""
        assert self._on_line is not None
        self._on_line(line)

    def end(self, ending: Ending | None = None) -> None:
        """Play the end of the stream, once."""
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(ending or Ending())

    def abandon(self) -> None:
        """End the stream."""
        self.close()

    def kill(self) -> None:
        """End the stream."""
        self.close()

    def close(self) -> None:
        """End the stream."""
        self.is_closed = True
        self.end()


class ProcessTransport:
    """A child process that reads and writes lines.

    Parameters
    ----------
    argv
        Program and arguments; never a shell.
    env
        Variables on top of this process's environment.
    folder
        A folder of ours that is removed if this process is killed.
    max_line_bytes
        A longer line ends the child.
    close_grace_s
        How long :meth:`close` waits after end of input, and again after TERM, before it goes on.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        folder: str | None = None,
        max_line_bytes: int = DEFAULT_MAX_LINE_BYTES,
        close_grace_s: float = 2.0,
    ) -> None:
        self._argv = list(argv)
        self._env = env
        self._folder = folder
        self._max_line_bytes = max_line_bytes
        self._close_grace_s = close_grace_s
        self._owner_pid = os.getpid()
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._stderr: collections.deque[bytes] = collections.deque()
        self._ended = threading.Event()
        self._reason = ""
        self.is_cut = False
        self._stdin = self._stdout = self._stderr_fd = self._lifeline = -1
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._drainer: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """Return the child's process id, None before the start."""
        return self._process.pid if self._process else None

    def start(self, on_line: OnLine, on_end: OnEnd) -> None:
        """Start the child, its guard and the threads.

        Raises
        ------
        BackendNotFound
            No such program, or it cannot be run.
        """
        _install_hooks()
        process = self._process = self._spawn()
        _live.add(self)
        try:
            self._lifeline, self._guard = _start_guard(process.pid, self._folder)
            self._drainer = _thread("stderr", self._drain)
            _thread("write", self._write)
            _thread("read", self._read, process, on_line, on_end)
        except BaseException:  # an interrupt, or no thread to be had
            self._signal(signal.SIGKILL)
            raise
        log.info("started child %d", process.pid)

    def _spawn(self) -> subprocess.Popen[bytes]:
        # Plain descriptors instead of file objects: each has one owning thread that closes it, and a
        # forked copy of this process can close all of them without flushing anybody's buffer.
        pipes: list[int] = []
        try:
            for _ in range(3):
                pipes += os.pipe()
            child_in, stdin, stdout, child_out, stderr, child_err = pipes
            _widen(stdout)
            process = subprocess.Popen(
                self._argv,
                stdin=child_in,
                stdout=child_out,
                stderr=child_err,
                env=None if self._env is None else {**os.environ, **self._env},
                start_new_session=True,
            )
        except BaseException as error:
            # After an interrupt there may be a child; without its pipes it does not stay.
            for descriptor in pipes:
                os.close(descriptor)
            self._ended.set()
            if isinstance(error, OSError):
                raise spawn_error(error, self._argv[0]) from error
            raise
        for descriptor in (child_in, child_out, child_err):
            os.close(descriptor)
        self._stdin, self._stdout, self._stderr_fd = stdin, stdout, stderr
        return process

    def send(self, line: bytes) -> None:
        """Queue a line; what cannot be written any more is dropped, since the reader reports the end."""
        self._outbox.put(line)

    def finish(self) -> None:
        """Close the child's input after what is queued."""
        self._outbox.put(None)

    def abandon(self) -> None:
        """Close the child's input and cut the lifeline; the guard ends a child that stays.

        Safe in a finalizer: takes no lock and waits for nothing.
        """
        if os.getpid() == self._owner_pid:
            self.finish()
            self._cut_lifeline(b"end it\n")

    def kill(self) -> None:
        """End the child's group at once, without waiting."""
        if self._process is not None and not self._ended.is_set() and os.getpid() == self._owner_pid:
            self._signal(signal.SIGKILL)

    def close(self) -> None:
        """End of input, then TERM, then KILL; each step waits at most ``close_grace_s``."""
        if self._process is None or os.getpid() != self._owner_pid:
            return
        self.finish()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._ended.wait(self._close_grace_s):
                return
            log.info("child %d does not leave; sending signal %d", self._process.pid, number)
            self._signal(number)
        self._ended.wait(self._close_grace_s)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it may be gone already
            os.killpg(self._process.pid, number)

    def _cut_lifeline(self, last_words: bytes) -> None:
        descriptor, self._lifeline = self._lifeline, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):  # a guard that is gone needs no last words
                os.write(descriptor, last_words)
            os.close(descriptor)

    def _read(self, process: subprocess.Popen[bytes], on_line: OnLine, on_end: OnEnd) -> None:
        decoder = LineDecoder(self._max_line_bytes)
        descriptor = self._stdout
        try:
            while chunk := os.read(descriptor, _CHUNK):
                for line in decoder.feed(chunk):
                    on_line(line)
            if (rest := decoder.close()) is not None:
                self.is_cut = True
                on_line(rest)
        except LineTooLong:
            self._reason = "line too long"
            self._signal(signal.SIGKILL)
        except Exception:
            # A reader that dies silently would leave every caller waiting.
            log.exception("reading from child %d failed", process.pid)
            self._reason = "reader failed"
            self._signal(signal.SIGKILL)
        finally:
            self._stdout = -1
            os.close(descriptor)
        ending = self._reap(process)
        _live.discard(self)
        self._ended.set()
        on_end(ending)
        if self._guard is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._guard.wait(_GUARD_LEAVES_S)

    def _reap(self, process: subprocess.Popen[bytes]) -> Ending:
        """Collect the exit status; a child that closed its output but lives on is of no use any more."""
        if not _wait(process, _EXIT_AFTER_EOF_S):
            self._reason = self._reason or "closed its output"
            self._signal(signal.SIGKILL)
            _wait(process, _EXIT_AFTER_EOF_S)
        self.finish()
        if self._drainer is not None:
            self._drainer.join(_STDERR_ENDS_S)
        self._cut_lifeline(b"bye\n")
        log.info("child %d ended with %s", process.pid, process.returncode)
        return Ending(
            returncode=process.returncode,
            stderr_tail=b"".join(self._stderr).decode("utf-8", "replace")[-_STDERR_KEPT:],
            reason=self._reason,
            max_line_bytes=self._max_line_bytes,
        )

    def _write(self) -> None:
        descriptor = self._stdin
        try:
            while (line := self._outbox.get()) is not None:
                view = memoryview(line)
                while view:
                    view = view[os.write(descriptor, view) :]
        except OSError as error:
            log.debug("writing to a child failed: %s", error.strerror)
        finally:
            self._stdin = -1
            os.close(descriptor)

    def _drain(self) -> None:
        descriptor, kept = self._stderr_fd, 0
        try:
            while chunk := os.read(descriptor, 65536):
                self._stderr.append(chunk)
                kept += len(chunk)
                while kept - len(self._stderr[0]) >= _STDERR_KEPT:
                    kept -= len(self._stderr.popleft())
        finally:
            self._stderr_fd = -1
            os.close(descriptor)

    def forget_in_fork(self) -> None:
        """Close what a forked copy of this process holds, so that it cannot keep the child alive."""
        for descriptor in (self._stdin, self._stdout, self._stderr_fd, self._lifeline):
            if descriptor >= 0:
                with contextlib.suppress(OSError):  # its thread may have been closing it while we forked
                    os.close(descriptor)
        for process in (self._process, self._guard):
            if process is not None:
                process.returncode = 0  # another process's children: nothing to reap or to warn about


def _start_guard(pid: int, folder: str | None) -> tuple[int, subprocess.Popen[bytes] | None]:
    try:
        reading, lifeline = os.pipe()
    except OSError:
        log.warning("no guard for child %d: too many open files", pid)
        return -1, None
    try:
        guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "imsg-guard", str(pid), folder or ""],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        log.warning("no guard for child %d: /bin/sh cannot be run", pid)
        os.close(lifeline)
        return -1, None
    finally:
        os.close(reading)
    return lifeline, guard


def spawn_error(error: OSError, program: str) -> BackendNotFound:
    """Name what kept a program from starting, and the remedy."""
    name = os.path.basename(program)  # noqa: PTH119 - only for the text
    if isinstance(error, FileNotFoundError):
        return BackendNotFound(
            f"there is no program {name!r}",
            hint="install it (github.com/openclaw/imsg says how), give cli_path, or read a file with "
            "IMessageClient.from_chat_db(path)",
        )
    hint = "cli_path must name an executable file"
    if error.errno in _SHORT_OF:
        hint = "this machine is short of processes, open files or memory: close some, then try again"
    return BackendNotFound(f"{name!r} cannot be run: {error.strerror}", hint=hint)


_SHORT_OF = (errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def _thread(name: str, target: Callable[..., None], *args: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=args, name=f"imsg-{name}", daemon=True)
    thread.start()
    return thread


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> bool:
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _widen(descriptor: int) -> None:
    """Ask Linux for a wider pipe: fewer wake-ups for answers of megabytes.  Elsewhere a no-op."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # a quota may forbid it; only slower then
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _CHUNK)


# The hooks below must reach every child of this process; the set keeps none of them alive.
_live: weakref.WeakSet[ProcessTransport] = weakref.WeakSet()


@functools.cache
def _install_hooks() -> None:
    os.register_at_fork(after_in_child=_after_fork_in_child)
    atexit.register(_at_exit)


def _after_fork_in_child() -> None:
    for transport in list(_live):
        transport.forget_in_fork()
    _live.clear()


def _at_exit() -> None:
    transports = list(_live)
    for transport in transports:
        transport.finish()
    for transport in transports:
        transport.close()
