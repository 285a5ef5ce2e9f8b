"""Rows that are late, double, empty, old or misplaced: what stands in the database, and what a child tells of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imsg_sdk.errors import BackendExited, RemoteError
from imsg_sdk.testing import Sandbox, assert_nothing_sent

BOTH = pytest.mark.parametrize("dialect", ["v1", "legacy"])


def test_a_row_linked_late_is_never_reported_but_is_there(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str
) -> None:
    imsg_sandbox.receive(ada, "first")
    imsg_sandbox.fault("late_link", text="late")
    child = wire()
    stream = child.subscribe()
    late = imsg_sandbox.receive(ada, "the late one")
    imsg_sandbox.receive(ada, "after it")

    assert stream.message()["text"] == "after it"
    assert [message["text"] for message in child.ask("messages.history", chat_id=1)["messages"]] == [
        "after it",
        "first",
    ]
    imsg_sandbox.advance(60)
    imsg_sandbox.receive(ada, "much later")
    assert stream.message()["text"] == "much later"
    found = child.ask("messages.after", since_rowid=late.rowid - 1, limit=1)["messages"]
    assert [message["text"] for message in found] == ["the late one"]


def test_a_row_linked_late_may_be_reported_late(imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str) -> None:
    imsg_sandbox.fault("late_link", text="late", is_reported=True, seconds=5)
    stream = wire().subscribe()
    imsg_sandbox.receive(ada, "the late one")
    imsg_sandbox.receive(ada, "after it")

    assert stream.message()["text"] == "after it"
    imsg_sandbox.advance(5)
    assert stream.message()["text"] == "the late one"


def test_an_own_message_is_somebody_elses_for_a_while(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str
) -> None:
    imsg_sandbox.fault("late_is_from_me")
    imsg_sandbox.receive(ada, "hello")
    child = wire()
    stream = child.subscribe()
    child.ask("send", chat_id=1, text="my own words")

    message = stream.message()
    assert (message["text"], message["is_from_me"], message["sender"]) == ("my own words", False, ada)
    imsg_sandbox.advance(2)
    assert child.ask("messages.history", chat_id=1, limit=1)["messages"][0]["is_from_me"] is True


def test_an_own_message_comes_back_from_the_other_side(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str
) -> None:
    imsg_sandbox.fault("self_chat_pair")
    imsg_sandbox.receive(ada, "hello")
    child = wire()
    stream = child.subscribe()
    child.ask("send", chat_id=1, text="echo")
    imsg_sandbox.advance(1)

    first, second = stream.message(), stream.message()
    assert [first["is_from_me"], second["is_from_me"]] == [True, False]
    assert first["text"] == second["text"] == "echo"
    assert first["guid"] != second["guid"]


def test_a_link_is_followed_by_its_preview(imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str) -> None:
    imsg_sandbox.fault("url_preview_pair", seconds=1)
    child = wire()
    stream = child.subscribe()
    arrival = imsg_sandbox.receive(ada, "look: https://example.org/page")
    assert stream.message()["id"] == arrival.rowid
    imsg_sandbox.advance(1)
    imsg_sandbox.receive(ada, "and?")

    assert stream.message()["text"] == "and?"
    found = child.ask("messages.after", since_rowid=0)["messages"]
    assert [message["text"] for message in found] == ["look: https://example.org/page", "and?"]
    assert found[0]["url_preview"]["id"] == arrival.rowid + 1


def test_a_link_and_its_preview_may_be_two_messages(imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str) -> None:
    imsg_sandbox.fault("url_preview_pair", seconds=0, is_reported_apart=True)
    stream = wire(dialect="legacy").subscribe()
    arrival = imsg_sandbox.receive(ada, "https://example.org/page")

    first, second = stream.message(), stream.message()
    assert (first["id"], second["id"]) == (arrival.rowid, arrival.rowid + 1)
    assert first["text"] == second["text"] == "https://example.org/page"
    assert second["balloon_bundle_id"] == "com.apple.messages.URLBalloonProvider"


def test_a_message_of_two_chats_is_reported_once_for_each(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str, ben: str
) -> None:
    imsg_sandbox.receive(ada, "hello")
    imsg_sandbox.receive(ben, "hello")
    imsg_sandbox.fault("two_chats", text="both")
    stream = wire().subscribe()
    imsg_sandbox.receive(ben, "for both")

    first, second = stream.message(), stream.message()
    assert first["guid"] == second["guid"]
    assert sorted([first["chat_id"], second["chat_id"]]) == [1, 2]
    assert {tuple(first["participants"]), tuple(second["participants"])} == {(ada,), (ben,)}


def test_a_page_with_a_message_of_two_chats_ends_the_child(
    imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str, ben: str
) -> None:
    imsg_sandbox.receive(ada, "one")
    imsg_sandbox.receive(ben, "two")
    imsg_sandbox.fault("two_chats", text="both")
    imsg_sandbox.receive(ben, "for both")
    imsg_sandbox.receive(ada, "four")
    imsg_sandbox.receive(ada, "five")
    imsg_sandbox.fault("dies_on_two_chats")

    for _ in range(2):  # in every child, every time
        with pytest.raises(BackendExited) as caught:
            wire().ask("messages.after", since_rowid=0, limit=4)
        assert caught.value.returncode == -4
    child = wire()
    whole = child.ask("messages.after", since_rowid=0, limit=50)
    assert (len(whole["messages"]), whole["has_more"]) == (6, False)
    before = child.ask("messages.after", since_rowid=0, limit=3)
    assert ([message["text"] for message in before["messages"]], before["next_rowid"]) == (["one", "two"], 2)
    stuck = child.ask("messages.after", since_rowid=2, limit=1)
    assert stuck == {"messages": [], "next_rowid": 2, "has_more": True}
    assert len(child.ask("messages.after", since_rowid=0, limit=2, chat_id=2)["messages"]) == 2


def test_old_messages_come_in_a_flood(imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str) -> None:
    child = wire()
    stream = child.subscribe()
    imsg_sandbox.fault("backlog_flush", sender=ada, rows=30, age_s=86_400, in_s=10)
    imsg_sandbox.advance(10)

    messages = [stream.message() for _ in range(30)]
    assert len({message["id"] for message in messages}) == 30
    assert messages[0]["created_at"].startswith("2025-11-02T09:00:1")
    assert all(message["created_at"] < "2025-11-03T09:00" for message in messages)


@BOTH
def test_a_send_may_become_a_ghost(imsg_sandbox: Sandbox, wire: Callable[..., Any], ada: str, dialect: str) -> None:
    imsg_sandbox.receive(ada, "hello")
    imsg_sandbox.fault("ghost_row")
    child = wire(dialect=dialect)

    with pytest.raises(RemoteError) as caught:
        child.ask("send", chat_id=1, text="boo")
    if dialect == "v1":
        assert caught.value.code == -32001
        assert caught.value.data["disposition"] == "may_have_completed"
    else:
        assert "unjoined empty outgoing row (2)" in caught.value.data
    assert len(child.ask("messages.history", chat_id=1)["messages"]) == 1
    imsg_sandbox.run_until_idle()
    assert child.ask("send", chat_id=1, text="again")["ok"] is True
    assert [message["text"] for message in child.ask("messages.history", chat_id=1)["messages"]] == ["again", "hello"]


def test_nothing_was_sent_where_nothing_was(imsg_sandbox: Sandbox, ada: str) -> None:
    imsg_sandbox.receive(ada, "hello")
    assert_nothing_sent(imsg_sandbox)
