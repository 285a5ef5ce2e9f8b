"""Where Arrow columns come from: rows of the open file, or a second connection that speaks Arrow itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from imsg_sdk.chatdb.connection import Connection, DamagedText

__all__ = ["RowSource", "Source", "Unfit", "whole"]


class Unfit(Exception):
    """Arrow cannot carry what a statement gives: damaged UTF-8, or a column of mixed types."""


class Source(ABC):
    """Runs statements and gives their columns as Arrow arrays."""

    def __init__(self) -> None:
        self._has_failed = False

    def is_usable(self) -> bool:
        """Tell whether it reads what the open transaction reads."""
        return not self._has_failed

    def give_up(self) -> None:
        """Read no more this way."""
        self._has_failed = True

    @abstractmethod
    def columns(self, sql: str, kinds: Iterable[pa.DataType]) -> list[Any]:
        """Return the columns of a statement, each as one array of its kind; texts are valid UTF-8.

        Raises
        ------
        Unfit
            They cannot be had this way.
        """

    @abstractmethod
    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement as Python has them."""


class RowSource(Source):
    """The open file itself: rows become columns, and only these become Arrow."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def columns(self, sql: str, kinds: Iterable[pa.DataType]) -> list[Any]:
        """Return the columns of a statement."""
        kinds = list(kinds)
        pieces: list[list[Any]] = [[pa.array([], kind)] for kind in kinds]
        try:
            # A few hundred rows at a time are turned over while they are in the processor's cache.
            for rows in self._connection.chunks(sql):
                for piece, values, kind in zip(pieces, zip(*rows, strict=True), kinds, strict=True):
                    piece.append(pa.array(values, kind))
        except (DamagedText, pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise Unfit(type(error).__name__) from None
        return list(map(pa.concat_arrays, pieces))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        return self._connection.rows(sql)


def whole(column: pa.ChunkedArray) -> Any:
    """Return a column as one array; pyarrow would copy one that is in one piece already."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
