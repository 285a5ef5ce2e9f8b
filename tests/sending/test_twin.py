"""The asynchronous client sends as the other does; settings reach both."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from imsg_sdk import AsyncIMessageClient, IMessageClient
from imsg_sdk.client.embedding import ClientProgram
from imsg_sdk.errors import AddressError, ClientClosed, SendRefused, SendUncertain
from imsg_sdk.testing import Sandbox

ADA = "+15550001001"


def twin(scripted: Any, **settings: Any) -> AsyncIMessageClient:
    """Return an asynchronous client of the scripted program."""
    program = list(scripted.client._core.pool.backend.program)
    client = AsyncIMessageClient({}, cli_path=program, close_timeout_s=0.3, send_timeout_s=0.5, **settings)
    client._sending[0]._settle_timeout_s = 0.1
    return client


def test_the_twin_sends_and_refuses_the_same(scripted: Any) -> None:
    async def talk() -> None:
        async with twin(scripted) as client:
            assert (await client.send(3, "one")).state == "observed"
            assert (await client.send_file("+12025550117", __file__)).state == "observed"
            message = await client.message("ROW-100")
            assert (await client.reply(message, "three")).chat_id == 3
            assert (await client.reply("ROW-100", "again")).chat_id == 3
            with pytest.raises(AddressError):
                await client.send("Mum", "x")
            with pytest.raises(SendRefused):
                await client.send(3, " ")
            await client.react(message, "love")
            scripted.script({"then": "die"})
            program = ClientProgram(client, max_file_mb=1, owns_client=False)
            with pytest.raises(SendUncertain):
                await program.deliver({"chat_id": 3, "text": "four"}, attempt_id="A")
            settled = await program.settle({"chat_id": 3, "text": "four"}, after_rowid=100, attempt_id="A", claimed=())
            assert settled is None
        with pytest.raises(ClientClosed):
            await client.send(3, "five")

    asyncio.run(talk())
    assert [each["method"] for each in scripted.asked] == ["send"] * 4 + ["tapback", "send"]


def test_many_at_once_go_out_one_by_one(scripted: Any) -> None:
    async def talk() -> list[Any]:
        async with twin(scripted) as client:
            return await asyncio.gather(*(client.send(3, f"text {number}") for number in range(8)))

    results = asyncio.run(talk())
    assert sorted(result.rowid for result in results) == list(range(100, 108))
    assert sorted(scripted.texts) == [f"text {number}" for number in range(8)]


def test_a_send_that_is_cancelled_is_not_taken_back_and_not_repeated(scripted: Any) -> None:
    scripted.script({"row": True, "then": "hang"}, {"row": True})

    async def talk() -> Any:
        async with twin(scripted) as client:
            task = asyncio.create_task(client.send(3, "first"))
            await asyncio.to_thread(scripted.wait_until_asked)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert "may have been carried out" in " ".join(caught.value.__notes__)
            return await client.send(4, "second")

    assert asyncio.run(talk()).state == "observed"
    assert scripted.texts == ["first", "second"]


def test_an_interrupted_send_says_that_it_may_have_gone_out(scripted: Any) -> None:
    from imsg_sdk.client.plan import Wait

    scripted.client.connect()
    plan = scripted.client._sending[0].deliver({"chat_id": 3, "text": "hello"})
    scripted.script({"then": "hang"})
    step = next(plan)
    while not (isinstance(step, Wait) and getattr(step.future, "method", "") == "send"):
        step = plan.send(step.future.result(10))
    with pytest.raises(KeyboardInterrupt) as caught:
        plan.throw(KeyboardInterrupt())
    assert caught.value.__notes__
    step.forget()


def test_settings_of_the_file_hold_for_sending(scripted: Any) -> None:
    program = list(scripted.client._core.pool.backend.program)
    settings = {"imessage": {"textChunkLimit": 5, "mediaMaxMb": 0.00001, "sendTransport": "applescript"}}
    with IMessageClient(settings, cli_path=program, close_timeout_s=0.3) as client:
        assert len(client.send(3, "abc def").parts) == 2
        with pytest.raises(SendRefused):
            client.send_file(3, __file__)
    assert [each["params"]["transport"] for each in scripted.asked] == ["applescript"] * 2
    assert scripted.texts == ["abc", "def"]


def test_actions_of_the_twin_reach_the_world() -> None:
    async def talk(client: AsyncIMessageClient, chat_id: int, guid: str) -> None:
        async with client:
            await client.react(guid, "love")
            own = await client.send(chat_id, "tpyo")
            await client.edit(own.guid, "typo")
            await client.typing(chat_id)
            await client.mark_read(chat_id)
            await client.mark_unread(chat_id)
            made = await client.create_chat([ADA, "+15550001002"], name="Us")
            group = (await client.send(made, "hello both")).chat_id
            await client.rename_group(group, "Both")
            await client.add_participant(group, "+15550001003")
            await client.remove_participant(group, "+15550001003")
            await client.set_group_icon(group, None)
            poll = await client.send_poll(group, "Where?", ["here", "there"])
            await client.vote(poll.guid, 1)
            await client.vote(poll.guid, 1, remove=True)
            assert (await client.check_handle(ADA)).is_available
            await client.unsend(own.guid)
            await client.delete_message(guid)
            await client.leave_group(group)
            await client.delete_chat(chat_id)
            assert [row.state for row in await client.send_many([{"target": group, "text": "x"}])] == ["planned"]

    with Sandbox() as box:
        first = box.receive(ADA, "hello")
        asyncio.run(talk(box.async_client(), first.chat_id, first.guid))
        methods = [act.method for act in box.acts()]
    assert methods[:4] == ["tapback", "send.tracked", "message.edit", "typing"]
    assert len(methods) == 20


def test_both_clients_have_the_same_verbs() -> None:
    def verbs(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_") and callable(getattr(kind, name))}

    assert verbs(IMessageClient) == verbs(AsyncIMessageClient)


def test_two_threads_may_send_at_once(scripted: Any) -> None:
    barrier = threading.Barrier(2)
    results: list[Any] = []

    def send(text: str) -> None:
        barrier.wait(5)
        results.append(scripted.client.send(3, text))

    threads = [threading.Thread(target=send, args=(text,), daemon=True) for text in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(scripted.texts) == ["a", "b"]
    assert {result.state for result in results} == {"observed"}
