"""The newest so many messages of a selection, by date and rowid, without reading the rest."""

from __future__ import annotations

import heapq
from typing import Final

from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.message_sql import MessageSql
from imsg_sdk.chatdb.selection import Selection

__all__ = ["dated_rowids", "newest", "newest_rowids"]

_NS_FROM: Final = 10**12
_MAX_INT: Final = 2**63 - 1
_FEW: Final = 10_000
Dated = tuple[int | None, int]
"""An instant and a rowid."""


def newest(rows: list[Dated], limit: int) -> list[int]:
    """Return the rowids of the newest rows, ascending; undated rows are the oldest."""
    return sorted(rowid for _, rowid in heapq.nlargest(limit, rows, key=_age))


def newest_rowids(connection: Connection, sql: MessageSql, selection: Selection, limit: int) -> list[int]:
    """Return the rowids of the newest `limit` rows of a selection that asks for no text, ascending."""
    if limit <= 0:
        return []
    if selection.rowids is not None or _has_odd_dates(connection, sql):
        return newest(dated_rowids(connection, sql, selection), limit)
    window = limit + 64
    while True:
        rows = _youngest(connection, sql, selection, window)
        kept = _placed(rows, selection)
        # SQLite sorts by nanoseconds, we by microseconds: the last instant may go on behind the window.
        whole = [row for row in kept if row[0] != rows[-1][0]] if len(rows) == window else kept
        if len(whole) >= limit or len(rows) < window:
            return newest(whole, limit)
        window *= 4


def dated_rowids(connection: Connection, sql: MessageSql, selection: Selection) -> list[Dated]:
    """Return instant and rowid of every row of a selection that asks for no text."""
    if selection.rowids is not None and len(selection.rowids) <= _FEW:
        few = ",".join(map(str, selection.rowids))
        where = f"{selection.where} AND m.ROWID IN ({few})"
    else:
        where = selection.where
    rows = connection.rows(f"SELECT {sql.time('date')}, m.ROWID FROM message m WHERE {where}")
    only = None if selection.rowids is None else set(selection.rowids)
    return _placed(rows if only is None else [row for row in rows if row[1] in only], selection)


def _youngest(connection: Connection, sql: MessageSql, selection: Selection, window: int) -> list[Dated]:
    return connection.rows(
        f"SELECT {sql.time('date')}, m.ROWID FROM message m WHERE {selection.where}"
        f" ORDER BY m.date DESC, m.ROWID DESC LIMIT {window}"
    )


def _has_odd_dates(connection: Connection, sql: MessageSql) -> bool:
    """Tell whether the order of stored dates is not the order of time: seconds beside nanoseconds, text."""
    return bool(
        connection.value(
            f"SELECT EXISTS (SELECT 1 FROM message WHERE date < {_NS_FROM})"
            f" OR EXISTS (SELECT 1 FROM message WHERE date > {_MAX_INT})"
        )
    )


def _placed(rows: list[Dated], selection: Selection) -> list[Dated]:
    keep = selection.keep
    return rows if keep is None else [row for row in rows if keep(row[1])]


def _age(row: Dated) -> tuple[float, int]:
    return (float("-inf") if row[0] is None else row[0], row[1])
