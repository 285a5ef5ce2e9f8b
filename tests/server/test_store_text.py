"""Text as the programs find it, oddities included."""

from __future__ import annotations

import plistlib

import pytest

from imsg_sdk.chatdb.imsg_text import ContainsQuery, decode_body, fold, strip_blank

STREAM = b"\x04\x0bstreamtyped\x81\xe8\x03\x84\x01+"
END = b"\x86\x84\x02iI"


def body(segment: bytes) -> bytes:
    return STREAM + segment + END


@pytest.mark.parametrize(
    ("blob", "text"),
    [
        (b"", ""),
        (body(b"\x05hello"), "hello"),
        (body(b"\x81\x80\x00" + b"x" * 128), "x" * 128),
        (body(b"\x81\xc8\x00" + "é".encode() * 100), "é" * 100),
        (body(b"\x82\x40\x9c\x00\x00" + b"x" * 40_000), "x" * 40_000),
        (body(b"\x0c\n\n\thi there\x07"), "hi there\x07"),
        (body("\x0b\u200e\ufeffhello".encode()), "hello"),
        (b"\xff\xfe" + "bonjour é".encode("utf-16-le"), "bonjour é"),
    ],
)
def test_bodies_of_every_length_form(blob, text):
    assert decode_body(blob) == text


@pytest.mark.parametrize(
    ("blob", "text"),
    [
        # The high byte of a length from 8192 is no control character and stays.
        (body(b"\x81\x00\x20" + b"y" * 8192), " " + "y" * 8192),
        (body(b"\x81\x3b\x56" + b"k" * 22_075), "V" + "k" * 22_075),
        # A length that is wrong belongs to the text, unless it is a control character.
        (body(b"\x28short"), "(short"),
        (body(b"\x03longer"), "longer"),
        # The end mark is found inside a letter.
        (body("\x0bleft ㆄ right".encode()), None),
        # Invalid behind its length, valid with it: never; so nothing is found, and the whole is shown.
        (body(b"\x02\xff\xfe"), None),
        (STREAM + b"\x05hello", None),
        (body(b"\x00"), None),
        (b"\x00\x01\x02 not a typedstream \xff\xfe", " not a typedstream \ufffd\ufffd"),
        (b"\x04\x0bstreamtyped\x81\xe8\x03 cut short", "streamtyped\ufffd\ufffd\x03 cut short"),
    ],
)
def test_odd_bodies(blob, text):
    assert decode_body(blob) == (blob.decode("utf-8", "replace").lstrip("\x04\x0b") if text is None else text)


def test_the_longest_of_several_texts_wins_and_the_first_of_equals():
    first, second = body(b"\x03one"), body(b"\x05three")
    assert decode_body(first + second) == "three"
    assert decode_body(second + first) == "three"
    assert decode_body(body(b"\x03one") + body(b"\x03two")) == "one"
    family = "👨‍👩‍👧‍👦".encode()
    assert decode_body(body(bytes([len(family)]) + family) + body(b"\x02ab")) == "ab"


def test_the_column_comes_before_the_body(db, open_store):
    db.message("column", body="body")
    db.message("", body="body of an empty text")
    db.message(None, body="body of no text")
    db.message(None)
    found = [message.text for message in open_store(db).history(1, 9)]
    assert found == ["", "body of no text", "body of an empty text", "column"]


@pytest.mark.parametrize("value", [5, 2.5, b"blob"])
def test_a_column_that_holds_no_text_counts_as_empty(db, open_store, value):
    db.sql.execute("ALTER TABLE message RENAME COLUMN text TO old_text")
    db.sql.execute("ALTER TABLE message ADD COLUMN text")
    db.message(value, body="body")
    assert open_store(db).history(1, 9)[0].text == "body"


def test_a_transcription_replaces_the_text_of_a_voice_message(db, open_store):
    info = plistlib.dumps({"audio-transcription": "what was said"})
    db.attachment(db.message("\ufffc", is_audio_message=1), "a.caf", user_info=info)
    db.attachment(db.message("\ufffc"), "b.caf", user_info=info)
    db.attachment(db.message("\ufffc", is_audio_message=1), "c.caf", user_info=b"no plist")
    db.attachment(db.message(None, is_audio_message=1), "d.caf", user_info=plistlib.dumps({"audio-transcription": ""}))
    db.attachment(db.message("kept", is_audio_message=1), "e.caf", user_info=plistlib.dumps(["a list"]))
    found = [message.text for message in open_store(db).after(0).messages]
    assert found == ["what was said", "\ufffc", "\ufffc", "", "kept"]


def test_white_space_is_that_of_foundation():
    assert strip_blank("\u00a0\u2003\u200b x\u001f \u2028\n") == "x\u001f"


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("STRASSE", "straße", True),
        ("ß", "GROSS", True),
        ("s", "ß", False),
        ("e", "é", False),
        ("e", "e\u0301", False),
        ("é", "CAFE\u0301", True),
        ("e\u0301", "café", True),
        ("eclair", "éclair", False),
        ("👨", "👨‍👩‍👧‍👦", True),
        ("\u200d", "👨‍👩‍👧‍👦", False),
        ("\u0301", "e\u0301", False),
        ("привет", "ПРИВЕТ мир", True),
        ("아", "안녕", False),
        ("x", "", False),
    ],
)
def test_a_text_contains_another(query, text, found):
    assert ContainsQuery(query)(text) is found


def test_texts_equal_but_for_case_and_composition_fold_alike():
    assert fold("CAFE\u0301 STRASSE") == fold("café straße")
    assert fold("Plain ASCII") == fold("pLAIN ascii") != fold("plain")
