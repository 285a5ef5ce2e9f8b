"""A real child: order, lanes, limits, the end of input, and the life of the database."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.server.faults import MISSING_DETAIL, OPAQUE_SQL, UNOPENABLE_DETAIL

Start = Callable[..., Any]
LEGACY = ("--dialect", "legacy")


def requests(method: str, count: int, **params: Any) -> list[dict[str, Any]]:
    return [{"jsonrpc": "2.0", "id": number, "method": method, "params": params} for number in range(count)]


def test_last_line_needs_no_end_and_is_answered(start_server: Start, db: Any) -> None:
    for dialect in ((), LEGACY):
        child = start_server(db.path, *dialect)
        child.process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"chats.list"}')
        assert [line["id"] for line in child.rest()] == [1]
        assert child.process.wait(timeout=5) == 0


def test_every_accepted_request_is_answered_after_the_end_of_input(start_server: Start, db: Any) -> None:
    child = start_server(db.path)
    child.write(*requests("messages.history", 100, chat_id=1))
    assert sorted(line["id"] for line in child.rest()) == list(range(100))


def test_older_dialect_answers_strictly_in_turn(start_server: Start, db: Any) -> None:
    child = start_server(db.path, *LEGACY)
    lines = requests("chats.list", 200)
    lines[50]["method"] = "messages.stats"
    child.write(*lines)
    assert [line["id"] for line in child.rest()] == list(range(200))


def test_surplus_of_outstanding_requests_is_refused_at_once(start_server: Start, db: Any) -> None:
    for _ in range(300):
        db.message("x" * 2000)
    child = start_server(db.path)
    child.write(*requests("messages.history", 400, chat_id=1, limit=300))
    lines = child.rest(timeout_s=20)
    refused = [line for line in lines if "error" in line]
    assert sorted(line["id"] for line in lines) == list(range(400))
    assert 0 < len(refused) <= 400 - 128
    assert {(line["error"]["code"], line["error"]["data"]) for line in refused} == {
        (-32000, "outstanding request limit exceeded")
    }


def test_control_is_not_held_up_by_reads(start_server: Start, db: Any) -> None:
    for _ in range(500):
        db.message("y" * 5000)
    child = start_server(db.path)
    child.write(*requests("messages.history", 60, chat_id=1, limit=500))
    child.write({"jsonrpc": "2.0", "id": "control", "method": "watch.unsubscribe", "params": {"subscription": 1}})
    order = [line["id"] for line in child.rest(timeout_s=20)]
    assert order.index("control") < 50


def test_control_answers_keep_their_order(start_server: Start, db: Any) -> None:
    child = start_server(db.path)
    lines: list[Any] = []
    for number in range(60):
        lines += [{"jsonrpc": "2.0", "id": number, "method": "nope"}, "{"]
    child.write(*lines)
    answers = child.rest()
    assert [line["id"] for line in answers[::2]] == list(range(60))
    assert [line["id"] for line in answers[1::2]] == [None] * 60


def test_request_without_an_id_runs_in_silence(start_server: Start, db: Any) -> None:
    child = start_server(db.path)
    child.write({"jsonrpc": "2.0", "method": "nope"}, {"jsonrpc": "2.0", "method": "messages.history"})
    child.write({"jsonrpc": "2.0", "method": "watch.subscribe", "params": {"since_rowid": -1}})
    rowid = db.message("seen")
    assert child.next_message()["id"] == rowid


def test_older_dialect_writes_the_failure_of_a_notification(start_server: Start, db: Any) -> None:
    child = start_server(db.path, *LEGACY)
    child.write({"method": "nope"}, {"method": "chats.list"}, {"method": "messages.history"})
    assert [(line["id"], line["error"]["data"]) for line in child.rest()] == [
        (None, "nope"),
        (None, "chat_id is required"),
    ]


def test_dates_out_of_range_are_refused_instead_of_killing(start_server: Start, db: Any) -> None:
    for dialect in ((), LEGACY):
        child = start_server(db.path, *dialect)
        for text in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
            error = child.ask("messages.history", {"chat_id": 1, "start": text})["error"]
            assert (error["code"], error["data"]) == (-32602, f"Invalid ISO8601 date: {text}")
        assert "result" in child.ask("watch.subscribe", {"end": "9999-12-31T23:59:59Z"})


def test_invalid_date_has_the_code_of_its_dialect(start_server: Start, db: Any) -> None:
    for dialect, code in (((), -32602), (LEGACY, -32603)):
        error = start_server(db.path, *dialect).ask("messages.history", {"chat_id": 1, "end": "2025-01-01"})["error"]
        assert (error["code"], error["data"]) == (code, "Invalid ISO8601 date: 2025-01-01")


def test_database_may_come_later_be_replaced_and_go(start_server: Start, make_db: Any, tmp_path: Path) -> None:
    path = tmp_path / "later.db"
    child = start_server(path)
    error = child.ask("chats.list")["error"]
    assert error["code"] == -32002
    assert error["data"] == {"path": str(path), "detail": MISSING_DETAIL, "retryable": True}
    status = child.ask("status")["result"]
    assert status["database"] == {"path": str(path), "ready": False, "error": MISSING_DETAIL}
    assert status["methods"] == ["initialize", "status", "watch.unsubscribe"]

    for text in ("one", "two"):
        made = make_db()
        made.chat()
        made.message(text)
        made.sql.execute("PRAGMA journal_mode = DELETE")
        shutil.copy(made.path, tmp_path / "new")
        Path(tmp_path / "new").replace(path)
        assert child.ask("messages.history", {"chat_id": 1})["result"]["messages"][0]["text"] == text
        assert child.ask("initialize")["result"]["database"]["ready"] is True
    path.unlink()
    assert child.ask("chats.list")["error"]["code"] == -32002


@pytest.mark.parametrize("make", ["folder", "text", "link"])
def test_what_cannot_be_opened_is_unavailable(start_server: Start, db: Any, tmp_path: Path, make: str) -> None:
    path = tmp_path / "odd.db"
    if make == "folder":
        path.mkdir()
    elif make == "text":
        path.write_text("this is no database, whatever its name may say\n" * 50, encoding="utf-8")
    else:
        path.symlink_to(db.path)
    error = start_server(path).ask("chats.list")["error"]
    assert (error["code"], error["data"]["detail"]) == (-32002, UNOPENABLE_DETAIL)


def test_file_without_tables_opens_and_fails_per_request(start_server: Start, tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    child = start_server(path)
    assert child.ask("status")["result"]["database"]["ready"] is True
    assert child.ask("chats.list")["error"]["data"] == OPAQUE_SQL
    number = child.subscribe(since_rowid=-1)
    assert child.next_line()["params"] == {
        "subscription": number,
        "error": {"message": "no such table: message (code: 1)"},
    }


def test_locked_database_makes_a_request_fail_and_nothing_else(start_server: Start, make_db: Any) -> None:
    made = make_db()
    made.chat()
    made.sql.execute("PRAGMA journal_mode = DELETE")
    child = start_server(made.path)
    assert "result" in child.ask("chats.list")
    other = sqlite3.connect(made.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    child.write({"jsonrpc": "2.0", "id": "locked", "method": "chats.list", "params": {}})
    assert child.ask("watch.unsubscribe", {"subscription": 9})["result"] == {"ok": True}
    # The busy timeout of the protocol is five seconds.
    assert child.next_line(timeout_s=15)["error"]["data"] == OPAQUE_SQL
    other.execute("ROLLBACK")
    other.close()
    assert "result" in child.ask("chats.list")


def test_failed_start_of_the_older_dialect_answers_everything_until_the_end(
    start_server: Start, tmp_path: Path
) -> None:
    child = start_server(tmp_path / "none.db", *LEGACY)
    child.write({"jsonrpc": "2.0", "id": 1, "method": "nope"}, {"method": "send"}, "[]")
    answers = child.rest()
    assert [line["id"] for line in answers] == [1, None, None]
    for line in answers[:2]:
        assert line["error"]["code"] == -32603
        text = line["error"]["data"]
        assert text.startswith("unable to open database file (code: 14)")
        for token in ("Permission Error", str(tmp_path / "none.db"), "Full Disk Access"):
            assert token in text
    assert answers[2]["error"]["code"] == -32600
    assert child.close()[0] == 1


def test_older_dialect_stays_with_the_file_it_opened(start_server: Start, db: Any) -> None:
    db.message("old")
    child = start_server(db.path, *LEGACY)
    assert "result" in child.ask("chats.list")
    Path(db.path).unlink()
    assert child.ask("messages.history", {"chat_id": 1})["result"]["messages"][0]["text"] == "old"
    error = child.ask("watch.subscribe")["error"]
    assert (error["code"], error["data"]) == (-32603, "unable to open database file (code: 14)")


def test_initialize_knows_one_version(start_server: Start, db: Any) -> None:
    child = start_server(db.path)
    result = child.ask("initialize", {"protocol_version": 1})["result"]
    assert (result["version"], result["protocol_version"]) == ("0.14.1", 1)
    assert "extended" not in result
    assert "x.messages" not in result["methods"]
    error = child.ask("initialize", {"protocol_version": 2})["error"]
    assert error["data"] == "unsupported protocol_version 2; supported version is 1"
    assert start_server(db.path, *LEGACY).ask("initialize")["error"]["code"] == -32601


def test_extended_server_pages_columns_in_both_dialects(start_server: Start, db: Any) -> None:
    rowids = [db.message(f"number {number}") for number in range(5)]
    assert start_server(db.path).ask("x.messages")["error"]["code"] == -32601
    result = start_server(db.path, "--extended").ask("status")["result"]
    assert result["extended"] == 1
    assert "x.messages" in result["methods"]
    for dialect in ((), LEGACY):
        child = start_server(db.path, "--extended", *dialect)
        cursor, seen = None, []
        while True:
            params: dict[str, Any] = {"page_rows": 2, "query": {}} | ({"cursor": cursor} if cursor else {})
            page = child.ask("x.messages", params)["result"]
            assert page["table"] == "messages"
            seen += page["columns"]["rowid"]
            if (cursor := page["cursor"]) is None:
                break
        assert sorted(seen) == rowids
        for bad in ({"query": {"nope": 1}}, {"cursor": "nope"}, {"query": None}, {"page_rows": 0}, {"other": 1}):
            assert child.ask("x.messages", bad)["error"]["code"] == -32602
        assert child.ask("chats.list")["result"]["chats"][0]["x"]


def test_folder_name_that_is_no_text_is_answered_all_the_same(start_server: Start, tmp_path: Path) -> None:
    child = start_server(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.db"))
    assert child.ask("chats.list")["error"]["data"]["path"].endswith("/\ufffd.db")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_it_at_once(start_server: Start, db: Any, number: signal.Signals) -> None:
    child = start_server(db.path)
    child.subscribe()
    child.process.send_signal(number)
    assert child.process.wait(timeout=5) == -number


def test_nobody_reading_ends_it(db: Any) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "imsg_sdk.server", "rpc", "--db", db.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"chats.list"}\n')
        process.stdin.flush()
        assert process.wait(timeout=5) == -signal.SIGPIPE


def test_stray_prints_do_not_reach_the_answers(db: Any, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, os\natexit.register(lambda: (print('stray', flush=True), os.system('echo stray')))\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "imsg_sdk.server", "rpc", "--db", db.path],
        input=b'{"jsonrpc":"2.0","id":1,"method":"chats.list"}\n',
        capture_output=True,
        check=True,
        timeout=20,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.stdout.count(b"\n") == 1
    assert done.stdout.startswith(b'{"jsonrpc"')
    assert done.stderr.count(b"stray") == 2


def test_missing_standard_streams_are_no_reason_to_crash(db: Any) -> None:
    command = f"exec {sys.executable} -m imsg_sdk.server rpc --db '{db.path}'"
    for closed in ("<&-", "2>&-", "<&- 2>&- >&-"):
        done = subprocess.run(["/bin/sh", "-c", f"{command} {closed}"], capture_output=True, timeout=20, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_long_lines_go_both_ways(start_server: Start, db: Any) -> None:
    text = "ä" * 3_000_000
    db.message(text)
    child = start_server(db.path)
    assert child.ask("messages.history", {"chat_id": 1})["result"]["messages"][0]["text"] == text
    assert child.ask("message.send_status", {"guid": text})["result"]["guid"] == text
