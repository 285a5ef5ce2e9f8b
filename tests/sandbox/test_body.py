"""The archive of a text with its attributes, against real bytes and against the reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsg_sdk.chatdb.typedstream import text_of
from imsg_sdk.sandbox import body

CIAO = (
    "040b73747265616d747970656481e803840140848484124e5341747472696275746564537472696e67008484084e534f626a656374008592"
    "848484084e53537472696e67019484012b054369616f2186840269490105928484840c4e5344696374696f6e617279009484016901928496"
    "961d5f5f6b494d4d657373616765506172744174747269627574654e616d658692848484084e534e756d626572008484074e5356616c7565"
    "009484012a84999900868686"
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def test_example_of_the_reference_is_met_byte_for_byte() -> None:
    assert body.attributed("Ciao!", [(5, {body.PART: 0})], mutable=False).hex() == CIAO
    assert body.plain("Ciao!", body.BODY_STYLES.index("immutable")).hex() == CIAO


def test_mention_is_met_byte_for_byte() -> None:
    """The tail of a public example: a picture, a mention, numbers and dictionaries used twice."""
    runs: list[body.Run] = [
        (1, {body.FILE: "at_0_5B0C", body.PART: 0}),
        *body.stretches(("Hi ", {}), ("Anna", {body.MENTION: "+14155550101"}), ("!", {}), part=1),
    ]
    blob = body.attributed("\ufffcHi Anna!", runs, mutable=False)
    assert len(blob) == 328
    assert blob.endswith(bytes.fromhex("86929b92a186970201" + "86"))
    assert bytes.fromhex("97020392849899019 29b92849d9c9f99018686".replace(" ", "")) in blob


@given(texts, st.integers(0, 3))
def test_fast_form_equals_the_general_one(text: str, style: int) -> None:
    attributes: dict[str, body.Value] = {body.PART: 0}
    if "direction" in body.BODY_STYLES[style]:
        attributes = {body.DIRECTION: -1, **attributes}
    runs = [(body.utf16_length(text), attributes)] if text else []
    general = body.attributed(text, runs, mutable=body.BODY_STYLES[style].startswith("mutable"))
    assert body.plain(text, style) == general


@given(texts, st.integers(0, 3))
def test_reader_gets_the_text_back(text: str, style: int) -> None:
    assert text_of(body.plain(text, style)) == text


@given(st.lists(st.tuples(texts, st.booleans(), st.integers(0, 3)), max_size=12), st.booleans())
def test_reader_gets_a_text_of_many_parts_back(pieces: list[tuple[str, bool, int]], mutable: bool) -> None:
    runs: list[body.Run] = []
    for text, is_link, part in pieces:
        look: dict[str, body.Value] = {body.LINK: body.Url("https://example.com")} if is_link else {}
        runs += body.stretches((text, look), part=part)
    whole = "".join(text for text, _, _ in pieces)
    assert text_of(body.attributed(whole, runs, mutable=mutable)) == whole


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 145, 146, 255, 256, 32_767, 32_768, 65_535, 65_536, 1_000_000])
def test_lengths_at_every_border(size: int) -> None:
    text = "x" * size
    assert text_of(body.plain(text)) == text


def test_transcription_stands_in_the_run_of_its_file() -> None:
    look: dict[str, body.Value] = {body.FILE: "at_0_AB", body.TRANSCRIPTION: "two almond ones, please"}
    blob = body.attributed("\ufffc", body.stretches(("\ufffc", look)))
    assert text_of(blob) == "\ufffc"
    assert blob.index(b"IMAudioTranscription") < blob.index(b"two almond ones, please")


def test_units_are_those_of_utf16() -> None:
    assert body.utf16_length("👨‍👩‍👧 ok") == 11
    assert body.utf16_length("né") == 2


def test_recorded_bodies_of_one_part_are_met_byte_for_byte(golden: Path, opened: Any) -> None:
    with opened(golden / "sequoia.db") as connection:
        blobs = [blob for (blob,) in connection.execute("SELECT attributedBody FROM message") if blob]
    readable = [(blob, text_of(blob)) for blob in blobs]
    met = sum(blob in {body.plain(text, style) for style in range(4)} for blob, text in readable if text is not None)
    assert met / len(blobs) > 0.85
