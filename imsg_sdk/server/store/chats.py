"""``chats.list`` and the command ``group``."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.rows.database import Database
from imsg_sdk.server.rows.directory import ChatEntry, Directory
from imsg_sdk.server.rows.instants import stored_date, wire_date
from imsg_sdk.server.rows.objects import Group
from imsg_sdk.server.rows.previews import PreviewFinder
from imsg_sdk.server.rows.reader import URL_BALLOON, RowReader
from imsg_sdk.wire import WireChat

__all__ = ["ChatList", "group_of"]


class ChatList:
    """Lists chats by their last activity, with the number of unread rows."""

    def __init__(self, database: Database, directory: Directory, reader: RowReader, finder: PreviewFinder) -> None:
        self._db = database
        self._directory = directory
        self._reader = reader
        self._finder = finder

    def list(self, limit: int, *, unread_only: bool, dialect: Dialect, full: bool) -> list[WireChat]:
        """Return chats, most recent first; `full` gives the object of the newer programs in either dialect."""
        if limit < 1:
            return []
        order = self._by_activity(None if unread_only else limit)
        counts = self._unread()
        chats: list[WireChat] = []
        for chat_id, last in order:
            count = counts.get(chat_id, 0)
            if unread_only and not count:
                continue
            chat = _wire_chat(self._directory.chat(chat_id), last)
            if self._db.has("message", "is_read"):
                chat.unread_count = count
            if full or dialect is Dialect.V1:
                _add_account(chat, self._directory.chat(chat_id))
            else:
                chat.guid = self._directory.chat(chat_id).guid
            chats.append(chat)
            if len(chats) == limit:
                break
        return chats

    def _by_activity(self, limit: int | None) -> Sequence[tuple[int, int]]:
        if self._db.has("chat_message_join", "message_date"):
            date, join = "cmj.message_date", ""
        else:
            date, join = "m.date", "JOIN message m ON m.ROWID = cmj.message_id"
        rows = self._db.rows(
            f"SELECT c.ROWID, max({date}) AS last FROM chat c JOIN chat_message_join cmj ON c.ROWID = cmj.chat_id"
            f" {join} GROUP BY c.ROWID ORDER BY last DESC, c.ROWID DESC LIMIT ?",
            (-1 if limit is None else min(limit, 2**63 - 1),),
        )
        return [(chat_id, stored_date(last)) for chat_id, last in rows]

    def _unread(self) -> dict[int, int]:
        """Count unread rows by chat; a preview counts as its text row, which is counted itself if unread."""
        if not self._db.has("message", "is_read"):
            return {}
        # CROSS JOIN keeps SQLite from walking through every message of every chat: few are unread.
        unread = "CROSS JOIN chat_message_join cmj ON m.ROWID = cmj.message_id WHERE m.is_from_me = 0 AND m.is_read = 0"
        rows = self._db.rows(
            f"SELECT cmj.chat_id, count(DISTINCT m.ROWID) FROM message m {unread} GROUP BY cmj.chat_id"
        )
        counts: dict[int, int] = dict(rows)
        if self._reader.has_balloons:
            previews = f"{unread} AND m.balloon_bundle_id = '{URL_BALLOON}' GROUP BY m.ROWID, cmj.chat_id"
            for preview in self._reader.read(previews, chat="cmj.chat_id"):
                if self._finder.text_row(preview) is not None:
                    counts[preview.chat_id] -= 1
        return counts


def group_of(chat: ChatEntry) -> Group:
    """Return the object of the command ``group``."""
    group = Group(
        id=chat.chat_id,
        identifier=chat.identifier,
        guid=chat.guid,
        name=chat.name,
        service=chat.service,
        is_group=chat.is_group,
        participants=chat.participants,
    )
    _add_routing(group, chat)
    return group


def _wire_chat(chat: ChatEntry, last: int) -> WireChat:
    return WireChat(
        id=chat.chat_id,
        identifier=chat.identifier,
        name=chat.name,
        service=chat.service,
        last_message_at=wire_date(last),
        participants=chat.participants,
        is_group=chat.is_group,
    )


def _add_account(wire: WireChat, chat: ChatEntry) -> None:
    wire.guid = chat.guid or UNSET
    wire.display_name = chat.name
    _add_routing(wire, chat)


def _add_routing(wire: WireChat | Group, chat: ChatEntry) -> None:
    wire.account_id = chat.account_id or UNSET
    wire.account_login = chat.account_login or UNSET
    wire.last_addressed_handle = chat.last_addressed_handle or UNSET
