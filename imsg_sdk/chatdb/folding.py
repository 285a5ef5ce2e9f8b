"""Rows that are no messages to a reader: tapbacks, and link previews that fold into a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.message_sql import MessageSql
from imsg_sdk.chatdb.places import Links
from imsg_sdk.chatdb.previews import Candidate, Run, folds, runs_of
from imsg_sdk.chatdb.tapbacks import UNDATED, Tapback, target_of
from imsg_sdk.chatdb.typedstream import text_of

__all__ = ["Fold", "Previews", "Specials", "chunks", "emoji_in", "specials_sql"]


class Fold(NamedTuple):
    """A link preview and the text row it folds into."""

    preview: Candidate
    text: Candidate


def specials_sql(sql: MessageSql, span: str) -> str:
    """Return a statement for the tapback rows and link previews in `span`.

    A span is an SQL condition on a rowid called ``{}``.  The first column is 0 for a preview; what follows
    the third is a :class:`Candidate` as SQL gives it.
    """
    columns = (*sql.tapback(), *sql.candidate(sql.says_more_than_its_kind))
    return (
        f"SELECT {', '.join(columns)} FROM message m"
        f" WHERE ({sql.is_special}) AND ({span.format('m.ROWID')}) ORDER BY m.ROWID"
    )


class Specials(NamedTuple):
    """Tapback rows as SQL gives them, and link previews."""

    tapbacks: list[tuple[Any, ...]]
    previews: Previews

    @classmethod
    def load(cls, connection: Connection, sql: MessageSql, handles: Mapping[int, str], span: str) -> Specials:
        """Read those in `span`."""
        rows = connection.rows(specials_sql(sql, span))
        previews = [row[3:] for row in rows if not row[0]]
        return cls([row for row in rows if row[0]], Previews(connection.rows, sql, handles, previews))

    def folds(self, links: Links) -> list[Fold]:
        """Return the previews that fold."""
        return self.previews.folds(links, {row[3] for row in self.tapbacks})

    def events(self, handles: Mapping[int, str], shown_by: Mapping[str, str]) -> Iterable[Tapback]:
        """Yield the tapbacks; `shown_by` gives the guid of the text by the guid of a folded preview."""
        for kind, association, emoji, rowid, _, _, from_me, handle, _, created, text, body in self.tapbacks:
            if association is None:
                continue
            target, part = target_of(association)
            sender = None if from_me else handles.get(handle)
            if emoji is None and (text or body):
                emoji = emoji_in(text, body)
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


class Previews:
    """Link previews, given as SQL rows; `fetch` returns the rows of a statement."""

    def __init__(
        self,
        fetch: Callable[[str], Sequence[tuple[Any, ...]]],
        sql: MessageSql,
        handles: Mapping[int, str],
        rows: Iterable[tuple[Any, ...]],
    ) -> None:
        self._fetch = fetch
        self._sql = sql
        self._handles = handles
        self._rows = {row[0]: self._candidate(row) for row in rows}

    def _candidate(self, row: tuple[Any, ...]) -> Candidate:
        rowid, guid, has_balloon, from_me, handle, destination, created, text, body = row
        sender = self._handles.get(handle) or destination
        if not text and body is not None:
            text = text_of(body)
        return Candidate(rowid, guid, bool(has_balloon), bool(from_me), sender, handle, created, text)

    def folds(self, links: Links, tapbacks: Container[int]) -> list[Fold]:
        """Return the previews that fold, given the links of all messages around them and the rows of tapbacks."""
        if not self._rows:
            return []
        positions = links.positions(self._rows)
        runs = runs_of(links.chats, links.messages, positions, tapbacks)
        rows = self._with_texts(runs)
        if any(run.text_rowid not in rows for run in runs):
            # A link without its message stood between text and preview.
            links = links.only({row[0] for row in self._fetch("SELECT ROWID FROM message")})
            positions = links.positions(self._rows)
            runs = runs_of(links.chats, links.messages, positions, tapbacks)
            rows = self._with_texts(runs)
        into: dict[int, list[int]] = {}
        for run in runs:
            for rowid in folds(run, rows):
                into.setdefault(rowid, []).append(run.text_rowid)
        times = Counter(int(links.messages[at]) for at in positions)
        # A preview in two chats stays a row of its own unless it folds in both, into one text.
        return [
            Fold(rows[rowid], rows[texts[0]])
            for rowid, texts in sorted(into.items())
            if len(texts) == times[rowid] and len(set(texts)) == 1
        ]

    def _with_texts(self, runs: list[Run]) -> dict[int, Candidate]:
        rows: dict[int, Candidate] = dict(self._rows)
        sql = f"SELECT {', '.join(self._sql.candidate('1'))} FROM message m WHERE m.ROWID IN "
        for chunk in chunks({run.text_rowid for run in runs}):
            for row in self._fetch(f"{sql}({chunk})"):
                rows[row[0]] = self._candidate(row)
        return rows


def chunks(rowids: Iterable[int], size: int = 10_000) -> Iterable[str]:
    """Yield rowids as the inside of an SQL list, `size` at a time, ascending."""
    ordered = sorted(rowids)
    for start in range(0, len(ordered), size):
        yield ",".join(map(str, ordered[start : start + size]))


def emoji_in(text: str | None, body: bytes | None) -> str | None:
    """Find the emoji in Apple's English sentence; files older than the emoji column have nothing else."""
    head, _, rest = (text or text_of(body or b"") or "").partition("Reacted ")
    emoji, to, _ = rest.partition(" to ")
    return emoji if not head and to and 0 < len(emoji) <= 32 and " " not in emoji else None
