"""What an open subscription sees: rows behind a cursor, once each."""

from __future__ import annotations

import msgspec

from imsg_sdk.wire import WireMessage

__all__ = ["WatchPage", "WatchView"]


class WatchPage(msgspec.Struct):
    """One look at the database.

    ``messages`` passed the filters; ``cursor`` is the last row that was looked at; ``unlinked`` are rows
    without a chat, to be asked for again; ``more`` tells that rows may wait behind the cursor.
    """

    messages: list[WireMessage]
    cursor: int
    unlinked: list[int]
    more: bool


class WatchView(msgspec.Struct):
    """What one subscription wants to see, and its memory of link previews; never shared."""

    chat_id: int | None = None
    include_reactions: bool = False
    attachments: bool = False
    participants: tuple[str, ...] = ()
    start_ns: int | None = None
    end_ns: int | None = None
