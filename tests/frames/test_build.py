"""Batches and records become frames: dtypes, NA, order, categories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from imsg_sdk import models
from imsg_sdk._time import from_us
from imsg_sdk.columns import EDITS, MESSAGES, REACTIONS, TABLES, Batch, Kind, Packed, Table
from imsg_sdk.frames import dtypes, empty_frame, frame_from_batches, frame_from_records

NEVER_NA = {Kind.INT: [0], Kind.BOOL: [False], Kind.IDS: [[]], Kind.NAMES: [[]]}
BIG = 2**60 + 1

tables = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


def batch(table: Table, rows: int, **columns: Any) -> Batch:
    """Return a batch whose other required columns hold zeros."""
    required = {
        column.name: Packed(NEVER_NA[column.kind]) for column in table.columns if column.kind in (Kind.INT, Kind.BOOL)
    }
    return Batch(table.name, rows, {**required, **columns})


def messages(**columns: Any) -> pd.DataFrame:
    rows = max(len(column) for column in columns.values() if isinstance(column, list))
    columns.setdefault("rowid", list(range(1, rows + 1)))
    return frame_from_batches(MESSAGES, [batch(MESSAGES, rows, **columns)])


@tables
def test_a_filled_frame_has_the_dtypes_of_an_empty_one(table: Table) -> None:
    frame = frame_from_batches(table, [batch(table, 3)])
    assert len(frame) == 3
    assert dtypes(table) == {name: str(dtype) for name, dtype in frame.dtypes.items()}


@tables
def test_an_absent_column_is_na_and_a_list_is_empty(table: Table) -> None:
    frame = frame_from_batches(table, [batch(table, 2)])
    for column in table.columns:
        values = frame[column.name].tolist()
        if column.kind in (Kind.IDS, Kind.NAMES):
            assert values == [(), ()]
        elif column.kind not in (Kind.INT, Kind.BOOL):
            assert frame[column.name].isna().all()


def test_a_column_that_only_one_batch_has_is_na_in_the_others() -> None:
    frame = frame_from_batches(
        MESSAGES,
        [batch(MESSAGES, 1, rowid=[1]), batch(MESSAGES, 1, rowid=[2], service=["SMS"], is_read=[True], text=["a"])],
    )
    assert frame["service"].isna().tolist() == [True, False]
    assert frame["is_read"].isna().tolist() == [True, False]
    assert frame["text"].isna().tolist() == [True, False]


def test_a_column_unknown_to_the_schema_is_passed_over() -> None:
    assert list(messages(text=["a"], of_tomorrow=["x"]).columns) == list(MESSAGES.names)


def test_large_ids_stay_exact_beside_na() -> None:
    frame = messages(rowid=[1, 2, BIG], chat_id=[None, BIG, 7])
    assert frame["rowid"].tolist() == [1, 2, BIG]
    assert frame["chat_id"].isna().tolist() == [True, False, False]
    assert int(frame["chat_id"].iloc[1]) == BIG


@pytest.mark.parametrize(
    "column",
    [
        [None, BIG, None, 5],
        Packed([BIG, 5], codes=[-1, 0, -1, 1]),
        Packed([BIG, 5], at=[1, 3]),
    ],
)
def test_packed_columns_mean_what_plain_ones_mean(column: Any) -> None:
    frame = messages(rowid=[1, 2, 3, 4], chat_id=column)
    assert frame["chat_id"].astype(object).where(frame["chat_id"].notna(), None).tolist() == [None, BIG, None, 5]


def test_a_constant_and_a_sparse_default_fill_the_column() -> None:
    frame = messages(rowid=[1, 2, 3], service=Packed(["SMS"]), is_spam=Packed([True], at=[1], default=False))
    assert frame["service"].tolist() == ["SMS"] * 3
    assert frame["is_spam"].tolist() == [False, True, False]


def test_times_are_exact_to_the_microsecond_and_utc() -> None:
    instant = datetime(2026, 3, 1, 7, 30, 15, 123457, tzinfo=UTC)
    frame = messages(created_at=[int(instant.timestamp()) * 10**6 + 123457, None])
    assert pd.isna(frame["created_at"].iloc[0])
    assert frame["created_at"].iloc[1] == pd.Timestamp(instant)
    far = messages(created_at=[-62_135_596_800_000_000, 253_402_300_799_999_999])
    assert far["created_at"].dt.year.tolist() == [1, 9999]


def test_messages_stand_oldest_first_with_undated_ones_before() -> None:
    frame = messages(rowid=[5, 4, 3, 2, 1], created_at=[20, 10, None, 20, 30])
    assert frame["rowid"].tolist() == [3, 4, 2, 5, 1]
    assert list(frame.index) == [0, 1, 2, 3, 4]
    assert isinstance(frame.index, pd.RangeIndex)


def test_chats_stand_newest_first_with_undated_ones_last() -> None:
    columns = {"chat_id": [1, 2, 3, 4], "last_message_at": [10, None, 30, 30]}
    frame = frame_from_batches(TABLES["chats"], [batch(TABLES["chats"], 4, **columns)])
    assert frame["chat_id"].tolist() == [3, 4, 1, 2]


def test_participants_stand_by_chat_and_handle() -> None:
    columns = {"chat_id": [2, 1, 1], "handle": ["a", "c", "b"]}
    frame = frame_from_batches(TABLES["participants"], [batch(TABLES["participants"], 3, **columns)])
    assert frame[["chat_id", "handle"]].to_numpy().tolist() == [[1, "b"], [1, "c"], [2, "a"]]


def test_categories_are_sorted_and_only_those_that_occur() -> None:
    frame = messages(rowid=[1, 2, 3], sender=Packed(["z", "unused", "a"], codes=[0, 2, -1]))
    assert frame["sender"].cat.categories.tolist() == ["a", "z"]
    assert frame["sender"].isna().tolist() == [False, False, True]


def test_categories_do_not_depend_on_how_rows_are_cut_into_batches() -> None:
    senders = ["c", "a", None, "b", "a", "c"]
    whole = messages(sender=senders)
    cut = frame_from_batches(
        MESSAGES,
        [batch(MESSAGES, 1, rowid=[rowid], sender=[sender]) for rowid, sender in reversed([*enumerate(senders, 1)])],
    )
    assert_frame_equal(whole, cut)


def test_half_a_surrogate_pair_is_no_exception() -> None:
    frame = messages(text=["ok", "half \ud83d"])
    assert frame["text"].iloc[0] == "ok"
    assert str(frame["text"].iloc[1]).startswith("half ")


def test_text_that_looks_like_na_stays_text() -> None:
    frame = messages(text=["", "nan", "None", "NA", None])
    assert frame["text"].tolist()[:4] == ["", "nan", "None", "NA"]
    assert frame["text"].isna().tolist() == [False] * 4 + [True]


def test_lists_become_tuples_also_when_all_have_one_length() -> None:
    assert messages(chat_ids=[[1, 2], [3, 4]])["chat_ids"].tolist() == [(1, 2), (3, 4)]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (Batch("chats", 1, {}), "chats"),
        (Batch("messages", 1, {"rowid": [1]}), "messages.is_from_me"),
        (batch(MESSAGES, 2, rowid=[1]), "messages.rowid"),
        (batch(MESSAGES, 2, rowid=[1, 2], sender=Packed(["a"], codes=[0])), "messages.sender"),
    ],
)
def test_a_batch_that_breaks_the_schema_is_refused_by_name(bad: Batch, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        frame_from_batches(MESSAGES, [bad])


def test_attrs_hold_one_small_dict_that_survives_a_filter() -> None:
    frame = messages(text=["a", "b"])
    assert frame.attrs == {"imsg": {"table": "messages"}}
    assert frame[frame["text"] == "a"].attrs == frame.attrs


def test_records_and_batches_give_equal_frames() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    records = [
        models.Message(
            rowid=rowid,
            chat_id=None if rowid == 2 else 7,
            chat_ids=(7, 9),
            sender=f"+1555010{rowid % 3}",
            created_at=None if rowid == 4 else start - timedelta(hours=rowid),
            is_from_me=rowid % 2 == 0,
            text=None if rowid == 3 else f"message {rowid}",
            is_edited=None if rowid == 1 else False,
        )
        for rowid in range(1, 9)
    ]
    columns: dict[str, Any] = {
        "rowid": [record.rowid for record in records],
        "chat_id": Packed([7], codes=[-1 if record.rowid == 2 else 0 for record in records]),
        "chat_ids": Packed([[7, 9]]),
        "sender": Packed(
            ["x", *(f"+1555010{n}" for n in range(3))], codes=[record.rowid % 3 + 1 for record in records]
        ),
        "created_at": [
            None if record.created_at is None else int(record.created_at.timestamp() * 10**6) for record in records
        ],
        "is_from_me": [record.is_from_me for record in records],
        "text": [record.text for record in records],
        "is_edited": Packed([None], at=[0], default=False),
    }
    assert_frame_equal(
        frame_from_records(MESSAGES, records), frame_from_batches(MESSAGES, [Batch("messages", 8, columns)])
    )


def test_records_of_no_kind_give_the_empty_frame() -> None:
    assert_frame_equal(frame_from_records(REACTIONS, iter(())), empty_frame(REACTIONS))


VALUES: dict[Kind, Any] = {
    Kind.INT: st.integers(-(2**63) + 1, 2**63 - 1),
    Kind.OPTIONAL_INT: st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
    Kind.BOOL: st.booleans(),
    Kind.OPTIONAL_BOOL: st.none() | st.booleans(),
    Kind.TEXT: st.none() | st.text(st.characters(exclude_categories=("Cs",)), max_size=5),
    Kind.CATEGORY: st.none() | st.sampled_from(["b", "a", "", "é"]),
    Kind.TIME: st.none() | st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999),
    Kind.IDS: st.lists(st.integers(1, 9), max_size=2).map(tuple),
    Kind.NAMES: st.lists(st.sampled_from("ab"), max_size=2).map(tuple),
}


def packed(values: list[Any], form: str) -> list[Any] | Packed:
    """Return `values` in one of the forms a batch may use."""
    if form == "dictionary":
        distinct = list(dict.fromkeys(value for value in values if value is not None)) or [None]
        return Packed(distinct, codes=[-1 if value is None else distinct.index(value) for value in values])
    if form == "sparse" and values:
        return Packed(values[1:], at=list(range(1, len(values))), default=values[0])
    return values


@st.composite
def cut_tables(draw: st.DrawFn) -> tuple[Table, list[dict[str, Any]], list[Batch]]:
    table = draw(st.sampled_from([MESSAGES, REACTIONS, EDITS]))
    row = st.fixed_dictionaries({column.name: VALUES[column.kind] for column in table.columns})
    rows = draw(st.lists(row, max_size=8))
    cuts = sorted(draw(st.sets(st.integers(0, len(rows)), max_size=2)) | {0, len(rows)})
    form = st.sampled_from(["plain", "dictionary", "sparse"])
    batches = [
        Batch(
            table.name,
            stop - start,
            {name: packed([row[name] for row in rows[start:stop]], draw(form)) for name in table.names},
        )
        for start, stop in pairwise(cuts)
    ]
    return table, rows, batches


@settings(deadline=None, max_examples=60)
@given(cut_tables())
def test_no_value_changes_on_its_way_into_a_frame(case: tuple[Table, list[dict[str, Any]], list[Batch]]) -> None:
    table, rows, batches = case
    frame = frame_from_batches(table, batches)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == dtypes(table)
    seen = sorted(repr([plain(value) for value in row]) for row in frame.itertuples(index=False, name=None))
    sent = [[_instant(table, name, row[name]) for name in table.names] for row in rows]
    assert seen == sorted(map(repr, sent))


def _instant(table: Table, name: str, value: Any) -> Any:
    return from_us(value) if table[name].kind is Kind.TIME and value is not None else value


def plain(value: Any) -> Any:
    """Return a cell as Python says it."""
    if isinstance(value, tuple):
        return value
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime().astimezone(UTC)
    return value.item() if isinstance(value, np.generic) else value
