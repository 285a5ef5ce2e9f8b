"""Reading goes on, or ends in a named error, when children die, databases lock and programs are old."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.client import core
from imsg_sdk.client.plan import run
from imsg_sdk.columns import Batch
from imsg_sdk.errors import BackendExited, ClientClosed, DatabaseUnavailable, RequestTimeout, Unsupported

SERVER = (sys.executable, "-m", "imsg_sdk.server")


def pid_of(client: IMessageClient) -> int:
    session = client._core.pool.latest
    assert session is not None
    pid: int = session.connection._transport.pid  # type: ignore[attr-defined]
    return pid


def test_pages_go_on_from_their_cursor_in_another_child(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "PAGE_ROWS", 100)
    with IMessageClient.from_chat_db(database) as client:
        expected = client.messages(limit=None)["rowid"].tolist()
        found: list[int] = []

        def take(batch: Batch) -> None:
            if not found:
                os.kill(pid_of(client), signal.SIGKILL)
            found.extend(batch.columns["rowid"])  # type: ignore[arg-type]

        first = pid_of(client)
        run(client._core.pages("messages", {}, take))
        assert sorted(found) == sorted(expected)
        assert pid_of(client) != first


def test_a_child_that_somebody_killed_is_replaced_by_the_next_call(database: Path) -> None:
    with IMessageClient.from_chat_db(database) as client:
        client.chats(1)
        for _ in range(3):
            os.kill(pid_of(client), signal.SIGKILL)
            assert len(client.chats(1)) == 1  # it may meet the end before or after that is noticed


def test_the_hint_of_a_killed_child_says_that_the_call_can_be_repeated() -> None:
    late = Path(__file__).resolve().parents[1] / "hostile" / "children" / "answers_late.py"
    with IMessageClient(cli_path=[sys.executable, str(late)]) as client, ThreadPoolExecutor() as pool:
        client.call("status")
        answer = pool.submit(client.call, "slow", timeout_s=20)
        with contextlib.suppress(TimeoutError):
            answer.result(timeout=0.5)  # long enough that the request may be the cause
        os.kill(pid_of(client), signal.SIGKILL)
        with pytest.raises(BackendExited) as caught:
            answer.result(timeout=10)
    assert "SIGKILL" in caught.value.message
    assert "can be repeated" in caught.value.hint
    assert "stderr_tail" not in caught.value.hint


def test_a_request_under_which_the_child_was_killed_may_be_sent_again() -> None:
    late = Path(__file__).resolve().parents[1] / "hostile" / "children" / "answers_late.py"
    with IMessageClient(cli_path=[sys.executable, str(late)]) as client:
        with pytest.raises(RequestTimeout):
            client.call("slow", timeout_s=0.05)
        os.kill(pid_of(client), signal.SIGKILL)
        assert client.call("status")["to"] == "status"


@pytest.mark.parametrize("kind", ["extended", "v1", "legacy"])
def test_a_database_that_stays_locked_is_named(kind: str, database: Path, tmp_path: Path) -> None:
    """The programs wait five seconds for a lock."""
    path = tmp_path / "chat.db"
    path.write_bytes(database.read_bytes())
    program = SERVER if kind == "v1" else (*SERVER, "--dialect", "legacy")
    made = IMessageClient.from_chat_db(path) if kind == "extended" else IMessageClient(cli_path=program, db_path=path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        with made as client:
            connection.execute("BEGIN EXCLUSIVE")
            with pytest.raises(DatabaseUnavailable) as caught:
                client.chats(1)
            assert "locked" in str(caught.value)
            connection.rollback()
            assert len(client.chats(1)) == 1


def old_program(folder: Path, version: str) -> list[str]:
    """Return a program that knows the command line of an early version only: chats, and no status."""
    script = folder / f"imsg_{version}.py"
    script.write_text(
        f"""
import json, sys
words = sys.argv[1:]
if words[:1] == ["--version"]:
    print("{version}")
elif words[0] == "status":
    print("Unknown subcommand 'status' for command 'imsg'"); sys.exit(1)
elif "--help" in words:
    print("imsg " + words[0])
elif words[0] == "history":
    print(json.dumps({{"id": 5, "chat_id": 1, "text": "by command"}}))
elif words[0] == "search":
    print(json.dumps({{"id": 5, "chat_id": 1, "text": "found"}}))
