"""A real kernel, driven over IPC as a notebook front end drives it."""

from __future__ import annotations

import os
import queue
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "replay"))

KERNEL_S = 60.0
"""Bound of every wait for a kernel; starting one on a loaded machine takes seconds."""


class Reply(NamedTuple):
    """What a cell came to."""

    status: str
    text: str
    error: str


class Kernel:
    """One kernel and its client; cells are sent without waiting unless asked for."""

    def __init__(self, folder: Path) -> None:
        from jupyter_client.manager import KernelManager

        # An absolute path, or the kernel and its client never meet; short, since socket paths are bounded.
        self.manager = KernelManager(kernel_name="python3", transport="ipc", ip=str(folder / "s"))
        home = folder / "home"
        home.mkdir()
        environment = {**os.environ, "IPYTHONDIR": str(home), "JUPYTER_RUNTIME_DIR": str(home), "HOME": str(home)}
        self.manager.start_kernel(env=environment, cwd=str(home))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=KERNEL_S)
        self._outputs: dict[str, list[Any]] = {}

    def send(self, code: str) -> str:
        """Queue a cell and return its id."""
        return str(self.client.execute(code, store_history=True))

    def replies(self, *ids: str, timeout_s: float = KERNEL_S) -> list[Reply]:
        """Return the replies to these cells in the order in which they came; fails when one is lost."""
        found: list[tuple[str, dict[str, Any]]] = []
        deadline = time.monotonic() + timeout_s
        while len(found) < len(ids):
            try:
                message = self.client.get_shell_msg(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"{len(ids) - len(found)} of {len(ids)} cells were never answered")
            parent = message["parent_header"].get("msg_id")
            if parent in ids:
                found.append((parent, message["content"]))
        assert [parent for parent, _ in found] == list(ids), "the cells were answered out of order"
        self._drain({parent for parent, _ in found}, deadline)
        return [self._reply(parent, content) for parent, content in found]

    def run(self, code: str, timeout_s: float = KERNEL_S) -> Reply:
        """Run one cell to its end."""
        (reply,) = self.replies(self.send(code), timeout_s=timeout_s)
        return reply

    def value(self, code: str) -> str:
        """Run one cell that must succeed and return what it printed."""
        reply = self.run(code)
        assert reply.status == "ok", reply.error
        return reply.text.strip()

    def interrupt(self) -> None:
        """Press the stop button."""
        self.manager.interrupt_kernel()

    def close(self) -> None:
        """Shut the kernel down."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def _drain(self, waiting: set[str], deadline: float) -> None:
        while waiting:
            message = self.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            parent = message["parent_header"].get("msg_id", "")
            self._outputs.setdefault(parent, []).append(message)
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                waiting.discard(parent)

    def _reply(self, parent: str, content: dict[str, Any]) -> Reply:
        messages = self._outputs.pop(parent, [])
        text = "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")
        error = "\n".join(content.get("traceback", [])) if content["status"] == "error" else ""
        return Reply(content["status"], text, f"{content.get('ename', '')}: {error}" if error else "")


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    """Give a folder with a short name; a socket's path may hold 104 bytes on macOS."""
    folder = Path(tempfile.mkdtemp(prefix="k", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def kernel(socket_folder: Path) -> Iterator[Kernel]:
    """Give a fresh kernel."""
    started = Kernel(socket_folder)
    yield started
    started.close()
