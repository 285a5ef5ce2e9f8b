"""The registry of handlers: first match, replacement, filters and middleware."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from imsg_sdk.errors import UsageError
from imsg_sdk.gateway import Context, Gateway, Handlers, Policy, decide, gather_facts
from imsg_sdk.gateway.context import build_context
from imsg_sdk.gateway.inbound import read_message

ANN = "+15550001111"


@pytest.fixture(scope="module")
def make_context(make_policy: Callable[..., Policy]) -> Callable[..., Context]:
    policy = make_policy(allowFrom=["*"], groupPolicy="open")

    def make(**message: Any) -> Context:
        record = read_message({"id": 1, "chat_id": 7, "sender": ANN, "text": "hey", **message})
        facts = gather_facts(record, policy)
        return build_context(record, decide(record, policy, facts), facts, policy)

    return make


def test_the_first_handler_that_accepts_gets_the_message(make_context: Callable[..., Context]) -> None:
    handlers = Handlers()

    @handlers.message(text=r"^hi\b")
    def greet(context: Context) -> str:
        return "hello"

    @handlers.message
    def rest(context: Context) -> str:
        return "what?"

    assert handlers(make_context(text="hi there")) == "hello"
    assert handlers(make_context(text="oh")) == "what?"
    assert len(handlers) == 2
    assert "greet" in repr(handlers)


def nothing_taken() -> None:
    pass


@pytest.mark.parametrize("function", [nothing_taken, lambda one, two: None, "hello", lambda *, context: None])
def test_a_function_that_would_fail_for_every_message_is_refused(function: Any) -> None:
    for register in (Handlers().message, Handlers().message(text="hi"), Gateway({"imessage": {}}).on_reaction):
        with pytest.raises(UsageError):
            register(function)
    with pytest.raises(UsageError):
        Gateway({"imessage": {}}, handler=function)


def test_middleware_takes_the_context_and_what_comes_after() -> None:
    with pytest.raises(UsageError):
        Handlers().middleware(lambda context: None)


@pytest.mark.parametrize("function", [str, print, Handlers(), lambda *all: None, lambda context, more=1: None])
def test_whatever_can_be_called_with_a_context_is_a_handler(function: Any) -> None:
    Handlers().message(function)


@pytest.mark.parametrize("text", ["(", 3])
def test_a_text_that_is_no_expression_is_refused(text: Any) -> None:
    with pytest.raises(UsageError, match="no regular expression"):
        Handlers().message(text=text)


def test_no_handler_means_no_reply(make_context: Callable[..., Context]) -> None:
    assert Handlers()(make_context()) is None


@pytest.mark.parametrize(
    ("filters", "message", "accepted"),
    [
        ({"is_group": True}, {}, False),
        ({"is_group": True}, {"is_group": True}, True),
        ({"is_group": False}, {"is_group": True}, False),
        ({"chat_id": 7}, {}, True),
        ({"chat_id": [8, 9]}, {}, False),
        ({"sender": "1 (555) 000-1111"}, {}, True),
        ({"sender": ["a@b.c", "A@D.E"]}, {"sender": "a@d.e"}, True),
        ({"text": re.compile("HEY", re.IGNORECASE)}, {}, True),
        ({"where": lambda context: context.text == "hey"}, {}, True),
        ({"chat_id": 7, "text": "no"}, {}, False),
    ],
)
def test_all_filters_must_hold(
    filters: dict[str, Any], message: dict[str, Any], accepted: bool, make_context: Callable[..., Context]
) -> None:
    handlers = Handlers()
    handlers.message(lambda context: "yes", **filters)
    assert (handlers(make_context(**message)) == "yes") is accepted


def test_a_cell_that_is_run_again_replaces_its_handler_in_place(make_context: Callable[..., Context]) -> None:
    handlers = Handlers()

    def cell(answer: str) -> None:
        @handlers.message
        def reply(context: Context) -> str:
            return answer

    cell("old")
    handlers.message(lambda context: "later")
    cell("new")
    assert len(handlers) == 2
    assert handlers(make_context()) == "new"


def test_names_tell_apart_what_is_made_in_a_loop(make_context: Callable[..., Context]) -> None:
    handlers = Handlers()
    for number in range(3):
        handlers.message(lambda context, number=number: number, name=f"handler-{number}", chat_id=number)
    assert handlers(make_context(chat_id=2)) == 2
    assert handlers.remove("handler-2")
    assert not handlers.remove("handler-2")
    assert handlers(make_context(chat_id=2)) is None


def test_middleware_stands_around_plain_and_async_handlers(make_context: Callable[..., Context]) -> None:
    handlers = Handlers()

    @handlers.middleware
    async def outer(context: Context, call_next: Any) -> str:
        return f"<{await call_next(context)}>"

    @handlers.middleware
    def inner(context: Context, call_next: Any) -> Any:
        return None if context.text == "quiet" else call_next(context)

    @handlers.message(text="async")
    async def slow(context: Context) -> str:
        return "slow"

    @handlers.message
    def quick(context: Context) -> str:
        return "quick"

    assert asyncio.run(handlers(make_context(text="async"))) == "<slow>"
    assert asyncio.run(handlers(make_context())) == "<quick>"
    assert asyncio.run(handlers(make_context(text="quiet"))) == "<None>"
    assert repr(handlers.find(make_context())).endswith("quick>")


def test_a_handler_may_be_registered_while_one_is_looked_for(make_context: Callable[..., Context]) -> None:
    handlers = Handlers()

    def while_another_thread_registers(context: Context) -> bool:
        handlers.message(lambda context: "new", name="new")
        return False

    handlers.message(lambda context: "first", where=while_another_thread_registers)
    handlers.message(lambda context: "second", name="second")
    assert handlers(make_context()) == "second"
