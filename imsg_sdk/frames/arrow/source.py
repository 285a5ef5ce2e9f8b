"""A second connection to the file, which answers in Arrow tables."""

from __future__ import annotations

from typing import Any, Final, Self
from urllib.parse import quote

import adbc_driver_sqlite.dbapi as adbc
import pyarrow as pa

__all__ = ["FAILURES", "ArrowSource", "typed", "whole"]

FAILURES: Final = (adbc.Error, pa.ArrowInvalid)
"""What is raised where a table cannot travel this way."""
_ROWS_AT_ONCE: Final = 2**18
"""Rows from which the driver guesses types and makes one array; it joins nothing afterwards."""


class ArrowSource:
    """A read-only connection, in one transaction from the first question on."""

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

    def table(self, sql: str) -> pa.Table:
        """Return the rows of a statement; its texts are valid UTF-8, which SQLite never looks at.

        Raises
        ------
        adbc_driver_manager.Error
            A column holds values of several types, or the file cannot be read.
        pyarrow.ArrowInvalid
            A text is damaged.
        """
        with self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(_ROWS_AT_ONCE)})
            cursor.execute(sql)
            table = cursor.fetch_arrow_table()
        table.validate(full=True)
        return table

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement as Python has them."""
        return list(zip(*(column.to_pylist() for column in self.table(sql).columns), strict=True))

    def _number(self, sql: str) -> int | None:
        columns = self.table(sql).columns
        return columns[0][0].as_py() if columns and len(columns[0]) else None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def typed(column: pa.ChunkedArray, kind: pa.DataType) -> Any:
    """Return a column as one array of a type; a column of nothing but NULL came with a guessed one.

    Raises
    ------
    pyarrow.ArrowInvalid
        It holds something else.
    """
    if column.null_count == len(column):
        return pa.nulls(len(column), kind)
    if column.type != kind:
        raise pa.ArrowInvalid(f"a column of {column.type} instead of {kind}")
    return whole(column)


def whole(column: pa.ChunkedArray) -> Any:
    """Return a column as one array; pyarrow would copy one that is in one piece already."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
