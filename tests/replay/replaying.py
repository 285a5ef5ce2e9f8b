"""Make programs named ``imsg`` that answer from a recording, and hold them at a gate."""

from __future__ import annotations

import os
import select
import shlex
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().with_name("imsg_replay.py")


class Gate:
    """A place where a program waits during one method: no test needs to sleep to meet it there."""

    def __init__(self, folder: Path, method: str) -> None:
        self.folder, self.method = folder, method
        folder.mkdir()
        self._ends = {}
        for name in ("started", "go"):
            os.mkfifo(folder / name)
            self._ends[name] = os.open(folder / name, os.O_RDWR | os.O_NONBLOCK)

    def wait_started(self, timeout_s: float = 20) -> None:
        """Return when a request has come to the gate."""
        ready, _, _ = select.select([self._ends["started"]], [], [], timeout_s)
        assert ready, f"no {self.method} came to the gate in {timeout_s} s"
        os.read(self._ends["started"], 1)

    def release(self) -> None:
        """Let one request pass, now or when it comes."""
        os.write(self._ends["go"], b".")

    def close(self) -> None:
        """Let go of the pipes."""
        for end in self._ends.values():
            os.close(end)


def install(folder: Path, recording: Path, gate: Gate | None = None) -> Path:
    """Write an executable ``imsg`` into `folder` that replays `recording`, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "imsg"
    setting = f"IMSG_REPLAY_GATE={shlex.quote(f'{gate.method}:{gate.folder}')} " if gate else ""
    command = shlex.join([sys.executable, str(SCRIPT), str(recording)])
    path.write_text(f'#!/bin/sh\n{setting}exec {command} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path
