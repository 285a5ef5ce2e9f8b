"""From the kinds of the one schema to pandas dtypes, and the schema as a frame for people to read.

The dtypes are the same on pandas 2.2, 2.3 and 3, with and without pyarrow, and for empty results.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from imsg_sdk.arguments import refused
from imsg_sdk.columns import GATEWAY_TABLES, SENDS, TABLES, Kind, Table

__all__ = ["SORT_BY", "describe", "dtypes"]

SORT_BY: dict[str, tuple[str, ...]] = {
    "messages": ("created_at", "rowid"),
    "reactions": ("created_at", "rowid"),
    "attachments": ("message_rowid", "rowid"),
    "chats": ("-last_message_at", "chat_id"),
    "participants": ("chat_id", "handle"),
    "edits": ("message_rowid", "part", "version"),
    "decisions": ("entry_id",),
    "outbox": ("outbound_id",),
    "pairing": ("asked_at", "handle"),
    "sends": ("row",),
}
"""Row order of each table; a leading minus turns a column round; NA stands first, or last where turned."""


def pandas_dtype(kind: Kind) -> Any:
    """Return the dtype of a column that holds nothing yet."""
    match kind:
        case Kind.INT:
            return np.dtype("int64")
        case Kind.OPTIONAL_INT:
            return pd.Int64Dtype()
        case Kind.BOOL:
            return np.dtype("bool")
        case Kind.OPTIONAL_BOOL:
            return pd.BooleanDtype()
        case Kind.TEXT:
            return pd.StringDtype()  # its storage is the user's or pandas' choice
        case Kind.CATEGORY:
            # Over object: "str" categories exist on pandas 3 only.
            return pd.CategoricalDtype(pd.Index([], dtype=object))
        case Kind.TIME:
            return pd.DatetimeTZDtype("us", "UTC")
        case Kind.IDS | Kind.NAMES:
            return np.dtype(object)


def dtypes(table: Table) -> dict[str, str]:
    """Return the dtype of every column of `table`, by name, as pandas writes it."""
    return {column.name: str(pandas_dtype(column.kind)) for column in table.columns}


def describe(table: Table | str | None = None) -> pd.DataFrame:
    """Return what the columns of the frames hold.

    Parameters
    ----------
    table
        One of the tables of :mod:`imsg_sdk.frames` or its name, or one of those of a gateway; ``None`` means the
        six of a history.

    Returns
    -------
    pandas.DataFrame
        One row per column: ``table``, ``column``, ``dtype``, ``meaning``, in the order of the frames.

    Examples
    --------
    >>> describe("edits")["column"].tolist()
    ['message_rowid', 'part', 'version', 'text', 'edited_at', 'is_unsent']
    """
    rows = [
        (each.name, column.name, str(pandas_dtype(column.kind)), column.doc)
        for each in _chosen(table)
        for column in each.columns
    ]
    return pd.DataFrame(rows, columns=["table", "column", "dtype", "meaning"], dtype=pd.StringDtype())


def _chosen(table: Table | str | None) -> list[Table]:
    if table is None:
        return list(TABLES.values())
    if isinstance(table, Table):
        return [table]
    known = {**TABLES, **GATEWAY_TABLES, SENDS.name: SENDS}
    if table not in known:
        raise refused(f"no table is named {table!r}", hint=f"take one of {', '.join(known)}")
    return [known[table]]
