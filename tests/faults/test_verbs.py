"""The verbs of the client through faults that are not only of one answer: reading everything, and sending."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.errors import DatabaseUnavailable, RemoteError
from imsg_sdk.testing import Sandbox, assert_sent

ADA, BEN = "+15550001001", "ben@example.org"
WAIT_S = 15.0


@pytest.fixture(scope="module", params=["v1", "legacy"])
def shared(request: pytest.FixtureRequest) -> Iterator[tuple[Sandbox, IMessageClient]]:
    """Return a world of two chats with a message that is in both, and a client told no more than by real programs."""
    with Sandbox(dialect=request.param) as sandbox:
        sandbox.receive(ADA, "one")
        sandbox.receive(BEN, "two")
        with sandbox.fault("two_chats", text="both"):
            sandbox.receive(BEN, "for both")
        for number in range(30):
            sandbox.receive((ADA, BEN)[number % 2], f"more {number}")
        yield sandbox, sandbox.client(extended=False, send_timeout_s=1.5)


@pytest.fixture
def sandbox(shared: tuple[Sandbox, IMessageClient]) -> Iterator[Sandbox]:
    """Return the world without faults."""
    yield shared[0]
    shared[0].clear_faults()


@pytest.fixture
def client(shared: tuple[Sandbox, IMessageClient]) -> IMessageClient:
    """Return the client."""
    return shared[1]


READING: list[tuple[str, dict[str, Any]]] = [
    ("dies_on_two_chats", {}),
    ("garbage_line", {"times": None}),
    ("partial_line", {"pieces": 9, "times": None}),
    ("partial_line", {"at": 1, "times": None}),
    ("exit", {"signal": 9, "method": "messages.*"}),
    ("refused", {"method": "messages.*", "times": 2}),
]


@pytest.mark.parametrize(("name", "options"), READING, ids=str)
def test_everything_is_read(sandbox: Sandbox, client: IMessageClient, name: str, options: dict[str, Any]) -> None:
    expected = client.messages(limit=None)["rowid"].tolist()
    with sandbox.fault(name, **options):
        assert client.messages(limit=None)["rowid"].tolist() == expected
    assert len(set(expected)) == len(expected) >= 33


@pytest.mark.parametrize("name", ["database_locked", "permission_lost"])
def test_what_cannot_be_read_is_an_error_and_not_less_of_it(sandbox: Sandbox, name: str) -> None:
    client = sandbox.client(extended=False)
    # An old program reads histories by a command of its own, which is no request.
    with sandbox.fault(name, method=["chats.*", "messages.*"], times=None), pytest.raises(RemoteError) as caught:
        client.messages(limit=None)
    assert "+1555" not in str(caught.value)
    assert client.chat(ADA).chat_id == 1
    client.close()


def test_a_file_that_is_gone_in_between_is_named(sandbox: Sandbox, client: IMessageClient) -> None:
    sandbox.fault("database_missing", seconds=30)
    try:
        with pytest.raises((DatabaseUnavailable, RemoteError)):
            client.messages(limit=None)
    finally:
        sandbox.advance(30)
    assert len(client.messages(limit=3)) == 3


def test_a_send_that_takes_its_time_is_waited_for(sandbox: Sandbox, client: IMessageClient) -> None:
    with sandbox.fault("slow", method="send*", seconds=20) as fault, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(client.send, ADA, "take your time")
        while not fault.fired:
            assert not sending.done()
        while not sending.done():
            sandbox.advance(20)
        assert sending.result(WAIT_S).state == "observed"
    assert_sent(sandbox, to=ADA, text="take your time", times=1)


def test_a_send_that_was_done_and_never_answered_is_found(sandbox: Sandbox, client: IMessageClient) -> None:
    with sandbox.fault("hang", method="send*", side="after"):
        assert client.send(ADA, "done and forgotten").state == "observed"
    assert_sent(sandbox, to=ADA, text="done and forgotten", times=1)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("late_link", {"seconds": 60}),
        ("late_is_from_me", {}),
        ("self_chat_pair", {}),
        ("url_preview_pair", {"seconds": 0}),
        ("two_chats", {}),
    ],
    ids=str,
)
def test_a_send_whose_row_is_odd_goes_out_once(
    sandbox: Sandbox, client: IMessageClient, name: str, options: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    text = f"see https://example.org/{name}"
    with sandbox.fault(name, **options) as fault:
        assert client.send(BEN, text).state in ("observed", "accepted")
        assert fault.fired
    sandbox.advance(120)
    assert_sent(sandbox, to=BEN, text=text, times=1)
