"""Tables of children: tapbacks and attachments of messages, column by column, ascending by message."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.index import Index, chunks
from imsg_sdk.chatdb.plists import read_plist
from imsg_sdk.chatdb.schema import Schema

__all__ = ["AttachmentReader", "Columns", "transcriptions"]

Columns = list[list[Any]]
"""A table column by column; the first one is the message."""

_PLACE_BITS: Final = 32
"""Enough for a place in the longest body SQLite can hold."""
_TRANSCRIPTION: Final = "audio-transcription"
_TRANSCRIBED: Final = f"CAST('{_TRANSCRIPTION}' AS BLOB)"
"""SQL of the bytes that a ``user_info`` with a transcription contains."""


def transcriptions(connection: Connection, schema: Schema, messages: Iterable[int]) -> dict[int, str]:
    """Return Apple's transcriptions of voice messages, by message."""
    if not schema.has_attachments or not schema.has("attachment", "user_info"):
        return {}
    found: dict[int, str] = {}
    for chunk in chunks(messages):
        rows = connection.rows(
            "SELECT j.message_id, a.user_info FROM message_attachment_join j"
            " JOIN attachment a ON a.ROWID = j.attachment_id"
            f" WHERE j.message_id IN ({chunk}) AND instr(a.user_info, {_TRANSCRIBED})"
            " ORDER BY j.message_id, a.ROWID"
        )
        for message, info in rows:
            text = _transcription(info)
            if text:
                found.setdefault(message, text)
    return found


def _transcription(user_info: object) -> str | None:
    text = read_plist(user_info).get(_TRANSCRIPTION)
    return text if isinstance(text, str) and text else None


class AttachmentReader:
    """Reads the table of attachments of one file."""

    def __init__(self, connection: Connection, schema: Schema, home: str) -> None:
        self._connection = connection
        self._schema = schema
        self._home = home

    def columns(self, index: Index, keep: Callable[[int], bool], few: Collection[int] | None = None) -> Columns:
        """Return the attachments of the messages that `keep` accepts, each message's in the order of its parts.

        `few` names the messages, where it is worth naming them to SQLite.
        """
        if not self._schema.has_attachments:
            return []
        folded = index.folded
        only = "1"
        if few is not None:
            previews = [preview for preview, text in folded.items() if keep(text)]
            only = f"j.message_id IN ({','.join(map(str, (*few, *previews)))})"
        scan = self._connection.scan(
            f"SELECT {', '.join(self._expressions())} FROM message_attachment_join j"
            f" JOIN attachment a ON a.ROWID = j.attachment_id WHERE {only} ORDER BY j.message_id, a.ROWID",
            (),
            (lambda message: keep(folded.get(message, message))) if folded else keep,
        )
        return self._complete(self._in_order(scan.columns, folded))

    def _expressions(self) -> list[str]:
        def text(name: str) -> str:
            return self._schema.text("attachment", name, "a")

        def number(name: str) -> str:
            return self._schema.number("attachment", name, "a", "NULL")

        info = self._schema.raw("attachment", "user_info", "a")
        return [
            "j.message_id",
            "a.ROWID",
            text("guid"),
            text("filename"),
            text("transfer_name"),
            text("uti"),
            text("mime_type"),
            number("total_bytes"),
            number("is_sticker"),
            number("is_outgoing"),
            number("transfer_state"),
            self._schema.seconds("attachment", "created_date", "a"),
            f"CASE WHEN {info} IS NOT NULL AND instr({info}, {_TRANSCRIBED}) THEN {info} END",
        ]

    def _in_order(self, columns: Columns, folded: Mapping[int, int]) -> Columns:
        """Put the attachments of previews with their texts, and those of a message in the order of its parts."""
        messages = columns[0]
        if folded:
            messages = columns[0] = [folded.get(message, message) for message in messages]
        several = {message for message, before in zip(messages[1:], messages, strict=False) if message == before}
        places = self._places_in_bodies(several, columns)
        # One number to sort by: a tuple for each row would wake the garbage collector.
        keys = [message << _PLACE_BITS | places.get(at, 0) for at, message in enumerate(messages)]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        if order == list(range(len(keys))):
            return columns
        return [list(map(column.__getitem__, order)) for column in columns]

    def _places_in_bodies(self, messages: set[int], columns: Columns) -> dict[int, int]:
        """Return where the guids of attachments stand in the bodies of their messages, by row."""
        if not messages or not self._schema.has("message", "attributedbody"):
            return {}
        bodies: dict[int, bytes] = {}
        for chunk in chunks(messages):
            rows = self._connection.rows(
                f"SELECT ROWID, CAST(attributedBody AS BLOB) FROM message WHERE ROWID IN ({chunk})"
            )
            bodies |= {rowid: body for rowid, body in rows if body}
        named = enumerate(zip(columns[0], columns[2], strict=True))
        return {
            at: 1 + bodies[message].find(guid.encode()) for at, (message, guid) in named if guid and message in bodies
        }

    def _complete(self, columns: Columns) -> Columns:
        """Add what the file does not say: where the attachment lies and whether it is there."""
        message, rowid, guid, filename, name, uti, mime, size, sticker, outgoing, state, created, info = columns
        probe = FileProbe(self._home)
        looked = [probe.look(path) for path in filename]
        return [
            message,
            rowid,
            guid,
            filename,
            name,
            uti,
            mime,
            size,
            [bool(value) for value in sticker],
            [path for path, _ in looked],
            [is_missing for _, is_missing in looked],
            [None if value is None else value != 0 for value in outgoing],
            state,
            created,
            [None if value is None else _transcription(value) for value in info],
        ]


class FileProbe:
    """Where an attachment lies on this machine, and whether it is there."""

    _STORE: Final = "~/Library/Messages/Attachments/"

    def __init__(self, home: str) -> None:
        self._home = home.rstrip("/")
        self._has_store = os.path.isdir(self._expanded(self._STORE))  # noqa: PTH112

    def look(self, filename: str | None) -> tuple[str | None, bool]:
        """Return the absolute path and whether no file is there."""
        if not filename:
            return None, True
        path = self._expanded(filename)
        if not self._has_store and filename.startswith(self._STORE):
            return path, True
        try:
            return path, not Path(path).is_file()
        except (OSError, ValueError):
            return path, True

    def _expanded(self, filename: str) -> str:
        return self._home + filename[1:] if filename.startswith("~/") else filename
