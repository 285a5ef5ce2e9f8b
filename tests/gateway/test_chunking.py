"""Cutting long replies: where, and that nothing is lost or torn."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from imsg_sdk.chunking import chunk
from imsg_sdk.config import ChunkMode
from imsg_sdk.text import is_space, units

FAMILY = "👨\u200d👩\u200d👧"


@pytest.mark.parametrize(
    ("text", "limit", "chunks"),
    [
        ("", 5, []),
        ("abcdef", 0, ["abcdef"]),
        ("abcdef", 5, ["abcde", "f"]),
        ("abc def", 5, ["abc", "def"]),
        ("abcde fgh", 5, ["abcde", "fgh"]),
        ("abc\ndef ghi", 8, ["abc", "def ghi"]),
        ("\nabcdef", 4, ["\nabc", "def"]),
        ("a\n\n\nb c d e f", 6, ["a", "b c d", "e f"]),
        ("      x", 3, ["x"]),
        (" " * 8, 3, []),
        ("trail   \n  next line", 10, ["trail", "next line"]),
        ("Supercalifragilisticexpialidocious", 10, ["Supercalif", "ragilistic", "expialidoc", "ious"]),
        ("ends  ", 6, ["ends  "]),
        ("😀😀😀", 3, ["😀", "😀", "😀"]),
        ("😀", 1, ["😀"]),
        ("🇩🇪🇩🇪", 6, ["🇩🇪", "🇩🇪"]),
        ("👍🏽👍🏽", 7, ["👍🏽", "👍🏽"]),
        ("ab" + FAMILY, 8, ["ab", FAMILY]),
        (FAMILY, 3, ["👨\u200d", "👩\u200d", "👧"]),
        ("e\u0301e\u0301", 3, ["e\u0301", "e\u0301"]),
    ],
)
def test_a_text_is_cut_at_lines_then_spaces_then_anywhere(text: str, limit: int, chunks: list[str]) -> None:
    assert chunk(text, limit) == chunks


@pytest.mark.parametrize(
    ("text", "limit", "chunks"),
    [
        ("one\ntwo", 100, ["one\ntwo"]),
        ("one\n\ntwo", 100, ["one", "two"]),
        ("one  \r\n \t\r\n\r\ntwo\n", 100, ["one", "two"]),
        ("one\n\n\n\ntwo three", 5, ["one", "two", "three"]),
        ("```\na\n\nb\n```\n\nc", 100, ["```\na\n\nb\n```", "c"]),
        ("~~~\na\n\nb", 100, ["~~~\na\n\nb"]),
        ("````\n```\n\nb\n````\n\nc", 100, ["````\n```\n\nb\n````", "c"]),
        ("\n\n", 100, []),
    ],
)
def test_paragraphs_can_be_messages_of_their_own(text: str, limit: int, chunks: list[str]) -> None:
    assert chunk(text, limit, ChunkMode.NEWLINE) == chunks


texts = st.text(st.sampled_from("ab \n\r\té😀🇩🇪\u0301\u200d👩"), max_size=60)


@given(texts, st.integers(1, 12))
def test_no_chunk_is_too_long_and_no_word_is_lost(text: str, limit: int) -> None:
    chunks = chunk(text, limit)
    assert all(units(each) <= max(limit, 2) for each in chunks)
    if units(text) > limit:

        def solid(parts: list[str]) -> str:
            return "".join(char for part in parts for char in part if not is_space(char))

        assert solid(chunks) == solid([text])


@given(st.lists(st.sampled_from(["a", "é", "😀", "🇩🇪", "👍🏽", "e\u0301", FAMILY]), max_size=20).map("".join))
def test_what_people_see_as_one_character_is_never_cut(text: str) -> None:
    whole = regex.findall(r"\X", text)
    assert [each for part in chunk(text, 8) for each in regex.findall(r"\X", part)] == whole
