"""Long texts cut into pieces that fit one message, for the client and the gateway alike.

Lengths are UTF-16 units, since that is what the limit of the reference counts.  A cut never falls inside a
character, nor inside what people see as one (a flag, a family, a letter with its accents) where that fits at all.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import regex

from imsg_sdk.text import SPACE, is_space, skip_space, trim_end, units

__all__ = ["DEFAULT_LIMIT", "chunk"]

DEFAULT_LIMIT: Final = 4000

_LAST_SPACE = re.compile(f".*([{SPACE}])", re.DOTALL)
_LINE_END = re.compile(r"\r\n?")
_BLANK_LINE = re.compile(r"\n[\t ]*\n+")
_FENCE = re.compile(r"^[ ]{0,3}(`{3,}|~{3,})", re.MULTILINE)
_GRAPHEME = regex.compile(r"\X")
_LONGEST_GRAPHEME: Final = 64


def chunk(text: str, limit: int = DEFAULT_LIMIT, mode: str = "length") -> list[str]:
    """Cut `text` into chunks of at most `limit` UTF-16 units.

    Parameters
    ----------
    text
        What to send; an empty text gives no chunk.
    limit
        Longest chunk; 0 or less means no limit.
    mode
        ``length`` cuts at the last line break that fits, else at the last space, else anywhere.  ``newline`` also
        makes every paragraph a chunk of its own, outside code fences.

    Returns
    -------
    list of str
        The chunks in order.  White space around a cut is dropped.
    """
    if not text:
        return []
    if mode == "newline":  # a ChunkMode of the settings, or its value
        return [piece for paragraph in _paragraphs(text) for piece in _by_length(paragraph, limit)]
    return list(_by_length(text, limit))


def _by_length(text: str, limit: int) -> Iterator[str]:
    start, left = 0, units(text)
    while 0 < limit < left:
        at = _break(text, start, _window_end(text, start, limit))
        if piece := trim_end(text[start:at]):
            yield piece
        # The space at the cut goes, and so does what else is blank before the next word.
        after = skip_space(text, at)
        left -= units(text[start:after])
        start = after
    if start < len(text):
        yield text[start:]


def _window_end(text: str, start: int, limit: int) -> int:
    """Return where `limit` units end, at least one character after `start`."""
    head = text[start : start + limit]
    if not head.isascii():
        left = limit
        for index, char in enumerate(head):
            left -= 2 if char > "\uffff" else 1
            if left < 0:
                return start + max(index, 1)
    return start + len(head)


def _break(text: str, start: int, end: int) -> int:
    at = text.rfind("\n", start, end)
    if at <= start:
        match = _LAST_SPACE.match(text, start, end)
        at = match.start(1) if match else start
    return at if at > start else _hard_break(text, start, end)


def _hard_break(text: str, start: int, end: int) -> int:
    """Return the last border between graphemes up to `end`; a cut goes through one only if it alone is too long."""
    if end >= len(text) or is_space(text[end]) or text[start : end + 1].isascii():
        return end
    last = start
    for match in _GRAPHEME.finditer(text, start, end + _LONGEST_GRAPHEME):
        if match.start() > end:
            break
        last = match.start()
    return last if last > start else end


def _paragraphs(text: str) -> Iterator[str]:
    """Split at blank lines that stand outside code fences; without any, the text stays as it is."""
    text = _LINE_END.sub("\n", text)
    fences = _fences(text)
    cuts = [
        match for match in _BLANK_LINE.finditer(text) if not any(low <= match.start() < high for low, high in fences)
    ]
    if not cuts:
        yield text
        return
    start = 0
    for match in [*cuts, None]:
        paragraph = trim_end(text[start : match.start() if match else len(text)])
        if paragraph:
            yield paragraph
        start = match.end() if match else start


def _fences(text: str) -> list[tuple[int, int]]:
    """Return where code fences begin and end; one that is never closed reaches to the end."""
    spans: list[tuple[int, int]] = []
    opened: tuple[int, str] | None = None
    for match in _FENCE.finditer(text):
        if opened is None:
            opened = (match.start(), match[1])
        elif match[1][0] == opened[1][0] and len(match[1]) >= len(opened[1]):
            spans.append((opened[0], match.end()))
            opened = None
    if opened is not None:
        spans.append((opened[0], len(text)))
    return spans
