"""Subscriptions of a real child: what arrives, in what order, how soon, and how it ends."""

from __future__ import annotations

import os
import queue
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.server.methods.watcher import MAX_SUBSCRIPTIONS, REPLACED

Start = Callable[..., Any]


def test_answer_comes_first_and_then_everything_behind_the_cursor(start_server: Start, db: Any) -> None:
    rowids = [db.message(f"m{number}") for number in range(350)]
    for dialect in ((), ("--dialect", "legacy")):
        child = start_server(db.path, *dialect)
        child.write({"jsonrpc": "2.0", "id": 1, "method": "watch.subscribe", "params": {"since_rowid": rowids[9]}})
        expected = {"subscription": 1} | ({} if dialect else {"buffer_limit": 256})
        assert child.next_line()["result"] == expected
        assert [child.next_message()["id"] for _ in rowids[10:]] == rowids[10:]


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_commit_is_seen_long_before_any_poll(start_server: Start, db: Any, journal: str) -> None:
    db.sql.execute(f"PRAGMA journal_mode = {journal}")
    db.message("before")
    child = start_server(db.path)
    child.subscribe()
    waits = []
    for number in range(20):
        rowid = db.message(f"after {number}")
        begun = time.monotonic()
        assert child.next_message()["id"] == rowid
        waits.append(time.monotonic() - begun)
    # Milliseconds on a quiet machine; the programs themselves look every five seconds.
    assert sorted(waits)[len(waits) // 2] < 0.5


def test_zero_and_no_cursor_mean_from_now_on(start_server: Start, db: Any) -> None:
    db.message("old")
    child = start_server(db.path)
    first, second = child.subscribe(), child.subscribe(since_rowid=0)
    rowid = db.message("new")
    lines = [child.next_line()["params"] for _ in range(2)]
    assert sorted(line["subscription"] for line in lines) == [first, second]
    assert {line["message"]["id"] for line in lines} == {rowid}


def test_row_committed_right_after_the_answer_is_not_lost(start_server: Start, db: Any) -> None:
    child = start_server(db.path)
    for _ in range(20):
        number = child.subscribe()
        rowid = db.message("at once")
        assert child.next_message()["id"] == rowid
        child.ask("watch.unsubscribe", {"subscription": number})


def test_late_linked_row_holds_nothing_back_and_arrives_late(start_server: Start, db: Any) -> None:
    child = start_server(db.path)
    child.subscribe()
    late = db.message("late", chat=None)
    later = db.message("later", chat=None)
    prompt = db.message("prompt")
    assert child.next_message()["id"] == prompt
    db.link(later, 1)
    assert child.next_message()["id"] == later
    db.link(late, 1)
    message = child.next_message()
    assert (message["id"], message["chat_id"], message["text"]) == (late, 1, "late")
    assert [line for line in child.rest() if line.get("method") == "message"] == []


def test_row_on_its_way_to_a_chat_when_the_watch_begins_is_not_lost(start_server: Start, db: Any) -> None:
    late = db.message("late", chat=None)
    child = start_server(db.path)
    child.subscribe()
    db.link(late, 1)
    assert child.next_message()["id"] == late


def test_late_link_reaches_only_the_watch_of_its_chat(start_server: Start, db: Any) -> None:
    other = db.chat("chat2", people=["a@x.org"])
    child = start_server(db.path)
    first, second = child.subscribe(chat_id=1), child.subscribe(chat_id=other)
    late = db.message("late", chat=None)
    for chat in (1, other):
        db.message("prompt", chat=chat)
        child.next_message()
    db.link(late, other)
    line = child.next_line()["params"]
    assert (line["subscription"], line["message"]["id"]) == (second, late)
    assert first != second


def test_log_may_be_checkpointed_and_rotated(start_server: Start, db: Any) -> None:
    child = start_server(db.path)
    child.subscribe()
    for mode in ("TRUNCATE", "RESTART", "FULL"):
        rowid = db.message(mode)
        assert child.next_message()["id"] == rowid
        db.sql.execute(f"PRAGMA wal_checkpoint({mode})")


def test_rolled_back_row_is_never_seen(start_server: Start, db: Any) -> None:
    child = start_server(db.path)
    child.subscribe()
    db.sql.execute("BEGIN")
    db.message("undone")
    db.sql.execute("ROLLBACK")
    rowid = db.message("done")
    message = child.next_message()
    assert (message["id"], message["text"]) == (rowid, "done")


def test_replaced_file_ends_a_subscription_after_its_last_row(start_server: Start, db: Any, tmp_path: Path) -> None:
    db.sql.execute("PRAGMA journal_mode = DELETE")
    child = start_server(db.path)
    number = child.subscribe()
    shutil.copy(db.path, tmp_path / "new.db")
    rowid = db.message("last words")
    Path(tmp_path / "new.db").replace(db.path)
    assert child.next_message()["id"] == rowid
    assert child.next_line()["params"] == {"subscription": number, "error": {"message": REPLACED}}

    again = child.subscribe()
    other = sqlite3.connect(db.path, isolation_level=None)
    other.executescript(
        "INSERT INTO message (guid, text, handle_id, date) VALUES ('N', 'new life', 1, 1);"
        "INSERT INTO chat_message_join (chat_id, message_id) VALUES (1, last_insert_rowid());"
    )
    other.close()
    line = child.next_line()["params"]
    assert (line["subscription"], line["message"]["text"]) == (again, "new life")


def test_removed_file_is_still_followed(start_server: Start, db: Any) -> None:
    child = start_server(db.path)
    child.subscribe()
    Path(db.path).unlink()
    rowid = db.message("from the beyond")
    assert child.next_message()["id"] == rowid


def test_nothing_follows_the_answer_to_unsubscribe(start_server: Start, db: Any) -> None:
    for number in range(3000):
        db.message(f"m{number}" * 20)
    child = start_server(db.path)
    for _ in range(5):
        number = child.subscribe(since_rowid=-1)
        child.write({"jsonrpc": "2.0", "id": "u", "method": "watch.unsubscribe", "params": {"subscription": number}})
        while (line := child.next_line()).get("id") != "u":
            assert line["method"] == "message"
        assert child.ask("status")["id"] == 1
        assert child.ask("chats.list", id_=2)["id"] == 2
        assert not child._held


def test_reader_that_takes_its_time_loses_nothing(start_server: Start, db: Any) -> None:
    """The pipe holds far less than this, and the smallest buffer limit makes no difference."""
    text = "long " * 2000
    rowids = [db.message(text) for _ in range(400)]
    child = start_server(db.path)
    child.write(
        {"jsonrpc": "2.0", "id": 1, "method": "watch.subscribe", "params": {"since_rowid": -1, "buffer_limit": 1}}
    )
    rowids += [db.message(text) for _ in range(400)]
    child.next_line()
    assert [child.next_message()["id"] for _ in rowids] == rowids


def test_filters_look_at_sender_and_date(start_server: Start, db: Any) -> None:
    db.message("no", sender="other@x.org")
    wanted = db.message("yes", sender="ÄDA@x.org")
    db.message("late", sender="ÄDA@x.org", at=10**6)
    child = start_server(db.path)
    child.subscribe(since_rowid=-1, participants=["äda@X.org"], end="2025-02-01T00:00:00Z")
    assert child.next_message()["id"] == wanted
    assert [line for line in child.rest() if line.get("method") == "message"] == []


def test_tapbacks_come_only_when_asked_for(start_server: Start, db: Any) -> None:
    db.message("target")
    child = start_server(db.path)
    child.subscribe()
    events = child.subscribe(include_reactions=True)
    tapback = db.tapback("p:0/G1", 2000)
    line = child.next_line()["params"]
    assert (line["subscription"], line["message"]["id"]) == (events, tapback)
    assert line["message"]["is_reaction_add"] is True


def test_debounce_loses_nothing(start_server: Start, db: Any) -> None:
    child = start_server(db.path)
    child.subscribe(debounce_ms=50)
    for _ in range(3):
        rowids = [db.message("one"), db.message("two")]
        assert [child.next_message()["id"] for _ in rowids] == rowids


def test_subscriptions_are_limited_and_numbers_never_come_back(start_server: Start, db: Any) -> None:
    child = start_server(db.path)
    numbers = [child.subscribe() for _ in range(MAX_SUBSCRIPTIONS)]
    assert numbers == list(range(1, MAX_SUBSCRIPTIONS + 1))
    error = child.ask("watch.subscribe")["error"]
    assert (error["code"], error["data"]) == (-32000, "subscription limit exceeded")
    assert child.ask("watch.subscribe", {"chat_id": 0})["error"]["code"] == -32602
    child.ask("watch.unsubscribe", {"subscription": 7})
    assert child.subscribe() == MAX_SUBSCRIPTIONS + 1


def test_queued_subscription_is_refused_at_the_end_of_input(start_server: Start, db: Any) -> None:
    child = start_server(db.path)
    child.write(*[{"jsonrpc": "2.0", "id": number, "method": "watch.subscribe"} for number in range(60)])
    answers = child.rest()
    assert sorted(line["id"] for line in answers if "id" in line) == list(range(60))
    refusals = {line["error"]["data"] for line in answers if "error" in line}
    assert refusals <= {"server is shutting down"}
    assert child.process.wait(timeout=5) == 0


def test_watch_outlives_a_lock(start_server: Start, db: Any) -> None:
    db.sql.execute("PRAGMA journal_mode = DELETE")
    child = start_server(db.path)
    child.subscribe()
    db.sql.execute("BEGIN EXCLUSIVE")
    rowid = db.message("behind the lock")
    # Longer than the busy timeout of five seconds would be slow; one look during the lock is enough.
    assert child.ask("watch.unsubscribe", {"subscription": 99})["result"] == {"ok": True}
    db.sql.execute("COMMIT")
    assert child.next_message(timeout_s=10)["id"] == rowid


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the processor time from /proc")
def test_watching_costs_next_to_nothing(start_server: Start, db: Any) -> None:
    child = start_server(db.path)
    for _ in range(MAX_SUBSCRIPTIONS):
        child.subscribe()
    begun, before = time.monotonic(), _cpu_s(child.process.pid)
    with pytest.raises(queue.Empty):
        child.next_line(timeout_s=2.0)
    share = (_cpu_s(child.process.pid) - before) / (time.monotonic() - begun)
    assert share < 0.02


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
