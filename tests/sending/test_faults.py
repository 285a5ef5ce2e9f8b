"""What goes wrong while something is sent: the right result or the right error, and never a second message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.errors import SendFailed, SendUncertain
from imsg_sdk.testing import Sandbox

ADA, BEN = "+15550001001", "+15550001002"
PEOPLE = [{"name": "Ada", "addresses": [ADA]}, {"name": "Ben", "addresses": [BEN]}]


@pytest.fixture(scope="module", params=["v1", "legacy"])
def shared(request: pytest.FixtureRequest) -> Iterator[tuple[Sandbox, IMessageClient]]:
    """Return a world with two people, and a client that speaks as the real program does."""
    with Sandbox(people=PEOPLE, dialect=request.param) as box:
        for person in (ADA, BEN):
            box.receive(person, "hello")
        client = box.client(extended=False, send_timeout_s=1.0, close_timeout_s=0.5)
        client._sending[0]._settle_timeout_s = 0.2
        yield box, client


@pytest.fixture
def box(shared: tuple[Sandbox, IMessageClient]) -> Iterator[Sandbox]:
    """Return the world without faults."""
    yield shared[0]
    shared[0].clear_faults()


@pytest.fixture
def client(shared: tuple[Sandbox, IMessageClient], box: Sandbox) -> IMessageClient:
    """Return the client."""
    return shared[1]


def arrived(box: Sandbox, text: str) -> list[tuple[str, ...]]:
    """Return who got a text, for each time that it went out."""
    return [sent.recipients for sent in box.sent() if sent.text == text and sent.rowid is not None]


ARRIVES: list[tuple[str, dict[str, Any]]] = [
    ("uncertain_delivery", {"arrives": True}),
    ("uncertain_delivery", {"arrives": True, "disposition": "still_in_flight"}),
    ("no_guid", {}),
    ("exit", {"point": "done"}),
    ("exit", {"point": "answer"}),
    ("garbage_line", {}),
    ("partial_line", {}),
]
"""Faults that a message survives; the client must find that out."""


@pytest.mark.parametrize(("name", "options"), ARRIVES, ids=str)
def test_a_message_that_arrived_is_observed(
    box: Sandbox, client: IMessageClient, name: str, options: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    text = request.node.name
    with box.fault(name, method="send*", **options) as fault:
        result = client.send(ADA, text)
        assert fault.fired
    assert result.state == "observed"
    assert arrived(box, text) == [(ADA,)]
    assert [message.rowid for message in client.iter_messages(ADA) if message.text == text] == [result.rowid]


LOST: list[tuple[str, dict[str, Any]]] = [
    ("uncertain_delivery", {"arrives": False}),
    ("uncertain_delivery", {"arrives": False, "disposition": "still_in_flight"}),
    ("exit", {"point": "request"}),
    ("hang", {}),
]
"""Faults after which nobody can know; nothing arrived."""


@pytest.mark.parametrize(("name", "options"), LOST, ids=str)
def test_a_message_that_may_have_been_lost_is_uncertain(
    box: Sandbox, client: IMessageClient, name: str, options: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    text = request.node.name
    with box.fault(name, method="send*", **options) as fault:
        with pytest.raises(SendUncertain) as caught:
            client.send(ADA, text)
        assert fault.fired == 1
    assert not caught.value.retry_safe
    # One that hung may go out while its child is ended: that is what uncertain means.
    assert arrived(box, text) in ([], [(ADA,)] if name == "hang" else [])
    assert client.send(BEN, f"after {text}").state == "observed"
    assert arrived(box, f"after {text}") == [(BEN,)]


def test_what_was_not_started_may_be_tried_again(box: Sandbox, client: IMessageClient) -> None:
    fault = box.fault("uncertain_delivery", disposition="not_started", times=None)
    with fault, pytest.raises(SendFailed) as caught:
        client.send(ADA, "not yet")
    assert caught.value.retry_safe
    assert client.send(ADA, "not yet").state == "observed"
    assert arrived(box, "not yet") == [(ADA,)]


def test_a_message_that_arrives_late_stays_uncertain_and_is_found_later(box: Sandbox, client: IMessageClient) -> None:
    with box.fault("uncertain_delivery", arrives=30), pytest.raises(SendUncertain):
        client.send(ADA, "slow post")
    box.advance(31)
    assert arrived(box, "slow post") == [(ADA,)]
    rows = [{"target": ADA, "text": "slow post"}]
    assert client.send_many(rows).state.tolist() == ["planned"]  # a list knows of no other sends


def test_a_ghost_of_a_message_is_uncertain(box: Sandbox, client: IMessageClient) -> None:
    with box.fault("ghost_row", method="send*") as fault:
        try:
            client.send("chat_id:1", "boo", transport="applescript")
        except SendUncertain:
            assert fault.fired
        else:
            pytest.fail("a ghost is no message")


def test_a_list_in_bad_weather_reaches_everybody_once_or_says_so(
    box: Sandbox, client: IMessageClient, tmp_path: Path
) -> None:
    client._core.pool._slots["send"].quick_deaths = 0  # nobody waits here for a program that dies often
    rows = [{"target": (ADA, BEN)[number % 2], "text": f"weather {number}"} for number in range(10)]
    options: dict[str, Any] = {"ledger": tmp_path / "list.ledger", "dry_run": False, "per_minute": None}
    box.fault("exit", method="send*", point="done", every=6, times=None)
    box.fault("uncertain_delivery", arrives=False, every=7, times=None)
    box.fault("uncertain_delivery", disposition="not_started", arrives=False, every=4, times=None)
    client.send_many(rows, max_failures=99, **options)
    box.clear_faults()
    frame = client.send_many(rows, **options)
    counts = Counter(
        sent.text for sent in box.sent() if sent.rowid is not None and str(sent.text).startswith("weather")
    )
    assert set(counts.values()) == {1}
    assert set(frame.state) <= {"observed", "uncertain"}
    missing = {row["text"] for row in rows} - set(counts)
    assert missing == {row["text"] for row, state in zip(rows, frame.state, strict=True) if state == "uncertain"}
