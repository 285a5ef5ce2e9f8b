"""What was said in a group since the last answer is told over restarts, too; what was erased is not."""

from __future__ import annotations

import threading
from typing import Any

import pytest

WAIT_S = 5.0
CONFIG: dict[str, Any] = {
    "imessage": {"allowFrom": ["+15550001"], "groupAllowFrom": ["*"], "historyLimit": 2},
    "messages": {"groupChat": {"mentionPatterns": ["@bot"]}},
}


@pytest.fixture
def told() -> list[Any]:
    return []


@pytest.fixture
def say(program: Any) -> Any:
    return lambda text, chat_id=42: program.receive(text, chat_id=chat_id, is_group=True)


def test_a_new_process_knows_what_was_said_before(program: Any, make_gateway: Any, told: list[Any], say: Any) -> None:
    with make_gateway(CONFIG, handler=told.append) as gateway:
        say("answered already")
        say("@bot hello")
        for text in ("one", "two", "three"):
            row = say(text)
        say("elsewhere", 43)
        gateway.drain(through=row + 1)
    assert [[each.text for each in context.history] for context in told] == [["answered already"]]
    told.clear()
    with make_gateway(CONFIG, handler=told.append) as gateway:
        say("@bot and now")
        gateway.drain(through=say("@bot again"))
    assert [[each.text for each in context.history] for context in told] == [["two", "three"], []]
    told.clear()
    with make_gateway(CONFIG, handler=told.append) as gateway:
        say("@bot anew")
        gateway.drain(through=say("@bot there", 43))
    histories = {context.message.chat_id: [each.text for each in context.history] for context in told}
    assert histories == {42: [], 43: ["elsewhere"]}


def test_what_was_erased_is_not_told(program: Any, make_gateway: Any, told: list[Any], say: Any) -> None:
    with make_gateway(CONFIG, handler=told.append) as gateway:
        program.receive("forget me", chat_id=42, is_group=True, sender="+15550009")
        gateway.drain(through=say("and not me"))
        gateway.erase("+15550009")
        gateway.drain(through=say("@bot who was there?"))
    assert [[each.text for each in context.history] for context in told] == [["and not me"]]


def test_who_is_erased_while_they_wait_is_neither_handled_nor_answered(
    program: Any, make_gateway: Any, reasons: Any, told: list[Any], until: Any
) -> None:
    go_on = threading.Event()

    def slow(context: Any) -> str:
        told.append(context)
        go_on.wait(WAIT_S)
        return "for nobody"

    with make_gateway(CONFIG, handler=slow) as gateway:
        row = [program.receive() for _ in range(2)][-1]
        until(lambda: gateway.status().waiting == 2 and told)
        gateway.erase("+15550001")
        go_on.set()
        gateway.drain(through=row)
        assert reasons(gateway) == ["erased", "erased"]
    assert len(told) == 1
    assert program.sends == []


def test_what_waits_for_its_turn_is_not_attempted_yet_nor_sent_to_the_erased(
    program: Any, make_gateway: Any, states: Any, until: Any
) -> None:
    program.gate.clear()
    with make_gateway(handler=lambda context: "ok") as gateway:
        program.receive(chat_id=7)
        until(lambda: program.sends)
        row = program.receive(chat_id=8, sender="+15550002")
        until(lambda: len(states(gateway)) == 2)
        assert states(gateway) == ["attempting", "planned"]
        gateway.erase("+15550002")
        program.gate.set()
        gateway.drain(through=row)
        assert states(gateway) == ["observed", "skipped"]
    assert [send["chat_id"] for send in program.sends] == [7]
