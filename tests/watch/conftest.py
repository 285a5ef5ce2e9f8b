"""Databases that tests write to while a watch reads them, and clients of every kind of program over them."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from imsg_sdk import IMessageClient, Message, Watch, WatchStatus
from imsg_sdk.client.pool import Role
from imsg_sdk.client.watching import opening
from imsg_sdk.client.watching.feed import Timing

TESTS = Path(__file__).resolve().parents[1]
SERVER = (sys.executable, "-m", "imsg_sdk.server")
KINDS = ("extended", "extended legacy", "v1", "legacy")
WAIT_S = 10.0
"""Longest wait for a message; a child may have to be started on a busy machine."""
QUICK = Timing(settle_s=0.1, check_s=0.1, grace_s=0.1, real_grace_s=0.2, first_look_s=0.05, longest_look_s=0.2)
"""Looks that follow each other in tenths of a second, so that no test waits for one."""


def load(path: Path) -> ModuleType:
    """Return a module of another folder of the tests."""
    spec = importlib.util.spec_from_file_location(f"watch_{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_builders: Any = load(TESTS / "server" / "conftest.py")
DatabaseBuilder, START = _builders.DatabaseBuilder, _builders.START


@pytest.fixture
def make_db(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Return a maker of databases with two direct chats and some messages in turn."""
    made: list[Any] = []

    def make(messages: int = 20) -> Any:
        builder = DatabaseBuilder(tmp_path / f"chat{len(made)}.db")
        builder.chat("+15550001")
        builder.chat("+15550002")
        builder.sql.execute("BEGIN")
        for number in range(messages):
            builder.message(f"old {number}", chat=1 + number % 2)
        builder.sql.execute("COMMIT")
        made.append(builder)
        return builder

    yield make
    for builder in made:
        builder.sql.close()


@pytest.fixture
def db(make_db: Callable[..., Any]) -> Any:
    """Return a database with two direct chats and twenty messages."""
    return make_db()


@pytest.fixture
def client_of() -> Iterator[Callable[..., IMessageClient]]:
    """Return a maker of clients over a builder's database, closed at the end."""
    made: list[IMessageClient] = []

    def make(builder: Any, kind: str = "extended", **settings: Any) -> IMessageClient:
        made.append(_made(kind, builder.path, **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


def _made(kind: str, path: str, **settings: Any) -> IMessageClient:
    if kind == "extended":
        return IMessageClient.from_chat_db(path, **settings)
    if kind == "extended legacy":
        return IMessageClient.from_chat_db(path, dialect="legacy", **settings)
    program = SERVER if kind == "v1" else (*SERVER, "--dialect", "legacy")
    return IMessageClient(cli_path=program, db_path=path, **settings)


@pytest.fixture(params=KINDS)
def every_client(request: pytest.FixtureRequest, db: Any, client_of: Callable[..., IMessageClient]) -> IMessageClient:
    """Return a client of each kind in turn, over `db`."""
    return client_of(db, request.param)


@pytest.fixture(params=["extended", "legacy"])
def client(request: pytest.FixtureRequest, db: Any, client_of: Callable[..., IMessageClient]) -> IMessageClient:
    """Return a client of the richest and of the poorest program, over `db`."""
    return client_of(db, request.param)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let every watch look around often; arguments replace single waits."""

    def shorten(**waits: float) -> None:
        monkeypatch.setattr(opening, "Timing", lambda: msgspec.structs.replace(QUICK, **waits))

    shorten()
    return shorten


@pytest.fixture
def odd(client_of_program: Callable[..., IMessageClient]) -> Callable[..., IMessageClient]:
    """Return a maker of clients of a program with oddities, over a builder's database."""

    def make(builder: Any, **oddities: Any) -> IMessageClient:
        words = [name if value is True else f"{name}={value}" for name, value in oddities.items()]
        script = Path(__file__).parent / "children" / "odd_imsg.py"
        return client_of_program([sys.executable, str(script), *words, "--"], builder.path)

    return make


@pytest.fixture
def client_of_program() -> Iterator[Callable[..., IMessageClient]]:
    """Return a maker of clients of any program, closed at the end."""
    made: list[IMessageClient] = []

    def make(program: list[str], path: str | None = None, **settings: Any) -> IMessageClient:
        made.append(IMessageClient(cli_path=program, db_path=path, close_timeout_s=1, **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


class Reading:
    """What tests ask of a watch again and again, with bounded waits."""

    wait_s = WAIT_S

    @staticmethod
    def next_of(watch: Watch) -> Message:
        """Return the next message."""
        message = watch.get(WAIT_S)
        assert message is not None, watch.status()
        return message

    @staticmethod
    def rows(watch: Watch, count: int) -> list[int]:
        """Return the rows of the next messages, so many of them."""
        return [Reading.next_of(watch).rowid for _ in range(count)]

    @staticmethod
    def nothing_more(watch: Watch) -> None:
        """Make sure that nothing is there and nothing comes at once."""
        assert watch.get(0.08) is None

    @staticmethod
    def until(watch: Watch, holds: Callable[[WatchStatus], bool]) -> WatchStatus:
        """Read on, with nothing to come, until the status says something."""
        deadline = time.monotonic() + WAIT_S
        while not holds(watch.status()):
            assert watch.get(0.02) is None
            assert time.monotonic() < deadline, watch.status()
        return watch.status()

    @staticmethod
    def just_now() -> float:
        """Return the present as the builders of databases count it."""
        return time.time() - 978_307_200 - START

    @staticmethod
    def pid(client: IMessageClient) -> int:
        """Return the process id of the child that watches."""
        session = client._core.pool.session(Role.WATCH)
        transport: Any = session.connection._transport  # type: ignore[union-attr]
        return int(transport.pid)

    @staticmethod
    def kill(client: IMessageClient) -> None:
        """Kill the child that watches."""
        os.kill(Reading.pid(client), signal.SIGKILL)


@pytest.fixture
def reading() -> type[Reading]:
    """Return helpers for reading a watch."""
    return Reading
