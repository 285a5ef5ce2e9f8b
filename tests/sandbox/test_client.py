"""``IMessageClient.sandbox``: a client in a world, with everything that can be said about it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.errors import UsageError

NORA = "+447700900118"
PEOPLE = [{"name": "Nora", "addresses": [NORA], "script": [{"do": [{"wait": 1}, {"say": "hello yourself"}]}]}]


def test_people_answer_a_client_when_time_is_moved() -> None:
    with IMessageClient.sandbox(preset="empty", people=PEOPLE, clock="virtual") as client:
        client.call("send", {"to": NORA, "text": "hello"})
        client.call("sandbox.run_until_idle")
        messages = client.messages(limit=None)
    assert list(messages["text"]) == ["hello", "hello yourself"]
    assert list(messages["is_from_me"]) == [True, False]


def test_the_same_seed_and_requests_give_the_same_frames() -> None:
    frames = []
    for _ in range(2):
        with IMessageClient.sandbox(seed=5, messages=200, clock="virtual") as client:
            for text in ("good morning!", "are you coming?", "thanks"):
                client.call("send", {"to": NORA, "text": text})
                client.call("sandbox.run_until_idle")
            frames.append(client.messages(limit=None))
    assert len(frames[0]) > 100
    assert frames[0].equals(frames[1])


def test_people_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "people.json").write_text(json.dumps({"people": PEOPLE, "accounts": ["me@example.com"]}))
    with IMessageClient.sandbox(preset="empty", people=tmp_path / "people.json", clock="virtual") as client:
        assert client.call("sandbox.state")["accounts"] == ["me@example.com"]
        assert client.call("sandbox.people")["people"][0]["name"] == "Nora"


def test_a_world_begins_with_a_copy_of_a_database(worlds: Callable[..., Path], tmp_path: Path) -> None:
    source = worlds([])
    before = source.read_bytes()
    with IMessageClient.sandbox(history=source, clock="virtual", people=[]) as client:
        client.call("send", {"to": NORA, "text": "only in the copy"})
        assert list(client.messages(limit=None)["text"]) == ["only in the copy"]
    assert source.read_bytes() == before
    with closing(sqlite3.connect(source)) as database:
        assert database.execute("SELECT count(*) FROM message").fetchone() == (0,)


@pytest.mark.parametrize("version", ["0.9.0", "0.13.1"])
def test_a_client_finds_out_which_imsg_it_talks_to(version: str) -> None:
    with IMessageClient.sandbox(preset="empty", people=[], dialect="legacy", version=version) as client:
        client.call("send", {"to": NORA, "text": "hello"})
        assert len(client.chats()) == 1
        steps = client.probe()
    assert version in str(steps)


@pytest.mark.parametrize(
    "wrong",
    [
        {"clock": "sundial"},
        {"preset": "tragedy"},
        {"people": 7.5j},
        {"people": "no/such/file.json"},
        {"dialect": "v2"},
        {"version": "0.9.0"},
        {"dialect": "legacy", "version": "0.14.1"},
        {"version": "9"},
    ],
    ids=str,
)
def test_a_sandbox_that_cannot_be_is_refused_at_once(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        IMessageClient.sandbox(**wrong)  # type: ignore[arg-type]


def test_people_that_make_no_sense_are_refused_when_they_are_needed() -> None:
    with (
        pytest.raises(UsageError) as caught,
        IMessageClient.sandbox(preset="empty", people=[{"name": "Nora", "script": []}]) as client,
    ):
        client.chats()
    assert "addresses" in str(caught.value)
    assert "addresses" in str(caught.value.hint)


@pytest.mark.parametrize(("has_bridge", "state"), [(True, "ok"), (False, "warning")])
def test_the_doctor_tells_of_the_bridge_that_the_sandbox_has(has_bridge: bool, state: str) -> None:
    """It said that our own server reads only, while the sandbox sent."""
    with IMessageClient.sandbox(preset="empty", people=[], bridge=has_bridge) as client:
        report = client.doctor()
        assert report.ok, report
        assert (report.steps[-1].name, report.steps[-1].state) == ("bridge", state)
        assert "imsg launch" not in report.steps[-1].remedy
