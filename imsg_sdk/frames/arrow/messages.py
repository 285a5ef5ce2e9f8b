"""Large pages of messages: the columns that every row has stay Arrow arrays from the file to the frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from imsg_sdk.frames.arrow.lookup import Lookup
from imsg_sdk.frames.arrow.source import FAILURES, ArrowSource, typed

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


class ArrowReader(MessageReader):
    """Reads large pages of messages through an :class:`ArrowSource`."""

    def __init__(
        self, source: ArrowSource, connection: Connection, schema: Schema, sql: MessageSql, directory: Directory
    ) -> None:
        super().__init__(connection, schema, sql, directory)
        self._source = source

    def page(self, index: Index, selection: Selection, where: str, limit: int) -> Page:
        """Read as the base class does, in Arrow where that is possible and worth it."""
        if selection.accept is None and limit >= _SMALL and self._source.is_usable():
            try:
                return self._page(index, selection, self._table(where, limit), limit)
            except FAILURES:
                self._source.give_up()
        return super().page(index, selection, where, limit)

    def _table(self, where: str, limit: int) -> pa.Table:
        texts = (self._schema.text("message", name, "m") for name in ("service", "destination_caller_id"))
        columns = dict(zip(Dense._fields, self._sql.dense(*texts), strict=True))
        columns["words"], columns["body"] = self._sql.words_apart()
        table = self._source.table(
            f"SELECT {', '.join(columns.values())} FROM message m WHERE {where} ORDER BY m.ROWID LIMIT {limit}"
        )
        table = table.rename_columns(list(columns))
        return pa.table({name: typed(table[name], kind) for name, kind in _TYPES.items()})

    def _page(self, index: Index, selection: Selection, table: pa.Table, limit: int) -> Page:
        looked_at, last = len(table), table["rowid"][-1].as_py() if len(table) else None
        places = _places_of(table["rowid"].to_numpy(), selection)
        if selection.keep is not None and (places < 0).any():
            table, places = table.filter(places >= 0), places[places >= 0]
        at = table["rowid"].to_numpy()
        rowids = at.tolist()
        rare = self._rare_rows(rowids, table["flags"].to_numpy())
        words, texts = self._words(table, rare)
        past = {at: what for at, row in rare.items() if (what := past_of(row, texts[at])) is not None}
        reacted = _reacted(index, table["guid"], rowids)
        columns: dict[str, Any] = {"rowid": rowids, "guid": table["guid"]}
        columns |= self._place_columns(index, places)
        columns |= self._word_columns([], rare) | words
        columns |= self._dense_arrays(table)
        columns |= self._rare_columns(rare)
        columns |= self._past_columns(past)
        columns |= _index_columns(index, at)
        columns["n_reactions"] = sparse(list(reacted), [len(index.tapbacks[guid]) for guid in reacted.values()], 0)
        edits = [(rowids[at], *version) for at, what in past.items() for version in what.summary.versions]
        owners = {guid: rowids[at] for at, guid in reacted.items()}
        return Page(Batch("messages", len(rowids), columns), edits, owners, last, looked_at < limit)

    def _rare_rows(self, rowids: list[int], flags: Any) -> dict[int, Rare]:
        """Read the rare columns of the marked rows, by position."""
        return self._rare_at({rowids[at]: at for at in np.flatnonzero(flags >= RARE).tolist()})

    def _words(self, table: pa.Table, rare: dict[int, Rare]) -> tuple[dict[str, Any], dict[int, str | None]]:
        """Return the columns made of texts and bodies, and the texts of the rare rows by position."""
        body = table["body"].combine_chunks()
        has_body = body.is_valid()
        decoded, odd = words_of_all(body.drop_null())
        words = pc.replace_with_mask(table["words"].combine_chunks(), has_body, decoded)
        position = np.flatnonzero(has_body.to_numpy(zero_copy_only=False)).tolist()
        changed: dict[int, Any] = {position[number]: text for number, text in odd.items()}
        positions = list(rare)
        texts: dict[int, Any] = dict(
            zip(positions, words.take(pa.array(positions, pa.int64())).to_pylist(), strict=True)
        )
        texts |= {at: changed[at] for at in positions if at in changed}
        self._amend(cast("list[str | None]", texts), rare)  # asked by position only, and only for rare rows
        changed |= texts
        repaired = sorted(at for at, text in changed.items() if text.__class__ is RepairedText)
        for at in repaired:
            changed[at] = str(changed[at]) or None
            if at in texts:
                texts[at] = changed[at]
        is_changed: Any = np.zeros(len(words), dtype=bool)
        is_changed[list(changed)] = True
        new = pa.array([changed[at] for at in sorted(changed)], pa.string())
        return {
            "text": pa.chunked_array([pc.replace_with_mask(words, pa.array(is_changed), new)]),
            "text_repaired": sparse(repaired, [True] * len(repaired), False),
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


def _places_of(rowids: Any, selection: Selection) -> Any:
    """Return the place of each message, -1 for none."""
    linked, *others = selection.places
    places = cast("Lookup", linked).of(rowids, -1)
    for more in others:
        for at in np.flatnonzero(places < 0).tolist():
            places[at] = more.get(int(rowids[at]), -1)
    return places


def _index_columns(index: Index, rowids: Any) -> dict[str, Any]:
    counts = cast("Lookup", index.attachment_counts).of(rowids, 0)
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
    known = np.array(sorted(rowid for rowid in values if isinstance(rowid, int)), np.int64)
    at: Any = np.searchsorted(rowids, known)
    is_here = at < np.searchsorted(rowids, known, side="right")
    return sparse(at[is_here].tolist(), [values[rowid] for rowid in known[is_here].tolist()])


def _reacted(index: Index, guids: pa.ChunkedArray, rowids: list[int]) -> dict[int, str]:
    """Return the positions of messages on which tapbacks stand, with their guid."""
    known = pa.array([guid for guid in index.tapbacks if guid is not None], pa.string())
    at = np.flatnonzero(pc.is_in(guids, value_set=known).to_numpy()).tolist()
    some = guids.take(pa.array(at, pa.int64())).to_pylist()
    return {at[number]: guid for number, guid in index.owned(some, [rowids[position] for position in at]).items()}


def _coded(column: pa.ChunkedArray, meaning: Callable[[Any], str | None] | None = None) -> Packed:
    """Return a column as positions in its distinct values."""
    encoded = column.combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    codes = pc.fill_null(encoded.indices, -1).to_numpy()
    return Packed(values if meaning is None else [meaning(value) for value in values], codes=codes)
