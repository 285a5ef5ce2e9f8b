"""What the reference gateway was seen to do, read by the differences that were decided (their numbers in brackets)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.addressing import (
    AllowKind,
    format_chat_target,
    is_allowed,
    normalize_handle,
    parse_allow_entry,
    parse_target,
)
from imsg_sdk.chunking import chunk
from imsg_sdk.config import load_config
from imsg_sdk.errors import AddressError, ConfigError
from imsg_sdk.gateway import Policy, rehearse
from imsg_sdk.gateway.attachments import media_kind
from imsg_sdk.gateway.commands import command_detector
from imsg_sdk.gateway.context import envelope
from imsg_sdk.gateway.mentions import Mention, MentionPatterns

REASONS = {
    "silent:is-from-me": "from_me",
    "silent:no-sender": "no_sender",
    "silent:group-without-chat-id": "group_without_chat_id",
    "dm-sender-not-allowed": "dm_not_allowed",
}


def under_base_rules(config: dict[str, Any]) -> dict[str, Any]:
    """Map a configuration of the reference to one that means the same here."""
    block = dict(config["imessage"])
    for key in ("allowFrom", "groupAllowFrom"):
        if key in block:
            block[key] = [entry for entry in block[key] if str(entry).strip()]
    if not block.get("allowFrom"):
        block.update(dmPolicy="open", allowFrom=["*"])
        block.setdefault("groupAllowFrom", [])
    elif any(str(entry).strip() == "*" for entry in block["allowFrom"]):
        block.setdefault("groupAllowFrom", block["allowFrom"])
    block.setdefault("groupPolicy", "open")
    return {**config, "imessage": block}


def expected(outcome: dict[str, Any]) -> dict[str, Any]:
    reason, routes = outcome["drop_reason"], outcome["last_route"]
    return {
        "dispatched": outcome["dispatched"] is True,
        "reason": REASONS.get(reason, reason and reason.replace("-", "_")),
        "context": outcome["ctx"],
        "sends": outcome["sends"],
        "last_route": {"session": routes[0]["sessionKey"], "channel": routes[0]["channel"], "to": routes[0]["to"]}
        if routes
        else None,
    }


def refused_by(error: ConfigError) -> int:
    """Return which row refuses a configuration that the reference took."""
    if error.path.endswith("mentionPatterns"):
        return 13
    return 5 if "names no chat" in error.message else 3


def is_blank(message: dict[str, Any]) -> bool:
    return not (message.get("text") or "").strip(" \t\n\ufffc")


def decided(case: dict[str, Any], want: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return the outcome that the rows ask for, and the number of the row; 0 where none applies."""
    message = case["message"]
    if want["dispatched"] and is_blank(message):
        if not message.get("attachments"):
            return 6, {"dispatched": False, "reason": "empty", "context": None, "sends": [], "last_route": None}
        body = want["context"]["Body"].replace("<media:unknown>", "<media:attachment>")
        return 6, {**want, "context": {**want["context"], "Body": body}}
    if want["dispatched"] and "[iMessage + id:" in want["context"]["Body"]:
        sender = message["sender"].strip()
        assert not re.search("[0-9@]", sender)
        body = want["context"]["Body"].replace("+ id:", f"{sender.casefold()} id:", 1)
        return 4, {**want, "context": {**want["context"], "Body": body}}
    return 0, want


def test_every_recorded_outcome_is_ours_but_for_decided_differences(golden: Path) -> None:
    rows: Counter[int] = Counter()
    for line in (golden / "gateway_cases.jsonl").read_text(encoding="utf-8").splitlines():
        recorded = json.loads(line)
        case = recorded["case"]
        try:
            [rehearsed] = rehearse(
                under_base_rules(case["config"]), [case["message"]], lambda context, case=case: case["replies"]
            )
        except ConfigError as error:
            rows[refused_by(error)] += 1
            continue
        row, want = decided(case, expected(recorded["outcome"]))
        rows[row] += 1
        found = rehearsed.to_dict()
        assert list(found) == ["id", "dispatched", "reason", "context", "sends", "session_key", "last_route"]
        assert found.pop("id") == case["message"].get("id")
        if found["dispatched"]:
            is_group, scope = case["message"].get("is_group"), case["config"].get("session", {}).get("scope")
            group = f"imessage:group:{case['message'].get('chat_id')}" if is_group else "main"
            assert found["session_key"] == ("global" if scope == "global" else group)
        del found["session_key"]
        if any(reply.get("mediaUrl") or reply.get("mediaUrls") for reply in case["replies"]):
            del found["sends"], want["sends"]
        assert found == want, case["id"]
    assert rows == {0: 193, 3: 8, 4: 2, 5: 21, 6: 3, 13: 13}


