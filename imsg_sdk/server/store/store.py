"""One open Messages database that answers the reading methods as ``imsg`` does.

A store knows the objects and rules of both dialects and nothing of requests, parameters or threads of the
server; every method may be called from any thread and blocks until SQLite has answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from imsg_sdk.columns import Batch
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.paths import home as own_home
from imsg_sdk.server.rows.attachments import AttachmentReader
from imsg_sdk.server.rows.database import Database, OpenFailed, StoreError
from imsg_sdk.server.rows.directory import ChatEntry, Directory
from imsg_sdk.server.rows.objects import AfterPage, ChatTarget, Group, PollFacts
from imsg_sdk.server.rows.pollbook import PollBook
from imsg_sdk.server.rows.previews import PreviewFinder
from imsg_sdk.server.rows.reactions import ReactionIndex
from imsg_sdk.server.rows.reader import RowReader
from imsg_sdk.server.store import sending
from imsg_sdk.server.store.arrivals import Arrivals, WatchPage, WatchView
from imsg_sdk.server.store.chats import ChatList, group_of
from imsg_sdk.server.store.messages import MessageBuilder
from imsg_sdk.server.store.search import Search
from imsg_sdk.server.store.stats import Statistics
from imsg_sdk.server.store.timeline import Timeline
from imsg_sdk.server.store.zones import Zone
from imsg_sdk.wire import WireChat, WireMessage

if TYPE_CHECKING:
    from imsg_sdk.chatdb.query import Query
    from imsg_sdk.server.store.extended import Extension

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
    """One open database file, one connection, one lock.

    Every answer comes from one state of the database.  What does not change between two commits (chats,
    handles, the index of tapbacks, …) is read once and kept until the next one.
    """

    def __init__(self, database: Database, *, dialect: Dialect, extended: bool, home: str) -> None:
        self.dialect = dialect
        self.extended = extended
        self._db = database
        self._directory = Directory(database)
        self._reactions = ReactionIndex(database, self._directory)
        self._reader = RowReader(database, self._directory)
        self._polls = PollBook(database, self._reader)
        finder = PreviewFinder(self._reader)
        attachments = AttachmentReader(database, home, extended=extended)
        self._builder = MessageBuilder(self._reader, self._directory, self._reactions, self._polls, attachments)
        self._timeline = Timeline(self._reader, finder, self._builder)
        self._search = Search(database, self._reader, finder, self._builder, columns_only=dialect is Dialect.LEGACY)
        self._chats = ChatList(database, self._directory, self._reader, finder)
        counting_finder = PreviewFinder(self._reader, statistics=True)
        self._statistics = Statistics(database, self._directory, self._reader, counting_finder)
        self._arrivals = Arrivals(database, self._reader, finder, self._builder)
        self._finders = finder, counting_finder
        self._home = home
        self._opened_extension: Extension | None = None

    @classmethod
    def open(cls, path: str, *, dialect: Dialect, extended: bool = False, home: str | None = None) -> Store:
        """Open the file at `path` read-only.

        Parameters
        ----------
        dialect
            Which program to be; the older one opens more and fails later.
        extended
            Add the key ``x`` with what the objects of the program leave out.
        home
            What ``~`` means in the paths of attachments; the user's home if None.

        Raises
        ------
        OpenFailed
            There is no such file, or it is no database that can be read.
        """
        database = Database.open(path, dialect)
        return cls(database, dialect=dialect, extended=extended, home=own_home() if home is None else home)

    @property
    def path(self) -> str:
        """Return the path as given."""
        return self._db.path

    @property
    def identity(self) -> tuple[int, int]:
        """Return device and inode of the open file."""
        return self._db.identity

    def is_current(self) -> bool:
        """Return whether the path still leads to the open file."""
        return self._db.is_current()

    def close(self) -> None:
        """Close the connection; a call that waits for it fails with `StoreError`."""
        with self._db.lock:
            if self._opened_extension is not None:
                self._opened_extension.close()
            self._db.close()

    def features(self) -> dict[str, bool]:
        """Return what the schema can say, as ``initialize`` names it."""
        has = self._db.has
        chat_routing = ("account_id", "account_login", "last_addressed_handle")
        return {
            "unread_state": self.has_read_state,
            "scheduled_messages": self.has_schedule,
            "reactions": self._reader.has_reactions,
            "reply_context": has("message", "reply_to_guid") or has("message", "thread_originator_guid"),
            "routing_metadata": has("message", "destination_caller_id")
            or any(has("chat", name) for name in chat_routing),
            "balloon_payloads": self._reader.has_balloons
            and (has("message", "payload_data") or has("message", "message_summary_info")),
        }

    @property
    def has_read_state(self) -> bool:
        """Return whether messages have a read state."""
        return self._db.has("message", "is_read")

    @property
    def has_schedule(self) -> bool:
        """Return whether messages may be scheduled."""
        return self._db.has("message", "schedule_type") or self._db.has("message", "schedule_state")

    @property
    def has_attachment_tables(self) -> bool:
        """Return whether attachments can be counted."""
        with self._snapshot():
            found = self._db.rows(
                "SELECT lower(name) FROM sqlite_master WHERE type IN ('table', 'view')"
                " AND lower(name) IN ('attachment', 'message_attachment_join')"
            )
        return len(found) == 2

    def chats(self, limit: int, *, unread_only: bool = False, full: bool = False) -> list[WireChat]:
        """Return the chats that hold a message, most recent first.

        `full` gives the object of the command ``chats`` in the older dialect, too.
        """
        with self._snapshot():
            chats = self._chats.list(limit, unread_only=unread_only, dialect=self.dialect, full=full)
            if self.extended:
                self._extension.add_to_chats(chats)
            return chats

    def group(self, chat_id: int) -> Group | None:
        """Return one chat by its row id."""
        chat = self._chat(chat_id)
        return group_of(chat) if chat else None

    def chat_exists(self, chat_id: int) -> bool:
        """Return whether there is such a chat row."""
        return self._chat(chat_id) is not None

    def chat_target(self, chat_id: int) -> ChatTarget | None:
        """Return how a chat is addressed."""
        return _target(self._chat(chat_id))

    def find_chat(self, *candidates: str) -> ChatTarget | None:
        """Return the chat whose guid or identifier equals the first candidate that has one."""
        with self._snapshot():
            chats = self._directory.chats().values()
            for wanted in candidates:
                for chat in chats:
                    if wanted and wanted in (chat.guid, chat.identifier):
                        return _target(chat)
        return None

    def history(
        self,
        chat_id: int,
        limit: int,
        *,
        participants: Sequence[str] = (),
        start_ns: int | None = None,
        end_ns: int | None = None,
        attachments: bool = False,
    ) -> list[WireMessage]:
        """Return messages of one chat, newest first.

        Parameters
        ----------
        limit
            Most messages; the filters come before it, folded link previews do not count.
        participants
            Handles of the sender, in any case of ASCII letters; empty for all.
        start_ns, end_ns
            Apple nanoseconds, the end exclusive.
        """
        if limit < 1:
            return []
        with self._snapshot():
            return self._extended(
                self._timeline.history(
                    chat_id,
                    limit,
                    participants=participants,
                    start_ns=start_ns,
                    end_ns=end_ns,
                    attachments=attachments,
                )
            )

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
        with self._snapshot():
            page = self._timeline.after(
                since_rowid,
                chat_id=chat_id,
                limit=limit,
                attachments=attachments,
                include_reactions=include_reactions,
            )
            self._extended(page.messages)
            return page

    def search(self, query: str, *, exact: bool = False, limit: int = 50) -> list[WireMessage]:
        """Return messages whose text contains, or is, the trimmed `query`, newest first."""
        with self._snapshot():
            return self._extended(self._search.search(query, exact=exact, limit=limit))

    def stats(self, *, chat_id: int | None = None, include_media: bool = False, zone: Zone) -> dict[str, Any]:
        """Count messages by chat, sender, service and day in `zone`."""
        with self._snapshot():
            return self._statistics.count(chat_id=chat_id, include_media=include_media, zone=zone)

    def scheduled(self, limit: int, now_ns: int) -> list[dict[str, Any]]:
        """Return own messages that wait to be sent, the next one first."""
        with self._snapshot():
            return sending.scheduled(self._db, self._directory, limit, now_ns)

    def send_status(self, guid: str, now: datetime) -> dict[str, Any]:
        """Return what became of a message; `now` is when this was asked."""
        with self._snapshot():
            return sending.send_status(self._db, guid, now, self.dialect)

    def poll(self, guid: str) -> PollFacts | None:
        """Return the options of a poll and the owner's selection, None if no poll can be read."""
        with self._snapshot():
            return self._polls.facts(guid)

    def message_chats(self, guid: str) -> list[int] | None:
        """Return the chats of a message, None if there is no such message."""
        with self._snapshot():
            found = self._reader.by_guid([guid])
            if not found:
                return None
            rows = self._db.rows(
                "SELECT chat_id FROM chat_message_join WHERE message_id = ? ORDER BY chat_id", (found[guid].rowid,)
            )
        return [chat_id for (chat_id,) in rows]

    def guid_exists(self, guid: str) -> bool:
        """Return whether a message has this guid, in any case of ASCII letters."""
        with self._snapshot():
            sql = f"SELECT 1 FROM message m WHERE {self._db.column('guid')} = ? COLLATE NOCASE LIMIT 1"
            return self._db.value(sql, (guid,)) is not None

    def max_rowid(self) -> int:
        """Return the highest row id, 0 in an empty table."""
        return int(self._db.value("SELECT max(ROWID) FROM message") or 0)

    def data_version(self) -> int:
        """Return a number that changes when another connection commits."""
        return self._db.data_version()

    def watch_after(self, cursor: int, view: WatchView, limit: int = 100) -> WatchPage:
        """Return what a subscription sees behind `cursor`, looking at `limit` rows."""
        with self._snapshot():
            page = self._arrivals.after(cursor, view, limit)
            self._extended(page.messages)
            return page

    def warm(self) -> None:
        """Read what every message of a watch needs and only the first would wait for."""
        if self.extended:
            with self._snapshot():
                self._extension.warm(self.max_rowid())

    def watch_rows(self, rowids: Sequence[int], view: WatchView) -> WatchPage:
        """Return what a subscription sees of rows that had no chat before."""
        with self._snapshot():
            page = self._arrivals.late(rowids, view)
            self._extended(page.messages)
            return page

    def unlinked_rows(self, after_rowid: int, view: WatchView) -> list[int]:
        """Return the rows behind `after_rowid` that have no chat, as far as the subscription would see them."""
        with self._snapshot():
            return self._arrivals.unlinked(after_rowid, self.max_rowid(), view)

    def page(self, table: str, query: Query, cursor: str | None, page_rows: int) -> tuple[Batch, str | None]:
        """Return one page of a table of the one schema, and the cursor of the next.

        Raises
        ------
        ValueError
            There is no such table, or the cursor is none of ours.
        """
        with self._db.lock:
            return self._extension.page(table, query, cursor, page_rows)

    @property
    def _extension(self) -> Extension:
        if self._opened_extension is None:
            # A plain server reads the file in one way only, and need not load the other.
            from imsg_sdk.server.store.extended import Extension

            self._opened_extension = Extension(self._db, self._home)
        return self._opened_extension

    def _extended(self, messages: list[WireMessage]) -> list[WireMessage]:
        if self.extended:
            self._extension.add_to_messages(messages)
        return messages

    def _chat(self, chat_id: int) -> ChatEntry | None:
        with self._snapshot():
            return self._directory.chats().get(chat_id)

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """Hold one state of the database, and forget what was kept of an older one."""
        with self._db.snapshot():
            if self._directory.renew():
                self._reactions.forget()
                self._polls.forget()
                self._builder.forget()
                for finder in self._finders:
                    finder.forget()
            yield


def _target(chat: ChatEntry | None) -> ChatTarget | None:
    return ChatTarget(chat.chat_id, chat.identifier, chat.guid, chat.service) if chat else None
