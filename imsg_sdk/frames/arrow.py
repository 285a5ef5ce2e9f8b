"""A faster road from a large file to frames, where pyarrow and the ADBC driver for SQLite are installed.

The statements and every rule stay those of :mod:`imsg_sdk.chatdb`; only the columns that every row has
travel as Arrow arrays instead of Python objects.  Whatever Arrow cannot carry (damaged UTF-8, a column of
mixed types) is read the plain way, so both roads give equal frames.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import repeat
from typing import Any, Final, Self, cast
from urllib.parse import quote

import adbc_driver_sqlite.dbapi as adbc
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imsg_sdk.chatdb.connection import Connection, RepairedText
from imsg_sdk.chatdb.directory import Directory
from imsg_sdk.chatdb.index import Index
from imsg_sdk.chatdb.message_sql import RARE, MessageSql
from imsg_sdk.chatdb.messages import Dense, MessageReader, Page, _index_columns
from imsg_sdk.chatdb.packing import sparse
from imsg_sdk.chatdb.rare import Rare, past_of
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.chatdb.selection import Selection
from imsg_sdk.chatdb.typedstream import words_of
from imsg_sdk.columns import Batch, Packed
from imsg_sdk.frames._kinds import NAT

__all__ = ["ArrowReader", "ArrowSource"]

_SMALL: Final = 2_000
"""Pages of fewer rows are as quick without Arrow."""
_NAMES: Final = [f"c_{name}" for name in Dense._fields]
_TEXTS: Final = ("guid", "words", "service", "reply_to_guid", "destination")
# A first row of constants settles the type of every column; Arrow would guess it from the first values.
_PINNED: Final = ", ".join("''" if name in _TEXTS else "0" for name in Dense._fields) + ", x''"
# A column of Arrow has one type, so texts and bodies go apart.
_PARTED: Final = (
    ", ".join("CASE WHEN typeof(c_words) = 'text' THEN c_words END" if name == "c_words" else name for name in _NAMES)
    + ", CASE WHEN typeof(c_words) = 'blob' THEN c_words END"
)


class ArrowSource:
    """A second read-only connection to the file, which answers in Arrow tables."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._version = self._number("PRAGMA data_version")
        self._usable: bool | None = None

    @classmethod
    def open(cls, path: str) -> Self | None:
        """Open a file; None where the driver cannot, which is no reason not to read it."""
        try:
            return cls(adbc.connect(f"file:{quote(path)}?mode=ro", autocommit=True))
        except adbc.Error:
            return None

    def is_usable(self) -> bool:
        """Tell whether the source sees the same commit as a transaction that began after it was opened."""
        if self._usable is None:
            self._number("BEGIN")
            self._number("SELECT count(*) FROM sqlite_master")
            self._usable = self._number("PRAGMA data_version") == self._version
        return self._usable

    def give_up(self) -> None:
        """Read no more this way."""
        self._usable = False

    @property
    def reader(self) -> Callable[..., MessageReader]:
        """Return what makes a reader of messages over this source."""
        return partial(ArrowReader, self)

    def table(self, sql: str) -> pa.Table:
        """Return the rows of a statement."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetch_arrow_table()

    def _number(self, sql: str) -> int | None:
        columns = self.table(sql).columns
        return columns[0][0].as_py() if columns and len(columns[0]) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()


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
            except (adbc.Error, pa.ArrowInvalid):
                self._source.give_up()
        return super().page(index, selection, where, limit)

    def _table(self, where: str, limit: int) -> pa.Table:
        columns = self._sql.dense(
            self._schema.text("message", "service", "m"), self._schema.text("message", "destination_caller_id", "m")
        )
        named = ", ".join(f"{column} AS {name}" for name, column in zip(_NAMES, columns, strict=True))
        table = self._source.table(
            f"SELECT {_PINNED} UNION ALL SELECT {_PARTED}"
            f" FROM (SELECT {named} FROM message m WHERE {where} ORDER BY m.ROWID LIMIT {limit})"
        )
        table = table.rename_columns([*Dense._fields, "body"]).slice(1).combine_chunks()
        table.validate(full=True)  # also of UTF-8, which SQLite never looks at
        return table

    def _page(self, index: Index, selection: Selection, table: pa.Table, limit: int) -> Page:
        looked_at, last = len(table), table["rowid"][-1].as_py() if len(table) else None
        places = _places_of(table["rowid"].to_numpy(), selection)
        if selection.keep is not None and (places < 0).any():
            table, places = table.filter(places >= 0), places[places >= 0]
        rowids = table["rowid"].to_numpy().tolist()
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
        columns |= _index_columns(index, rowids)
        columns["n_reactions"] = sparse(list(reacted), [len(index.tapbacks[guid]) for guid in reacted.values()], 0)
        edits = [(rowids[at], *version) for at, what in past.items() for version in what.summary.versions]
        owners = {guid: rowids[at] for at, guid in reacted.items()}
        return Page(Batch("messages", len(rowids), columns), edits, owners, last, looked_at < limit)

    def _rare_rows(self, rowids: list[int], flags: Any) -> dict[int, Rare]:
        """Read the rare columns of the marked rows, by position."""
        marked = np.flatnonzero(flags >= RARE).tolist()
        nothing: list[Any] = []
        columns = {"rowid": [rowids[at] for at in marked], "flags": [RARE] * len(marked)}
        found = self._rare(Dense(**{name: columns.get(name, nothing) for name in Dense._fields}))
        return {marked[number]: row for number, row in found.items()}

    def _words(self, table: pa.Table, rare: dict[int, Rare]) -> tuple[dict[str, Any], dict[int, str | None]]:
        """Return the columns made of texts and bodies, and the texts of the rare rows by position."""
        words = table["words"].combine_chunks()
        has_body = pc.is_valid(table["body"]).to_numpy()
        bodies = [words_of(body) for body in table["body"].drop_null().to_pylist()]
        changed: dict[int, Any] = dict(zip(np.flatnonzero(has_body).tolist(), bodies, strict=True))
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
    first, *others = selection.places
    places = np.fromiter(map(first.get, rowids.tolist(), repeat(-1)), dtype=np.intp, count=len(rowids))
    for more in others:
        for at in np.flatnonzero(places < 0).tolist():
            places[at] = more.get(int(rowids[at]), -1)
    return places


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
