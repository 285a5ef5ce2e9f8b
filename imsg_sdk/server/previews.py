"""Link previews: which preview row belongs to which text row."""

from __future__ import annotations

from typing import Final

from imsg_sdk.chatdb.imsg_text import ContainsQuery, strip_blank
from imsg_sdk.server.instants import seconds
from imsg_sdk.server.rows import URL_BALLOON, MessageRow, RowReader, hidden

__all__ = ["PreviewFinder", "can_fold", "is_preview"]

_WINDOW_S: Final = 5.0
_LOOK_BACK: Final = 3
"""Rows read at once in search of the text row; runs of previews are short."""


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


def _may_hold_link(text: str) -> bool:
    text = text.lower()
    return "http" in text or "www." in text


def _shows_link(text: str, link: str) -> bool:
    if not link.lower().startswith(("http://", "https://", "www.")):
        return False
    bare = link.strip("/")
    return ContainsQuery(link)(text) or (bare != link and ContainsQuery(bare)(text))


class PreviewFinder:
    """Finds the text row of a preview in the table.

    Parameters
    ----------
    statistics
        Look as ``messages.stats`` does: only the fourteen tapback types lie aside.
    """

    def __init__(self, reader: RowReader, *, statistics: bool = False) -> None:
        self._reader = reader
        if statistics and reader.has_reactions:
            kind = "m.associated_message_type"
            self._aside = (
                f" AND ({kind} IS NULL OR ({kind} NOT BETWEEN 2000 AND 2006 AND {kind} NOT BETWEEN 3000 AND 3006))"
            )
        else:
            self._aside = hidden("m", reader.has_reactions)

    def text_row(self, preview: MessageRow) -> MessageRow | None:
        """Return the row that `preview` folds into, None if it stands for itself."""
        if not self._reader.has_balloons or not is_preview(preview):
            return None
        run = [preview]
        below = preview.rowid
        while True:
            rows = self._reader.read(
                "JOIN chat_message_join cmj ON m.ROWID = cmj.message_id"
                f" WHERE cmj.message_id < ? AND cmj.chat_id = ?{self._aside}"
                f" ORDER BY cmj.message_id DESC LIMIT {_LOOK_BACK}",
                (below, preview.chat_id),
                chat="cmj.chat_id",
            )
            for row in rows:
                if not is_preview(row):
                    return row if all(can_fold(row, one) for one in run) else None
                run.append(row)
            if len(rows) < _LOOK_BACK:
                return None
            below = rows[-1].rowid

    def last_preview(self, text: MessageRow, behind: int) -> MessageRow | None:
        """Return the last of the previews of `text` among the rows of its chat behind the row `behind`."""
        if not self._reader.has_balloons or not text.chat_id or not _may_hold_link(text.text):
            return None
        last = None
        while True:
            rows = self._reader.read(
                "JOIN chat_message_join cmj ON m.ROWID = cmj.message_id"
                f" WHERE cmj.message_id > ? AND cmj.chat_id = ?{self._aside}"
                f" ORDER BY cmj.message_id LIMIT {_LOOK_BACK}",
                (behind, text.chat_id),
                chat="cmj.chat_id",
            )
            for row in rows:
                if not is_preview(row) or not can_fold(text, row):
                    return last
                last = row
            if len(rows) < _LOOK_BACK:
                return last
            behind = rows[-1].rowid
