"""The lease: one gateway for a state folder and account, and one for a Messages database.

A lease is a lock of the operating system on two small files.  It ends with the process, however that ends, and
programs that the process starts or forks do not keep it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import socket
import tempfile
import time
from datetime import UTC
from pathlib import Path
from typing import Final

import msgspec

from imsg_sdk._time import Clock, iso_ms
from imsg_sdk.errors import GatewayAlreadyRunning, JournalError
from imsg_sdk.gateway.state.folder import LEASES, lock_path, make_private_file, state_folder

__all__ = ["Lease", "LeaseInfo", "read_lease"]

_TRIES: Final = 5
_PAUSE_S: Final = 0.02
"""Those who only look hold the lock for a moment."""
_MOST_BYTES: Final = 4096


class LeaseInfo(msgspec.Struct, frozen=True):
    """Who holds a lease: process, machine and since when (ISO 8601)."""

    pid: int
    host: str
    since: str
    account: str


class Lease:
    """A lease that is held; take it with :meth:`acquire`.

    It is a context manager, and :meth:`release` may be called twice.
    """

    def __init__(self, info: LeaseInfo, descriptors: list[int], shared: Path) -> None:
        self.info = info
        self._descriptors = descriptors
        self._shared = shared
        _install_hook()
        _held.append(self)

    def __repr__(self) -> str:
        return f"<Lease, {'held' if self._descriptors else 'released'}>"

    @classmethod
    def acquire(
        cls, folder: Path, *, account: str = "default", identity: str, clock: Clock, leases: Path | None = None
    ) -> Lease:
        """Take the lease of an account in a state folder and of a Messages database.

        Parameters
        ----------
        folder, account, identity
            As for :meth:`Journal.open`.
        clock
            Says since when it is held.
        leases
            Where the locks on databases lie; None takes a place that all state folders of this user share.

        Raises
        ------
        GatewayAlreadyRunning
            A gateway, here or in another process, holds it; names process, machine and since when.
        """
        info = LeaseInfo(os.getpid(), socket.gethostname(), iso_ms(clock.now().astimezone(UTC)), account)
        named = hashlib.sha256(identity.encode()).hexdigest()[:32]
        shared = (state_folder(leases) if leases is not None else _shared()) / f"gateway-{named}.lock"
        wanted = ((lock_path(folder, account), f"the state in {folder}"), (shared, "this Messages database"))
        held: list[int] = []
        try:
            for path, what in wanted:
                held.append(_lock(path, what))
            for descriptor in held:
                _write(descriptor, info)
        except BaseException:
            for descriptor in held:
                os.close(descriptor)
            raise
        return cls(info, held, shared)

    def release(self) -> None:
        """Give it back."""
        descriptors, self._descriptors = self._descriptors, []
        if descriptors:
            # While it is held: whoever opened it before finds out by looking again.
            self._shared.unlink(missing_ok=True)
        for descriptor in descriptors:
            # What stands in the file is true of nobody any more.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
            os.close(descriptor)
        if self in _held:
            _held.remove(self)

    def forget_in_fork(self) -> None:
        """Close what a forked process got of it, without ending the lease of the parent."""
        descriptors, self._descriptors = self._descriptors, []
        for descriptor in descriptors:
            os.close(descriptor)

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def read_lease(folder: Path, account: str = "default") -> LeaseInfo | None:
    """Return who runs a gateway on a state folder, None where nobody does.  Needs no lease and takes none."""
    path = lock_path(folder, account)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalError(
            f"{path.name} in the state folder {folder} cannot be read: {error.strerror}",
            hint="ask as the user who runs the gateway",
        ) from error
    try:
        return None if _try_lock(descriptor, shared=True) else _read(descriptor)
    finally:
        os.close(descriptor)


def _shared() -> Path:
    # Not below the state folder of the gateway: two folders would know nothing of each other.
    try:
        return state_folder(state_folder() / LEASES)
    except JournalError:
        # No home that can be written, as in some containers; the gateway was given a folder elsewhere.
        return state_folder(Path(tempfile.gettempdir()) / f"imsg-sdk-{LEASES}-{os.geteuid()}")


def _lock(path: Path, what: str) -> int:
    for tries in range(_TRIES):
        if tries:
            time.sleep(_PAUSE_S)
        descriptor = make_private_file(path)
        keeps, info = False, None
        try:
            if not _try_lock(descriptor):
                info = _read(descriptor)
            elif _is_at(descriptor, path):
                keeps = True
                return descriptor
        finally:
            if not keeps:
                os.close(descriptor)
    by = "" if info is None else f" (process {info.pid} on {info.host}, since {info.since})"
    raise GatewayAlreadyRunning(
        f"a gateway runs already with {what}{by}",
        pid=None if info is None else info.pid,
        host=None if info is None else info.host,
        since=None if info is None else info.since,
        hint=(
            "it runs in this process: call its stop()"
            if info is not None and info.pid == os.getpid()
            else "stop that one first; each account needs a state folder and a database of its own"
        ),
    )


def _is_at(descriptor: int, path: Path) -> bool:
    """Tell whether a file is the one at a path still: who gave its lease back may have taken it away meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _try_lock(descriptor: int, *, shared: bool = False) -> bool:
    import fcntl  # not on Windows

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise JournalError(
            f"the state folder cannot be locked: {error.strerror}", hint="put it on a disk of this machine"
        ) from error
    return True


def _write(descriptor: int, info: LeaseInfo) -> None:
    content = msgspec.json.encode(info)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, content, 0)
    except OSError as error:
        raise JournalError(f"the lease cannot be written: {error.strerror}", hint="free some space") from error


def _read(descriptor: int) -> LeaseInfo | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, _MOST_BYTES, 0), type=LeaseInfo)
    except msgspec.DecodeError:
        return None  # taken a moment ago, and not written yet


_held: list[Lease] = []


@functools.cache
def _install_hook() -> None:
    os.register_at_fork(after_in_child=_after_fork_in_child)


def _after_fork_in_child() -> None:
    for lease in _held:
        lease.forget_in_fork()
    _held.clear()
