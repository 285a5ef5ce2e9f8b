"""A watch through every fault of subscriptions, rows and files: each message once, in the order of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from imsg_sdk import IMessageClient, Message, Watch
from imsg_sdk.client.watching import opening
from imsg_sdk.client.watching.feed import Timing
from imsg_sdk.testing import Sandbox

WAIT_S = 15.0
QUICK = Timing(check_s=0.1, grace_s=0.1, real_grace_s=0.2, first_look_s=0.05, longest_look_s=0.2)
N = 4


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every watch look around often, so that no test waits for it."""
    monkeypatch.setattr(opening, "Timing", lambda: msgspec.structs.replace(QUICK))


def read(watch: Watch, count: int) -> list[Message]:
    messages = []
    for _ in range(count):
        message = watch.get(WAIT_S)
        assert message is not None, watch.status()
        messages.append(message)
    return messages


def nothing_more(watch: Watch) -> None:
    assert watch.get(0.1) is None


def texts(messages: list[Message]) -> list[str | None]:
    return [message.text for message in messages]


FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("early_notification", {}),
    ("silent_watch", {"after": 2}),
    ("silent_watch", {"after": 1, "every": 3, "times": 2}),
    ("repeated_notification", {"times": None}),
    ("watch_error", {"after": 2}),
    ("watch_error", {"method": "watch.subscribe"}),
    ("watch_overflow", {"after": 1, "every": 2, "times": 2}),
    ("chat_id_zero", {"times": None}),
    ("exit", {"method": "message", "text": "3", "point": "done"}),
    ("exit", {"method": "message", "text": "3", "point": "answer"}),
    ("exit", {"method": "message", "text": "3", "point": "answered"}),
    ("exit", {"method": "message", "signal": 9, "after": 2, "every": 2, "times": 2}),
    ("partial_line", {"method": "message", "pieces": 7, "times": None}),
    ("partial_line", {"method": "message", "text": "3", "then": "exit"}),
    ("partial_line", {"method": "message", "text": "3", "then": "hang"}),
    ("garbage_line", {"method": "message", "kind": "cut", "times": None}),
    ("garbage_line", {"method": "message", "kind": "binary", "times": None}),
    ("refused", {"method": "watch.subscribe"}),
    ("hang", {"method": "watch.subscribe"}),
    ("database_rotated", {"is_silent": True}),
    ("database_replaced", {}),
    ("database_replaced", {"is_silent": True}),
]


IN_BOTH = {0, 1, 4, 8, 9, 11, 13, 15, 19, 21}
CASES = [
    pytest.param(dialect, name, options, id=f"{name}-{n}-{dialect}")
    for n, (name, options) in enumerate(FAULTS)
    for dialect in ("v1", "legacy")
    if dialect == "v1" or n in IN_BOTH
]


@pytest.mark.parametrize(("dialect", "fault", "options"), CASES)
def test_every_message_is_handed_out_once_and_in_order(
    worlds: Callable[[str], Sandbox],
    clients: Callable[[str], IMessageClient],
    dialect: str,
    fault: str,
    options: dict[str, Any],
    ada: str,
) -> None:
    sandbox = worlds(dialect)
    client = clients(dialect)
    asks_first = options.get("method") == "watch.subscribe" or fault == "early_notification"
    if asks_first:
        sandbox.fault(fault, **options)
    with client.watch() as watch:
        if not asks_first:
            sandbox.receive(ada, "0")
            assert texts(read(watch, 1)) == ["0"]
            sandbox.fault(fault, **options)
        for number in range(1, N + 1):
            sandbox.receive(ada, str(number))
        found = read(watch, N)
        assert texts(found) == [str(number) for number in range(1, N + 1)]
        assert {message.chat_id for message in found} == {1}
        nothing_more(watch)
    sandbox.clear_faults()


@pytest.mark.parametrize("dialect", ["v1", "legacy"])
@pytest.mark.parametrize("fault", ["lost_notification", "chat_id_zero"])
def test_a_message_that_is_not_reported_in_time_comes_when_it_is_found(
    worlds: Callable[[str], Sandbox], clients: Callable[[str], IMessageClient], dialect: str, fault: str, ada: str
) -> None:
    sandbox = worlds(dialect)
    with clients(dialect).watch() as watch:
        sandbox.fault(fault, text="3")
        rows = [sandbox.receive(ada, str(number)).rowid for number in range(1, N + 1)]
        found = read(watch, N)
        assert sorted(message.rowid for message in found) == rows
        assert [text for text in texts(found) if text != "3"] == ["1", "2", "4"]
        nothing_more(watch)
    sandbox.clear_faults()


@pytest.mark.parametrize("dialect", ["v1", "legacy"])
@pytest.mark.parametrize("point", ["request", "answer"])
def test_a_subscription_that_ended_the_program_is_tried_again(
    worlds: Callable[[str], Sandbox], dialect: str, point: str, ada: str
) -> None:
    sandbox = worlds(dialect)
    client = sandbox.client(extended=False)
    fault = sandbox.fault("exit", method="watch.subscribe", point=point)
    with client.watch() as watch:
        sandbox.receive(ada, "after all")
        assert texts(read(watch, 1)) == ["after all"]
        nothing_more(watch)  # what came by a page comes before the subscription is asked for
        sandbox.receive(ada, "and after that")
        assert texts(read(watch, 1)) == ["and after that"]
    assert fault.fired == 1
    sandbox.clear_faults()
    client.close()


@pytest.fixture(scope="module")
def clients(worlds: Callable[[str], Sandbox]) -> Callable[[str], IMessageClient]:
    """Return one client for each dialect: what a child dies of, the next one of the same client must outlive."""
    made: dict[str, IMessageClient] = {}

    def client(dialect: str) -> IMessageClient:
        if dialect not in made:
            made[dialect] = worlds(dialect).client(extended=False, read_timeout_s=0.8)
        return made[dialect]

    return client


