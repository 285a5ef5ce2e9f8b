"""Instants: Apple's epoch, ISO 8601 and ages.  No I/O; the clock is an argument.

An instant inside the package is an ``int``, microseconds since 1970-01-01 UTC, or an aware ``datetime``.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

APPLE_EPOCH_S = 978_307_200
"""2001-01-01T00:00:00Z in Unix seconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_APPLE_EPOCH_US = APPLE_EPOCH_S * 1_000_000
_SECONDS_BELOW = 10**12
"""Smaller stored values are seconds, larger ones nanoseconds; nothing legal lies near the border."""

MIN_US = -62_135_596_800_000_000
MAX_US = 253_402_300_799_999_999
"""The years 1 to 9999, which is what ``datetime`` can hold."""

_AGE = re.compile(r"(\d+)\s*(s|m|h|d|w)")
_AGE_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Clock(Protocol):
    """Where "now" comes from; a virtual one drives tests and the sandbox."""

    def now(self) -> datetime:
        """Return the present instant, aware."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the present instant, aware."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()


def apple_to_us(value: object) -> int | None:
    """Convert a stored Apple date to Unix microseconds; 0, NULL and nonsense give None.

    Seconds and nanoseconds are told apart value by value, since migrated files mix both.
    """
    if isinstance(value, float):
        value = int(value)
    if not isinstance(value, int) or value == 0:
        return None
    if -_SECONDS_BELOW < value < _SECONDS_BELOW:
        us = value * 1_000_000 + _APPLE_EPOCH_US
    else:
        us = value // 1000 + _APPLE_EPOCH_US
    return us if MIN_US <= us <= MAX_US else None


def us_to_apple_ns(us: int) -> int:
    """Convert Unix microseconds to Apple nanoseconds."""
    return (us - _APPLE_EPOCH_US) * 1000


def from_us(us: int) -> datetime:
    """Return the aware instant at `us` Unix microseconds."""
    return _EPOCH + timedelta(microseconds=us)


def to_us(instant: datetime) -> int:
    """Return Unix microseconds of an aware instant, exactly."""
    delta = instant - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def iso_ms(instant: datetime) -> str:
    """Return ``YYYY-MM-DDTHH:MM:SS.mmmZ``, the form every imsg accepts."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def parse_instant(value: datetime | str, *, now: datetime, name: str = "time") -> datetime:
    """Read an aware datetime, ISO 8601 text with a zone, or an age before `now` such as ``"7d"``.

    Raises
    ------
    ValueError
        Not readable, or without a time zone.  The text names `name` and the remedy.
    """
    if isinstance(value, str):
        if match := _AGE.fullmatch(value.strip()):
            return now - timedelta(**{_AGE_UNITS[match[2]]: int(match[1])})
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError(
                f"{name} is neither ISO 8601 nor an age: write it like 2026-03-01T08:00:00+01:00 or 7d"
            ) from None
    if not isinstance(value, datetime):
        raise ValueError(f"{name} must be an aware datetime, ISO 8601 text or an age such as '7d'")
    if value.tzinfo is None or value.utcoffset() is None:
        raise ValueError(f"{name} has no time zone: add one, such as datetime(..., tzinfo=timezone.utc) or a Z")
    return value.astimezone(UTC)
