"""The Arrow reader gives what the plain reader gives, or steps aside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

pytest.importorskip("pyarrow", reason="the extra [arrow] is not installed")

import pyarrow as pa

from imsg_sdk import read_chat_db
from imsg_sdk.chatdb.reader import ChatDb
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.frames import MESSAGES, frame_from_batches, history
from imsg_sdk.frames.arrow import ArrowRoads, messages, roads
from imsg_sdk.frames.arrow.instants import instants
from imsg_sdk.sandbox.history.generate import generate

QUERIES: list[dict[str, Any]] = [
    {},
    {"include": ["orphaned", "deleted", "reactions"]},
    {"since": "2000d", "from_me": False},
    {"text": "a"},
    {"limit": 100},
]


@pytest.fixture
def driver() -> Any:
    """Return the source that needs the ADBC driver."""
    pytest.importorskip("adbc_driver_sqlite", reason="the driver of the extra [arrow] is not installed")
    from imsg_sdk.frames.arrow.driver import DriverSource

    return DriverSource


@pytest.fixture(params=["driver", "rows"])
def pages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Use Arrow for files and pages of any size, out of each source; collect the rows of pages read that way."""
    if request.param == "driver":
        request.getfixturevalue("driver")
    else:
        monkeypatch.setattr(roads, "_driver", lambda path: None)
    rows: list[int] = []
    read = messages.ArrowReader._page

    def counted(self: messages.ArrowReader, *arguments: Any) -> Any:
        page = read(self, *arguments)
        rows.append(page.batch.rows)
        return page

    monkeypatch.setattr(history, "_WORTH_ARROW_BYTES", 0)
    monkeypatch.setattr(messages, "_SMALL", 0)
    monkeypatch.setattr(messages.ArrowReader, "_page", counted)
    return rows


def plain(path: Path, **query: Any) -> history.History:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "_WORTH_ARROW_BYTES", 2**60)
        return read_chat_db(path, **query)


def assert_equal(one: history.History, other: history.History) -> None:
    for name, frame in one.frames.items():
        assert_frame_equal(frame, other.frames[name])


@pytest.mark.parametrize("query", QUERIES, ids=str)
@pytest.mark.parametrize("name", ["minimal.db", "monterey.db", "sequoia.db", "awkward.db"])
def test_both_roads_give_equal_frames(golden: Path, pages: list[int], name: str, query: dict[str, Any]) -> None:
    assert_equal(read_chat_db(golden / name, **query), plain(golden / name, **query))


def test_a_whole_history_travels_in_arrow(tmp_path: Path, pages: list[int]) -> None:
    generate(tmp_path / "chat 100%.db", messages=3000, seed=5)
    found = read_chat_db(tmp_path / "chat 100%.db")
    assert sum(pages) == len(found.messages) > 2000
    assert_equal(found, plain(tmp_path / "chat 100%.db"))


