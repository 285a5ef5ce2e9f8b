"""Everything that can be sent or changed reaches the history of a make-believe Messages, in both dialects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.errors import AddressError, InvalidParams, SendFailed, SendRefused, Unsupported
from imsg_sdk.models import Message, SendState

DIRECT, GROUP, SMS = 2, 11, 23
"""Chats of the demo history."""


@pytest.fixture(scope="module", params=["v1", "legacy"])
def world(request: pytest.FixtureRequest) -> Iterator[IMessageClient]:
    """Return a client of a make-believe Messages that speaks either dialect; nobody answers by script."""
    people = [{"name": "Old Phone", "addresses": ["+12025550166"], "imessage": False}]
    with IMessageClient.sandbox(seed=7, preset="demo", people=people, clock="virtual", dialect=request.param) as client:
        yield client


@pytest.fixture(scope="module", params=["v1", "legacy"])
def bare(request: pytest.FixtureRequest) -> Iterator[IMessageClient]:
    """Return the same without the bridge."""
    with IMessageClient.sandbox(
        seed=7, preset="demo", people=[], clock="virtual", dialect=request.param, bridge=False
    ) as client:
        yield client


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Return a file that can be sent."""
    path = tmp_path / "a picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 100)
    return path


def inbound(client: IMessageClient, chat: int) -> Message:
    """Return the newest message of somebody else in a chat."""
    return [each for each in client.iter_messages(chat, limit=60) if not each.is_from_me and each.kind == "message"][-1]


def newest(client: IMessageClient, chat: int) -> Message:
    """Return the row of a chat that came last."""
    return max(client.iter_messages(chat, limit=40, attachments=True), key=lambda each: each.rowid)


@pytest.mark.parametrize("chat", [DIRECT, GROUP, SMS])
def test_a_text_stands_in_the_chat_it_was_meant_for(world: IMessageClient, chat: int) -> None:
    result = world.send(chat, "On my way 🚲")
    row = newest(world, chat)
    assert (result.state, result.chat_id) == (SendState.OBSERVED, chat)
    assert (row.rowid, row.guid, row.text, row.is_from_me) == (result.rowid, result.guid, "On my way 🚲", True)
    assert row.service == ("SMS" if chat == SMS else "iMessage")


def test_every_name_of_a_chat_leads_to_it(world: IMessageClient) -> None:
    for chat in [world.chat(each) for each in (DIRECT, GROUP, SMS)]:
        names: list[Any] = [chat, chat.guid, f"chat_guid:{chat.guid}", f"chat_identifier:{chat.identifier}"]
        for target in names if chat.is_group else [*names, chat.identifier]:
            assert world.send(target, "x").chat_id == chat.chat_id


def test_a_message_without_bridge_is_observed_too(bare: IMessageClient, picture: Path) -> None:
    for result in (bare.send(DIRECT, "by script"), bare.send_file(DIRECT, picture)):
        assert (result.state, result.chat_id, result.transport) == (SendState.OBSERVED, DIRECT, "applescript")
    assert newest(bare, DIRECT).guid == result.guid


def test_a_new_person_gets_a_chat_and_keeps_it(world: IMessageClient) -> None:
    first = world.send("(202) 555-0199", "hello, new")
    second = world.send("+12025550199", "hello again")
    assert first.chat_id == second.chat_id is not None
    assert world.chat(first.chat_id).participants == ("+12025550199",)


def test_a_file_stands_in_the_chat(world: IMessageClient, picture: Path) -> None:
    result = world.send_file(DIRECT, picture)
    row = newest(world, DIRECT)
    assert (result.state, result.rowid) == (SendState.OBSERVED, row.rowid)
    assert [each.transfer_name for each in row.attachments] == ["a picture.png"]


def test_a_text_with_a_file_is_two_messages(world: IMessageClient, picture: Path) -> None:
    result = world.send(DIRECT, "look", file=picture)
    assert [part.state for part in result.parts] == ["observed", "observed"]
    assert result.parts[0].rowid < result.parts[1].rowid == result.rowid


def test_a_long_text_arrives_whole(world: IMessageClient) -> None:
    text = "".join(f"{number} 👩‍👩‍👧 " for number in range(900)).strip()
    result = world.send(DIRECT, text)
    guids = [part.guid for part in result.parts]
    rows = sorted((world.message(guid) for guid in guids), key=lambda row: row.rowid)
    assert len(rows) > 1
    assert " ".join(row.text or "" for row in rows).split() == text.split()


def test_a_reply_goes_to_the_chat_of_its_message(world: IMessageClient) -> None:
    for chat in (DIRECT, GROUP):
        message = inbound(world, chat)
        assert world.reply(message, "yes").chat_id == chat


def test_a_reply_in_a_thread_hangs_under_its_message(world: IMessageClient) -> None:
    message = inbound(world, DIRECT)
    result = world.reply(message, "this one", in_thread=True)
    assert newest(world, DIRECT).thread_originator_guid in (message.guid, message.thread_originator_guid)
    assert result.state == "observed"


