"""Answers that come late, never, torn or as something else: what a reading client makes of them."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.errors import (
    BackendExited,
    InvalidParams,
    ProtocolError,
    RemoteError,
    RequestTimeout,
    ServerBusy,
    StartupTimeout,
)
from imsg_sdk.testing import Sandbox

WAIT_S = 10.0


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """Return one sandbox for all of these tests: nothing here changes it."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def imsg_sandbox(shared: Sandbox) -> Iterator[Sandbox]:
    """Return it without faults and clients."""
    yield shared
    shared.clear_faults()
    for client in list(shared._clients):
        client.close()


def test_a_slow_answer_comes_when_the_time_of_the_world_has_passed(
    imsg_sandbox: Sandbox, wire: Callable[..., Any]
) -> None:
    imsg_sandbox.fault("slow", method="chats.list", seconds=30)
    child = wire()

    pending = child.begin("chats.list")
    assert child.ask("messages.after", since_rowid=0)["messages"] == []  # the slow one is being worked on
    until_waiting(imsg_sandbox)
    imsg_sandbox.advance(29)
    assert not pending.done()
    imsg_sandbox.advance(1)
    pending.result(WAIT_S)


def until_waiting(sandbox: Sandbox) -> None:
    """Return when a child waits for the time of the world to pass."""
    for _ in range(2000):
        if any(entry["kind"] == "wake" for entry in sandbox.call("sandbox.state")["agenda"]):
            return
    raise AssertionError("nobody waits")


def test_a_hanging_answer_is_a_timeout_and_the_next_call_works(imsg_sandbox: Sandbox) -> None:
    client = imsg_sandbox.client(extended=False, read_timeout_s=0.3)
    client.call("chats.list", {})
    with imsg_sandbox.fault("hang", method="chats.list") as fault:
        with pytest.raises(RequestTimeout):
            client.call("chats.list", {})
        assert fault.fired == 1
        assert client.call("chats.list", {}) == {"chats": []}


def test_what_hangs_goes_on_when_the_fault_is_cleared(imsg_sandbox: Sandbox) -> None:
    client = imsg_sandbox.client(extended=False)
    fault = imsg_sandbox.fault("hang", method="chats.list")

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.call, "chats.list", {})
        while not fault.fired:
            assert not answer.done()
        fault.clear()
        assert answer.result(WAIT_S) == {"chats": []}


def test_a_program_that_never_says_its_first_word_is_a_startup_timeout(imsg_sandbox: Sandbox) -> None:
    imsg_sandbox.fault("hang", method="initialize", times=None)
    client = imsg_sandbox.client(startup_timeout_s=0.5)

    with pytest.raises(StartupTimeout):
        client.call("chats.list", {})


def test_a_busy_server_is_asked_again(imsg_sandbox: Sandbox) -> None:
    fault = imsg_sandbox.fault("refused", method="chats.list", times=2)
    client = imsg_sandbox.client(extended=False)

    assert client.call("chats.list", {}) == {"chats": []}
    assert (fault.seen, fault.fired) == (2, 2)


def test_a_refusal_keeps_its_code_and_what_it_says(imsg_sandbox: Sandbox) -> None:
    imsg_sandbox.fault("refused", method="chats.list", code=-32099, data={"why": "new"}, message="Not today")
    client = imsg_sandbox.client(extended=False)

    with pytest.raises(RemoteError) as caught:
        client.call("chats.list", {})
    assert caught.value.code == -32099
    assert not isinstance(caught.value, ServerBusy)


@pytest.mark.parametrize(
    "kind",
    ["text", "binary", "array", "number", "blank", "stranger", "nobody", "unknown", "no_params"],
)
def test_garbage_beside_an_answer_is_passed_over(kind: str, imsg_sandbox: Sandbox) -> None:
    with imsg_sandbox.fault("garbage_line", method="messages.after", kind=kind, lines=3, side="before") as fault:
        client = imsg_sandbox.client(extended=False)
        assert client.call("messages.after", {"since_rowid": 0})["messages"] == []
        assert fault.fired == 1


def test_what_looks_like_an_answer_and_cannot_be_read_is_an_error_at_once(imsg_sandbox: Sandbox) -> None:
    with imsg_sandbox.fault("garbage_line", method="messages.after", kind="cut"):
        client = imsg_sandbox.client(extended=False)
        with pytest.raises(ProtocolError):
            client.call("messages.after", {"since_rowid": 0})
        assert client.call("messages.after", {"since_rowid": 0})["messages"] == []


def test_a_line_of_many_megabytes_is_read(imsg_sandbox: Sandbox) -> None:
    imsg_sandbox.fault("huge_line", method="chats.list", size=40 << 20)
    client = imsg_sandbox.client(extended=False)

    assert client.call("chats.list", {})["chats"] == []


def test_a_line_beyond_the_limit_ends_the_child_and_names_the_limit(imsg_sandbox: Sandbox) -> None:
    fault = imsg_sandbox.fault("huge_line", method="chats.list", size=4 << 20, times=None)
    client = imsg_sandbox.client(extended=False, max_line_bytes=1 << 20)

    with pytest.raises(BackendExited, match="1,048,576 bytes"):
        client.call("chats.list", {})
    fault.clear()
    assert client.call("messages.after", {"since_rowid": 0})["messages"] == []


