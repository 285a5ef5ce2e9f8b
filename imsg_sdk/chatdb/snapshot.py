"""Everything known about a file at one moment, and the tables read from it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import msgspec

from imsg_sdk.chatdb.chats import ChatReader
from imsg_sdk.chatdb.children import AttachmentReader, Columns
from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.directory import Directory
from imsg_sdk.chatdb.index import Index
from imsg_sdk.chatdb.message_sql import MessageSql
from imsg_sdk.chatdb.messages import EditRow, MessageReader, Page
from imsg_sdk.chatdb.newest import dated_rowids, newest, newest_rowids
from imsg_sdk.chatdb.packing import batch_of, transposed
from imsg_sdk.chatdb.query import Query
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.chatdb.selection import Selection
from imsg_sdk.columns import ATTACHMENTS, CHATS, EDITS, PARTICIPANTS, REACTIONS, TABLES, Batch

__all__ = ["Readers", "Snapshot"]

_ROWIDS: Final = 10_000
"""Rowids named in one statement."""
_FEW: Final = 1_000
"""Below this many messages their attachments are looked up by name."""
_CHILDREN: Final = ("reactions", "attachments", "edits")


@dataclass(frozen=True)
class Readers:
    """What reads the large tables of a file; a layer above may know faster ways.

    Both are called with connection, schema, SQL and directory, anew for each state of the file.
    """

    index: Callable[..., Index] = Index
    messages: Callable[..., MessageReader] = MessageReader


class Snapshot:
    """The file as of one commit; `refresh` brings it to a later one."""

    def __init__(self, connection: Connection, home: str, readers: Readers) -> None:
        self._connection = connection
        self._readers = readers
        self._schema_version = connection.value("PRAGMA schema_version")
        self._schema = Schema.probe(connection)
        self._sql = MessageSql(self._schema)
        self._attachments = AttachmentReader(connection, self._schema, home)
        self._selections: dict[bytes, Selection] = {}
        self._children: dict[tuple[str, bytes], Columns] = {}

    def remember(self) -> None:
        """Prepare for a later `refresh`; a file that is read once needs none."""
        if "_index" in self.__dict__:
            self._index.remember()

    def is_recent(self, rowid: int) -> bool:
        """Tell whether a row is among those that are read again after every change."""
        return "_index" in self.__dict__ and self._index.is_recent(rowid)

    def refresh(self, *, for_recent: bool = False) -> bool:
        """Take in what another program has written; false where all must be read anew.

        With `for_recent` only what is said of recent rows is right afterwards.
        """
        if self._connection.value("PRAGMA schema_version") != self._schema_version:
            return False
        directory = Directory.load(self._connection, self._schema, self._directory)
        if not directory.extends(self._directory):
            return False
        if "_index" in self.__dict__ and not self._index.refresh(directory, for_recent=for_recent):
            return False
        self._directory = directory
        self.__dict__.pop("_messages", None)
        self._selections.clear()
        self._children.clear()
        return True

    @property
    def chat_ids(self) -> frozenset[int]:
        """Return the ids of all chats."""
        return frozenset(self._directory.chats)

    @cached_property
    def _directory(self) -> Directory:
        return Directory.load(self._connection, self._schema)

    @cached_property
    def _messages(self) -> MessageReader:
        return self._readers.messages(self._connection, self._schema, self._sql, self._directory)

    @cached_property
    def _index(self) -> Index:
        """What ties rows together; read when first needed, since it looks at every row."""
        return self._readers.index(self._connection, self._schema, self._sql, self._directory)

    # ── whole tables ─────────────────────────────────────────────────────────────────────────────

    def tables(self, names: Collection[str], query: Query) -> Iterator[Batch]:
        """Yield batches of several tables; what comes from messages comes from one scan of them."""
        if "messages" in names:
            yield from self._from_messages(names, query)
        for name in names:
            if name in ("chats", "participants"):
                yield batch_of(TABLES[name], self._chats(name, query))
            elif name != "messages" and "messages" not in names:
                yield batch_of(TABLES[name], self.children(name, query))

    def _from_messages(self, names: Collection[str], query: Query) -> Iterator[Batch]:
        rowids: set[int] = set()  # of every message, so it is kept only for those who ask
        reacted: dict[str, int] = {}
        edits: list[EditRow] = []
        for page in self._pages(self._selection(query), None, self._messages.rows_at_once):
            yield page.batch
            if "attachments" in names:
                rowids.update(_rowids(page))
            reacted |= page.reacted
            edits += page.edits
        if "reactions" in names:
            yield batch_of(REACTIONS, self._index.reaction_columns(reacted))
        if "attachments" in names:
            yield batch_of(ATTACHMENTS, self._attachments_of(rowids))
        if "edits" in names:
            yield batch_of(EDITS, transposed(edits, EDITS))

    def children(self, name: str, query: Query) -> Columns:
        """Return a whole table of children, ascending by message."""
        selection = self._selection(query)
        if name == "edits":
            pages = self._pages(selection, None, self._messages.rows_at_once, self._sql.tells_the_past)
            return transposed([row for page in pages for row in page.edits], EDITS)
        rowids = self._rowids_of(selection)
        if name == "attachments":
            return self._attachments_of(rowids)
        owners = {guid: rowid for guid, rowid in self._index.owners.items() if rowid in rowids}
        return self._index.reaction_columns(owners)

    def _attachments_of(self, rowids: set[int]) -> Columns:
        return self._attachments.columns(self._index, rowids.__contains__, rowids if len(rowids) <= _FEW else None)

    def _chats(self, name: str, query: Query) -> Columns:
        reader = ChatReader(self._connection, self._schema, self._sql, self._directory)
        if name == "chats":
            index = self._index if "_index" in self.__dict__ else None
            return transposed(reader.chats(query, None if index is None else index.folded), CHATS)
        return transposed(reader.participants(query), PARTICIPANTS)

    # ── selections ───────────────────────────────────────────────────────────────────────────────

    def _selection(self, query: Query) -> Selection:
        """Return what a query means in this file, its text found and its limit applied."""
        key = msgspec.json.encode(query)
        if key not in self._selections:
            if len(self._selections) >= 16:
                self._selections.clear()
                self._children.clear()
            self._selections[key] = self._resolved(query)
        return self._selections[key]

    def _resolved(self, query: Query) -> Selection:
        """Find the rows of a query that asks for a text or the newest so many."""
        selection = Selection(self._schema, self._sql, self._directory, self._index, query)
        if query.guids is not None:
            selection.rowids = self._among(selection.rowids, query.guids)
        if selection.accept is not None:
            found = self._messages.matching(selection, selection.accept)
            selection.accept = None
            selection.rowids = newest(found, len(found) if query.limit is None else query.limit)
        elif query.limit is not None:
            selection.rowids = newest_rowids(self._connection, self._sql, selection, query.limit)
        return selection

    def _among(self, rowids: list[int] | None, guids: list[str]) -> list[int]:
        """Return which of some rows, None for all, have any of these guids, ascending."""
        found: set[int] = set()
        if self._schema.has("message", "guid"):
            for guid in set(guids):
                found.update(
                    row for (row,) in self._connection.rows("SELECT ROWID FROM message WHERE guid = ?", [guid])
                )
        return sorted(found if rowids is None else found.intersection(rowids))

    def _rowids_of(self, selection: Selection) -> set[int]:
        return {rowid for _, rowid in dated_rowids(self._connection, self._sql, selection)}

    # ── pages ────────────────────────────────────────────────────────────────────────────────────

    def _pages(self, selection: Selection, after: int | None, rows: int, extra: str = "1") -> Iterator[Page]:
        """Yield a selection page by page, from behind row `after`."""
        where = f"{selection.where} AND ({extra})"
        if selection.rowids is not None:
            rowids = [rowid for rowid in selection.rowids if after is None or rowid > after]
            size = min(rows, _ROWIDS)
            for start in range(0, len(rowids), size):
                part = rowids[start : start + size]
                listed = f"{where} AND m.ROWID IN ({','.join(map(str, part))})"
                page = self._messages.page(self._index, selection, listed, size)
                yield page._replace(last_rowid=part[-1], is_last=start + size >= len(rowids))
            return
        while True:
            behind = where if after is None else f"{where} AND m.ROWID > {after}"
            page = self._messages.page(self._index, selection, behind, rows)
            yield page
            if page.is_last:
                return
            after = page.last_rowid

    def page(self, name: str, query: Query, after: int | None, rows: int) -> tuple[Batch, int | None]:
        """Return about `rows` rows of a table from behind position `after`, and the position to go on from."""
        if name == "messages":
            for page in self._pages(self._selection(query), after, rows):
                return page.batch, None if page.is_last else page.last_rowid
            return Batch("messages", 0, {}), None
        if name not in _CHILDREN:
            return _slice(name, self._chats(name, query), after or 0, (after or 0) + rows)
        return self._child_page(name, query, after, rows)

    def _child_page(self, name: str, query: Query, after: int | None, rows: int) -> tuple[Batch, int | None]:
        """Cut a table of children between messages: a cursor is the message of the last row."""
        key = (name, msgspec.json.encode(query))
        if key not in self._children:
            self._selection(query)
            self._children[key] = self.children(name, query)
        columns = self._children[key]
        messages = columns[0] if columns else []
        start = 0 if after is None else bisect_right(messages, after)
        if start + rows >= len(messages):
            return _slice(name, columns, start, len(messages))
        last = messages[start + rows - 1]
        batch, _ = _slice(name, columns, start, bisect_right(messages, last))
        return batch, None if last == messages[-1] else last

    def rows_of(self, rowids: list[int]) -> Iterator[tuple[Batch, Columns, Columns]]:
        """Yield messages whatever they are, with the columns of their tapbacks and attachments."""
        query = Query(rowids=rowids, include=["orphaned", "deleted", "reactions"])
        parts = self._schema, self._sql, self._directory, self._index
        selection = Selection(*parts, query, whatever_they_are=True)
        for page in self._pages(selection, None, _ROWIDS):
            reactions = self._index.reaction_columns(page.reacted)
            yield page.batch, reactions, self._attachments_of(set(_rowids(page)))


def _rowids(page: Page) -> list[int]:
    return page.batch.columns["rowid"]  # type: ignore[return-value]


def _slice(name: str, columns: Columns, start: int, end: int) -> tuple[Batch, int | None]:
    rows = len(columns[0]) if columns else 0
    batch = batch_of(TABLES[name], [column[start:end] for column in columns])
    return batch, end if end < rows else None
