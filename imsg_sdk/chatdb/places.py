"""Which chats a message is in: one scan of the join table, kept as a number for each message."""

from __future__ import annotations

from itertools import compress
from operator import ne

from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.directory import Directory
from imsg_sdk.chatdb.layered import Layered
from imsg_sdk.chatdb.schema import Schema

__all__ = ["Places", "load_pairs"]


def load_pairs(connection: Connection, schema: Schema, directory: Directory, span: str) -> tuple[list[int], list[int]]:
    """Return chats and messages of the links to existing chats, ordered by both.

    Only messages in `span` are looked at, an SQL condition on a rowid called ``{}``.
    """
    if not schema.has("chat_message_join", "chat_id", "message_id"):
        return [], []
    # The primary key of the table holds both columns in this order, so nothing is sorted.
    chats, messages = connection.columns(
        f"SELECT chat_id, message_id FROM chat_message_join WHERE {span.format('message_id')}"
        " ORDER BY chat_id, message_id"
    )
    existing = directory.chats.keys()
    if existing >= set(chats):
        return chats, messages
    pairs = [pair for pair in zip(chats, messages, strict=True) if pair[0] in existing]
    return [chat for chat, _ in pairs], [message for _, message in pairs]


class Places:
    """Chats by message.  A place is a set of chats that messages share, named by its position.

    Only chats that exist count; a link to a missing chat is as good as none.
    """

    def __init__(self) -> None:
        self.combinations: list[tuple[int, ...]] = []
        """The places: sets of chats, each ascending."""
        self._known: dict[tuple[int, ...], int] = {}
        self.linked: Layered[int, int] = Layered({})
        """Place by message."""
        self.deleted_at: dict[int, int | None] = {}
        """When messages were moved to Recently Deleted."""
        self.deleted: dict[int, int] = {}
        """Place by message, for those that are nowhere but in Recently Deleted."""

    def load_deleted(self, connection: Connection, schema: Schema, directory: Directory) -> None:
        """Read Recently Deleted, which is always small."""
        if not schema.has("chat_recoverable_message_join", "chat_id", "message_id"):
            return
        when = schema.time("chat_recoverable_message_join", "delete_date")
        rows = connection.rows(
            f"SELECT chat_id, message_id, {when} FROM chat_recoverable_message_join ORDER BY chat_id, message_id"
        )
        self.deleted_at = {message: instant for _, message, instant in rows}
        pairs = [(chat, message) for chat, message, _ in rows if chat in directory.chats and message not in self.linked]
        self.deleted = self.placed([chat for chat, _ in pairs], [message for _, message in pairs])

    def placed(self, chats: list[int], messages: list[int]) -> dict[int, int]:
        """Return the place of each message, given its links."""
        place_of = {chat: self._place((chat,)) for chat in sorted(set(chats))}
        places = list(map(place_of.__getitem__, chats))
        placed = dict(zip(messages, places, strict=True))
        if len(placed) < len(messages):
            several: dict[int, set[int]] = {}
            # All but the last link of a message lead to another place than the one kept.
            for message in compress(messages, map(ne, places, map(placed.__getitem__, messages))):
                several[message] = set()
            for chat, message in zip(chats, messages, strict=True):
                if message in several:
                    several[message].add(chat)
            placed |= {message: self._place(tuple(sorted(members))) for message, members in several.items()}
        return placed

    def _place(self, chats: tuple[int, ...]) -> int:
        if chats not in self._known:
            self._known[chats] = len(self.combinations)
            self.combinations.append(chats)
        return self._known[chats]
