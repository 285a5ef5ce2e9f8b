"""A gateway whose disk is full stops with the remedy; with room again it answers everything, each message once."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from imsg_sdk.errors import ImsgError
from imsg_sdk.gateway.state import Journal

LONG = "x" * 3000


def cap(monkeypatch: pytest.MonkeyPatch, step: str, pages: int) -> None:
    """Let the disk be full from the first `step` on, but for so many pages."""
    original = getattr(Journal, step)

    def capped(self: Journal, *arguments: Any, **options: Any) -> Any:
        used = self.store.execute("PRAGMA page_count").fetchone()[0]
        self.store.execute(f"PRAGMA max_page_count = {used + pages}")
        return original(self, *arguments, **options)

    monkeypatch.setattr(Journal, step, capped)


def talk_on(program: Any, gateway: Any) -> None:
    """Let messages come, of somebody who is answered and of somebody who is not, until the gateway stops."""
    for number in range(30):
        program.receive(f"{number:03d} {LONG}", chat_id=number + 1, sender="+15550001")
        row = program.receive(f"{number:03d} {LONG}", chat_id=number + 1, sender="+15559999")
        # It may stop before, while or after it is waited for.
        with suppress(ImsgError):
            gateway.drain(10, through=row)
        if gateway.status().state == "failed":
            break


@pytest.mark.parametrize("step", ["arrive", "conclude", "begin", "plan", "attempting", "settle"])
def test_nothing_is_lost_or_sent_twice_when_the_disk_is_full(
    program: Any, make_gateway: Any, states: Any, reasons: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def answer(context: Any) -> str:
        # Long, so that planning it needs room.
        return f"{context.text[:9].strip('x')} {LONG}"

    config = {"imessage": {"allowFrom": ["+15550001"], "textChunkLimit": 4000}}
    with make_gateway(config, handler=answer) as gateway:
        gateway.drain(through=program.receive("begin"))
        with monkeypatch.context() as patch:
            cap(patch, step, 0)
            talk_on(program, gateway)
    sent_before = len(program.sends)
    assert gateway.status().state == "failed"
    assert "full" in gateway.status().last_error
    with make_gateway(config, handler=answer) as gateway:
        gateway.drain(through=program.receive("end"))
        ends = states(gateway)
        assert all(reason in (None, "dm_not_allowed") for reason in reasons(gateway))
        asked = [row.text[:9].strip("x") for row in program.rows if row.sender == "+15550001"]
    answered = [send["text"].split()[0] for send in program.sends]
    assert len(answered) == len(set(answered))
    assert set(ends) <= {"observed", "uncertain"}
    # What was being attempted may be in doubt; all else was answered.
    assert len(answered) + ends.count("uncertain") >= len(asked)
    assert sent_before <= len(program.sends)
