"""Reading messages in order: ``messages.history`` by date and ``messages.after`` by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imsg_sdk.server.rows.folding import Folding
from imsg_sdk.server.rows.instants import seconds
from imsg_sdk.server.rows.objects import AfterPage
from imsg_sdk.server.rows.previews import PreviewFinder, is_preview
from imsg_sdk.server.rows.reader import MessageRow, RowReader
from imsg_sdk.server.store.messages import MessageBuilder
from imsg_sdk.wire import WireMessage

__all__ = ["Timeline", "newest_first"]


def newest_first(row: MessageRow) -> tuple[float, int]:
    """Order rows by date, then row id, descending."""
    return -seconds(row.date), -row.rowid


class Timeline:
    """Messages of one chat by date, or of all by row."""

    def __init__(self, reader: RowReader, finder: PreviewFinder, builder: MessageBuilder) -> None:
        self._reader = reader
        self._finder = finder
        self._builder = builder

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
        """Return messages of one chat, newest first, link previews folded; the limit counts folded messages."""
        where, parameters = self._history_filter(chat_id, participants, start_ns, end_ns)
        # SQL sorts dates that are texts first, the programs last: it matters how many rows are read.
        size = limit
        while True:
            rows = self._reader.read(
                f"{where} ORDER BY m.date DESC, m.ROWID DESC LIMIT ?",
                (*parameters, min(size, 2**63 - 1)),
                chat="cmj.chat_id",
            )
            shown, folded, is_certain = self._fold_history(rows, start_ns, end_ns)
            if len(rows) < size or (len(shown) >= limit and is_certain):
                break
            size *= 2
        shown.sort(key=newest_first)
        return self._builder.build(shown[:limit], attachments=attachments, reactions=True, folded=folded)

    def _history_filter(
        self, chat_id: int, participants: Sequence[str], start_ns: int | None, end_ns: int | None
    ) -> tuple[str, list[Any]]:
        joins = "JOIN chat_message_join cmj ON m.ROWID = cmj.message_id"
        where = f" WHERE cmj.chat_id = ?{self._reader.not_hidden}"
        parameters: list[Any] = [chat_id]
        if start_ns is not None:
            where += " AND m.date >= ?"
            parameters.append(start_ns)
        if end_ns is not None:
            where += " AND m.date < ?"
            parameters.append(end_ns)
        if participants:
            joins += " LEFT JOIN handle h ON m.handle_id = h.ROWID"
            marks = ",".join("?" * len(participants))
            where += f" AND coalesce(nullif(h.id, ''), {self._reader.destination}) COLLATE NOCASE IN ({marks})"
            parameters += participants
        return joins + where, parameters

    def _fold_history(
        self, rows: list[MessageRow], start_ns: int | None, end_ns: int | None
    ) -> tuple[list[MessageRow], dict[tuple[int, int], MessageRow], bool]:
        """Fold previews; a text row behind the limit takes its preview's place, and then more must be read."""
        present = {row.rowid for row in rows}
        folded: dict[tuple[int, int], MessageRow] = {}
        behind: dict[int, MessageRow] = {}
        gone = set()
        for preview in sorted(filter(is_preview, rows), key=lambda row: row.rowid):
            text = self._finder.text_row(preview)
            if text is None or not _lies_within(text.date, start_ns, end_ns):
                continue
            folded[text.rowid, text.chat_id] = preview
            gone.add(preview.rowid)
            if text.rowid not in present:
                behind[text.rowid] = text
        return [*(row for row in rows if row.rowid not in gone), *behind.values()], folded, not behind

    def after(
        self, since_rowid: int, *, chat_id: int | None, limit: int, attachments: bool, include_reactions: bool
    ) -> AfterPage:
        """Return one page in physical order.

        Where the programs lose their way, at a message of several chats whose copies do not fit on the page,
        the copies stay together and the page may hold more than `limit`.
        """
        folding = Folding(self._finder)
        cursor, size, at_end = since_rowid, limit + limit // 8 + 8, False
        while not at_end and len(folding.visible) <= limit:
            rows, at_end = self._physical(cursor, chat_id, size, include_reactions)
            folding.add(rows)
            cursor = rows[-1].rowid if rows else cursor
        visible = folding.visible
        page, next_rowid, has_more = visible, cursor, False
        if len(visible) > limit:
            overflow = visible[limit].rowid
            page = [row for row in visible[:limit] if row.rowid < overflow]
            if page:
                next_rowid, has_more = folding.last_before(overflow, since_rowid), True
            else:
                page = [row for row in visible if row.rowid == overflow]
                has_more = not at_end or visible[-1].rowid > overflow
                next_rowid = overflow if has_more else cursor
        if has_more:
            self._finish_runs(page, folding, next_rowid)
        messages = self._builder.build(page, attachments=attachments, reactions=True, folded=folding.folded)
        return AfterPage(messages, next_rowid, has_more)

    def _physical(
        self, cursor: int, chat_id: int | None, size: int, include_reactions: bool
    ) -> tuple[list[MessageRow], bool]:
        """Read rows behind `cursor`, all copies of a message together; tell whether these are the last."""
        hidden = "" if include_reactions else self._reader.not_hidden
        while True:
            if chat_id is None:
                tail = (
                    "LEFT JOIN chat_message_join cmj ON m.ROWID = cmj.message_id"
                    f" WHERE m.ROWID > ?{hidden} ORDER BY m.ROWID, cmj.ROWID LIMIT ?"
                )
                rows = self._reader.read(tail, (cursor, size), chat="ifnull(cmj.chat_id, 0)")
            else:
                tail = (
                    "JOIN chat_message_join cmj ON m.ROWID = cmj.message_id"
                    f" WHERE cmj.message_id > ? AND cmj.chat_id = ?{hidden} ORDER BY cmj.message_id LIMIT ?"
                )
                rows = self._reader.read(tail, (cursor, chat_id, size), chat="cmj.chat_id")
            if len(rows) < size:
                return rows, True
            last = rows[-1].rowid
            if rows[0].rowid != last:
                while rows[-1].rowid == last:
                    rows.pop()
                return rows, False
            size *= 2

    def _finish_runs(self, page: list[MessageRow], folding: Folding, next_rowid: int) -> None:
        """Show on the last text of each chat a preview that lies behind the page end."""
        last = {row.chat_id: row for row in page if not row.is_reaction}
        for row in last.values():
            if not row.is_aside and not is_preview(row) and (preview := self._finder.last_preview(row, next_rowid)):
                folding.folded[row.rowid, row.chat_id] = preview


def _lies_within(date: int, start_ns: int | None, end_ns: int | None) -> bool:
    return (start_ns is None or date >= start_ns) and (end_ns is None or date < end_ns)
