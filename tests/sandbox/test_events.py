"""The feed of the bridge's events: what is told, how much at most, and what ends it."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.sandbox.world.events import Feed
from imsg_sdk.sandbox.world.state import State

Told = queue.Queue[tuple[int, str, list[Any]]]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State.create(str(tmp_path / "chat.db"), {"seed": 1, "clock": "virtual", "now_us": 1_700_000_000_000_000})
    yield made
    made.close()


@pytest.fixture
def told() -> Told:
    return queue.Queue()


@pytest.fixture
def feed(state: State, told: Told) -> Iterator[Feed]:
    made = Feed(state, lambda *what: told.put(what))
    yield made
    made.close()


def happen(state: State, *names: str) -> None:
    with state.turn():
        for name in names:
            state.happen(name, {"of": name})


def test_only_what_happens_from_now_on_is_told(state: State, feed: Feed, told: Told) -> None:
    happen(state, "before")
    feed.follow(7, 256)
    happen(state, "one", "two")
    number, method, params = told.get(timeout=5)
    assert (number, method) == (7, "bridge.event")
    assert [each["event"]["event"] for each in params] == ["one", "two"]
    assert params[0] == {
        "subscription": 7,
        "event": {"event": "one", "ts": "2023-11-14T22:13:20.000Z", "data": {"of": "one"}},
    }


def test_more_than_a_subscription_holds_ends_it(state: State, feed: Feed, told: Told) -> None:
    feed.follow(1, 1)
    feed.follow(2, 256)
    happen(state, "one", "two")
    first, second, third = (told.get(timeout=5) for _ in range(3))
    assert [len(first[2]), second[1], len(third[2])] == [1, "bridge.events.overflow", 2]
    ended = {"subscription": 1, "reason": "buffer_limit_exceeded", "resumable": False, "terminal": True}
    assert second == (1, "bridge.events.overflow", [ended])
    happen(state, "three")
    assert told.get(timeout=5)[0] == 2
    assert told.empty()


def test_nothing_is_told_after_the_end(state: State, feed: Feed, told: Told) -> None:
    feed.follow(1, 256)
    feed.follow(2, 256)
    feed.stop(1)
    happen(state, "one")
    assert told.get(timeout=5)[0] == 2
    assert told.empty()


def test_a_file_that_cannot_be_read_ends_all(state: State, feed: Feed, told: Told) -> None:
    feed.follow(1, 256)
    with state.lock:
        state._opened().execute("ALTER TABLE event RENAME TO gone")
    number, method, params = told.get(timeout=5)
    assert (number, method) == (1, "bridge.events.error")
    assert (params[0]["error"]["code"], params[0]["terminal"]) == ("event_log_read_failed", True)
