"""The state file as a connection: opened safely, written in transactions, with errors that say what to do.

One process writes it most of the time, the gateway; commands may write a little beside it and anybody may read.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from imsg_sdk.config.settings import Durability
from imsg_sdk.errors import ForkedProcess, JournalError, UsageError
from imsg_sdk.gateway.state.folder import database_path, make_private_file
from imsg_sdk.gateway.state.schema import APPLICATION_ID, SCHEMA, VERSION

__all__ = ["Store", "reading", "translated"]

_BUSY_S: Final = 5.0
_PAGES_OF_WAL: Final = 1000


class Store:
    """A connection that writes.  Used as a context manager it is one transaction; inner ones join the outer.

    Not for several threads at once.  A process that was forked off must not use it and is told so.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self._pid = os.getpid()
        self._depth = 0
        self._spoilt = False
        self.is_closed = False
        _install_hook()
        _open.add(self)

    @classmethod
    def open(cls, folder: Path, account: str, *, durability: Durability = Durability.NORMAL) -> Store:
        """Open the state of one account, made if need be.

        Raises
        ------
        JournalError
            It cannot be opened or made, is damaged, or is of a newer version.
        """
        path = database_path(folder, account)
        # Made first, so that at no time anybody else can read it; SQLite gives its other files the same mode.
        os.close(make_private_file(path))
        with translated(path):
            connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                _prepare(connection, path, durability)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    def __repr__(self) -> str:
        return f"<Store, {'closed' if self.is_closed else 'open'}>"

    @property
    def is_in_transaction(self) -> bool:
        """Tell whether a transaction is open."""
        return self._depth > 0

    def check(self) -> None:
        """Raise where this store cannot be used: closed, or of another process."""
        if self._pid != os.getpid():
            raise ForkedProcess("this state file was opened by another process", hint="open it in this process")
        if self.is_closed:
            raise UsageError("the state file is closed", hint="open it again")

    def __enter__(self) -> sqlite3.Connection:
        if not self._depth:
            self.check()
            try:
                self.connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                raise told(error, self.path) from error
        self._depth += 1
        return self.connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._depth -= 1
        self._spoilt = self._spoilt or kind is not None
        if not self._depth:
            spoilt, self._spoilt = self._spoilt, False
            self._end("ROLLBACK" if spoilt else "COMMIT")
            if spoilt and kind is None:
                raise JournalError(
                    "a step of this transaction failed before, so none of it was kept",
                    hint="let the error of the step out of the block, or repeat all of it",
                )
        if isinstance(error, sqlite3.Error):
            raise told(error, self.path) from error

    def _end(self, statement: str) -> None:
        try:
            # A full disk may have rolled it back already.
            if self.connection.in_transaction:
                self.connection.execute(statement)
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):  # what is wrong is told below
                self.connection.execute("ROLLBACK")
            raise told(error, self.path) from error

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Run one statement that reads."""
        self.check()
        with translated(self.path):
            return self.connection.execute(statement, values)

    def meta(self, name: str) -> Any:
        """Return one of the values that the file holds about itself, None where it holds none."""
        row = self.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def set_meta(self, name: str, value: str | int | bytes | None) -> None:
        """Set one of these values."""
        with self as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def data_version(self) -> int:
        """Return a number that changes when another connection has written."""
        return int(self.execute("PRAGMA data_version").fetchone()[0])

    def forget_log(self) -> None:
        """Write what waits in the log into the file and empty the log, as far as readers allow."""
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file; safe to call twice.  Nothing that was committed depends on it."""
        if self.is_closed or self._pid != os.getpid():
            return
        self.is_closed = True
        _open.discard(self)
        with translated(self.path):
            self.connection.close()


def _prepare(connection: sqlite3.Connection, path: Path, durability: Durability) -> None:
    connection.execute(f"PRAGMA busy_timeout = {round(_BUSY_S * 1000)}")
    version, kind = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id"))
    if version > VERSION and kind == APPLICATION_ID:
        raise _newer(path, version)
    is_new = not version and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not is_new and (kind != APPLICATION_ID or not version):
        raise JournalError(
            f"{path.name} in the state folder {path.parent} is a database of something else",
            hint="move it away, or give the gateway a folder of its own",
        )
    if is_new:
        # Only works on a file that is empty still.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durability == Durability.FULL else 'NORMAL'}")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_OF_WAL}")
    if is_new:
        _make(connection)
    # Reads what a damaged file would fail on, before anything relies on it.
    connection.execute("SELECT count(*) FROM inbound WHERE state <> 'finished'").fetchone()


def _newer(path: Path, version: int) -> JournalError:
    return JournalError(
        f"the state file {path.name} is of version {version}, this package knows {VERSION}",
        hint="update imsg-sdk, or give another state folder",
    )


def _make(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have been faster.
    if not connection.execute("PRAGMA user_version").fetchone()[0]:
        for statement in SCHEMA.split(";")[:-1]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


@contextlib.contextmanager
def reading(folder: Path, account: str) -> Iterator[sqlite3.Connection | None]:
    """Open a connection that only reads, beside a gateway that runs; None where there is no state yet."""
    path = database_path(folder, account)
    if not path.is_file():
        yield None
        return
    with translated(path):
        connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=_BUSY_S, isolation_level=None)
        try:
            connection.execute("PRAGMA query_only = ON")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise _newer(path, version)
            yield connection if version else None
        finally:
            connection.close()


_HINTS: Final = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space; what was written before is safe",
    sqlite3.SQLITE_IOERR: "the disk cannot be written or read: free some space or look at the disk",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable for this user",
    sqlite3.SQLITE_CANTOPEN: "make the folder writable for this user, and see that the disk is not full",
    sqlite3.SQLITE_CORRUPT: "move the file away to start anew, or restore it from a backup",
    sqlite3.SQLITE_NOTADB: "move the file away to start anew, or restore it from a backup",
    sqlite3.SQLITE_BUSY: "another process holds the file: end it, then try again",
    sqlite3.SQLITE_PERM: "make the file and its folder readable and writable for this user",
}


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise what SQLite reports as a :class:`JournalError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise told(error, path) from error


def told(error: sqlite3.Error, path: Path) -> JournalError:
    """Return the error to raise for one of SQLite's."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return JournalError(
        f"the state file {path.name} in {path.parent} failed: {error}",
        hint=_HINTS.get(code, "see that the disk is sound and the file not in use by another program"),
    )


# The hook must reach every store of this process; the set keeps none of them alive.
_open: weakref.WeakSet[Store] = weakref.WeakSet()
_left_open: list[sqlite3.Connection] = []


@functools.cache
def _install_hook() -> None:
    os.register_at_fork(after_in_child=_after_fork_in_child)


def _after_fork_in_child() -> None:
    # Closing them here, as the collector would, could take locks and logs from the parent.
    _left_open.extend(store.connection for store in _open)
    _open.clear()
