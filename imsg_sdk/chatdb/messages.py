"""The table of messages: one scan for what every row has, one look at the rows that have more.

The scan asks SQL for columns that are cheap to carry (numbers for words, NULL for nothing) and for a mark
on rows that hold anything rare.  The rare columns are then read for the marked rows only, which is why
they come out sparse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Any, ClassVar, Final, NamedTuple

from imsg_sdk.chatdb.attributes import transcription_of
from imsg_sdk.chatdb.children import transcriptions
from imsg_sdk.chatdb.connection import Connection, RepairedText, Scan
from imsg_sdk.chatdb.directory import Directory
from imsg_sdk.chatdb.index import Index, chunks
from imsg_sdk.chatdb.message_sql import FLAGS, RARE, MessageSql
from imsg_sdk.chatdb.packing import Vocabulary, coded, narrowed, sparse
from imsg_sdk.chatdb.rare import Past, Rare, effect_of, event_of, part_of, past_of
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.chatdb.selection import Selection
from imsg_sdk.chatdb.typedstream import words_of
from imsg_sdk.columns import Batch, Packed

__all__ = ["Dense", "EditRow", "MessageReader", "Page"]

_NO, _YES = False, True
_TEXTS_AT_ONCE: Final = 50_000
EditRow = tuple[int, int, int | None, str | None, int | None, bool]
"""A row of the table of edits."""


class Dense(NamedTuple):
    """The columns of the scan, row by row aligned."""

    rowid: list[int]
    guid: list[str | None]
    words: list[Any]
    """Text, or a body as bytes."""
    handle: list[int]
    flags: list[int]
    created_at: list[int | None]
    service: list[Any]
    read_at: list[int | None]
    delivered_at: list[int | None]
    reply_to_guid: list[str | None]
    destination: list[Any]


class Page(NamedTuple):
    """Some messages, the edits they have, and how far the scan came."""

    batch: Batch
    edits: list[EditRow]
    reacted: dict[str, int]
    """Messages that carry tapbacks: rowid by guid."""
    last_rowid: int | None = None
    """Highest row looked at, also of rows left out; None when there was none."""
    is_last: bool = True
    """There is nothing behind it."""


class MessageReader:
    """Turns rows of ``message`` into batches; one for each open file."""

    rows_at_once: ClassVar[int] = 50_000
    """Rows of one page of a whole history: enough to forget its overhead, few enough to pass on early."""

    def __init__(self, connection: Connection, schema: Schema, sql: MessageSql, directory: Directory) -> None:
        self._connection = connection
        self._schema = schema
        self._sql = sql
        self._directory = directory
        self._services = Vocabulary()
        self._destinations = Vocabulary()
        self._learn()

    def _learn(self) -> None:
        """Meet the usual services and addresses of the owner, so that the scan gets them as numbers."""
        service, destination = self._sql.category("service", 0), self._sql.category("destination_caller_id", 0)
        rows = self._connection.rows(f"SELECT {service}, {destination} FROM message m ORDER BY m.ROWID DESC LIMIT 200")
        for vocabulary, column in zip((self._services, self._destinations), zip(*rows, strict=True), strict=False):
            vocabulary.codes(list(column))

    def page(self, index: Index, selection: Selection, where: str, limit: int) -> Page:
        """Read the first `limit` rows that satisfy `where`, ascending, and keep those in `selection`."""
        scan = self._scan(where, limit, selection)
        dense = Dense(*scan.columns)
        texts = _texts(dense.words)
        rare = self._rare(dense)
        self._amend(texts, rare)
        return self._build(index, selection, dense, texts, rare)._replace(
            last_rowid=scan.last, is_last=scan.looked_at < limit
        )

    def matching(self, selection: Selection, accept: Callable[[str], bool]) -> list[tuple[int | None, int]]:
        """Return instant and rowid of the messages in `selection` whose text is accepted."""
        only = None if selection.rowids is None else set(selection.rowids)
        found: list[tuple[int | None, int]] = []
        after = "1"
        while True:
            scan = self._connection.scan(
                f"SELECT {', '.join(self._sql.words_alone())} FROM message m"
                f" WHERE {selection.where} AND {after} ORDER BY m.ROWID LIMIT {_TEXTS_AT_ONCE}",
                (),
                selection.keep,
            )
            rowids, instants, words, marks = scan.columns
            texts = _texts(words)
            self._amend(texts, self._rare_at({rowids[at]: at for at in compress(range(len(marks)), marks)}))
            found += [
                (instant, rowid)
                for instant, rowid, text in zip(instants, rowids, texts, strict=True)
                if text and accept(text) and (only is None or rowid in only)
            ]
            if scan.looked_at < _TEXTS_AT_ONCE:
                return found
            after = f"m.ROWID > {scan.last}"

    def _scan(self, where: str, limit: int, selection: Selection) -> Scan:
        services, destinations = self._services.texts[:20], self._destinations.texts[:20]
        columns = self._sql.dense(
            self._sql.category("service", len(services)),
            self._sql.category("destination_caller_id", len(destinations)),
        )
        return self._connection.scan(
            f"SELECT {', '.join(columns)} FROM message m WHERE {where} ORDER BY m.ROWID LIMIT {limit}",
            [*services, *destinations],
            selection.keep,
        )

    def _rare(self, dense: Dense) -> dict[int, Rare]:
        """Read the rare columns of the marked rows, by position."""
        rowids = dense.rowid
        return self._rare_at({rowids[at]: at for at, flags in enumerate(dense.flags) if flags >= RARE})

    def _rare_at(self, position: dict[int, int]) -> dict[int, Rare]:
        sql = f"SELECT {', '.join(self._sql.rare())} FROM message m WHERE m.ROWID IN "
        rows = (row for chunk in chunks(position) for row in self._fetch(f"{sql}({chunk}) ORDER BY m.ROWID"))
        return {position[row[0]]: Rare(*row) for row in rows}

    def _fetch(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.rows(sql)

    def _amend(self, texts: list[str | None], rare: dict[int, Rare]) -> None:
        """Take the body where it says more than the text: after an edit, and of a voice message."""
        for at, row in rare.items():
            if row.body is not None:
                texts[at] = _better(texts[at], row.body)
        voices = {row.rowid: at for at, row in rare.items() if row.is_audio}
        spoken = transcriptions(self._connection, self._schema, voices)
        for rowid, at in voices.items():
            body = rare[at].body
            texts[at] = spoken.get(rowid) or (transcription_of(body) if body else None) or texts[at]

    def _build(
        self,
        index: Index,
        selection: Selection,
        dense: Dense,
        texts: list[str | None],
        rare: dict[int, Rare],
    ) -> Page:
        past = {at: what for at, row in rare.items() if (what := past_of(row, texts[at])) is not None}
        reacted = index.owned(dense.guid, dense.rowid)
        columns: dict[str, list[Any] | Packed] = {"rowid": dense.rowid, "guid": dense.guid}
        columns |= self._place_columns(index, _places_of(dense.rowid, selection.places))
        columns |= self._word_columns(texts, rare)
        columns |= self._dense_columns(dense)
        columns |= self._rare_columns(rare)
        columns |= self._past_columns(past)
        columns |= _index_columns(index, dense.rowid)
        columns["n_reactions"] = _sparse({at: len(index.tapbacks[guid]) for at, guid in reacted.items()}, 0)
        edits = [(dense.rowid[at], *version) for at, what in past.items() for version in what.summary.versions]
        owners = {guid: dense.rowid[at] for at, guid in reacted.items()}
        return Page(Batch("messages", len(dense.rowid), columns), edits, owners)

    def _place_columns(self, index: Index, codes: list[int]) -> dict[str, list[Any] | Packed]:
        combinations, codes = narrowed(index.places.combinations, codes)
        if -1 in codes:
            # "In no chat" is an empty list of chats, where every other column says None.
            combinations, own = [*combinations, ()], len(combinations)
            listed = [own if code < 0 else code for code in codes]
        else:
            listed = codes
        firsts = [chats[0] for chats in combinations if chats]
        rows = [self._directory.chats[chat] for chat in firsts]
        return {
            "chat_id": coded(firsts, codes),
            "chat_ids": coded(combinations, listed),
            "chat_identifier": self._category([row.identifier for row in rows], codes),
            "chat_name": self._category([row.name for row in rows], codes),
            "is_group": coded([row.is_group for row in rows], codes),
        }

    def _category(self, names: list[str | None], codes: list[int]) -> Packed:
        """Code a column whose values repeat or lack: distinct values, and -1 for none."""
        distinct = [name for name in dict.fromkeys(names) if name is not None]
        if len(distinct) == len(names):
            return coded(distinct, codes)
        position: dict[str | None, int] = {name: code for code, name in enumerate(distinct)}
        translated = [position.get(name, -1) for name in names]
        translated.append(-1)  # found by index -1: a row in no chat
        return coded(distinct, self._looked_up(codes, translated))

    def _looked_up(self, codes: list[int], values: list[int]) -> list[int]:
        return [values[code] for code in codes]

    def _word_columns(self, texts: list[str | None], rare: dict[int, Rare]) -> dict[str, list[Any] | Packed]:
        repaired: list[int] = []
        if RepairedText in set(map(type, texts)):
            repaired = [at for at, text in enumerate(texts) if text.__class__ is RepairedText]
        for at in repaired:
            texts[at] = str(texts[at]) or None
        subjects = {at: row.subject for at, row in rare.items() if row.subject is not None}
        columns: dict[str, list[Any] | Packed] = {
            "text": texts,
            "text_repaired": sparse(repaired, [_YES] * len(repaired), _NO),
        }
        if self._sql.has("subject"):
            columns["subject"] = _sparse(subjects)
        return columns

    def _dense_columns(self, dense: Dense) -> dict[str, list[Any] | Packed]:
        sql, names = self._sql, self._directory.name_codes
        columns: dict[str, list[Any] | Packed] = {
            "sender": coded(*narrowed(self._directory.names, [names.get(handle, -1) for handle in dense.handle])),
            "is_from_me": coded([flags.is_from_me for flags in FLAGS], dense.flags),
            "created_at": dense.created_at,
        }
        if sql.has("service"):
            columns["service"] = coded(self._services.texts, self._services.codes(dense.service))
        if sql.knows_reading:
            columns["is_read"] = coded([flags.is_read for flags in FLAGS], dense.flags)
        if sql.has("date_read"):
            columns["read_at"] = dense.read_at
        if sql.knows_sending:
            columns["send_state"] = coded([flags.send_state for flags in FLAGS], dense.flags)
        if sql.has("date_delivered"):
            columns["delivered_at"] = dense.delivered_at
        if sql.has("reply_to_guid"):
            columns["reply_to_guid"] = dense.reply_to_guid
        if sql.has("destination_caller_id"):
            columns["destination_caller_id"] = coded(
                self._destinations.texts, self._destinations.codes(dense.destination)
            )
        return columns

    def _rare_columns(self, rare: dict[int, Rare]) -> dict[str, list[Any] | Packed]:
        sql = self._sql
        kinds = {at: row.kind for at, row in rare.items() if row.kind != "message"}
        columns: dict[str, list[Any] | Packed] = {"kind": _sparse(kinds, "message")}
        if sql.has("error"):
            columns["send_error"] = _sparse({at: row.error for at, row in rare.items() if row.error is not None})
        if sql.has("schedule_type"):
            columns["is_scheduled"] = _flags(at for at, row in rare.items() if row.is_scheduled)
        if sql.has("thread_originator_guid"):
            replies = {at: row for at, row in rare.items() if row.thread_originator_guid is not None}
            columns["thread_originator_guid"] = _sparse({at: row.thread_originator_guid for at, row in replies.items()})
            if sql.has("thread_originator_part"):
                parts = {at: part_of(row.thread_originator_part) for at, row in replies.items()}
                columns["thread_originator_part"] = _sparse(parts)
        if sql.has("expressive_send_style_id"):
            effects = {at: effect_of(row.effect) for at, row in rare.items() if row.effect is not None}
            columns["effect"] = _sparse(effects)
        if sql.has("balloon_bundle_id"):
            balloons = {at: row.balloon_bundle_id for at, row in rare.items() if row.balloon_bundle_id is not None}
            columns["balloon_bundle_id"] = _sparse(balloons)
        if sql.has("is_audio_message"):
            columns["is_audio"] = _flags(at for at, row in rare.items() if row.is_audio)
        if sql.knows_spam:
            columns["is_spam"] = _flags(at for at, row in rare.items() if row.is_spam)
        if sql.has("item_type"):
            columns |= self._event_columns(rare)
        return columns

    def _event_columns(self, rare: dict[int, Rare]) -> dict[str, Packed]:
        handles = self._directory.handles
        events = {at: event for at, row in rare.items() if (event := event_of(row, handles)) is not None}
        return {
            "event": _sparse({at: event.name for at, event in events.items()}),
            "event_person": _sparse({at: event.person for at, event in events.items() if event.person is not None}),
            "event_title": _sparse({at: event.title for at, event in events.items() if event.title is not None}),
        }

    def _past_columns(self, past: dict[int, Past]) -> dict[str, Packed]:
        columns = {}
        if self._sql.knows_edits:
            columns["is_edited"] = _flags(at for at, what in past.items() if what.is_edited)
            columns["edited_at"] = _sparse(
                {at: what.edited_at for at, what in past.items() if what.edited_at is not None}
            )
        if self._sql.knows_unsends:
            columns["is_unsent"] = _flags(at for at, what in past.items() if what.is_unsent)
            columns["unsent_at"] = _sparse(
                {at: what.unsent_at for at, what in past.items() if what.unsent_at is not None}
            )
        return columns


def _places_of(rowids: list[int], places: Sequence[Mapping[int, int]]) -> list[int]:
    first, *others = places
    codes = [first.get(rowid, -1) for rowid in rowids]
    for more in others:
        for at, code in enumerate(codes):
            if code < 0:
                codes[at] = more.get(rowids[at], -1)
    return codes


def _texts(words: list[Any]) -> list[str | None]:
    return [words_of(word) if word.__class__ is bytes else word for word in words]


def _better(text: str | None, body: bytes) -> str:
    """Prefer the body; a damaged one counts only where there is no text, and then says so."""
    decoded = words_of(body)
    return text if text and (not decoded or decoded.__class__ is RepairedText) else decoded


def _index_columns(index: Index, rowids: list[int]) -> dict[str, Packed]:
    position = dict(zip(rowids, range(len(rowids)), strict=True))
    columns = {
        "url_preview_guid": _looked_up(index.preview_guids, position),
        "n_attachments": _looked_up(index.attachment_counts, position, 0),
    }
    if index.places.deleted_at:
        columns["deleted_at"] = _looked_up(index.places.deleted_at, position)
    return columns


def _looked_up(values: Mapping[int, Any], position: Mapping[int, int], default: Any = None) -> Packed:
    # The intersection walks the smaller of the two.
    rowids = sorted(values.keys() & position.keys())
    return sparse([position[rowid] for rowid in rowids], [values[rowid] for rowid in rowids], default)


def _sparse(entries: dict[int, Any], default: Any = None) -> Packed:
    return sparse(list(entries), list(entries.values()), default)


def _flags(at: Any) -> Packed:
    rows = list(at)
    return sparse(rows, [_YES] * len(rows), _NO)
