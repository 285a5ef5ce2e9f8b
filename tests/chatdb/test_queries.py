"""Queries, pages and single rows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsg_sdk._time import apple_to_us
from imsg_sdk.chatdb.query import Query
from imsg_sdk.chatdb.reader import ChatDb
from imsg_sdk.errors import InvalidParams

NS = 10**9


@pytest.fixture
def history(db: Any, body: Any) -> Any:
    """Ten messages: odd ones own, the last two in a group, dates in seconds among them."""
    group = db.chat("chat9", style=43, name="Team")
    person = db.handle("Anna@Example.com")
    for number in range(10):
        db.message(
            group if number >= 8 else 1,
            text=None if number == 4 else f"Straße {number}",
            attributedBody=body("STRASSE four") if number == 4 else None,
            date=(700_000_000 + number * 100) * (1 if number == 3 else NS),
            is_from_me=number % 2,
            handle_id=person if number >= 8 else 1,
        )
    return db


def rowids(db: Any, **filters: Any) -> list[int]:
    return [row["rowid"] for row in db.read(**filters)]


def test_filters_hold_together(history: Any) -> None:
    at = apple_to_us(700_000_300)
    assert rowids(history, chat_ids=[2]) == [9, 10]
    assert rowids(history, chat_ids=[1, 2, 99]) == list(range(1, 11))
    assert rowids(history, chat_ids=[]) == []
    assert rowids(history, from_me=True) == [2, 4, 6, 8, 10]
    assert rowids(history, from_me=False, chat_ids=[2]) == [9]
    assert rowids(history, since_us=at, until_us=at + 100_000_000) == [4]
    assert rowids(history, since_us=at + 1, until_us=at + 100_000_001) == [5]
    assert rowids(history, until_us=at) == [1, 2, 3]
    assert rowids(history, participants=["anna@example.COM"]) == [9]
    assert rowids(history, participants=["nobody"]) == []
    assert rowids(history, rowids=[7, 3, 99, 3]) == [3, 7]
    assert rowids(history, after_rowid=8) == [9, 10]


def test_rows_are_found_by_guid(history: Any) -> None:
    guids = {row["guid"]: row["rowid"] for row in history.read()}
    first, *_, last = guids
    assert rowids(history, guids=[last, first, last]) == [guids[first], guids[last]]
    assert rowids(history, guids=[first, last], rowids=[guids[last]]) == [guids[last]]
    assert rowids(history, guids=[first, last], limit=1) == [guids[last]]
    assert rowids(history, guids=[first, last], text="STRASSE 9") == [guids[last]]
    for unknown in ("", first.lower() + "x", "a'b", "nul\0", "\N{GRINNING FACE}"):
        assert rowids(history, guids=[unknown]) == []
    assert rowids(history, guids=[]) == []


def test_text_is_sought_without_case_and_in_bodies_too(history: Any) -> None:
    assert rowids(history, text="strasse") == list(range(1, 11))
    assert rowids(history, text="FOUR") == [5]
    assert rowids(history, text="none of these") == []


def test_limit_keeps_the_newest_by_date(history: Any) -> None:
    assert rowids(history, limit=3) == [8, 9, 10]
    assert rowids(history, limit=2, text="strasse", from_me=True) == [8, 10]
    assert rowids(history, limit=0) == []
    assert rowids(history, limit=0, text="strasse") == []
    assert rowids(history, limit=2, rowids=[1, 5, 7]) == [5, 7]
    assert rowids(history, limit=100) == list(range(1, 11))


def test_limit_ranks_equal_instants_by_rowid(db: Any) -> None:
    for nanoseconds in (900, 500, 100, 0):
        db.message(text="x", date=700_000_000 * NS + nanoseconds)
    db.message(text="x", date=700_000_000 * NS - 5000)
    assert rowids(db, limit=2) == [3, 4]


@pytest.mark.parametrize("date", [0, None, "soon", 5, -5])
def test_limit_counts_undated_rows_as_the_oldest(db: Any, date: Any) -> None:
    first = db.message(text="x", date=date)
    others = [db.message(text="x") for _ in range(3)]
    assert rowids(db, limit=3) == others
    assert rowids(db, limit=4) == [first, *others]


def test_limit_looks_behind_rows_that_are_no_messages(db: Any) -> None:
    wanted = [db.message(text="x") for _ in range(3)]
    for number in range(200):
        db.message(None, text="orphan")
        db.message(
            text="tap", associated_message_guid="M1", associated_message_type=2000, date=(900_000_000 + number) * NS
        )
    assert rowids(db, limit=2) == wanted[1:]


def test_children_are_those_of_the_selected_messages(history: Any) -> None:
    history.attachment(1)
    history.attachment(9)
    history.message(text="t", associated_message_guid="M1", associated_message_type=2000)
    assert [row["message_rowid"] for row in history.read("attachments", chat_ids=[2])] == [9]
    assert [row["message_rowid"] for row in history.read("attachments", text="strasse 8")] == [9]
    assert [row["message_rowid"] for row in history.read("reactions", limit=3)] == []
    assert [row["message_rowid"] for row in history.read("reactions", from_me=False)] == [1]


def test_chats_take_chat_ids_and_limit(history: Any) -> None:
    history.chat("+15550177")
    assert [row["chat_id"] for row in history.read("chats")] == [2, 1]
    assert [row["chat_id"] for row in history.read("chats", limit=1)] == [2]
    assert [row["chat_id"] for row in history.read("chats", chat_ids=[1])] == [1]
    (group, direct) = history.read("chats")
    assert (group["name"], group["is_group"], group["unread_count"]) == ("Team", True, 1)
    assert (direct["name"], direct["is_group"], direct["unread_count"]) == ("+15550100", False, 4)
    assert group["last_message_at"] == apple_to_us((700_000_900) * NS)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "chat_ids": st.lists(st.integers(1, 3), max_size=2),
            "from_me": st.booleans(),
            "since_us": st.integers(apple_to_us(700_000_000) or 0, apple_to_us(700_001_000) or 0),
            "until_us": st.integers(apple_to_us(700_000_000) or 0, apple_to_us(700_001_000) or 0),
            "limit": st.integers(0, 12),
            "text": st.sampled_from(["strasse", "4", "e"]),
            "after_rowid": st.integers(0, 10),
        },
    ),
    st.integers(1, 6),
)
@settings(deadline=None, max_examples=60)
def test_pages_and_one_read_agree_for_every_query(shared_history: Any, filters: dict[str, Any], size: int) -> None:
    reader, as_rows = shared_history
    query = Query(**filters)
    whole = as_rows("messages", reader.read("messages", query))
    pages, cursor = [], None
    while True:
        batch, cursor = reader.page("messages", query, cursor, size)
        pages += as_rows("messages", [batch])
        if cursor is None:
            break
    assert pages == whole


@pytest.fixture(scope="module")
def shared_history(tmp_path_factory: Any, as_rows: Any, make_shared: Any) -> Any:
    builder = make_shared(tmp_path_factory.mktemp("history") / "chat.db")
    with ChatDb.open(builder.path) as reader:
        yield reader, as_rows
    builder.sql.close()


def test_a_page_sees_what_another_program_wrote_meanwhile(db: Any, as_rows: Any) -> None:
    db.message(guid="T", text="one")
    with ChatDb.open(db.path) as reader:
        assert len(as_rows("messages", reader.read("messages"))) == 1
        db.message(text="two", associated_message_guid="T", associated_message_type=2000)
        db.message(text="three")
        rows = as_rows("messages", reader.read("messages"))
        assert [(row["text"], row["n_reactions"]) for row in rows] == [("one", 1), ("three", 0)]


def test_one_read_is_one_moment(db: Any, as_rows: Any) -> None:
    db.sql.execute("PRAGMA journal_mode = WAL")
    db.message(text="one")
    with ChatDb.open(db.path) as reader:
        batches = reader.read_tables(["chats", "messages"])
        (message,) = as_rows("messages", [next(batches)])
        db.message(text="two")
        (chat,) = as_rows("chats", batches)
        assert chat["last_message_at"] == message["created_at"]
        (chat,) = as_rows("chats", reader.read("chats"))
        assert chat["last_message_at"] > message["created_at"]


def test_columns_of_knows_rows_of_every_sort(db: Any) -> None:
    target = db.message(guid="T", text="hi", is_from_me=1)
    db.attachment(target, filename=None)
    tapback = db.message(text="Liked", associated_message_guid="T", associated_message_type=2001, handle_id=1)
    orphan = db.message(None, text="lost")
    with ChatDb.open(db.path) as reader:
        found = reader.columns_of([target, tapback, orphan, 999])
        assert reader.columns_of([]) == {}
    assert set(found) == {target, tapback, orphan}
    row = found[target]
    assert (row["is_from_me"], row["send_state"], row["is_edited"], row["n_reactions"]) == (True, "pending", False, 1)
    assert None not in row.values()
    assert [child["type"] for child in row["reactions"]] == ["like"]
    assert [child["is_missing"] for child in row["attachments"]] == [True]
    assert found[tapback]["kind"] == "reaction"
    assert found[orphan]["chat_ids"] == ()


def test_questions_nobody_can_answer_are_refused(db: Any) -> None:
    with ChatDb.open(db.path) as reader:
        with pytest.raises(InvalidParams) as failure:
            list(reader.read("message"))
        assert "messages" in failure.value.hint
        with pytest.raises(InvalidParams):
            list(reader.read("messages", Query(include=["everything"])))
        with pytest.raises(InvalidParams):
            reader.page("messages", Query(), "x", 10)
