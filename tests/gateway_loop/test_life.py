"""Start, stop, restart, and everything that can go wrong around them."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.errors import (
    BackendNotFound,
    ConfigError,
    ForkedProcess,
    GatewayAlreadyRunning,
    GatewayError,
    JournalError,
    RequestTimeout,
    SendFailed,
    UsageError,
)
from imsg_sdk.gateway import Context, Gateway, GatewayState

WAIT_S = 5.0


def started(gateway: Gateway) -> Gateway:
    gateway.start()
    return gateway


def test_a_gateway_goes_on_where_it_was_stopped(program: Any, make_gateway: Any, reasons: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive("one"))
    program.receive("while it was away")
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive("three"))
        assert reasons(gateway) == [None, None, None]
    assert len(program.sends) == 3


def test_the_same_gateway_can_be_started_again(program: Any, make_gateway: Any) -> None:
    gateway = make_gateway(handler=lambda context: "ok")
    for _ in range(2):
        gateway.start()
        gateway.start()
        gateway.drain(through=program.receive())
        gateway.stop()
        gateway.stop()
        assert gateway.status().state is GatewayState.STOPPED
    assert len(program.sends) == 2


def test_the_first_start_answers_nothing_old(program: Any, make_gateway: Any, reasons: Any) -> None:
    program.receive("before")
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive("after"))
        assert reasons(gateway) == [None]


def test_what_was_missed_is_answered_up_to_an_age_of_its_own(
    program: Any, make_gateway: Any, clock: Any, reasons: Any
) -> None:
    started(make_gateway()).stop()
    program.receive("too old")
    clock.move(90 * 60)
    program.receive("late")
    clock.move(40 * 60)
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=2)
        assert reasons(gateway) == ["stale", None]


def test_waiting_messages_are_handled_after_the_next_start(
    program: Any, make_gateway: Any, reasons: Any, until: Any
) -> None:
    program.gate.clear()
    gateway = started(make_gateway(handler=lambda context: context.text))
    first = program.receive("one")
    second = program.receive("two")
    until(lambda: program.sends and gateway.status().waiting == 2)
    assert first < second
    gateway.stop(0.4)
    program.gate.set()
    with make_gateway(handler=lambda context: context.text) as gateway:
        gateway.drain()
        assert gateway.outbox()["state"].tolist() == ["uncertain", "observed"]
    # The first was being sent when it stopped: it is looked up, and never sent again.
    assert [send["text"] for send in program.sends] == ["one", "two"]


def test_what_waits_is_not_held_against_the_rate_after_the_next_start(
    program: Any, make_gateway: Any, reasons: Any, clock: Any, until: Any
) -> None:
    go_on = threading.Event()
    with make_gateway(handler=lambda context: go_on.wait(WAIT_S) and None) as gateway:
        for _ in range(2):
            for _ in range(20):
                row = program.receive()
            until(lambda row=row: gateway.status().dispatched == row)
            clock.move(60)
        gateway.stop(0.2)
    go_on.set()
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain()
        assert reasons(gateway) == [None] * 40
    assert len(program.sends) == 40


def test_a_running_handler_may_end_within_the_grace_of_a_stop(program: Any, make_gateway: Any) -> None:
    begun, release = threading.Event(), threading.Event()

    def handler(context: Context) -> str:
        begun.set()
        release.wait(WAIT_S)
        return "finished"

    gateway = started(make_gateway(handler=handler))
    program.receive()
    assert begun.wait(WAIT_S)
    threading.Timer(0.1, release.set).start()
    gateway.stop()
    assert [send["text"] for send in program.sends] == ["finished"]


def test_a_handler_that_will_not_be_cancelled_holds_up_no_stop(program: Any, make_gateway: Any) -> None:
    begun, release = threading.Event(), threading.Event()

    async def stubborn(context: Context) -> None:
        begun.set()
        while not release.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue

    gateway = started(make_gateway(handler=stubborn))
    program.receive()
    assert begun.wait(WAIT_S)
    release_later = threading.Timer(3.5, release.set)
    release_later.start()
    gateway.stop(0.2 + WAIT_S)
    started(make_gateway()).stop()
    release.set()
    release_later.cancel()


def test_a_handler_that_was_interrupted_runs_again_and_is_told(program: Any, make_gateway: Any) -> None:
    begun, attempts = threading.Event(), []

    async def handler(context: Context) -> str:
        attempts.append(context.attempt)
        begun.set()
        if context.attempt == 1:
            await asyncio.sleep(WAIT_S)
        return "done"

    gateway = started(make_gateway(handler=handler))
    program.receive()
    assert begun.wait(WAIT_S)
    gateway.stop(0.2)
    with make_gateway(handler=handler) as gateway:
        gateway.drain()
    assert attempts == [1, 2]
    assert [send["text"] for send in program.sends] == ["done"]


def test_who_is_no_longer_allowed_is_not_handled_after_a_restart(program: Any, make_gateway: Any, reasons: Any) -> None:
    begun = threading.Event()

    async def handler(context: Context) -> str:
        begun.set()
        await asyncio.sleep(WAIT_S)
        return "never"

    gateway = started(make_gateway(handler=handler))
    program.receive()
    assert begun.wait(WAIT_S)
    gateway.stop(0.2)
    with make_gateway({"imessage": {"allowFrom": ["+1999"]}}, handler=handler) as gateway:
        gateway.drain()
        assert reasons(gateway) == ["dm_not_allowed"]
    assert program.sends == []


def test_a_second_gateway_is_refused_on_the_same_state_and_on_the_same_database(
    make_gateway: Any, tmp_path: Path
) -> None:
    with make_gateway():
        with pytest.raises(GatewayAlreadyRunning, match=str(os.getpid())):
            make_gateway().start()
        other = make_gateway(state_dir=tmp_path / "other")
        with pytest.raises(GatewayAlreadyRunning):
            other.start()
        assert other.status().state is GatewayState.FAILED
    make_gateway().start()


def test_a_state_of_another_database_is_refused(program: Any, make_gateway: Any) -> None:
    started(make_gateway()).stop()
    program.identity += "-other"
    with pytest.raises(JournalError):
        make_gateway().start()


def test_a_journal_that_cannot_be_written_stops_it_and_loses_nothing(
    program: Any, make_gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imsg_sdk.gateway.state import Journal

    gateway = started(make_gateway(handler=lambda context: "ok"))

    def full(*arguments: Any) -> None:
        raise JournalError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "arrive", full)
        program.receive()
        with pytest.raises(JournalError, match="full"):
            gateway.run()
        assert gateway.status().state is GatewayState.FAILED
        assert gateway.status().last_error == "the disk is full"
        with pytest.raises(JournalError, match="full"):
            gateway.drain()
    assert program.sends == []
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=1)
    assert len(program.sends) == 1


def test_an_attempt_that_cannot_be_noted_is_not_made(
    program: Any, make_gateway: Any, monkeypatch: pytest.MonkeyPatch, states: Any
) -> None:
    from imsg_sdk.gateway.state import Journal

    def full(*arguments: Any, **options: Any) -> None:
        raise JournalError("the disk is full")

    gateway = started(make_gateway(handler=lambda context: "ok"))
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "attempting", full)
        program.receive()
        with pytest.raises(JournalError, match="full"):
            gateway.run()
    assert program.sends == []
    with make_gateway() as gateway:
        gateway.drain()
        assert states(gateway) == ["observed"]
    assert len(program.sends) == 1


def test_a_program_that_is_not_there_is_an_error_at_once(program: Any, make_gateway: Any) -> None:
    program.start_errors.append(BackendNotFound("no imsg here"))
    with pytest.raises(BackendNotFound):
        make_gateway().start()


def test_a_program_that_is_not_ready_is_tried_again(program: Any, make_gateway: Any) -> None:
    program.start_errors.append(RequestTimeout("not yet"))
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive())
    assert len(program.sends) == 1


def test_a_subscription_that_breaks_goes_on_where_it_stood(program: Any, make_gateway: Any, until: Any) -> None:
    with make_gateway(handler=lambda context: context.text) as gateway:
        gateway.drain(through=program.receive("one"))
        program.read_errors.append(RequestTimeout("gone"))
        until(lambda: gateway.status().restarts == 1)
        gateway.drain(through=program.receive("two"))
        assert gateway.status().state is GatewayState.RUNNING
    assert [send["text"] for send in program.sends] == ["one", "two"]


def test_it_blocks_until_it_is_stopped_elsewhere(make_gateway: Any, until: Any) -> None:
    gateway = make_gateway()
    thread = threading.Thread(target=gateway.run)
    thread.start()
    until(lambda: gateway.status().is_running)
    gateway.stop()
    thread.join(WAIT_S)
    assert not thread.is_alive()


def test_it_serves_in_a_task_of_an_async_program(program: Any, make_gateway: Any) -> None:
    gateway = make_gateway(handler=lambda context: "ok")

    async def app() -> None:
        task = asyncio.create_task(gateway.serve())
        while not gateway.status().is_running:
            await asyncio.sleep(0.005)
        await asyncio.to_thread(gateway.drain, through=program.receive())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(app())
    assert gateway.status().state is GatewayState.STOPPED
    assert len(program.sends) == 1

    async def briefly() -> None:
        async with gateway:
            assert gateway.status().is_running

    asyncio.run(briefly())


def test_a_gateway_nobody_holds_is_stopped(program: Any, make_gateway: Any, tmp_path: Path) -> None:
    gateway = started(Gateway({}, client=program, state_dir=tmp_path / "state"))
    thread = gateway._thread
    assert thread is not None
    del gateway
    gc.collect()
    assert thread.is_over
    make_gateway().start()


def test_observing_decides_and_sends_nothing(program: Any, make_gateway: Any, reasons: Any) -> None:
    called = []
    with make_gateway(handler=called.append, mode="observe") as gateway:
        program.receive(chat_id=7)
        gateway.drain(through=program.receive(is_from_me=True, text="mine"))
        assert reasons(gateway) == [None, "from_me"]
    assert called == program.sends == []
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain()
    assert program.sends == []


def test_observing_with_handlers_notes_what_would_be_sent(program: Any, make_gateway: Any) -> None:
    with make_gateway(handler=lambda context: "would say", mode="observe", run_handlers=True) as gateway:
        gateway.drain(through=program.receive())
        assert gateway.outbox()[["state", "text"]].values.tolist() == [["refused", "would say"]]
    assert program.sends == []


def test_the_program_of_an_observer_cannot_send(program: Any) -> None:
    from imsg_sdk.config import load_config
    from imsg_sdk.errors import SendRefused
    from imsg_sdk.gateway.live.wiring import program_over

    async def tries() -> None:
        observing = program_over(program, load_config({}, environ={}), is_live=False)
        await observing.mark_read(1)
        await observing.show_typing(1, is_typing=True)
        with pytest.raises(SendRefused):
            await observing.deliver({"text": "x"}, attempt_id="1")

    asyncio.run(tries())
    assert program.sends == program.acts == []


def test_the_rest_of_a_reply_that_failed_is_not_sent_after_a_restart(
    program: Any, make_gateway: Any, states: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"imessage": {"allowFrom": ["*"], "dmPolicy": "open", "textChunkLimit": 5}}
    program.results.append(SendFailed("no"))
    gateway = started(make_gateway(settings, handler=lambda context: "aaaa bbbb"))
    monkeypatch.setattr(gateway._thread.runner.loop.delivery, "skip", fail)
    program.receive()
    assert gateway._thread.wait(WAIT_S)
    assert states(gateway) == ["failed", "planned"]
    with make_gateway(settings) as gateway:
        gateway.drain()
    assert states(gateway) == ["failed", "skipped"]
    assert [send["text"] for send in program.sends] == ["aaaa"]


def fail(*_: Any) -> None:
    raise JournalError("the disk is full")


def test_a_reply_left_over_too_long_expires(
    program: Any, make_gateway: Any, clock: Any, states: Any, until: Any
) -> None:
    gateway = started(make_gateway(handler=lambda context: ["one", "two"]))
    program.gate.clear()
    program.receive()
    until(lambda: program.sends)
    gateway.stop(0.2)
    program.gate.set()
    clock.move(3 * 60 * 60)
    with make_gateway() as gateway:
        gateway.drain()
        assert states(gateway) == ["uncertain", "expired"]


def test_wrong_use_is_refused_with_a_remedy(program: Any, make_gateway: Any) -> None:
    with pytest.raises(UsageError, match="observe"):
        make_gateway(mode="dry")
    with pytest.raises(UsageError, match="run_handlers"):
        make_gateway(run_handlers=True)
    with pytest.raises(UsageError, match="int is no function"):
        make_gateway(handler=5)
    with pytest.raises(UsageError, match="account default"):
        make_gateway(make_gateway({}).config, account="work")
    with pytest.raises(ConfigError, match="open"):
        make_gateway(make_gateway({}).config, dm_policy="open")
    with pytest.raises(ConfigError, match="alowFrom"):
        make_gateway({"imessage": {"alowFrom": []}})
    with pytest.raises(ConfigError, match="pattern"):
        make_gateway({"messages": {"groupChat": {"mentionPatterns": ["("]}}})
    with pytest.raises(ConfigError, match="switched off"):
        make_gateway({"imessage": {"enabled": False}}).start()
    with pytest.raises(GatewayError, match="start"):
        make_gateway().drain()
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(make_gateway())


def test_settings_come_in_any_form_and_keywords_win(make_gateway: Any) -> None:
    for config in (None, {"imessage": {"allowFrom": ["+1"]}}, make_gateway({}).config, make_gateway({}).config.gateway):
        gateway = make_gateway(config, burst=3, allow_from=["+1555"])
        assert gateway.config.gateway.burst == 3
        assert gateway.config.gateway.allow_from[0].value == "+1555"


def test_waiting_for_a_row_that_never_comes_says_so(program: Any, make_gateway: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        assert gateway.status().state is GatewayState.RUNNING
        with pytest.raises(GatewayError, match="row 99 has not arrived"):
            gateway.drain(0.05, through=99)
        gateway.drain(through=program.receive())
    with make_gateway() as gateway:
        gateway.drain(through=1)  # it came in the life before


def test_accounts_have_states_of_their_own(program: Any, make_gateway: Any) -> None:
    config = {"imessage": {"accounts": {"work": {"allowFrom": ["*"], "dmPolicy": "open"}, "home": {}}}}
    with make_gateway(config, lambda context: "ok", account="work") as gateway:
        gateway.drain(through=program.receive())
        assert len(gateway.decisions()) == 1
        assert len(make_gateway(config, account="home").decisions()) == 0
    assert len(program.sends) == 1


def test_an_async_handler_may_ask_for_the_stop_and_wait_for_nothing(
    program: Any, make_gateway: Any, until: Any
) -> None:
    errors = []
    gateway = make_gateway()

    @gateway.on_message
    async def last(context: Context) -> str:
        try:
            gateway.drain()
        except UsageError as error:
            errors.append(error)
        gateway.stop()
        return "goodbye"

    gateway.start()
    program.receive()
    until(lambda: gateway.status().state is GatewayState.STOPPED)
    assert len(errors) == 1
    assert [send["text"] for send in program.sends] == ["goodbye"]


def test_a_def_handler_may_stop_it_too(program: Any, make_gateway: Any, until: Any) -> None:
    gateway = make_gateway()

    @gateway.on_message
    def last(context: Context) -> None:
        gateway.stop(2.0)

    gateway.start()
    program.receive()
    until(lambda: gateway.status().state is GatewayState.STOPPED)


def test_a_fork_has_the_name_of_a_gateway_only(program: Any, make_gateway: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:  # pragma: no cover - another process
            try:
                gateway.drain(1)
            except ForkedProcess:
                gateway.stop()
                os.write(write, b"refused")
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as answer:
            assert answer.read() == b"refused"
        os.waitpid(pid, 0)
        gateway.drain(through=program.receive())
    assert len(program.sends) == 1
