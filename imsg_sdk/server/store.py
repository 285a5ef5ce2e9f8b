"""One open Messages database that answers the reading methods as ``imsg`` does.

A store knows the two dialects' objects and rules and nothing of requests, parameters or threads of the
server; every method may be called from any thread and blocks until SQLite has answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from imsg_sdk.server.arrivals import WatchPage, WatchView
from imsg_sdk.server.database import Database, OpenFailed, StoreError
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.objects import AfterPage, ChatTarget, Group, PollFacts
from imsg_sdk.server.stats import Zone
from imsg_sdk.wire import WireChat, WireMessage

__all__ = [
    "AfterPage",
    "ChatTarget",
    "Group",
    "OpenFailed",
    "PollFacts",
    "Store",
    "StoreError",
    "WatchPage",
    "WatchView",
]


class Store:
    """One open database file, one connection, one lock."""

    def __init__(self, database: Database, *, dialect: Dialect, extended: bool, home: str) -> None:
        self._db = database
        self.dialect = dialect
        self.extended = extended
        self.home = home

    @classmethod
    def open(cls, path: str, *, dialect: Dialect, extended: bool = False, home: str | None = None) -> Store:
        """Open the file at `path` read-only."""
        raise NotImplementedError

    @property
    def path(self) -> str:
        """Return the path as given."""
        raise NotImplementedError

    @property
    def identity(self) -> tuple[int, int]:
        """Return device and inode of the open file."""
        raise NotImplementedError

    def is_current(self) -> bool:
        """Return whether the path still leads to the open file."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection."""
        raise NotImplementedError

    def features(self) -> dict[str, bool]:
        """Return what the schema can say, as ``initialize`` names it."""
        raise NotImplementedError

    @property
    def has_read_state(self) -> bool:
        """Return whether messages have a read state."""
        raise NotImplementedError

    @property
    def has_schedule(self) -> bool:
        """Return whether messages may be scheduled."""
        raise NotImplementedError

    @property
    def has_attachment_tables(self) -> bool:
        """Return whether attachments can be counted."""
        raise NotImplementedError

    def chats(self, limit: int, *, unread_only: bool = False, full: bool = False) -> list[WireChat]:
        """Return the chats that hold a message, most recent first."""
        raise NotImplementedError

    def group(self, chat_id: int) -> Group | None:
        """Return one chat by its row id."""
        raise NotImplementedError

    def chat_exists(self, chat_id: int) -> bool:
        """Return whether there is such a chat row."""
        raise NotImplementedError

    def chat_target(self, chat_id: int) -> ChatTarget | None:
        """Return how a chat is addressed."""
        raise NotImplementedError

    def find_chat(self, *candidates: str) -> ChatTarget | None:
        """Return the chat whose guid or identifier equals the first candidate that has one."""
        raise NotImplementedError

    def history(
        self,
        chat_id: int,
        limit: int,
        *,
        participants: Sequence[str] = (),
        start_ns: int | None = None,
        end_ns: int | None = None,
        attachments: bool = False,
        reactions: bool = True,
    ) -> list[WireMessage]:
        """Return messages of one chat, newest first."""
        raise NotImplementedError

    def after(
        self,
        since_rowid: int,
        *,
        chat_id: int | None = None,
        limit: int = 100,
        attachments: bool = False,
        include_reactions: bool = False,
    ) -> AfterPage:
        """Return one page of messages in physical order."""
        raise NotImplementedError

    def search(self, query: str, *, exact: bool = False, limit: int = 50) -> list[WireMessage]:
        """Return messages whose text contains, or is, `query`, newest first."""
        raise NotImplementedError

    def stats(self, *, chat_id: int | None = None, include_media: bool = False, zone: Zone) -> dict[str, Any]:
        """Count messages by chat, sender, service and day."""
        raise NotImplementedError

    def scheduled(self, limit: int, now_ns: int) -> list[dict[str, Any]]:
        """Return own messages that wait to be sent."""
        raise NotImplementedError

    def send_status(self, guid: str, now: datetime) -> dict[str, Any]:
        """Return what became of a message."""
        raise NotImplementedError

    def poll(self, guid: str) -> PollFacts | None:
        """Return the options of a poll and the owner's selection."""
        raise NotImplementedError

    def message_chats(self, guid: str) -> list[int] | None:
        """Return the chats of a message, None if there is no such message."""
        raise NotImplementedError

    def guid_exists(self, guid: str) -> bool:
        """Return whether a message has this guid, in any case of ASCII letters."""
        raise NotImplementedError

    def max_rowid(self) -> int:
        """Return the highest row id, 0 in an empty table."""
        raise NotImplementedError

    def data_version(self) -> int:
        """Return a number that changes when another connection commits."""
        raise NotImplementedError

    def watch_after(self, cursor: int, view: WatchView, limit: int = 100) -> WatchPage:
        """Return what a subscription sees behind `cursor`."""
        raise NotImplementedError

    def watch_rows(self, rowids: Sequence[int], view: WatchView) -> WatchPage:
        """Return what a subscription sees of rows that had no chat before."""
        raise NotImplementedError
