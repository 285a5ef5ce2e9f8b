"""People of a world act by script: they answer, react, change their minds, and talk by themselves."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.errors import ConfigError

NORA = "+447700900118"
TOM = "tom.okafor@example.org"


def person(name: str, address: str, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "addresses": [address], "script": list(rules), **more}


def said(one: Any, chat_id: int = 1) -> list[str]:
    """Return what others said in a chat, oldest first."""
    messages = one.ask("messages.history", chat_id=chat_id, limit=500)["messages"]
    return [message["text"] for message in reversed(messages) if not message["is_from_me"]]


def test_the_first_rule_that_fits_is_followed(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    nora = person(
        "Nora Finch",
        NORA,
        {"matches": r"lunch at (\w+)", "do": [{"wait": 2}, {"say": "{1} suits me, says {name}"}]},
        {"do": [{"say": "what?"}]},
    )
    one = child(worlds([nora]))
    one.ask("send", to=NORA, text="Lunch at noon?")
    assert said(one) == []
    one.ask("sandbox.advance", seconds=1.9)
    assert said(one) == []
    one.ask("sandbox.advance", seconds=0.2)
    assert said(one) == ["noon suits me, says Nora"]
    one.ask("send", to=NORA, text="and dinner?")
    one.ask("sandbox.run_until_idle")
    assert said(one) == ["noon suits me, says Nora", "what?"]


def test_a_script_reads_types_reacts_edits_and_takes_back(
    worlds: Callable[..., Path], child: Callable[..., Any]
) -> None:
    steps = [{"read": True}, {"type": [1, 2]}, {"react": "like"}, {"say": "teh answer", "reply": True}]
    steps += [{"wait": 3}, {"edit": "the answer"}, {"say": "oops"}, {"wait": 1}, {"unsend": True}]
    database = worlds([person("Nora", NORA, {"do": steps})])
    one = child(database)
    one.ask("bridge.events.subscribe")
    guid = one.ask("send", to=NORA, text="the question")["guid"]
    one.ask("sandbox.run_until_idle")
    assert one.ask("message.send_status", guid=guid)["status_fields"]["date_read"] is not None
    with closing(sqlite3.connect(database)) as rows:
        kinds = rows.execute(
            "SELECT associated_message_type, thread_originator_guid, date_edited != 0, date_retracted != 0, is_empty"
            " FROM message WHERE is_from_me = 0 ORDER BY ROWID"
        ).fetchall()
    assert kinds == [(2001, None, 0, 0, 0), (0, guid, 1, 0, 0), (0, None, 1, 1, 1)]
    assert "the answer" in said(one)


def test_typing_is_noticed_by_every_process_that_follows_the_bridge(
    worlds: Callable[..., Path], child: Callable[..., Any]
) -> None:
    database = worlds([])
    following, moving = child(database), child(database)
    number = following.ask("bridge.events.subscribe")["subscription"]
    moving.ask("send", to=NORA, text="hello")
    moving.ask("sandbox.typing", **{"from": NORA})
    event = following.note(lambda note: note["method"] == "bridge.event")["params"]
    assert (event["subscription"], event["event"]["event"]) == (number, "started-typing")
    assert event["event"]["data"] == {"chat_guid": f"any;-;{NORA}", "handle": NORA}
    following.ask("watch.unsubscribe", subscription=number)


def test_a_rule_is_followed_as_often_as_it_says(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    one = child(worlds([person("Nora", NORA, {"times": 2, "do": [{"say": "again"}]})]))
    for _ in range(4):
        one.ask("send", to=NORA, text="?")
    one.ask("sandbox.run_until_idle")
    assert said(one) == ["again", "again"]


def test_people_of_a_group_hear_each_other(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    nora = person("Nora", NORA, {"place": "group", "do": [{"wait": 1}, {"say": "who comes?"}]})
    tom = person("Tom", TOM, {"when": "overheard", "matches": "who comes", "do": [{"wait": 1}, {"say": "I do"}]})
    one = child(worlds([nora, tom]))
    chat = one.ask("chats.create", addresses=[NORA, TOM], name="Boat", text="Boat on Sunday")
    one.ask("sandbox.run_until_idle")
    assert said(one) == ["who comes?", "I do"]
    assert one.ask("chats.list")["chats"][0]["guid"] == chat["chat_guid"]


def test_people_talk_by_themselves_for_days(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    nora = person("Nora", NORA, chatter=[{"every": [3600, 7200], "say": ["one", "two"], "reacts": 0.0}])
    one = child(worlds([nora]))
    done = one.ask("sandbox.advance", seconds=3 * 86_400)["done"]
    assert 36 <= done <= 72
    assert set(said(one)) == {"one", "two"}
    assert len(said(one)) == done
    assert one.ask("sandbox.run_until_idle") == {"now_us": one.ask("sandbox.now")["now_us"], "done": 0, "is_idle": True}


def test_friends_answer_where_nobody_said_how(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    one = child(worlds({"others": "friendly"}))
    one.ask("send", to=NORA, text="good morning!")
    one.ask("sandbox.run_until_idle")
    assert len(said(one)) == 1


def test_machines_do_not_answer(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    one = child(worlds({"others": "friendly"}))
    one.ask("send", to="262966", text="hello", service="sms")
    assert one.ask("sandbox.run_until_idle")["done"] == 0


def test_time_that_goes_by_itself_brings_the_answer(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    one = child(worlds([person("Nora", NORA, {"do": [{"wait": 0.05}, {"say": "hi"}]})], clock="real"))
    one.ask("watch.subscribe")
    one.ask("send", to=NORA, text="hello")
    note = one.note(lambda note: note["method"] == "message" and not note["params"]["message"]["is_from_me"])
    assert note["params"]["message"]["text"] == "hi"


def play(worlds: Callable[..., Path], child: Callable[..., Any], seed: int) -> list[Any]:
    database = worlds({"others": "friendly", "chatter": [{"every": [600, 7200], "reacts": 0.3}]}, seed=seed)
    one = child(database)
    for number in range(12):
        one.ask("send", to=NORA if number % 2 else TOM, text=f"number {number}?")
        one.ask("sandbox.advance", seconds=700)
    chat = one.ask("chats.create", addresses=[NORA, TOM], text="hello both")["chat_guid"]
    one.ask("tapback", chat_guid=chat, message_id=one.ask("send", chat_guid=chat, text="x")["guid"], reaction="love")
    one.ask("sandbox.advance", seconds=86_400)
    with closing(sqlite3.connect(database)) as rows:
        return [rows.execute(f"SELECT * FROM {table}").fetchall() for table in ("message", "chat", "chat_message_join")]


def test_the_same_seed_and_requests_give_the_same_rows(worlds: Callable[..., Path], child: Callable[..., Any]) -> None:
    first = play(worlds, child, 3)
    assert len(first[0]) > 30
    assert first == play(worlds, child, 3)
    assert first != play(worlds, child, 4)


@pytest.mark.parametrize(
    "people",
    [
        [{"name": "Nora"}],
        [person("Nora", NORA, {"do": [{"say": "a", "wait": 1}]})],
        [person("Nora", NORA, {"matches": "(", "do": []})],
        [person("Nora", NORA, {"do": [{"shout": "a"}]})],
        {"people": [], "chatter": [{"say": "a"}]},
    ],
)
def test_a_script_that_makes_no_sense_is_refused(worlds: Callable[..., Path], people: Any) -> None:
    with pytest.raises(ConfigError):
        worlds(people)


def test_the_command_says_what_is_wrong_with_a_script(tmp_path: Path) -> None:
    (tmp_path / "people.json").write_text(json.dumps([{"name": "Nora"}]), encoding="utf-8")
    argv = [sys.executable, "-m", "imsg_sdk.sandbox", "world", str(tmp_path / "chat.db")]
    done = subprocess.run(
        [*argv, "--people", str(tmp_path / "people.json")], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert "addresses" in done.stderr


@pytest.mark.parametrize("clock", ["virtual", "real"])
def test_what_cannot_be_done_when_it_is_due_holds_nothing_up(
    worlds: Callable[..., Path], child: Callable[..., Any], tmp_path: Path, clock: str
) -> None:
    steps = [{"file": str(tmp_path / "not there.png")}, {"say": "on the way"}]
    one = child(worlds([person("Nora", NORA, {"do": steps})], clock=clock))
    one.ask("watch.subscribe")
    one.ask("send", to=NORA, text="send me the picture")
    if clock == "virtual":
        one.ask("sandbox.run_until_idle")
    note = one.note(lambda note: note["method"] == "message" and not note["params"]["message"]["is_from_me"])
    assert note["params"]["message"]["text"] == "on the way"


def test_what_makes_no_sense_is_refused_before_it_is_due(
    worlds: Callable[..., Path], child: Callable[..., Any]
) -> None:
    one = child(worlds([]))
    assert one.refuse("sandbox.receive", **{"from": NORA, "txet": "hello", "after_s": 5})["code"] == -32602
    assert one.ask("sandbox.state")["agenda"] == []
