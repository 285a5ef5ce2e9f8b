"""The frames have the dtypes that the one schema declares, whatever they hold."""

from __future__ import annotations

import pandas as pd
import pytest

from imsg_sdk import models
from imsg_sdk.columns import TABLES, Kind, Table
from imsg_sdk.errors import InvalidParams
from imsg_sdk.frames import SORT_BY, describe, dtypes, empty_frame

RECORDS = {
    "messages": models.Message,
    "reactions": models.Reaction,
    "attachments": models.Attachment,
    "chats": models.Chat,
    "participants": models.Participant,
    "edits": models.Edit,
}

EXPECTED = {
    Kind.INT: "int64",
    Kind.OPTIONAL_INT: "Int64",
    Kind.BOOL: "bool",
    Kind.OPTIONAL_BOOL: "boolean",
    Kind.TEXT: "string",
    Kind.CATEGORY: "category",
    Kind.TIME: "datetime64[us, UTC]",
    Kind.IDS: "object",
    Kind.NAMES: "object",
}

tables = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


@tables
def test_an_empty_frame_has_every_column_in_its_declared_dtype(table: Table) -> None:
    frame = empty_frame(table)
    assert list(frame.columns) == list(table.names)
    assert [str(dtype) for dtype in frame.dtypes] == [EXPECTED[column.kind] for column in table.columns]
    assert len(frame) == 0
    assert isinstance(frame.index, pd.RangeIndex)


@tables
def test_text_misses_with_na_and_categories_stand_over_object(table: Table) -> None:
    frame = empty_frame(table)
    for column in table.columns:
        dtype = frame[column.name].dtype
        if column.kind is Kind.TEXT:
            assert dtype.na_value is pd.NA
        if column.kind is Kind.CATEGORY:
            assert dtype.categories.dtype == object


@tables
def test_the_declared_dtypes_are_those_of_frames(table: Table) -> None:
    assert dtypes(table) == {name: str(dtype) for name, dtype in empty_frame(table).dtypes.items()}


@tables
def test_a_record_has_a_field_for_every_column(table: Table) -> None:
    assert set(table.names) <= set(RECORDS[table.name].__struct_fields__)


@tables
def test_every_table_is_sorted_by_columns_it_has(table: Table) -> None:
    assert {name.lstrip("-") for name in SORT_BY[table.name]} <= set(table.names)


def test_describe_lists_every_column_of_every_table_once() -> None:
    frame = describe()
    assert list(zip(frame["table"], frame["column"], strict=True)) == [
        (table.name, name) for table in TABLES.values() for name in table.names
    ]
    assert frame["meaning"].str.len().min() > 0


def test_describe_takes_a_table_or_its_name() -> None:
    assert describe("chats").equals(describe(TABLES["chats"]))
    assert set(describe("chats")["table"]) == {"chats"}
    with pytest.raises(InvalidParams, match="chats"):
        describe("chat")
