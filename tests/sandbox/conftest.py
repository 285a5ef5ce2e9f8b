"""What the tests of the sandbox share."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.chatdb.query import Query
from imsg_sdk.chatdb.reader import ChatDb
from imsg_sdk.columns import Packed
from imsg_sdk.sandbox.generate import Summary, Truth, generate


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
