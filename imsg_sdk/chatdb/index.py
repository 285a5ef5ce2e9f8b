"""What ties rows together: chats of messages, tapbacks that stand, previews that fold, attachments.

Built in one scan of each table and kept until another connection commits, so that no message ever costs
a query of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.directory import Directory
from imsg_sdk.chatdb.previews import URL_BALLOON, Candidate, Run, folds, runs_of
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.chatdb.summary import plist
from imsg_sdk.chatdb.tapbacks import TAPBACK_SQL, Tapback, standing, target_of
from imsg_sdk.chatdb.typedstream import text_of

__all__ = ["TRANSCRIBED", "Index", "chunks", "transcription_of"]

_TRANSCRIPTION: Final = "audio-transcription"
TRANSCRIBED: Final = f"CAST('{_TRANSCRIPTION}' AS BLOB)"
"""SQL of the bytes that a ``user_info`` with a transcription contains."""


class Index:
    """Everything about a message that stands in other rows."""

    def __init__(self, connection: Connection, schema: Schema, directory: Directory) -> None:
        self._connection = connection
        self._schema = schema
        self._directory = directory
        self.combinations: list[tuple[int, ...]] = [(chat,) for chat in directory.chats]
        """Sets of chats that messages are in, each ascending; the first ones are the single chats."""
        self.places: dict[int, int] = {}
        """Position in `combinations` by message."""
        self.deleted_at: dict[int, int | None] = {}
        self.deleted_places: dict[int, int] = {}
        """Like `places`, for messages that are only in Recently Deleted."""
        self.reactions: dict[int, list[Tapback]] = {}
        """Tapbacks that stand, by the message they sit on."""
        self.folded: dict[int, int] = {}
        """Text row by the preview row that folds into it."""
        self.preview_guids: dict[int, str | None] = {}
        """Guid of the last folded preview, by text row."""
        self.attachment_counts: dict[int, int] = {}
        self.transcriptions: dict[int, str] = {}
        """Apple's transcription by voice message."""
        pairs = self._load_places()
        self._load_deleted()
        self._load_specials(pairs)
        self._load_attachments()

    # ── chats ────────────────────────────────────────────────────────────────────────────────────

    def _load_places(self) -> list[tuple[int, int]]:
        """Fill `places`; return the (chat, message) pairs of existing chats, in order."""
        if not self._schema.has("chat_message_join", "chat_id", "message_id"):
            return []
        pairs = self._connection.rows("SELECT chat_id, message_id FROM chat_message_join ORDER BY chat_id, message_id")
        chats = self._directory.chats
        if any(chat not in chats for chat in {chat for chat, _ in pairs}):
            pairs = [pair for pair in pairs if pair[0] in chats]
        self.places = self._places_of(pairs)
        return pairs

    def _places_of(self, pairs: list[tuple[int, int]]) -> dict[int, int]:
        code = {chats[0]: position for position, chats in enumerate(self.combinations) if len(chats) == 1}
        places = {message: code[chat] for chat, message in pairs}
        if len(places) < len(pairs):
            self._join_repeated(pairs, places)
        return places

    def _join_repeated(self, pairs: list[tuple[int, int]], places: dict[int, int]) -> None:
        seen: set[int] = set()
        repeated = {message for _, message in pairs if message in seen or seen.add(message)}  # type: ignore[func-returns-value]
        chats: dict[int, list[int]] = {}
        for chat, message in pairs:
            if message in repeated:
                chats.setdefault(message, []).append(chat)
        known = {combination: position for position, combination in enumerate(self.combinations)}
        for message, members in chats.items():
            combination = tuple(sorted(set(members)))
            if combination not in known:
                known[combination] = len(self.combinations)
                self.combinations.append(combination)
            places[message] = known[combination]

    def _load_deleted(self) -> None:
        if not self._schema.has("chat_recoverable_message_join", "chat_id", "message_id"):
            return
        when = self._schema.time("chat_recoverable_message_join", "delete_date")
        rows = self._connection.rows(
            f"SELECT chat_id, message_id, {when} FROM chat_recoverable_message_join ORDER BY chat_id, message_id"
        )
        self.deleted_at = {message: instant for _, message, instant in rows}
        chats = self._directory.chats
        pairs = [(chat, message) for chat, message, _ in rows if chat in chats and message not in self.places]
        self.deleted_places = self._places_of(pairs)

    # ── tapbacks and previews: one scan ──────────────────────────────────────────────────────────

    def _load_specials(self, pairs: list[tuple[int, int]]) -> None:
        schema = self._schema
        number = schema.number("message", "associated_message_type")
        tapback = TAPBACK_SQL.format(number)
        preview = f"{schema.raw('message', 'balloon_bundle_id')} = '{URL_BALLOON}'"
        if not schema.has("message", "associated_message_type", "associated_message_guid"):
            tapback = "0"
        custom = f"({number} IN (2006, 3006) AND {schema.text('message', 'associated_message_emoji')} IS NULL)"
        columns = (
            f"CASE WHEN {tapback} THEN {number} ELSE 0 END",
            schema.text("message", "associated_message_guid"),
            schema.text("message", "associated_message_emoji"),
            *self._candidate_columns(f"{custom} OR {preview}"),
        )
        rows = self._connection.rows(
            f"SELECT {', '.join(columns)} FROM message WHERE {tapback} OR {preview} ORDER BY ROWID"
        )
        tapbacks = [row for row in rows if row[0]]
        previews = {row[3]: self._candidate(row[3:]) for row in rows if not row[0]}
        if previews:
            self._fold(runs_of(pairs, previews, {row[3] for row in tapbacks}), previews)
        self._load_reactions(tapbacks)

    def _candidate_columns(self, with_text: str) -> tuple[str, ...]:
        schema = self._schema
        return (
            "ROWID",
            schema.text("message", "guid"),
            f"{schema.text('message', 'balloon_bundle_id')} IS NOT NULL",
            schema.number("message", "is_from_me"),
            schema.number("message", "handle_id", default="NULL"),
            schema.text("message", "destination_caller_id"),
            schema.time("message", "date"),
            f"CASE WHEN {with_text} THEN {schema.text('message', 'text')} END",
            f"CASE WHEN {with_text} AND {schema.text('message', 'text')} IS NULL"
            f" THEN CAST({schema.raw('message', 'attributedbody')} AS BLOB) END",
        )

    def _candidate(self, row: tuple[Any, ...]) -> Candidate:
        rowid, guid, has_balloon, from_me, handle, destination, created, text, body = row
        sender = self._directory.handles.get(handle) or destination
        if text is None and body is not None:
            text = text_of(body)
        return Candidate(rowid, guid, bool(has_balloon), bool(from_me), sender, handle, created, text)

    def _fold(self, runs: list[Run], previews: dict[int, Candidate]) -> None:
        rows: dict[int, Candidate] = dict(previews)
        sql = f"SELECT {', '.join(self._candidate_columns('1'))} FROM message WHERE ROWID IN "
        for chunk in chunks({run.text_rowid for run in runs}):
            for row in self._connection.rows(f"{sql}({chunk})"):
                rows[row[0]] = self._candidate(row)
        into: dict[int, list[tuple[int, Run]]] = {}
        for run in runs:
            for rowid in folds(run, rows):
                into.setdefault(rowid, []).append((run.text_rowid, run))
        for rowid in sorted(into):
            texts = {text for text, _ in into[rowid]}
            # A preview in two chats stays a row of its own unless it folds in both, into one text.
            if len(into[rowid]) == len(self.combinations[self.places[rowid]]) and len(texts) == 1:
                self.folded[rowid] = min(texts)
                self.preview_guids[min(texts)] = previews[rowid].guid

    def _load_reactions(self, rows: list[tuple[Any, ...]]) -> None:
        targets = {row[3]: target_of(str(row[1])) for row in rows if row[1]}
        rowids = self.rowids_of({guid for guid, _ in targets.values()})
        events = []
        for kind, _, emoji, rowid, _, _, from_me, handle, _, created, text, body in rows:
            guid, part = targets.get(rowid, ("", 0))
            if guid not in rowids:
                continue
            sender = None if from_me else self._directory.handles.get(handle)
            if emoji is None and (text or body):
                emoji = _emoji_in(text or text_of(body))
            target = rowids[guid]
            person = True if from_me else sender or (handle or 0)
            events.append(
                Tapback(
                    self.folded.get(target, target), rowid, kind, emoji, part, person, sender, bool(from_me), created
                )
            )
        for event in standing(events):
            self.reactions.setdefault(event.target, []).append(event)

    def rowids_of(self, guids: set[str]) -> dict[str, int]:
        """Return the lowest rowid of each guid that a message has."""
        found: dict[str, int] = {}
        guid = self._schema.text("message", "guid")
        size = min(self._connection.max_parameters, 10_000)
        wanted = sorted(guids)
        for start in range(0, len(wanted), size):
            part = wanted[start : start + size]
            marks = ",".join("?" * len(part))
            rows = self._connection.rows(f"SELECT {guid}, ROWID FROM message WHERE guid IN ({marks})", part)
            for name, rowid in rows:
                found[name] = min(rowid, found.get(name, rowid))
        return found

    # ── attachments ──────────────────────────────────────────────────────────────────────────────

    def _load_attachments(self) -> None:
        schema = self._schema
        if not schema.has("message_attachment_join", "message_id", "attachment_id") or not schema.has("attachment"):
            return
        info = schema.raw("attachment", "user_info", "a")
        rows = self._connection.rows(
            f"SELECT j.message_id, CASE WHEN instr({info}, {TRANSCRIBED}) THEN {info} END"
            " FROM message_attachment_join j JOIN attachment a ON a.ROWID = j.attachment_id"
            " ORDER BY j.message_id, a.ROWID"
        )
        counts = self.attachment_counts
        for message, user_info in rows:
            owner = self.folded.get(message, message)
            counts[owner] = counts.get(owner, 0) + 1
            if user_info is not None and owner not in self.transcriptions:
                transcription = transcription_of(user_info)
                if transcription:
                    self.transcriptions[owner] = transcription


def transcription_of(user_info: object) -> str | None:
    """Return Apple's transcription out of an attachment's ``user_info``."""
    text = plist(user_info).get(_TRANSCRIPTION)
    return text if isinstance(text, str) and text else None


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