def test_a_thread_needs_the_bridge(bare: IMessageClient) -> None:
    with pytest.raises(SendRefused) as caught:
        bare.reply(inbound(bare, DIRECT), "this one", in_thread=True)
    assert "imsg launch" in caught.value.hint
    assert newest(bare, DIRECT).text != "this one"


def test_a_message_that_cannot_reach_anybody_fails(world: IMessageClient) -> None:
    with pytest.raises(SendFailed) as caught:
        world.send("imessage:+12025550166", "to a phone without iMessage")
    assert not caught.value.retry_safe
    assert caught.value.sent[0].guid


def test_a_tapback_is_put_and_taken_back(world: IMessageClient) -> None:
    message = inbound(world, GROUP)
    world.react(message, "👍")
    assert [each.type for each in world.message(message.guid).reactions if each.is_from_me] == ["like"]
    world.react(message.guid, "like", remove=True)
    assert not [each for each in world.message(message.guid).reactions if each.is_from_me]


def test_an_emoji_that_the_program_cannot_send_is_unsupported(world: IMessageClient) -> None:
    with pytest.raises(Unsupported) as caught:
        world.react(inbound(world, GROUP), "🎉")
    assert "0.15" in caught.value.hint


def test_own_messages_are_edited_and_taken_back(world: IMessageClient) -> None:
    guid = world.send(DIRECT, "tpyo").guid
    world.edit(guid, "typo")
    assert (world.message(guid).text, world.message(guid).is_edited) == ("typo", True)
    world.unsend(world.message(guid))
    assert world.message(guid).is_unsent
    world.delete_message(guid)


def test_chats_are_marked_and_typed_in(world: IMessageClient) -> None:
    world.typing(DIRECT)
    world.typing(DIRECT, False)
    world.mark_unread(GROUP)
    world.mark_read(GROUP)
    assert world.chat(GROUP).unread_count == 0


def test_a_chat_is_made_written_to_and_deleted(world: IMessageClient) -> None:
    made = world.create_chat(["+12025550171", "+12025550172"], name="Two")
    result = world.send(made, "hello both")
    assert result.state == "observed"
    assert world.chat(result.chat_id).participants == ("+12025550171", "+12025550172")
    world.delete_chat(result.chat_id)
    with pytest.raises(AddressError):
        world.send(result.chat_id, "x")


def test_a_group_is_renamed_joined_and_left(world: IMessageClient, picture: Path) -> None:
    group = 13
    world.rename_group(group, "The new name")
    world.set_group_icon(group, picture)
    world.set_group_icon(group, None)
    world.add_participant(group, "(202) 555-0177")
    chat = world.chat(group)
    assert chat.name == "The new name"
    assert "+12025550177" in chat.participants
    with pytest.raises(AddressError):
        world.add_participant(group, "+12025550177")
    world.remove_participant(group, "+1 202 555 0177")
    assert "+12025550177" not in world.chat(group).participants
    world.leave_group(group)


def test_a_poll_is_sent_and_voted_in(world: IMessageClient) -> None:
    sent = world.send_poll(GROUP, "Where?", ["here", "there"])
    assert sent.state == "observed"
    assert world.vote(sent.guid, "There").state == "observed"
    assert world.vote(world.message(sent.guid), 1).state == "observed"
    world.vote(sent.guid, 1, remove=True)
    for option in ("nowhere", 3, 0):
        with pytest.raises(InvalidParams):
            world.vote(sent.guid, option)


def test_a_handle_is_looked_up_without_writing_to_it(world: IMessageClient) -> None:
    before = world.chats().chat_id.tolist()
    assert world.check_handle("+447700900364").is_available is True
    assert world.check_handle("+12025550166").is_available is False
    assert sorted(world.chats().chat_id.tolist()) == sorted(before)


ACTIONS: list[Callable[[IMessageClient, Message], object]] = [
    lambda client, message: client.react(message, "love"),
    lambda client, message: client.edit(client.send(DIRECT, "own").guid, "other"),
    lambda client, message: client.mark_unread(GROUP),
    lambda client, message: client.rename_group(GROUP, "x"),
    lambda client, message: client.send_poll(GROUP, "Where?", ["a", "b"]),
    lambda client, message: client.create_chat("+12025550171"),
    lambda client, message: client.check_handle("+12025550171"),
]


@pytest.mark.parametrize("act", ACTIONS, ids=[str(number) for number in range(len(ACTIONS))])
def test_what_needs_the_bridge_says_so(bare: IMessageClient, act: Callable[..., object]) -> None:
    with pytest.raises(Unsupported) as caught:
        act(bare, inbound(bare, DIRECT))
    assert "imsg launch" in caught.value.hint


def test_the_state_of_a_sent_message_can_be_asked(world: IMessageClient) -> None:
    guid = world.send(DIRECT, "how is it").guid
    world.call("sandbox.advance", {"seconds": 10})
    assert world.send_status(guid).send_state == "delivered"
