"""Params: strict in the newer dialect, coerced in the older one."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests import tables
from imsg_sdk.server.requests.bounds import parse_bound
from imsg_sdk.server.requests.integers import INT64
from imsg_sdk.server.requests.params import Param, read, refuse_unknown

ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
)
BY_KIND = {
    "text": ("x", [None, True, 5, 5.0, [], {}], "a string"),
    "integer": (5, [True, 5.0, 1e2, "5", "", [], {}, 2**63, -(2**63)], "an integer"),
    "flag": (False, [0, 1, 5.5, "true", [], {}], "a boolean"),
    "texts": (["a"], ["a", 5, [5], ["a", None], {}], "an array of strings"),
    "objects": ([{}], ["a", {}, [5], [{}, 1]], "an array of objects"),
}


def refusal(param: Param, params: dict[str, Any], dialect: Dialect = Dialect.V1) -> str:
    with pytest.raises(RpcError) as caught:
        read(param, params, dialect)
    assert caught.value.code == -32602
    assert isinstance(caught.value.data, str)
    return caught.value.data


@pytest.mark.parametrize("kind", list(BY_KIND))
def test_wrong_type_is_named_with_the_callers_spelling(kind: str) -> None:
    good, bad, named = BY_KIND[kind]
    param = Param(("the_name", "theName"), kind)
    assert read(param, {"theName": good}, Dialect.V1) == good
    assert read(param, {}, Dialect.V1) is None
    for value in bad:
        expected = "theName must not be null" if value is None else f"theName must be {named}"
        assert refusal(param, {"theName": value}) == expected


def test_whole_int64_but_its_lowest_passes() -> None:
    param = Param(("n",), "integer")
    for value in (2**63 - 1, -(2**63) + 1):
        assert read(param, {"n": value}, Dialect.V1) == value


def test_two_spellings_are_refused_even_if_one_is_null() -> None:
    param = Param(("a", "b", "c"), "text")
    assert refusal(param, {"c": None, "a": "x"}) == "use only one of a, b, c"


def test_first_unknown_key_in_sorted_order_is_named() -> None:
    with pytest.raises(RpcError, match="-32602") as caught:
        refuse_unknown("chats.list", {"limit": 1, "zeta": 1, "alpha": 1}, frozenset({"limit"}))
    assert caught.value.data == "unknown chats.list param: alpha"


@pytest.mark.parametrize(
    ("method", "params", "text"),
    [
        ("chats.list", {"limit": 0, "unread_only": 5}, "limit must be a positive integer"),
        ("messages.history", {"limit": "x"}, "chat_id is required"),
        ("messages.history", {"chat_id": 0, "limit": "x"}, "chat_id must be a positive integer"),
        ("messages.history", {"chat_id": 1, "limit": -1, "participants": 5}, "limit must be a positive integer"),
        ("messages.search", {"query": " \n"}, "query must be a non-empty string"),
        ("messages.search", {"query": "a", "match": "Exact", "limit": 0}, "match must be contains or exact"),
        ("messages.search", {"query": "a", "limit": 101}, "limit must be between 1 and 100"),
        ("messages.after", {"chat_id": 0}, "since_rowid must be a non-negative integer"),
        ("messages.after", {"since_rowid": -1}, "since_rowid must be a non-negative integer"),
        ("messages.after", {"since_rowid": 0, "limit": 501}, "limit must be an integer between 1 and 500"),
        ("message.send_status", {"guid": " "}, "guid is required"),
        ("watch.subscribe", {"debounceMs": -1}, "debounce_ms must be a non-negative integer"),
        ("watch.subscribe", {"bufferLimit": 4097}, "buffer_limit must be an integer between 1 and 4096"),
        ("watch.unsubscribe", {}, "subscription is required"),
        ("watch.unsubscribe", {"subscription": 0}, "subscription must be a positive integer"),
        ("x.messages", {"page_rows": 50_001}, "page_rows must be an integer between 1 and 50000"),
        ("x.messages", {"query": []}, "query must be an object"),
    ],
)
def test_first_fault_in_the_fixed_order_answers(method: str, params: dict[str, Any], text: str) -> None:
    declared = (tables.READS | tables.CONTROL)[method]
    with pytest.raises(RpcError) as caught:
        [read(param, params, Dialect.V1) for param in declared]
    assert caught.value.data == text


@pytest.mark.parametrize(
    ("kind", "value", "becomes"),
    [
        ("text", 5, "5"), ("text", 5.0, "5"), ("text", 5.5, "5.5"), ("text", True, "1"),
        ("text", [], None), ("text", None, None),
        ("integer", 2.9, 2), ("integer", -2.9, -2), ("integer", True, 1), ("integer", "+3", 3), ("integer", "-3", -3),
        ("integer", "3 ", None), ("integer", "٣", None), ("integer", "1_0", None), ("integer", "", None),
        ("integer", "9" * 20, None), ("integer", "1" * 5000, None),
        ("integer", 1e30, -(2**63)), ("integer", 2**63, -(2**63)), ("integer", [3], None),
        ("flag", "true", True), ("flag", "yes", None), ("flag", 2, True), ("flag", 0.0, False), ("flag", [], None),
        ("texts", "a, b,,", ["a", "b"]), ("texts", ["a", 5, None, []], ["a", "5"]), ("texts", 5, []),
        ("texts", None, []),
        ("objects", [{}, 5], [{}]), ("objects", "x", None),
    ],
)  # fmt: skip
def test_older_dialect_coerces(kind: str, value: object, becomes: object) -> None:
    assert read(Param(("k",), kind), {"k": value}, Dialect.LEGACY) == becomes


def test_older_dialect_takes_the_first_spelling_that_is_there() -> None:
    param = Param(("a", "b"), "integer", 7)
    assert read(param, {"b": 2}, Dialect.LEGACY) == 2
    assert read(param, {"a": None, "b": 2}, Dialect.LEGACY) == 7


@given(st.sampled_from(sorted(tables.READS | tables.CONTROL | tables.MUTATIONS)), st.data())
def test_any_value_gives_a_value_or_a_refusal(method: str, data: st.DataObject) -> None:
    for param in (tables.READS | tables.CONTROL | tables.MUTATIONS)[method]:
        value = data.draw(ANYTHING)
        for dialect in Dialect:
            with suppress(RpcError):
                read(param, {param.name: value}, dialect)


def test_every_legacy_method_is_declared() -> None:
    declared = tables.READS.keys() | tables.CONTROL.keys() | tables.MUTATIONS.keys() | tables.ALIASES.keys()
    assert set(tables.SUPPORTED[Dialect.LEGACY]) <= declared
    assert set(tables.SUPPORTED[Dialect.V1]) <= declared
    assert len(declared - set(tables.EXTENDED_METHODS)) == 43


BASE = datetime(2001, 1, 1, tzinfo=UTC)


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),
    st.integers(-23 * 60, 23 * 60),
    st.sampled_from(["%z", "colon"]),
)
def test_bounds_are_read_exactly(naive: datetime, offset_min: int, form: str) -> None:
    instant = naive.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    text = instant.isoformat(timespec="microseconds")
    if form == "%z":
        text = text[:-3] + text[-2:]
    assert parse_bound(text) == (instant - BASE) // timedelta(microseconds=1) * 1000


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2025-02-30T00:00:00Z", "2025-03-02T00:00:00Z"),
        ("2025-01-01T24:00:00Z", "2025-01-02T00:00:00Z"),
        ("2025-01-26T00:01:07+08", "2025-01-25T16:01:07Z"),
        ("2025-01-26T00:01:07-0800", "2025-01-26T08:01:07Z"),
        ("2025-01-26T00:01:07.123456789999Z", "2025-01-26T00:01:07.123456789Z"),
        ("12025-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
    ],
)
def test_bounds_are_as_lenient_as_the_real_reader(text: str, same_as: str) -> None:
    assert parse_bound(text) == parse_bound(same_as) is not None


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "now", "5", "2025-01-26", "2025-01-26T00:01:07", "2025-01-26 00:01:07Z", "2025-01-26t00:01:07z",
        "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z", "2025-01-32T00:00:00Z", "2025-01-01T25:00:00Z",
        "2025-01-01T24:00:01Z", "2025-01-01T00:60:00Z", "2025-01-01T00:00:60Z", "20250101T000000Z",
        "2025-W01-1T00:00:00Z", "2025-01-01T00:00:00Z\n", "٢٠٢٥-01-01T00:00:00Z", "2025-01-01T00:00:00.Z",
    ],
)  # fmt: skip
def test_what_is_no_bound_is_none(text: str) -> None:
    assert parse_bound(text) is None


def test_bounds_may_lie_where_no_database_reaches() -> None:
    for text in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        bound = parse_bound(text)
        assert bound is not None
        assert bound not in INT64
