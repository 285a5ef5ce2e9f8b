"""Run the real command, and give it something to read."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imsg_sdk.sandbox.history.demo import demo

COMMAND = str(Path(sys.executable).with_name("imsg-sdk"))

Run = Callable[..., subprocess.CompletedProcess[str]]


def clean_environment() -> dict[str, str]:
    """Return the environment without what would change the output, and with nothing called imsg on PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMSG_SDK", "COLUMNS"))}
    return {**kept, "PATH": "/usr/bin:/bin", "TZ": "UTC", "PYTHONUTF8": "1"}


@pytest.fixture(scope="session")
def run() -> Run:
    """Return a function that runs ``imsg-sdk`` with arguments and gives what it said."""

    def run(*arguments: str, **keywords: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments],
            capture_output=True,
            encoding="utf-8",
            timeout=60,  # a fresh interpreter with pandas, on a busy machine
            env={**clean_environment(), **keywords},  # type: ignore[dict-item]
        )

    return run


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Return a function that starts ``imsg-sdk`` and leaves it running, with pipes."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([COMMAND, *arguments], env=clean_environment(), **pipes)  # type: ignore[call-overload]
        running.append(process)
        return process  # type: ignore[no-any-return]

    yield start
    for process in running:
        process.kill()
        process.communicate(timeout=10)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small fictional history."""
    path = tmp_path_factory.mktemp("history") / "chat.db"
    demo(path, seed=3, messages=600)
    return path


@pytest.fixture
def hostile_database(tmp_path: Path) -> Path:
    """Return a history whose newest message tries to take over the terminal."""
    path = tmp_path / "chat.db"
    demo(path, seed=3, messages=50)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "update message set text = ?, attributedBody = null, item_type = 0, associated_message_type = 0,"
            " balloon_bundle_id = null, date_edited = 0, date_retracted = 0, message_summary_info = null"
            " where ROWID in (select message_id from chat_message_join)",
            ("\x1b]0;owned\x07\x1b[2J\u202egnp.exe\nsecond line \x9b31m",),
        )
    connection.close()
    return path
