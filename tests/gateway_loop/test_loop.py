"""From the row to the settled reply."""

from __future__ import annotations

from typing import Any


def test_a_message_is_answered_in_its_own_chat(program: Any, make_gateway: Any, reasons: Any, states: Any) -> None:
    with make_gateway(handler=lambda context: f"you said {context.text}") as gateway:
        gateway.drain(through=program.receive("hello", chat_id=9))
        assert [(send["chat_id"], send["text"]) for send in program.sends] == [(9, "you said hello")]
        assert reasons(gateway) == [None]
        assert states(gateway) == ["observed"]
