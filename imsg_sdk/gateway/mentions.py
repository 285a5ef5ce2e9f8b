"""Who is being spoken to: mention patterns, matched within a time limit.

Matching makes a fact; the policy only reads it.  No I/O in this file, but for the clock that bounds a search.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from imsg_sdk.gateway.patterns import CompiledPattern, PatternError, compile_pattern, to_units
from imsg_sdk.text import SPACE

__all__ = ["LIMIT_S", "InvalidPattern", "Mention", "MentionPatterns", "name_pattern", "normalize"]

LIMIT_S: Final = 0.05
"""Longest time that the patterns may take over one message, in seconds."""

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f]+")
_SPACES = re.compile(f"[{SPACE}]+")
_GAP: Final = r"\s+"
_ESCAPED: Final = r"\\\g<0>"
_SPECIAL = re.compile(r"[.*+?^${}()|\[\]\\]")


class Mention(StrEnum):
    """Whether a text speaks to us."""

    MENTIONED = "mentioned"
    NOT_MENTIONED = "not_mentioned"
    PATTERN_TIMEOUT = "pattern_timeout"
    """The patterns took too long; counts as not mentioned."""


class InvalidPattern(msgspec.Struct, frozen=True):
    """A pattern that is left out: its place in the list, how it is written, and why."""

    index: int
    source: str
    reason: str


def normalize(text: str) -> str:
    """Return `text` as patterns see it: without invisible marks, in lower case, in UTF-16 units."""
    if text.isascii():
        return text.lower()
    return to_units(_INVISIBLE.sub("", text).lower())


def name_pattern(name: str | None) -> str | None:
    """Return the pattern that stands for a name: with or without ``@``, any spaces between its words."""
    words = [word for word in _SPACES.split(name or "") if word]
    if not words:
        return None
    return rf"\b@?{_GAP.join(_SPECIAL.sub(_ESCAPED, word) for word in words)}\b"


class MentionPatterns:
    """The patterns of one policy, compiled once.

    Parameters
    ----------
    sources
        JavaScript regular expressions, as the settings hold them.
    limit_s
        Longest time over one message, in seconds.
    """

    def __init__(self, sources: Iterable[str] = (), *, limit_s: float = LIMIT_S) -> None:
        usable: list[CompiledPattern] = []
        invalid: list[InvalidPattern] = []
        for index, source in enumerate(sources):
            try:
                usable.append(compile_pattern(source))
            except PatternError as error:
                invalid.append(InvalidPattern(index, source, str(error)))
        self.usable: Sequence[CompiledPattern] = tuple(usable)
        self.invalid: Sequence[InvalidPattern] = tuple(invalid)
        self.limit_s = limit_s

    def __bool__(self) -> bool:
        return bool(self.usable)

    def __repr__(self) -> str:
        return f"<MentionPatterns {len(self.usable)} usable, {len(self.invalid)} invalid>"

    def match(self, text: str) -> Mention:
        """Tell whether any pattern is found in `text`; an empty text speaks to nobody."""
        units = normalize(text)
        if not units:
            return Mention.NOT_MENTIONED
        length = len(units)
        watched = []
        for pattern in self.usable:
            if length > pattern.free_length:
                watched.append(pattern)
            elif pattern.compiled.search(units):
                return Mention.MENTIONED
        return self._match_watched(watched, units) if watched else Mention.NOT_MENTIONED

    def _match_watched(self, patterns: list[CompiledPattern], units: str) -> Mention:
        deadline = time.monotonic() + self.limit_s
        for pattern in patterns:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return Mention.PATTERN_TIMEOUT
            try:
                if pattern.compiled.search(units, timeout=left_s):
                    return Mention.MENTIONED
            except TimeoutError:
                return Mention.PATTERN_TIMEOUT
        return Mention.NOT_MENTIONED
