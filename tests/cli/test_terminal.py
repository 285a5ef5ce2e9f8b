"""Text on a terminal: nothing in it is obeyed, and columns stand straight."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsg_sdk.cli.terminal import Cells, Style, bar, fit, pad, safe, shade, spark, table, width, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("one\ntwo\r\nthree\u2028four", "one ⏎ two ⏎ three ⏎ four"),
        ("a\tb", "a b"),
        ("bell\x07 null\x00 del\x7f c1\x9b", "bell\\x07 null\\x00 del\\x7f c1\\x9b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066x\u2069\u200f", "\\u2066x\\u2069\\u200f"),
        ("\ud83d", "\\ud83d"),
        ("👩\u200d👧 é ❤\ufe0f", "👩\u200d👧 é ❤\ufe0f"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text(st.characters()))
def test_no_text_holds_a_control_afterwards(text: str) -> None:
    shown = safe(text)
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in shown)
    assert not any(
        unicodedata.bidirectional(char) in ("LRO", "RLO", "LRE", "RLE", "PDF", "RLI", "LRI") for char in shown
    )


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("abc", 3),
        ("漢字", 4),
        ("e\u0301", 1),
        ("👩\u200d👩\u200d👧", 2),
        ("👍🏽", 2),
        ("❤\ufe0f", 2),
        ("🇫🇷", 2),
        ("", 0),
    ],
)
def test_width_is_what_a_person_sees(text: str, columns: int) -> None:
    assert width(text) == columns


@given(st.text(), st.integers(2, 30))
def test_padding_gives_the_asked_width(text: str, columns: int) -> None:
    text = safe(text)
    assert width(fit(text, columns)) <= columns
    assert width(pad(text, columns)) == columns


@given(st.text(), st.integers(4, 30))
def test_wrapping_keeps_every_character(text: str, columns: int) -> None:
    text = safe(text)
    lines = wrap(text, columns)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width(line) <= columns or len(line) == 1 for line in lines)


def test_a_table_is_aligned_with_wide_characters_and_keeps_to_its_width() -> None:
    lines = table(
        [
            Cells("name", ["漢字", "Ana\nB"]),
            Cells("n", ["1", "1000"], right=True),
            Cells("text", ["x" * 200, "short"], stretch=True),
        ],
        style=Style(),
        total=60,
    )
    assert lines == [
        "name        n  text",
        "───────  ────  " + "─" * 45,
        "漢字        1  " + "x" * 44 + "…",
        "Ana ⏎ B  1000  short",
    ]


def test_without_colour_nothing_is_coloured() -> None:
    assert Style(False).bold("x") == "x"
    assert Style(True).bold("x") == "\x1b[1mx\x1b[0m"


def test_bars_and_shades_grow_with_the_value() -> None:
    assert bar(10, 10, 4) == "████"
    assert bar(5, 10, 4) == "██"
    assert bar(1, 64, 8) == "▏"
    assert bar(0, 0, 4) == ""
    assert spark([0, 4, 8]) == " ▄█"
    assert [shade(value, 8) for value in (0, 1, 3, 5, 8)] == ["·", "░", "▒", "▓", "█"]
