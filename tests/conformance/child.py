"""Our server as a real child: in the folder and the environment of the recordings."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from comparator import Dates
from recordings import read_dates

WAIT_S = 60.0
"""Bound of every wait for an answer; generous, since two cores may be shared."""
FULL_STOP = None


@dataclass(frozen=True)
class Server:
    """Our server in the folder of the recording, ready to be started any number of times."""

    folder: Path
    database: str
    dialect: str
    dates: Dates = field(default_factory=Dates)
    foreign: bool = False
    """The database is not the recorded one, so contents cannot be compared."""

    @classmethod
    def over(cls, folder: Path, database: str, dialect: str) -> Server:
        """Return the server for one database of a laid out folder."""
        path = folder / f"{database}.db"
        if path.is_file():
            return cls(folder, database, dialect, read_dates(path))
        # Framing hardly depends on the database, so any will do where the recorded one is not at hand.
        return cls(folder, "minimal", dialect, foreign=True)

    def environment(self) -> dict[str, str]:
        """Return the environment of the recording, whatever surrounds the test."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("IMSG_")}
        return {**kept, "CFFIXED_USER_HOME": "/Users/me", "TZ": "UTC", "PYTHONWARNINGS": "ignore"}

    def argv(self, *arguments: str) -> list[str]:
        """Return the command line that stands for ``imsg ARGUMENTS``."""
        return [sys.executable, "-m", "imsg_sdk.server", "--dialect", self.dialect, *arguments]

    def start(self, path: str | None = None) -> Child:
        """Start ``rpc`` over the database, or over another path."""
        return Child(self.argv("rpc", "--db", path or f"{self.database}.db"), self.folder, self.environment())

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end."""
        return subprocess.run(
            self.argv(*arguments),
            cwd=self.folder,
            env=self.environment(),
            input=stdin,
            capture_output=True,
            timeout=WAIT_S,
            check=False,
        )


class Child:
    """A running server: lines in, parsed lines out."""

    def __init__(self, argv: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            argv, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._stderr: list[bytes] = []
        self._threads = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=lambda: self._stderr.append(self.process.stderr.read()), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(FULL_STOP)

    def send(self, *requests: Any) -> None:
        """Write requests in one go; a child that is gone shows at the next read."""
        with contextlib.suppress(BrokenPipeError):  # the reader finds the end of output and says so
            self.process.stdin.write(b"".join(msgspec.json.encode(request) + b"\n" for request in requests))
            self.process.stdin.flush()

    def read(self, timeout_s: float = WAIT_S) -> Any:
        """Return the next line parsed, or None at the end of output; raises ``queue.Empty`` when it takes too long."""
        line = self._lines.get(timeout=timeout_s)
        if line is FULL_STOP:
            self._lines.put(FULL_STOP)
            return None
        return msgspec.json.decode(line)

    def end(self) -> tuple[list[Any], int, str]:
        """Close its input; return what it still said, its exit code and what it wrote to stderr."""
        with contextlib.suppress(BrokenPipeError):  # it went before its last line was written
            self.process.stdin.close()
        rest = []
        try:
            while (line := self.read()) is not None:
                rest.append(line)
            code = self.process.wait(WAIT_S)
        except (queue.Empty, subprocess.TimeoutExpired):
            self.process.kill()
            code = self.process.wait(WAIT_S)
        for thread in self._threads:
            thread.join(WAIT_S)
        self.process.stdout.close()
        self.process.stderr.close()
        return rest, code, b"".join(self._stderr).decode(errors="replace")
