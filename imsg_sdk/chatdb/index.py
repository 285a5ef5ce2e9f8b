"""What ties rows together: chats of messages, tapbacks that stand, previews that fold, attachments.

Built in one scan of each table and kept until another connection commits, so that no message ever costs
a query of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from itertools import compress
from typing import Any

from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.directory import Directory
from imsg_sdk.chatdb.message_sql import MessageSql
from imsg_sdk.chatdb.places import Places
from imsg_sdk.chatdb.previews import Candidate, Run, folds, runs_of
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.chatdb.tapbacks import UNDATED, Tapback, standing, target_of
from imsg_sdk.chatdb.typedstream import text_of

__all__ = ["Index", "chunks"]


class Index:
    """Everything about a message that stands in other rows."""

    def __init__(self, connection: Connection, schema: Schema, sql: MessageSql, directory: Directory) -> None:
        self._connection = connection
        self._schema = schema
        self._sql = sql
        self._handles = directory.handles
        self.places = Places(connection, schema, directory)
        self.folded: dict[int, int] = {}
        """Text row by the preview row that folds into it."""
        self.preview_guids: dict[int, str | None] = {}
        """Guid of the last folded preview, by text row."""
        self._shown_by: dict[str, str] = {}
        """Guid of the text row by the guid of a preview that folds into it."""
        self.tapbacks: dict[str, list[Tapback]] = {}
        """Tapbacks that stand, by the guid they were put on; some of these messages may not exist."""
        self._load_specials()

    # ── tapbacks and previews: one scan ──────────────────────────────────────────────────────────

    def _load_specials(self) -> None:
        rows = self._connection.rows(
            f"SELECT {', '.join((*self._sql.tapback(), *self._sql.candidate(self._sql.says_more_than_its_kind)))}"
            f" FROM message m WHERE {self._sql.is_special} ORDER BY m.ROWID"
        )
        tapbacks = [row for row in rows if row[0]]
        previews = {row[3]: self._candidate(row[3:]) for row in rows if not row[0]}
        if previews:
            self._fold(previews, {row[3] for row in tapbacks})
        self.tapbacks = standing(self._events(tapbacks))

    def _candidate(self, row: tuple[Any, ...]) -> Candidate:
        rowid, guid, has_balloon, from_me, handle, destination, created, text, body = row
        sender = self._handles.get(handle) or destination
        if not text and body is not None:
            text = text_of(body)
        return Candidate(rowid, guid, bool(has_balloon), bool(from_me), sender, handle, created, text)

    def _fold(self, previews: dict[int, Candidate], tapbacks: set[int]) -> None:
        runs = runs_of(self.places.pairs(), previews, tapbacks)
        rows = self._with_texts(runs, previews)
        if any(run.text_rowid not in rows for run in runs):
            # A join row without its message stood between text and preview.
            existing = {row[0] for row in self._connection.rows("SELECT ROWID FROM message")}
            pairs = (pair for pair in self.places.pairs() if pair[1] in existing)
            runs = runs_of(pairs, previews, tapbacks)
            rows = self._with_texts(runs, previews)
        into: dict[int, list[int]] = {}
        for run in runs:
            for rowid in folds(run, rows):
                into.setdefault(rowid, []).append(run.text_rowid)
        for rowid, texts in sorted(into.items()):
            # A preview in two chats stays a row of its own unless it folds in both, into one text.
            if len(texts) == len(self.places.chats_of(rowid)) and len(set(texts)) == 1:
                self._show(rows[rowid], rows[texts[0]])

    def _with_texts(self, runs: list[Run], previews: dict[int, Candidate]) -> dict[int, Candidate]:
        rows: dict[int, Candidate] = dict(previews)
        sql = f"SELECT {', '.join(self._sql.candidate('1'))} FROM message m WHERE m.ROWID IN "
        for chunk in chunks({run.text_rowid for run in runs}):
            for row in self._connection.rows(f"{sql}({chunk})"):
                rows[row[0]] = self._candidate(row)
        return rows

    def _show(self, preview: Candidate, text: Candidate) -> None:
        self.folded[preview.rowid] = text.rowid
        self.preview_guids[text.rowid] = preview.guid
        if preview.guid is not None and text.guid is not None:
            self._shown_by[preview.guid] = text.guid

    def _events(self, rows: list[tuple[Any, ...]]) -> Iterable[Tapback]:
        handles, shown_by = self._handles, self._shown_by
        for kind, association, emoji, rowid, _, _, from_me, handle, _, created, text, body in rows:
            if association is None:
                continue
            target, part = target_of(association)
            sender = None if from_me else handles.get(handle)
            if emoji is None and (text or body):
                emoji = _emoji_in(text or text_of(body))
            yield Tapback(
                UNDATED if created is None else created,
                rowid,
                kind,
                emoji,
                part,
                True if from_me else sender or (handle or 0),
                sender,
                from_me != 0,
                shown_by.get(target, target),
            )

    @cached_property
    def owners(self) -> dict[str, int]:
        """Rowids of the messages that tapbacks stand on, by guid; the lowest where a guid repeats."""
        found: dict[str, int] = {}
        size = min(self._connection.max_parameters, 10_000)
        wanted = sorted(self.tapbacks)
        for start in range(0, len(wanted), size):
            part = wanted[start : start + size]
            marks = ",".join("?" * len(part))
            rows = self._connection.rows(f"SELECT guid, ROWID FROM message WHERE guid IN ({marks})", part)
            for guid, rowid in rows:
                found[guid] = min(rowid, found.get(guid, rowid))
        return found

    @cached_property
    def has_unique_guids(self) -> bool:
        """Tell whether the file vouches for guids; merged files may not."""
        return self._schema.is_unique(self._connection, "message", "guid")

    def owned(self, guids: list[str | None], rowids: list[int]) -> dict[int, str]:
        """Return the positions of messages on which tapbacks stand, with their guid."""
        positions = compress(range(len(guids)), map(self.tapbacks.__contains__, guids))
        found = {at: guid for at in positions if (guid := guids[at]) is not None}
        if self.has_unique_guids:
            return found
        owners = self.owners
        return {at: guid for at, guid in found.items() if owners[guid] == rowids[at]}

    # ── attachments ──────────────────────────────────────────────────────────────────────────────

    @cached_property
    def attachment_counts(self) -> dict[int, int]:
        """Number of attachments by message."""
        if not self._schema.has_attachments:
            return {}
        messages, attachments = self._connection.columns(
            "SELECT message_id, attachment_id FROM message_attachment_join"
        )
        existing = {row[0] for row in self._connection.rows("SELECT ROWID FROM attachment")}
        if not existing.issuperset(attachments):
            messages = [message for message, at in zip(messages, attachments, strict=True) if at in existing]
        counts: dict[int, int] = Counter(messages)
        for preview, text in self.folded.items():
            if preview in counts:
                counts[text] = counts.get(text, 0) + counts.pop(preview)
        return counts


def chunks(rowids: Iterable[int], size: int = 10_000) -> Iterable[str]:
    """Yield rowids as the inside of an SQL list, `size` at a time, ascending."""
    ordered = sorted(rowids)
    for start in range(0, len(ordered), size):
        yield ",".join(map(str, ordered[start : start + size]))


def _emoji_in(text: str | None) -> str | None:
    """Find the emoji in Apple's English sentence; files older than the emoji column have nothing else."""
    head, _, rest = (text or "").partition("Reacted ")
    emoji, to, _ = rest.partition(" to ")
    return emoji if not head and to and 0 < len(emoji) <= 32 and " " not in emoji else None
