"""Rehearsals: the whole way to the sends, any kind of handler, and bursts at one moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.config import GatewayConfig, load_config
from imsg_sdk.errors import ConfigError, HandlerError
from imsg_sdk.gateway import Context, Handlers, Rehearsed, rehearse
from imsg_sdk.models import Message

OPEN: dict[str, Any] = {"imessage": {"allowFrom": ["*"], "groupPolicy": "open", "groupAllowFrom": ["*"]}}
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def dm(**more: Any) -> dict[str, Any]:
    return {"id": 5, "chat_id": 7, "sender": "+1555", "text": "hey", "is_group": False, **more}


def texts(outcome: Rehearsed) -> list[str]:
    return [send["text"] for send in outcome.sends]


def test_an_outcome_is_a_plain_object() -> None:
    [answered, dropped] = rehearse(OPEN, [dm(), dm(id=None, is_from_me=True)], lambda context: "ok")
    assert answered.to_dict() | {"context": None} == {
        "id": 5,
        "dispatched": True,
        "reason": None,
        "context": None,
        "sends": [{"text": "ok", "service": "auto", "region": "US", "chat_id": 7}],
        "session_key": "main",
        "last_route": {"session": "main", "channel": "imessage", "to": "chat_id:7"},
    }
    assert dropped.to_dict() == {
        "id": None,
        "dispatched": False,
        "reason": "from_me",
        "context": None,
        "sends": [],
        "session_key": None,
        "last_route": None,
    }
    assert "hey" not in repr(answered)


def plain(context: Context) -> list[str]:
    return ["one", "two"]


def test_a_handler_may_be_any_kind_of_function(handler_of_any_kind: Any) -> None:
    for outcome in rehearse(OPEN, [dm(), dm()], handler_of_any_kind):
        assert texts(outcome) == ["one", "two"]


def test_it_works_while_a_loop_of_the_caller_runs() -> None:
    async def handler(context: Context) -> list[str]:
        await asyncio.sleep(0)
        return ["one", "two"]

    async def cell() -> list[Rehearsed]:
        return rehearse(OPEN, [dm()], handler)

    assert texts(asyncio.run(cell())[0]) == ["one", "two"]


def test_an_error_of_the_handler_reaches_nobody_and_keeps_what_was_said() -> None:
    def broken(context: Context) -> Iterator[str]:
        yield "said"
        raise ValueError("private")

    [outcome, other] = rehearse(OPEN, [dm(), dm(id=6)], broken)
    assert texts(outcome) == texts(other) == ["said"]
    assert isinstance(outcome.error, ValueError)
    [wrong] = rehearse(OPEN, [dm()], lambda context: 7)
    assert isinstance(wrong.error, HandlerError)
    assert wrong.sends == ()


def test_settings_come_in_any_form(tmp_path: Path) -> None:
    path = tmp_path / "config.json5"
    path.write_text('{imessage: {allowFrom: ["*"]}, messages: {responsePrefix: "P"}}', encoding="utf-8")
    config = load_config(path, environ={})
    for form in (path, str(path), path.read_text(encoding="utf-8"), config, config.gateway):
        [outcome] = rehearse(form, [dm()], lambda context: "ok")
        assert texts(outcome) == ["P ok"]
    assert not rehearse(GatewayConfig(), [dm()])[0].dispatched
    with pytest.raises(ConfigError):
        rehearse({"imessage": {"alowFrom": []}}, [])


def test_no_handler_and_a_registry_are_handlers() -> None:
    assert rehearse(OPEN, [dm()])[0].sends == ()
    handlers = Handlers()
    handlers.message(plain)
    assert texts(rehearse(OPEN, [dm()], handlers)[0]) == ["one", "two"]


def test_what_cannot_be_read_is_malformed_and_stops_nothing() -> None:
    wrong: list[Any] = [dm(text=7), 3, Message(rowid=9, chat_id=7, sender="+1", text="hi")]
    outcomes = rehearse(OPEN, wrong, plain)
    assert [(each.id, each.reason) for each in outcomes] == [(5, "malformed"), (None, "malformed"), (9, None)]


def test_what_nobody_answered_comes_along_with_the_next_mention() -> None:
    config = {
        "imessage": {**OPEN["imessage"], "historyLimit": 2},
        "messages": {"groupChat": {"mentionPatterns": ["@bot"]}},
    }

    def line(text: str, **more: Any) -> dict[str, Any]:
        return dm(text=text, is_group=True, **more)

    photo = line("", attachments=[{"original_path": "/x", "mime_type": "image/png"}])
    outcomes = rehearse(config, [line("one"), line("two"), photo, line(""), line("@bot"), line("@bot again")], plain)
    assert [each.reason for each in outcomes] == ["no_mention"] * 4 + [None, None]
    context, after = outcomes[4].context, outcomes[5].context
    assert context is not None
    assert [entry.text for entry in context.history] == ["two", "<media:attachment>"]
    assert after is not None
    assert after.history == ()


def test_without_now_nothing_is_too_old_or_seen_before() -> None:
    old = dm(guid="G", created_at="2001-01-01T00:00:00Z")
    assert [each.reason for each in rehearse(OPEN, [old] * 30, plain)] == [None] * 30


def test_at_a_moment_age_repeats_and_echoes_count() -> None:
    fresh = (NOW - timedelta(minutes=1)).isoformat()
    messages = [
        dm(guid="A", created_at=fresh),
        dm(guid="A", created_at=fresh),
        dm(guid="B", created_at="2026-01-05T11:00:00Z"),
        dm(guid="C", created_at=fresh, text="two"),
        dm(guid="D", created_at=fresh, text="two", chat_id=8),
    ]
    reasons = [each.reason for each in rehearse(OPEN, messages, plain, now=NOW)]
    assert reasons == [None, "duplicate", "stale", "echo", None]


def test_at_a_moment_a_chat_has_a_rate_and_a_loop_breaker() -> None:
    reasons = [each.reason for each in rehearse(OPEN, [dm()] * 25, plain, now=NOW)]
    assert reasons == [None] * 20 + ["rate_limited"] * 5
    echoes = [dm(), *[dm(text="one")] * 5, dm(), dm(chat_id=8)]
    reasons = [each.reason for each in rehearse(OPEN, echoes, plain, now=NOW)]
    assert reasons == [None, *["echo"] * 5, "loop", None]


def test_at_a_moment_a_note_to_oneself_is_answered_once() -> None:
    note = {"chat_identifier": "+1", "destination_caller_id": "+1", "created_at": "2026-01-05T11:59:00Z"}
    twins = [dm(id=1, sender="+1", is_from_me=True, **note), dm(id=2, sender="+1", **note)]
    assert [each.reason for each in rehearse(OPEN, twins, plain, now=NOW)] == [None, "echo"]
    assert [each.reason for each in rehearse(OPEN, twins, plain)] == ["from_me", None]


def test_at_a_moment_short_messages_are_merged() -> None:
    config = {**OPEN, "messages": {"inbound": {"debounceMs": 500}}}
    messages = [dm(id=1, text="one"), dm(id=2, text="two"), dm(id=3, sender="+2", text="hi"), dm(id=4, text="/status")]
    outcomes = rehearse(config, messages, lambda context: context.text, now=NOW)
    assert [each.reason for each in outcomes] == ["coalesced", None, None, None]
    assert outcomes[0].decision.detail == "carried by row 2"
    assert [texts(each) for each in outcomes] == [[], ["one\ntwo"], ["hi"], ["/status"]]


def test_the_limits_of_the_settings_hold() -> None:
    config = {"imessage": OPEN["imessage"] | {"dmPolicy": "open", "limits": {"burst": 2}}}
    outcomes = rehearse(config, [dm(id=number) for number in range(1, 5)], None, NOW)
    assert [outcome.reason for outcome in outcomes] == [None, None, "rate_limited", "rate_limited"]


def test_folders_of_the_settings_come_on_top_of_those_of_messages() -> None:
    paths = ["/Users/me/Library/Messages/Attachments/a.png", "/extra/b.png", "/etc/passwd"]
    files = [{"original_path": path, "mime_type": "image/png"} for path in paths]
    config = {"imessage": OPEN["imessage"] | {"includeAttachments": True, "attachmentRoots": ["/extra"]}}
    [outcome] = rehearse(config, [dm(attachments=files)])
    assert outcome.context is not None
    assert [each.path for each in outcome.context.attachments] == paths[:2]
