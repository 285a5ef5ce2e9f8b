"""Tapbacks: which stand on a message, and what a tapback row says as an event.

One pass over the tapback rows serves every message until the database changes; a search per message
would scan the table each time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from imsg_sdk.chatdb.imsg_text import decode_body, first_emoji
from imsg_sdk.server.rows.database import Database, Row
from imsg_sdk.server.rows.directory import Directory
from imsg_sdk.server.rows.instants import seconds, stored_date, wire_date
from imsg_sdk.server.rows.reader import chunks
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

_FEW: Final = 4
"""Messages up to which a search for their tapbacks costs less than reading all of them."""

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
    """The tapbacks that stand, by the guid of their message.

    Which rows point at which message is read once, out of an index where there is one; the rows themselves
    are read for the messages that are asked for.  Both are kept by what stands behind the last slash of a guid.
    """

    def __init__(self, database: Database, directory: Directory) -> None:
        self._db = database
        self._directory = directory
        self._rowids: dict[str, list[int]] | None = None
        self._rows: dict[str, list[Row]] = {}
        self._standing: dict[str, list[WireReaction]] = {}

    def forget(self) -> None:
        """Read again when next asked."""
        self._rowids = None
        self._rows = {}
        self._standing = {}

    def prepare(self, guids: Collection[str]) -> None:
        """Read what `of` will be asked for."""
        if not self._db.has("message", "guid", "associated_message_guid", "associated_message_type"):
            return
        missing = {tail for guid in guids if (tail := _tail(guid)) and tail not in self._rows}
        if self._rowids is None and len(guids) <= _FEW:
            self._read_few(missing)
            return
        if self._rowids is None:
            self._rowids = self._pointers()
        for chunk in chunks([rowid for tail in missing for rowid in self._rowids.get(tail, ())]):
            for tail, rows in self._read(f"r.ROWID IN ({','.join('?' * len(chunk))})", chunk).items():
                self._rows.setdefault(tail, []).extend(rows)

    def _read_few(self, tails: Collection[str]) -> None:
        """Find the tapbacks of a few messages without a look at what all of them point at."""
        if not tails:
            return
        ends = " OR substr(associated_message_guid, -length(?) - 1) = '/' || ?" * len(tails)
        condition = (
            "r.ROWID IN (SELECT ROWID FROM message WHERE associated_message_guid IS NOT NULL"
            f" AND (associated_message_guid IN ({','.join('?' * len(tails))}){ends}))"
        )
        parameters = [*tails, *(tail for tail in tails for _ in range(2))]
        self._rows |= {tail: [] for tail in tails} | self._read(condition, parameters)

    def _pointers(self) -> dict[str, list[int]]:
        pointers: dict[str, list[int]] = {}
        for target, rowid in self._db.rows(
            "SELECT associated_message_guid, ROWID FROM message WHERE associated_message_guid IS NOT NULL"
        ):
            if isinstance(target, str):
                pointers.setdefault(_tail(target), []).append(rowid)
        return pointers

    def of(self, guid: str) -> list[WireReaction]:
        """Return the tapbacks that stand on a message, in the order in which they were added."""
        has_slash = "/" in guid
        rows = self._rows.get(_tail(guid) if has_slash else guid)
        if not rows:
            return []
        if guid not in self._standing:
            if has_slash:
                rows = [row for row in rows if row[0] == guid or row[0].endswith(f"/{guid}")]
            self._standing[guid] = self._replay(rows)
        return self._standing[guid]

    def _read(self, condition: str, parameters: Sequence[Any]) -> dict[str, list[Row]]:
        body = self._db.column("attributedBody", alias="r")
        rows = self._db.rows(
            "SELECT r.associated_message_guid, r.date, r.ROWID, r.associated_message_type, r.handle_id, r.is_from_me,"
            " CASE WHEN r.associated_message_type IN (2006, 3006) THEN ifnull(r.text, '') END,"
            f" CASE WHEN r.associated_message_type IN (2006, 3006) AND ifnull(r.text, '') = '' THEN {body} END"
            f" FROM message r WHERE r.associated_message_type BETWEEN 2000 AND 3006 AND {condition}",
            parameters,
        )
        found: dict[str, list[Row]] = {}
        for row in rows:
            if isinstance(row[0], str):
                found.setdefault(_tail(row[0]), []).append(row)
        return found

    def _replay(self, rows: list[Row]) -> list[WireReaction]:
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


def _tail(guid: str) -> str:
    return guid.rpartition("/")[2]


def _order(row: Row) -> tuple[float, int]:
    return seconds(stored_date(row[1])), row[2]


def _remove(standing: dict[_Key, WireReaction], sender: str, is_from_me: bool, name: tuple[str, str] | None) -> None:
    if name is not None:
        standing.pop((sender, is_from_me, *name), None)
        return
    for key in standing:
        if key[:3] == (sender, is_from_me, "custom"):
            del standing[key]
            return
