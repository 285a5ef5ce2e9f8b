"""Large pages of messages: the columns that every row has stay Arrow arrays from the file to the frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imsg_sdk.chatdb.connection import Connection, RepairedText
from imsg_sdk.chatdb.directory import Directory
from imsg_sdk.chatdb.index import Index
from imsg_sdk.chatdb.message_sql import RARE, MessageSql
from imsg_sdk.chatdb.messages import Dense, MessageReader, Page
from imsg_sdk.chatdb.packing import sparse
from imsg_sdk.chatdb.rare import Rare, past_of
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.chatdb.selection import Selection
from imsg_sdk.columns import Batch, Packed
from imsg_sdk.frames._kinds import NAT
from imsg_sdk.frames.arrow.bodies import words_of_all
from imsg_sdk.frames.arrow.index import ArrowIndex
from imsg_sdk.frames.arrow.instants import instants
from imsg_sdk.frames.arrow.lookup import Lookup
from imsg_sdk.frames.arrow.source import Source, Unfit, whole

__all__ = ["ArrowReader"]

_SMALL: Final = 2_000
"""Pages of fewer rows are as quick without Arrow."""
_TYPES: Final = {
    "rowid": pa.int64(),
    "guid": pa.string(),
    "words": pa.string(),
    "handle": pa.int64(),
    "flags": pa.int64(),
    "created_at": pa.int64(),
    "service": pa.string(),
    "read_at": pa.int64(),
    "delivered_at": pa.int64(),
    "reply_to_guid": pa.string(),
    "destination": pa.string(),
    "body": pa.binary(),
}
"""The columns of :class:`Dense`, but for bodies, which go apart from texts: a column has one type here."""
_TEXTS: Final = {
    "guid": "guid",
    "service": "service",
    "reply_to_guid": "reply_to_guid",
    "destination": "destination_caller_id",
}
_TIMES: Final = {"created_at": "date", "read_at": "date_read", "delivered_at": "date_delivered"}


class ArrowReader(MessageReader):
    """Reads large pages of messages through a :class:`Source`."""

    rows_at_once = 100_000

    def __init__(
        self, source: Source, connection: Connection, schema: Schema, sql: MessageSql, directory: Directory
    ) -> None:
        super().__init__(connection, schema, sql, directory)
        self._source = source

    def page(self, index: Index, selection: Selection, where: str, limit: int) -> Page:
        """Read as the base class does, in Arrow where that is possible and worth it."""
        if isinstance(index, ArrowIndex) and limit >= _SMALL and self._source.is_usable():
            try:
                return self._page(index, selection, where, limit)
            except Unfit:
                self._source.give_up()
        return super().page(index, selection, where, limit)

    def _fetch(self, sql: str) -> list[tuple[Any, ...]]:
        if self._source.is_usable():
            try:
                return self._source.rows(sql)
            except Unfit:
                self._source.give_up()
        return super()._fetch(sql)

    def _table(self, where: str, limit: int) -> pa.Table:
        columns = dict(zip(Dense._fields, self._sql.dense("NULL", "NULL"), strict=True))
        columns["words"], columns["body"] = self._sql.words_apart()
        # What SQL would do to every value is done to arrays afterwards, at a tenth of the cost.
        columns |= {name: self._schema.cast("message", column, "m") for name, column in _TEXTS.items()}
        columns |= {name: self._schema.raw("message", column, "m") for name, column in _TIMES.items()}
        sql = f"SELECT {', '.join(columns.values())} FROM message m WHERE {where} ORDER BY m.ROWID LIMIT {limit}"
        arrays = dict(zip(columns, self._source.columns(sql, map(_TYPES.__getitem__, columns)), strict=True))
        arrays |= {name: _without_empty(arrays[name]) for name in _TEXTS}
        arrays |= {name: instants(arrays[name]) for name in _TIMES}
        return pa.table(arrays)

    def _page(self, index: ArrowIndex, selection: Selection, where: str, limit: int) -> Page:
        table, repaired = _decoded(self._table(where, limit))
        looked_at, last = len(table), table["rowid"][-1].as_py() if len(table) else None
        places = _places_of(table["rowid"].to_numpy(), selection)
        if selection.keep is not None and (places < 0).any():
            table, places = table.filter(places >= 0), places[places >= 0]
        rowids = table["rowid"].to_numpy()
        rare = self._rare_rows(rowids, table["flags"].to_numpy())
        words, texts = self._words(table, repaired, rare)
        past = {at: what for at, row in rare.items() if (what := past_of(row, texts[at])) is not None}
        reactions = index.reactions_on(table["guid"], rowids)
        reacted = np.flatnonzero(reactions)
        columns: dict[str, Any] = {"rowid": rowids, "guid": table["guid"]}
        columns |= self._place_columns(index, places)
        columns |= self._word_columns([], rare) | words
        columns |= self._dense_arrays(table)
        columns |= self._rare_columns(rare)
        columns |= self._past_columns(past)
        columns |= _index_columns(index, rowids)
        columns["n_reactions"] = sparse(reacted.tolist(), reactions[reacted].tolist(), 0)
        edits = [(int(rowids[at]), *version) for at, what in past.items() for version in what.summary.versions]
        owners = dict(zip(table["guid"].take(pa.array(reacted)).to_pylist(), rowids[reacted].tolist(), strict=True))
        return Page(Batch("messages", len(rowids), columns), edits, owners, last, looked_at < limit)

    def _looked_up(self, codes: Any, values: list[int]) -> Any:
        return np.array(values)[codes]

    def _rare_rows(self, rowids: Any, flags: Any) -> dict[int, Rare]:
        """Read the rare columns of the marked rows, by position."""
        marked = np.flatnonzero(flags >= RARE)
        return self._rare_at(dict(zip(rowids[marked].tolist(), marked.tolist(), strict=True)))

    def _words(
        self, table: pa.Table, repaired: set[int], rare: dict[int, Rare]
    ) -> tuple[dict[str, Any], dict[int, str | None]]:
        """Return the columns made of texts, and the texts of the rare rows by position."""
        words = whole(table["words"])
        texts = dict(zip(rare, words.take(_positions(rare)).to_pylist(), strict=True))
        for at, row in rare.items():
            if row.rowid in repaired:
                texts[at] = RepairedText(texts[at] or "")
        self._amend(cast("list[str | None]", texts), rare)  # asked by position only, and only for rare rows
        damaged = {at for at, text in texts.items() if text.__class__ is RepairedText}
        for at in damaged:
            texts[at] = str(texts[at]) or None
        others = repaired.difference(row.rowid for row in rare.values())
        rows = sorted(damaged.union(_found(table["rowid"].to_numpy(), others).tolist()))
        is_rare: Any = np.zeros(len(words), dtype=bool)
        is_rare[list(rare)] = True
        new = pa.array([texts[at] for at in sorted(texts)], pa.string())
        return {
            "text": pa.chunked_array([pc.replace_with_mask(words, pa.array(is_rare), new)]),
            "text_repaired": sparse(rows, [True] * len(rows), False),
        }, texts

    def _dense_arrays(self, table: pa.Table) -> dict[str, Any]:
        """Return what the base class says of every row, with arrays in place of lists."""
        flags = table["flags"].to_numpy()
        arrays: dict[str, Any] = {
            "sender": _coded(table["handle"], self._directory.handles.get),
            "service": _coded(table["service"]),
            "destination_caller_id": _coded(table["destination"]),
            "reply_to_guid": table["reply_to_guid"],
        }
        for name in ("created_at", "read_at", "delivered_at"):
            arrays[name] = pc.fill_null(table[name], NAT).to_numpy()
        nothing: list[Any] = []
        said: dict[str, Any] = self._dense_columns(Dense(*(nothing for _ in Dense._fields)))
        return {
            name: arrays[name] if name in arrays else Packed(column.values, codes=flags)
            for name, column in said.items()
        }


def _without_empty(texts: pa.StringArray) -> pa.StringArray:
    """Return NULL in place of empty texts, of which there is hardly ever one."""
    return texts if pc.min(pc.binary_length(texts)).as_py() else pc.if_else(pc.equal(texts, ""), None, texts)


def _decoded(table: pa.Table) -> tuple[pa.Table, set[int]]:
    """Put the texts of bodies among the others; return also the rowids of those that were repaired."""
    body = whole(table["body"])
    has_body = body.is_valid()
    texts, repaired = words_of_all(body.drop_null())
    words = pc.replace_with_mask(whole(table["words"]), has_body, texts)
    rowids = table["rowid"].filter(has_body).take(_positions(repaired)).to_pylist()
    return table.drop_columns(["body", "words"]).append_column("words", words), set(rowids)


def _places_of(rowids: Any, selection: Selection) -> Any:
    """Return the place of each message, -1 for none."""
    linked, *others = selection.places
    places = cast("Lookup", linked).of(rowids, -1)
    for more in others:
        for at in np.flatnonzero(places < 0).tolist():
            places[at] = more.get(int(rowids[at]), -1)
    return places


def _index_columns(index: ArrowIndex, rowids: Any) -> dict[str, Any]:
    counts = index.attachment_counts.of(rowids, 0)
    some = np.flatnonzero(counts)
    columns: dict[str, Any] = {
        "url_preview_guid": _looked_up(index.preview_guids, rowids),
        "n_attachments": sparse(some.tolist(), counts[some].tolist(), 0),
    }
    if index.places.deleted_at:
        columns["deleted_at"] = _looked_up(index.places.deleted_at, rowids)
    return columns


def _looked_up(values: Mapping[int, Any], rowids: Any) -> Packed:
    """Return a column that few rows have, given by rowid."""
    at = _found(rowids, values)
    return sparse(at.tolist(), [values[rowid] for rowid in rowids[at].tolist()])


def _found(rowids: Any, some: Iterable[Any]) -> Any:
    """Return the positions of those of `rowids`, ascending, that are among some others."""
    known = np.array(sorted(rowid for rowid in some if isinstance(rowid, int)), np.int64)
    at: Any = np.searchsorted(rowids, known)
    return at[at < np.searchsorted(rowids, known, side="right")]


def _positions(positions: Iterable[int]) -> pa.Array:
    return pa.array(list(positions), pa.int64())


def _coded(column: pa.ChunkedArray, meaning: Callable[[Any], str | None] | None = None) -> Packed:
    """Return a column as positions in its distinct values."""
    encoded = whole(column).dictionary_encode()
    values = encoded.dictionary.to_pylist()
    codes = pc.fill_null(encoded.indices, -1).to_numpy()
    return Packed(values if meaning is None else [meaning(value) for value in values], codes=codes)
