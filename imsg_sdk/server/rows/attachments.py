"""Attachment objects: paths, and whether the files are there."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from imsg_sdk.server.paths import expand_home
from imsg_sdk.server.rows.database import Database
from imsg_sdk.server.rows.reader import chunks
from imsg_sdk.wire import WireAttachment

__all__ = ["AttachmentReader"]


class AttachmentReader:
    """Reads the attachments of messages; with `extended`, ``x`` names the row of each."""

    def __init__(self, database: Database, home: str, *, extended: bool) -> None:
        self._db = database
        self._home = home
        self._extended = extended

    def of(self, message_ids: Iterable[int]) -> dict[int, list[WireAttachment]]:
        """Return the attachments of each message that has any, in the order of the join table."""
        found: dict[int, list[WireAttachment]] = {}
        for chunk in chunks(sorted(set(message_ids))):
            marks = ",".join("?" * len(chunk))
            rows = self._db.rows(
                "SELECT maj.message_id, a.ROWID, a.filename, a.transfer_name, a.uti, a.mime_type,"
                " a.total_bytes, a.is_sticker FROM message_attachment_join maj"
                " JOIN attachment a ON a.ROWID = maj.attachment_id"
                f" WHERE maj.message_id IN ({marks}) ORDER BY maj.message_id, maj.ROWID",
                chunk,
            )
            for message_id, rowid, *values in rows:
                attachment = self._object(*values)
                if self._extended:
                    attachment.x = {"rowid": rowid}
                found.setdefault(message_id, []).append(attachment)
        return found

    def _object(
        self, filename: Any, transfer_name: Any, uti: Any, mime_type: Any, size: Any, sticker: Any
    ) -> WireAttachment:
        name = _text(filename)
        path = expand_home(name, self._home)
        return WireAttachment(
            filename=name,
            transfer_name=_text(transfer_name),
            uti=_text(uti),
            mime_type=_text(mime_type),
            total_bytes=size if isinstance(size, int) else 0,
            is_sticker=bool(sticker),
            original_path=path,
            missing=not path or not _is_file(path),
        )


def _is_file(path: str) -> bool:
    try:
        return not stat.S_ISDIR(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
