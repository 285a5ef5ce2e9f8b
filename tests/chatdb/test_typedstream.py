"""Bodies: text by length, salvage of damage, attributes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsg_sdk.chatdb.attributes import runs_of, transcription_of
from imsg_sdk.chatdb.connection import RepairedText
from imsg_sdk.chatdb.plists import read_plist
from imsg_sdk.chatdb.summary import summary_of
from imsg_sdk.chatdb.typedstream import text_of

PART = "__kIMMessagePartAttributeName"


@pytest.mark.parametrize("mutable", [False, True])
@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 145, 146, 200, 255, 256, 32_767, 32_768, 65_535, 65_536, 10**6])
def test_text_of_any_length_is_read_to_the_byte(body: Any, mutable: bool, size: int) -> None:
    text = "x" * size
    read = text_of(body(text, mutable=mutable))
    assert read == text
    assert type(read) is str


@pytest.mark.parametrize(
    "text",
    ["NSString and NSDictionary + NSNumber", "ㆄ and ↄ", "\x84\x01+ inside", "\u202eلخير", "\u0001\u0002", "a\0b"],
)
def test_text_may_hold_the_words_and_bytes_of_the_archive(body: Any, text: str) -> None:
    assert text_of(body(text)) == text


@pytest.mark.parametrize("size", [0x92, 0xC8, 0xFF])
def test_a_length_may_be_one_raw_byte(body: Any, size: int) -> None:
    whole = body("x" * size)
    raw = whole.replace(b"+\x81" + size.to_bytes(2, "little"), b"+" + bytes([size]))
    assert len(raw) == len(whole) - 2
    assert text_of(raw) == "x" * size


def test_two_bytes_of_length_have_no_sign(body: Any) -> None:
    whole = body("x" * 40_000)
    raw = whole.replace(b"+\x82" + (40_000).to_bytes(4, "little"), b"+\x81" + (40_000).to_bytes(2, "little"))
    assert text_of(raw) == "x" * 40_000


def test_utf16_with_a_mark_is_plain_text() -> None:
    assert text_of(b"\xff\xfe" + "ciao 🎉".encode("utf-16-le")) == "ciao 🎉"
    assert type(text_of(b"\xff\xfe\x00\xd8")) is RepairedText


def test_bad_bytes_are_replaced_and_marked(body: Any) -> None:
    read = text_of(body(b"good \xff\xfe bad"))
    assert read == "good \ufffd\ufffd bad"
    assert type(read) is RepairedText


def test_a_body_cut_short_gives_what_is_left(body: Any) -> None:
    whole = body("the quick brown fox")
    cut = whole[: whole.index(b"brown")]
    read = text_of(cut)
    assert read == "the quick "
    assert type(read) is RepairedText


@pytest.mark.parametrize("claimed", [3, 40])
def test_a_wrong_length_falls_back_to_the_end_mark(body: Any, claimed: int) -> None:
    whole = body("the quick brown fox")
    wrong = whole.replace(b"+\x13", b"+" + bytes([claimed]))
    read = text_of(wrong)
    assert read == "the quick brown fox"
    assert type(read) is RepairedText


@pytest.mark.parametrize(
    "junk", [b"bplist00\xd1", b"\x00\x01 nothing \xff", b"\x04\x0bstreamtyped\x81\xe8\x03 cut", b"\x80"]
)
def test_nothing_comes_of_what_is_no_archive(junk: bytes) -> None:
    assert text_of(junk) is None


def test_bytes_that_are_nothing_but_text_are_taken_as_text() -> None:
    assert text_of(b"just words") == "just words"


@given(st.text())
@settings(deadline=None)
def test_every_text_survives_encoding_and_decoding(body: Any, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    for mutable in (False, True):
        raw = body(text, mutable=mutable)
        assert text_of(raw) == text
        units = len(text.encode("utf-16-le")) // 2
        assert [(run.start, run.length, run.attributes) for run in runs_of(raw)] == (
            [(0, units, {PART: 0})] if units else []
        )


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=300)
def test_no_bytes_raise(junk: bytes) -> None:
    for blob in (junk, b"\x04\x0bstreamtyped\x81\xe8\x03" + junk, b"\x84\x01+" + junk, b"bplist00" + junk):
        text_of(blob)
        runs_of(blob)
        transcription_of(blob + b"IMAudioTranscription")
        read_plist(blob)
        summary_of(blob)


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_no_flipped_or_missing_bytes_raise(body: Any, data: st.DataObject) -> None:
    whole = body("grüße 🎉", mutable=data.draw(st.booleans()), attributes={"IMAudioTranscription": "hi"})
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1 :]
    for blob in (changed, whole[:at]):
        text_of(blob)
        runs_of(blob)
        transcription_of(blob)


@pytest.mark.parametrize("mutable", [False, True])
def test_attributes_are_found_by_run(body: Any, mutable: bool) -> None:
    raw = body("👨‍👩‍👧 ok", mutable=mutable, attributes={"IMAudioTranscription": "see you at eight"})
    (run,) = runs_of(raw)
    assert run.length == 11
    assert run.attributes == {"IMAudioTranscription": "see you at eight", PART: 0}
    assert transcription_of(raw) == "see you at eight"
    assert transcription_of(body("no voice", mutable=mutable)) is None
