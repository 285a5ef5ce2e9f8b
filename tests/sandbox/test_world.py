"""A world behind the server: what is sent becomes rows, time moves when told to, and no process holds anything."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk._time import to_us

NORA = "+447700900118"
TOM = "tom.okafor@example.org"


def column(path: Path, sql: str, *parameters: Any) -> list[Any]:
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute(sql, parameters)]


@pytest.mark.parametrize("dialect", ["v1", "legacy"])
def test_what_is_sent_is_seen_by_history_and_search_and_watch(
    worlds: Callable[..., Path], child: Callable[..., Any], dialect: str
) -> None:
    database = worlds([])
    one = child(database, "--dialect", dialect)
    one.ask("watch.subscribe")
    sent = one.ask("send", to=NORA, text="lunch at noon?")
    assert sent["ok"] is True
    seen = one.note(lambda note: note["method"] == "message")["params"]["message"]
    assert (seen["text"], seen["is_from_me"], seen["chat_guid"]) == ("lunch at noon?", True, f"any;-;{NORA}")
    assert [message["guid"] for message in one.ask("messages.history", chat_id=seen["chat_id"])["messages"]] == [
        seen["guid"]
    ]
    if dialect == "v1":
        assert [found["guid"] for found in one.ask("messages.search", query="noon")["messages"]] == [seen["guid"]]


def test_a_sent_message_is_delivered_and_then_read(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    one = child(worlds([]))
    guid = one.ask("send", to=NORA, text="hello")["guid"]
    assert one.ask("message.send_status", guid=guid)["send_state"] == "sent"
    one.ask("sandbox.advance", seconds=5)
    status = one.ask("message.send_status", guid=guid)
    assert (status["send_state"], status["status_fields"]["date_read"]) == ("delivered", None)
    one.ask("sandbox.read", **{"from": NORA})
    assert one.ask("message.send_status", guid=guid)["status_fields"]["date_read"] is not None


def test_a_row_has_everything_that_messages_writes(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    database = worlds({"accounts": ["+447700900001"]})
    one = child(database)
    one.ask("send", to=NORA, text="first")
    one.ask("send", to=NORA, text="second")
    with closing(sqlite3.connect(database)) as rows:
        rows.row_factory = sqlite3.Row
        first, second = rows.execute(
            "SELECT m.*, j.chat_id, j.message_date FROM message m JOIN chat_message_join j ON j.message_id = m.ROWID"
        ).fetchall()
    assert second["attributedBody"] is not None
    assert second["reply_to_guid"] == first["guid"]
    assert second["destination_caller_id"] == "+447700900001"
    assert second["account"] == "P:+447700900001"
    assert second["message_date"] == second["date"] > first["date"]
    assert (second["is_from_me"], second["is_sent"], second["error"]) == (1, 1, 0)
    assert column(database, "SELECT id FROM handle WHERE ROWID = ?", second["handle_id"]) == [NORA]


def test_what_comes_in_is_seen_and_can_be_read(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    one = child(worlds([]))
    one.ask("watch.subscribe")
    came = one.ask("sandbox.receive", **{"from": TOM, "text": "are you there?"})
    seen = one.note(lambda note: note["method"] == "message")["params"]["message"]
    assert (seen["id"], seen["guid"], seen["sender"]) == (came["rowid"], came["guid"], TOM)
    assert one.ask("chats.list", unread_only=True)["chats"][0]["unread_count"] == 1
    one.ask("read", to=TOM)
    assert one.ask("chats.list", unread_only=True)["chats"] == []


def test_several_processes_share_one_world(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    database = worlds([])
    sending, moving = child(database), child(database)
    guid = sending.ask("send", to=NORA, text="hello")["guid"]
    assert moving.ask("sandbox.advance", seconds=10)["done"] == 1
    assert sending.ask("message.send_status", guid=guid)["send_state"] == "delivered"
    assert sending.ask("sandbox.now")["now_us"] == moving.ask("sandbox.now")["now_us"]


def test_a_killed_process_takes_nothing_of_the_world_with_it(
    worlds: Callable[..., Path], child: Callable[..., Any]
) -> None:
    database = worlds([])
    first = child(database)
    guid = first.ask("send", to=NORA, text="hello")["guid"]
    first.process.kill()
    assert first.process.wait(10) == -9
    second = child(database)
    assert [entry["kind"] for entry in second.ask("sandbox.state")["agenda"]] == ["deliver"]
    second.ask("sandbox.run_until_idle")
    assert second.ask("message.send_status", guid=guid)["send_state"] == "delivered"
    assert [act["values"]["text"] for act in second.ask("sandbox.sent")["sent"]] == ["hello"]


def test_the_folder_of_messages_is_never_written_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "Library" / "Messages"
    folder.mkdir(parents=True)
    for words in (["world", str(folder / "chat.db")], ["rpc"], ["rpc", "--db", str(folder / "chat.db")]):
        done = subprocess.run(
            [sys.executable, "-m", "imsg_sdk.sandbox", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
        )
        assert done.returncode == 2
        assert b"never writes into the folder of Messages" in done.stderr
    assert list(folder.iterdir()) == []


def test_a_world_goes_on_from_a_history(tmp_path: Path, child: Callable[..., Any]) -> None:
    database = tmp_path / "chat.db"
    argv = [sys.executable, "-m", "imsg_sdk.sandbox", "world", str(database), "--preset", "demo", "--messages", "300"]
    subprocess.run(argv, check=True, timeout=60)
    last, date = (
        column(database, "SELECT max(ROWID) FROM message")[0],
        column(database, "SELECT max(date) FROM message WHERE schedule_type = 0"),
    )
    chats = len(column(database, "SELECT 1 FROM chat"))
    one = child(database)
    sent = one.ask("send", to=NORA, text="hello")
    (stored,) = column(database, "SELECT ROWID FROM message WHERE guid = ?", sent["guid"])
    assert stored > last
    assert column(database, "SELECT date FROM message WHERE ROWID = ?", stored)[0] > date[0]
    assert len(column(database, "SELECT 1 FROM chat")) == chats
    people = {person["name"]: person["addresses"] for person in one.ask("sandbox.people")["people"]}
    assert people["Tom Okafor"] == ["+447700900364", "tom.okafor@example.org"]


def test_processes_that_start_together_make_one_world(tmp_path: Path, child: Callable[..., Any]) -> None:
    several = [child(tmp_path / "chat.db") for _ in range(4)]
    sent = [one.ask("send", to=NORA, text=f"number {number}") for number, one in enumerate(several)]
    assert len({each["guid"] for each in sent}) == 4
    assert {len(one.ask("sandbox.sent")["sent"]) for one in several} == {4}


def test_an_older_program_says_why_it_cannot_open_the_file(
    worlds: Callable[..., Path], child: Callable[..., Any]
) -> None:
    database = worlds([])
    database.rename(database.with_name("elsewhere.db"))
    one = child(database, "--dialect", "legacy")
    assert one.refuse("chats.list")["code"] == -32603
    assert one.close() == 1
    assert child(database).refuse("chats.list")["code"] == -32002


def test_a_group_is_changed_by_those_in_it(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    database = worlds([])
    one = child(database)
    chat = one.ask("sandbox.chat", addresses=[NORA, TOM], name="Boat")["guid"]
    for change in (
        {"action": "rename", "name": "Crew"},
        {"action": "add", "address": "+15555550123"},
        {"action": "remove", "address": TOM},
        {"action": "leave"},
    ):
        one.ask("sandbox.group", **{"from": NORA, "chat": chat, **change})
    assert column(database, "SELECT display_name FROM chat") == ["Crew"]
    assert column(database, "SELECT item_type FROM message ORDER BY ROWID") == [2, 1, 1, 3]
    joined = "SELECT h.id FROM chat_handle_join j JOIN handle h ON h.ROWID = j.handle_id"
    assert column(database, joined) == ["+15555550123"]
    assert one.refuse("sandbox.group", **{"from": NORA, "chat": chat, "action": "dance"})["code"] == -32602


def test_people_send_files_links_and_replies_and_write_late(
    worlds: Callable[..., Path], child: Callable[..., Any], tmp_path: Path
) -> None:
    database = worlds([])
    one = child(database)
    (tmp_path / "boat.jpg").write_bytes(b"jpeg")
    first = one.ask("sandbox.receive", **{"from": NORA, "text": "look", "files": [str(tmp_path / "boat.jpg")]})
    one.ask("sandbox.receive", **{"from": NORA, "text": "the blue one", "reply_to": first["guid"]})
    one.ask("sandbox.receive", **{"from": NORA, "link": "https://example.com/boat"})
    one.ask("sandbox.receive", **{"from": NORA, "text": "from last year", "at": "2024-05-01T10:00:00Z"})
    messages = one.ask("messages.history", chat_id=1, attachments=True)["messages"]
    by_text = {message["text"]: message for message in messages}
    assert by_text["the blue one"]["thread_originator_guid"] == first["guid"]
    assert by_text["from last year"]["created_at"] == "2024-05-01T10:00:00.000Z"
    assert [each["transfer_name"] for each in messages[-2]["attachments"]] == ["boat.jpg"]
    assert column(database, "SELECT count(*) FROM message WHERE balloon_bundle_id IS NOT NULL") == [1]
    missing = one.refuse("sandbox.receive", **{"from": NORA, "files": [str(tmp_path / "no.jpg")]})
    assert missing["code"] == -32602
    later = {"from": NORA, "text": "later", "after_s": 60}
    assert one.ask("sandbox.receive", **later) == {"ok": True}
    assert one.ask("sandbox.advance", seconds=61)["done"] == 1
    assert one.ask("messages.search", query="later")["messages"][0]["text"] == "later"


def test_one_number_is_one_person_however_it_is_written(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    database = worlds([{"name": "Nora", "addresses": ["+44 7700 900118"], "script": [{"do": [{"say": "yes"}]}]}])
    one = child(database)
    for spelling in (NORA, "+44 7700 900118", "+44 (7700) 900-118"):
        one.ask("sandbox.receive", **{"from": spelling, "text": "hello"})
    one.ask("chats.create", addresses=["+44 7700 900118"], text="are you one?")
    one.ask("sandbox.run_until_idle")
    assert column(database, "SELECT chat_identifier FROM chat") == [NORA]
    assert column(database, "SELECT id FROM handle") == [NORA]
    assert column(database, "SELECT count(*) FROM message WHERE is_from_me = 0") == [4]


def test_the_command_sends_into_the_world_too(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    database = worlds([{"name": "Nora", "addresses": [NORA], "script": [{"do": [{"say": "yes"}]}]}])
    argv = [sys.executable, "-m", "imsg_sdk.sandbox", "send", "--db", str(database), "--to", NORA, "--text", "coming?"]
    assert subprocess.run(argv, capture_output=True, timeout=30).stdout == b"sent\n"
    one = child(database)
    one.ask("sandbox.run_until_idle")
    assert [act["values"]["text"] for act in one.ask("sandbox.sent")["sent"]] == ["coming?"]
    texts = [message["text"] for message in one.ask("messages.history", chat_id=1)["messages"]]
    assert texts == ["yes", "coming?"]


def test_what_was_sent_is_known_though_the_program_does_not_say(
    worlds: Callable[..., Path], child: Callable[..., Any], tmp_path: Path
) -> None:
    one = child(worlds([]), "--dialect", "legacy")
    (tmp_path / "boat.png").write_bytes(b"\x89PNG")
    sent = {"to": NORA, "text": "look", "file": str(tmp_path / "boat.png"), "transport": "applescript"}
    one.ask("send", **sent)
    (act,) = one.ask("sandbox.sent")["sent"]
    assert (act["method"], act["chat_id"], act["rowids"], act["refused"]) == ("send", 1, [1, 2], None)
    assert act["values"]["text"] == "look"
    one.refuse("send", chat_id=1, text="", file="no/such/file", transport="applescript")
    assert one.ask("sandbox.sent", since=act["id"])["sent"][0]["refused"] == -32603


def test_scheduled_messages_go_out_when_their_time_has_come(tmp_path: Path, child: Callable[..., Any]) -> None:
    database = tmp_path / "chat.db"
    argv = [sys.executable, "-m", "imsg_sdk.sandbox", "world", str(database), "--preset", "demo", "--messages", "600"]
    subprocess.run(argv, check=True, timeout=60)
    one = child(database)
    waiting = one.ask("messages.scheduled")["messages"]
    assert len({each["guid"] for each in waiting}) == 3
    assert one.ask("sandbox.run_until_idle")["done"] == 0
    now = one.ask("sandbox.now")["now_us"]
    days = [(to_us(datetime.fromisoformat(each["scheduled_at"])) - now) / 86_400_000_000 for each in waiting]
    assert all(0 < day < 6 for day in days)
    one.ask("sandbox.advance", seconds=7 * 86_400)
    assert one.ask("messages.scheduled")["messages"] == []
    for each in waiting:
        assert one.ask("message.send_status", guid=each["guid"])["send_state"] in ("sent", "delivered")


def test_a_world_is_not_replaced_by_another_unasked(tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        argv = [sys.executable, "-m", "imsg_sdk.sandbox", "world", str(tmp_path / "chat.db"), *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr

    status, said = run()
    assert (status, "rpc --db" in said) == (0, True)
    status, said = run()
    assert (status, "--force" in said) == (2, True)
    assert run("--force")[0] == 0
    for words, named in (
        (["--force", "--messages", "50"], "chat.db exists"),
        (["--force", "--history", str(tmp_path / "chat.db")], "chat.db exists"),
        (["--force", "--people", str(tmp_path / "nobody.json")], "nobody.json"),
    ):
        status, said = run(*words)
        assert (status, named in said) == (2, True), said
