"""The database of the sandbox, open for writing while others read it.

Everything happens in transactions of one connection.  The file at the path is followed: where another took its
place, the next transaction writes into that one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from imsg_sdk._time import apple_to_us
from imsg_sdk.errors import ConfigError
from imsg_sdk.sandbox import schema
from imsg_sdk.sandbox.database import Database
from imsg_sdk.sandbox.schema import SYSTEMS, System
from imsg_sdk.server.paths import home

__all__ = ["Ledger", "Row", "newest_us", "refuse_real"]

Row = dict[str, Any]

_BUSY_S: Final = 5.0
_SECOND: Final = 1_000_000_000
_FAR_FUTURE_NS: Final = 3_200_000_000 * _SECOND
"""The year 2102: what is dated later is a defect and not the present."""
_APPLE_ONLY: Final = {"after_delete_message_plugin": 2, "before_delete_attachment_path": 2, "delete_attachment_path": 1}
"""Functions that triggers of a real database call and only Apple's own process has."""


class Ledger:
    """Writes rows where readers in this and other processes see them at once."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._depth = 0
        self._database: Database | None = None
        self._identity = (0, 0)
        self._version: int | None = None
        self._columns: dict[str, frozenset[str]] = {}

    @property
    def system(self) -> System:
        """The system whose tables the file has."""
        with self._lock:
            return self._opened().system

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """Write within one transaction; inside another one this belongs to that."""
        with self._lock:
            database = self._opened()
            if self._depth:
                yield database
                database.flush()
                return
            database.connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield database
                database.flush()
                database.connection.execute("COMMIT")
            except BaseException:
                database.connection.execute("ROLLBACK")
                self._forget()
                raise
            finally:
                self._depth -= 1

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return rows by column name."""
        with self._lock:
            cursor = self._opened().connection.execute(sql, parameters)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Return the first row, if there is one."""
        return next(iter(self.rows(sql, parameters)), None)

    def update(self, table: str, rowid: int, values: Mapping[str, Any]) -> None:
        """Change a row, leaving out columns that the table does not have; dates are nanoseconds."""
        with self.transaction() as database:
            kept = {name: value for name, value in values.items() if self.has(table, name)}
            if database.in_seconds:
                kept = {name: value // _SECOND if "date" in name and value else value for name, value in kept.items()}
            if kept:
                marks = ", ".join(f"{name} = ?" for name in kept)
                database.connection.execute(f"UPDATE {table} SET {marks} WHERE ROWID = ?", (*kept.values(), rowid))

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Carry out one statement."""
        with self.transaction() as database:
            database.flush()
            database.connection.execute(sql, parameters)

    def has(self, table: str, column: str | None = None) -> bool:
        """Return whether there is such a table, or a column of it."""
        with self._lock:
            if table not in self._columns:
                found = self._opened().connection.execute(f"PRAGMA table_info({table})").fetchall()
                self._columns[table] = frozenset(row[1] for row in found)
            there = self._columns[table]
            return column in there if column else bool(there)

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file and cut it off."""
        with self._lock:
            self._opened().connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._forget()

    def _opened(self) -> Database:
        """Return the database as it is now: another file, or rows of another writer, are noticed."""
        if self._depth and self._database is not None:
            return self._database
        found = os.stat(self.path)  # noqa: PTH116 - asked with every row
        identity = (found.st_dev, found.st_ino)
        if self._database is None or identity != self._identity:
            self._forget()
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)
            connection.execute("PRAGMA journal_mode = WAL")
            # The sandbox is made anew any time; what a crash of the machine loses is no loss.
            connection.execute("PRAGMA synchronous = OFF")
            for name, arguments in _APPLE_ONLY.items():
                connection.create_function(name, arguments, lambda *_: None)
            self._database = Database(connection, system_of(connection))
            self._identity = identity
            self._version = None
        version = self._database.connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version and self._version is not None:
            # Somebody else wrote: the numbers of the next rows have to be asked for anew.
            self._database = Database(self._database.connection, self._database.system)
        self._version = version
        return self._database

    def _forget(self) -> None:
        if self._database is not None:
            self._database.close()
        self._database = None
        self._columns.clear()


def refuse_real(path: str) -> None:
    """Refuse to write where Messages itself writes.

    Raises
    ------
    ConfigError
        The path lies in the folder of Messages.
    """
    for folder in {home(), str(Path.home())}:
        if Path(path).resolve().is_relative_to(Path(folder, "Library", "Messages").resolve()):
            raise ConfigError(
                "the sandbox never writes into the folder of Messages", path="path", hint="begin with a copy: --history"
            )


def system_of(connection: sqlite3.Connection) -> System:
    """Return the newest system all of whose columns of ``message`` and ``chat`` a database has."""
    found = {
        table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")} for table in ("message", "chat")
    }
    fitting = [
        system
        for system in SYSTEMS.values()
        if all(schema.columns(table, system).keys() <= names for table, names in found.items())
    ]
    return fitting[-1] if fitting else SYSTEMS["minimal"]


def newest_us(path: str) -> int:
    """Return the instant of the newest message that was not put off, in Unix microseconds; 0 where there is none."""
    with closing(sqlite3.connect(path)) as connection:
        names = {row[1] for row in connection.execute("PRAGMA table_info(message)")}
        sent = "AND ifnull(schedule_type, 0) = 0" if "schedule_type" in names else ""
        found = connection.execute(f"SELECT max(date) FROM message WHERE date < ? {sent}", (_FAR_FUTURE_NS,)).fetchone()
    return apple_to_us(found[0]) or 0
