"""What to read: one small, serialisable description that files, servers and clients share."""

from __future__ import annotations

import msgspec

__all__ = ["INCLUDES", "Query"]

INCLUDES = frozenset({"orphaned", "deleted", "reactions"})
"""Rows that are left out unless asked for by these names."""


class Query(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """Which messages are meant; everything is optional and all of it must hold.

    A table of children (reactions, attachments, edits) takes the same query and gives the children of
    the messages it selects.  ``chats`` and ``participants`` look at `chat_ids` only, ``chats`` also at `limit`.
    """

    chat_ids: list[int] | None = None
    """Messages of any of these chats."""
    since_us: int | None = None
    """Created at or after, Unix microseconds."""
    until_us: int | None = None
    """Created before, Unix microseconds."""
    participants: list[str] | None = None
    """Written by any of these handles, ASCII case ignored; own messages never match."""
    from_me: bool | None = None
    """Own messages only, or the others only."""
    text: str | None = None
    """The text contains this, case folded."""
    rowids: list[int] | None = None
    """Any of these rows."""
    guids: list[str] | None = None
    """Any of these guids, letter by letter."""
    after_rowid: int | None = None
    """Rows with a higher id."""
    limit: int | None = None
    """The newest so many by (``created_at``, ``rowid``)."""
    include: list[str] = []
    """Any of :data:`INCLUDES`."""
