"""Which chats a message is in: one scan of the join table, kept as a number for each message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.directory import Directory
from imsg_sdk.chatdb.schema import Schema

__all__ = ["Places"]


class Places:
    """Chats by message.  A place is a set of chats that messages share, named by its position.

    Only chats that exist count; a join row to a missing chat is as good as none.
    """

    def __init__(self, connection: Connection, schema: Schema, directory: Directory) -> None:
        self._existing = directory.chats.keys()
        self.combinations: list[tuple[int, ...]] = [(chat,) for chat in directory.chats]
        """The places: sets of chats, each ascending; first the single chats, then what messages combine."""
        self._known = {chats: place for place, chats in enumerate(self.combinations)}
        self._chats: list[int] = []
        self._messages: list[int] = []
        self.linked: dict[int, int] = {}
        """Place by message."""
        self.deleted_at: dict[int, int | None] = {}
        """When messages were moved to Recently Deleted."""
        self.deleted: dict[int, int] = {}
        """Place by message, for those that are nowhere but in Recently Deleted."""
        if schema.has("chat_message_join", "chat_id", "message_id"):
            self._load_linked(connection)
        if schema.has("chat_recoverable_message_join", "chat_id", "message_id"):
            self._load_deleted(connection, schema.time("chat_recoverable_message_join", "delete_date"))

    def pairs(self) -> Iterable[tuple[int, int]]:
        """Return chat and message of every link to an existing chat, ordered by both."""
        return zip(self._chats, self._messages, strict=True)

    def chats_of(self, message: int) -> tuple[int, ...]:
        """Return the chats a message is in, ascending."""
        place = self.linked.get(message)
        return () if place is None else self.combinations[place]

    def _load_linked(self, connection: Connection) -> None:
        # The primary key of the table holds both columns in this order, so nothing is sorted.
        chats, messages = connection.columns(
            "SELECT chat_id, message_id FROM chat_message_join ORDER BY chat_id, message_id"
        )
        if not self._existing >= set(chats):
            pairs = [pair for pair in zip(chats, messages, strict=True) if pair[0] in self._existing]
            chats, messages = [chat for chat, _ in pairs], [message for _, message in pairs]
        self._chats, self._messages = chats, messages
        self.linked = self._placed(chats, messages)

    def _load_deleted(self, connection: Connection, when: str) -> None:
        rows = connection.rows(
            f"SELECT chat_id, message_id, {when} FROM chat_recoverable_message_join ORDER BY chat_id, message_id"
        )
        self.deleted_at = {message: instant for _, message, instant in rows}
        pairs = [(chat, message) for chat, message, _ in rows if chat in self._existing and message not in self.linked]
        self.deleted = self._placed([chat for chat, _ in pairs], [message for _, message in pairs])

    def _placed(self, chats: list[int], messages: list[int]) -> dict[int, int]:
        place_of = {chat: self._known[chat,] for chat in set(chats)}
        placed = dict(zip(messages, map(place_of.__getitem__, chats), strict=True))
        if len(placed) < len(messages):
            repeated = {message for message, times in Counter(messages).items() if times > 1}
            several: dict[int, set[int]] = {}
            for chat, message in zip(chats, messages, strict=True):
                if message in repeated:
                    several.setdefault(message, set()).add(chat)
            placed |= {message: self._combined(tuple(sorted(members))) for message, members in several.items()}
        return placed

    def _combined(self, chats: tuple[int, ...]) -> int:
        if chats not in self._known:
            self._known[chats] = len(self.combinations)
            self.combinations.append(chats)
        return self._known[chats]
