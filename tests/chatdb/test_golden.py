"""The recorded databases, read whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from imsg_sdk.chatdb.packing import rows_of
from imsg_sdk.chatdb.query import Query
from imsg_sdk.chatdb.reader import ChatDb
from imsg_sdk.columns import TABLES, Kind, Packed

NAMES = ("minimal", "monterey", "sequoia", "awkward")
_TYPES = {Kind.INT: int, Kind.BOOL: bool, Kind.TEXT: str, Kind.CATEGORY: str, Kind.TIME: int}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("table", list(TABLES))
def test_every_column_holds_what_the_schema_promises(golden: Path, name: str, table: str) -> None:
    with ChatDb.open(golden / f"{name}.db") as db:
        for batch in db.read(table):
            assert set(batch.columns) <= set(TABLES[table].names)
            for column in TABLES[table].columns:
                values = rows_of(batch.columns.get(column.name, Packed([None])), batch.rows)
                assert len(values) == batch.rows
                kinds = {type(value) for value in values}
                if column.kind in (Kind.INT, Kind.BOOL):
                    assert kinds <= {_TYPES[column.kind]}
                elif column.kind in (Kind.IDS, Kind.NAMES):
                    assert kinds <= {tuple, list}
                elif column.kind is Kind.OPTIONAL_INT:
                    assert kinds <= {int, type(None)}
                elif column.kind is Kind.OPTIONAL_BOOL:
                    assert kinds <= {bool, type(None)}
                else:
                    assert kinds <= {_TYPES[column.kind], type(None)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("table", list(TABLES))
def test_pages_of_any_size_give_the_same_rows_as_one_read(golden: Path, name: str, table: str) -> None:
    with ChatDb.open(golden / f"{name}.db") as db:
        whole = [row for batch in db.read(table) for row in _rows(table, batch)]
        paged, cursor, turns = [], None, 0
        while cursor is not None or turns == 0:
            batch, cursor = db.page(table, Query(), cursor, 37)
            paged += _rows(table, batch)
            turns += 1
    assert paged == whole


def _rows(table: str, batch) -> list[tuple]:
    columns = [rows_of(batch.columns.get(name, Packed([None])), batch.rows) for name in TABLES[table].names]
    return list(zip(*columns, strict=True))
