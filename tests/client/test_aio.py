"""The async twin: the same records, from any loop, without blocking it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import AsyncIMessageClient, IMessageClient
from imsg_sdk.columns import MESSAGES, TABLES
from imsg_sdk.errors import ClientClosed, NotFound, RequestTimeout
from imsg_sdk.frames.build import frame_from_records

LATE = Path(__file__).resolve().parents[1] / "hostile" / "children" / "answers_late.py"
SERVER = (sys.executable, "-m", "imsg_sdk.server")


def in_loop(body: Callable[[AsyncIMessageClient], Awaitable[Any]], client: AsyncIMessageClient) -> Any:
    async def main() -> Any:
        async with client:
            return await asyncio.wait_for(body(client), 60)

    return asyncio.run(main())


@pytest.fixture(params=["extended", "v1"])
def pair(request: pytest.FixtureRequest, database: Path) -> tuple[AsyncIMessageClient, IMessageClient]:
    """Return both clients of one kind of program, not connected yet."""
    if request.param == "extended":
        return AsyncIMessageClient.from_chat_db(database), IMessageClient.from_chat_db(database)
    return tuple(kind(cli_path=SERVER, db_path=database) for kind in (AsyncIMessageClient, IMessageClient))  # type: ignore[return-value]


def test_its_records_make_the_frames_of_the_sync_client(pair: tuple[AsyncIMessageClient, IMessageClient]) -> None:
    from pandas.testing import assert_frame_equal

    twin, sync = pair

    async def read(client: AsyncIMessageClient) -> dict[str, tuple[Any, ...]]:
        return {
            "messages": await client.messages(limit=None, attachments=True),
            "reactions": await client.reactions(limit=None),
            "attachments": await client.attachments(limit=None),
            "chats": await client.chats(),
            "participants": await client.participants(),
        }

    found = in_loop(read, twin)
    with sync:
        frames = {
            "messages": sync.messages(limit=None, attachments=True),
            "reactions": sync.reactions(limit=None),
            "attachments": sync.attachments(limit=None),
            "chats": sync.chats(),
            "participants": sync.participants(),
        }
    for name, records in found.items():
        assert isinstance(records, tuple)
        assert_frame_equal(frame_from_records(TABLES[name], records), frames[name], check_categorical=False)


def test_single_verbs_give_records(database: Path) -> None:
    async def read(client: AsyncIMessageClient) -> None:
        chat = (await client.chats(1))[0]
        assert (await client.chat(chat.chat_id)).guid == chat.guid
        newest = (await client.messages(chat.chat_id, limit=1))[0]
        assert newest.guid is not None
        assert (await client.message(newest.guid)).rowid == newest.rowid
        with pytest.raises(NotFound):
            await client.message("nothing")
        assert (await client.stats()).total_messages > 0
        assert (await client.send_status("nothing")).send_state == "pending"
        assert (await client.call("status"))["protocol_version"] == 1
        assert (await client.probe()).is_extended
        assert (await client.doctor()).ok
        assert isinstance(await client.edits(limit=None), tuple)
        assert len(await client.search("the", limit=3)) == 3

    in_loop(read, AsyncIMessageClient.from_chat_db(database))


def test_iteration_gives_every_message_once(database: Path) -> None:
    async def read(client: AsyncIMessageClient) -> None:
        found = [message.rowid async for message in client.iter_messages()]
        assert sorted(found) == sorted(message.rowid for message in await client.messages(limit=None))

    in_loop(read, AsyncIMessageClient.from_chat_db(database))


def test_many_calls_at_once_all_come_back(database: Path) -> None:
    """More than the 128 that a server takes at once."""

    async def read(client: AsyncIMessageClient) -> None:
        answers = await asyncio.gather(*(client.call("chats.list", {"limit": 1 + each % 5}) for each in range(300)))
        assert [len(answer["chats"]) for answer in answers] == [1 + each % 5 for each in range(300)]

    in_loop(read, AsyncIMessageClient(cli_path=SERVER, db_path=database))


def test_the_loop_runs_on_during_a_call() -> None:
    async def read(client: AsyncIMessageClient) -> None:
        slow = asyncio.ensure_future(client.call("slow"))
        await asyncio.sleep(0)
        assert not slow.done()
        assert (await client.call("status"))["to"] == "status"
        assert (await slow)["to"] == "slow"

    in_loop(read, AsyncIMessageClient(cli_path=[sys.executable, str(LATE)]))


def test_a_cancelled_call_is_forgotten_and_the_next_works() -> None:
    async def read(client: AsyncIMessageClient) -> None:
        slow = asyncio.ensure_future(client.call("slow"))
        await asyncio.sleep(0)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        assert (await client.call("status"))["to"] == "status"
        with pytest.raises(RequestTimeout):
            await client.call("slow", timeout_s=0.05)
        assert (await client.call("again"))["to"] == "again"

    in_loop(read, AsyncIMessageClient(cli_path=[sys.executable, str(LATE)]))


def test_closing_ends_what_is_awaited() -> None:
    async def read(client: AsyncIMessageClient) -> None:
        slow = asyncio.ensure_future(client.call("slow"))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(ClientClosed):
            await slow
        with pytest.raises(ClientClosed):
            await client.chats()

    in_loop(read, AsyncIMessageClient(cli_path=[sys.executable, str(LATE)]))


def test_a_client_outlives_the_loop_it_was_first_used_in(database: Path) -> None:
    client = AsyncIMessageClient.from_chat_db(database)
    assert asyncio.run(client.chats(1))
    assert asyncio.run(client.chats(1))
    asyncio.run(client.close())


def test_the_sync_client_works_inside_a_running_loop(database: Path) -> None:
    async def main() -> int:
        with IMessageClient.from_chat_db(database) as client:
            return len(client.messages(limit=5))

    assert asyncio.run(main()) == 5


def test_uvloop_will_do(database: Path) -> None:
    uvloop = pytest.importorskip("uvloop", reason="there is none for Windows")

    async def main() -> int:
        async with AsyncIMessageClient.from_chat_db(database) as client:
            return len(await client.messages(limit=5))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main()) == 5


def test_the_twin_has_every_verb_of_the_sync_client() -> None:
    def verbs(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert verbs(AsyncIMessageClient) == verbs(IMessageClient)
    for name in verbs(IMessageClient) - {"config", "is_closed", "from_chat_db", "sandbox", "over_ssh"}:
        assert getattr(AsyncIMessageClient, name).__doc__, name
        ours, theirs = (signature(getattr(kind, name)) for kind in (AsyncIMessageClient, IMessageClient))
        assert list(ours.parameters) == list(theirs.parameters), name
        assert not any(each.kind is each.VAR_KEYWORD for each in ours.parameters.values()), name
    assert MESSAGES.names
