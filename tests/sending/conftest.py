"""Clients of a program that does with each send what the test says."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import IMessageClient

CHILD = Path(__file__).parent / "children" / "scripted.py"


class Scripted:
    """A program that does with each send what the test says, and a client of it."""

    def __init__(self, folder: Path, dialect: str) -> None:
        self.folder = folder
        self.dialect = dialect
        self.client = IMessageClient(
            {},
            cli_path=[
                sys.executable,
                "-I",
                "-S",
                str(CHILD),
                str(folder),
                *(["--dialect", "legacy"] if dialect == "legacy" else []),
            ],
            startup_timeout_s=20,
            close_timeout_s=0.3,
            send_timeout_s=0.5,
        )
        self.client._sending[0]._settle_timeout_s = 0.1

    def script(self, *steps: dict[str, Any]) -> None:
        """Say what becomes of the sends to come; the last step is repeated."""
        (self.folder / "script.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps), encoding="utf-8")

    def remember(self, *rows: dict[str, Any]) -> None:
        """Say what the history holds instead, the oldest first."""
        plain = {
            "sender": "",
            "is_from_me": True,
            "text": "",
            "created_at": "2026-03-04T18:22:05.120Z",
            "reactions": [],
        }
        plain |= {"attachments": [], "chat_name": "", "participants": [], "is_group": False}
        lines = [json.dumps(plain | {"guid": f"ROW-{row['id']}"} | row) + "\n" for row in rows]
        (self.folder / "rows.jsonl").write_text("".join(lines), encoding="utf-8")

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Return what may have reached a person, in order."""
        path = self.folder / "asked.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def wait_until_asked(self, times: int = 1) -> None:
        """Wait until the program has taken so many requests that change something."""
        deadline = time.monotonic() + 10
        while len(self.asked) < times:
            assert time.monotonic() < deadline, "nothing was asked"
            threading.Event().wait(0.01)

    @property
    def texts(self) -> list[str]:
        """Return the texts that may have reached a person, in order."""
        return [each["params"].get("text", "") for each in self.asked]


@pytest.fixture
def scripted_of(tmp_path: Path) -> Iterator[Callable[[str], Scripted]]:
    """Return a maker of scripted programs of a dialect."""
    made: list[Scripted] = []

    def make(dialect: str = "v1") -> Scripted:
        folder = tmp_path / f"scripted{len(made)}"
        folder.mkdir()
        made.append(Scripted(folder, dialect))
        return made[-1]

    yield make
    for each in made:
        each.client.close()


@pytest.fixture
def scripted(scripted_of: Callable[[str], Scripted]) -> Scripted:
    """Return a scripted program of the newer dialect."""
    return scripted_of("v1")


@pytest.fixture(params=["v1", "legacy"])
def either(request: pytest.FixtureRequest, scripted_of: Callable[[str], Scripted]) -> Scripted:
    """Return a scripted program of each dialect in turn."""
    return scripted_of(request.param)
