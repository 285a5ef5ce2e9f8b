"""What a watch asks besides its subscription, and how each generation can answer.  Plans, as in :mod:`core`.

``messages.after`` (0.14 on) knows rows, and shows those without a chat too.  With `limit` 1 it cannot end
imsg 0.14.1, which dies on a longer page that holds a message of two chats; such a message it then passes over
in an empty page that does not move on.  What came before knows no rows: there, histories by date must do.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

from imsg_sdk.client import records
from imsg_sdk.client.core import Core
from imsg_sdk.client.plan import Plan
from imsg_sdk.client.pool import Role
from imsg_sdk.client.watching.cursor import Anchor
from imsg_sdk.client.watching.holes import MAX_HOLES, Span
from imsg_sdk.models import Chat, Message
from imsg_sdk.rpc.profiles import MAX_AFTER_ROWS, Profile, clamp_iso

__all__ = ["Look", "Page", "Source", "Start", "source_of"]

_ASK_S = 15.0
_LOOK_BACK = 64
"""Rows before a fresh start: their guids tell the database, and their chats may still be on the way."""
_GALLOP_FROM = 4096
_GALLOP = 16
_RECENT_CHATS = 8
_MILLISECOND = timedelta(milliseconds=1)


class Page(msgspec.Struct, frozen=True):
    """Rows behind a place.  ``is_stuck``: there are more, and this way does not lead to them."""

    messages: list[Message]
    next_rowid: int
    has_more: bool

    def is_stuck_at(self, rowid: int) -> bool:
        """Tell whether asking from `next_rowid` would be asking the same again."""
        return self.has_more and self.next_rowid <= rowid and not self.messages


class Start(msgspec.Struct, frozen=True):
    """The present: the last row, some rows before it, and the date up to which a replay brings what is old."""

    rowid: int
    known: list[Message] = []
    unlinked: list[int] = []
    old_until: datetime | None = None


class Look(msgspec.Struct, frozen=True):
    """What became of holes: messages that are linked now, and rows that are gone."""

    linked: list[Message] = []
    gone: list[int] = []


class Source(Protocol):
    """The questions."""

    has_pages: bool
    looks_at_once: int
    """How many holes one look is for."""

    def now(self) -> Plan[Start]:
        """Return where the present is."""
        ...

    def page(self, rowid: int, limit: int = MAX_AFTER_ROWS) -> Plan[Page]:
        """Return rows behind `rowid`."""
        ...

    def at(self, rowid: int) -> Plan[Message | None]:
        """Return the message of a row, if it is easily found."""
        ...

    def is_behind(self, rowid: int) -> Plan[Page]:
        """Return a page that is empty and has no more if nothing seems to lie behind `rowid`."""
        ...

    def look(self, holes: list[int], span: Span) -> Plan[Look]:
        """Return what became of rows without a chat, which lie between two dates."""
        ...

    def says(self, anchor: Anchor) -> Plan[bool | None]:
        """Tell whether a row has this guid; None if it is not there."""
        ...

    def newest(self) -> Plan[list[Message]]:
        """Return the newest messages of the most recent chats, by date."""
        ...


def source_of(core: Core, profile: Profile, *, include_reactions: bool, attachments: bool) -> Source:
    """Return how this program is asked."""
    if profile.has("messages.after"):
        return _Rows(core, include_reactions=include_reactions, attachments=attachments)
    # Before 0.13.2 each row of a history costs a pass over the whole table.
    chats, rows = (50, 500) if profile.has_fast_history else (3, 5)
    return _Histories(core, attachments=attachments, chats=chats, rows=rows)


class _Asking:
    def __init__(self, core: Core, *, include_reactions: bool, attachments: bool) -> None:
        self._core = core
        self._include_reactions = include_reactions
        self._attachments = attachments

    def _ask(self, method: str, **values: Any) -> Plan[msgspec.Raw]:
        """Ask the child that watches, so that its silence shows and no other suffers from its end."""
        session = yield from self._core.session(Role.WATCH)
        params = session.profile.params(method, **values)
        timeout_s = min(self._core.read_timeout_s, _ASK_S)
        return (yield from self._core.request(method, params, role=Role.WATCH, timeout_s=timeout_s))

    def _chats(self, limit: int) -> Plan[list[Chat]]:
        return records.decode_chats((yield from self._ask("chats.list", limit=limit)))

    def newest(self) -> Plan[list[Message]]:
        """Return the newest messages of the most recent chats, by date."""
        return (yield from self._newest(chats=5, rows=3))

    def _newest(self, *, chats: int, rows: int) -> Plan[list[Message]]:
        found: dict[int, Message] = {}
        for chat in (yield from self._chats(chats)):
            for message in (yield from self._history(chat.chat_id, rows)):
                found[message.rowid] = message
        return [found[rowid] for rowid in sorted(found)]

    def _history(
        self, chat_id: int, limit: int, start: datetime | None = None, end: datetime | None = None
    ) -> Plan[list[Message]]:
        answer = yield from self._ask(
            "messages.history",
            chat_id=chat_id,
            limit=limit,
            start=None if start is None else clamp_iso(start),
            end=None if end is None else clamp_iso(end),
            attachments=True if self._attachments else None,
        )
        return records.decode_messages(answer, attachments=self._attachments)


class _Rows(_Asking):
    """By ``messages.after``."""

    has_pages = True
    looks_at_once = 16

    def page(self, rowid: int, limit: int = MAX_AFTER_ROWS) -> Plan[Page]:
        """Return rows behind `rowid`, as the subscription would report them."""
        return (yield from self._after(rowid, limit, include_reactions=self._include_reactions))

    def _after(
        self, rowid: int, limit: int, *, include_reactions: bool = True, chat_id: int | None = None
    ) -> Plan[Page]:
        answer = yield from self._ask(
            "messages.after",
            since_rowid=max(rowid, 0),
            chat_id=chat_id,
            limit=limit,
            attachments=True if self._attachments else None,
            include_reactions=True if include_reactions else None,
        )
        messages, next_rowid, has_more = records.decode_page(answer, attachments=self._attachments)
        return Page(messages, max(next_rowid, rowid), has_more)

    def now(self) -> Plan[Start]:
        """Return the present: halve the rows until the last is near, for nothing tells the highest."""
        low = yield from self._near_the_end()
        page = yield from self._after(low - _LOOK_BACK, MAX_AFTER_ROWS)
        known = [message for message in page.messages if message.chat_id is not None]
        unlinked = [message.rowid for message in page.messages if message.chat_id is None]
        last = max((message.rowid for message in page.messages), default=0)
        return Start(max(page.next_rowid if not page.has_more else 0, last, low), known[-_LOOK_BACK:], unlinked)

    def _near_the_end(self) -> Plan[int]:
        low, high, step = 0, None, _GALLOP_FROM
        while high is None or high - low > _LOOK_BACK:
            at = low + step if high is None else (low + high) // 2
            page = yield from self._after(at, 1)
            if page.messages or page.has_more:
                low = max(at, page.next_rowid)
                if not page.has_more:
                    return low
            else:
                high = at
            if high is None:
                step *= _GALLOP
        return low

    def at(self, rowid: int) -> Plan[Message | None]:
        """Return the message of a row."""
        page = yield from self._after(rowid - 1, 1)
        found = page.messages[0] if page.messages else None
        return found if found is not None and found.rowid == rowid else None

    def is_behind(self, rowid: int) -> Plan[Page]:
        """Return the next row, one at a time; rows that the subscription never reports do not count."""
        page = yield from self.page(rowid, 1)
        start = rowid
        while page.has_more and not page.messages and page.next_rowid > start:
            start = page.next_rowid
            page = yield from self.page(start, 1)
        return page

    def look(self, holes: list[int], span: Span) -> Plan[Look]:
        """Ask for each row by itself."""
        linked: list[Message] = []
        gone: list[int] = []
        for rowid in holes:
            page = yield from self.page(rowid - 1, 1)
            found = page.messages[0] if page.messages else None
            if page.is_stuck_at(rowid - 1):
                found = yield from self._in_some_chat(rowid)
            if found is None or found.rowid != rowid:
                if not page.is_stuck_at(rowid - 1):
                    gone.append(rowid)
            elif found.chat_id is not None:
                linked.append(found)
        return Look(linked, gone)

    def _in_some_chat(self, rowid: int) -> Plan[Message | None]:
        """Return a message of two chats, which only shows where one chat is asked for."""
        chats = yield from self._chats(_RECENT_CHATS)
        for chat in chats:
            page = yield from self._after(rowid - 1, 1, chat_id=chat.chat_id)
            if page.messages and page.messages[0].rowid == rowid:
                return page.messages[0]
        return None

    def says(self, anchor: Anchor) -> Plan[bool | None]:
        """Compare the guid at the row."""
        before = anchor.rowid - 1
        page = yield from self._after(before, 1)
        if page.is_stuck_at(before):
            page = yield from self._after(before, 1, chat_id=anchor.chat_id)
        found = page.messages[0] if page.messages else None
        return None if found is None or found.rowid != anchor.rowid else found.guid == anchor.guid


class _Histories(_Asking):
    """By ``chats.list`` and ``messages.history``."""

    has_pages = False
    looks_at_once = MAX_HOLES  # a look at the chats serves all

    def __init__(self, core: Core, *, attachments: bool, chats: int, rows: int) -> None:
        super().__init__(core, include_reactions=False, attachments=attachments)
        self._n_chats = chats
        self._n_rows = rows

    def page(self, rowid: int, limit: int = MAX_AFTER_ROWS) -> Plan[Page]:
        """Return nothing: rows are caught up with by a subscription from `rowid`."""
        yield from ()
        return Page([], rowid, False)

    def at(self, rowid: int) -> Plan[Message | None]:
        """Return nothing, for a history has no rows to ask for; but find out whether there is a database."""
        yield from self._chats(1)
        return None

    def now(self) -> Plan[Start]:
        """Return the highest row among the newest of the most recent chats.

        Rows of other kinds may lie behind it, such as tapbacks; they are old, and a replay brings them.
        """
        known = yield from self.newest()
        dates = [message.created_at for message in known if message.created_at is not None]
        return Start(max((message.rowid for message in known), default=0), known, old_until=max(dates, default=None))

    def is_behind(self, rowid: int) -> Plan[Page]:
        """Look whether the newest message of the most recent chat is a later row."""
        newest = yield from self._newest(chats=1, rows=1)
        return Page([], rowid, any(message.rowid > rowid for message in newest))

    def look(self, holes: list[int], span: Span) -> Plan[Look]:
        """Look for the rows among what the chats hold of their time."""
        start, end = (datetime.fromtimestamp(each, UTC) for each in span)
        wanted = set(holes)
        linked: dict[int, Message] = {}
        for chat in (yield from self._chats(self._n_chats)):
            if chat.last_message_at is not None and chat.last_message_at < start:
                continue
            for message in (yield from self._history(chat.chat_id, self._n_rows, start, end)):
                if message.rowid in wanted:
                    linked.setdefault(message.rowid, message)
            if wanted == linked.keys():
                break
        return Look([linked[rowid] for rowid in sorted(linked)])

    def says(self, anchor: Anchor) -> Plan[bool | None]:
        """Compare the guid among what its chat holds of its millisecond."""
        created = anchor.created_at
        if created is None:
            return None
        first = created - timedelta(microseconds=created.microsecond % 1000)
        found = yield from self._history(anchor.chat_id, _LOOK_BACK, first, first + _MILLISECOND)
        same = [message.guid == anchor.guid for message in found if message.rowid == anchor.rowid]
        return same[0] if same else None
