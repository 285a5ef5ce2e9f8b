"""The index of a file that is read once: links and attachments as arrays, all of it in one go."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from functools import cached_property
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.directory import Directory
from imsg_sdk.chatdb.folding import Previews, Specials
from imsg_sdk.chatdb.index import Index
from imsg_sdk.chatdb.message_sql import MessageSql
from imsg_sdk.chatdb.places import Links, Places, load_links
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.chatdb.tapbacks import Tapback, standing
from imsg_sdk.frames.arrow.lookup import Lookup
from imsg_sdk.frames.arrow.source import RowSource, Source
from imsg_sdk.frames.arrow.tapbacks import Standing, special_rows

__all__ = ["ArrowIndex"]

_NONE: Final[Any] = np.zeros(0, np.int64)


class ArrowIndex(Index):
    """Built at once and never refreshed: where the file has changed, another one takes its place."""

    def __init__(
        self, source: Source, connection: Connection, schema: Schema, sql: MessageSql, directory: Directory
    ) -> None:
        self._source = source
        super().__init__(connection, schema, sql, directory)

    def _load(self, directory: Directory) -> None:
        links = self._links(directory)
        self.places.linked = _placed(self.places, links)
        self.places.load_deleted(self._connection, self._schema, directory)
        rows = special_rows(self._source, self._sql)
        is_tapback = pc.not_equal(rows["kind"], 0)
        tapbacks, others = rows.filter(is_tapback), rows.filter(pc.invert(is_tapback))
        candidates = zip(*(column.to_pylist() for column in others.columns[3:]), strict=True)
        previews = Previews(self._source.rows, self._sql, directory.handles, candidates)
        self._fold(previews.folds(links, set(tapbacks["rowid"].to_pylist())))
        self._handles = directory.handles
        self._standing = Standing(tapbacks, directory.handles, self._shown_by)

    def remember(self) -> None:
        """Do nothing: there is no later `refresh`."""

    def is_recent(self, rowid: int) -> bool:
        """Say that no row is read again."""
        return False

    def refresh(self, directory: Directory, *, for_recent: bool = False) -> bool:
        """Say that all must be read anew."""
        return False

    @cached_property
    def tapbacks(self) -> dict[str, list[Tapback]]:
        """Tapbacks that stand, as the plain reader wants them where it has to step in."""
        specials = Specials.load(self._connection, self._sql, self._handles, "1")
        return standing(specials.events(self._handles, self._shown_by))

    def reactions_on(self, guids: pa.ChunkedArray, rowids: Any) -> Any:
        """Return how many tapbacks stand on each of some messages."""
        counts = self._standing.counts(guids)
        if not self.has_unique_guids:
            at = np.flatnonzero(counts)
            owners = [self.owners.get(guid) for guid in guids.take(pa.array(at)).to_pylist()]
            counts[at[rowids[at] != np.array(owners, np.int64)]] = 0
        return counts

    def reaction_columns(self, owners: Mapping[str, int]) -> list[list[Any]]:
        """Return the rows of reactions on messages, given as rowids by guid, column by column."""
        return self._standing.columns(owners)

    def _pairs(self, sql: str) -> tuple[Any, Any]:
        """Return two columns of rowids, without the rows that lack one of them."""
        table = pa.table(self._source.columns(sql, [pa.int64()] * 2), ["first", "second"]).drop_null()
        return table["first"].to_numpy(), table["second"].to_numpy()

    def _links(self, directory: Directory) -> Links:
        if isinstance(self._source, RowSource):
            # Rows are dear there, so they come as few texts.
            chats, messages = load_links(self._connection, self._schema, directory, "1")
            return _Links(np.array(chats, np.int64), np.array(messages, np.int64))
        if not self._schema.has("chat_message_join", "chat_id", "message_id"):
            return _Links(_NONE, _NONE)
        # The primary key of the table holds both columns in this order, so nothing is sorted.
        chats, messages = self._pairs("SELECT chat_id, message_id FROM chat_message_join ORDER BY chat_id, message_id")
        exists = np.isin(chats, _rowids(directory.chats))
        return _Links(chats, messages) if exists.all() else _Links(chats[exists], messages[exists])

    @cached_property
    def attachment_counts(self) -> Lookup:
        """Number of attachments by message."""
        if not self._schema.has_attachments:
            return Lookup(_NONE, _NONE)
        messages, attachments = self._pairs("SELECT message_id, attachment_id FROM message_attachment_join")
        (existing,) = self._source.columns("SELECT ROWID FROM attachment", [pa.int64()])
        messages = messages[np.isin(attachments, existing.to_numpy())]
        if self.folded:
            shown_by = Lookup(*_sorted(_rowids(self.folded), _rowids(self.folded.values())))
            text = shown_by.of(messages, -1)
            messages = np.where(text < 0, messages, text)
        return Lookup(*np.unique(messages, return_counts=True))


class _Links(Links):
    """Links as arrays."""

    def positions(self, messages: Container[int]) -> Any:
        wanted = _rowids(cast("Iterable[int]", messages))
        return np.flatnonzero(np.isin(self.messages, wanted)).tolist()


def _placed(places: Places, links: Links) -> Lookup:
    """Return the place of each message; the rule is that of :meth:`Places.placed`."""
    chats: Any = links.chats
    distinct, counts = np.unique(chats, return_counts=True)
    alone: Any = np.repeat(_rowids(places.place((chat,)) for chat in distinct.tolist()), counts)
    rowids, found, chats = _sorted(links.messages, alone, chats)
    is_first: Any = np.ones(len(rowids), dtype=bool)
    is_first[1:] = rowids[1:] != rowids[:-1]
    for rowid in np.unique(rowids[~is_first]).tolist():
        start, end = (int(np.searchsorted(rowids, bound)) for bound in (rowid, rowid + 1))
        found[start] = places.place(tuple(sorted(set(chats[start:end].tolist()))))
    return Lookup(rowids[is_first], found[is_first])


def _rowids(values: Iterable[int]) -> Any:
    return np.array(list(values), np.int64)


def _sorted(rowids: Any, *columns: Any) -> list[Any]:
    """Sort several arrays by the first of them."""
    order = np.argsort(rowids, kind="stable")
    return [column[order] for column in (rowids, *columns)]
