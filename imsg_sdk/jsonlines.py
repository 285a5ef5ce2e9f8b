"""JSON with one value per line, for every reader.  Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["on_one_line"]

_LINE_ENDS: Final = {"\x85": r"\u0085", "\u2028": r"\u2028", "\u2029": r"\u2029"}


def on_one_line(text: str) -> str:
    """Return JSON, of one line or several, with what only some readers take for a line end escaped."""
    for character, escape in _LINE_ENDS.items():
        text = text.replace(character, escape)
    return text
