"""Handlers that do what nobody expects: none of it ends the loop, and the next message is answered."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.errors import HandlerError, UsageError
from imsg_sdk.gateway import Context, Reply, rehearse
from imsg_sdk.gateway.replies import MOST_REPLIES


class BytesPath:
    def __fspath__(self) -> bytes:
        return b"/tmp/x"


def texts(program: Any) -> list[str | None]:
    return [send.get("text") for send in program.sends]


@pytest.mark.parametrize(
    "said",
    [
        json.loads('"half of it: \\ud83d"'),
        Reply(text=None),  # type: ignore[arg-type]
        Reply(media=(5,)),  # type: ignore[arg-type]
        Reply(media=None),  # type: ignore[arg-type]
        BytesPath(),
        Path(os.fsdecode(b"/tmp/\xff.png")),
        {"text": "a\udc00b"},
    ],
    ids=["half a character", "no text", "a number", "no media", "a path of bytes", "an odd path", "odd payload"],
)
def test_a_reply_that_cannot_be_sent_is_an_error_of_its_handler(program: Any, make_gateway: Any, said: Any) -> None:
    with make_gateway(handler=lambda context: said if context.text == "bad" else "fine") as gateway:
        program.receive("bad")
        gateway.drain(through=program.receive("good"))
        assert texts(program) == ["fine"]
        assert len(gateway.errors) == 1


@pytest.mark.parametrize("error", [asyncio.CancelledError, SystemExit, KeyboardInterrupt])
def test_an_async_handler_cannot_end_the_loop_or_its_chat(
    program: Any, make_gateway: Any, error: type[BaseException]
) -> None:
    async def leaving(context: Context) -> str:
        if context.text == "bad":
            raise error
        return "fine"

    with make_gateway(handler=leaving) as gateway:
        for text in ("bad", "good"):
            program.receive(text)
        gateway.drain(through=program.receive("good"))
        assert texts(program) == ["fine", "fine"]
        assert isinstance(gateway.errors[0], HandlerError)


def for_ever(context: Context) -> Iterator[str]:
    for number in itertools.count():
        yield str(number)


def test_a_handler_that_goes_on_and_on_is_stopped(program: Any, make_gateway: Any) -> None:
    with make_gateway(handler=for_ever) as gateway:
        gateway.drain(through=program.receive())
        assert len(program.sends) == MOST_REPLIES
        assert "more than" in str(gateway.errors[0])
    [outcome] = rehearse({"imessage": {"allowFrom": ["+1555"]}}, [{"sender": "+1555", "text": "x"}], for_ever)
    assert len(outcome.sends) == MOST_REPLIES
    assert isinstance(outcome.error, HandlerError)


def ask(gateway: Any, errors: list[UsageError]) -> None:
    try:
        gateway.drain()
    except UsageError as error:
        errors.append(error)
    gateway.stop()


def plain(gateway: Any, errors: list[UsageError]) -> Callable[[Context], Any]:
    def last(context: Context) -> str:
        ask(gateway, errors)
        return "goodbye"

    return last


def on_a_thread(gateway: Any, errors: list[UsageError]) -> Callable[[Context], Any]:
    async def last(context: Context) -> str:
        await asyncio.to_thread(ask, gateway, errors)
        return "goodbye"

    return last


@pytest.mark.parametrize("make", [plain, on_a_thread])
def test_a_handler_may_stop_its_gateway_and_still_answer(program: Any, make_gateway: Any, make: Any) -> None:
    gateway, errors = make_gateway(), []
    gateway.on_message(make(gateway, errors))
    gateway.start()
    program.receive()
    assert gateway._thread.wait(5.0)
    assert texts(program) == ["goodbye"]
    assert len(errors) == 1
