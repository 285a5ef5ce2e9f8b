"""Send targets: the grammar, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsg_sdk.addressing import Handle, Service, Target, TargetKind, format_chat_target, parse_target
from imsg_sdk.errors import AddressError


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (" CHAT_ID: 123 ", Target(chat_id=123)),
        ("Chat:7x", Target(chat_id=7)),
        ("chat_id:12.9", Target(chat_id=12)),
        ("chat_id:1e3", Target(chat_id=1)),
        ("chat_id:0x1f", Target(chat_id=0)),
        ("chat_id:-5", Target(chat_id=-5)),
        ("chat_id:+9", Target(chat_id=9)),
        ("chat_id:0", Target(chat_id=0)),
        ("chat_id :5", Target(handle="chat_id :5")),
        ("group:abc", Target(chat_guid="abc")),
        ("group:12ab", Target(chat_id=12)),
        ("sms:CHAT_GUID:g", Target(chat_guid="g")),
        ("auto:group:5", Target(chat_id=5)),
        ("imessage:imessage:chat_id:5", Target(handle="imessage:chat_id:5", service=Service.IMESSAGE)),
        ("imessage:sms:+1555", Target(handle="sms:+1555", service=Service.IMESSAGE)),
        ("sms:+1 (555) 222", Target(handle="+1 (555) 222", service=Service.SMS)),
        ("user@Example.com", Target(handle="user@Example.com")),
        ("auto:user@Example.com", Target(handle="user@Example.com", service=Service.AUTO)),
        ("chatident: chat12 ", Target(chat_identifier="chat12")),
        ("\ufeff chat:3\u00a0", Target(chat_id=3)),
        ("\u0085chat:3", Target(handle="\u0085chat:3")),
    ],
)
def test_a_target_is_read_as_the_grammar_says(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "iMessage target is required"),
        (" \t", "iMessage target is required"),
        ("IMESSAGE: ", "imessage: target is required"),
        ("chat_id:", "Invalid chat_id: "),
        ("imessage:chat_id:abc", "Invalid chat_id: abc"),
        ("chatguid:", "chat_guid is required"),
        ("chatident: ", "chat_identifier is required"),
        ("group:", "group target is required"),
        ("chat_id:99999999999999999999", "Invalid chat_id: 99999999999999999999"),
    ],
)
def test_a_target_that_names_nothing_is_an_error(text: str, message: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_target(text)
    assert caught.value.message == message
    assert caught.value.hint


def test_numbers_handles_and_targets_are_targets_too() -> None:
    assert parse_target(7) == Target(chat_id=7)
    assert parse_target(Handle(" +1 555 ")) == Target(handle="+1 555")
    assert parse_target(Target(chat_guid="g")) == Target(chat_guid="g")


@pytest.mark.parametrize("value", [True, None, 1.5, ["x"]])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(AddressError):
        parse_target(value)  # type: ignore[arg-type]


def test_a_handle_that_looks_like_a_target_stays_a_handle() -> None:
    assert parse_target(Handle("chat_id:5")) == Target(handle="chat_id:5")


def test_a_target_names_exactly_one_thing() -> None:
    with pytest.raises(AddressError):
        Target()
    with pytest.raises(AddressError):
        Target(chat_id=1, handle="x")
    with pytest.raises(AddressError):
        Target(chat_id=1, service=Service.SMS)


def test_repr_and_str_of_a_target_show_no_handle() -> None:
    for target in (
        Target(handle="+15551234567", service=Service.SMS),
        Target(chat_guid="iMessage;-;+15551234567"),
        Target(chat_identifier="+15551234567"),
    ):
        assert "1234" not in repr(target) + str(target) + f"{target}"
    assert "1234567" in Target(handle="+15551234567").to_text()


@given(st.text())
def test_any_text_is_a_target_or_an_address_error(text: str) -> None:
    try:
        target = parse_target(text)
    except AddressError:
        return
    if target.kind is not TargetKind.HANDLE:
        assert parse_target(target.to_text()) == target


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "chat_id:1"),
        (-4, "chat_id:-4"),
        (2.0, "chat_id:2"),
        (1e21, "chat_id:1e+21"),
        (1e-7, "chat_id:1e-7"),
        (0, ""),
        (None, ""),
        (float("nan"), ""),
        (float("-inf"), ""),
    ],
)
def test_a_chat_target_is_formatted_where_there_is_a_chat(number: float | None, text: str) -> None:
    assert format_chat_target(number) == text
