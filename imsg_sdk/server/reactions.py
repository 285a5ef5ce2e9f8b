"""Tapbacks: which stand on a message, and what a tapback row says as an event.

One pass over the tapback rows serves every message until the database changes; a search per message
would scan the table each time.
"""

from __future__ import annotations

from typing import Any, Final

from imsg_sdk.chatdb.imsg_text import decode_body, first_emoji
from imsg_sdk.server.database import Database
from imsg_sdk.server.directory import Directory
from imsg_sdk.server.instants import seconds, stored_date, wire_date
from imsg_sdk.wire import WireReaction

__all__ = ["ReactionIndex", "custom_emoji", "kind_and_emoji"]

_KINDS: Final = {
    2000: ("love", "\u2764\ufe0f"),
    2001: ("like", "\U0001f44d"),
    2002: ("dislike", "\U0001f44e"),
    2003: ("laugh", "\U0001f602"),
    2004: ("emphasis", "\u203c\ufe0f"),
    2005: ("question", "\u2753"),
}
_CUSTOM: Final = 2006
_REMOVAL: Final = 1000

_Key = tuple[str, bool, str, str]


def custom_emoji(text: str) -> str | None:
    """Find the emoji in a sentence such as ``Reacted 🎉 to “Hello”``.

    Without these words it is the first character that Unicode counts among the emoji, digits included.
    """
    begin = text.find("Reacted ")
    if begin >= 0:
        begin += len("Reacted ")
        end = text.find(" to ", begin)
        if end > begin:
            return text[begin:end]
    return first_emoji(text)


def kind_and_emoji(associated_type: int, text: str) -> tuple[str, str] | None:
    """Name a tapback, added or removed; None for a custom one whose emoji is lost."""
    kind = associated_type % _REMOVAL + 2000
    if kind != _CUSTOM:
        return _KINDS.get(kind)
    emoji = custom_emoji(text)
    return ("custom", emoji) if emoji else None


class ReactionIndex:
    """The tapbacks that stand, by the guid of their message."""

    def __init__(self, database: Database, directory: Directory) -> None:
        self._db = database
        self._directory = directory
        self._rows: dict[str, list[tuple[Any, ...]]] | None = None
        self._standing: dict[str, list[WireReaction]] = {}

    def forget(self) -> None:
        """Read the table again when next asked."""
        self._rows = None
        self._standing = {}

    def of(self, guid: str) -> list[WireReaction]:
        """Return the tapbacks that stand on a message, in the order in which they were added."""
        if self._rows is None:
            self._rows = self._read()
        if not guid or guid not in self._rows:
            return []
        if guid not in self._standing:
            self._standing[guid] = self._replay(self._rows[guid])
        return self._standing[guid]

    def _read(self) -> dict[str, list[tuple[Any, ...]]]:
        if not self._db.has("message", "guid", "associated_message_guid", "associated_message_type"):
            return {}
        body = self._db.column("attributedBody", alias="r")
        rows = self._db.rows(
            "SELECT r.associated_message_guid, r.date, r.ROWID, r.associated_message_type, r.handle_id, r.is_from_me,"
            f" CASE WHEN r.associated_message_type IN (2006, 3006) THEN ifnull(r.text, '') END,"
            f" CASE WHEN r.associated_message_type IN (2006, 3006) AND ifnull(r.text, '') = '' THEN {body} END"
            " FROM message r WHERE r.associated_message_guid IS NOT NULL AND r.associated_message_guid != ''"
            " AND r.associated_message_type BETWEEN 2000 AND 3006"
        )
        index: dict[str, list[tuple[Any, ...]]] = {}
        for row in rows:
            target = row[0]
            if isinstance(target, str) and (base := target.rpartition("/")[2]):
                index.setdefault(base, []).append(row)
        return index

    def _replay(self, rows: list[tuple[Any, ...]]) -> list[WireReaction]:
        handles = self._directory.handles()
        standing: dict[_Key, WireReaction] = {}
        for _, date, rowid, kind, handle_id, own, text, body in sorted(rows, key=_order):
            if not (2000 <= kind <= 2006 or 3000 <= kind <= 3006):
                continue
            if not text and isinstance(body, bytes):
                text = decode_body(body)
            sender, is_from_me = handles.get(handle_id) or "", bool(own)
            name = kind_and_emoji(kind, text or "")
            if kind >= 3000:
                _remove(standing, sender, is_from_me, name)
            elif name is not None:
                # Assigning to a key that is there keeps its place, which is what the programs do.
                standing[sender, is_from_me, *name] = WireReaction(
                    id=rowid,
                    type=name[0],
                    emoji=name[1],
                    sender=sender,
                    is_from_me=is_from_me,
                    created_at=wire_date(stored_date(date)),
                )
        return list(standing.values())


def _order(row: tuple[Any, ...]) -> tuple[float, int]:
    return seconds(stored_date(row[1])), row[2]


def _remove(standing: dict[_Key, WireReaction], sender: str, is_from_me: bool, name: tuple[str, str] | None) -> None:
    if name is not None:
        standing.pop((sender, is_from_me, *name), None)
        return
    for key in standing:
        if key[:3] == (sender, is_from_me, "custom"):
            del standing[key]
            return
