"""What each generation of the program documents: methods, keys, limits.  Data, and the gate that reads it.

Two generations behave as two dialects: *legacy* (0.3 to 0.13) coerces and ignores, answers in turn and has no
``initialize``; *v1* (0.14 on) is strict.  A key that a program does not document is never sent: v1 refuses it
and, worse, legacy ignores it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from imsg_sdk._time import iso_ms
from imsg_sdk.errors import Unsupported

__all__ = ["EXTENDED_METHODS", "METHODS", "Generation", "Profile", "Version", "clamp_iso", "parse_version"]

Version = tuple[int, int, int]

NEWEST_KNOWN: Version = (0, 14, 1)
_FIRST: Version = (0, 3, 0)

# Dates whose nanoseconds around 2001 leave 64 bits end every known program.
_EARLIEST = datetime(1708, 9, 23, tzinfo=UTC)
_LATEST = datetime(2293, 4, 11, tzinfo=UTC)


class Generation(StrEnum):
    """A dialect of the protocol."""

    LEGACY = "legacy"
    V1 = "v1"


class Method(msgspec.Struct, frozen=True):
    """A method: the first version that has it, and its keys with theirs."""

    since: Version
    keys: dict[str, Version]


def _method(since: Version, *keys: str, **later: Version) -> Method:
    return Method(since, {**dict.fromkeys(keys, since), **later})


METHODS: dict[str, Method] = {
    "initialize": _method((0, 14, 0), "protocol_version"),
    "status": _method((0, 14, 0)),
    "chats.list": _method((0, 3, 0), "limit", unread_only=(0, 13, 0)),
    "messages.history": _method(
        (0, 3, 0), "chat_id", "limit", "participants", "start", "end", "attachments", convert_attachments=(0, 6, 0)
    ),
    "messages.after": _method(
        (0, 14, 0), "since_rowid", "chat_id", "limit", "attachments", "convert_attachments", "include_reactions"
    ),
    "messages.search": _method((0, 14, 0), "query", "match", "limit"),
    "messages.stats": _method((0, 13, 0), "chat_id", "include_media", "time_zone"),
    "messages.scheduled": _method((0, 13, 0), "limit"),
    "message.send_status": _method((0, 10, 0), "guid"),
    "watch.subscribe": _method(
        (0, 3, 0),
        "chat_id",
        "since_rowid",
        "participants",
        "start",
        "end",
        "attachments",
        include_reactions=(0, 5, 0),
        convert_attachments=(0, 6, 0),
        debounce_ms=(0, 6, 0),
        buffer_limit=(0, 14, 0),
    ),
    "watch.unsubscribe": _method((0, 3, 0), "subscription"),
}
"""Reading methods and their documented keys."""

EXTENDED_METHODS = frozenset(
    f"x.{table}" for table in ("messages", "reactions", "attachments", "edits", "chats", "participants")
)
"""Methods of our own server, started with ``--extended``; each takes ``query``, ``cursor`` and ``page_rows``."""

MAX_AFTER_ROWS = 500
MAX_SEARCH_ROWS = 100


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What one running program is known to understand.

    ``version`` is None where the program does not tell; it then counts as the oldest of its generation.
    """

    generation: Generation
    version: Version | None = None
    methods: frozenset[str] | None = None
    """What the program itself says it has, where it does."""
    extended: bool = False

    @property
    def effective_version(self) -> Version:
        """Return the version to gate by."""
        if self.version is not None:
            return self.version
        return (0, 14, 0) if self.generation is Generation.V1 else _FIRST

    @property
    def max_outstanding(self) -> int:
        """Return how many requests may be out at once; v1 refuses the 129th, legacy works one by one."""
        return 100 if self.generation is Generation.V1 else 16

    @property
    def is_newer_than_known(self) -> bool:
        """Return whether the program is of a later minor version than any we know."""
        return self.version is not None and self.version[:2] > NEWEST_KNOWN[:2]

    @property
    def has_fast_history(self) -> bool:
        """Return whether history over RPC costs a pass and not a scan per message."""
        return self.effective_version >= (0, 13, 2)

    def has(self, method: str) -> bool:
        """Tell whether `method` can be called."""
        if method in EXTENDED_METHODS:
            return self.extended
        known = METHODS.get(method)
        if known is None or self.effective_version < known.since:
            return False
        return not (known.since >= (0, 14, 0) and self.generation is Generation.LEGACY)

    def params(self, method: str, **values: Any) -> dict[str, Any]:
        """Return the params to send: the given keys without those that are None.

        Raises
        ------
        Unsupported
            The program does not know the method, or would ignore or refuse one of the keys.
        """
        if not self.has(method):
            raise _unsupported(self, method, METHODS[method].since if method in METHODS else None)
        params = {key: value for key, value in values.items() if value is not None}
        if method in METHODS:
            keys = METHODS[method].keys
            for key in params:
                if key not in keys or keys[key] > self.effective_version:
                    raise _unsupported(self, f"{key} of {method}", keys.get(key))
        return params


def _unsupported(profile: Profile, what: str, since: Version | None) -> Unsupported:
    shown = ".".join(map(str, profile.effective_version))
    about = f"imsg {shown}" if profile.version else f"this program ({profile.generation})"
    if since is None:
        return Unsupported(
            f"{about} does not have {what}", hint="read the database through IMessageClient.from_chat_db(path)"
        )
    return Unsupported(f"{about} does not have {what}", hint=f"it came with imsg {'.'.join(map(str, since))}: update")


def clamp_iso(instant: datetime) -> str:
    """Return an aware instant as the programs read it, moved into the range that they survive."""
    return iso_ms(min(max(instant, _EARLIEST), _LATEST))


def parse_version(text: str) -> Version | None:
    """Read ``0.13.1`` out of a version text; what follows the numbers does not count."""
    match = re.match(r"\s*v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", text)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None
