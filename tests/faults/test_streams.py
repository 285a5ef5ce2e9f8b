"""What subscriptions say when they go wrong, as it stands on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from imsg_sdk.errors import BackendExited
from imsg_sdk.testing import Sandbox


def receive(sandbox: Sandbox, sender: str, *texts: str) -> list[int]:
    return [sandbox.receive(sender, text).rowid for text in texts]


@pytest.mark.parametrize("dialect", ["v1", "legacy"])
def test_a_notification_may_come_before_its_subscription_is_answered(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str, dialect: str
) -> None:
    receive(imsg_sandbox, ada, "one", "two")
    imsg_sandbox.fault("early_notification")
    child = wire(dialect=dialect)

    stream = child.subscribe(since_rowid=-1)

    assert b'"method":"message"' in child.lines[0]
    assert stream.texts(2) == ["one", "two"]


def test_a_silent_subscription_says_nothing_more_and_a_new_one_does(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str
) -> None:
    imsg_sandbox.fault("silent_watch", after=1)
    child = wire()
    stream = child.subscribe()
    receive(imsg_sandbox, ada, "one", "two", "three")

    assert stream.message()["text"] == "one"
    again = child.subscribe(since_rowid=1)
    assert again.texts(2) == ["two", "three"]
    with pytest.raises(TimeoutError):
        stream.next(0)


def test_one_message_is_lost_and_one_comes_twice(imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str) -> None:
    imsg_sandbox.fault("lost_notification", text="lost")
    imsg_sandbox.fault("repeated_notification", text="twice")
    stream = wire().subscribe()
    receive(imsg_sandbox, ada, "first", "lost", "twice", "last")

    assert stream.texts(4) == ["first", "twice", "twice", "last"]


@pytest.mark.parametrize("dialect", ["v1", "legacy"])
def test_an_error_ends_a_subscription_and_nothing_else(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str, dialect: str
) -> None:
    imsg_sandbox.fault("watch_error", after=1)
    child = wire(dialect=dialect)
    stream = child.subscribe()
    receive(imsg_sandbox, ada, "one", "two")

    assert stream.message()["text"] == "one"
    method, params = stream.next()
    assert (method, params["error"]) == ("error", {"message": "database is locked (code: 5)"})
    assert len(child.ask("messages.history", chat_id=1)["messages"]) == 2


def test_a_subscription_may_fail_right_after_its_answer(imsg_sandbox: Sandbox, wire: Callable[..., Any]) -> None:
    imsg_sandbox.fault("watch_error", method="watch.subscribe", error="no such table: message (code: 1)")
    child = wire()

    method, params = child.subscribe().next()
    assert (method, params["error"]["message"]) == ("error", "no such table: message (code: 1)")
    child.subscribe()


def test_an_overflow_names_the_row_to_go_on_from(imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str) -> None:
    imsg_sandbox.fault("watch_overflow", after=1)
    child = wire()
    stream = child.subscribe()
    receive(imsg_sandbox, ada, "one", "two")

    first = stream.message()
    method, params = stream.next()
    assert method == "watch.overflow"
    assert params["resume_after_rowid"] == first["id"]
    assert params["terminal"] is True
    assert child.subscribe(since_rowid=params["resume_after_rowid"]).message()["text"] == "two"


def test_a_message_may_come_without_its_chat(imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str) -> None:
    imsg_sandbox.fault("chat_id_zero")
    child = wire()
    stream = child.subscribe()
    receive(imsg_sandbox, ada, "where am I?")

    message = stream.message()
    assert (message["chat_id"], message["chat_guid"], message["participants"], message["is_group"]) == (
        0,
        "",
        [],
        False,
    )
    assert child.ask("messages.history", chat_id=1)["messages"][0]["chat_id"] == 1


@pytest.mark.parametrize("point", ["done", "answer", "answered"])
def test_a_child_may_end_at_a_notification(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str, point: str
) -> None:
    imsg_sandbox.fault("exit", method="message", text="two", point=point)
    stream = wire().subscribe()
    receive(imsg_sandbox, ada, "one", "two")

    assert stream.message()["text"] == "one"
    if point == "answered":
        assert stream.message()["text"] == "two"
    with pytest.raises(BackendExited):
        stream.next()


def test_a_notification_may_come_in_pieces_and_with_garbage(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str
) -> None:
    imsg_sandbox.fault("partial_line", method="message", pieces=5, times=None)
    imsg_sandbox.fault("garbage_line", method="message", kind="nobody", times=None)
    stream = wire().subscribe()
    receive(imsg_sandbox, ada, "one", "two", "three")

    assert stream.texts(3) == ["one", "two", "three"]


def test_every_line_that_is_written_is_whole_again_after_a_fault(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str
) -> None:
    child = wire()
    stream = child.subscribe()
    with imsg_sandbox.fault("garbage_line", method="message", times=None):
        receive(imsg_sandbox, ada, "one")
        assert stream.message()["text"] == "one"
    receive(imsg_sandbox, ada, "two")

    assert stream.message()["text"] == "two"
    assert msgspec.json.decode(child.lines[-1])["method"] == "message"
    assert sum(line.startswith(b"objc") for line in child.lines) == 1
