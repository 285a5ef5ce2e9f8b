"""Allow lists: reading an entry, matching a sender, refusing what would let in the wrong one."""

from __future__ import annotations

import pytest

from imsg_sdk.addressing import AllowEntry, AllowKind, is_allowed, parse_allow_entry
from imsg_sdk.errors import AddressError


@pytest.mark.parametrize(
    ("entry", "kind", "value"),
    [
        (" *\n", AllowKind.ANYONE, "*"),
        ("CHAT: 7", AllowKind.CHAT_ID, 7),
        ("sms:chat_id:5", AllowKind.CHAT_ID, 5),
        ("group: 12abc", AllowKind.CHAT_ID, 12),
        ("group:abc", AllowKind.CHAT_GUID, "abc"),
        ("Guid: iMessage;+;chat9", AllowKind.CHAT_GUID, "iMessage;+;chat9"),
        ("chatident:chat9", AllowKind.CHAT_IDENTIFIER, "chat9"),
        (7, AllowKind.HANDLE, "+7"),
        (15550004444.0, AllowKind.HANDLE, "+15550004444"),
        ("imessage:User@Example.com", AllowKind.HANDLE, "user@example.com"),
        ("imessage:*", AllowKind.HANDLE, "*"),
    ],
)
def test_an_entry_is_read_as_the_grammar_says(entry: str | float, kind: AllowKind, value: int | str) -> None:
    assert parse_allow_entry(entry) == AllowEntry(kind, value)


@pytest.mark.parametrize("entry", ["", " ", "auto:", "sms: imessage: ", "chat_id:abc", "chat_id:*", "guid:", "group:"])
def test_a_blank_or_malformed_entry_is_an_error_that_names_it(entry: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_allow_entry(entry)
    assert caught.value.hint
    assert entry.strip() in caught.value.message


@pytest.mark.parametrize(
    "entry",
    ["+15550001111,+15550002222", "a@b.org; c@d.org", "07700 900118 | a@b.org", "@example.org", "imessage:bob@"],
)
def test_an_entry_that_can_be_nobody_s_handle_is_an_error(entry: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_allow_entry(entry)
    assert caught.value.hint


@pytest.mark.parametrize("entry", ["+", "Nora", "Nora, Bo", "+33612342906;ext=5", "+1,555,000,4444"])
def test_an_entry_that_may_be_somebody_s_handle_is_kept(entry: str) -> None:
    assert parse_allow_entry(entry).kind is AllowKind.HANDLE


@pytest.mark.parametrize("entry", [True, None, [1]])
def test_an_entry_of_another_type_is_an_error(entry: object) -> None:
    with pytest.raises(AddressError):
        parse_allow_entry(entry)  # type: ignore[arg-type]


def test_no_entries_let_nobody_in() -> None:
    assert not is_allowed([], sender="+1555", chat_id=7)


def test_an_entry_shows_no_handle() -> None:
    assert "1234" not in repr(parse_allow_entry("+15551234567"))
    assert "1234" not in repr(parse_allow_entry("guid:iMessage;-;+15551234567"))


def allowed(*entries: str | float, **message: object) -> bool:
    return is_allowed([parse_allow_entry(entry) for entry in entries], **{"sender": "x@y.org", **message})  # type: ignore[arg-type]


def test_a_sender_is_matched_by_handle_whatever_its_spelling() -> None:
    assert allowed("+1 (555) 000-4444", sender="+15550004444")
    assert not allowed("+15550009999", sender="+15550004444")
    assert not allowed(7, chat_id=7)


def test_a_chat_is_matched_by_id_guid_or_identifier() -> None:
    assert allowed("chat_id:7", chat_id=7)
    assert allowed("chat_id:0", chat_id=0)
    assert not allowed("chat_id:0", chat_id=None)
    assert allowed("guid:A", chat_guid=" A ")
    assert not allowed("guid:A", chat_guid="a")
    assert allowed("chatident:c1", chat_identifier="c1")


def test_a_star_lets_everyone_in_and_only_alone() -> None:
    assert allowed("*", sender="")
    assert not allowed("imessage:*")


def test_a_blank_sender_matches_no_handle() -> None:
    assert not allowed("+1555", "a@b.c", sender="  ")
