"""The recorded calls of the reference, read by the rules that were decided to differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.addressing import (
    AllowEntry,
    AllowKind,
    Target,
    format_chat_target,
    is_allowed,
    normalize_handle,
    parse_allow_entry,
    parse_target,
)
from imsg_sdk.errors import AddressError

COLLAPSED = "+"
"""What the reference makes of every handle without digits and @; ours keeps such handles apart."""


@pytest.fixture(scope="module")
def recorded(golden: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the recorded calls by function."""
    calls: dict[str, list[dict[str, Any]]] = {}
    for line in (golden / "function_cases.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        calls.setdefault(case["fn"], []).append(case)
    return calls


def target_object(target: Target) -> dict[str, Any]:
    if target.chat_id is not None:
        return {"kind": "chat_id", "chatId": target.chat_id}
    if target.chat_guid is not None:
        return {"kind": "chat_guid", "chatGuid": target.chat_guid}
    if target.chat_identifier is not None:
        return {"kind": "chat_identifier", "chatIdentifier": target.chat_identifier}
    # The reference cannot tell "no service written" from "auto".
    return {"kind": "handle", "to": target.handle, "service": target.service or "auto"}


def test_targets_are_read_as_the_reference_reads_them(recorded: dict[str, list[dict[str, Any]]]) -> None:
    for case in recorded["parseIMessageTarget"]:
        result = case["result"]
        if result["ok"]:
            assert target_object(parse_target(case["args"][0])) == result["value"], case["id"]
        else:
            with pytest.raises(AddressError) as caught:
                parse_target(case["args"][0])
            assert caught.value.message == result["error"]["message"], case["id"]


def test_handles_are_normalised_as_the_reference_does(recorded: dict[str, list[dict[str, Any]]]) -> None:
    for case in recorded["normalizeIMessageHandle"]:
        if case["result"]["value"] != COLLAPSED:
            assert normalize_handle(case["args"][0]) == case["result"]["value"], case["id"]


def entry_object(entry: AllowEntry) -> dict[str, Any]:
    key = {"chat_id": "chatId", "chat_guid": "chatGuid", "chat_identifier": "chatIdentifier"}.get(entry.kind, "handle")
    kind = "handle" if entry.kind is AllowKind.ANYONE else str(entry.kind)
    return {"kind": kind, key: entry.value}


def test_allow_entries_are_read_as_the_reference_reads_them(recorded: dict[str, list[dict[str, Any]]]) -> None:
    refused = []
    for case in recorded["parseIMessageAllowTarget"]:
        expected = case["result"]["value"]
        try:
            entry = parse_allow_entry(case["args"][0])
        except AddressError:
            refused.append(case["args"][0])
            continue
        if expected.get("handle") != COLLAPSED:
            assert entry_object(entry) == expected, case["id"]
    assert all(text.strip().lower().startswith(("chat_id:", "chatid:")) for text in refused)
    assert len(refused) == 3


def readable(entries: list[Any]) -> list[AllowEntry]:
    """Return the entries that are no configuration errors here; in the reference those match nothing."""
    kept = []
    for entry in entries:
        try:
            kept.append(parse_allow_entry(entry))
        except AddressError:
            continue
    return kept


def test_senders_are_matched_as_the_reference_matches_them(recorded: dict[str, list[dict[str, Any]]]) -> None:
    for case in recorded["isAllowedIMessageSender"]:
        call = case["args"][0]
        verdict = is_allowed(
            readable(call["allowFrom"]),
            sender=call["sender"],
            chat_id=call.get("chatId"),
            chat_guid=call.get("chatGuid"),
            chat_identifier=call.get("chatIdentifier"),
        )
        assert verdict is case["result"]["value"], case["id"]


def test_chat_targets_are_formatted_as_the_reference_does(recorded: dict[str, list[dict[str, Any]]]) -> None:
    for case in recorded["formatIMessageChatTarget"]:
        argument = case["args"][0]
        number = float(argument["$num"].replace("Infinity", "inf")) if isinstance(argument, dict) else argument
        assert format_chat_target(number) == case["result"]["value"], case["id"]
