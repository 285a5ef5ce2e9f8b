"""What an open subscription sees: rows behind a cursor, once each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from imsg_sdk.chatdb.imsg_text import fold
from imsg_sdk.server.rows.database import Database
from imsg_sdk.server.rows.folding import Folding
from imsg_sdk.server.rows.instants import seconds
from imsg_sdk.server.rows.previews import PreviewFinder, is_preview
from imsg_sdk.server.rows.reader import MessageRow, RowReader, chunks
from imsg_sdk.server.store.messages import MessageBuilder
from imsg_sdk.wire import WireMessage

__all__ = ["Arrivals", "WatchPage", "WatchView"]

_FORGET_AFTER_S: Final = 600.0
_DUPLICATE_WITHIN_S: Final = 90.0
_COPIES: Final = 8
"""Join rows read beyond a batch, so that the last message comes with all its chats."""

_PreviewKey = tuple[int, bool, str, str]


class WatchPage(msgspec.Struct):
    """One look at the database.

    ``messages`` passed the filters; ``cursor`` is the last row that was looked at; ``unlinked`` are rows
    without a chat, to be asked for again; ``more`` tells that rows may wait behind the cursor.
    """

    messages: list[WireMessage]
    cursor: int
    unlinked: list[int]
    more: bool


class WatchView(msgspec.Struct):
    """What one subscription wants to see, and its memory of link previews; never shared."""

    chat_id: int | None = None
    include_reactions: bool = False
    attachments: bool = False
    participants: tuple[str, ...] = ()
    start_ns: int | None = None
    end_ns: int | None = None
    previews: dict[_PreviewKey, tuple[int, float]] = {}
    """Row id and date of each preview shown, by chat, direction, sender and text."""

    def admits(self, row: MessageRow) -> bool:
        """Return whether a row passes the filters of the subscription."""
        if self.start_ns is not None and row.date < self.start_ns:
            return False
        if self.end_ns is not None and row.date >= self.end_ns:
            return False
        return not self.participants or fold(row.sender) in map(fold, self.participants)

    def is_repeated(self, row: MessageRow) -> bool:
        """Return whether a preview was shown shortly before, and remember this one."""
        if not row.text:
            return False
        date = seconds(row.date)
        for key in [key for key, (_, old) in self.previews.items() if old < date - _FORGET_AFTER_S]:
            del self.previews[key]
        key = row.chat_id, row.is_from_me, row.sender, row.text
        before = self.previews.get(key)
        self.previews[key] = row.rowid, date
        return before is not None and (row.rowid <= before[0] or date - before[1] <= _DUPLICATE_WITHIN_S)


class Arrivals:
    """Reads new rows for subscriptions."""

    def __init__(self, database: Database, reader: RowReader, finder: PreviewFinder, builder: MessageBuilder) -> None:
        self._db = database
        self._reader = reader
        self._finder = finder
        self._builder = builder

    def after(self, cursor: int, view: WatchView, limit: int) -> WatchPage:
        """Return what is seen of the rows behind `cursor`, at most `limit` join rows at once.

        A batch ends before a row without a chat, as it does in the programs; such rows are a batch of their own.
        """
        if view.chat_id is not None:
            return self._after_in_chat(cursor, view, limit)
        rows = self._read(
            f"LEFT JOIN chat_message_join cmj ON m.ROWID = cmj.message_id WHERE m.ROWID > ?{self._hidden(view)}"
            " ORDER BY m.ROWID, cmj.ROWID LIMIT ?",
            (cursor, limit + _COPIES),
        )
        batch = _batch(rows, limit)
        is_linked = bool(batch and batch[0].chat_id)
        end = next((at for at, row in enumerate(batch) if bool(row.chat_id) is not is_linked), len(batch))
        more = end < len(rows) or len(batch) >= limit
        batch = batch[:end]
        if batch:
            cursor = batch[-1].rowid
        if not is_linked:
            return WatchPage([], cursor, [row.rowid for row in batch], more)
        return WatchPage(self._seen(batch, view), cursor, [], more)

    def _after_in_chat(self, cursor: int, view: WatchView, limit: int) -> WatchPage:
        top = self._db.value("SELECT max(ROWID) FROM message") or 0
        batch = self._read(
            "JOIN chat_message_join cmj ON m.ROWID = cmj.message_id"
            f" WHERE cmj.message_id > ? AND cmj.chat_id = ?{self._hidden(view)} ORDER BY cmj.message_id LIMIT ?",
            (cursor, view.chat_id, limit),
        )
        more = len(batch) == limit
        end = batch[-1].rowid if more else max(top, cursor)
        return WatchPage(self._seen(batch, view), end, self.unlinked(cursor, end, view), more)

    def unlinked(self, after: int, to: int, view: WatchView) -> list[int]:
        """Return the rows of a range that have no chat."""
        rows = self._db.rows(
            "SELECT m.ROWID FROM message m WHERE m.ROWID > ? AND m.ROWID <= ? AND NOT EXISTS"
            f" (SELECT 1 FROM chat_message_join cmj WHERE cmj.message_id = m.ROWID){self._hidden(view)}",
            (after, to),
        )
        return [rowid for (rowid,) in rows]

    def late(self, rowids: Sequence[int], view: WatchView) -> WatchPage:
        """Return what is seen of rows that had no chat, as far as they have one now."""
        rows: list[MessageRow] = []
        for chunk in chunks(sorted(rowids)):
            marks = ",".join("?" * len(chunk))
            rows += self._read(
                f"LEFT JOIN chat_message_join cmj ON m.ROWID = cmj.message_id WHERE m.ROWID IN ({marks})"
                f"{self._hidden(view)} ORDER BY m.ROWID, cmj.ROWID",
                chunk,
            )
        unlinked = [row.rowid for row in rows if not row.chat_id]
        wanted = (view.chat_id,) if view.chat_id is not None else None
        linked = [row for row in rows if row.chat_id and (wanted is None or row.chat_id in wanted)]
        return WatchPage(self._seen(linked, view, has_gaps=True), max(rowids, default=0), unlinked, False)

    def _read(self, tail: str, parameters: Sequence[int | None]) -> list[MessageRow]:
        return self._reader.read(tail, parameters, chat="ifnull(cmj.chat_id, 0)")

    def _hidden(self, view: WatchView) -> str:
        return "" if view.include_reactions else self._reader.not_hidden

    def _seen(self, rows: Iterable[MessageRow], view: WatchView, *, has_gaps: bool = False) -> list[WireMessage]:
        folding = Folding(self._finder, has_gaps=has_gaps)
        folding.add(rows)
        shown = [row for row in folding.visible if not (is_preview(row) and view.is_repeated(row)) and view.admits(row)]
        return self._builder.build(
            shown, attachments=view.attachments, reactions=view.include_reactions, folded=folding.folded
        )


def _batch(rows: list[MessageRow], limit: int) -> list[MessageRow]:
    """Cut at `limit`, but not between the copies of one message."""
    end = limit
    while 0 < end < len(rows) and rows[end].rowid == rows[end - 1].rowid:
        end += 1
    return rows[:end]
