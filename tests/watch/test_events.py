"""Events of the bridge come as they happen, through restarts, and are refused where there is no bridge."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.errors import Unsupported
from imsg_sdk.testing import Sandbox

ADA = "+15550001001"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Return a make-believe Messages with one chat."""
    with Sandbox() as made:
        made.receive(ADA, "hello")
        yield made


def test_events_are_handed_out_as_they_happen(sandbox: Sandbox, reading: Any) -> None:
    with sandbox.client(extended=False) as client, client.bridge_events() as events:
        assert events.get(0) is None
        # A subscription begins at the end of the log a little after its answer, as in the program.
        while (event := events.get(0.2)) is None:
            sandbox.typing(ADA)
        assert event.event
        assert event.at is not None
        assert ADA not in repr(event)
        assert ADA not in repr(events)
        reading.kill(client)
        while events.get(0.2) is None:
            sandbox.typing(ADA)
        events.close()
        assert list(events) == []


def test_the_twin_hands_out_the_same(sandbox: Sandbox) -> None:
    async def main() -> None:
        async with sandbox.async_client(extended=False) as client, client.bridge_events() as events:
            while await events.get(0.2) is None:
                sandbox.typing(ADA)
            assert "AsyncBridgeEvents" in repr(events)

    asyncio.run(main())


def test_without_a_bridge_they_are_refused(db: Any, client: IMessageClient) -> None:
    with pytest.raises(Unsupported) as caught:
        client.bridge_events()
    assert caught.value.hint
    with Sandbox(bridge=False) as without, without.client(extended=False) as asleep:
        with pytest.raises(Unsupported) as caught:
            asleep.bridge_events()
        assert "imsg launch" in caught.value.hint
