"""Packing columns: the three forms of :class:`~imsg_sdk.columns.Packed`, from what SQL gives.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imsg_sdk.columns import Batch, Kind, Packed, Table

__all__ = ["Vocabulary", "batch_of", "coded", "constant", "narrowed", "rows_of", "sparse", "transposed"]


class Vocabulary:
    """Distinct texts of a column, in the order they were met; SQL is told the known ones."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._codes: dict[str, int] = {}

    def codes(self, column: list[Any]) -> list[int]:
        """Turn texts among the codes of a column into codes, learning new ones."""
        strange = [value for value in set(column) if isinstance(value, str)]
        if not strange:
            return column
        for text in strange:
            if text not in self._codes:
                self._codes[text] = len(self.texts)
                self.texts.append(str(text))
        codes = self._codes
        return [codes[value] if isinstance(value, str) else value for value in column]


def constant(value: Any) -> Packed:
    """Return a column that says the same in every row."""
    return Packed([value])


def sparse(at: list[int], values: list[Any], default: Any = None) -> Packed:
    """Return a column that says `default` but for a few rows."""
    return Packed(values, at=at, default=default) if at else Packed([default])


def coded(values: Sequence[Any], codes: list[int]) -> Packed:
    """Return a column of positions in `values`, -1 for None."""
    return Packed(list(values), codes=codes)


def narrowed(values: Sequence[Any], codes: list[int]) -> tuple[list[Any], list[int]]:
    """Drop the values no row uses, where there are more values than rows."""
    if len(values) <= max(len(codes), 256):
        return list(values), codes
    used = sorted(set(codes) - {-1})
    position = {code: number for number, code in enumerate(used)}
    position[-1] = -1
    return [values[code] for code in used], [position[code] for code in codes]


def rows_of(column: list[Any] | Packed, rows: int) -> list[Any]:
    """Unpack a column."""
    if not isinstance(column, Packed):
        return column
    values = column.values
    if column.codes is not None:
        return [None if code < 0 else values[code] for code in column.codes]
    if column.at is not None:
        plain = [column.default] * rows
        for at, value in zip(column.at, values, strict=True):
            plain[at] = value
        return plain
    return values * rows


def batch_of(table: Table, columns: Sequence[Sequence[Any]]) -> Batch:
    """Turn columns of a table into a batch; texts with few values are coded, empty columns left out."""
    rows = len(columns[0]) if columns else 0
    packed: dict[str, list[Any] | Packed] = {}
    for column, values in zip(table.columns, columns, strict=False):
        if values.count(None) < rows:
            packed[column.name] = _coded_texts(values) if column.kind is Kind.CATEGORY else list(values)
    return Batch(table.name, rows, packed)


def transposed(rows: Sequence[tuple[Any, ...]], table: Table) -> list[list[Any]]:
    """Turn rows of a table into its columns."""
    return [list(values) for values in zip(*rows, strict=True)] or [[] for _ in table.columns]


def _coded_texts(values: Sequence[str | None]) -> Packed:
    distinct = [value for value in dict.fromkeys(values) if value is not None]
    codes: dict[str | None, int] = {text: code for code, text in enumerate(distinct)}
    codes[None] = -1
    return coded(distinct, list(map(codes.__getitem__, values)))
