"""What was said in a group since the last answer is told over restarts, too."""

from __future__ import annotations

from typing import Any

import pytest

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
