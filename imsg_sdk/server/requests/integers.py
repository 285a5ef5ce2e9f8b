"""Whole numbers as the protocol and SQLite hold them: 64 bits.  Pure."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["INT64", "parse_integer"]

INT64: Final = range(-(2**63), 2**63)

_DECIMAL: Final = re.compile(r"([+-]?)0*([0-9]{1,19})")


def parse_integer(text: str) -> int | None:
    """Read decimal digits with an optional sign, blanks refused; None for anything else and beyond 64 bits."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return None
    number = int(match[1] + match[2])
    return number if number in INT64 else None
