"""Which tables and columns a file has, and SQL for a column that may be missing.

Columns are found by name, whatever their case or position; a system version is never guessed from them.
Every expression made here yields the type it promises: text columns hold blobs and numbers at times,
date columns hold text.
"""

from __future__ import annotations

from typing import Final

from imsg_sdk._time import APPLE_EPOCH_S
from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.errors import DatabaseUnavailable

__all__ = ["EPOCH_US", "MAX_S", "MIN_S", "NS_FROM", "OLDEST_NS", "Schema"]

_REQUIRED: Final = ("guid", "date", "is_from_me")
EPOCH_US: Final = APPLE_EPOCH_S * 1_000_000
NS_FROM: Final = 10**12
_MAX_INT: Final = 2**63 - 1
OLDEST_NS: Final = 999 - _MAX_INT
"""What is rounded down to microseconds stays a 64-bit number."""
MIN_S: Final = -63_113_904_000
MAX_S: Final = 252_423_993_599


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class Schema:
    """Tables and columns of one file; names are compared without case."""

    def __init__(self, tables: dict[str, frozenset[str]]) -> None:
        self._tables = tables

    @classmethod
    def probe(cls, connection: Connection) -> Schema:
        """Read the tables and columns of an open file.

        Raises
        ------
        DatabaseUnavailable
            The file has no ``message`` table, or one without the columns every Messages database has.
        """
        names = [row[0] for row in connection.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = {
            name.lower(): frozenset(row[1].lower() for row in connection.rows(f"PRAGMA table_info({quoted(name)})"))
            for name in names
        }
        missing = [name for name in _REQUIRED if name not in tables.get("message", ())]
        if missing:
            what = "no table message" if "message" not in tables else f"no column {missing[0]} in table message"
            raise DatabaseUnavailable(
                f"{connection.path} is not a Messages database: it has {what}",
                hint="name the chat.db of Messages, or a copy that is complete",
            )
        return cls(tables)

    def has(self, table: str, *columns: str) -> bool:
        """Tell whether a table, and all of these columns in it, exist."""
        known = self._tables.get(table)
        return known is not None and known.issuperset(columns)

    @property
    def has_attachments(self) -> bool:
        """Tell whether the tables of attachments are there."""
        return self.has("attachment") and self.has("message_attachment_join", "message_id", "attachment_id")

    def is_unique(self, connection: Connection, table: str, column: str) -> bool:
        """Tell whether the file lets no value of a column repeat."""
        for row in connection.rows(f"PRAGMA index_list({quoted(table)})"):
            name, unique, partial = row[1], row[2], row[4]
            columns = [info[2] for info in connection.rows(f"PRAGMA index_info({quoted(name)})")]
            if unique and not partial and [str(found).lower() for found in columns] == [column]:
                return True
        return False

    def text(self, table: str, column: str, alias: str = "") -> str:
        """Return SQL for text that is NULL where it is missing or empty."""
        text = self.cast(table, column, alias)
        if text == "NULL":
            return text
        return f"CASE WHEN {text} <> '' THEN {text} END"  # nullif() is a call, and takes twice the time

    def cast(self, table: str, column: str, alias: str = "") -> str:
        """Return SQL for text that may be empty, NULL where it is missing."""
        return f"CAST({_name(column, alias)} AS TEXT)" if self.has(table, column) else "NULL"

    def number(self, table: str, column: str, alias: str = "", default: str = "0") -> str:
        """Return SQL for a whole number; `default` where it is missing, NULL or no number."""
        if not self.has(table, column):
            return default
        name = _name(column, alias)
        return f"ifnull(CAST({name} AS INTEGER), {default})"

    def raw(self, table: str, column: str, alias: str = "") -> str:
        """Return SQL for the value as stored, NULL where the column is missing."""
        return _name(column, alias) if self.has(table, column) else "NULL"

    def time(self, table: str, column: str, alias: str = "") -> str:
        """Return SQL for an instant in Unix microseconds, NULL for never.

        Same rule as :func:`imsg_sdk._time.apple_to_us`: value by value, seconds below 10**12 and
        nanoseconds above; text fails every comparison with an upper bound and ends as NULL.
        """
        if not self.has(table, column):
            return "NULL"
        name = _name(column, alias)
        return (
            f"CASE WHEN {name} BETWEEN {NS_FROM} AND {_MAX_INT}"
            f" THEN CAST({name} AS INTEGER) / 1000 + {EPOCH_US}"
            f" WHEN {name} BETWEEN {MIN_S} AND {MAX_S} AND {name} <> 0"
            f" THEN CAST({name} AS INTEGER) * 1000000 + {EPOCH_US}"
            f" WHEN {name} <= -{NS_FROM} AND {name} >= {OLDEST_NS}"
            f" THEN (CAST({name} AS INTEGER) - 999) / 1000 + {EPOCH_US} END"
        )

    def seconds(self, table: str, column: str, alias: str = "") -> str:
        """Return SQL for an instant stored in seconds, as attachments do in every version."""
        if not self.has(table, column):
            return "NULL"
        name = _name(column, alias)
        return (
            f"CASE WHEN {name} BETWEEN {MIN_S} AND {MAX_S} AND {name} <> 0"
            f" THEN CAST({name} AS INTEGER) * 1000000 + {EPOCH_US}"
            f" WHEN {name} BETWEEN {NS_FROM} AND {_MAX_INT}"
            f" THEN CAST({name} AS INTEGER) / 1000 + {EPOCH_US} END"
        )


def _name(column: str, alias: str) -> str:
    return f"{alias}.{quoted(column)}" if alias else quoted(column)
