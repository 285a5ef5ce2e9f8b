"""The connection to one Messages database: opening, probing, reading rows, failing.

What is in the rows is no business of this file.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from imsg_sdk.server.dialect import Dialect

__all__ = ["Database", "OpenFailed", "Row", "StoreError"]

Row = tuple[Any, ...]

_BUSY_TIMEOUT_S: Final = 5.0
_PROBED: Final = ("message", "attachment", "chat_message_join", "chat")
_REFUSED: Final = frozenset({10, 14, 23})
"""IOERR, CANTOPEN and AUTH: what the older programs give up on at once."""
_UNWRITABLE: Final = frozenset({8, 14})
"""READONLY and CANTOPEN: what SQLite says of a write-ahead log whose index it may not write."""


class StoreError(Exception):
    """SQLite failed.

    ``text`` reads as the programs word it, such as ``database is locked (code: 5)``; ``code`` is the
    primary result code.
    """

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class OpenFailed(StoreError):
    """The file cannot be opened; ``missing`` tells that there is none."""

    def __init__(self, text: str, code: int, *, missing: bool = False) -> None:
        super().__init__(text, code)
        self.missing = missing


class Database:
    """One read-only connection that threads share through `lock`.

    Attributes
    ----------
    columns
        Names of the columns in lower case, by table; empty for a table that is missing.
    identity
        Device and inode of the open file.
    """

    def __init__(
        self, connection: sqlite3.Connection, path: str, identity: tuple[int, int], *, follows_links: bool
    ) -> None:
        self.path = path
        self._follows_links = follows_links
        self.identity = identity
        self.lock = threading.RLock()
        self.columns: dict[str, frozenset[str]] = {}
        self._connection = connection

    @classmethod
    def open(cls, path: str, dialect: Dialect) -> Database:
        """Open `path` read-only.

        Raises
        ------
        OpenFailed
            As strict as `dialect` is: the older programs open a file that is no database and fail later.
        """
        found = _status(path, strict=dialect is Dialect.V1)
        identity = (found.st_dev, found.st_ino) if found else (0, 0)
        try:
            return cls._open(path, identity, dialect, "mode=ro")
        except OpenFailed as error:
            error.missing = found is None
            if error.code not in _UNWRITABLE or not _is_whole_and_still(path):
                raise
        return cls._open(path, identity, dialect, "mode=ro&immutable=1")

    @classmethod
    def _open(cls, path: str, identity: tuple[int, int], dialect: Dialect, options: str) -> Database:
        try:
            connection = sqlite3.connect(
                f"file:{_uri_path(path)}?{options}",
                uri=True,
                timeout=_BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
        except sqlite3.Error as error:
            raise OpenFailed(*_words(error)) from None
        database = cls(connection, path, identity, follows_links=dialect is not Dialect.V1)
        try:
            database._probe()
        except StoreError as error:
            if dialect is Dialect.V1 or error.code in _REFUSED | _UNWRITABLE:
                connection.close()
                raise OpenFailed(error.text, error.code) from None
        return database

    def _probe(self) -> None:
        self.columns = dict.fromkeys(_PROBED, frozenset())
        for table in _PROBED:
            self.columns[table] = frozenset(str(row[1]).lower() for row in self.rows(f"PRAGMA table_info({table})"))

    def has(self, table: str, *names: str) -> bool:
        """Return whether `table` has all these columns."""
        return self.columns[table].issuperset(names)

    def column(self, name: str, default: str = "NULL", *, table: str = "message", alias: str = "m") -> str:
        """Return SQL for a column, or for its neutral value where the schema lacks it."""
        return f"{alias}.{name}" if name.lower() in self.columns[table] else default

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run a query and return all its rows.

        Text is what a C string would be: it ends at a NUL and bad bytes are replaced.  Both are rare, so
        a strict pass comes first; only the column that holds message text is looked at for NULs by its reader.
        """
        with self.lock:
            try:
                try:
                    return self._connection.execute(sql, parameters).fetchall()
                except sqlite3.OperationalError as error:
                    if not str(error).startswith("Could not decode"):
                        raise
                self._connection.text_factory = _lenient_text
                try:
                    return self._connection.execute(sql, parameters).fetchall()
                finally:
                    self._connection.text_factory = str
            except sqlite3.Error as error:
                raise StoreError(*_words(error)) from None
            except OverflowError:
                # A whole number beyond 64 bits matches no row; every caller passes such numbers as bounds only.
                return []

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first column of the first row, None if there is no row."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold the connection, and let all queries inside see one state of the database."""
        with self.lock:
            if self._connection_in_transaction():
                yield
                return
            self.rows("BEGIN")
            try:
                yield
            finally:
                with suppress(sqlite3.Error):  # the connection may have been closed inside
                    self._connection.execute("COMMIT")

    def _connection_in_transaction(self) -> bool:
        try:
            return self._connection.in_transaction
        except sqlite3.Error:
            return False

    def data_version(self) -> int:
        """Return a number that changes when another connection commits."""
        return int(self.value("PRAGMA data_version"))

    def is_current(self) -> bool:
        """Return whether the path still leads to the file that is open."""
        try:
            found = Path(self.path).stat(follow_symlinks=self._follows_links)
        except (OSError, ValueError):
            return False
        return (found.st_dev, found.st_ino) == self.identity

    def close(self) -> None:
        """Close the connection; calls that wait for it fail with `StoreError`."""
        with self.lock:
            self._connection.close()


def _status(path: str, *, strict: bool) -> os.stat_result | None:
    """Look at the file; a strict look refuses everything but a readable regular file, links included."""
    try:
        found = Path(path).lstat() if strict else Path(path).stat()
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        if strict:
            raise OpenFailed("unable to open database file (code: 14)", 14, missing=missing) from None
        return None
    if strict and not (stat.S_ISREG(found.st_mode) and os.access(path, os.R_OK)):
        raise OpenFailed("unable to open database file (code: 14)", 14)
    if stat.S_ISFIFO(found.st_mode):  # opening one would wait for whoever writes into it
        raise OpenFailed("unable to open database file (code: 14)", 14)
    return found


def _is_whole_and_still(path: str) -> bool:
    """Return whether a file without a log lies where nobody can add one: a copy on a read-only medium."""
    log = Path(f"{path}-wal")
    readable = os.access(path, os.R_OK) and not os.access(Path(path).absolute().parent, os.W_OK)
    return readable and not (log.exists() and log.stat().st_size)


def _uri_path(path: str) -> str:
    """Write a path as SQLite's URIs want it; loading a library of URLs for three characters takes too long."""
    plain = str(Path(path).absolute())
    return plain.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _words(error: sqlite3.Error) -> tuple[str, int]:
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else 21
    return f"{error} (code: {primary})", primary


def _lenient_text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "replace")
