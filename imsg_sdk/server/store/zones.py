"""Time zones by the names that ``messages.stats`` takes and gives."""

from __future__ import annotations

import os
import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

__all__ = ["Zone", "find_zone"]

_OFFSET: Final = re.compile(r"GMT([+-])([0-9]{1,2})(?::?([0-9]{2}))?")
_LOCALTIME: Final = "/etc/localtime"
_MOST_HOURS: Final = 18
_UNIVERSAL: Final = frozenset({"UTC", "UCT", "GMT", "Zulu", "Universal", "Greenwich"})
"""Names of universal time, which as the zone of the machine is always called GMT."""


class Zone(msgspec.Struct, frozen=True):
    """A time zone and the name by which the answer calls it."""

    name: str
    tz: tzinfo


def find_zone(name: str | None) -> Zone | None:
    """Return a zone by its IANA name, exactly spelled, or an offset such as ``GMT+3``.

    Parameters
    ----------
    name
        None means the zone of this machine.

    Returns
    -------
    Zone or None
        None if there is no such zone.  ``UTC`` is called ``GMT``, as the programs do.
    """
    if name is None:
        return _local_zone()
    if name in ("UTC", "GMT"):
        return Zone("GMT", UTC)
    if match := _OFFSET.fullmatch(name):
        return _fixed_zone(match)
    if name not in _names():
        return None
    from zoneinfo import ZoneInfo

    return Zone(name, ZoneInfo(name))


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    # This module looks through the interpreter's build settings when loaded, which a start need not wait for.
    from zoneinfo import available_timezones

    return frozenset(available_timezones())


def _local_zone() -> Zone:
    name = os.environ.get("TZ", "").removeprefix(":")
    if not name:
        name = str(Path(_LOCALTIME).resolve()).rpartition("zoneinfo/")[2]
    if not name or name.removeprefix("Etc/") in _UNIVERSAL:
        return Zone("GMT", UTC)
    return find_zone(name) or Zone("GMT", UTC)


def _fixed_zone(match: re.Match[str]) -> Zone | None:
    hours, minutes = int(match[2]), int(match[3] or 0)
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > timedelta(hours=_MOST_HOURS):
        return None
    if not offset:
        return Zone("GMT", UTC)
    return Zone(f"GMT{match[1]}{hours:02d}{minutes:02d}", timezone(offset if match[1] == "+" else -offset))
