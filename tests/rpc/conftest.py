"""A connection whose other side is the test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from imsg_sdk.errors import ClientClosed
from imsg_sdk.rpc.connection import Connection
from imsg_sdk.rpc.transport import MemoryTransport


class Wire:
    """A connection and its other side."""

    def __init__(self, **settings: Any) -> None:
        self.transport = MemoryTransport()
        self.connection = Connection(self.transport, **settings)
        self.connection.start()

    def sent(self) -> dict[str, Any]:
        """Take the next request that was sent."""
        return dict(json.loads(self.transport.sent.get(timeout=5)))

    def says(self, **message: Any) -> None:
        """Play one message from the other side."""
        self.transport.receive(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def answers(self, request_id: object, result: object) -> None:
        self.says(id=request_id, result=result)


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.connection.close(ClientClosed("closed"))


@pytest.fixture
def make_wire() -> type[Wire]:
    return Wire
