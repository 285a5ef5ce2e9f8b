"""Rows of the table ``message`` as the programs decode them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from imsg_sdk.chatdb.imsg_text import decode_body
from imsg_sdk.chatdb.polls import POLLS_BUNDLE, VOTE_TYPE
from imsg_sdk.server.rows.database import Database
from imsg_sdk.server.rows.directory import Directory
from imsg_sdk.server.rows.instants import stored_date

__all__ = ["URL_BALLOON", "MessageRow", "RowReader", "chunks", "hidden", "normal_guid"]

URL_BALLOON: Final = "com.apple.messages.URLBalloonProvider"
_CHUNK: Final = 500
"""Parameters of one query; older builds of SQLite take 999 at most."""


class MessageRow(msgspec.Struct, gc=False):
    """One decoded row.  Texts that are missing are empty, ``date`` is whole nanoseconds since 2001."""

    rowid: int
    chat_id: int
    handle_id: int | None
    text: str
    body: bytes | None
    date: int
    is_from_me: bool
    guid: str
    associated_guid: str
    associated_type: int | None
    destination: str
    is_audio: int
    originator: str
    originator_part: str
    reply_to: str
    balloon: str
    is_read: int | None
    date_read: int | None
    payload: bytes | None
    summary: bytes | None
    sender: str = ""
    is_reaction: bool = False
    """One of the fourteen tapbacks."""

    @property
    def is_aside(self) -> bool:
        """Whether the row is never the text of a link preview: a tapback, or of a type that hides like one."""
        return self.associated_type is not None and 2000 <= self.associated_type <= 3006


class RowReader:
    """Reads and decodes rows of one database."""

    def __init__(self, database: Database, directory: Directory) -> None:
        self._db = database
        self._directory = directory
        has = database.has
        column = database.column
        self.has_reactions = has("message", "guid", "associated_message_guid", "associated_message_type")
        self.has_balloons = has("message", "balloon_bundle_id")
        kind = column("associated_message_type") if self.has_reactions else "NULL"
        balloon = column("balloon_bundle_id")
        is_poll = f"({balloon} LIKE '%{POLLS_BUNDLE}' OR {kind} = {VOTE_TYPE})"
        has_text = "typeof(m.text) = 'text' AND length(m.text) > 0"
        self.destination = column("destination_caller_id")
        self._columns = ", ".join(
            (
                "m.handle_id",
                "m.text",
                f"CASE WHEN {has_text} THEN NULL ELSE {column('attributedBody')} END",
                "m.date",
                "m.is_from_me",
                _text(column("guid") if self.has_reactions else "''"),
                _text(column("associated_message_guid") if self.has_reactions else "''"),
                f"CASE WHEN typeof({kind}) = 'integer' THEN {kind} END",
                _text(self.destination),
                column("is_audio_message", "0"),
                _text(column("thread_originator_guid")),
                _text(column("thread_originator_part")),
                _text(column("reply_to_guid")),
                _text(balloon),
                column("is_read"),
                column("date_read"),
                f"CASE WHEN {is_poll} THEN {column('payload_data')} END",
                f"CASE WHEN {is_poll} THEN {column('message_summary_info')} END",
            )
        )

    @property
    def not_hidden(self) -> str:
        """Return the condition that leaves tapbacks out, as ``AND …`` or nothing."""
        return hidden("m", self.has_reactions)

    def read(self, tail: str, parameters: Sequence[Any] = (), *, chat: str = "0") -> list[MessageRow]:
        """Run ``SELECT rowid, chat, … FROM message m`` + `tail` and decode the rows."""
        sql = f"SELECT m.ROWID, {chat}, {self._columns} FROM message m {tail}"
        rows = [MessageRow(*row) for row in self._db.rows(sql, parameters)]
        self._decode(rows)
        return rows

    def by_guid(self, guids: Iterable[str]) -> dict[str, MessageRow]:
        """Return rows by their guid, also where `MessageRow.guid` stays empty for want of other columns."""
        found: dict[str, MessageRow] = {}
        if self._db.has("message", "guid"):
            for chunk in chunks(list(guids)):
                marks = ",".join("?" * len(chunk))
                for row in self.read(f"WHERE m.guid IN ({marks})", chunk, chat="m.guid"):
                    found.setdefault(str(row.chat_id), row)
                    row.chat_id = 0
        return found

    def _decode(self, rows: list[MessageRow]) -> None:
        handles = self._directory.handles()
        can_transcribe = self._db.has("attachment", "user_info")
        for row in rows:
            text = row.text
            if text.__class__ is not str:
                text = ""
            elif "\0" in text:
                text = text.partition("\0")[0]
            if not text and isinstance(row.body, bytes):
                text = decode_body(row.body)
            if row.is_audio and can_transcribe:
                text = self._transcription(row.rowid) or text
            row.text = text
            row.body = None
            if row.date.__class__ is not int:
                row.date = stored_date(row.date)
            row.is_from_me = bool(row.is_from_me)
            row.sender = handles.get(row.handle_id) or row.destination
            kind = row.associated_type
            if kind and 2000 <= kind <= 3006:
                row.is_reaction = kind <= 2006 or kind >= 3000

    def _transcription(self, rowid: int) -> str:
        user_info = self._db.value(
            "SELECT a.user_info FROM message_attachment_join maj JOIN attachment a ON a.ROWID = maj.attachment_id"
            " WHERE maj.message_id = ? LIMIT 1",
            (rowid,),
        )
        return transcription(user_info)


def transcription(user_info: Any) -> str:
    """Return Apple's transcription of a voice message, empty if there is none."""
    from imsg_sdk.chatdb.payloads import read_plist

    found = read_plist(user_info) if isinstance(user_info, bytes) else None
    text = found.get("audio-transcription") if isinstance(found, dict) else None
    return text if isinstance(text, str) else ""


def hidden(alias: str, has_reactions: bool) -> str:
    """Return ``AND …`` that leaves out the types 2000 to 3006, as the programs do up to 0.14."""
    if not has_reactions:
        return ""
    kind = f"{alias}.associated_message_type"
    return f" AND ({kind} IS NULL OR {kind} < 2000 OR {kind} > 3006)"


def normal_guid(guid: str) -> str:
    """Return what stands behind the last slash, or everything where nothing does."""
    return guid.rpartition("/")[2] or guid


def chunks(values: Sequence[Any], size: int = _CHUNK) -> Iterable[Sequence[Any]]:
    """Cut a sequence into pieces that one query takes."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _text(column: str) -> str:
    """Return SQL that reads as text what is text, and everything else as empty."""
    return f"CASE WHEN typeof({column}) = 'text' THEN {column} ELSE '' END"
