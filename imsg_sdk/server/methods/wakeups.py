"""What wakes the watcher: changes of the database's files, where the platform tells of them, and calls to `poke`.

A wake-up is a hint.  Whoever waits looks for itself and looks again after a while without one.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
import sys
from pathlib import Path
from typing import Final, Protocol

__all__ = ["Wakeups"]


class _Events(Protocol):
    """File events of one platform."""

    fd: int

    def drain(self) -> bool:
        """Take the pending events; return whether one was about the database."""
        ...

    def close(self) -> None:
        """Let go of the descriptors."""
        ...


class Wakeups:
    """Waits for file events and pokes with one call."""

    def __init__(self, database: str) -> None:
        self._inner, self._outer = os.pipe()
        os.set_blocking(self._inner, False)
        os.set_blocking(self._outer, False)
        self._events = _events_of(Path(database).resolve())
        self._fds = [self._inner] if self._events is None else [self._inner, self._events.fd]

    @property
    def tells_of_files(self) -> bool:
        """Whether the platform reports changes of files at all."""
        return self._events is not None

    def wait(self, timeout_s: float) -> bool:
        """Wait for a poke or an event; return whether a file of the database changed."""
        ready, _, _ = select.select(self._fds, [], [], timeout_s)
        if self._inner in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._inner, 4096)
        return self._events is not None and self._events.fd in ready and self._events.drain()

    def poke(self) -> None:
        """Wake the waiting thread from any other one."""
        with contextlib.suppress(BlockingIOError):  # the pipe is full of pokes already
            os.write(self._outer, b"\0")

    def close(self) -> None:
        """Let go of the descriptors; nobody may be waiting."""
        for fd in (self._inner, self._outer):
            os.close(fd)
        if self._events is not None:
            self._events.close()


def _events_of(database: Path) -> _Events | None:
    # Without events everything still works, by looking more often.
    with contextlib.suppress(ImportError, OSError, AttributeError):
        if sys.platform == "darwin":
            return _Kqueue(database)
        else:
            return _Inotify(database)
    return None


class _Inotify:
    """Changes in the folder of the database, so that files that come and go are seen too."""

    _MODIFY, _MOVED, _CREATE, _DELETE = 0x2, 0x40 | 0x80, 0x100, 0x200
    _HEADER: Final = struct.Struct("iIII")

    def __init__(self, database: Path) -> None:
        import ctypes  # here, for it costs more to load than all the rest of the server

        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        mask = self._MODIFY | self._MOVED | self._CREATE | self._DELETE
        if libc.inotify_add_watch(self.fd, os.fsencode(database.parent), mask) < 0:
            os.close(self.fd)
            raise OSError(ctypes.get_errno(), "inotify_add_watch")
        self._prefix = os.fsencode(database.name)

    def drain(self) -> bool:
        about_us = False
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self.fd, 65_536):
                about_us = self._names_us(chunk) or about_us
        return about_us

    def _names_us(self, chunk: bytes) -> bool:
        offset = 0
        while offset < len(chunk):
            length = self._HEADER.unpack_from(chunk, offset)[3]
            offset += self._HEADER.size
            if chunk[offset : offset + length].startswith(self._prefix):
                return True
            offset += length
        return False

    def close(self) -> None:
        os.close(self.fd)


if sys.platform == "darwin":  # pragma: no cover - needs a Mac

    class _Kqueue:
        """Changes of the database, its log and their folder; armed anew whenever one of them was exchanged."""

        def __init__(self, database: Path) -> None:
            self._paths = [database, Path(f"{database}-wal"), database.parent]
            self._queue = select.kqueue()
            self._open: dict[Path, tuple[int, int]] = {}
            self.fd = self._queue.fileno()
            self._arm()

        def drain(self) -> bool:
            seen = bool(self._queue.control(None, 64, 0))
            self._arm()
            return seen

        def _arm(self) -> None:
            for path in self._paths:
                inode = path.stat().st_ino if path.exists() else 0
                fd, known = self._open.get(path, (-1, 0))
                if inode == known:
                    continue
                if fd >= 0:
                    os.close(self._open.pop(path)[0])
                with contextlib.suppress(FileNotFoundError):
                    fd = os.open(path, os.O_RDONLY | 0x8000)  # O_EVTONLY
                    self._open[path] = (fd, inode)
                    event = select.kevent(
                        fd,
                        filter=select.KQ_FILTER_VNODE,
                        flags=select.KQ_EV_ADD | select.KQ_EV_CLEAR,
                        fflags=select.KQ_NOTE_WRITE
                        | select.KQ_NOTE_EXTEND
                        | select.KQ_NOTE_RENAME
                        | select.KQ_NOTE_DELETE,
                    )
                    self._queue.control([event], 0, 0)

        def close(self) -> None:
            for fd, _ in self._open.values():
                os.close(fd)
            self._queue.close()
