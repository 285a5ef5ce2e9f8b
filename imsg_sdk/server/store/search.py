"""``messages.search``: text in the column is found by SQL first, text of bodies by decoding them."""

from __future__ import annotations

from collections.abc import Callable

from imsg_sdk.chatdb.imsg_text import ContainsQuery, decode_body, fold, strip_blank
from imsg_sdk.server.rows.database import Database, Row
from imsg_sdk.server.rows.instants import stored_date
from imsg_sdk.server.rows.previews import PreviewFinder, is_preview
from imsg_sdk.server.rows.reader import MessageRow, RowReader, chunks
from imsg_sdk.server.store.messages import MessageBuilder
from imsg_sdk.server.store.timeline import newest_first
from imsg_sdk.wire import WireMessage

__all__ = ["Search"]


class Search:
    """Finds messages by their text.

    Parameters
    ----------
    columns_only
        Look at the text column as SQL does and at nothing else, as the older programs do.
    """

    def __init__(
        self,
        database: Database,
        reader: RowReader,
        finder: PreviewFinder,
        builder: MessageBuilder,
        *,
        columns_only: bool,
    ) -> None:
        self._db = database
        self._columns_only = columns_only
        self._reader = reader
        self._finder = finder
        self._builder = builder

    def search(self, query: str, *, exact: bool, limit: int) -> list[WireMessage]:
        """Return messages that contain, or are, the trimmed query, newest first."""
        query = strip_blank(query)
        if not query or limit < 1:
            return []
        matches = _equals(query) if exact else ContainsQuery(query)
        hits = self._hits(query, exact, matches)
        size = limit
        while True:
            rows = [row for row in self._read(hits[:size]) if self._columns_only or matches(row.text)]
            shown, folded, is_certain = self._fold(rows, matches)
            if size >= len(hits) or (len(shown) >= limit and is_certain):
                break
            size *= 2
        shown.sort(key=newest_first)
        return self._builder.build(shown[:limit], attachments=False, reactions=False, folded=folded)

    def _hits(self, query: str, exact: bool, matches: Callable[[str], bool]) -> list[int]:
        """Return the rows that may match, newest first."""
        hidden = self._reader.not_hidden
        condition = "= ? COLLATE NOCASE" if exact else "LIKE ? ESCAPE '\\'"
        found = self._db.rows(
            f"SELECT m.date, m.ROWID FROM message m WHERE m.text != '' AND m.text {condition}{hidden}",
            (query if exact else _like_pattern(query),),
        )
        if self._db.has("message", "attributedbody") and not self._columns_only:
            is_audio = self._db.column("is_audio_message", "0")
            bodies = self._db.rows(
                f"SELECT m.date, m.ROWID, m.attributedBody, {is_audio} FROM message m"
                f" WHERE ifnull(m.text, '') = '' AND m.attributedBody IS NOT NULL{hidden}"
            )
            # The text of a voice message may be its transcription, so it is judged when its row is read.
            found += [
                (date, rowid)
                for date, rowid, body, audio in bodies
                if audio or (body.__class__ is bytes and matches(decode_body(body)))
            ]
        found.sort(key=_date_and_row, reverse=True)
        return [rowid for _, rowid in found]

    def _read(self, rowids: list[int]) -> list[MessageRow]:
        rows: list[MessageRow] = []
        for chunk in chunks(rowids):
            marks = ",".join("?" * len(chunk))
            rows += self._reader.read(
                f"LEFT JOIN chat_message_join cmj ON m.ROWID = cmj.message_id WHERE m.ROWID IN ({marks})",
                chunk,
                chat="ifnull(cmj.chat_id, 0)",
            )
        return rows

    def _fold(
        self, rows: list[MessageRow], matches: Callable[[str], bool]
    ) -> tuple[list[MessageRow], dict[tuple[int, int], MessageRow], bool]:
        """Fold previews into text rows that match; one whose text row does not match stays."""
        shown = {(row.rowid, row.chat_id): row for row in rows}
        folded: dict[tuple[int, int], MessageRow] = {}
        is_certain = True
        for row in sorted(rows, key=lambda row: row.rowid):
            if is_preview(row):
                text = self._finder.text_row(row)
                if text is None or not matches(text.text):
                    continue
                shown.pop((row.rowid, row.chat_id), None)  # a chat may hold the row twice
                key = text.rowid, text.chat_id
                if key not in shown:
                    shown[key] = text
                    is_certain = False
                if key not in folded:
                    folded[key] = self._finder.last_preview(text, text.rowid) or row
            elif (row.rowid, row.chat_id) not in folded and (preview := self._finder.last_preview(row, row.rowid)):
                folded[row.rowid, row.chat_id] = preview
        return list(shown.values()), folded, is_certain


def _equals(query: str) -> Callable[[str], bool]:
    folded = fold(query)
    return lambda text: fold(text) == folded


def _like_pattern(query: str) -> str:
    return "%" + query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _date_and_row(hit: Row) -> tuple[int, int]:
    return stored_date(hit[0]), hit[1]
