"""The ADBC driver for SQLite: a second connection to the file, which answers in Arrow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Self
from urllib.parse import quote

import adbc_driver_sqlite.dbapi as adbc
import pyarrow as pa

from imsg_sdk.frames.arrow.source import Source, Unfit, whole

__all__ = ["DriverSource"]

_ROWS_AT_ONCE: Final = 2**18
"""Rows from which the driver guesses types and makes one array; it joins nothing afterwards."""


class DriverSource(Source):
    """A read-only connection, in one transaction from the first question on."""

    def __init__(self, connection: Any) -> None:
        super().__init__()
        self._connection = connection
        self._version = self._number("PRAGMA data_version")
        self._is_same: bool | None = None

    @classmethod
    def open(cls, path: str) -> Self | None:
        """Open a file; None where the driver cannot, which is no reason not to read it."""
        try:
            return cls(adbc.connect(f"file:{quote(path)}?mode=ro", autocommit=True))
        except (adbc.Error, Unfit):
            return None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def is_usable(self) -> bool:
        """Tell whether it sees the same commit as a transaction that began after it was opened."""
        if self._is_same is None:
            self._number("BEGIN")
            self._number("SELECT count(*) FROM sqlite_master")
            self._is_same = self._number("PRAGMA data_version") == self._version
        return self._is_same and super().is_usable()

    def columns(self, sql: str, kinds: Iterable[pa.DataType]) -> list[Any]:
        """Return the columns of a statement."""
        return [_typed(column, kind) for column, kind in zip(self._table(sql).columns, kinds, strict=True)]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        return list(zip(*(column.to_pylist() for column in self._table(sql).columns), strict=True))

    def _table(self, sql: str) -> pa.Table:
        try:
            with self._connection.cursor() as cursor:
                cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(_ROWS_AT_ONCE)})
                cursor.execute(sql)
                table = cursor.fetch_arrow_table()
            table.validate(full=True)  # also of UTF-8, which SQLite never looks at
        except (adbc.Error, pa.ArrowInvalid) as error:
            raise Unfit(type(error).__name__) from None
        return table

    def _number(self, sql: str) -> int | None:
        columns = self._table(sql).columns
        return columns[0][0].as_py() if columns and len(columns[0]) else None


def _typed(column: pa.ChunkedArray, kind: pa.DataType) -> Any:
    """Return a column as one array of its kind; a column of nothing but NULL came with a guessed one."""
    if column.null_count == len(column):
        return pa.nulls(len(column), kind)
    if column.type != kind:
        raise Unfit(f"a column of {column.type} instead of {kind}")
    return whole(column)
