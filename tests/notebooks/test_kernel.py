"""In a real kernel: queued cells all run, an interrupt ends a call and nothing else, nothing is left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from replaying import Gate, install, wait_gone

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]

RECORDING = Path(__file__).resolve().parents[1] / "fixtures" / "imsg" / "minimal.0.14.1.jsonl.xz"

PRELUDE = """
from imsg_sdk import AsyncIMessageClient, IMessageClient
client = IMessageClient(cli_path={cli!r}, db_path={db!r})
"""
NEST = """
from imsg_sdk.errors import UsageError
from imsg_sdk.notebook import enable_nested_asyncio
try:
    print(enable_nested_asyncio())
except UsageError as error:
    print("refused")
"""
SLOW = "print(len(client.chats(limit=2)))"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Hold ``chats.list`` until the test lets it go."""
    made = Gate(tmp_path / "gate", "chats.list")
    yield made
    made.close()


@pytest.fixture
def prelude(tmp_path: Path, gate: Gate) -> str:
    """Return the code that makes a client of a program that waits at the gate."""
    cli = install(tmp_path / "bin", RECORDING, gate)
    return PRELUDE.format(cli=str(cli), db=str(RECORDING.parent.parent / "minimal.db"))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def prepare(kernel: Any, prelude: str, nested: bool) -> None:
    """Make the client, in a kernel where asyncio may be nested if that is asked for and safe here."""
    kernel.value(prelude)
    if nested and kernel.value(NEST) == "refused":
        pytest.skip("nothing installed here nests without losing cells, and it is refused")


@pytest.mark.parametrize("nested", [False, True], ids=["plain", "nested"])
def test_cells_queued_behind_a_slow_call_all_run_in_order(kernel: Any, gate: Gate, prelude: str, nested: bool) -> None:
    prepare(kernel, prelude, nested)
    last = "import asyncio\nasync def two(): return 2\n"
    last += "print(asyncio.run(two()))" if nested else "print(await two())"
    ids = [kernel.send(code) for code in (SLOW, "print('second')", last)]
    gate.wait_started()
    gate.release()
    replies = kernel.replies(*ids)
    assert [reply.status for reply in replies] == ["ok"] * 3, replies
    assert [reply.text.strip() for reply in replies] == ["2", "second", "2"]


@pytest.mark.parametrize("nested", [False, True], ids=["plain", "nested"])
def test_an_interrupt_ends_the_call_and_nothing_else(kernel: Any, gate: Gate, prelude: str, nested: bool) -> None:
    prepare(kernel, prelude, nested)
    pid = kernel.value("print(client.call('replay.pid', {})['pid'])")
    cell = kernel.send(SLOW)
    gate.wait_started()
    pressed = time.monotonic()
    kernel.interrupt()
    (reply,) = kernel.replies(cell)
    assert time.monotonic() - pressed < 5
    assert reply.error.startswith("KeyboardInterrupt")
    gate.release()  # the late answer must be dropped
    assert kernel.value("print(client.call('replay.pid', {})['pid'])") == pid
    gate.release()
    assert kernel.value(SLOW) == "2"


def test_an_interrupt_ends_an_awaited_call_too(kernel: Any, gate: Gate, prelude: str) -> None:
    kernel.value(prelude.replace("client = I", "twin = AsyncI"))
    pid = kernel.value("print((await twin.call('replay.pid', {}))['pid'])")
    cell = kernel.send("print(len(await twin.chats(limit=2)))")
    gate.wait_started()
    kernel.interrupt()
    (reply,) = kernel.replies(cell, timeout_s=20)
    assert reply.status == "error"
    gate.release()
    assert kernel.value("print((await twin.call('replay.pid', {}))['pid'])") == pid


def test_running_the_connecting_cell_again_leaves_one_child(kernel: Any, prelude: str) -> None:
    pids = []
    for _ in range(3):
        kernel.value(prelude)
        pids.append(int(kernel.value("print(client.call('replay.pid', {})['pid'])")))
    kernel.value("import gc; gc.collect()")
    wait_gone(*pids[:-1])
    assert alive(pids[-1])


def test_a_killed_kernel_leaves_no_child(kernel: Any, prelude: str) -> None:
    kernel.value(prelude)
    pid = int(kernel.value("print(client.call('replay.pid', {})['pid'])"))
    kernel.manager.provisioner.process.kill()
    wait_gone(pid)
