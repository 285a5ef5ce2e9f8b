"""The tables of chats and of the people in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from imsg_sdk._time import apple_to_us
from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.directory import ChatRow, Directory
from imsg_sdk.chatdb.index import folded_among
from imsg_sdk.chatdb.message_sql import MessageSql
from imsg_sdk.chatdb.previews import URL_BALLOON
from imsg_sdk.chatdb.query import Query
from imsg_sdk.chatdb.schema import Schema

__all__ = ["ChatReader"]

_MAX_INT: Final = 2**63 - 1
Person = tuple[str, str | None, str | None]
"""Handle, country and id of the person."""


class ChatReader:
    """Reads what a chat has beside its own row: people, newest message, unread rows."""

    def __init__(self, connection: Connection, schema: Schema, sql: MessageSql, directory: Directory) -> None:
        self._connection = connection
        self._schema = schema
        self._sql = sql
        self._directory = directory

    def chats(self, query: Query, folded: Mapping[int, int] | None = None) -> list[tuple[Any, ...]]:
        """Return rows of the table of chats, most recent first; `folded` previews, if they are known already."""
        newest = self._newest()
        people = self._people()
        unread = self._unread(folded) if self._sql.has("is_read") else None
        rows = []
        for chat in self._listed(newest, query)[: query.limit]:
            handles = sorted({handle for handle, _, _ in people.get(chat.rowid, ())})
            count = None if unread is None else unread.get(chat.rowid, 0)
            rows.append(_chat(chat, handles, newest[chat.rowid], count))
        return rows

    def participants(self, query: Query) -> list[tuple[Any, ...]]:
        """Return rows of the table of participants, by chat and handle."""
        people = self._people()
        rows: list[tuple[Any, ...]] = []
        for chat in sorted(self._listed(self._newest(), query)):
            by_handle: dict[str, Person] = {}
            for person in people.get(chat.rowid, ()):
                by_handle.setdefault(person[0], person)
            for handle, country, person_id in sorted(by_handle.values()):
                rows.append((chat.rowid, handle, chat.name, chat.is_group, country, person_id))
        return rows

    def _listed(self, newest: Mapping[int, int | None], query: Query) -> list[ChatRow]:
        """Return the chats that hold a message, most recent first."""
        wanted = None if query.chat_ids is None else set(query.chat_ids)
        chats = self._directory.chats
        listed = [chats[chat] for chat in newest if wanted is None or chat in wanted]
        listed.sort(key=lambda chat: (newest[chat.rowid] or -_MAX_INT, chat.rowid), reverse=True)
        return listed

    def _newest(self) -> dict[int, int | None]:
        """Return the date of the newest message of every chat that holds one.

        The copy of the date in the join row saves a look at every message: with the index Apple made for
        it, one seek for each chat.  Old rows may lack the copy.
        """
        if not self._schema.has("chat_message_join", "chat_id", "message_id"):
            return {}
        newest: dict[int, int | None] = {}
        chats = self._directory.chats
        if self._schema.has("chat_message_join", "message_date"):
            rows = self._connection.rows(
                "SELECT c.ROWID, (SELECT j.message_date FROM chat_message_join j"
                " JOIN message m ON m.ROWID = j.message_id"
                f" WHERE j.chat_id = c.ROWID AND j.message_date BETWEEN {-_MAX_INT} AND {_MAX_INT}"
                " ORDER BY j.message_date DESC LIMIT 1) FROM chat c"
            )
            newest = {chat: apple_to_us(date) for chat, date in rows if date}
        rest = ",".join(str(chat) for chat in chats if newest.get(chat) is None)
        if rest:
            rows = self._connection.rows(
                f"SELECT j.chat_id, max({self._sql.time('date')}) FROM chat_message_join j"
                f" JOIN message m ON m.ROWID = j.message_id WHERE j.chat_id IN ({rest}) GROUP BY j.chat_id"
            )
            newest |= dict(rows)
        return newest

    def _people(self) -> dict[int, list[Person]]:
        if not self._schema.has("chat_handle_join", "chat_id", "handle_id") or not self._directory.handles:
            return {}
        country = self._schema.text("handle", "country", "h")
        person = self._schema.text("handle", "person_centric_id", "h")
        rows = self._connection.rows(
            f"SELECT j.chat_id, h.ROWID, lower({country}), {person} FROM chat_handle_join j"
            " JOIN handle h ON h.ROWID = j.handle_id ORDER BY j.chat_id, h.ROWID"
        )
        people: dict[int, list[Person]] = {}
        for chat, rowid, land, person_id in rows:
            if rowid in self._directory.handles:
                people.setdefault(chat, []).append((self._directory.handles[rowid], land, person_id))
        return people

    def _unread(self, folded: Mapping[int, int] | None) -> dict[int, int]:
        """Count the unread inbound rows of each chat; a folded preview is no row of its own."""
        preview = f"m.balloon_bundle_id = '{URL_BALLOON}'" if self._sql.has("balloon_bundle_id") else "0"
        rows = self._connection.rows(
            f"SELECT j.chat_id, m.ROWID, {preview}"
            " FROM message m JOIN chat_message_join j ON j.message_id = m.ROWID"
            f" WHERE m.is_read = 0 AND NOT {self._sql.is_mine}"
        )
        if folded is None:
            previews = [message for _, message, is_preview in rows if is_preview]
            folded = folded_among(self._connection, self._schema, self._sql, self._directory, previews)
        return Counter(chat for chat, message, _ in rows if message not in folded)


def _chat(chat: ChatRow, handles: list[str], newest: int | None, unread: int | None) -> tuple[Any, ...]:
    return (
        chat.rowid,
        chat.guid,
        chat.identifier,
        chat.name,
        None,
        chat.service,
        chat.is_group,
        handles,
        len(handles),
        newest,
        unread,
        chat.account_id,
        chat.account_login,
        chat.last_addressed_handle,
        chat.group_id,
        chat.is_archived,
        chat.is_filtered,
    )
