"""One open chat.db, read as tables of the one schema.  The entry to this layer."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from imsg_sdk.chatdb.connection import Connection, open_connection
from imsg_sdk.chatdb.packing import batch_of, rows_of
from imsg_sdk.chatdb.query import Query
from imsg_sdk.chatdb.snapshot import Readers, Snapshot
from imsg_sdk.columns import ATTACHMENTS, REACTIONS, TABLES, Batch, Table
from imsg_sdk.errors import InvalidParams

__all__ = ["ChatDb"]

_T = TypeVar("_T")
_EMPTY: Final = Query()


class ChatDb:
    """A Messages database, open for reading.

    A context manager.  It holds one read-only connection and is not thread-safe; what it has learnt
    about the file is kept until another connection commits.
    """

    def __init__(self, connection: Connection, home: str, readers: Readers) -> None:
        self._connection = connection
        self._home = home
        self._readers = readers
        self._known: tuple[int, Snapshot] | None = None
        self._recent_version: int | None = None
        """For which state what is known of recent rows is right; see `_current_for`."""

    @classmethod
    def open(cls, path: str | PathLike[str], *, home: str | None = None, readers: Readers | None = None) -> ChatDb:
        """Open a chat.db file, or a copy of one, of any system.

        Parameters
        ----------
        path
            The file; it is never written to.
        home
            What ``~`` in the paths of attachments stands for; the user's own home by default.
        readers
            Faster ways to read the large tables, where a layer above knows any.

        Raises
        ------
        DatabaseUnavailable
            Missing, a folder, not a database, without tables, damaged or locked.
        PermissionDenied
            The system refuses to read it; on a Mac that is Full Disk Access.
        """
        db = cls(open_connection(path), str(Path.home()) if home is None else home, readers or Readers())
        try:
            db._current()
        except BaseException:
            db.close()
            raise
        return db

    def close(self) -> None:
        """Close the file; closing again does nothing."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def chat_ids(self) -> frozenset[int]:
        """Return the ids of all chats, those without a message too."""
        return self._current().chat_ids

    def read(self, table: str, query: Query | None = None) -> Iterator[Batch]:
        """Yield a table in large batches, out of few scans and one read transaction."""
        return self.read_tables((table,), query)

    def read_tables(self, tables: Sequence[str], query: Query | None = None) -> Iterator[Batch]:
        """Yield several tables as of one moment, batch by batch; each batch names its table.

        Messages come first, by rowid, and children of messages after them.
        """
        for name in tables:
            _table(name)
        with self._transaction():
            batches = self._current().tables(tables, query or _EMPTY)
            while (batch := _undisturbed(lambda: next(batches, None))) is not None:
                yield batch

    def page(self, table: str, query: Query, cursor: str | None, page_rows: int) -> tuple[Batch, str | None]:
        """Return one page of a table and the cursor of the next one, None after the last.

        The file is not held between pages: rows written meanwhile may or may not be met.
        """
        _table(table)
        after = _position(cursor)
        with self._transaction():
            snapshot = self._current()
            batch, following = snapshot.page(table, query, after, page_rows)
            snapshot.remember()
        return batch, None if following is None else str(following)

    def columns_of(self, rowids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Return what is known of some message rows, whatever kind of row they are.

        Returns
        -------
        dict
            For each rowid that exists, the columns of the table of messages that are not None, and lists of
            rows in the same form under ``reactions`` and ``attachments``, where there are any.
        """
        wanted = sorted(set(rowids))
        found: dict[int, dict[str, Any]] = {}
        if not wanted:
            return found
        with self._transaction():
            snapshot = self._current_for(wanted[0])
            for batch, reactions, attachments in snapshot.rows_of(wanted):
                found |= {row["rowid"]: row for row in _dicts(batch)}
                for table, columns in ((REACTIONS, reactions), (ATTACHMENTS, attachments)):
                    for child in _dicts(batch_of(table, columns)):
                        found[child["message_rowid"]].setdefault(table.name, []).append(child)
            snapshot.remember()
        return found

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Hold one view of the file; a view inside another is the outer one."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.rows("BEGIN")
        try:
            yield
        finally:
            self._connection.end()

    def _current_for(self, lowest: int) -> Snapshot:
        """Return the present state for rows from `lowest` on; where those are new, old ones are not looked at.

        A watch asks after every message, and the checksums of a long history take longer than all the rest.
        """
        version = self._connection.data_version()
        if self._known is None or self._known[0] == version or not self._known[1].is_recent(lowest):
            return self._current()
        if self._recent_version != version:
            if not self._known[1].refresh(for_recent=True):
                self._known = None
                return self._current()
            self._recent_version = version
        return self._known[1]

    def _current(self) -> Snapshot:
        version = self._connection.data_version()
        if self._known is not None and self._known[0] != version:
            known = self._known[1]
            self._known = (version, known) if known.refresh() else None
        if self._known is None:
            self._known = (version, Snapshot(self._connection, self._home, self._readers))
        return self._known[1]


def _undisturbed(work: Callable[[], _T]) -> _T:
    """Do some work without the garbage collector, which finds nothing in rows and takes a tenth of the time."""
    if not gc.isenabled():
        return work()
    gc.disable()
    try:
        return work()
    finally:
        gc.enable()


def _table(name: str) -> Table:
    if name not in TABLES:
        raise InvalidParams(f"there is no table {name!r}", hint=f"tables are {', '.join(TABLES)}")
    return TABLES[name]


def _position(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        return int(cursor)
    except ValueError:
        raise InvalidParams("the cursor is not one of this table", hint="leave it out to begin anew") from None


def _dicts(batch: Batch) -> Iterator[dict[str, Any]]:
    names = list(batch.columns)
    columns = [rows_of(column, batch.rows) for column in batch.columns.values()]
    for values in zip(*columns, strict=True):
        yield {name: value for name, value in zip(names, values, strict=True) if value is not None}
