"""Link previews: which preview row belongs to which text row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imsg_sdk.chatdb.imsg_text import ContainsQuery, strip_blank
from imsg_sdk.server.rows.instants import seconds
from imsg_sdk.server.rows.reader import URL_BALLOON, MessageRow, RowReader, hidden

__all__ = ["PreviewFinder", "can_fold", "is_preview"]

_WINDOW_S: Final = 5.0
_FIRST_LOOK: Final = 3
"""Rows read at once in search of a text row or a last preview; nearly all runs of previews are short."""
_MOST_AT_ONCE: Final = 200
_TEXTS_KEPT: Final = 50_000


def is_preview(row: MessageRow) -> bool:
    """Return whether the row is a link preview."""
    return row.balloon == URL_BALLOON


def can_fold(text: MessageRow, preview: MessageRow) -> bool:
    """Return whether the preview shows a link of the text row, apart from what lies between them."""
    if text.balloon or text.is_from_me != preview.is_from_me or text.sender != preview.sender:
        return False
    handles = text.handle_id, preview.handle_id
    if None not in handles and handles[0] != handles[1]:
        return False
    if not 0 <= seconds(preview.date) - seconds(text.date) <= _WINDOW_S:
        return False
    return _shows_link(text.text, strip_blank(preview.text))


def _may_share_text(preview: MessageRow, other: MessageRow) -> bool:
    """Return whether two previews can show links of one text row at all: if not, neither it nor they need be read."""
    return abs(seconds(preview.date) - seconds(other.date)) <= _WINDOW_S and (
        (preview.is_from_me, preview.sender) == (other.is_from_me, other.sender)
    )


def _may_hold_link(text: str) -> bool:
    text = text.lower()
    return "http" in text or "www." in text


def _shows_link(text: str, link: str) -> bool:
    if not link.lower().startswith(("http://", "https://", "www.")):
        return False
    bare = link.strip("/")
    return ContainsQuery(link)(text) or (bare != link and ContainsQuery(bare)(text))


class PreviewFinder:
    """Finds the text row of a preview in the table, and remembers it until the database changes.

    Parameters
    ----------
    statistics
        Look as ``messages.stats`` does: only the fourteen tapback types lie aside.
    """

    def __init__(self, reader: RowReader, *, statistics: bool = False) -> None:
        self._reader = reader
        self._texts: dict[tuple[int, int], MessageRow | None] = {}
        if statistics and reader.has_reactions:
            kind = "m.associated_message_type"
            self._aside = (
                f" AND ({kind} IS NULL OR ({kind} NOT BETWEEN 2000 AND 2006 AND {kind} NOT BETWEEN 3000 AND 3006))"
            )
        else:
            self._aside = hidden("m", reader.has_reactions)

    def forget(self) -> None:
        """Drop the text rows that are remembered."""
        self._texts.clear()

    def text_row(self, preview: MessageRow) -> MessageRow | None:
        """Return the row that `preview` folds into, None if it stands for itself.

        Whoever asks about several previews of a chat should do so in their order: each then costs no more
        than the step to the one before it.
        """
        if not self._reader.has_balloons or not is_preview(preview):
            return None
        key = preview.chat_id, preview.rowid
        if key not in self._texts:
            if len(self._texts) > _TEXTS_KEPT:
                self._texts.clear()
            self._texts[key] = self._find_text(preview)
        return self._texts[key]

    def _find_text(self, preview: MessageRow) -> MessageRow | None:
        run = [preview]
        for row in self._neighbours(preview, preview.rowid, back=True):
            text: MessageRow | None = row
            if is_preview(row):
                key = row.chat_id, row.rowid
                if key not in self._texts and _may_share_text(row, preview):
                    run.append(row)
                    continue
                text = self._texts.get(key)
            return text if text is not None and all(can_fold(text, one) for one in run) else None
        return None

    def last_preview(self, text: MessageRow, behind: int) -> MessageRow | None:
        """Return the last of the previews of `text` among the rows of its chat behind the row `behind`."""
        if not self._reader.has_balloons or not text.chat_id or not _may_hold_link(text.text):
            return None
        last = None
        for row in self._neighbours(text, behind, back=False):
            if not is_preview(row) or not can_fold(text, row):
                break
            last = row
        return last

    def _neighbours(self, row: MessageRow, rowid: int, *, back: bool) -> Iterator[MessageRow]:
        """Read rows of the same chat, from `rowid` on backwards or forwards."""
        sign, order = ("<", " DESC") if back else (">", "")
        size = _FIRST_LOOK
        while True:
            rows = self._reader.read(
                "JOIN chat_message_join cmj ON m.ROWID = cmj.message_id"
                f" WHERE cmj.message_id {sign} ? AND cmj.chat_id = ?{self._aside}"
                f" ORDER BY cmj.message_id{order} LIMIT ?",
                (rowid, row.chat_id, size),
                chat="cmj.chat_id",
            )
            yield from rows
            if len(rows) < size:
                return
            rowid, size = rows[-1].rowid, min(4 * size, _MOST_AT_ONCE)
