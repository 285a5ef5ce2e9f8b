"""White space and lengths as JavaScript has them; the reference was written in it.  Pure."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["SPACE", "collapse", "is_space", "skip_space", "trim", "trim_end", "trim_start", "units"]

SPACE: Final = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""The characters of ``\\s``, ready to stand in a set of a regular expression.

``str.strip`` lacks U+FEFF, and takes U+001C to U+001F and U+0085 too.
"""

_AROUND = re.compile(f"\\A[{SPACE}]+|[{SPACE}]+\\Z")
_SPACES = re.compile(f"[{SPACE}]+")
_AT_END = re.compile(f"[{SPACE}]+\\Z")


def trim(text: str) -> str:
    """Cut white space off both ends."""
    if text and "!" <= text[0] <= "~" and "!" <= text[-1] <= "~":
        return text  # the common case, five times as fast
    return _AROUND.sub("", text)


def skip_space(text: str, start: int = 0) -> int:
    """Return where the white space that begins at `start` ends."""
    match = _SPACES.match(text, start)
    return match.end() if match else start


def trim_start(text: str) -> str:
    """Cut white space off the start."""
    return text[skip_space(text) :]


def trim_end(text: str) -> str:
    """Cut white space off the end."""
    # Only what ends in a space is searched: looking for runs of spaces in long texts would be slow.
    return _AT_END.sub("", text) if text and is_space(text[-1]) else text


def is_space(char: str) -> bool:
    """Tell whether one character is white space."""
    return _SPACES.fullmatch(char) is not None


def collapse(text: str) -> str:
    """Make every run of white space one space, and cut the ends."""
    return trim(_SPACES.sub(" ", text))


def units(text: str) -> int:
    """Return the length in UTF-16 units."""
    return len(text) if text.isascii() else len(text) + sum(char > "\uffff" for char in text)
