"""From the row to the settled reply."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from imsg_sdk.errors import GatewayError, SendFailed, SendRefused, SendUncertain, UsageError
from imsg_sdk.gateway import Context, Handlers, Policy
from imsg_sdk.models import SendResult, SendState

WAIT_S = 5.0


def texts(program: Any) -> list[str | None]:
    return [send.get("text") for send in program.sends]


def config(**block: Any) -> dict[str, Any]:
    return {"imessage": {"allowFrom": ["*"], "dmPolicy": "open", "groupPolicy": "open", **block}}


def test_a_message_is_answered_in_its_own_chat(program: Any, make_gateway: Any, reasons: Any, states: Any) -> None:
    with make_gateway(handler=lambda context: f"you said {context.text}") as gateway:
        gateway.drain(through=program.receive("hello", chat_id=9))
        assert [(send["chat_id"], send["text"]) for send in program.sends] == [(9, "you said hello")]
        assert reasons(gateway) == [None]
        assert states(gateway) == ["observed"]


def test_an_answer_names_the_chat_that_its_number_was(program: Any, make_gateway: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive(chat_guid="iMessage;-;+15550001"))
        assert program.guids == ["iMessage;-;+15550001"]
        assert "chat_guid" not in program.sends[0]


def test_a_message_without_a_chat_is_answered_to_its_sender(program: Any, make_gateway: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive("hello", chat_id=0, sender="chat_id:5"))
        assert [(send.get("to"), send["service"]) for send in program.sends] == [("chat_id:5", "imessage")]


def test_a_handler_may_be_any_kind_of_function(program: Any, make_gateway: Any, handler_of_any_kind: Any) -> None:
    with make_gateway(handler=handler_of_any_kind) as gateway:
        gateway.drain(through=program.receive())
        assert texts(program) == ["one", "two"]


def test_plain_handlers_run_on_threads_and_async_ones_on_the_loop(program: Any, make_gateway: Any) -> None:
    names = {}

    def blocking(context: Context) -> None:
        names["def"] = threading.current_thread().name

    async def awaiting(context: Context) -> None:
        names["async def"] = threading.current_thread().name

    gateway = make_gateway()
    gateway.on_message(blocking, text="plain")
    gateway.on_message(awaiting)
    with gateway:
        program.receive("plain")
        gateway.drain(through=program.receive("other"))
    assert names == {"def": "imsg-handler", "async def": "imsg-gateway"}


def test_a_def_handler_under_async_middleware_still_runs_on_a_thread(program: Any, make_gateway: Any) -> None:
    names = []
    gateway = make_gateway()

    @gateway.middleware
    async def around(context: Context, call_next: Any) -> Any:
        return [*(await call_next(context)), "after"]

    @gateway.on_message
    def blocking(context: Context) -> Iterator[str]:
        names.append(threading.current_thread().name)
        yield "said"

    with gateway:
        gateway.drain(through=program.receive())
    assert names == ["imsg-handler"]
    assert texts(program) == ["said", "after"]


def test_the_first_handler_that_matches_gets_the_message_and_one_replaces_its_namesake(
    program: Any, make_gateway: Any
) -> None:
    gateway = make_gateway(handler=lambda context: "fallback")

    def cell(answer: str) -> None:
        @gateway.on_message(text="^ping$")
        def pong(context: Context) -> str:
            return answer

    cell("pong")
    with gateway:
        gateway.drain(through=program.receive("ping"))
        cell("pong again")
        program.receive("ping")
        gateway.drain(through=program.receive("else"))
    assert texts(program) == ["pong", "pong again", "fallback"]


def test_a_registry_of_handlers_can_be_shared(program: Any, make_gateway: Any) -> None:
    handlers = Handlers()
    handlers.message(lambda context: "from the registry")
    with make_gateway(handler=handlers) as gateway:
        gateway.drain(through=program.receive())
    assert texts(program) == ["from the registry"]


def test_an_error_of_a_handler_reaches_nobody_and_does_not_stop_the_loop(program: Any, make_gateway: Any) -> None:
    def broken(context: Context) -> Iterator[str]:
        if context.text == "good":
            yield "fine"
            return
        yield "said before"
        raise ValueError("private words")

    with make_gateway(handler=broken) as gateway:
        program.receive("bad")
        gateway.drain(through=program.receive("good"))
        assert texts(program) == ["said before", "fine"]
        assert gateway.status().handler_errors == 1
        frame = gateway.decisions()
        assert frame["error"].fillna("").tolist() == ["ValueError", ""]
        assert "private words" not in str(gateway.status().to_dict())
        [error] = gateway.errors
        assert str(error).startswith("the handler raised ValueError on message 1")
        assert isinstance(error.__cause__, ValueError)
        assert error.__cause__.__traceback__ is not None


def test_even_what_ends_programs_does_not_end_the_loop(program: Any, make_gateway: Any) -> None:
    def leaving(context: Context) -> str:
        if context.text == "bad":
            raise SystemExit(3)
        return "still here"

    with make_gateway(handler=leaving) as gateway:
        program.receive("bad")
        gateway.drain(through=program.receive("good"))
        assert texts(program) == ["still here"]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_handler_that_overstays_is_left_alone_and_is_not_heard(program: Any, make_gateway: Any, kind: str) -> None:
    release = threading.Event()

    def blocking(context: Context) -> Iterator[str]:
        yield "in time"
        release.wait(WAIT_S)
        yield "too late"

    async def waiting(context: Context) -> AsyncIterator[str]:
        yield "in time"
        await asyncio.sleep(WAIT_S)
        yield "too late"

    handler = blocking if kind == "def" else waiting
    with make_gateway(handler=handler, handler_timeout_s=0.05) as gateway:
        gateway.drain(through=program.receive())
        release.set()
        assert texts(program) == ["in time"]
        assert gateway.status().handler_timeouts == 1


def test_threads_that_hang_do_not_hold_up_other_chats(program: Any, make_gateway: Any) -> None:
    release = threading.Event()

    def handler(context: Context) -> str:
        if context.text == "hang":
            release.wait(WAIT_S)
        return "ok"

    with make_gateway(handler=handler, handler_timeout_s=0.05, handler_threads=1) as gateway:
        for chat in (1, 2, 3):
            program.receive("hang", chat_id=chat)
        gateway.drain(through=program.receive("hello", chat_id=4))
        assert [send["chat_id"] for send in program.sends] == [4]
        assert gateway.status().lost_handlers == 3
        release.set()


def test_a_slow_chat_does_not_hold_up_another_and_keeps_its_order(program: Any, make_gateway: Any) -> None:
    release = threading.Event()

    def handler(context: Context) -> str:
        if context.text == "slow":
            release.wait(WAIT_S)
        return context.text

    with make_gateway(handler=handler) as gateway:
        program.receive("slow", chat_id=1)
        program.receive("next", chat_id=1)
        quick = program.receive("quick", chat_id=2)
        with pytest.raises(Exception, match="still work"):
            gateway.drain(0.5, through=quick)
        assert texts(program) == ["quick"]
        release.set()
        gateway.drain()
        assert texts(program) == ["quick", "slow", "next"]


def test_replies_get_the_prefix_and_go_out_in_chunks_in_order(program: Any, make_gateway: Any, states: Any) -> None:
    settings = {**config(textChunkLimit=10), "messages": {"responsePrefix": "P"}}
    with make_gateway(settings, handler=lambda context: ["aaaa bbbb cccc dddd", "short"]) as gateway:
        gateway.drain(through=program.receive())
        assert texts(program) == ["P aaaa", "bbbb cccc", "dddd", "P short"]
        assert states(gateway) == ["observed"] * 4


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (SendRefused("no"), "refused"),
        (SendFailed("no", retry_safe=True), "failed"),
        (SendUncertain("who knows"), "uncertain"),
        (UsageError("closed"), "failed"),
    ],
)
def test_a_part_that_fails_takes_the_rest_of_its_reply_with_it_and_is_not_repeated(
    program: Any, make_gateway: Any, states: Any, error: Exception, state: str
) -> None:
    program.results.append(error)
    with make_gateway(config(textChunkLimit=5), handler=lambda context: ["aaaaa bbbbb", "c"]) as gateway:
        gateway.drain(through=program.receive())
        assert texts(program) == ["aaaaa", "c"]
        assert states(gateway) == [state, "skipped", "observed"]


def test_what_was_only_accepted_is_noted_as_such(program: Any, make_gateway: Any, states: Any) -> None:
    program.results.append(SendResult(state=SendState.ACCEPTED))
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive())
        assert states(gateway) == ["accepted"]


def test_own_rows_and_known_rows_are_never_dispatched(program: Any, make_gateway: Any, reasons: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        program.receive("mine", is_from_me=True, sender=None)
        program.receive(guid="same")
        gateway.drain(through=program.receive(guid="same"))
        assert reasons(gateway) == ["from_me", None, "duplicate"]
        assert len(program.sends) == 1


def test_a_message_has_one_decision_however_often_its_row_is_reported(
    program: Any, make_gateway: Any, reasons: Any
) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive())
        program.rows.append(program.rows[0])
        gateway.drain(through=program.receive("other"))
        assert reasons(gateway) == [None, None]
        assert len(program.sends) == 2


def test_too_many_messages_of_one_chat_are_dropped(program: Any, make_gateway: Any, reasons: Any, clock: Any) -> None:
    with make_gateway(config(limits={"burst": 2, "perMinute": 60}), handler=lambda context: "ok") as gateway:
        program.receive()
        program.receive(chat_id=8)
        program.receive()
        gateway.drain(through=program.receive())
        assert reasons(gateway) == [None, None, None, "rate_limited"]
        clock.move(1)
        gateway.drain(through=program.receive())
        assert reasons(gateway)[-1] is None


def test_too_many_waiting_messages_of_one_chat_are_dropped(program: Any, make_gateway: Any, reasons: Any) -> None:
    program.gate.clear()
    limits = {"burst": 0, "queuedPerChat": 2}
    with make_gateway(config(limits=limits), handler=lambda context: "ok") as gateway:
        rows = [program.receive() for _ in range(4)]
        with pytest.raises(Exception, match="still work"):
            gateway.drain(0.3, through=rows[-1])
        program.gate.set()
        gateway.drain()
        assert reasons(gateway) == [None, None, "rate_limited", "rate_limited"]


def test_no_more_is_read_than_can_wait(program: Any, make_gateway: Any, clock: Any) -> None:
    program.gate.clear()
    with make_gateway(config(limits={"queuedMessages": 3}), handler=lambda context: "ok") as gateway:
        for chat in range(300, 900):
            program.receive(chat_id=chat)
        with pytest.raises(Exception, match="still work"):
            gateway.drain(0.5, through=1)
        assert gateway.status().received < 600
        program.gate.set()
        gateway.drain(20, through=600)
        assert gateway.status().received == len(program.sends) == 600


def test_old_messages_are_not_answered(program: Any, make_gateway: Any, reasons: Any, clock: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        at = clock.now()
        clock.move(16 * 60)
        program.receive(created_at=at)
        gateway.drain(through=program.receive())
        assert reasons(gateway) == ["stale", None]


def test_debounce_makes_one_message_of_several(program: Any, make_gateway: Any, reasons: Any, clock: Any) -> None:
    settings = {**config(), "messages": {"inbound": {"debounceMs": 1000}}}
    with make_gateway(settings, handler=lambda context: context.text) as gateway:
        program.receive("one")
        gateway.drain(through=program.receive("two"))
        assert texts(program) == ["one\ntwo"]
        assert reasons(gateway) == ["coalesced", None]
        assert gateway.decisions()["detail"].fillna("").tolist() == ["carried by row 2", ""]


def test_a_group_is_told_what_was_said_since_the_last_answer(program: Any, make_gateway: Any) -> None:
    settings = {
        **config(groupAllowFrom=["*"], historyLimit=5),
        "messages": {"groupChat": {"mentionPatterns": ["@bot"]}},
    }
    told = []
    with make_gateway(settings, handler=lambda context: told.append(context)) as gateway:
        for text in ("chatter", "@bot one", "@bot two"):
            row = program.receive(text, chat_id=42, is_group=True)
        gateway.drain(through=row)
    assert [[entry.text for entry in context.history] for context in told] == [["chatter"], []]


def test_a_chat_that_is_not_answered_is_warned_about_once(program: Any, make_gateway: Any, caplog: Any) -> None:
    with make_gateway({"imessage": {"allowFrom": ["+15559999"]}}) as gateway:
        program.receive(chat_id=7)
        gateway.drain(through=program.receive(chat_id=7))
        gateway.drain(through=program.receive(chat_id=8))
        [first, second] = [text for text in gateway.status().warnings if "not answered" in text]
    assert first == ('chat 7 is not answered (dm_not_allowed): add the sender or "chat_id:7" to imessage.allowFrom')
    assert "chat_id:8" in second
    assert sum("chat 7 is not answered" in record.message for record in caplog.records) == 1
    assert "15550001" not in caplog.text


def test_drops_are_told_in_the_words_of_the_reference_and_name_nobody(
    program: Any, make_gateway: Any, caplog: Any
) -> None:
    caplog.set_level("DEBUG", "imsg_sdk.gateway")
    settings = {"imessage": {"allowFrom": ["+15559999"], "groupPolicy": "disabled"}}
    with make_gateway(settings, handler=lambda context: "ok") as gateway:
        program.receive(sender="+15550001", chat_id=0)
        gateway.drain(through=program.receive(is_group=True, chat_id=9))
        warnings = gateway.status().warnings
    told = [record.message for record in caplog.records if record.message.startswith("Blocked")]
    assert len(told) == 2
    assert told[0].endswith("(not in allowFrom)")
    assert "5550001" not in told[0]
    assert told[1] == "Blocked iMessage group message (groupPolicy: disabled)"
    assert any(text.endswith(": add the sender to imessage.allowFrom") for text in warnings)


def test_small_talk_in_a_group_is_nothing_to_warn_about(program: Any, make_gateway: Any) -> None:
    settings = {**config(groupAllowFrom=["*"]), "messages": {"groupChat": {"mentionPatterns": ["@bot"]}}}
    with make_gateway(settings, handler=lambda context: None) as gateway:
        program.receive("chatter", chat_id=42, is_group=True)
        gateway.drain(through=program.receive("mine", is_from_me=True, sender=None))
        status = gateway.status()
        assert status.warnings == ()
        assert (status.unanswered, status.own) == (1, 1)


def test_a_pattern_that_takes_too_long_counts_as_no_mention(program: Any, make_gateway: Any, reasons: Any) -> None:
    settings = {**config(groupAllowFrom=["*"]), "messages": {"groupChat": {"mentionPatterns": [r"(a|aa)+$"]}}}
    with make_gateway(settings, handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive("a" * 5000 + "!", chat_id=42, is_group=True))
        assert reasons(gateway) == ["no_mention"]
        assert gateway.status().pattern_timeouts == 1


def test_rules_may_be_compiled_elsewhere(program: Any, make_gateway: Any, reasons: Any) -> None:
    policy = Policy(make_gateway(config(groupAllowFrom=["*"])).config.gateway, listed_chats_are_groups=True)
    with make_gateway({}, handler=lambda context: "ok", policy=policy) as gateway:
        assert gateway.config.gateway is policy.config
        gateway.drain(through=program.receive())
        assert reasons(gateway) == [None]


def test_who_wonders_why_nobody_is_answered_is_told(program: Any, make_gateway: Any, caplog: Any) -> None:
    gateway = make_gateway({})
    gateway.on_reaction(lambda context: None)
    told = [
        "no handler is registered: messages reach nobody",
        "tapbacks are not told: imessage.reactionNotifications is off",
        "imessage.allowFrom is empty: nobody is answered in direct messages",
    ]
    assert list(gateway.status().warnings) == told
    with gateway:
        assert list(gateway.status().warnings) == told
        gateway.on_message(lambda context: None)
        assert list(gateway.status().warnings) == told[1:]
    assert [record.message for record in caplog.records if record.message in told] == told
    assert make_gateway(config(groupPolicy="disabled"), mode="observe").status().warnings == ()


def test_doors_that_stand_open_are_pointed_out(make_gateway: Any) -> None:
    block = {"allowFrom": ["*"], "groupPolicy": "open", "groupAllowFrom": ["*"]}
    gateway = make_gateway({"imessage": block, "messages": {"groupChat": {"mentionPatterns": ["", "@bot"]}}})
    told = " ".join(gateway.status().warnings)
    assert 'imessage.allowFrom has "*": everybody is answered' in told
    assert "a mention pattern matches every text" in told


def test_rows_of_frames_are_explained_too(program: Any, make_gateway: Any) -> None:
    with make_gateway({"imessage": {"allowFrom": ["+15559999"]}}) as gateway:
        rowid = program.receive()
        gateway.drain(through=rowid)
        decisions = gateway.decisions()
        for each in (rowid, decisions["message_rowid"][0], decisions.iloc[0], program.rows[0]):
            assert gateway.explain(each).decision.reason == "dm_not_allowed"
        odd = decisions.iloc[0].copy()
        odd["text"] = "nan"
        assert make_gateway().explain(odd).decision.dispatched
        with pytest.raises(GatewayError, match="row 99 has not arrived"):
            gateway.explain(99)


def test_an_explanation_ends_in_the_decision(program: Any, make_gateway: Any) -> None:
    gateway = make_gateway({"imessage": {"allowFrom": ["+15559999"]}})
    explanation = gateway.explain({"id": 1, "chat_id": 7, "sender": "+15550001", "text": "hey"})
    assert explanation.decision.reason == "dm_not_allowed"
    assert "imessage.allowFrom" in str(explanation)