@pytest.fixture(scope="module")
def calls(golden: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the recorded calls of pure functions, by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in (golden / "function_cases.jsonl").read_text(encoding="utf-8").splitlines():
        call = json.loads(line)
        found.setdefault(call["fn"], []).append(call)
    return found


def each(calls: dict[str, list[dict[str, Any]]], name: str) -> Iterator[tuple[list[Any], Any, str]]:
    for call in calls.pop(name):
        result = call["result"]
        yield call["args"], result["value"] if result["ok"] else result["error"], call["id"]


def patterns_of(config: dict[str, Any]) -> list[str]:
    return config["routing"]["groupChat"]["mentionPatterns"]


def target_object(text: str) -> dict[str, Any]:
    target = parse_target(text)
    if target.handle is not None:
        return {"kind": "handle", "to": target.handle, "service": target.service or "auto"}
    key = {"chat_id": "chatId", "chat_guid": "chatGuid", "chat_identifier": "chatIdentifier"}[target.kind]
    return {"kind": target.kind, key: getattr(target, target.kind)}


def readable(entries: list[Any]) -> list[Any]:
    found = []
    for entry in entries:
        try:
            found.append(parse_allow_entry(entry))
        except AddressError:  # rows 3 and 5: an error here, matches nothing there
            continue
    return found


def check_targets(calls: dict[str, list[dict[str, Any]]]) -> None:
    for [text], want, name in each(calls, "parseIMessageTarget"):
        if "message" in want:
            with pytest.raises(AddressError) as caught:
                parse_target(text)
            assert caught.value.message == want["message"], name
        else:
            assert target_object(text) == want, name


def check_allow_entries(calls: dict[str, list[dict[str, Any]]]) -> None:
    keys = {AllowKind.CHAT_ID: "chatId", AllowKind.CHAT_GUID: "chatGuid", AllowKind.HANDLE: "handle"}
    for [text], want, name in each(calls, "parseIMessageAllowTarget"):
        if want.get("handle") == "+":  # rows 4 and 5
            continue
        entry = parse_allow_entry(text)
        assert {"kind": str(entry.kind), keys[entry.kind]: entry.value} == want, name


def check_senders(calls: dict[str, list[dict[str, Any]]]) -> None:
    for [call], want, name in each(calls, "isAllowedIMessageSender"):
        chat = {
            "chat_id": call.get("chatId"),
            "chat_guid": call.get("chatGuid"),
            "chat_identifier": call.get("chatIdentifier"),
        }
        assert is_allowed(readable(call["allowFrom"]), sender=call["sender"], **chat) is want, name
    for [text], want, name in each(calls, "normalizeIMessageHandle"):
        assert normalize_handle(text) == want, name
    for [number], want, name in each(calls, "formatIMessageChatTarget"):
        value = float(number["$num"].replace("Infinity", "inf")) if isinstance(number, dict) else number
        assert format_chat_target(value) == want, name


def check_mentions(calls: dict[str, list[dict[str, Any]]]) -> None:
    for [config], want, name in each(calls, "buildMentionRegexes"):
        usable = MentionPatterns(patterns_of(config)).usable
        # JavaScript shows a slash with a backslash, written or not.
        assert [pattern.source for pattern in usable] == [pattern["source"] for pattern in want], name
    for [text, config], want, name in each(calls, "matchesMentionPatterns"):
        found = MentionPatterns(patterns_of(config["$cfg"])).match(text)
        assert (found is Mention.MENTIONED) is want, name


def check_texts(calls: dict[str, list[dict[str, Any]]]) -> None:
    for [text, limit], want, name in each(calls, "chunkText"):
        assert chunk(text, limit) == want, name
    has_command = command_detector()
    for [text], want, name in each(calls, "hasControlCommand"):
        assert has_command(text) is want, name
    for [mime_type], want, name in each(calls, "mediaKindFromMime"):
        assert media_kind(mime_type) == want, name
    for [call], want, name in each(calls, "formatAgentEnvelope"):
        if {"ip", "host"} & call.keys() or not call["surface"].strip(" \ufeff") or "-271821" in want:
            continue  # out of scope
        made = envelope(call.get("from"), call.get("timestamp"), call["body"], surface=call["surface"])
        assert made == want, name


def test_every_recorded_function_is_ours(calls: dict[str, list[dict[str, Any]]]) -> None:
    assert sum(map(len, calls.values())) == 121
    left = {name: list(group) for name, group in calls.items()}
    check_targets(left)
    check_allow_entries(left)
    check_senders(left)
    check_mentions(left)
    check_texts(left)
    assert not left


def test_under_base_rules_an_empty_list_lets_everyone_in() -> None:
    config = load_config(under_base_rules({"imessage": {"allowFrom": ["", " "]}}), environ={})
    assert Policy(config.gateway).dm_list.anyone
