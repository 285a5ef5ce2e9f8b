"""Stored dates as the wire writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import floor
from typing import Any, Final

from imsg_sdk._time import APPLE_EPOCH_S

__all__ = ["seconds", "stored_date", "wire_date"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Looked up rather than formatted: a page of messages holds two dates for each.
_SECOND: Final = tuple(f"{second:02d}" for second in range(60))
_MS: Final = tuple(f".{ms:03d}Z" for ms in range(1000))


def stored_date(value: Any) -> int:
    """Return a stored date as a whole number; what is no number counts as the beginning of 2001."""
    if value.__class__ is int:
        return int(value)
    return int(value) if isinstance(value, float) and abs(value) < 2**63 else 0


def seconds(value: int) -> float:
    """Return Unix seconds as the double in which the programs compare dates."""
    return value / 1_000_000_000 + APPLE_EPOCH_S


def wire_date(value: int) -> str:
    """Write Apple nanoseconds as ``YYYY-MM-DDTHH:MM:SS.mmmZ``, rounded half up through a double."""
    second, ms = divmod(floor((value / 1_000_000_000 + APPLE_EPOCH_S) * 1000 + 0.5), 1000)
    minute, second = divmod(second, 60)
    day, minute = divmod(minute, 1440)
    return _day(day) + _minute(minute) + _SECOND[second] + _MS[ms]


@lru_cache(maxsize=16_384)
def _day(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).strftime("%Y-%m-%dT").rjust(11, "0")


@lru_cache(maxsize=1_440)
def _minute(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}:"
