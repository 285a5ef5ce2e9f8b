"""Which chats a message is in: one scan of the join table, kept as a number for each message."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from itertools import compress
from operator import ne
from typing import NamedTuple

import msgspec

from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.directory import Directory
from imsg_sdk.chatdb.layered import Layered
from imsg_sdk.chatdb.schema import Schema

__all__ = ["Links", "Places", "load_links"]


class Links(NamedTuple):
    """Links of messages to chats that exist, ordered by chat and message: two columns of equal length."""

    chats: Sequence[int]
    messages: Sequence[int]

    def positions(self, messages: Container[int]) -> Sequence[int]:
        """Return the positions of the links of some messages."""
        return list(compress(range(len(self.messages)), map(messages.__contains__, self.messages)))

    def only(self, messages: Container[int]) -> Links:
        """Return the links of some messages."""
        kept = self.positions(messages)
        return Links([self.chats[at] for at in kept], [self.messages[at] for at in kept])


def load_links(
    connection: Connection, schema: Schema, directory: Directory, span: str, *, are_few: bool = False
) -> Links:
    """Return the links of the messages in `span`, an SQL condition on a rowid called ``{}``.

    `are_few` says that an index on messages leads to them sooner than one on chats.
    """
    by_chat = "+chat_id" if are_few else "chat_id"
    chats: list[int] = []
    messages: list[int] = []
    if schema.has("chat_message_join", "chat_id", "message_id"):
        # One text for each chat instead of one row for each link: half of the time.
        rows = connection.rows(
            "SELECT chat_id, group_concat(message_id) FROM chat_message_join"
            f" WHERE {span.format('message_id')} AND typeof(message_id) = 'integer'"
            f" GROUP BY {by_chat} ORDER BY {by_chat}"
        )
        for chat, listed in rows:
            if chat in directory.chats:
                linked = sorted(msgspec.json.decode(f"[{listed}]"))
                messages += linked
                chats += [chat] * len(linked)
    return Links(chats, messages)


class Places:
    """Chats by message.  A place is a set of chats that messages share, named by its position.

    Only chats that exist count; a link to a missing chat is as good as none.
    """

    def __init__(self) -> None:
        self.combinations: list[tuple[int, ...]] = []
        """The places: sets of chats, each ascending."""
        self._known: dict[tuple[int, ...], int] = {}
        self.linked: Mapping[int, int] = {}
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
        self.deleted = self.placed(Links([chat for chat, _ in pairs], [message for _, message in pairs]))

    def placed(self, links: Links) -> Layered[int, int]:
        """Return the place of each message, given its links."""
        chats, messages = links
        place_of = {chat: self.place((chat,)) for chat in sorted(set(chats))}
        places = list(map(place_of.__getitem__, chats))
        placed = Layered(zip(messages, places, strict=True))
        if len(placed) < len(messages):
            several: dict[int, set[int]] = {}
            # All but the last link of a message lead to another place than the one kept.
            for message in compress(messages, map(ne, places, map(placed.__getitem__, messages))):
                several[message] = set()
            for chat, message in zip(chats, messages, strict=True):
                if message in several:
                    several[message].add(chat)
            placed |= {message: self.place(tuple(sorted(members))) for message, members in several.items()}
        return placed

    def place(self, chats: tuple[int, ...]) -> int:
        """Return the place that a set of chats, ascending, is."""
        if chats not in self._known:
            self._known[chats] = len(self.combinations)
            self.combinations.append(chats)
        return self._known[chats]
