"""Clients of our server over a database of the repository, in every way it can be spoken to."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imsg_sdk import IMessageClient

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SERVER = (sys.executable, "-m", "imsg_sdk.server")


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of a recorded database, with its ten fullest chats: an old program costs a process a chat."""
    target = tmp_path_factory.mktemp("database") / "chat.db"
    shutil.copyfile(FIXTURES / "monterey.db", target)
    with contextlib.closing(sqlite3.connect(target)) as connection, connection:
        connection.execute(
            "DELETE FROM chat_message_join WHERE chat_id NOT IN"
            " (SELECT chat_id FROM chat_message_join GROUP BY chat_id ORDER BY count(*) DESC, chat_id LIMIT 10)"
        )
    return target


def make(kind: str, database: Path) -> IMessageClient:
    """Return a client of one kind: columns of our own, or the plain protocol of a generation."""
    if kind == "extended":
        return IMessageClient.from_chat_db(database)
    if kind == "extended legacy":
        return IMessageClient.from_chat_db(database, dialect="legacy")
    program = SERVER if kind == "v1" else (*SERVER, "--dialect", "legacy")
    return IMessageClient(cli_path=program, db_path=database)


@pytest.fixture(scope="module")
def extended(database: Path) -> Iterator[IMessageClient]:
    """Return a client of our server with all that it knows."""
    with make("extended", database) as client:
        yield client


@pytest.fixture(scope="module")
def plain(database: Path) -> Iterator[IMessageClient]:
    """Return a client of a program that says no more than imsg 0.14.1 does."""
    with make("v1", database) as client:
        yield client


@pytest.fixture(scope="module")
def legacy(database: Path) -> Iterator[IMessageClient]:
    """Return a client of a program that says no more than imsg 0.13.1 does, and is read by its command."""
    with make("legacy", database) as client:
        yield client


@pytest.fixture(scope="module", params=["extended", "extended legacy", "v1", "legacy"])
def client(request: pytest.FixtureRequest, database: Path) -> Iterator[IMessageClient]:
    """Return a client of each kind in turn."""
    with make(request.param, database) as made:
        yield made
