"""Folding of link previews in rows that are read one after the other."""

from __future__ import annotations

from collections.abc import Iterable

from imsg_sdk.server.rows.previews import PreviewFinder, can_fold, is_preview
from imsg_sdk.server.rows.reader import MessageRow

__all__ = ["Folding"]


class _Run:
    """The last text row of a chat and whether all previews behind it, so far, are its own."""

    __slots__ = ("fits", "is_direct", "text")

    def __init__(self, text: MessageRow) -> None:
        self.text = text
        self.fits = True
        self.is_direct = True


class Folding:
    """Takes rows in physical order and tells which of them are visible.

    Parameters
    ----------
    has_gaps
        Rows of the same chats may lie between those taken, so that the table must be asked each time.

    Attributes
    ----------
    visible
        Rows that stand for themselves, in order.
    folded
        The last preview of a text row, by row id and chat of the text row.
    """

    def __init__(self, finder: PreviewFinder, *, has_gaps: bool = False) -> None:
        self.visible: list[MessageRow] = []
        self.folded: dict[tuple[int, int], MessageRow] = {}
        self._finder = finder
        self._runs: dict[int, _Run] = {}
        self._rowids: list[int] = []
        self._has_gaps = has_gaps

    def add(self, rows: Iterable[MessageRow]) -> None:
        """Take more rows, each behind those before it."""
        for row in rows:
            self._rowids.append(row.rowid)
            if is_preview(row):
                if self._is_foldable(row):
                    continue
            elif not row.is_aside:
                self._runs[row.chat_id] = _Run(row)
            elif not row.is_reaction and row.chat_id in self._runs:
                # Shown as a message of its own, such a row parts a text from its preview.
                self._runs[row.chat_id].is_direct = False
            self.visible.append(row)

    def last_before(self, rowid: int, default: int) -> int:
        """Return the last row taken below `rowid`."""
        return max((one for one in self._rowids if one < rowid), default=default)

    def _is_foldable(self, preview: MessageRow) -> bool:
        if not preview.chat_id:
            return False
        run = self._runs.get(preview.chat_id)
        if run is None or self._has_gaps:
            text = self._finder.text_row(preview)
            # A text row before the first row taken was reported without this preview.
            if text is not None and text.rowid in self._rowids:
                self.folded[text.rowid, text.chat_id] = preview
            return text is not None
        run.fits = run.fits and can_fold(run.text, preview)
        if run.fits and run.is_direct:
            self.folded[run.text.rowid, run.text.chat_id] = preview
        return run.fits
