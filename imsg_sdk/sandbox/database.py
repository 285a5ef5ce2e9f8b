"""Rows as Messages writes them: one place that knows which tables a message, a chat or an attachment touches.

What the triggers of a real database do (room names, attachment flags, dates of joins) is done here.  Nothing here
invents anything: dates, guids and texts come from the caller.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, Self

import msgspec

from imsg_sdk.sandbox import schema
from imsg_sdk.sandbox.schema import HIGH_SIERRA, System

__all__ = ["Attachment", "Chat", "Database", "Handle", "Message"]

_BATCH_ROWS = 4000
_CACHE_KIB = 96 * 1024
_SECOND = 1_000_000_000

DIRECT, GROUP = 45, 43
"""``chat.style``: the ASCII codes of ``-`` and ``+``."""


class Handle(msgspec.Struct):
    """A row of ``handle``: one address on one service."""

    rowid: int
    id: str
    country: str | None
    service: str
    uncanonicalized_id: str | None = None
    person_centric_id: str | None = None


class Chat(msgspec.Struct):
    """A row of ``chat``."""

    rowid: int
    guid: str
    style: int
    chat_identifier: str
    service_name: str
    state: int = 3
    account_id: str | None = None
    properties: bytes | None = None
    room_name: str | None = None
    account_login: str | None = None
    is_archived: int = 0
    last_addressed_handle: str | None = None
    display_name: str | None = None
    group_id: str | None = None
    original_group_id: str | None = None
    is_filtered: int = 0
    successful_query: int = 1
    last_read_message_timestamp: int = 0


class Attachment(msgspec.Struct):
    """A row of ``attachment``; ``created_date`` is in seconds since 2001."""

    rowid: int
    guid: str
    created_date: int
    filename: str | None
    uti: str | None
    mime_type: str | None
    transfer_name: str | None
    total_bytes: int
    is_outgoing: int = 0
    transfer_state: int = 5
    user_info: bytes | None = None
    is_sticker: int = 0
    hide_attachment: int = 0
    sticker_user_info: bytes | None = None
    attribution_info: bytes | None = None
    original_guid: str | None = None
    emoji_image_short_description: str | None = None


class Message(msgspec.Struct):
    """A row of ``message``; dates are nanoseconds since 2001, 0 for never."""

    rowid: int = 0
    guid: str = ""
    text: str | None = None
    attributed_body: bytes | None = None
    handle_id: int | None = 0
    service: str | None = "iMessage"
    date: int | None = 0
    date_read: int = 0
    date_delivered: int = 0
    is_from_me: int = 0
    is_read: int = 0
    is_sent: int = 0
    is_delivered: int = 0
    cache_has_attachments: int = 0
    cache_roomnames: str | None = None
    destination_caller_id: str | None = None
    account: str | None = None
    account_guid: str | None = None
    reply_to_guid: str | None = None
    part_count: int | None = 1
    version: int = 10
    is_finished: int = 1
    was_data_detected: int = 1
    error: int = 0
    associated_message_guid: str | None = None
    associated_message_type: int = 0
    associated_message_emoji: str | None = None
    associated_message_range_location: int = 0
    associated_message_range_length: int = 0
    message_summary_info: bytes | None = None
    balloon_bundle_id: str | None = None
    payload_data: bytes | None = None
    thread_originator_guid: str | None = None
    thread_originator_part: str | None = None
    expressive_send_style_id: str | None = None
    date_edited: int = 0
    date_retracted: int = 0
    item_type: int = 0
    group_action_type: int = 0
    group_title: str | None = None
    other_handle: int = 0
    share_status: int = 0
    share_direction: int = 0
    subject: str | None = None
    is_audio_message: int = 0
    is_played: int = 0
    date_played: int = 0
    is_expirable: int = 0
    expire_state: int = 0
    is_empty: int = 0
    is_spam: int = 0
    was_downgraded: int = 0
    was_delivered_quietly: int = 0
    did_notify_recipient: int = 0
    has_dd_results: int = 0
    schedule_type: int = 0
    schedule_state: int = 0
    is_time_sensitive: int = 0
    filter_action: int = 0


_DATES = ("date", "date_read", "date_delivered", "date_played", "date_edited", "date_retracted")
_SPELLING = {"rowid": "ROWID", "attributed_body": "attributedBody"}


class _Rows:
    """Rows of one table that wait to be written, reduced to the columns that the table has."""

    def __init__(self, connection: sqlite3.Connection, table: str, fields: Sequence[str]) -> None:
        self._connection = connection
        there = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        names = [_SPELLING.get(field, field) for field in fields]
        kept = [index for index, name in enumerate(names) if name in there]
        self._statement = (
            f"INSERT INTO {table} ({', '.join(names[index] for index in kept)}) VALUES ({', '.join('?' * len(kept))})"
        )
        self._cut: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None = None
        if 1 < len(kept) < len(fields):
            self._cut = itemgetter(*kept)
        self.pending: list[tuple[Any, ...]] = []
        self.add = self.pending.append
        self.exists = bool(kept)

    def flush(self) -> None:
        """Write what waits."""
        if self.exists and self.pending:
            rows: Iterable[tuple[Any, ...]] = map(self._cut, self.pending) if self._cut else self.pending
            self._connection.executemany(self._statement, rows)
        self.pending.clear()


class Database:
    """A Messages database open for writing.

    Rows are gathered and written in batches: :meth:`flush` writes what waits.

    Parameters
    ----------
    connection
        Open on a database that has the tables.
    system
        The system whose tables they are; decides the unit of dates.
    """

    def __init__(self, connection: sqlite3.Connection, system: System) -> None:
        self.connection = connection
        self.system = system
        self.in_seconds = 0 < system.rank < HIGH_SIERRA
        self._room_names: dict[int, str | None] = {}
        if "room_name" in schema.columns("chat", system):
            self._room_names = dict(connection.execute("SELECT ROWID, room_name FROM chat"))
        fields = {kind: kind.__struct_fields__ for kind in (Handle, Chat, Attachment, Message)}
        self._handles = _Rows(connection, "handle", fields[Handle])
        self._chats = _Rows(connection, "chat", fields[Chat])
        self._messages = _Rows(connection, "message", fields[Message])
        self._attachments = _Rows(connection, "attachment", fields[Attachment])
        self._members = _Rows(connection, "chat_handle_join", ("chat_id", "handle_id"))
        self._links = _Rows(connection, "chat_message_join", ("chat_id", "message_id", "message_date"))
        self._files = _Rows(connection, "message_attachment_join", ("message_id", "attachment_id"))
        self._recoverable = _Rows(connection, "chat_recoverable_message_join", ("chat_id", "message_id", "delete_date"))
        self._services = _Rows(connection, "chat_service", ("service", "chat"))
        self._lookups = _Rows(connection, "chat_lookup", ("identifier", "domain", "chat"))
        self._next = {table: self._last_rowid(table) + 1 for table in ("handle", "chat", "attachment", "message")}

    @classmethod
    def create(cls, path: Path, system: System, *, upgraded: bool = False) -> Self:
        """Create a new file with the tables of `system`, ready for loading."""
        connection = sqlite3.connect(path, isolation_level=None)
        # Loading only: the file is given its name when it is complete, so nothing here needs to survive a crash.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("BEGIN")
        schema.create_tables(connection, system, upgraded=upgraded)
        return cls(connection, system)

    def _last_rowid(self, table: str) -> int:
        (last,) = self.connection.execute(f"SELECT max(ROWID) FROM {table}").fetchone()
        return last or 0

    def _take_rowid(self, table: str) -> int:
        rowid = self._next[table]
        self._next[table] = rowid + 1
        return rowid

    def skip_rowids(self, count: int) -> None:
        """Leave a gap in the row ids of messages, as deleted rows do."""
        self._next["message"] += count

    def add_handle(self, handle: Handle) -> int:
        """Add an address; its row id, if 0, is given here."""
        handle.rowid = handle.rowid or self._take_rowid("handle")
        self._handles.add(msgspec.structs.astuple(handle))
        return handle.rowid

    def add_chat(self, chat: Chat, handle_ids: Iterable[int]) -> int:
        """Add a chat and its participants; its row id, if 0, is given here."""
        chat.rowid = chat.rowid or self._take_rowid("chat")
        self._chats.add(msgspec.structs.astuple(chat))
        for handle_id in handle_ids:
            self._members.add((chat.rowid, handle_id))
        self._room_names[chat.rowid] = chat.room_name
        self._services.add((chat.service_name, chat.rowid))
        if chat.style == DIRECT:
            self._lookups.add((chat.chat_identifier, chat.guid.partition(";")[0], chat.rowid))
        return chat.rowid

    def add_message(
        self, message: Message, chat_ids: Sequence[int], attachments: Sequence[Attachment] | None = None
    ) -> int:
        """Add a message, its chats and its attachments; its row id is given here."""
        rowid = message.rowid = self._next["message"]
        self._next["message"] = rowid + 1
        if self.in_seconds:
            _to_seconds(message)
        if attachments:
            message.cache_has_attachments = 1
            for attachment in attachments:
                self.add_attachment(attachment, rowid)
        for chat_id in chat_ids:
            if room := self._room_names.get(chat_id):
                message.cache_roomnames = room
            self._links.add((chat_id, rowid, message.date))
        self._messages.add(msgspec.structs.astuple(message))
        if len(self._messages.pending) >= _BATCH_ROWS:
            self.flush()
        return rowid

    def add_attachment(self, attachment: Attachment, message_rowid: int) -> int:
        """Add an attachment of a message; its row id, if 0, is given here."""
        if not attachment.rowid:
            attachment.rowid = self._take_rowid("attachment")
            attachment.original_guid = attachment.original_guid or attachment.guid
            self._attachments.add(msgspec.structs.astuple(attachment))
        self._files.add((message_rowid, attachment.rowid))
        return attachment.rowid

    def add_recently_deleted(self, message: Message, chat_id: int, deleted_ns: int) -> int:
        """Add a message that lies in Recently Deleted: in no chat, but recoverable to one."""
        rowid = self.add_message(message, ())
        self._recoverable.add((chat_id, rowid, deleted_ns))
        return rowid

    def attach(self, message_rowid: int, attachment_rowid: int) -> None:
        """Join an attachment that exists, or does not, to a message."""
        self._files.add((message_rowid, attachment_rowid))

    def link(self, chat_id: int, message_rowid: int, date: int | None) -> None:
        """Put a message that exists, or does not, into one more chat."""
        self._links.add((chat_id, message_rowid, date))

    def flush(self) -> None:
        """Write everything that waits."""
        for rows in (
            self._handles,
            self._chats,
            self._members,
            self._services,
            self._lookups,
            self._messages,
            self._attachments,
            self._links,
            self._files,
            self._recoverable,
        ):
            rows.flush()

    def finish(self, *, wal: bool = True) -> None:
        """Write what waits and make the indexes.

        Parameters
        ----------
        wal
            Leave the file in WAL mode, as Messages keeps it; else with a rollback journal.
        """
        self.flush()
        schema.create_indexes(self.connection, self.system)
        self.connection.execute("COMMIT")
        self.connection.execute("PRAGMA locking_mode = NORMAL")
        self.connection.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")

    def close(self) -> None:
        """Close the file; what was not written is lost."""
        self.connection.close()


def _to_seconds(message: Message) -> None:
    for name in _DATES:
        value = getattr(message, name)
        if value:
            setattr(message, name, value // _SECOND)
