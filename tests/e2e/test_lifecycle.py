"""Children that die, parents that die, interrupts, forks: every child has a reaper and every call an end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from replaying import Gate, wait_gone

from imsg_sdk import IMessageClient
from imsg_sdk.client import core
from imsg_sdk.errors import BackendExited

Replayed = Callable[..., Path]


def pid_of(client: IMessageClient) -> int:
    return int(client.call("replay.pid", {})["pid"])


class Call(threading.Thread):
    """One call on a thread of its own, and what came of it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.work = work
        self.outcome: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.outcome = self.work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.outcome = error

    def result(self, timeout_s: float = 15) -> Any:
        self.join(timeout_s)
        assert not self.is_alive(), "the call never ended"
        return self.outcome


@pytest.fixture
def client(replayed: Replayed, gate: Gate) -> Iterator[IMessageClient]:
    with IMessageClient(cli_path=str(replayed("minimal", "0.14.1", gate)), db_path="minimal.db") as made:
        yield made


def test_a_killed_child_fails_the_call_that_waits_and_no_other(
    client: IMessageClient, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call whose child is killed at once is repeated instead; this one counts as having waited."""
    monkeypatch.setattr(core, "_EARLY_S", 0)
    first = pid_of(client)
    call = Call(lambda: client.call("messages.stats", {}))
    gate.wait_started()
    os.kill(first, signal.SIGKILL)
    error = call.result()
    assert isinstance(error, BackendExited)
    assert error.returncode == -signal.SIGKILL
    second = pid_of(client)
    assert second != first
    assert len(client.chats(limit=2)) == 2


def test_a_child_that_is_killed_again_and_again_is_started_again(client: IMessageClient) -> None:
    seen = set()
    for _ in range(3):
        pid = pid_of(client)
        seen.add(pid)
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid)
        with contextlib.suppress(BackendExited):  # the first call may meet the dead child, or a new one already
            client.call("replay.pid", {})
    assert len(seen) == 3


def test_closing_ends_a_child_that_does_not_listen(client: IMessageClient, gate: Gate) -> None:
    pid = pid_of(client)
    call = Call(lambda: client.call("messages.stats", {}))
    gate.wait_started()
    begun = time.monotonic()
    client.close()
    assert time.monotonic() - begun < 15
    wait_gone(pid, timeout_s=1)
    assert isinstance(call.result(), Exception)


def test_closing_an_idle_child_is_quick_and_may_be_repeated(client: IMessageClient) -> None:
    pid = pid_of(client)
    begun = time.monotonic()
    client.close()
    client.close()
    assert time.monotonic() - begun < 2
    wait_gone(pid, timeout_s=1)


# --- parents of their own ------------------------------------------------------------------------------

SCRIPT = """
import faulthandler, os, sys
faulthandler.dump_traceback_later(25, exit=True)  # where it hangs, if it does
from imsg_sdk import IMessageClient
from imsg_sdk.errors import ForkedProcess

client = IMessageClient(cli_path={cli!r}, db_path="minimal.db")
pid = lambda: client.call("replay.pid", {{}})["pid"]
say = lambda *words: print(*words, flush=True)
say(pid())
"""


class Script:
    """A script with a client in a process, and a process group, of its own."""

    def __init__(self, cli: Path, code: str) -> None:
        text = SCRIPT.format(cli=str(cli)) + textwrap.dedent(code)
        self.process = subprocess.Popen(
            [sys.executable, "-c", text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.child = int(self.line())

    def line(self) -> str:
        found = Call(self.process.stdout.readline).result(30)
        assert found, self.process.communicate(timeout=5)[1]
        return str(found).strip()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=10)


@pytest.fixture
def script(replayed: Replayed, gate: Gate) -> Iterator[Callable[[str], Script]]:
    made: list[Script] = []

    def start(code: str) -> Script:
        made.append(Script(replayed("minimal", "0.14.1", gate), code))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_a_killed_parent_leaves_no_child(script: Callable[[str], Script]) -> None:
    running = script("sys.stdin.read()")
    running.process.kill()
    wait_gone(running.child)


def test_a_killed_parent_leaves_no_child_that_does_not_listen(script: Callable[[str], Script], gate: Gate) -> None:
    """The child is in the middle of a request and reads no end of input: the guard ends it."""
    running = script("client.call('messages.stats', {})")
    gate.wait_started()
    running.process.kill()
    wait_gone(running.child)


def test_a_script_that_ends_without_closing_leaves_no_child(script: Callable[[str], Script]) -> None:
    running = script("")
    running.process.communicate(timeout=15)
    assert running.process.returncode == 0
    wait_gone(running.child)


def test_a_forked_worker_keeps_no_child_alive_and_cannot_use_the_client(script: Callable[[str], Script]) -> None:
    running = script(
        """
        import warnings
        warnings.simplefilter("ignore")
        if os.fork() == 0:
            try:
                client.call("replay.pid", {})
            except ForkedProcess:
                say("refused")
            say(os.getpid())
            sys.stdin.read()
            os._exit(0)
        sys.stdin.read()
        """
    )
    assert running.line() == "refused"
    worker = int(running.line())
    os.kill(running.process.pid, signal.SIGKILL)
    wait_gone(running.child)
    os.kill(worker, signal.SIGKILL)


def test_ctrl_c_ends_the_call_and_not_the_child(script: Callable[[str], Script], gate: Gate) -> None:
    running = script(
        """
        try:
            client.call("messages.stats", {})
        except KeyboardInterrupt:
            say("interrupted")
        say(pid())
        """
    )
    gate.wait_started()
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.line() == "interrupted"
    gate.release()
    assert int(running.line()) == running.child
