"""The tables of every system, as Messages makes them."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.chatdb.reader import ChatDb
from imsg_sdk.sandbox.database import Database, Message
from imsg_sdk.sandbox.history.generate import generate
from imsg_sdk.sandbox.schema import SYSTEMS, columns, create_indexes, create_tables

COLUMNS_OF_MESSAGE = {
    "mountain-lion": (38, 38),
    "yosemite": (51, 51),
    "sierra": (60, 60),
    "mojave": (64, 67),
    "big-sur": (71, 74),
    "monterey": (75, 78),
    "ventura": (81, 84),
    "sonoma": (85, 88),
    "sequoia": (92, 95),
    "tahoe": (94, 97),
    "newest": (103, 106),
}


@pytest.mark.parametrize("system", list(COLUMNS_OF_MESSAGE))
def test_number_of_columns_of_each_system(system: str) -> None:
    fresh = columns("message", SYSTEMS[system])
    upgraded = columns("message", SYSTEMS[system], upgraded=True)
    assert (len(fresh), len(upgraded)) == COLUMNS_OF_MESSAGE[system]


@pytest.mark.parametrize("table", ["message", "handle", "chat_handle_join", "message_attachment_join"])
def test_columns_are_those_of_a_recorded_database(golden: Path, opened: Any, table: str) -> None:
    with opened(golden / "sequoia.db") as connection:
        recorded = [(row[1], row[2], row[4]) for row in connection.execute(f"PRAGMA table_info({table})")]
    ours = sqlite3.connect(":memory:")
    create_tables(ours, SYSTEMS["sequoia"])
    assert [(row[1], row[2], row[4]) for row in ours.execute(f"PRAGMA table_info({table})")] == recorded
    ours.close()


@pytest.mark.parametrize("upgraded", [False, True])
@pytest.mark.parametrize("system", list(SYSTEMS))
def test_every_system_is_made_and_read(tmp_path: Path, system: str, upgraded: bool) -> None:
    path = tmp_path / "chat.db"
    generate(path, messages=60, system=system, upgraded=upgraded)
    with ChatDb.open(path) as database:
        assert sum(batch.rows for batch in database.read("messages")) > 30


def test_dates_are_in_seconds_before_high_sierra(tmp_path: Path, opened: Any) -> None:
    newest = {}
    for system in ("sierra", "high-sierra"):
        generate(tmp_path / f"{system}.db", messages=50, system=system)
        with opened(tmp_path / f"{system}.db") as connection:
            newest[system] = connection.execute("SELECT max(date) FROM message").fetchone()[0]
    assert newest["sierra"] < 10**10 < 10**17 < newest["high-sierra"]


def test_indexes_are_those_readers_count_on(opened: Any) -> None:
    connection = sqlite3.connect(":memory:")
    create_tables(connection, SYSTEMS["newest"])
    create_indexes(connection, SYSTEMS["newest"])
    plan = connection.execute(
        "EXPLAIN QUERY PLAN SELECT message_id FROM chat_message_join WHERE chat_id = 1 ORDER BY message_date DESC"
    ).fetchall()
    assert "COVERING INDEX chat_message_join_idx_message_date_id_chat_id" in plan[0][3]
    connection.close()


def test_file_is_in_wal_mode_unless_told_otherwise(tmp_path: Path) -> None:
    for wal, version in ((True, 2), (False, 1)):
        path = tmp_path / f"{wal}.db"
        generate(path, messages=5, wal=wal)
        assert path.read_bytes()[18:20] == bytes((version, version))
        assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(f"{wal}.db-")] == []


def test_newest_rows_may_stand_in_the_log_only(tmp_path: Path, opened: Any) -> None:
    path = tmp_path / "chat.db"
    generate(path, messages=500, in_wal=40, awkward=True)
    shutil.copyfile(path, tmp_path / "main-only.db")
    counts = []
    for name in ("main-only.db", "chat.db"):
        with opened(tmp_path / name) as connection:
            counts.append(connection.execute("SELECT count(*) FROM message").fetchone()[0])
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert counts[1] - counts[0] == 40
    generate(tmp_path / "same.db", messages=500, awkward=True)
    with opened(path) as one, opened(tmp_path / "same.db") as other:
        one.text_factory = other.text_factory = bytes
        everything = "SELECT * FROM message ORDER BY ROWID"
        assert one.execute(everything).fetchall() == other.execute(everything).fetchall()


def test_forced_file_does_not_inherit_an_old_log(tmp_path: Path, opened: Any) -> None:
    path = tmp_path / "chat.db"
    generate(path, messages=100, in_wal=20)
    generate(path, messages=60, force=True)
    with opened(path) as connection:
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (60,)


def test_rows_can_be_added_to_a_database_that_is_there(tmp_path: Path, opened: Any) -> None:
    path = tmp_path / "chat.db"
    generate(path, messages=300)
    with opened(path) as connection:
        chat_id, room = connection.execute("SELECT ROWID, room_name FROM chat WHERE room_name IS NOT NULL").fetchone()
        last = connection.execute("SELECT max(ROWID) FROM message").fetchone()[0]
        database = Database(connection, SYSTEMS["sequoia"])
        rowid = database.add_message(Message(guid="NEW", text="Hello", date=10**18), (chat_id,))
        database.flush()
        connection.commit()
        assert rowid == last + 1
        assert connection.execute("SELECT cache_roomnames FROM message WHERE guid = 'NEW'").fetchone() == (room,)
        assert connection.execute(
            "SELECT message_date FROM chat_message_join WHERE message_id = ?", (rowid,)
        ).fetchone() == (10**18,)
