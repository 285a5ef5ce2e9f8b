"""A reader kept open sees what a new one would see, whatever was written meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from imsg_sdk.chatdb import index
from imsg_sdk.chatdb.query import Query
from imsg_sdk.chatdb.reader import ChatDb

NS = 10**9
URL = "com.apple.messages.URLBalloonProvider"
EVERYTHING = Query(include=["orphaned", "deleted"])
TABLES = ("messages", "reactions", "attachments", "chats", "participants", "edits")


def link(db: Any, dice: random.Random) -> None:
    last = db.sql.execute("SELECT max(ROWID) FROM message").fetchone()[0]
    message = dice.randint(1, last)
    db.sql.execute("INSERT OR IGNORE INTO chat_message_join VALUES (?, ?, 0)", (dice.choice((1, 2)), message))


def move(db: Any, dice: random.Random) -> None:
    db.sql.execute("UPDATE OR IGNORE chat_message_join SET chat_id = 2 WHERE message_id = ?", (dice.randint(1, 20),))


def tap(db: Any, dice: random.Random) -> None:
    target = f"p:0/M{dice.randint(1, 30)}"
    db.message(text="t", associated_message_guid=target, associated_message_type=dice.choice((2000, 2001, 3000, 1000)))


def look(db: Any, dice: random.Random) -> None:
    date = db._tick + 60 * NS
    db.message(text="see https://example.com", date=date)
    if dice.random() < 0.7:
        db.message(text="https://example.com", date=date + NS, balloon_bundle_id=URL)


def late_preview(db: Any, dice: random.Random) -> None:
    db.message(text="https://example.com", date=db._tick + NS, balloon_bundle_id=URL)


def delete(db: Any, dice: random.Random) -> None:
    (last,) = db.sql.execute("SELECT max(ROWID) FROM message").fetchone()
    rowid = dice.randint(1, last)
    db.sql.execute("DELETE FROM message WHERE ROWID = ?", (rowid,))
    db.sql.execute("DELETE FROM chat_message_join WHERE message_id = ?", (rowid,))


def bin_one(db: Any, dice: random.Random) -> None:
    (last,) = db.sql.execute("SELECT max(ROWID) FROM message").fetchone()
    rowid = dice.randint(1, last)
    db.sql.execute("DELETE FROM chat_message_join WHERE message_id = ?", (rowid,))
    db.sql.execute("INSERT OR IGNORE INTO chat_recoverable_message_join VALUES (1, ?, 5)", (rowid,))


def attach(db: Any, dice: random.Random) -> None:
    (last,) = db.sql.execute("SELECT max(ROWID) FROM message").fetchone()
    db.attachment(dice.randint(1, last))


def chat(db: Any, dice: random.Random) -> None:
    db.message(db.chat(f"chat{dice.random()}", style=43), text="hello", handle_id=db.handle(f"new{dice.random()}"))


def rename(db: Any, dice: random.Random) -> None:
    db.sql.execute("UPDATE chat SET display_name = ? WHERE ROWID = 1", (f"N{dice.random()}",))
    db.sql.execute("UPDATE handle SET id = ? WHERE ROWID = 1", (f"+1555{dice.randint(1000, 9999)}",))


def column(db: Any, dice: random.Random) -> None:
    db.sql.execute(f"ALTER TABLE message ADD COLUMN c{dice.randint(0, 10**9)} TEXT")


CHANGES: list[Callable[[Any, random.Random], None]] = [
    link, move, tap, tap, look, look, late_preview, delete, bin_one, attach, chat, rename, column,
]  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_a_reader_kept_open_sees_what_a_new_one_sees(
    db: Any, as_rows: Any, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(index, "_RECENT", 6)
    monkeypatch.setattr(index, "_MOST_RECENT", 25)
    dice = random.Random(seed)
    db.chat("chat2", style=43)
    for _ in range(20):
        look(db, dice)
        tap(db, dice)
    with ChatDb.open(db.path) as kept:
        for _ in range(25):
            kept.page("messages", EVERYTHING, None, 10)
            for change in dice.choices(CHANGES, k=dice.randint(1, 2)):
                change(db, dice)
            last = db.sql.execute("SELECT max(ROWID) FROM message").fetchone()[0]
            with ChatDb.open(db.path) as fresh:
                assert kept.columns_of([last - 1, last]) == fresh.columns_of([last - 1, last])
                for table in TABLES:
                    assert as_rows(table, kept.read(table, EVERYTHING)) == as_rows(table, fresh.read(table, EVERYTHING))


def test_what_was_written_since_costs_no_look_at_old_rows(
    db: Any, as_rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_RECENT", 2)
    for _ in range(10):
        db.message(text="x")
    with ChatDb.open(db.path) as kept:
        kept.page("messages", Query(), None, 10)
        before = kept._known
        db.message(text="new", associated_message_guid="M1", associated_message_type=2000)
        assert as_rows("messages", kept.read("messages"))[0]["n_reactions"] == 1
        assert kept._known is not None
        assert before is not None
        assert kept._known[1] is before[1]


def test_columns_of_a_new_row_cost_no_look_at_old_ones(db: Any, as_rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_RECENT", 2)
    for _ in range(10):
        db.message(text="x")
    with ChatDb.open(db.path) as kept:
        kept.columns_of([10])
        looked: list[bool] = []
        checksums = index.Index._checksums
        monkeypatch.setattr(index.Index, "_checksums", lambda self: looked.append(True) or checksums(self))
        for number in range(3):
            rowid = db.message(text=f"new {number}")
            db.sql.execute("DELETE FROM message WHERE ROWID = ?", (number + 1,))
            assert kept.columns_of([rowid])[rowid]["text"] == f"new {number}"
            assert not looked
        assert [row["rowid"] for row in as_rows("messages", kept.read("messages"))] == list(range(4, 14))
        assert looked
