"""Where the state of a gateway lives: a folder and files that only their owner can read."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from typing import Final

from imsg_sdk.errors import JournalError, UsageError

__all__ = [
    "STATE_VARIABLE",
    "accounts_of",
    "database_path",
    "lock_path",
    "make_private_file",
    "state_folder",
    "state_path",
]

STATE_VARIABLE: Final = "IMSG_SDK_STATE_DIR"
"""Names the state folder where none is given."""

_OTHERS: Final = 0o077
_OURS: Final = re.compile(r"gateway-.*\.(db|db-wal|db-shm|db-journal|lock)")
_DATABASE: Final = re.compile(r"gateway-([a-z0-9_-]+)\.db")
_ODD: Final = re.compile(r"[^a-z0-9_-]")
LEASES: Final = "leases"
"""Sub-folder of the locks on databases."""


def state_folder(path: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder for the state of gateways, made if need be, readable by its owner only.

    Parameters
    ----------
    path
        The folder; None takes the one that ``IMSG_SDK_STATE_DIR`` names, else the platform's place for state.

    Raises
    ------
    UsageError
        This is Windows.
    JournalError
        It cannot be made or written, or others can read it and that cannot be changed.
    """
    if sys.platform == "win32":
        raise UsageError(
            "a gateway needs a Unix system: its state is kept from others by the permissions of files",
            hint="run it on the Mac that holds Messages",
        )
    folder = state_path(path)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _close_to_others(folder)
    except OSError as error:
        raise JournalError(
            f"the state folder {folder} cannot be used: {error.strerror}",
            hint="give the gateway a folder of its own that you can write, or set " + STATE_VARIABLE,
        ) from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise JournalError(
            f"the state folder {folder} cannot be read and written",
            hint="make it yours (chown, chmod 700), or give another folder",
        )
    return folder


def state_path(path: str | os.PathLike[str] | None = None) -> Path:
    """Return where the state folder is or would be, without making it; `path` as for :func:`state_folder`."""
    return Path(path or os.environ.get(STATE_VARIABLE) or _default()).expanduser().absolute()


def accounts_of(folder: Path) -> tuple[str, ...]:
    """Return the accounts that have state in a folder; none where there is no such folder."""
    found = (match[1] for each in folder.glob("gateway-*.db") if (match := _DATABASE.fullmatch(each.name)))
    return tuple(sorted(found))


def _default() -> Path:
    import platformdirs

    return platformdirs.user_state_path("imsg-sdk", appauthor=False) / "gateway"


def _close_to_others(folder: Path) -> None:
    found = folder.stat()
    if not found.st_mode & _OTHERS:
        return
    # Taking a home or a project away from others would be rude: only what holds nothing of theirs is changed.
    foreign = any(not _OURS.fullmatch(each.name) and each.name != LEASES for each in folder.iterdir())
    if foreign or found.st_uid != os.geteuid():
        raise JournalError(
            f"others can read the state folder {folder}",
            hint="give the gateway a folder of its own, or run chmod 700 on this one",
        )
    folder.chmod(0o700)


def database_path(folder: Path, account: str) -> Path:
    """Return the path of the state of one account."""
    return folder / f"gateway-{_ODD.sub('-', account.lower())[:64] or 'default'}.db"


def lock_path(folder: Path, account: str) -> Path:
    """Return the path of the lock of one account."""
    return database_path(folder, account).with_suffix(".lock")


def make_private_file(path: Path) -> int:
    """Open a file for reading and writing, made if need be, that nobody else can read; return its descriptor.

    Raises
    ------
    JournalError
        It cannot be opened, is no plain file, or others can read it and that cannot be changed.
    """
    try:
        # A link could lead anywhere.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(
            f"{path.name} in the state folder {path.parent} cannot be opened: {error.strerror}",
            hint="it must be a plain file that you can read and write",
        ) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("no plain file")
        if found.st_mode & _OTHERS:
            os.fchmod(descriptor, 0o600)
    except OSError as error:
        os.close(descriptor)
        raise JournalError(
            f"{path.name} in the state folder {path.parent} cannot be kept from others: {error.strerror or error}",
            hint="it must be a plain file of yours: run chmod 600 on it, or move it away",
        ) from error
    return descriptor
