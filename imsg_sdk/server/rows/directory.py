"""Chats, handles and participants, read once per state of the database."""

from __future__ import annotations

from typing import Any

import msgspec

from imsg_sdk.server.rows.database import Database, Row

__all__ = ["NO_CHAT", "ChatEntry", "Directory"]


class ChatEntry(msgspec.Struct, gc=False):
    """One chat row; texts that are NULL are empty, except that a missing name is the identifier."""

    chat_id: int
    identifier: str
    guid: str
    name: str
    service: str
    account_id: str
    account_login: str
    last_addressed_handle: str
    display_name: str
    participants: list[str]
    is_group: bool


NO_CHAT = ChatEntry(0, "", "", "", "", "", "", "", "", [], False)


class Directory:
    """Looks up chats and handles; `renew` forgets everything when the database has changed."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._version = -1
        self._handles: dict[Any, str] | None = None
        self._chats: dict[int, ChatEntry] | None = None
        self._known: tuple[tuple[list[Row], list[Row]], dict[int, ChatEntry]] | None = None
        """What was read of chats last, and what was made of it: most changes of a database are of messages."""

    def renew(self) -> bool:
        """Forget what another connection may have changed; return whether it may have."""
        version = self._db.data_version()
        if version == self._version:
            return False
        self._version = version
        self._handles = self._chats = None
        return True

    def handles(self) -> dict[Any, str]:
        """Return handle by row id."""
        if self._handles is None:
            rows = self._db.rows("SELECT ROWID, id FROM handle")
            self._handles = {rowid: name for rowid, name in rows if isinstance(name, str)}
        return self._handles

    def chat(self, chat_id: int) -> ChatEntry:
        """Return a chat, an empty one if there is no such row."""
        return self.chats().get(chat_id, NO_CHAT)

    def chats(self) -> dict[int, ChatEntry]:
        """Return every chat row by its id."""
        if self._chats is None:
            self._chats = self._read_chats()
        return self._chats

    def _read_chats(self) -> dict[int, ChatEntry]:
        members = self._db.rows(
            "SELECT DISTINCT chj.chat_id, h.id FROM chat_handle_join chj JOIN handle h ON h.ROWID = chj.handle_id"
            " WHERE h.id != '' ORDER BY h.id"
        )
        optional = ", ".join(
            self._db.column(name, table="chat", alias="c")
            for name in ("account_id", "account_login", "last_addressed_handle")
        )
        rows = self._db.rows(
            f"SELECT c.ROWID, c.chat_identifier, c.guid, c.display_name, c.service_name, {optional} FROM chat c"
        )
        if self._known is None or self._known[0] != (members, rows):
            self._known = (members, rows), _entries(members, rows)
        return self._known[1]


def _entries(members: list[Row], rows: list[Row]) -> dict[int, ChatEntry]:
    people: dict[int, list[str]] = {}
    for chat_id, handle in members:
        people.setdefault(chat_id, []).append(handle)
    return {row[0]: _entry(row, people.get(row[0], [])) for row in rows}


def _entry(row: Row, participants: list[str]) -> ChatEntry:
    chat_id, *values = row
    identifier, guid, name, service, *optional = (_text(value) for value in values)
    return ChatEntry(
        chat_id=chat_id,
        identifier=identifier or "",
        guid=guid or "",
        name=(identifier if name is None else name) or "",
        service=service or "",
        account_id=optional[0] or "",
        account_login=optional[1] or "",
        last_addressed_handle=optional[2] or "",
        display_name=name or "",
        participants=participants,
        is_group=";+;" in (guid or "") or ";+;" in (identifier or ""),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