def test_a_small_file_is_read_without_arrow(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imsg_sdk.frames.arrow.ArrowRoads", None)
    assert len(read_chat_db(golden / "minimal.db").messages) > 0


def test_the_driver_is_left_alone_after_a_commit_between_the_two_connections(tmp_path: Path, driver: Any) -> None:
    path = tmp_path / "chat.db"
    generate(path, messages=100, seed=5)
    with closing(sqlite3.connect(path)) as writer:
        with closing(driver.open(str(path))) as source:
            writer.execute("UPDATE message SET is_read = 1")
            writer.commit()
            assert not source.is_usable()
        with closing(driver.open(str(path))) as source:
            assert source.is_usable()
            writer.execute("UPDATE message SET is_read = 0")
            writer.commit()
            assert source.is_usable()
            assert source.rows("SELECT sum(is_read) FROM message") == [(100,)]


def test_a_file_that_the_driver_cannot_open_is_read_without_it(tmp_path: Path, driver: Any) -> None:
    assert driver.open(str(tmp_path / "none" / "chat.db")) is None


def test_damaged_bodies_and_deleted_messages_are_equal_on_both_roads(tmp_path: Path, pages: list[int]) -> None:
    path = tmp_path / "chat.db"
    generate(path, messages=1000, seed=6)
    with closing(sqlite3.connect(path)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE message SET text = NULL, attributedBody = zeroblob(40) WHERE ROWID % 10 = 1")
        database.execute(
            "UPDATE message SET text = NULL, attributedBody = substr(attributedBody, 1, length(attributedBody) / 2)"
            " WHERE ROWID % 10 = 2 AND attributedBody IS NOT NULL"
        )
        database.execute(
            "INSERT INTO chat_recoverable_message_join (chat_id, message_id, delete_date)"
            " SELECT chat_id, message_id, 700000000000000000 FROM chat_message_join WHERE message_id % 10 = 3"
        )
        database.execute("DELETE FROM chat_message_join WHERE message_id % 10 = 3")
        database.commit()
    for query in QUERIES:
        assert_equal(read_chat_db(path, **query), plain(path, **query))
    found = read_chat_db(path, include=["deleted"]).messages
    assert pages
    assert found["deleted_at"].notna().sum() > 50
    assert found["text_repaired"].sum() > 50


def test_tapbacks_of_every_kind_and_order_are_equal_on_both_roads(tmp_path: Path, pages: list[int]) -> None:
    path = tmp_path / "chat.db"
    generate(path, messages=3000, seed=7)
    dice = Random(7)
    with closing(sqlite3.connect(path)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        guids = [guid for (guid,) in database.execute("SELECT guid FROM message ORDER BY ROWID LIMIT 40")]
        for rowid in range(200, 1200):
            target = f"p:{dice.randrange(2)}/{dice.choice(guids)}"
            kind = dice.choice([1000, 2000, 2003, 2006, 2007, 3000, 3006, 3007])
            date = dice.choice([None, 0, 600_000_000, dice.randrange(10**17, 10**17 + 100_000)])
            values = [target, kind, dice.choice(["🎉", None]), dice.randrange(2), dice.randrange(4), date, rowid]
            database.execute(
                "UPDATE message SET associated_message_guid = ?, associated_message_type = ?,"
                " associated_message_emoji = ?, is_from_me = ?, handle_id = ?, date = ? WHERE ROWID = ?",
                values,
            )
        database.commit()
    found = read_chat_db(path)
    assert pages
    assert found.reactions["type"].nunique() > 3
    assert_equal(found, plain(path))


def test_messages_in_several_chats_are_equal_on_both_roads(tmp_path: Path, pages: list[int]) -> None:
    path = tmp_path / "chat.db"
    generate(path, messages=500, seed=8)
    with closing(sqlite3.connect(path)) as database:
        for chat in (2, 4, 1, 999_999):
            database.execute(
                f"INSERT OR IGNORE INTO chat_message_join (chat_id, message_id) SELECT {chat}, ROWID FROM message"
                f" WHERE ROWID % {chat + 5} = 0"
            )
        database.execute("INSERT INTO chat_message_join (chat_id, message_id) VALUES (1, NULL), (NULL, 1)")
        database.commit()
    found = read_chat_db(path)
    assert pages
    assert found.messages["chat_ids"].map(len).max() > 1
    assert_equal(found, plain(path))


def test_a_file_that_changes_between_two_readings_is_read_as_it_is_then(tmp_path: Path, pages: list[int]) -> None:
    path = tmp_path / "chat.db"
    generate(path, messages=100, seed=9)
    with (
        closing(sqlite3.connect(path)) as writer,
        ArrowRoads(str(path)) as ways,
        ChatDb.open(path, readers=ways.readers) as database,
    ):
        before = frame_from_batches(MESSAGES, database.read("messages"))
        assert pages
        writer.execute("UPDATE message SET text = 'later' WHERE text IS NOT NULL")
        writer.commit()
        after = frame_from_batches(MESSAGES, database.read("messages"))
    assert "later" not in set(before["text"])
    assert "later" in set(after["text"])


DATES = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(-(10**13), 10**13))


@given(st.lists(DATES, max_size=20))
def test_stored_dates_mean_in_arrays_what_they_mean_in_sql(stored: list[int | None]) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE message (date)")
        database.executemany("INSERT INTO message VALUES (?)", [[date] for date in stored])
        schema = Schema({"message": frozenset({"date"})})
        rows = database.execute(f"SELECT {schema.time('message', 'date')} FROM message ORDER BY rowid").fetchall()
    assert instants(pa.chunked_array([pa.array(stored, pa.int64())])).to_pylist() == [row[0] for row in rows]
