"""What the tests of the sandbox share."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.chatdb.query import Query
from imsg_sdk.chatdb.reader import ChatDb
from imsg_sdk.columns import Packed
from imsg_sdk.sandbox.history.generate import Summary, Truth, generate
from imsg_sdk.sandbox.world.make import make_world, read_cast


@contextlib.contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path)
    try:
        yield connection
    finally:
        connection.close()


@pytest.fixture(scope="session")
def opened() -> Callable[[Path], contextlib.AbstractContextManager[sqlite3.Connection]]:
    """Return a way to open a database and close it again."""
    return open_database


def values(column: list[Any] | Packed, rows: int) -> list[Any]:
    if not isinstance(column, Packed):
        return column
    if column.codes is not None:
        return [None if code < 0 else column.values[code] for code in column.codes]
    if column.at is None:
        return [column.values[0]] * rows
    found = [column.default] * rows
    for place, value in zip(column.at, column.values, strict=True):
        found[place] = value
    return found


@pytest.fixture(scope="session")
def read_rows() -> Callable[..., list[dict[str, Any]]]:
    """Return a reader of one table: a dict per row."""

    def read(path: Path, table: str = "messages", query: Query | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        with ChatDb.open(path) as database:
            for batch in database.read(table, query):
                columns = {name: values(column, batch.rows) for name, column in batch.columns.items()}
                found += [{name: column[row] for name, column in columns.items()} for row in range(batch.rows)]
        return found

    return read


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary, list[Truth]]:
    """Return a history of 12,000 messages on macOS 26, and what its rows were meant to be."""
    path = tmp_path_factory.mktemp("large") / "chat.db"
    truth: list[Truth] = []
    summary = generate(path, messages=12_000, seed=11, system="tahoe", truth=truth.append)
    return path, summary, truth


class Child:
    """One process of a world: ask it, and see what it says by itself."""

    def __init__(self, database: Path, *arguments: str) -> None:
        argv = [sys.executable, "-m", "imsg_sdk.sandbox", "rpc", "--db", str(database), *arguments]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._answers: dict[int, dict[str, Any]] = {}
        self._notes: list[dict[str, Any]] = []
        self._arrived = threading.Condition()
        self._last = 0
        self._has_ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            value = json.loads(line)
            with self._arrived:
                if "id" in value:
                    self._answers[value["id"]] = value
                else:
                    self._notes.append(value)
                self._arrived.notify_all()
        with self._arrived:
            self._has_ended = True
            self._arrived.notify_all()

    def begin(self, method: str, /, **params: Any) -> int:
        """Ask and do not wait; return the number of the request."""
        self._last += 1
        request = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": params}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        return self._last

    def answer(self, number: int, within_s: float = 10.0) -> dict[str, Any]:
        """Return the answer to a request."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: number in self._answers or self._has_ended, within_s), "no answer"
            assert number in self._answers, "the process ended"
            return self._answers.pop(number)

    def is_waiting(self, number: int) -> bool:
        """Whether a request has no answer yet."""
        with self._arrived:
            return number not in self._answers

    def ask(self, method: str, /, **params: Any) -> Any:
        """Return the result of a request."""
        answer = self.answer(self.begin(method, **params))
        assert "result" in answer, answer
        return answer["result"]

    def refuse(self, method: str, /, **params: Any) -> dict[str, Any]:
        """Return the error of a request."""
        answer = self.answer(self.begin(method, **params))
        assert "error" in answer, answer
        error: dict[str, Any] = answer["error"]
        return error

    def note(self, fits: Callable[[dict[str, Any]], bool], within_s: float = 10.0) -> dict[str, Any]:
        """Return the first notification that fits, once it is there."""
        with self._arrived:
            found: list[dict[str, Any]] = []

            def there() -> bool:
                found[:] = [note for note in self._notes if fits(note)]
                return bool(found)

            assert self._arrived.wait_for(there, within_s), "no such notification"
            return found[0]

    def close(self) -> int:
        """End the input; return the exit status."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        status = self.process.wait(10)
        self._reader.join(10)
        self.process.stdout.close()
        return status


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a way to make a world: people and settings in, the path of its database out."""

    def make(people: list[dict[str, Any]] | dict[str, Any] | None = None, **settings: Any) -> Path:
        folder = tmp_path_factory.mktemp("world")
        cast = None
        if people is not None:
            (folder / "people.json").write_text(json.dumps(people), encoding="utf-8")
            cast = read_cast(str(folder / "people.json"))
        make_world(str(folder / "chat.db"), people=cast, **{"seed": 7, **settings}).close()
        return folder / "chat.db"

    return make


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    """Return a way to start a process of a world; all of them are ended."""
    started: list[Child] = []

    def start(database: Path, *arguments: str) -> Child:
        started.append(Child(database, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.close()
