"""Sends of which nobody can say whether they arrived, as they stand on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imsg_sdk.errors import RemoteError
from imsg_sdk.testing import Sandbox


def texts(child: Any) -> list[str]:
    return [message["text"] for message in child.ask("messages.history", chat_id=1)["messages"]]


@pytest.fixture
def child(imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str) -> Any:
    """Return a child with one chat."""
    imsg_sandbox.receive(ada, "hello")
    return wire()


@pytest.mark.parametrize(
    ("disposition", "arrives", "code", "found"),
    [
        ("may_have_completed", True, -32001, True),
        ("may_have_completed", False, -32001, False),
        ("still_in_flight", False, -32001, False),
        ("not_started", True, -32603, False),
    ],
)
def test_an_uncertain_send_says_what_may_have_become_of_it(
    imsg_sandbox: Sandbox, child: Any, disposition: str, arrives: bool, code: int, found: bool
) -> None:
    imsg_sandbox.fault("uncertain_delivery", disposition=disposition, arrives=arrives)

    with pytest.raises(RemoteError) as caught:
        child.ask("send", chat_id=1, text="did it?")
    assert caught.value.code == code
    assert caught.value.data["disposition"] == disposition
    assert caught.value.data["retry_safe"] is (disposition == "not_started")
    assert ("did it?" in texts(child)) is found


def test_what_is_in_flight_blocks_every_change_until_the_child_ends(
    imsg_sandbox: Sandbox, child: Any, wire: Callable[..., Any]
) -> None:
    imsg_sandbox.fault("uncertain_delivery", disposition="still_in_flight", arrives=False)

    for code in (-32001, -32004, -32004):
        with pytest.raises(RemoteError) as caught:
            child.ask("send", chat_id=1, text="now?")
        assert caught.value.code == code
    assert wire().ask("send", chat_id=1, text="now!")["ok"] is True


def test_an_uncertain_send_may_arrive_later(imsg_sandbox: Sandbox, child: Any) -> None:
    imsg_sandbox.fault("uncertain_delivery", arrives=20)

    with pytest.raises(RemoteError):
        child.ask("send", chat_id=1, text="slow post")
    assert "slow post" not in texts(child)
    imsg_sandbox.advance(20)
    assert "slow post" in texts(child)
    assert [sent.text for sent in imsg_sandbox.sent()] == ["slow post"]


def test_the_older_generation_says_all_of_it_in_one_text(
    imsg_sandbox: Sandbox, child: Any, wire: Callable[..., Any]
) -> None:
    imsg_sandbox.fault("uncertain_delivery")
    old = wire(dialect="legacy")

    with pytest.raises(RemoteError) as caught:
        old.ask("send", chat_id=1, text="did it?")
    assert caught.value.code == -32603
    assert caught.value.data.startswith("AppleScript failed: ")
    assert "did it?" in texts(child)


def test_a_send_may_be_answered_with_nothing_but_ok(imsg_sandbox: Sandbox, child: Any) -> None:
    imsg_sandbox.fault("no_guid")

    result = child.ask("send", chat_id=1, text="who am I?")
    assert result["ok"] is True
    assert not {"id", "guid", "message_id"} & result.keys()
    assert "who am I?" in texts(child)


def test_a_send_may_be_done_long_before_it_is_answered(imsg_sandbox: Sandbox, child: Any) -> None:
    imsg_sandbox.fault("slow", method="send", seconds=40, side="after")

    pending = child.begin("send", chat_id=1, text="done")
    while "done" not in texts(child):
        assert not pending.done()
    while not pending.done():
        imsg_sandbox.advance(40)
    pending.result(0)


def test_params_are_judged_before_anything_goes_wrong(imsg_sandbox: Sandbox, child: Any) -> None:
    fault = imsg_sandbox.fault("uncertain_delivery")

    with pytest.raises(RemoteError) as caught:
        child.ask("send", chat_id=1, text="")
    assert caught.value.code == -32602
    assert fault.fired == 0
