"""Build typed frames from column batches or records.

Every column becomes one or two numpy arrays ("planes") without a Python object per cell wherever the
batch packs it; all batches are joined and ordered once, at the end.  No I/O, no clock; dtypes come from
the schema and are never inferred.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from imsg_sdk._time import to_us
from imsg_sdk.columns import Batch, Kind, Packed, Table
from imsg_sdk.frames._kinds import Codec, codec_for
from imsg_sdk.frames.schema import SORT_BY

__all__ = ["FrameBuilder", "empty_frame", "frame_from_batches", "frame_from_records"]

_RECORDS_AT_ONCE = 20_000


def frame_from_batches(table: Table, batches: Iterable[Batch]) -> pd.DataFrame:
    """Join batches of one table into a frame.

    Parameters
    ----------
    table
        The table, from :mod:`imsg_sdk.columns`.
    batches
        Its rows, in any order.  A column that a batch lacks is NA in those rows; a column that the
        schema lacks is passed over.

    Returns
    -------
    pandas.DataFrame
        Every column of `table` in its declared dtype, a RangeIndex, rows in the order of
        :data:`imsg_sdk.frames.SORT_BY`: oldest first.  No batch gives an empty frame of the same dtypes.

    Raises
    ------
    ValueError
        A batch is of another table, lacks a column that is never NA, or has columns of unequal length.
    """
    builder = FrameBuilder(table)
    for batch in batches:
        builder.add(batch)
    return builder.frame()


class FrameBuilder:
    """A frame in the making: takes batches of one table as they come, gives the frame at the end."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._codecs = {column.name: codec_for(column.kind) for column in table.columns}
        self._rows = 0

    def add(self, batch: Batch) -> None:
        """Take the rows of `batch`; the batch itself is not kept."""
        table = self.table.name
        if batch.table != table:
            raise ValueError(f"a batch of {batch.table} among those of {table}")
        if batch.rows:
            unpacked = _Unpacker(batch.rows)
            for name, codec in self._codecs.items():
                codec.append(unpacked.planes(codec, batch.columns.get(name), f"{table}.{name}"))
        self._rows += batch.rows

    def frame(self) -> pd.DataFrame:
        """Return the frame of all batches; the builder is spent."""
        order = self._order() if self._rows else None
        frame = pd.DataFrame({name: codec.finish(order) for name, codec in self._codecs.items()}, copy=False)
        frame.attrs["imsg"] = {"table": self.table.name}
        return frame

    def _order(self) -> Any:
        """Return the positions of the rows in the order of the table, or None where they stand in it."""
        keys = []
        for name in SORT_BY[self.table.name]:
            key = self._codecs[name.lstrip("-")].sort_key()
            keys.append(-1 - key if name.startswith("-") else key)
        order = np.lexsort(keys[::-1])
        in_place = bool((order[1:] > order[:-1]).all())
        return None if in_place else order


def frame_from_records(table: Table, records: Iterable[Any]) -> pd.DataFrame:
    """Put records of one table (:mod:`imsg_sdk.models`) into a frame.

    Parameters
    ----------
    table
        The table that the records are rows of.
    records
        Any iterable; it is taken in pieces, so that no more than a few thousand need to live at once.

    Returns
    -------
    pandas.DataFrame
        As :func:`frame_from_batches` gives it.
    """
    return frame_from_batches(table, _batches(table, iter(records)))


def empty_frame(table: Table) -> pd.DataFrame:
    """Return a frame of `table` without rows, every column in its declared dtype."""
    return frame_from_batches(table, ())


def _batches(table: Table, records: Iterator[Any]) -> Iterator[Batch]:
    while chunk := list(islice(records, _RECORDS_AT_ONCE)):
        columns: dict[str, list[Any] | Packed] = {}
        for column in table.columns:
            name = column.name
            values = [getattr(record, name) for record in chunk]
            if column.kind is Kind.TIME:
                values = [to_us(value) if isinstance(value, datetime) else value for value in values]
            columns[name] = values
        yield Batch(table.name, len(chunk), columns)


class _Unpacker:
    """Makes planes of the columns of one batch; positions that columns share are converted once."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._positions: dict[int, Any] = {}

    def planes(self, codec: Codec, column: list[Any] | Packed | None, where: str) -> tuple[Any, ...]:
        """Return the planes of one column; `where` names it in errors."""
        if column is None:
            if not codec.nullable:
                raise ValueError(f"{where} is never NA and is missing from a batch")
            column = Packed([None])
        planes = self._unpacked(codec, column) if isinstance(column, Packed) else codec.planes(column)
        if len(planes[0]) != self._rows:
            raise ValueError(f"{where} has {len(planes[0])} values in a batch of {self._rows} rows")
        return planes

    def _unpacked(self, codec: Codec, column: Packed) -> tuple[Any, ...]:
        if column.codes is not None:
            # One more value stands at the end, where code -1 points to.
            values = [*column.values, None if codec.nullable else column.values[0]]
            return codec.coded(values, self._as_positions(column.codes))
        if column.at is None:
            return codec.sparse([], np.zeros(0, np.intp), column.values[0], self._rows)
        return codec.sparse(column.values, self._as_positions(column.at), column.default, self._rows)

    def _as_positions(self, positions: list[int]) -> Any:
        # The lists live as long as the batch, so their ids are theirs alone.
        key = id(positions)
        if key not in self._positions:
            given = isinstance(positions, np.ndarray)
            self._positions[key] = positions if given else np.fromiter(positions, np.intp, count=len(positions))
        return self._positions[key]
