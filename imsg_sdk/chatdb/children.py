"""Tables of children: tapbacks, attachments and versions of messages, as rows of their tables."""

from __future__ import annotations

import os
from collections.abc import Collection, Container
from pathlib import Path
from typing import Any, Final

from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.index import TRANSCRIBED, Index, transcription_of
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.chatdb.tapbacks import Tapback, emoji_of, type_of

__all__ = ["Row", "attachment_rows", "reaction_rows"]

Row = tuple[Any, ...]
"""A row of a table, in the order of its columns; the first one is the message."""


def reaction_rows(index: Index, messages: Container[int]) -> list[Row]:
    """Return the tapbacks that stand on `messages`, ascending by message, then by age."""
    return [
        _reaction(tapback)
        for target in sorted(index.reactions)
        if target in messages
        for tapback in index.reactions[target]
    ]


def _reaction(tapback: Tapback) -> Row:
    return (
        tapback.target,
        tapback.rowid,
        type_of(tapback.kind),
        emoji_of(tapback.kind, tapback.emoji),
        tapback.part,
        tapback.sender,
        tapback.is_from_me,
        tapback.created_at,
    )


def attachment_rows(
    connection: Connection, schema: Schema, index: Index, messages: Collection[int], home: str, *, few: bool = False
) -> list[Row]:
    """Return the attachments of `messages`, ascending by message, in the order of its parts.

    `few` says that it is worth naming the messages to SQLite.
    """
    if not schema.has("message_attachment_join", "message_id", "attachment_id") or not schema.has("attachment"):
        return []
    owners = dict.fromkeys(messages)
    previews = [preview for preview, text in index.folded.items() if text in owners] if few else []
    only = f" WHERE j.message_id IN ({','.join(map(str, (*messages, *previews)))})" if few else ""
    rows = connection.rows(
        f"SELECT {', '.join(_columns(schema))} FROM message_attachment_join j"
        f" JOIN attachment a ON a.ROWID = j.attachment_id{only}"
    )
    probe = FileProbe(home)
    found = []
    for message, rowid, guid, *rest in rows:
        owner = index.folded.get(message, message)
        if owner in owners:
            found.append(_attachment(owner, rowid, guid, rest, probe))
    found.sort(key=lambda row: row[:2])
    return found


def _columns(schema: Schema) -> list[str]:
    def text(name: str) -> str:
        return schema.text("attachment", name, "a")

    def number(name: str) -> str:
        return schema.number("attachment", name, "a", "NULL")

    info = schema.raw("attachment", "user_info", "a")
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
        schema.seconds("attachment", "created_date", "a"),
        f"CASE WHEN instr({info}, {TRANSCRIBED}) THEN {info} END",
    ]


def _attachment(message: int, rowid: int, guid: str | None, rest: list[Any], probe: FileProbe) -> Row:
    filename, transfer_name, uti, mime, size, sticker, outgoing, state, created, info = rest
    path, is_missing = probe.look(filename)
    return (
        message,
        rowid,
        guid,
        filename,
        transfer_name,
        uti,
        mime,
        size,
        bool(sticker),
        path,
        is_missing,
        None if outgoing is None else outgoing != 0,
        state,
        created,
        None if info is None else transcription_of(info),
    )


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
