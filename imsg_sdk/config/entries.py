"""Entries of allow lists that are legal, but hardly what was meant.  What cannot be meant is an error elsewhere."""

from __future__ import annotations

import contextlib

from imsg_sdk.addressing import AllowEntry, AllowKind

__all__ = ["doubt_of"]

_SHORT, _NATIONAL = 7, 10
"""Numbers of so many digits may lack their country code; longer ones hardly do, and short codes have none."""


def doubt_of(entry: AllowEntry, region: str) -> str | None:
    """Return what is doubtful in an entry, None where nothing is."""
    text = str(entry.value)
    if entry.kind is not AllowKind.HANDLE or "@" in text:
        return None
    if not any(map(str.isdecimal, text)):
        return f"({entry.redacted}) has neither a digit nor an @: it is compared with the handle, not with a name"
    if text.startswith("+0") and len(text) > _SHORT:
        return f"({entry.redacted}) has no country code, and messages have one: write + and the whole number"
    if _SHORT <= len(text) - 1 <= _NATIONAL and _is_national(text[1:], region):
        return f"({entry.redacted}) seems to lack its country code, which messages have: write + and the whole number"
    return None


def _is_national(digits: str, region: str) -> bool:
    """Tell whether digits are no number of the world, but may be one of a country."""
    import phonenumbers  # few numbers are so short

    with contextlib.suppress(phonenumbers.NumberParseException):  # no country has such a code
        if phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits}")):
            return False
    try:
        number = phonenumbers.parse(digits, region.strip().upper())
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
