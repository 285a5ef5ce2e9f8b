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

__all__ = ["ACTING", "EXTENDED_METHODS", "METHODS", "Generation", "Profile", "Version", "clamp_iso", "parse_version"]

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
    "bridge.events.subscribe": _method((0, 14, 0), "buffer_limit"),
}
"""Reading methods and their documented keys."""

_CHAT = ("chat_id", "chat_identifier", "chat_guid")
_SEND_LATER: dict[str, Version] = {
    "transport": (0, 8, 1),
    "text_formatting": (0, 12, 0),
    "reply_to": (0, 12, 0),
    "allow_sms_fallback": (0, 14, 0),
}
_VOTE_LATER: dict[str, Version] = {"option_index": (0, 14, 0), "option": (0, 14, 0)}

ACTING: dict[str, Method] = {
    "send": _method((0, 3, 0), *_CHAT, "to", "text", "file", "service", "region", **_SEND_LATER),
    "send.tracked": _method((0, 14, 0), *_CHAT, "to", "text", "file", "service", "region", "attempt_id", *_SEND_LATER),
    "typing": _method((0, 7, 3), *_CHAT, "to", "typing", "service"),
    "read": _method((0, 7, 3), *_CHAT, "to"),
    "chats.create": _method((0, 7, 3), "addresses", "service", "name", "text"),
    "chats.delete": _method((0, 7, 3), *_CHAT),
    "chats.markUnread": _method((0, 7, 3), *_CHAT),
    "group.rename": _method((0, 7, 3), *_CHAT, "name"),
    "group.setIcon": _method((0, 7, 3), *_CHAT, "file"),
    "group.addParticipant": _method((0, 7, 3), *_CHAT, "address"),
    "group.removeParticipant": _method((0, 7, 3), *_CHAT, "address"),
    "group.leave": _method((0, 7, 3), *_CHAT),
    "tapback": _method((0, 9, 0), *_CHAT, "message_id", "reaction", "remove", "part_index", emoji=(0, 15, 0)),
    "message.edit": _method((0, 9, 0), *_CHAT, "message_id", "text", "part_index"),
    "message.unsend": _method((0, 9, 0), *_CHAT, "message_id", "part_index"),
    "message.delete": _method((0, 9, 0), *_CHAT, "message_id"),
    "message.notifyAnyways": _method((0, 9, 0), *_CHAT, "message_id"),
    "handles.check": _method((0, 10, 0), "address", "alias_type", "service"),
    "poll.send": _method((0, 10, 0), *_CHAT, "question", "options"),
    "poll.vote": _method((0, 12, 0), *_CHAT, "poll_guid", "option_id", **_VOTE_LATER),
    "poll.unvote": _method((0, 13, 0), *_CHAT, "poll_guid", "option_id", **_VOTE_LATER),
}
"""Methods that send or change something, and those of their documented keys that this package sends."""

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
        known = _documented(method)
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
            known = _documented(method)
            raise _unsupported(self, method, None if known is None else known.since)
        params = {key: value for key, value in values.items() if value is not None}
        if (known := _documented(method)) is not None:
            for key in params:
                if key not in known.keys or known.keys[key] > self.effective_version:
                    raise _unsupported(self, f"{key} of {method}", known.keys.get(key))
        return params


def _documented(method: str) -> Method | None:
    return METHODS.get(method) or ACTING.get(method)


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
