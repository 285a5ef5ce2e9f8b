"""Edits and unsends, out of ``message_summary_info``.  Pure: bytes in, values out, never an exception."""

from __future__ import annotations

from typing import Any, NamedTuple

from imsg_sdk._time import apple_to_us
from imsg_sdk.chatdb.plists import read_plist
from imsg_sdk.chatdb.typedstream import text_of

__all__ = ["Summary", "Version", "summary_of"]


class Version(NamedTuple):
    """One text of an edited part, or a part taken back (`number` None)."""

    part: int
    number: int | None
    text: str | None
    edited_at: int | None
    is_unsent: bool


class Summary(NamedTuple):
    """What a message's summary says about its past."""

    versions: tuple[Version, ...] = ()
    parts: frozenset[int] = frozenset()
    """Parts it was sent with; empty where the summary does not say."""
    taken_back: frozenset[int] = frozenset()

    @property
    def is_edited(self) -> bool:
        """Tell whether any part has a history."""
        return any(not version.is_unsent for version in self.versions)

    @property
    def last_edit_at(self) -> int | None:
        """Return when the newest version was written."""
        return max((version.edited_at for version in self.versions if version.edited_at is not None), default=None)


def summary_of(blob: object) -> Summary:
    """Read edits and unsends; an unreadable summary says nothing."""
    values = read_plist(blob)
    history = values.get("ec")
    versions: list[Version] = []
    if isinstance(history, dict):
        parts = sorted((int(key), entries) for key, entries in history.items() if _is_part(key))
        for part, entries in parts:
            versions += _versions(part, entries)
    back = frozenset(part for part in _list(values.get("rp")) if isinstance(part, int))
    versions += [Version(part, None, None, None, True) for part in sorted(back)]
    ranges = values.get("otr")
    sent = frozenset(int(key) for key in ranges if _is_part(key)) if isinstance(ranges, dict) else frozenset()
    return Summary(tuple(versions), sent, back)


def _versions(part: int, entries: object) -> list[Version]:
    versions = []
    for number, entry in enumerate(_list(entries)):
        if not isinstance(entry, dict):
            continue
        body = entry.get("t")
        text = text_of(body) if isinstance(body, bytes) else body if isinstance(body, str) else None
        versions.append(Version(part, number, None if text is None else str(text), _edit_time(entry.get("d")), False))
    return versions


def _edit_time(value: object) -> int | None:
    """Convert float seconds; the fraction counts, so the whole-number rule does not do."""
    if isinstance(value, float) and abs(value) < 10**11:
        base = apple_to_us(1)
        return None if value == 0 or base is None else base + round((value - 1) * 1_000_000)
    return apple_to_us(value)


def _is_part(key: object) -> bool:
    return isinstance(key, str) and key.isascii() and key.isdigit() and len(key) < 10


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
