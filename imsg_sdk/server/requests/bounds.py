"""ISO 8601 bounds as the protocol reads them.  Pure.

Needs a date, ``T``, a time with seconds and a zone.  Lenient where the real reader is: the 30th of
February counts on into March, 24:00:00 is the next day, a fifth digit in front of the year is not seen.
"""

from __future__ import annotations

import re
from typing import Final

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests.integers import INT64

__all__ = ["parse_bound", "read_bound", "stored_bound"]

_FORM: Final = re.compile(
    r"([0-9]{4,})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:(Z)|([+-])([0-9]{2})(?::?([0-9]{2}))?)"
)
_DAYS_TO_2001: Final = 730_791
"""From the first of March of the year 0 to the first of January 2001."""


def parse_bound(text: str) -> int | None:
    """Return nanoseconds since 2001-01-01 UTC, of any size; None where `text` is no date."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part[-4:]) for part in match.group(1, 2, 3, 4, 5, 6))
    whole_day = hour == 24 and minute == second == 0
    if not (1 <= month <= 12 and 1 <= day <= 31 and minute < 60 and second < 60 and (hour < 24 or whole_day)):
        return None
    seconds = _days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - _offset(match)
    fraction = int((match[7] or "0")[:9].ljust(9, "0"))
    return seconds * 10**9 + fraction


def read_bound(text: str | None, dialect: Dialect) -> int | None:
    """Return a bound in nanoseconds since 2001; what is no date is refused as `dialect` does."""
    if text is None:
        return None
    bound = parse_bound(text)
    if bound is None:
        refusal = f"Invalid ISO8601 date: {text}"
        raise RpcError.invalid_params(refusal) if dialect is Dialect.V1 else RpcError.internal(refusal)
    return bound


def stored_bound(text: str | None, dialect: Dialect) -> int | None:
    """Return a bound that a stored date can be compared with; the real program dies of any other."""
    bound = read_bound(text, dialect)
    if bound is not None and bound not in INT64:
        raise RpcError.invalid_params(f"Invalid ISO8601 date: {text}")
    return bound


def _offset(match: re.Match[str]) -> int:
    if match[8]:
        return 0
    seconds = int(match[10]) * 3_600 + int(match[11] or 0) * 60
    return -seconds if match[9] == "-" else seconds


def _days(year: int, month: int, day: int) -> int:
    """Days since 2001-01-01; a day past the end of its month counts on into the next."""
    shifted = year - (month < 3)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400 + of_year - _DAYS_TO_2001