@pytest.fixture(scope="module")
def worlds() -> Any:
    """Return one sandbox for each dialect, with one chat."""
    made: dict[str, Sandbox] = {}

    def world(dialect: str) -> Sandbox:
        if dialect not in made:
            made[dialect] = Sandbox(dialect=dialect).make()
            made[dialect].receive("+15550001001", "hello")
        return made[dialect]

    yield world
    for each in made.values():
        each.close()


@pytest.mark.parametrize("dialect", ["v1", "legacy"])
def test_a_row_that_is_linked_a_minute_late_is_found(worlds: Callable[[str], Sandbox], dialect: str, ada: str) -> None:
    sandbox = worlds(dialect)
    client = sandbox.client(extended=False)
    with client.watch() as watch:
        with sandbox.fault("late_link", text="late"):
            sandbox.receive(ada, "the late one")
            sandbox.receive(ada, "in time")
            assert texts(read(watch, 1)) == ["in time"]
            sandbox.advance(60)
            assert texts(read(watch, 1)) == ["the late one"]
        nothing_more(watch)
    client.close()


def test_a_message_of_two_chats_is_handed_out_once(imsg_sandbox: Sandbox, ada: str, ben: str) -> None:
    imsg_sandbox.receive(ada, "hello")
    imsg_sandbox.receive(ben, "hello")
    client = imsg_sandbox.client(extended=False)
    imsg_sandbox.fault("two_chats", text="both")
    with client.watch() as watch:
        imsg_sandbox.receive(ben, "for both")
        imsg_sandbox.receive(ada, "after")
        assert texts(read(watch, 2)) == ["for both", "after"]
        nothing_more(watch)


def test_catching_up_survives_pages_that_end_the_program(imsg_sandbox: Sandbox, ada: str, ben: str) -> None:
    imsg_sandbox.receive(ada, "0")
    imsg_sandbox.receive(ben, "1")
    imsg_sandbox.fault("two_chats", text="both", times=None)
    expected = [imsg_sandbox.receive(ada, "2 both" if number % 7 == 3 else "2").rowid for number in range(40)]
    fault = imsg_sandbox.fault("dies_on_two_chats")
    client = imsg_sandbox.client(extended=False)
    with client.watch(since=2) as watch:
        assert [message.rowid for message in read(watch, len(expected))] == expected
        nothing_more(watch)
    assert fault.fired >= 1


def test_a_flood_of_old_messages_comes_whole(imsg_sandbox: Sandbox, imsg_client: IMessageClient, ada: str) -> None:
    with imsg_client.watch() as watch:
        imsg_sandbox.fault("backlog_flush", sender=ada, rows=250)
        found = read(watch, 250)
        assert texts(found) == [f"an old message {number + 1}" for number in range(250)]
        nothing_more(watch)


def test_an_own_message_that_looks_foreign_is_what_the_program_says(imsg_sandbox: Sandbox, ada: str) -> None:
    imsg_sandbox.receive(ada, "hello")
    imsg_sandbox.fault("late_is_from_me")
    client = imsg_sandbox.client(extended=False)
    with client.watch() as watch:
        client.send(ada, "mine")
        (message,) = read(watch, 1)
        assert message.text == "mine"
    imsg_sandbox.run_until_idle()
    assert client.message(message.guid).is_from_me is True


def test_the_echo_of_an_own_message_is_a_message(imsg_sandbox: Sandbox, ada: str) -> None:
    imsg_sandbox.receive(ada, "hello")
    imsg_sandbox.fault("self_chat_pair")
    client = imsg_sandbox.client(extended=False)
    with client.watch() as watch:
        client.send(ada, "echo")
        imsg_sandbox.run_until_idle()
        assert [(message.text, message.is_from_me) for message in read(watch, 2)] == [("echo", True), ("echo", False)]


def test_a_link_and_its_preview_are_what_the_program_says(imsg_sandbox: Sandbox, ada: str) -> None:
    imsg_sandbox.fault("url_preview_pair", seconds=0, is_reported_apart=True)
    client = imsg_sandbox.client(extended=False, dialect="legacy")
    with client.watch() as watch:
        arrival = imsg_sandbox.receive(ada, "https://example.org/page")
        imsg_sandbox.receive(ada, "after")
        rows = [message.rowid for message in read(watch, 3)]
        assert rows == [arrival.rowid, arrival.rowid + 1, arrival.rowid + 2]


def test_a_database_that_is_gone_is_waited_for(imsg_sandbox: Sandbox, ada: str) -> None:
    imsg_sandbox.receive(ada, "hello")
    client = imsg_sandbox.client(extended=False)
    with client.watch() as watch:
        imsg_sandbox.fault("database_missing", seconds=30)
        nothing_more(watch)
        imsg_sandbox.advance(30)
        imsg_sandbox.receive(ada, "back again")
        assert texts(read(watch, 1)) == ["back again"]


@pytest.mark.parametrize("fault", ["database_locked", "permission_lost"])
@pytest.mark.parametrize("dialect", ["v1", "legacy"])
def test_what_cannot_be_read_for_a_while_is_read_afterwards(
    worlds: Callable[[str], Sandbox], fault: str, dialect: str, ada: str
) -> None:
    sandbox = worlds(dialect)
    client = sandbox.client(extended=False)
    with client.watch() as watch:
        with sandbox.fault(fault):
            sandbox.receive(ada, "unseen")
            sandbox.receive(ada, "unseen too")
            assert watch.get(0.3) is None
            assert watch.status().last_error is not None
        assert texts(read(watch, 2)) == ["unseen", "unseen too"]
        nothing_more(watch)
    client.close()
