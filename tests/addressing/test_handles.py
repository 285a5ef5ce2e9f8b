"""Handles: normal forms, kinds, redaction, and one person under several spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsg_sdk.addressing import Handle, HandleKind, lookup_key, normalize_handle, same_person
from imsg_sdk.errors import AddressError


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("+1 (555) 222-3333", "+15552223333"),
        ("5550100", "+5550100"),
        ("007", "+007"),
        ("+44 (0)20 7946 0000", "+4402079460000"),
        ("22395", "+22395"),
        ("+1+2", "+1+2"),
        ("1+2", "+1+2"),
        ("imessage: SMS:auto: +1-5", "+15"),
        ("WhatsApp:+1555", "+1555"),
        ("User@Example.COM ", "user@example.com"),
        ("\u202a+1\u00a0555\u202c", "+1555"),
        ("", ""),
        (" \ufeff", ""),
        ("tel:+1 555", "+1555"),
        ("+1555;ext", "+1555"),
        ("BOB2", "+2"),
        ("urn:biz:abc-12", "+12"),
        ("CHAT_ID:9", "+9"),
    ],
)
def test_what_holds_a_digit_or_an_at_sign_has_the_normal_form_of_the_reference(text: str, normal: str) -> None:
    assert normalize_handle(text) == normal


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("AMAZON", "amazon"),
        ("My Bank", "mybank"),
        ("urn:biz:abc", "urn:biz:abc"),
        ("*", "*"),
        ("\uff11\uff12", "\uff11\uff12"),
    ],
)
def test_handles_without_digits_are_compared_as_written(text: str, normal: str) -> None:
    assert normalize_handle(text) == normal


def test_two_senders_without_digits_are_two_people() -> None:
    assert Handle("AMAZON") != Handle("Bob")
    assert Handle("Amazon") == Handle("AMAZON ")


@given(st.text().filter(lambda text: ":" not in text))
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    assert normalize_handle(normalize_handle(text)) == normalize_handle(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("+15552223333", HandleKind.PHONE),
        ("5550100", HandleKind.PHONE),
        ("22395", HandleKind.SHORT_CODE),
        ("sms:729725", HandleKind.SHORT_CODE),
        ("a@b.c", HandleKind.EMAIL),
        ("urn:biz:12-ab", HandleKind.BUSINESS),
        ("AMAZON", HandleKind.OTHER),
        ("BOB2", HandleKind.OTHER),
        ("tel:+15552223333", HandleKind.PHONE),
        ("", HandleKind.OTHER),
    ],
)
def test_a_handle_knows_what_it_looks_like(text: str, kind: HandleKind) -> None:
    assert Handle(text).kind is kind


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+15552223344", "+15…44"),
        ("jane.doe@example.com", "j…@….com"),
        ("jane@localhost", "j…@…"),
        ("22395", "+2…"),
        ("5550100", "+5…"),
        ("urn:biz:8a1c", "urn:biz:…"),
        ("AMAZON", "am…"),
        ("Bank2", "ba…"),
    ],
)
def test_repr_str_and_redacted_show_little(text: str, shown: str) -> None:
    handle = Handle(text)
    assert handle.redacted == shown
    assert str(handle) == shown
    assert repr(handle) == f"<Handle {shown}>"


@pytest.mark.parametrize(
    ("one", "other", "region"),
    [
        ("+442079460000", "+44 (0)20 7946 0000", "US"),
        ("+442079460000", "020 7946 0000", "GB"),
        ("+442079460000", "0044 20 7946 0000", "GB"),
        ("+15552223333", "(555) 222-3333", "US"),
        ("+15552223333", "1-555-222-3333", "us"),
        ("+15552223333", "sms:\u202a+1 555 222 3333\u202c", "DE"),
        ("+4915112345678", "0151 12345678", "DE"),
        ("Jane@Example.com", "jane@example.com", "US"),
        ("22395", " 22395", "US"),
        ("tel:+1-555-222-3333", "+15552223333", "US"),
    ],
)
def test_spellings_of_one_number_are_one_person(one: str, other: str, region: str) -> None:
    assert same_person(one, other, region=region)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+15552223333", "+15552223334"),
        ("22395", "+122395"),
        ("AMAZON", "Bob"),
        ("a@b.c", "a@b.d"),
        ("", "+1"),
        ("BOB2", "2"),
    ],
)
def test_different_handles_are_different_people(one: str, other: str) -> None:
    assert not same_person(one, other)


def test_the_region_decides_what_a_national_number_means() -> None:
    assert lookup_key("020 7946 0000", region="GB") == "+442079460000"
    assert lookup_key("020 7946 0000", region="US") != "+442079460000"


def test_an_unknown_region_is_an_error() -> None:
    with pytest.raises(AddressError, match="region"):
        lookup_key("+1555", region="XX")


@given(st.text(max_size=40))
def test_any_text_has_a_lookup_key(text: str) -> None:
    assert isinstance(lookup_key(text), str)
