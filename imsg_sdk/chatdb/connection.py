"""Opening a chat.db for reading, and nothing else: never a write, never a lock that Messages would feel.

Every failure leaves here as a named error with a remedy.  No error repeats what SQLite says about
values, since that text can hold parts of messages.
"""

from __future__ import annotations

import sqlite3
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from os import R_OK, W_OK, PathLike, access, fspath
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from imsg_sdk.errors import DatabaseUnavailable, PermissionDenied

__all__ = [
    "Connection",
    "DamagedText",
    "RepairedText",
    "Scan",
    "check_file",
    "connect",
    "open_connection",
    "primary_code",
    "unavailable",
]

BUSY_TIMEOUT_S = 5.0
_CHUNK = 300

_T = TypeVar("_T")
_DECODE_FAILURE = "Could not decode to UTF-8"
_FULL_DISK_ACCESS = (
    "grant Full Disk Access in System Settings → Privacy & Security to the program that runs Python "
    "(the terminal, editor or launcher), then restart it"
)


class DamagedText(Exception):
    """A text is no UTF-8, and whoever reads it has no place for a repaired one."""


class RepairedText(str):
    """Text in which damaged bytes were replaced, or that was salvaged from a damaged body."""

    __slots__ = ()


def repair(raw: bytes) -> str:
    """Decode UTF-8; where that fails, replace the bad bytes and mark the result."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return RepairedText(raw.decode("utf-8", "replace"))


class Scan(NamedTuple):
    """Rows of a statement as columns, and how far it came."""

    columns: list[list[Any]]
    looked_at: int
    """Rows looked at."""
    last: Any
    """First value of the last row looked at."""


class Connection:
    """One read-only connection.

    Text is decoded strictly, since a Python call per value costs a fifth of the scan; a statement that
    meets invalid bytes is run again with a decoder that replaces them by U+FFFD and marks the text as
    :class:`RepairedText`.
    """

    def __init__(self, raw: sqlite3.Connection, path: str) -> None:
        self._raw = raw
        self._is_closed = False
        self.path = path

    def close(self) -> None:
        """Close the file; closing again does nothing."""
        self._is_closed = True
        self._raw.close()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a statement."""
        return self._tolerant(lambda: self._fetch_all(sql, parameters))

    def columns(self, sql: str, parameters: Sequence[Any] = ()) -> list[list[Any]]:
        """Return the rows of a statement as columns; as many empty lists where there is no row."""
        return self._tolerant(lambda: self._fetch_columns(sql, parameters, None)).columns

    def chunks(self, sql: str) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a statement, some hundreds at a time.

        Raises
        ------
        DamagedText
            Bytes of a text would have to be replaced.
        """
        try:
            with closing(self._raw.execute(sql)) as cursor:
                while rows := cursor.fetchmany(_CHUNK):
                    yield rows
        except sqlite3.Error as error:
            if str(error).startswith(_DECODE_FAILURE):
                raise DamagedText from None
            raise unavailable(error, self.path) from None

    def scan(self, sql: str, parameters: Sequence[Any], keep: Callable[[Any], bool] | None) -> Scan:
        """Return the rows of a statement as columns, but for those whose first value is not to `keep`."""
        return self._tolerant(lambda: self._fetch_columns(sql, parameters, keep))

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first value of the first row, or None."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    def data_version(self) -> int:
        """Return a number that changes when another connection has committed."""
        return int(self.value("PRAGMA data_version"))

    def end(self) -> None:
        """End the read transaction, if one is open; a reading left unfinished may end after the file is closed."""
        if not self._is_closed and self._raw.in_transaction:
            self._raw.execute("COMMIT")

    @property
    def max_parameters(self) -> int:
        """Return how many ``?`` a statement may hold."""
        return self._raw.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)

    @property
    def in_transaction(self) -> bool:
        """Tell whether a read transaction is open."""
        return self._raw.in_transaction

    def _fetch_all(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        with closing(self._raw.execute(sql, parameters)) as cursor:
            return cursor.fetchall()

    def _fetch_columns(self, sql: str, parameters: Sequence[Any], keep: Callable[[Any], bool] | None) -> Scan:
        # Row tuples live for one chunk only: that keeps the garbage collector out of the scan and the
        # rows in the processor's cache.  Larger chunks measured slower.
        count, last = 0, None
        with closing(self._raw.execute(sql, parameters)) as cursor:
            columns: list[list[Any]] = [[] for _ in cursor.description]
            extend = [column.extend for column in columns]
            while rows := cursor.fetchmany(_CHUNK):
                count += len(rows)
                last = rows[-1][0]
                if keep is not None:
                    rows = [row for row in rows if keep(row[0])]
                for add, values in zip(extend, zip(*rows, strict=True), strict=bool(rows)):
                    add(values)
        return Scan(columns, count, last)

    def _tolerant(self, fetch: Callable[[], _T]) -> _T:
        try:
            return fetch()
        except sqlite3.OperationalError as error:
            if not str(error).startswith(_DECODE_FAILURE):
                raise unavailable(error, self.path) from None
        except sqlite3.Error as error:
            raise unavailable(error, self.path) from None
        self._raw.text_factory = repair
        try:
            return fetch()
        except sqlite3.Error as error:
            raise unavailable(error, self.path) from None
        finally:
            self._raw.text_factory = str


def open_connection(path: str | PathLike[str]) -> Connection:
    """Open a database file for reading.

    Raises
    ------
    DatabaseUnavailable
        Missing, a folder, not a database, damaged or locked; the hint says what to do.
    PermissionDenied
        The system refuses to read it.
    """
    name = fspath(path)
    check_file(Path(name))
    try:
        return connect(name, name, "mode=ro")
    except sqlite3.Error as error:
        if primary_code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise unavailable(error, name) from None
        failure = error
    if not access(name, R_OK) or access(Path(name).parent, W_OK):
        raise unavailable(failure, name) from None
    return _open_in_read_only_folder(name)


def _open_in_read_only_folder(name: str) -> Connection:
    """Open a database in WAL mode beside which SQLite may not write its index.

    Without a log the main file is complete and cannot change, so ``immutable`` is right.  With one, the
    pair is read from a private copy, which ends with the connection.
    """
    import shutil  # with every compression there is: 10 ms at start for a folder hardly anybody has
    import tempfile

    log = Path(f"{name}-wal")
    try:
        if not log.exists() or log.stat().st_size == 0:
            return connect(name, name, "mode=ro&immutable=1")
        folder = tempfile.TemporaryDirectory(prefix="imsg-sdk-")
        copy = shutil.copy(name, Path(folder.name) / "chat.db")
        shutil.copy(log, f"{copy}-wal")
        connection = connect(str(copy), name, "mode=ro")
    except sqlite3.Error as error:
        raise unavailable(error, name) from None
    except OSError as error:
        raise DatabaseUnavailable(
            f"{name} cannot be copied out of its read-only folder: {error.strerror}",
            hint="copy chat.db together with chat.db-wal to a folder you can write to, and read that copy",
        ) from None
    weakref.finalize(connection, folder.cleanup)
    return connection


def connect(target: str, name: str, options: str, *, timeout_s: float = BUSY_TIMEOUT_S) -> Connection:
    """Open the file `target` as the database `name`; errors are those of SQLite."""
    uri = f"file:{quote(target)}?{options}"
    raw = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=timeout_s, check_same_thread=False)
    try:
        raw.execute("PRAGMA query_only=1")
        # Refusals can surface at the first statement that reads the file, not before.
        raw.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    except sqlite3.Error:
        raw.close()
        raise
    return Connection(raw, name)


def check_file(path: Path) -> None:
    """Raise where there is no file, something else than a file, or one that nobody may look at."""
    try:
        mode = path.stat().st_mode
    except PermissionError:
        raise _refused(str(path)) from None
    except (OSError, ValueError):
        raise DatabaseUnavailable(
            f"there is no file {path}",
            hint="name a Messages database; on a Mac it is ~/Library/Messages/chat.db, "
            "and `imsg-sdk sandbox generate chat.db` makes a fictional one",
        ) from None
    if S_ISDIR(mode):
        raise DatabaseUnavailable(f"{path} is a folder", hint=f"name the file in it, such as {path / 'chat.db'}")
    if not S_ISREG(mode):
        # Opening a pipe would wait for whoever writes into it.
        raise DatabaseUnavailable(f"{path} is no regular file", hint="copy what it holds into a file, and name that")


def primary_code(error: sqlite3.Error) -> int:
    """Return the code of an error of SQLite without what refines it."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _refused(name: str) -> PermissionDenied:
    hint = _FULL_DISK_ACCESS if sys.platform == "darwin" else "read permission on the file and its folder is needed"
    return PermissionDenied(f"{name} may not be read", hint=hint)


def unavailable(error: sqlite3.Error, name: str) -> DatabaseUnavailable | PermissionDenied:
    """Return the named error for what SQLite reports about the database `name`."""
    code = primary_code(error)
    if code in (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return _refused(name)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return DatabaseUnavailable(
            f"{name} is locked by another program", hint="try again, or close the program that writes to it"
        )
    if code == sqlite3.SQLITE_NOTADB:
        return DatabaseUnavailable(f"{name} is not a SQLite database", hint="name the chat.db of Messages, or a copy")
    if code == sqlite3.SQLITE_CORRUPT:
        return DatabaseUnavailable(
            f"{name} is damaged or cut short",
            hint="copy it again with `sqlite3 chat.db '.backup copy.db'`, which is safe while Messages runs",
        )
    reason = getattr(error, "sqlite_errorname", "") or type(error).__name__
    return DatabaseUnavailable(f"{name} cannot be read ({reason})", hint="check the disk and the file, then try again")
