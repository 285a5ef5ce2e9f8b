"""A start that is given up, or does not come about: nothing is left running, and no wait is without end."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.errors import InvalidParams, RequestTimeout, UsageError
from imsg_sdk.gateway import GatewayState
from imsg_sdk.gateway.live import runner
from imsg_sdk.models import Message

WAIT_S = 5.0


def never_ready(program: Any) -> None:
    program.start_errors += [RequestTimeout("not yet") for _ in range(1000)]


def test_a_start_that_waits_for_its_program_can_be_stopped(program: Any, make_gateway: Any, until: Any) -> None:
    never_ready(program)
    gateway = make_gateway(handler=lambda context: "ok")
    starting = threading.Thread(target=gateway.start)
    starting.start()
    until(lambda: gateway.status().last_error)
    gateway.stop()
    starting.join(WAIT_S)
    assert not starting.is_alive()
    assert gateway.status().state is GatewayState.STOPPED


def test_a_gateway_that_is_ending_can_be_started_again(program: Any, make_gateway: Any, until: Any) -> None:
    gateway = make_gateway()
    gateway.on_message(lambda context: gateway.stop() or "goodbye")
    gateway.start()
    program.receive()
    until(lambda: program.sends)
    gateway.start()
    program.receive()
    until(lambda: len(program.sends) == 2)


def test_of_several_threads_that_start_it_one_does(program: Any, make_gateway: Any) -> None:
    gateway = make_gateway(handler=lambda context: "ok")
    barrier = threading.Barrier(4)

    def start() -> None:
        barrier.wait(WAIT_S)
        gateway.start()

    with ThreadPoolExecutor(4) as threads:
        for begun in [threads.submit(start) for _ in range(4)]:
            begun.result(WAIT_S)
    gateway.drain(through=program.receive())
    gateway.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "imsg-gateway" and thread.is_alive()]
    assert len(program.sends) == 1


def test_at_a_prompt_a_gateway_takes_the_place_of_the_one_before(
    program: Any, make_gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    held = make_gateway(handler=lambda context: "old")
    held.start()
    again = make_gateway(handler=lambda context: "new")
    again.start()
    assert held.status().state is GatewayState.STOPPED
    again.drain(through=program.receive())
    assert [send["text"] for send in program.sends] == ["new"]


async def enter(gateway: Any) -> None:
    async with gateway:
        pass


async def serve(gateway: Any) -> None:
    await gateway.serve()


@pytest.mark.parametrize("begin", [enter, serve])
@pytest.mark.parametrize("asked", [False, True])
def test_a_cancelled_start_leaves_nothing_running(program: Any, make_gateway: Any, begin: Any, asked: bool) -> None:
    never_ready(program)
    gateway = make_gateway(handler=lambda context: "ok")

    async def main() -> None:
        task = asyncio.create_task(begin(gateway))
        await asyncio.sleep(0)
        while asked and len(program.start_errors) == 1000:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, WAIT_S)

    asyncio.run(main())
    program.start_errors.clear()
    assert gateway.status().state is GatewayState.STOPPED
    with make_gateway(handler=lambda context: "ok") as another:  # and the state is free
        another.drain(through=program.receive())
    assert len(program.sends) == 1


def test_an_event_loop_is_not_blocked_unawares(make_gateway: Any) -> None:
    gateway = make_gateway(handler=lambda context: "ok")

    async def main() -> None:
        gateway.run()

    with pytest.raises(UsageError, match="would block the event loop"):
        asyncio.run(main())
    assert gateway.status().state is GatewayState.STOPPED


def test_waiting_for_the_program_ends_even_where_the_clock_stands_still(
    program: Any, make_gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_READY_S", 0.6)
    never_ready(program)
    with pytest.raises(RequestTimeout):
        make_gateway().start()


def test_a_start_with_more_to_do_than_can_wait_returns(program: Any, make_gateway: Any, until: Any) -> None:
    config = {"imessage": {"allowFrom": ["*"], "dmPolicy": "open", "limits": {"queuedMessages": 2}}}
    go_on = threading.Event()

    def slow(context: Any) -> None:
        go_on.wait(2 * WAIT_S)

    with make_gateway(config, handler=slow) as gateway:
        for chat_id in range(1, 9):
            program.receive(chat_id=chat_id)
        until(lambda: gateway.status().waiting >= 2)
        gateway.stop(0.2)
        beginning = time.monotonic()
        gateway.start()
        assert time.monotonic() - beginning < WAIT_S
        go_on.set()
        gateway.drain()


def test_old_texts_are_forgotten_by_short_runs_too(program: Any, make_gateway: Any, clock: Any, until: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive("a secret"))
    clock.move(timedelta(days=8).total_seconds())
    with make_gateway(handler=lambda context: "ok") as gateway:
        until(lambda: [row.text for row in gateway._reader().decisions()] == [None])


def test_the_end_of_the_interpreter_starts_no_thread(
    program: Any, make_gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")  # as from Python 3.12 on

    async def close() -> None:
        await asyncio.to_thread(int)  # as of a client that is the gateway's own

    program.close = close
    gateway = make_gateway(handler=lambda context: "ok")
    gateway.start()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    gateway.stop()
    assert gateway._thread.is_over


def test_what_is_left_for_the_next_start_counts_as_waiting(program: Any, make_gateway: Any, until: Any) -> None:
    begun = threading.Event()

    async def never_done(context: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    gateway = make_gateway(handler=never_done)
    gateway.start()
    program.receive()
    program.receive()
    assert begun.wait(WAIT_S)
    until(lambda: gateway.status().waiting == 2)
    gateway.stop(0.2)
    assert (gateway.status().state, gateway.status().waiting) == (GatewayState.STOPPED, 2)
    with make_gateway(handler=lambda context: "ok") as another:
        another.drain()
    assert another.status().waiting == 0


@pytest.mark.parametrize("client", ["imsg", 7, IMessageClient])
def test_what_is_no_client_is_refused_when_it_is_given(make_gateway: Any, client: Any) -> None:
    with pytest.raises(UsageError, match="client is"):
        make_gateway(client=client)


@pytest.mark.parametrize("through", ["guid", 0, -1, True, 1.5, {"guid": "x"}, [1]])
def test_a_wait_for_what_is_no_row_is_refused_at_once(make_gateway: Any, through: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway, pytest.raises(InvalidParams):
        gateway.drain(through=through)


@pytest.mark.parametrize("timeout_s", [None, "5", -1, float("nan")])
def test_a_wait_without_a_time_is_refused(make_gateway: Any, timeout_s: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        with pytest.raises(InvalidParams):
            gateway.drain(timeout_s, through=999)
        gateway.drain()


def test_a_row_may_be_named_by_its_record(program: Any, make_gateway: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        rowid = program.receive()
        for through in (rowid, {"rowid": rowid}, Message(rowid=rowid)):
            gateway.drain(through=through)
    assert len(program.sends) == 1
