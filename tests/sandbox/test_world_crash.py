"""Processes of a world are killed in the middle of whatever they do, and nothing comes of it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

NORA = "+447700900118"
PEOPLE = {
    "people": [
        {
            "name": "Nora Finch",
            "addresses": [NORA],
            "script": [
                {
                    "when": "overheard",
                    "chance": 0.3,
                    "do": [{"wait": [1, 60]}, {"react": "like"}, {"say": "tru"}, {"wait": 9}, {"edit": "true"}],
                }
            ],
        }
    ],
    "chats": [
        {"addresses": [NORA, "tom.okafor@example.org", "mum@example.org"], "name": "Boat"},
        {"addresses": [NORA]},
    ],
    "chatter": [{"every": [20, 400], "reacts": 0.2}, {"from": NORA, "every": 600, "say": "still there?"}],
}
HALF_A_DAY = 12 * 3600


def all_rows(database: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(database)) as rows:
        return {
            table: rows.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("message", "chat", "handle", "chat_message_join", "chat_handle_join")
        }


def left(one: Any, end_us: int) -> float:
    return max((end_us - int(one.ask("sandbox.now")["now_us"])) / 1e6, 0.0)


def wait_for_rows(database: Path, count: int) -> None:
    deadline = time.monotonic() + 10
    with closing(sqlite3.connect(database)) as rows:
        while rows.execute("SELECT count(*) FROM message").fetchone()[0] < count:
            assert time.monotonic() < deadline, "nothing happens"


def test_a_world_whose_processes_are_killed_goes_on_as_one_whose_are_not(
    worlds: Callable[..., Path], child: Callable[..., Any]
) -> None:
    undisturbed, disturbed = worlds(PEOPLE), worlds(PEOPLE)
    one = child(undisturbed)
    end = one.ask("sandbox.now")["now_us"] + HALF_A_DAY * 1_000_000
    one.ask("sandbox.advance", seconds=HALF_A_DAY)
    for count in range(10, 130, 10):
        killed = child(disturbed)
        killed.begin("sandbox.advance", seconds=left(killed, end))
        wait_for_rows(disturbed, count)  # seen as soon as it is committed, before the world has heard of it
        killed.process.kill()
        killed.process.wait(10)
    last = child(disturbed)
    last.ask("sandbox.advance", seconds=left(last, end))
    expected, found = all_rows(undisturbed), all_rows(disturbed)
    assert len(expected["message"]) > 200
    assert found == expected


def test_two_processes_move_one_clock_and_nothing_happens_twice(
    worlds: Callable[..., Path], child: Callable[..., Any]
) -> None:
    database = worlds(PEOPLE)
    first, second = child(database), child(database)
    both = [(one, one.begin("sandbox.advance", seconds=HALF_A_DAY)) for one in (first, second)]
    done = [one.answer(number, 30)["result"]["done"] for one, number in both]
    assert sum(done) > 100
    with closing(sqlite3.connect(database)) as rows:
        times = rows.execute("SELECT count(*), count(DISTINCT guid), count(DISTINCT date) FROM message").fetchone()
    assert times[0] == times[1] == times[2] > 100


def test_a_send_that_waits_for_time_goes_out_when_another_process_moves_it(
    worlds: Callable[..., Path], child: Callable[..., Any]
) -> None:
    database = worlds([])
    sending, moving = child(database), child(database)
    moving.ask("sandbox.fault", name="slow", method="send", seconds=30)
    number = sending.begin("send", to=NORA, text="at last")
    while not any(entry["kind"] == "wake" for entry in moving.ask("sandbox.state")["agenda"]):
        assert sending.is_waiting(number)
    moving.ask("sandbox.advance", seconds=29)
    assert sending.is_waiting(number)
    moving.ask("sandbox.advance", seconds=2)
    assert sending.answer(number)["result"]["ok"] is True
