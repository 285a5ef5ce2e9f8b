"""Text as ``imsg`` reads it: its decoding of ``attributedBody``, trimming and comparing.

The rules are those of a program, oddities included; what a body really says is the business of
:mod:`imsg_sdk.chatdb.typedstream`.  No I/O and no state in this file.
"""

from __future__ import annotations

import unicodedata
from itertools import accumulate
from typing import Final

__all__ = ["ContainsQuery", "decode_body", "first_emoji", "fold", "graphemes", "strip_blank", "strip_leading_controls"]

_BEGIN: Final = b"\x01+"
_END: Final = b"\x86\x84"
_JOINER: Final = "\u200d"
_CONTROL: Final = frozenset({"Cc", "Cf"})
_BLANK: Final = "".join(map(chr, (9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C)))) + (
    "\u2028\u2029\u202f\u205f\u3000"
)
"""White space and newlines as Foundation's character sets have them, zero width space included."""


def strip_blank(text: str) -> str:
    """Trim white space and newlines at both ends."""
    return text.strip(_BLANK)


def strip_leading_controls(text: str) -> str:
    """Drop control and format characters at the beginning."""
    if not text or " " <= text[0] < "\x7f":
        return text
    for at, character in enumerate(text):
        if unicodedata.category(character) not in _CONTROL:
            return text[at:] if at else text
    return ""


def graphemes(text: str) -> list[str]:
    """Split into what a person would call characters."""
    # Loading this module takes a third of the server's start, and few texts need it.
    import regex

    return list(regex.findall(r"\X", text))


def first_emoji(text: str) -> str | None:
    """Return the first character with Unicode's property *Emoji*, which digits have, too."""
    import regex

    emoji = regex.search(r"\p{Emoji}", text)
    if emoji is None:
        return None
    return str(next(one[0] for one in regex.finditer(r"\X", text) if one.end() > emoji.start()))


def decode_body(blob: bytes) -> str:
    """Return the text that ``imsg`` finds in an ``attributedBody``."""
    if not blob:
        return ""
    if blob.startswith(b"\xff\xfe"):
        try:
            return strip_leading_controls(blob[2:].decode("utf-16-le"))
        except UnicodeDecodeError:
            pass
    begin = blob.find(_BEGIN)
    end = blob.find(_END, begin + 2) if begin >= 0 else -1
    if end >= 0:
        if blob.find(_BEGIN, begin + 1) < 0:
            best = _segment(blob[begin + 2 : end]) or ""
        else:
            best = _longest(blob, begin)
        if best:
            return best
    return strip_leading_controls(blob.decode("utf-8", "replace"))


def _longest(blob: bytes, begin: int) -> str:
    best, length = "", 0
    while begin >= 0 and (end := blob.find(_END, begin + 2)) >= 0:
        candidate = _segment(blob[begin + 2 : end]) or ""
        # Counting clusters is dear, and a text has never more of them than code points.
        if len(candidate) > length and (size := len(graphemes(candidate))) > length:
            best, length = candidate, size
        begin = blob.find(_BEGIN, begin + 1)
    return best


def _segment(segment: bytes) -> str | None:
    """Decode what stands between the two marks, its length bytes taken off as far as they are understood."""
    if segment:
        first = segment[0]
        skip = 0
        if first < 0x80:
            skip = 1 if first == len(segment) - 1 else 0
        elif first == 0x81:
            skip = 2
        elif first == 0x82:
            skip = 3
        if skip and len(segment) >= skip:
            try:
                return strip_leading_controls(segment[skip:].decode())
            except UnicodeDecodeError:
                pass
    try:
        return strip_leading_controls(segment.decode())
    except UnicodeDecodeError:
        return None


def fold(text: str) -> str:
    """Return a form in which texts that differ in case or composition only are equal."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())


class ContainsQuery:
    """Tells whether a text contains this one, whatever its case and composition.

    A match begins and ends between characters as a person sees them: ``e`` is not found in ``é``, nor one
    ``s`` in ``ß``.
    """

    def __init__(self, query: str) -> None:
        self._folded = fold(query)
        self._is_possible = bool(query) and not _extends(query[0]) and query[0] != _JOINER

    def __call__(self, text: str) -> bool:
        """Return whether `text` contains the query."""
        if text.isascii():
            return self._is_possible and self._folded in text.lower()
        folded = fold(text)
        at = folded.find(self._folded) if self._is_possible else -1
        if at < 0:
            return False
        bounds = set(accumulate(len(fold(character)) for character in text)) | {0}
        while at >= 0:
            end = at + len(self._folded)
            if at in bounds and end in bounds and not _extends(folded[end : end + 1]):
                return True
            at = folded.find(self._folded, at + 1)
        return False


def _extends(character: str) -> bool:
    return character > "\x7f" and unicodedata.category(character).startswith("M")
