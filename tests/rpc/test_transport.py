"""A real child process: lines in both directions, and an end in every case."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from imsg_sdk.errors import StartupTimeout
from imsg_sdk.rpc import transport as module
from imsg_sdk.rpc.commands import Lines, run_command
from imsg_sdk.rpc.transport import Ending, ProcessTransport

ECHO = "import sys\nfor line in sys.stdin.buffer:\n    sys.stdout.buffer.write(line)\n    sys.stdout.buffer.flush()\n"
DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('up', flush=True)
while True:
    signal.pause()
"""


class Child:
    """A transport and what came out of it."""

    def __init__(self, script: str, **settings: Any) -> None:
        self.lines: queue.Queue[bytes] = queue.Queue()
        self.endings: queue.Queue[Ending] = queue.Queue()
        self.transport = ProcessTransport([sys.executable, "-c", script], **settings)
        self.transport.start(self.lines.put, self.endings.put)

    def ending(self) -> Ending:
        return self.endings.get(timeout=10)


@pytest.fixture
def children() -> Iterator[list[Child]]:
    made: list[Child] = []
    yield made
    for child in made:
        child.transport.kill()
        child.transport.close()


def start(children: list[Child], script: str, **settings: Any) -> Child:
    children.append(Child(script, **settings))
    return children[-1]


def is_gone(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_lines_go_there_and_back_in_order(children: list[Child]) -> None:
    child = start(children, ECHO)
    for number in range(1000):
        child.transport.send(b"%d\n" % number)
    assert [child.lines.get(timeout=10) for _ in range(1000)] == [b"%d" % number for number in range(1000)]
    child.transport.close()
    assert child.ending() == Ending(returncode=0, max_line_bytes=module.DEFAULT_MAX_LINE_BYTES)
    assert is_gone(child.transport.pid)


def test_long_lines_are_never_torn_by_their_callers(children: list[Child]) -> None:
    child = start(children, ECHO)
    barrier = threading.Barrier(4)

    def send(letter: bytes) -> None:
        barrier.wait(10)
        for _ in range(5):
            child.transport.send(letter * 300_000 + b"\n")

    threads = [threading.Thread(target=send, args=(letter,)) for letter in (b"a", b"b", b"c", b"d")]
    for thread in threads:
        thread.start()
    for _ in range(20):
        line = child.lines.get(timeout=20)
        assert len(line) == 300_000
        assert len(set(line)) == 1
    for thread in threads:
        thread.join(10)


def test_a_last_line_without_line_feed_arrives(children: list[Child]) -> None:
    child = start(children, "import sys; sys.stdout.write('one\\ntwo')")
    assert child.ending().returncode == 0
    assert [child.lines.get(timeout=5), child.lines.get(timeout=5)] == [b"one", b"two"]


def test_the_end_of_stderr_is_kept_and_no_more(children: list[Child]) -> None:
    ending = start(children, "import sys; sys.stderr.write('x' * 1_000_000 + 'the end'); sys.exit(7)").ending()
    assert ending.returncode == 7
    assert ending.stderr_tail.endswith("xthe end")
    assert len(ending.stderr_tail) <= 16 * 1024


def test_a_child_that_reads_nothing_can_be_closed(children: list[Child]) -> None:
    child = start(children, DEAF, close_grace_s=0.2)
    child.lines.get(timeout=10)
    child.transport.send(b"x" * 10_000_000 + b"\n")
    begun = time.monotonic()
    child.transport.close()
    assert time.monotonic() - begun < 3
    assert child.ending().returncode == -9


def test_an_abandoned_child_that_does_not_listen_is_ended_by_the_guard(children: list[Child]) -> None:
    child = start(children, DEAF)
    child.lines.get(timeout=10)
    child.transport.abandon()
    assert child.ending().returncode == -9


def test_an_abandoned_child_that_listens_leaves_by_itself(children: list[Child]) -> None:
    child = start(children, ECHO)
    child.transport.abandon()
    assert child.ending().returncode == 0


def test_a_child_without_guard_works_and_closes(children: list[Child], monkeypatch: pytest.MonkeyPatch) -> None:
    real = module.subprocess.Popen

    def without_shell(argv: list[str], **settings: Any) -> Any:
        if argv[0] == "/bin/sh":
            raise FileNotFoundError(argv[0])
        return real(argv, **settings)

    monkeypatch.setattr(module.subprocess, "Popen", without_shell)
    child = start(children, ECHO)
    child.transport.send(b"one\n")
    assert child.lines.get(timeout=10) == b"one"
    child.transport.close()
    assert child.ending().returncode == 0


def test_a_reader_that_fails_ends_the_child_and_says_so(
    children: list[Child], caplog: pytest.LogCaptureFixture
) -> None:
    endings: queue.Queue[Ending] = queue.Queue()
    transport = ProcessTransport([sys.executable, "-c", "print('one', flush=True); input()"])

    def fail(_: bytes) -> None:
        raise ZeroDivisionError

    transport.start(fail, endings.put)
    assert endings.get(timeout=10).reason == "reader failed"
    assert "failed" in caplog.text


_FAILED_STARTS = """
import os
from imsg_sdk.errors import BackendNotFound
from imsg_sdk.rpc.transport import ProcessTransport

def failed_start():
    try:
        ProcessTransport(["no-such-program"]).start(lambda line: None, lambda ending: None)
    except BackendNotFound:
        return len(os.listdir("/dev/fd"))

counts = {failed_start() for _ in range(3)}
assert len(counts) == 1 and None not in counts, counts
"""


def test_a_program_that_is_not_there_leaves_nothing_open() -> None:
    """In a process of its own, since threads of other tests may close descriptors meanwhile."""
    subprocess.run([sys.executable, "-c", _FAILED_STARTS], check=True, timeout=30)


def test_closing_what_was_never_started_is_nothing() -> None:
    transport = ProcessTransport(["no-such-program"])
    transport.close()
    transport.kill()
    assert transport.pid is None


def test_a_short_command_is_bounded_in_time_and_size() -> None:
    assert run_command([sys.executable, "-c", "print(); print(' one ')"], timeout_s=10).first_line == b"one"
    with pytest.raises(StartupTimeout):
        run_command([sys.executable, "-c", DEAF], timeout_s=0.3)
    with pytest.raises(StartupTimeout):
        run_command([sys.executable, "-c", "while True: print('x' * 1000)"], timeout_s=10)


def test_lines_of_a_command_come_in_pieces_and_end_with_nothing() -> None:
    lines = Lines([sys.executable, "-c", "print('one'); print('two')"], max_line_bytes=1000)
    found: list[bytes] = []
    while piece := lines.take().result(10):
        found += piece
    assert found == [b"one", b"two"]
    assert lines.take().result(10) == []
    assert lines.ending is not None
    assert lines.ending.returncode == 0
