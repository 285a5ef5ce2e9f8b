"""Make programs named ``imsg`` that answer from a recording, and hold them at a gate."""

from __future__ import annotations

import os
import select
import shlex
import sys
import threading
import time
from pathlib import Path

from imsg_replay import unpack

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
    unpack(str(recording), folder / "histories")
    setting = f"IMSG_REPLAY_HISTORIES={shlex.quote(str(folder / 'histories'))} "
    if gate:
        setting += f"IMSG_REPLAY_GATE={shlex.quote(f'{gate.method}:{gate.folder}')} "
    command = shlex.join([sys.executable, str(SCRIPT), str(recording)])
    path.write_text(f'#!/bin/sh\n{setting}exec {command} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def wait_gone(*pids: int, timeout_s: float = 15) -> None:
    """Return when each of these processes has ended, reaped or not; fails if one lives on."""
    deadline = time.monotonic() + timeout_s
    for pid in pids:
        left = max(0.0, deadline - time.monotonic())
        assert _has_ended(pid, left), f"process {pid} is still there"


def _has_ended(pid: int, timeout_s: float) -> bool:
    try:
        if hasattr(os, "pidfd_open"):
            handle = os.pidfd_open(pid)
            ready, _, _ = select.select([handle], [], [], timeout_s)
            os.close(handle)
            return bool(ready)
        deadline, pause = time.monotonic() + timeout_s, threading.Event()
        while time.monotonic() < deadline:  # no event says it on a Mac to anyone but the parent
            os.kill(pid, 0)
            pause.wait(0.02)
        return False
    except ProcessLookupError:
        return True
