"""Mention patterns: JavaScript's meaning, bounded time, and what is refused by name."""

from __future__ import annotations

import time

import pytest

from imsg_sdk.gateway.commands import command_detector
from imsg_sdk.gateway.mentions import Mention, MentionPatterns, name_pattern, normalize
from imsg_sdk.gateway.patterns import PatternError, compile_pattern

# Answers of V8 to new RegExp(pattern, "i").test(text), the text prepared as the reference does.
MEANING = [
    (r"\w", "é", False),
    (r"\bclawd\b", "éclawdé", True),
    (r"\d", "\u0661", False),
    (r"\s", "\ufeff", True),
    (r"\s", "\x1c", False),
    (r"\S", "\x85", True),
    (r"clawd.x", "clawd\u2028x", False),
    (r"clawd.x", "clawd\x85x", True),
    (r"^hey$", "hey\n", False),
    (r"^b", "a\nb", False),
    (r"\p{L}clawd", "éclawd", False),
    (r"\p{L}clawd", "p{L}clawd", True),
    (r"\cA|clawd", "\x01", True),
    (r"\c", "\\c", True),
    (r"[\c1]", "\x11", True),
    (r"[\b]", "\b", True),
    (r"\u{2}", "uu", True),
    (r"\u0041", "A", True),
    (r"\x4", "x4", True),
    (r"\101", "a", True),
    (r"\8", "8", True),
    (r"\k", "k", True),
    (r"(?<n>a)\k<n>", "aa", True),
    (r"(a)?\1b", "b", True),
    (r"(?:\1)(a)", "a", True),
    (r"(a\1)", "a", True),
    (r"[]", "a", False),
    (r"[^]x", "\nx", True),
    (r"x{", "x{", True),
    (r"a{,2}", "a{,2}", True),
    (r"}]", "}]", True),
    (r"[\d-x]", "-", True),
    (r"[^é]", "É", False),
    (r"[À-þ]", "é", True),
    ("ſ", "s", False),
    ("k", "\u212a", True),  # lower case makes the Kelvin sign a plain k first
    ("Σ", "ς", True),
    ("µ", "μ", True),
    ("İ", "i", False),
    ("ß", "SS", False),
    ("^.$", "😀", False),
    ("^..$", "😀", True),
    ("[😀]", "😁", True),
    ("😀", "a😀", True),
    (r"(?<!x)@clawd", "x@clawd", False),
    (r"(?<=a+)b", "aab", True),
    (r"(?=a)*b", "b", True),
    (r"\Aclawd", "Aclawd", True),
    (r"clawd\Z", "clawdz", True),
    ("", "anything", True),
    (".*", "", False),
]


@pytest.mark.parametrize(("pattern", "text", "found"), MEANING)
def test_a_pattern_means_what_javascript_means(pattern: str, text: str, found: bool) -> None:
    patterns = MentionPatterns([pattern])
    assert not patterns.invalid
    assert (patterns.match(text) is Mention.MENTIONED) is found


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "unterminated group"),
        (")", "unmatched )"),
        ("+1555", "nothing to repeat"),
        ("a**", "nothing to repeat"),
        ("a++", "nothing to repeat"),
        ("{2}", "nothing to repeat"),
        ("a{2,1}", "numbers out of order in {}"),
        ("[z-a]", "range out of order in []"),
        ("[a", "unterminated []"),
        ("[\\", "\\ at the end"),
        ("\\", "\\ at the end"),
        ("(?i)a", "invalid group"),
        ("(?P<n>a)", "invalid group"),
        ("(?#c)a", "invalid group"),
        ("(?<n", "invalid group name"),
        ("(?<1>a)", "invalid group name"),
        ("(?<n>a)(?<n>b)", "a group name is used twice"),
        (r"(?<n>a)\k<m>", "invalid named reference"),
        (r"(?<n>a)[\k]", "invalid escape in []"),
        ("(?<=a)*", "a look-behind cannot be repeated"),
        ("a{5000}", "more than 1000 repeats"),
        (r"(?:(a)|b)*\1", "a back-reference together with a repeated group"),
        ("a" * 3000, "longer than 2000 characters"),
        ("(" * 900 + ")" * 900, "too large or nested too deeply"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError, match=r".") as caught:
        compile_pattern(pattern)
    assert str(caught.value) == reason


def test_invalid_patterns_are_left_out_and_named() -> None:
    patterns = MentionPatterns(["(broken", "@clawd"])
    assert [(each.index, each.source, each.reason) for each in patterns.invalid] == [
        (0, "(broken", "unterminated group")
    ]
    assert patterns.match("hi @Clawd") is Mention.MENTIONED
    assert repr(patterns) == "<MentionPatterns 1 usable, 1 invalid>"


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|aa)+$", "(a?){40}a{40}b", r"([a-z]+)*\d"])
def test_a_pattern_that_backtracks_for_ever_is_stopped(pattern: str) -> None:
    patterns = MentionPatterns([pattern, "never"])
    start = time.process_time()
    found = patterns.match("a" * 5000 + "!")
    assert found is Mention.PATTERN_TIMEOUT
    assert time.process_time() - start < 1  # 50 ms of work, and generous room for other threads of this process


def test_the_limit_is_one_for_all_patterns_of_a_message() -> None:
    patterns = MentionPatterns(["^(a+)+$"] * 50)
    start = time.process_time()
    assert patterns.match("a" * 5000 + "!") is Mention.PATTERN_TIMEOUT
    assert time.process_time() - start < 1
    assert MentionPatterns(["(a+)+b"], limit_s=0).match("a" * 100) is Mention.PATTERN_TIMEOUT


def test_simple_patterns_need_no_clock_and_endless_ones_always_do() -> None:
    assert compile_pattern("@clawd").free_length > 100_000
    assert compile_pattern(r"\b@?samantha\s+jones\b").free_length > 50
    assert compile_pattern("(a+)+").free_length == -1
    assert compile_pattern("(?:a|b){900}").free_length <= 0


def test_a_mention_may_come_from_a_pattern_behind_a_slow_one() -> None:
    assert MentionPatterns(["(x+)+y", "@clawd"]).match("xx @clawd") is Mention.MENTIONED
    assert MentionPatterns(["(x+)+y"]).match("xxy") is Mention.MENTIONED
    assert MentionPatterns(["(x+)+y"]).match("xx") is Mention.NOT_MENTIONED


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Samantha", r"\b@?Samantha\b"),
        (" Samantha  Jones ", r"\b@?Samantha\s+Jones\b"),
        ("C++ (x)", r"\b@?C\+\+\s+\(x\)\b"),
        ("  ", None),
        (None, None),
    ],
)
def test_a_name_is_a_pattern(name: str | None, pattern: str | None) -> None:
    assert name_pattern(name) == pattern


def test_texts_lose_their_invisible_marks() -> None:
    assert normalize("@Cl\u200bAWD\u202e\u2066\ufeff") == "@clawd\ufeff"
    assert normalize("ÉTÉ😀") == "été\ud83d\ude00"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/status", True),
        ("hey /status", True),
        ("/STATUS now", True),
        ("/status:", True),
        ("/t", True),
        ("/new\nfoo", True),
        ("a\t/v on", True),
        ("/statusx", False),
        ("/status,", False),
        ("x/status", False),
        ("/help@bot", False),
        ("//status", False),
        ("/ status", False),
        ("(/status)", False),
        ("/stop", False),
        ("status", False),
        ("/\u017ftatus", False),
    ],
)
def test_commands_stand_alone(text: str, found: bool) -> None:
    assert command_detector()(text) is found
