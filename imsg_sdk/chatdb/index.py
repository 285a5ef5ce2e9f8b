"""What ties rows together: chats of messages, tapbacks that stand, previews that fold, attachments.

Built in one scan of each table, so that no message ever costs a query of its own, and then kept: when
another program has written, only the rows above a horizon are read again, as long as checksums say that
nothing below it has changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from itertools import compress
from typing import Any, Final

from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.directory import Directory
from imsg_sdk.chatdb.folding import Fold, Specials, chunks
from imsg_sdk.chatdb.layered import Layered
from imsg_sdk.chatdb.message_sql import MessageSql
from imsg_sdk.chatdb.places import Places, load_links
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.chatdb.tapbacks import Tapback, reaction_columns, standing

__all__ = ["Index", "chunks", "folded_among"]

_RECENT: Final = 1_000
"""Rows that are read again after every change: the latest may be filled in and linked late."""
_MOST_RECENT: Final = 20_000
"""With so many rows above the horizon it is time for a new one."""
_BEFORE: Final = 300
"""Rows before a preview among which its text must be, where not all rows are looked at."""
_NAMED: Final = 2_000
"""So many attachments are asked for by name."""
_FEW: Final = 100
"""So many previews are looked at one by one."""
_NONE: Final[list[Tapback]] = []


class Index:
    """Everything about a message that stands in other rows.

    Attributes
    ----------
    places
        Chats by message.
    folded
        Text row by the preview row that folds into it.
    preview_guids
        Guid of the last folded preview, by text row.
    """

    def __init__(self, connection: Connection, schema: Schema, sql: MessageSql, directory: Directory) -> None:
        self._connection = connection
        self._schema = schema
        self._sql = sql
        self.places = Places()
        self._attachments: Layered[int, int] | None = None
        self._load(directory)

    def _load(self, directory: Directory) -> None:
        """Read what stands at or below a horizon, then what stands above it."""
        self._horizon: int = (self._connection.value("SELECT max(ROWID) FROM message") or 0) - _RECENT
        self._below: tuple[object, ...] | None = None
        # The plus sign keeps SQLite from an index: nearly all rows are wanted.
        span = f"+{{}} <= {self._horizon}"
        links = load_links(self._connection, self._schema, directory, span)
        self._linked = self.places.placed(links)
        self.places.linked = self._linked
        specials = Specials.load(self._connection, self._sql, directory.handles, span)
        self._fold(specials.folds(links))
        self._events = list(specials.events(directory.handles, self._shown_by))
        self._events_by_target: dict[str, list[Tapback]] | None = None
        """The same by target, from the first `refresh` on."""
        self._tapbacks = Layered(standing(self._events))
        self._cover(directory)

    def _fold(self, found: list[Fold]) -> None:
        """Take in the previews that fold."""
        self.folded = Layered(_folded(found))
        self.preview_guids = Layered(_preview_guids(found))
        self._shown_by = Layered(_shown_by(found))
        """Guid of the text row by the guid of a preview that folds into it."""

    # ── keeping up ───────────────────────────────────────────────────────────────────────────────

    def remember(self) -> None:
        """Note what the rows below the horizon add up to, for a later `refresh`."""
        if self._below is None:
            self._below = self._checksums()

    def refresh(self, directory: Directory, *, for_recent: bool = False) -> bool:
        """Take in what was written since; false where old rows have changed and all must be read anew.

        With `for_recent` the old rows are not looked at: what is said of those above the horizon is right.
        """
        newest = self._connection.value("SELECT max(ROWID) FROM message") or 0
        if newest - self._horizon > _MOST_RECENT:
            return False
        if not for_recent and self._checksums() != self._below:
            return False
        if self._events_by_target is None:
            self._events_by_target = {}
            for event in self._events:
                self._events_by_target.setdefault(event.target, []).append(event)
        self._cover(directory)
        return True

    def is_recent(self, rowid: int) -> bool:
        """Tell whether a row is read again after every change."""
        return rowid > self._horizon

    def _checksums(self) -> tuple[object, ...]:
        """Return what changes with any link or row at or below the horizon.

        SQLite counts a whole table faster than all of it but its end.
        """
        sums = [self._difference("message", "ROWID", "count(*)")]
        if self._schema.has("chat_message_join", "chat_id", "message_id"):
            both = "count(*), total(chat_id), total(chat_id * (message_id % 65521))"
            sums.append(self._difference("chat_message_join", "message_id", both))
        if self._schema.has_attachments:
            sums.append(self._difference("message_attachment_join", "message_id", "count(*), total(attachment_id)"))
        return tuple(sums)

    def _difference(self, table: str, column: str, sums: str) -> tuple[float, ...]:
        ((*whole,),) = self._connection.rows(f"SELECT {sums} FROM {table}")
        ((*recent,),) = self._connection.rows(f"SELECT {sums} FROM {table} WHERE {column} > {self._horizon}")
        return tuple(total - part for total, part in zip(whole, recent, strict=True))

    def _cover(self, directory: Directory) -> None:
        """Read the rows above the horizon into the upper layers."""
        horizon = self._horizon
        span = f"{{}} > {horizon - _BEFORE}"
        links = load_links(self._connection, self._schema, directory, span, are_few=True)
        places = self.places.placed(links)
        self._linked.cover({message: place for message, place in places.items() if message > horizon})
        self.places.load_deleted(self._connection, self._schema, directory)
        specials = Specials.load(self._connection, self._sql, directory.handles, span)
        found = [fold for fold in specials.folds(links) if fold.preview.rowid > horizon]
        self.folded.cover(_folded(found))
        self.preview_guids.cover(_preview_guids(found))
        self._shown_by.cover(_shown_by(found))
        recent = [event for event in specials.events(directory.handles, self._shown_by) if event.rowid > horizon]
        targets = {event.target for event in recent}
        before = self._events_on(targets)
        # A target on which nothing stands any more covers what stood there.
        self._tapbacks.cover(dict.fromkeys(targets, _NONE) | standing(before + recent))
        if self._attachments is not None:
            self._attachments.cover(self._count_attachments(f"message_id > {horizon}"))
        self.__dict__.pop("owners", None)

    def _events_on(self, targets: set[str]) -> list[Tapback]:
        """Return what was put on some messages, of the rows below the horizon."""
        if self._events_by_target is None:
            return [event for event in self._events if event.target in targets]
        return [event for target in sorted(targets) for event in self._events_by_target.get(target, _NONE)]

    # ── tapbacks ─────────────────────────────────────────────────────────────────────────────────

    @property
    def tapbacks(self) -> Mapping[str, list[Tapback]]:
        """Tapbacks that stand, by the guid they were put on; some of these messages may not exist."""
        return self._tapbacks

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
        tapbacks = self.tapbacks
        positions = compress(range(len(guids)), map(tapbacks.__contains__, guids))
        found = {at: guid for at in positions if (guid := guids[at]) is not None and tapbacks[guid]}
        if self.has_unique_guids:
            return found
        owners = self.owners
        return {at: guid for at, guid in found.items() if owners[guid] == rowids[at]}

    def reaction_columns(self, owners: Mapping[str, int]) -> list[list[Any]]:
        """Return the rows of reactions on messages, given as rowids by guid, column by column."""
        return reaction_columns(self.tapbacks, owners)

    # ── attachments ──────────────────────────────────────────────────────────────────────────────

    @property
    def attachment_counts(self) -> Mapping[int, int]:
        """Number of attachments by message."""
        if self._attachments is None:
            self._attachments = Layered(self._count_attachments(f"+message_id <= {self._horizon}"))
            self._attachments.cover(self._count_attachments(f"message_id > {self._horizon}"))
        return self._attachments

    def _count_attachments(self, condition: str) -> dict[int, int]:
        if not self._schema.has_attachments:
            return {}
        messages, attachments = self._connection.columns(
            f"SELECT message_id, attachment_id FROM message_attachment_join WHERE {condition}"
        )
        among = f" WHERE ROWID IN ({','.join(map(str, attachments))})" if len(attachments) <= _NAMED else ""
        existing = {row[0] for row in self._connection.rows(f"SELECT ROWID FROM attachment{among}")}
        if not existing.issuperset(attachments):
            messages = [message for message, at in zip(messages, attachments, strict=True) if at in existing]
        counts: dict[int, int] = Counter(messages)
        for preview in counts.keys() & self.folded.keys():
            text = self.folded[preview]
            counts[text] = counts.get(text, 0) + counts.pop(preview)
        return counts


def folded_among(
    connection: Connection, schema: Schema, sql: MessageSql, directory: Directory, previews: list[int]
) -> dict[int, int]:
    """Return the text row by the preview row, for `previews` that fold, without an index of all rows."""
    if not previews:
        return {}
    if len(previews) <= _FEW:
        rows = {rowid for preview in previews for rowid in range(preview - _BEFORE, preview + 1)}
        span = f"{{}} IN ({','.join(map(str, sorted(rows)))})"
    else:
        span = f"{{}} <= {max(previews)}"
    specials = Specials.load(connection, sql, directory.handles, span)
    return _folded(specials.folds(load_links(connection, schema, directory, span)))


def _folded(folds: list[Fold]) -> dict[int, int]:
    return {preview.rowid: text.rowid for preview, text in folds}


def _preview_guids(folds: list[Fold]) -> dict[int, str | None]:
    return {text.rowid: preview.guid for preview, text in folds}


def _shown_by(folds: list[Fold]) -> dict[str, str]:
    return {preview.guid: text.guid for preview, text in folds if preview.guid is not None and text.guid is not None}
