"""A child of the sandbox as it is, without a client that copes: what goes in, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import msgspec
import pytest

from imsg_sdk.errors import BackendExited
from imsg_sdk.rpc.connection import Connection, Subscription
from imsg_sdk.rpc.protocol import decode_result
from imsg_sdk.rpc.transport import Ending, ProcessTransport
from imsg_sdk.testing import Sandbox

WAIT_S = 10.0
ADA, BEN = "+15550001001", "ben@example.org"


class Wire:
    """One child."""

    def __init__(self, argv: list[str]) -> None:
        self.lines: list[bytes] = []
        self.transport = ProcessTransport(argv)
        self.connection = Connection(_Tapped(self.transport, self.lines))
        self.connection.start()

    def begin(self, method: str, **params: Any) -> Future[msgspec.Raw]:
        return self.connection.request(method, params)

    def ask(self, method: str, **params: Any) -> Any:
        return decode_result(self.begin(method, **params).result(WAIT_S))

    def subscribe(self, **params: Any) -> Stream:
        number = self.ask("watch.subscribe", **params)["subscription"]
        return Stream(self.connection.subscribe(number))

    def close(self) -> None:
        self.connection.close(BackendExited("over"))


class Stream:
    """One subscription."""

    def __init__(self, subscription: Subscription) -> None:
        self.number = subscription.number
        self._subscription = subscription

    def next(self, timeout_s: float = WAIT_S) -> tuple[str, dict[str, Any]]:
        notification = self._subscription.get(timeout_s)
        assert notification is not None
        return notification.method, msgspec.json.decode(notification.params)

    def message(self) -> dict[str, Any]:
        method, params = self.next()
        assert method == "message", params
        return params["message"]

    def texts(self, count: int) -> list[str]:
        return [self.message()["text"] for _ in range(count)]


class _Tapped:
    """Keeps the lines that come in."""

    def __init__(self, transport: ProcessTransport, lines: list[bytes]) -> None:
        self._transport = transport
        self._lines = lines

    def start(self, on_line: Callable[[bytes], None], on_end: Callable[[Ending], None]) -> None:
        def take(line: bytes) -> None:
            self._lines.append(line)
            on_line(line)

        self._transport.start(take, on_end)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


@pytest.fixture
def wire(imsg_sandbox: Sandbox) -> Iterator[Callable[..., Wire]]:
    """Return a way to start a child of `imsg_sandbox`."""
    made: list[Wire] = []

    def start(argv: list[str] | None = None, **options: Any) -> Wire:
        made.append(Wire(argv or imsg_sandbox.argv(**options)))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def ada() -> str:
    """Return somebody's number."""
    return ADA


@pytest.fixture
def ben() -> str:
    """Return somebody else's address."""
    return BEN
