"""Counting messages: ``messages.stats``."""

from __future__ import annotations

from datetime import tzinfo

import msgspec

__all__ = ["Zone"]


class Zone(msgspec.Struct, frozen=True):
    """A time zone and the name by which the answer calls it."""

    name: str
    tz: tzinfo