@pytest.mark.parametrize("at", [1, 7, None, 10_000])
def test_an_answer_in_pieces_is_one_answer(at: int | None, imsg_sandbox: Sandbox) -> None:
    with imsg_sandbox.fault("partial_line", method="chats.list", at=at, pieces=3, times=None):
        client = imsg_sandbox.client(extended=False)
        assert client.call("chats.list", {}) == {"chats": []}


def test_a_child_that_ends_in_the_middle_of_its_answer_is_named(imsg_sandbox: Sandbox) -> None:
    imsg_sandbox.fault("partial_line", method="chats.list", then="exit")
    client = imsg_sandbox.client(extended=False)

    with pytest.raises(BackendExited) as caught:
        client.call("chats.list", {})
    assert caught.value.returncode == 1
    assert client.call("messages.after", {"since_rowid": 0})["messages"] == []


def test_an_answer_that_never_ends_is_a_timeout(imsg_sandbox: Sandbox) -> None:
    client = imsg_sandbox.client(extended=False, read_timeout_s=0.3)
    client.call("chats.list", {})
    with imsg_sandbox.fault("partial_line", method="chats.list", then="hang"), pytest.raises(RequestTimeout):
        client.call("chats.list", {})
    assert client.call("chats.list", {}) == {"chats": []}


@pytest.mark.parametrize("point", ["request", "done", "answer"])
def test_a_request_that_ends_its_child_is_not_repeated(point: str, imsg_sandbox: Sandbox) -> None:
    with imsg_sandbox.fault("exit", method="chats.list", point=point, times=None) as fault:
        client = imsg_sandbox.client(extended=False)
        for _ in range(3):
            with pytest.raises(BackendExited):
                client.call("chats.list", {})
        assert fault.fired == 1
        assert client.call("messages.after", {"since_rowid": 0})["messages"] == []


def test_a_child_that_ends_after_its_answer_costs_nothing(imsg_sandbox: Sandbox) -> None:
    imsg_sandbox.fault("exit", method="chats.list", point="answered", times=None)
    client = imsg_sandbox.client(extended=False)

    for _ in range(3):
        assert client.call("chats.list", {}) == {"chats": []}
        until_ended(client)


def until_ended(client: IMessageClient) -> None:
    """Return when the client has noticed the end of its children: what is asked before falls under their end."""
    deadline = time.monotonic() + WAIT_S
    while client._core.pool.n_children:
        assert time.monotonic() < deadline


def test_a_child_killed_from_outside_under_a_request_is_asked_again(imsg_sandbox: Sandbox) -> None:
    fault = imsg_sandbox.fault("exit", method="chats.list", signal=int(signal.SIGKILL))
    client = imsg_sandbox.client(extended=False)

    assert client.call("chats.list", {}) == {"chats": []}
    assert fault.fired == 1


def test_a_fault_counts_over_the_deaths_of_its_children(imsg_sandbox: Sandbox, wire: Callable[..., Any]) -> None:
    fault = imsg_sandbox.fault("exit", method="chats.list", after=1, times=2)

    assert wire().ask("chats.list") == {"chats": []}
    for _ in range(2):
        with pytest.raises(BackendExited):
            wire().ask("chats.list")
    assert wire().ask("chats.list") == {"chats": []}
    assert (fault.seen, fault.fired) == (3, 2)


def test_faults_add_up(imsg_sandbox: Sandbox, wire: Callable[..., Any]) -> None:
    imsg_sandbox.fault("garbage_line", method="chats.list", kind="text", lines=2)
    imsg_sandbox.fault("partial_line", method="chats.list", pieces=4)
    imsg_sandbox.fault("exit", method="chats.list", point="answered")
    child = wire()

    assert child.ask("chats.list") == {"chats": []}
    assert [line.startswith(b"objc[") for line in child.lines] == [True, True, False]
    ended = threading.Event()
    child.connection.on_end = ended.set
    assert ended.wait(WAIT_S) or not child.connection.is_open


def test_a_fault_begins_and_ends_by_the_clock(imsg_sandbox: Sandbox, wire: Callable[..., Any]) -> None:
    imsg_sandbox.fault("refused", method="chats.list", in_s=60, for_s=30, times=None)
    child = wire()

    assert child.ask("chats.list") == {"chats": []}
    imsg_sandbox.advance(60)
    with pytest.raises(ServerBusy):
        child.ask("chats.list")
    imsg_sandbox.advance(30)
    assert child.ask("chats.list") == {"chats": []}


def test_faults_are_listed_and_refused_by_name(imsg_sandbox: Sandbox) -> None:
    fault = imsg_sandbox.fault("slow", seconds=3, method="send")

    (row,) = imsg_sandbox.faults()
    assert (row["id"], row["name"], row["options"]) == (fault.id, "slow", {"seconds": 3, "method": "send"})
    fault.clear()
    assert imsg_sandbox.faults() == []
    with pytest.raises(InvalidParams):
        imsg_sandbox.fault("meteor")
    with pytest.raises(InvalidParams):
        imsg_sandbox.fault("slow", speed=3)


def test_the_older_generation_is_struck_alike(imsg_sandbox: Sandbox) -> None:
    imsg_sandbox.fault("exit", method="chats.list", point="done")
    client = imsg_sandbox.client(extended=False, dialect="legacy")

    with pytest.raises(BackendExited):
        client.call("chats.list", {})
    assert client.call("chats.list", {"limit": 3}) == {"chats": []}
