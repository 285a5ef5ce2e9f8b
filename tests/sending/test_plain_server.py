"""A server without Messages sends nothing and changes nothing, and says what would."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.client.plan import run
from imsg_sdk.errors import AddressError, ClientClosed, InvalidParams, NotFound, SendError, SendRefused, Unsupported
from imsg_sdk.models import Message


def deliver(client: IMessageClient, params: dict[str, Any]) -> Any:
    """Send as a gateway does."""
    return run(client._sending[0].deliver(params))


SERVER = (sys.executable, "-m", "imsg_sdk.server")
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


@pytest.fixture(scope="module", params=["extended", "v1", "legacy"])
def plain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IMessageClient]:
    """Return a client of our server without a Messages."""
    database = tmp_path_factory.mktemp("plain") / "chat.db"
    shutil.copyfile(FIXTURES / "monterey.db", database)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        # An old program is read with a process per chat.
        connection.execute("DELETE FROM chat_message_join WHERE chat_id NOT IN (1, 3, 51)")
    if request.param == "extended":
        client = IMessageClient.from_chat_db(database)
    else:
        dialect = ("--dialect", "legacy") if request.param == "legacy" else ()
        client = IMessageClient(cli_path=[*SERVER, *dialect], db_path=database)
    with client:
        yield client


@pytest.fixture(scope="module")
def message(plain: IMessageClient) -> Message:
    """Return a message of somebody else in a chat."""
    chat_id = int(plain.chats(limit=1).chat_id.iloc[0])
    return next(each for each in plain.iter_messages(chat_id, limit=50) if not each.is_from_me and each.guid)


@pytest.fixture(scope="module")
def group(plain: IMessageClient) -> int:
    """Return the id of a group."""
    chats = plain.chats()
    return int(chats[chats.is_group & (chats.n_participants > 1)].chat_id.iloc[0])


def test_sending_is_refused_with_the_remedy(plain: IMessageClient, message: Message) -> None:
    for send in (
        lambda: plain.send(message.chat_id, "hello"),
        lambda: plain.reply(message, "hello"),
        lambda: plain.send_file(message.chat_id, __file__),
        lambda: plain.send("+12025550199", "hello"),
    ):
        with pytest.raises(SendRefused) as caught:
            send()
        assert not caught.value.retry_safe
        assert "on a Mac" in caught.value.hint


def test_a_rehearsal_says_that_nothing_can_be_sent(plain: IMessageClient, message: Message) -> None:
    """Old programs say so when they are asked to send only."""
    is_told = plain.probe().generation != "legacy"
    frame = plain.send_many([{"target": message.chat_id, "text": "hello"}, {"target": "Mum", "text": "hello"}])
    assert frame.state.tolist() == ["refused" if is_told else "planned", "refused"]
    assert frame.chat_id.tolist()[0] == message.chat_id
    assert "names are never looked up" in frame.problem[1]
    if not is_told:
        assert plain.send(message.chat_id, "hello", dry_run=True).state == "planned"
        return
    assert "on a Mac" in frame.problem[0]
    with pytest.raises(SendRefused) as caught:
        plain.send(message.chat_id, "hello", dry_run=True)
    assert "on a Mac" in caught.value.hint


ACTIONS: list[tuple[str, Callable[[IMessageClient, Message, int], object]]] = [
    ("react", lambda client, message, group: client.react(message, "love")),
    ("delete_message", lambda client, message, group: client.delete_message(message)),
    ("mark_unread", lambda client, message, group: client.mark_unread(group)),
    ("typing", lambda client, message, group: client.typing(group)),
    ("create_chat", lambda client, message, group: client.create_chat(["+12025550199", "+12025550198"])),
    ("rename_group", lambda client, message, group: client.rename_group(group, "Name")),
    ("set_group_icon", lambda client, message, group: client.set_group_icon(group, None)),
    ("add_participant", lambda client, message, group: client.add_participant(group, "+12025550199")),
    ("leave_group", lambda client, message, group: client.leave_group(group)),
    ("delete_chat", lambda client, message, group: client.delete_chat(group)),
    ("send_poll", lambda client, message, group: client.send_poll(group, "Where?", ["here", "there"])),
    ("check_handle", lambda client, message, group: client.check_handle("+12025550199")),
]


@pytest.mark.parametrize("act", [act for _, act in ACTIONS], ids=[name for name, _ in ACTIONS])
def test_an_action_says_what_would_make_it_available(
    plain: IMessageClient, message: Message, group: int, act: Callable[..., object]
) -> None:
    with pytest.raises(Unsupported) as caught:
        act(plain, message, group)
    assert "Mac" in caught.value.hint or "imsg launch" in caught.value.hint


WRONG: list[tuple[type[Exception], Callable[[IMessageClient, Message, int], object]]] = [
    (AddressError, lambda client, message, group: client.send(10**9, "x")),
    (AddressError, lambda client, message, group: client.send("Mum", "x")),
    (AddressError, lambda client, message, group: client.send([group, 1], "x")),
    (AddressError, lambda client, message, group: client.send("+12025550199, +12025550198", "x")),
    (SendRefused, lambda client, message, group: client.send(group, " ")),
    (SendRefused, lambda client, message, group: client.send(group)),
    (SendRefused, lambda client, message, group: client.send_file(group, "/no/such/file")),
    (InvalidParams, lambda client, message, group: client.send(group, "x", service="carrier pigeon")),
    (InvalidParams, lambda client, message, group: client.send(group, "x", transport="balloon")),
    (NotFound, lambda client, message, group: client.reply("a guid", "x")),
    (InvalidParams, lambda client, message, group: client.reply(5, "x")),
    (InvalidParams, lambda client, message, group: client.react(message, "nice")),
    (InvalidParams, lambda client, message, group: client.react(message, "")),
    (InvalidParams, lambda client, message, group: client.react(message, "👍👍")),
    (InvalidParams, lambda client, message, group: client.react(message, "love", part=-1)),
    (NotFound, lambda client, message, group: client.react("no such guid", "love")),
    (SendRefused, lambda client, message, group: client.edit(message, "x")),
    (SendRefused, lambda client, message, group: client.edit(message, "")),
    (SendRefused, lambda client, message, group: client.unsend(message)),
    (AddressError, lambda client, message, group: client.mark_read("+12025550199")),
    (AddressError, lambda client, message, group: client.create_chat([])),
    (AddressError, lambda client, message, group: client.create_chat(["Mum"])),
    (AddressError, lambda client, message, group: client.create_chat(["+12025550199", "(202) 555-0199"])),
    (AddressError, lambda client, message, group: client.create_chat(["ada@example.org", "Ada@Example.org"])),
    (AddressError, lambda client, message, group: client.remove_participant(group, "+12025550199")),
    (InvalidParams, lambda client, message, group: client.send_poll(group, "Where?", ["here"])),
    (InvalidParams, lambda client, message, group: client.send_poll(group, "Where?", ["here", "Here "])),
    (SendRefused, lambda client, message, group: client.send_poll(group, "", ["a", "b"])),
    (AddressError, lambda client, message, group: client.check_handle("Mum")),
]


@pytest.mark.parametrize(("kind", "act"), WRONG, ids=[str(number) for number in range(len(WRONG))])
def test_wrong_input_is_named(
    plain: IMessageClient, message: Message, group: int, kind: type[Exception], act: Callable[..., object]
) -> None:
    with pytest.raises(kind) as caught:
        act(plain, message, group)
    assert getattr(caught.value, "hint", "")


def test_a_reply_in_a_thread_stays_in_its_chat(plain: IMessageClient, message: Message, group: int) -> None:
    chats = plain.chats()
    other = next(int(each) for each in chats.chat_id if each not in message.chat_ids)
    with pytest.raises(SendRefused) as caught:
        plain.send(other, "x", reply_to=message)
    assert "another chat" in caught.value.message


def test_a_direct_chat_is_no_group(plain: IMessageClient) -> None:
    chats = plain.chats()
    direct = int(chats[~chats.is_group & (chats.n_participants == 1)].chat_id.iloc[0])
    for act in (plain.leave_group, lambda chat: plain.rename_group(chat, "x")):
        with pytest.raises(AddressError):
            act(direct)


def test_a_closed_client_does_nothing(tmp_path: Path) -> None:
    shutil.copyfile(FIXTURES / "monterey.db", tmp_path / "chat.db")
    client = IMessageClient.from_chat_db(tmp_path / "chat.db")
    client.close()
    calls: list[Callable[[], Any]] = [
        lambda: client.send(1, "x"),
        lambda: client.send("not even a target", ""),
        lambda: client.react("G", "love"),
        lambda: client.mark_read(1),
        lambda: client.create_chat("+12025550199"),
        lambda: client.check_handle("+12025550199"),
        lambda: deliver(client, {"chat_id": 1, "text": "x"}),
    ]
    for call in calls:
        with pytest.raises(ClientClosed):
            call()


def test_an_error_of_sending_shows_no_private_text(plain: IMessageClient, message: Message) -> None:
    secret, handle = "the code is 4711", "+12025550199"
    with pytest.raises(SendError) as caught:
        plain.send(handle, secret)
    shown = f"{caught.value} {caught.value!r} {caught.value.target}"
    assert secret not in shown
    assert handle not in shown