else:
    for line in sys.stdin:
        request = json.loads(line)
        answer = {{"jsonrpc": "2.0", "id": request["id"]}}
        if request["method"] == "chats.list":
            answer["result"] = {{"chats": [{{"id": 1, "identifier": "+15550100200", "name": ""}}]}}
        else:
            answer["error"] = {{"code": -32601, "message": "Method not found", "data": request["method"]}}
        print(json.dumps(answer), flush=True)
""",
        encoding="utf-8",
    )
    return [sys.executable, str(script)]


def test_an_early_program_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    with IMessageClient(cli_path=old_program(tmp_path, "0.5.0")) as client:
        assert client.probe().version == "0.5.0"
        assert client.chats()["identifier"].tolist() == ["+15550100200"]
        assert client.messages()["text"].tolist() == ["by command"]
        refused: list[Callable[[], Any]] = [
            client.stats,
            client.scheduled,
            client.edits,
            lambda: client.send_status("G"),
            lambda: client.search("found"),
            lambda: client.chats(unread_only=True),
        ]
        for call in refused:
            with pytest.raises(Unsupported) as caught:
                call()
            assert caught.value.hint
        report = client.doctor()
        assert {step.name: step.state for step in report.steps}["version"] == "warning"


def test_an_early_program_searches_by_its_command(tmp_path: Path) -> None:
    with IMessageClient(cli_path=old_program(tmp_path, "0.7.1")) as client:
        found = client.search("found")
        assert found["text"].tolist() == ["found"]
        assert found[["n_attachments", "n_reactions"]].isna().all(axis=None)


def test_a_program_that_does_not_tell_its_version_counts_as_the_oldest(tmp_path: Path) -> None:
    with IMessageClient(cli_path=old_program(tmp_path, "unknown")) as client:
        assert client.probe().version is None
        assert client.messages()["text"].tolist() == ["by command"]
        states = {step.name: step.state for step in client.doctor().steps}
        assert states["version"] == "warning"


def test_a_command_that_fails_says_so(tmp_path: Path) -> None:
    script = tmp_path / "imsg.py"
    text = Path(old_program(tmp_path, "0.9.0")[1]).read_text(encoding="utf-8")
    script.write_text(
        text.replace('print(json.dumps({"id": 5', 'sys.exit("no such thing") or (({"id": 5'), encoding="utf-8"
    )
    with IMessageClient(cli_path=[sys.executable, str(script)]) as client, pytest.raises(BackendExited) as caught:
        client.messages()
    assert caught.value.returncode == 1
    assert "no such thing" in caught.value.stderr_tail
    assert caught.value.hint


def test_a_command_that_falls_silent_is_ended(tmp_path: Path) -> None:
    script = tmp_path / "imsg.py"
    text = Path(old_program(tmp_path, "0.9.0")[1]).read_text(encoding="utf-8")
    script.write_text(
        text.replace('print(json.dumps({"id": 5', 'sys.stdin.close() or __import__("signal").pause() or (({"id": 5'),
        encoding="utf-8",
    )
    with (
        IMessageClient(cli_path=[sys.executable, str(script)], read_timeout_s=0.5) as client,
        pytest.raises(RequestTimeout),
    ):
        client.messages()


def test_closing_ends_a_command_that_is_read(tmp_path: Path) -> None:
    script = tmp_path / "imsg.py"
    text = Path(old_program(tmp_path, "0.9.0")[1]).read_text(encoding="utf-8")
    script.write_text(
        text.replace('print(json.dumps({"id": 5', 'sys.stdin.close() or __import__("signal").pause() or (({"id": 5'),
        encoding="utf-8",
    )
    client = IMessageClient(cli_path=[sys.executable, str(script)], read_timeout_s=50).connect()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(client.messages)
        while not len(client._core.pool._commands):
            threading.Event().wait(0.01)
        client.close()
        assert isinstance(reading.exception(10), ClientClosed)


def test_closing_ends_a_reading_by_pages(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "PAGE_ROWS", 10)
    client = IMessageClient.from_chat_db(database)
    begun = threading.Event()

    def progress(done: int, total: int | None) -> None:
        begun.set()
        threading.Event().wait(0.05)

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(client.messages, limit=None, progress=progress)
        assert begun.wait(10)
        client.close()
        assert isinstance(reading.exception(10), ClientClosed)
