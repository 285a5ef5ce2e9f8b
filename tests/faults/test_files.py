"""The database is locked, replaced, rotated, gone, or not to be read any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imsg_sdk.errors import DatabaseUnavailable, RemoteError
from imsg_sdk.testing import Sandbox


def test_a_lock_is_an_error_that_passes(imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str) -> None:
    imsg_sandbox.receive(ada, "one")
    imsg_sandbox.fault("database_locked", for_s=30)
    child = wire()

    with pytest.raises(RemoteError) as caught:
        child.ask("messages.history", chat_id=1)
    assert caught.value.code == -32603
    imsg_sandbox.advance(30)
    assert len(child.ask("messages.history", chat_id=1)["messages"]) == 1


def test_a_subscription_ends_in_a_lock(imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str) -> None:
    stream = wire().subscribe()
    imsg_sandbox.fault("database_locked")
    imsg_sandbox.receive(ada, "one")

    method, params = stream.next()
    assert (method, params["error"]["message"]) == ("error", "database is locked (code: 5)")


def test_a_permission_that_is_lost_is_no_database(imsg_sandbox: Sandbox) -> None:
    client = imsg_sandbox.client(extended=False)
    assert client.call("chats.list", {}) == {"chats": []}

    with imsg_sandbox.fault("permission_lost"), pytest.raises(DatabaseUnavailable):
        client.call("chats.list", {})
    assert client.call("chats.list", {}) == {"chats": []}


def test_a_replaced_file_ends_subscriptions_and_is_read_from_then_on(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str
) -> None:
    for text in ("one", "two", "three"):
        imsg_sandbox.receive(ada, text)
    child = wire()
    stream = child.subscribe()
    imsg_sandbox.fault("database_replaced", lost_rows=2)

    method, params = stream.next()
    assert method == "error"
    assert "replaced" in params["error"]["message"]
    assert [message["text"] for message in child.ask("messages.history", chat_id=1)["messages"]] == ["one"]
    again = child.subscribe()
    imsg_sandbox.receive(ada, "into the new file")
    assert again.message()["text"] == "into the new file"


@pytest.mark.parametrize("fault", ["database_replaced", "database_rotated"])
def test_subscriptions_may_fall_silent_and_new_ones_do_not(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str, fault: str
) -> None:
    imsg_sandbox.receive(ada, "one")
    child = wire()
    stream = child.subscribe()
    imsg_sandbox.fault(fault, is_silent=True)
    imsg_sandbox.receive(ada, "two")

    again = child.subscribe(since_rowid=1)
    assert again.message()["text"] == "two"
    with pytest.raises(TimeoutError):
        stream.next(0)


def test_a_file_that_is_gone_is_no_database_until_it_is_back(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str
) -> None:
    imsg_sandbox.receive(ada, "one")
    child = wire()
    imsg_sandbox.fault("database_missing", seconds=30)

    with pytest.raises(DatabaseUnavailable):
        child.ask("messages.history", chat_id=1)
    imsg_sandbox.advance(30)
    assert len(child.ask("messages.history", chat_id=1)["messages"]) == 1


def test_an_older_program_goes_on_with_the_file_that_it_has_open(
    make_imsg_sandbox: Callable[..., Sandbox], wire: Callable[..., Any], ada: str
) -> None:
    sandbox = make_imsg_sandbox(dialect="legacy")
    sandbox.receive(ada, "one")
    child = wire(sandbox.argv())
    before = child.ask("chats.list")
    sandbox.fault("database_missing", seconds=30)

    assert child.ask("chats.list") == before


def test_a_deed_may_wait_for_a_request(imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str) -> None:
    imsg_sandbox.receive(ada, "one")
    fault = imsg_sandbox.fault("database_replaced", lost_rows=1, method="messages.history")
    child = wire()

    assert child.ask("chats.list")["chats"]
    assert child.ask("messages.history", chat_id=1)["messages"] == []
    assert fault.fired == 1
