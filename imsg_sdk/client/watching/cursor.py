"""Where a watch stands, as a text that a program can keep: what a restart needs, and no word of a message.  Pure.

A rowid alone says nothing about the file it is of.  So a cursor also holds the guids of a few rows before its
own: the file that has other guids there is another file, wherever it lies.
"""

from __future__ import annotations

import base64
import binascii
import collections
from collections.abc import Iterable
from datetime import datetime

import msgspec

from imsg_sdk._time import from_us, to_us
from imsg_sdk.arguments import refused
from imsg_sdk.models import Message

__all__ = ["Anchor", "Anchors", "Cursor", "anchors_of", "decode_cursor", "encode_cursor"]

_PREFIX = "w1."
_RECENT = 3
_OLDER = 3
_STRIDE = 64
"""Every so many rows one is kept for longer, because the recent ones may all be deleted with their chat."""

File = tuple[int, int]
"""Device and inode."""


class Anchor(msgspec.Struct, frozen=True, array_like=True):
    """A row that must have this guid.  Chat and date are where a program without rowids is asked for it."""

    rowid: int
    guid: str
    chat_id: int
    created_us: int | None = None

    @property
    def created_at(self) -> datetime | None:
        """Return the date of the row."""
        return None if self.created_us is None else from_us(self.created_us)


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """What was handed out: every row up to `rowid`, but for the holes."""

    rowid: int
    anchors: tuple[Anchor, ...] = ()
    holes: tuple[tuple[int, int, int, int], ...] = ()
    """Rows whose chat had not come yet: rowid, when it was first seen, and the dates of the rows around it."""
    file: File | None = None


_decoder = msgspec.json.Decoder(Cursor)


def encode_cursor(cursor: Cursor) -> str:
    """Return the text of a cursor: letters, digits, ``-``, ``_`` and one dot."""
    return _PREFIX + base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode("ascii").rstrip("=")


def decode_cursor(text: str) -> Cursor:
    """Read the text of a cursor.

    Raises
    ------
    InvalidParams
        It is none.
    """
    head, body = text[: len(_PREFIX)], text[len(_PREFIX) :]
    try:
        if head != _PREFIX:
            raise ValueError
        cursor = _decoder.decode(base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True))
        if cursor.rowid < 0:
            raise ValueError
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise refused(
            "since is a text that is neither a cursor nor a time",
            hint="give the cursor of a watch unchanged, a rowid, an aware datetime or an age such as '7d'",
        ) from None
    return cursor


def anchors_of(messages: Iterable[Message]) -> list[Anchor]:
    """Return rows as what tells a database from another."""
    return [anchor for each in messages if (anchor := _anchor(each)) is not None]


def _anchor(message: Message) -> Anchor | None:
    if not message.guid or message.chat_id is None:
        return None
    created = None if message.created_at is None else to_us(message.created_at)
    return Anchor(message.rowid, message.guid, message.chat_id, created)


class Anchors:
    """The rows that tell a database from another: the newest few, and some from longer ago."""

    def __init__(self, anchors: Iterable[Anchor] = ()) -> None:
        self._recent: collections.deque[Anchor] = collections.deque(maxlen=_RECENT)
        self._older: collections.deque[Anchor] = collections.deque(maxlen=_OLDER)
        self._count = 0
        oldest_first = sorted(anchors, key=lambda anchor: anchor.rowid)
        self._older.extend(oldest_first[:-_RECENT])
        self._recent.extend(oldest_first[-_RECENT:])

    def add(self, message: Message) -> None:
        """Take a row that was handed out."""
        if (anchor := _anchor(message)) is None:
            return
        if self._count % _STRIDE == 0:
            self._older.append(anchor)
        self._count += 1
        self._recent.append(anchor)

    def kept(self) -> tuple[Anchor, ...]:
        """Return them, the newest first."""
        by_rowid = {anchor.rowid: anchor for anchor in (*self._older, *self._recent)}
        return tuple(by_rowid[rowid] for rowid in sorted(by_rowid, reverse=True))
