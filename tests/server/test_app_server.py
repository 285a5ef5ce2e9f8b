"""The server with a world behind it, in process over pipes."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from imsg_sdk.server.app import RpcServer
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.requests.output import Writer
from imsg_sdk.server.senders import Operation
from imsg_sdk.server.source import DatabaseFile


class World:
    """A sender that is as slow as a test wants it to be."""

    supported = methods = ("send", "typing")
    has_bridge = False

    def __init__(self) -> None:
        self.may_send = threading.Event()
        self.sent: list[str] = []

    @property
    def bridge(self) -> dict[str, Any]:
        """Always there."""
        return {"ready": True}

    def follow_events(self, number: int, buffer_limit: int) -> None:
        raise AssertionError("there is no bridge")

    def perform(self, operation: Operation) -> dict[str, Any]:
        """Wait for permission, then take the text."""
        assert self.may_send.wait(5)
        if operation.method != "send":
            raise RuntimeError("private words that nobody must read")
        self.sent.append(operation.values["text"])
        return {"ok": True, "transport": "applescript"}


class Pipes:
    """A server on a thread, its input and its output."""

    def __init__(self, path: str, world: World) -> None:
        inner, self._input = os.pipe()
        self._output, outer = os.pipe()
        source = DatabaseFile(path, dialect=Dialect.V1)
        server = RpcServer(source, Writer(outer), dialect=Dialect.V1, senders=world)

        def run() -> None:
            server.serve(inner)
            source.close()
            os.close(inner)
            os.close(outer)

        self._thread = threading.Thread(target=run)
        self._thread.start()
        self._lines = os.fdopen(self._output)

    def write(self, id_: int, method: str, **params: Any) -> None:
        """Write a request."""
        line = json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": params})
        os.write(self._input, line.encode() + b"\n")

    def read(self) -> dict[str, Any]:
        """Read a line."""
        return dict(json.loads(self._lines.readline()))

    def close(self) -> list[dict[str, Any]]:
        """End the input and return what is left."""
        if self._thread.is_alive():
            os.close(self._input)
        rest = [json.loads(line) for line in self._lines]
        self._thread.join(5)
        self._lines.close()
        return rest


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def start(db: Any, world: World) -> Iterator[Callable[[], Pipes]]:
    made: list[Pipes] = []

    def begin() -> Pipes:
        made.append(Pipes(db.path, world))
        return made[-1]

    yield begin
    world.may_send.set()


def test_slow_send_holds_up_neither_reads_nor_control(start: Callable[[], Pipes], world: World) -> None:
    server = start()
    for number in range(3):
        server.write(number, "send", chat_id=1, text=f"text {number}")
    server.write(10, "chats.list")
    server.write(11, "watch.unsubscribe", subscription=1)
    assert {server.read()["id"], server.read()["id"]} == {10, 11}
    world.may_send.set()
    assert [server.read()["id"] for _ in range(3)] == [0, 1, 2]
    assert world.sent == ["text 0", "text 1", "text 2"]
    assert server.close() == []


def test_accepted_sends_are_carried_out_after_the_end_of_input(start: Callable[[], Pipes], world: World) -> None:
    server = start()
    for number in range(5):
        server.write(number, "send", to="+15550001", text=str(number))
    world.may_send.set()
    assert [line["id"] for line in server.close()] == list(range(5))
    assert world.sent == list("01234")


def test_world_says_what_works(start: Callable[[], Pipes], world: World) -> None:
    server = start()
    server.write(1, "status")
    result = server.read()["result"]
    assert result["bridge"] == {"ready": True}
    assert result["methods"][-2:] == result["supported_methods"][-2:] == ["send", "typing"]
    server.close()


def test_defect_is_answered_without_its_text(
    start: Callable[[], Pipes], world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.may_send.set()
    server = start()
    server.write(1, "typing", chat_id=1)
    assert server.read()["error"] == {"code": -32603, "message": "Internal error", "data": "unexpected RuntimeError"}
    server.close()
    assert "typing failed" in caplog.text
