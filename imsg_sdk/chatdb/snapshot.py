"""Everything known about a file at one moment, and the tables read from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any, Final

import msgspec

from imsg_sdk.chatdb.chats import ChatReader
from imsg_sdk.chatdb.children import Row, attachment_rows, reaction_rows
from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.directory import Directory
from imsg_sdk.chatdb.index import Index
from imsg_sdk.chatdb.message_sql import MessageSql
from imsg_sdk.chatdb.messages import MessageReader, Page
from imsg_sdk.chatdb.newest import dated_rowids, newest, newest_rowids
from imsg_sdk.chatdb.packing import batch_of
from imsg_sdk.chatdb.query import Query
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.chatdb.selection import Selection
from imsg_sdk.columns import ATTACHMENTS, CHATS, EDITS, PARTICIPANTS, REACTIONS, Batch

__all__ = ["Snapshot"]

_ROWS: Final = 50_000
"""Messages of one batch: large enough to forget its overhead, small enough to pass on early."""
_ROWIDS: Final = 10_000
"""Rowids named in one statement."""
_CHILDREN: Final = ("reactions", "attachments", "edits")


class Snapshot:
    """The file as of one commit; a later commit needs another one."""

    def __init__(self, connection: Connection, home: str) -> None:
        self._connection = connection
        self._home = home
        self._schema = Schema.probe(connection)
        self._sql = MessageSql(self._schema)
        self._directory = Directory.load(connection, self._schema)
        self._messages = MessageReader(connection, self._sql, self._directory)
        self._chats = ChatReader(connection, self._schema, self._sql, self._directory)
        self._selections: dict[bytes, Selection] = {}
        self._children: dict[tuple[str, bytes], list[Row]] = {}

    @cached_property
    def index(self) -> Index:
        """Return what ties rows together; read when first needed, since it looks at every row."""
        return Index(self._connection, self._schema, self._directory)

    # ── whole tables ─────────────────────────────────────────────────────────────────────────────

    def tables(self, names: Collection[str], query: Query) -> Iterator[Batch]:
        """Yield batches of several tables; what comes from messages comes from one scan of them."""
        if "chats" in names:
            yield batch_of(CHATS, self._chat_rows(query))
        if "participants" in names:
            yield batch_of(PARTICIPANTS, self._chats.participants(query))
        if "messages" not in names:
            for name in _CHILDREN:
                if name in names:
                    yield self._batch(name, self.children(name, query))
            return
        selected: set[int] = set()
        edits: list[Row] = []
        for page in self._pages(self.selection(query), None, _ROWS):
            yield page.batch
            selected.update(page.batch.columns["rowid"])  # type: ignore[arg-type]
            edits += page.edits
        if "reactions" in names:
            yield batch_of(REACTIONS, reaction_rows(self.index, selected))
        if "attachments" in names:
            yield batch_of(ATTACHMENTS, self._attachments(selected))
        if "edits" in names:
            yield batch_of(EDITS, edits)

    def children(self, name: str, query: Query) -> list[Row]:
        """Return all rows of a table of children, ascending by message."""
        selection = self.selection(query)
        if name == "edits":
            rows: list[Row] = []
            for page in self._pages(selection, None, _ROWS, self._sql.tells_the_past):
                rows += page.edits
            return rows
        selected = self._selected(selection)
        if name == "reactions":
            return reaction_rows(self.index, selected)
        return self._attachments(selected)

    def _batch(self, name: str, rows: list[Row]) -> Batch:
        return batch_of({"reactions": REACTIONS, "attachments": ATTACHMENTS, "edits": EDITS}[name], rows)

    def _attachments(self, selected: Collection[int]) -> list[Row]:
        few = len(selected) <= 1000
        return attachment_rows(self._connection, self._schema, self.index, selected, self._home, few=few)

    def _chat_rows(self, query: Query) -> list[Row]:
        return self._chats.chats(query, lambda: self.index.folded)

    # ── selections ───────────────────────────────────────────────────────────────────────────────

    def selection(self, query: Query) -> Selection:
        """Return what a query means in this file, with its limit applied."""
        key = msgspec.json.encode(query)
        if key not in self._selections:
            if len(self._selections) >= 16:
                self._selections.clear()
                self._children.clear()
            self._selections[key] = self._limited(query)
        return self._selections[key]

    def _limited(self, query: Query) -> Selection:
        selection = Selection(self._schema, self._sql, self._directory, self.index, query)
        if query.limit is None:
            return selection
        if selection.accept is None:
            selection.rowids = newest_rowids(self._connection, self._sql, selection, query.limit)
            return selection
        found: list[tuple[int | None, int]] = []
        for page in self._pages(selection, None, _ROWS):
            columns = page.batch.columns
            found += zip(columns["created_at"], columns["rowid"], strict=True)  # type: ignore[arg-type]
        selection.rowids = newest(found, max(query.limit, 0))
        selection.accept = None
        return selection

    def _selected(self, selection: Selection) -> set[int]:
        if selection.accept is None:
            return {rowid for _, rowid in dated_rowids(self._connection, self._sql, selection)}
        selected: set[int] = set()
        for page in self._pages(selection, None, _ROWS):
            selected.update(page.batch.columns["rowid"])  # type: ignore[arg-type]
        return selected

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
                page = self._messages.page(self.index, selection, listed, size)
                yield page._replace(last_rowid=part[-1], is_last=start + size >= len(rowids))
            return
        while True:
            behind = where if after is None else f"{where} AND m.ROWID > {after}"
            page = self._messages.page(self.index, selection, behind, rows)
            yield page
            if page.is_last:
                return
            after = page.last_rowid

    def message_page(self, query: Query, after: int | None, rows: int) -> tuple[Batch, int | None]:
        """Return the first page of a query behind row `after`, and where the next one begins."""
        selection = self.selection(query)
        for page in self._pages(selection, after, rows):
            return page.batch, None if page.is_last else page.last_rowid
        return Batch("messages", 0, {}), None

    def child_page(self, name: str, query: Query, after: int | None, rows: int) -> tuple[Batch, int | None]:
        """Return about `rows` rows of a table of children; a message's children stay together."""
        key = (name, msgspec.json.encode(query))
        if key not in self._children:
            self.selection(query)
            self._children[key] = self.children(name, query)
        found = self._children[key]
        start = 0 if after is None else _behind(found, after)
        end = _behind(found, found[start + rows - 1][0]) if start + rows < len(found) else len(found)
        return self._batch(name, found[start:end]), found[end - 1][0] if end < len(found) else None

    def chat_page(self, name: str, query: Query, start: int, rows: int) -> tuple[Batch, int | None]:
        """Return `rows` chats or participants from number `start` on."""
        if name == "chats":
            table, found = CHATS, self._chat_rows(query)
        else:
            table, found = PARTICIPANTS, self._chats.participants(query)
        end = start + rows
        return batch_of(table, found[start:end]), end if end < len(found) else None

    def rows_of(self, rowids: list[int]) -> Iterator[tuple[Batch, dict[int, list[Row]], dict[int, list[Row]]]]:
        """Yield messages whatever they are, with their tapbacks and attachments by message."""
        query = Query(rowids=rowids, include=["orphaned", "deleted", "reactions"])
        selection = Selection(self._schema, self._sql, self._directory, self.index, query)
        selection.where = "1"
        for page in self._pages(selection, None, _ROWIDS):
            found: list[int] = page.batch.columns["rowid"]  # type: ignore[assignment]
            yield page.batch, _grouped(reaction_rows(self.index, set(found))), _grouped(self._attachments(found))


def _behind(rows: list[Row], message: int) -> int:
    """Return the position of the first row of a later message."""
    low, high = 0, len(rows)
    while low < high:
        middle = (low + high) // 2
        if rows[middle][0] <= message:
            low = middle + 1
        else:
            high = middle
    return low


def _grouped(rows: list[Row]) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    return groups
