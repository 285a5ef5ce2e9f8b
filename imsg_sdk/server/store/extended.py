"""The key ``x`` and the methods ``x.…``: what is known of a row and the objects of the program leave out.

Only a server started with ``--extended`` comes here.  The columns are those of :mod:`imsg_sdk.columns`, as
:mod:`imsg_sdk.chatdb` reads them; a column that an object already says rightly is not repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from msgspec import UNSET

from imsg_sdk.chatdb.packing import rows_of
from imsg_sdk.chatdb.query import Query
from imsg_sdk.chatdb.reader import ChatDb
from imsg_sdk.columns import CHATS, Batch
from imsg_sdk.errors import ImsgError, InvalidParams
from imsg_sdk.server.rows.database import Database, StoreError
from imsg_sdk.wire import WireAttachment, WireChat, WireMessage

__all__ = ["Extension"]

_T = TypeVar("_T")

_MESSAGE_KEYS: Final = {
    "rowid": "id",
    "guid": "guid",
    "chat_id": "chat_id",
    "chat_identifier": "chat_identifier",
    "is_group": "is_group",
    "sender": "sender",
    "is_from_me": "is_from_me",
    "text": "text",
    "is_read": "is_read",
    "thread_originator_guid": "thread_originator_guid",
    "reply_to_guid": "reply_to_guid",
    "destination_caller_id": "destination_caller_id",
    "balloon_bundle_id": "balloon_bundle_id",
}
_MESSAGE_WITHOUT_KEY: Final = (
    "kind",
    "created_at",
    "read_at",
    "chat_name",
    "url_preview_guid",
    "thread_originator_part",
)
"""Columns that a client derives from several keys, or from one by rules; said always, None included."""
_ATTACHMENT_KEYS: Final = {
    "filename": "filename",
    "transfer_name": "transfer_name",
    "uti": "uti",
    "mime_type": "mime_type",
    "total_bytes": "total_bytes",
    "is_sticker": "is_sticker",
    "path": "original_path",
    "is_missing": "missing",
}
_CHAT_KEYS: Final = {
    "chat_id": "id",
    "guid": "guid",
    "identifier": "identifier",
    "service": "service",
    "is_group": "is_group",
    "participants": "participants",
    "account_id": "account_id",
    "account_login": "account_login",
    "last_addressed_handle": "last_addressed_handle",
    "unread_count": "unread_count",
}


class Extension:
    """Adds what is true to what the program would say; used under the lock of `database`."""

    def __init__(self, database: Database, home: str) -> None:
        self._database = database
        self._home = home
        self._reader: ChatDb | None = None

    def close(self) -> None:
        """Close the second connection, if there is one."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def add_to_messages(self, messages: Sequence[WireMessage]) -> None:
        """Give every message and attachment its ``x``."""
        known = self._ask(lambda reader: reader.columns_of(message.id for message in messages))
        for message in messages:
            columns = known.get(message.id)
            if columns is None:
                message.x = {}  # deleted between the two readings
                continue
            extra = _differing(message, columns, _MESSAGE_KEYS)
            for name in _MESSAGE_WITHOUT_KEY:
                extra[name] = columns.get(name)
            extra["reactions"] = columns.get("reactions", [])
            extra["attachments"] = files = columns.get("attachments", [])
            message.x = extra
            by_rowid = {file["rowid"]: file for file in files}
            for attachment in message.attachments:
                _add_to_attachment(attachment, by_rowid)

    def add_to_chats(self, chats: Sequence[WireChat]) -> None:
        """Give every chat its ``x``."""
        wanted = Query(chat_ids=[chat.id for chat in chats])
        batches = self._ask(lambda reader: list(reader.read(CHATS.name, wanted)))
        known = {row["chat_id"]: row for batch in batches for row in _rows(batch)}
        for chat in chats:
            columns = known.get(chat.id)
            chat.x = _differing(chat, columns, _CHAT_KEYS) if columns else {}

    def warm(self, rowid: int) -> None:
        """Learn what ties the rows together, by asking for one."""
        self._ask(lambda reader: reader.columns_of([rowid]))

    def page(self, table: str, query: Query, cursor: str | None, page_rows: int) -> tuple[Batch, str | None]:
        """Return one page of a table of the one schema."""
        return self._ask(lambda reader: reader.page(table, query, cursor, page_rows))

    def _ask(self, question: Callable[[ChatDb], _T]) -> _T:
        """Ask the reader of the true content, opening it on first use."""
        try:
            if self._reader is None:
                reader = ChatDb.open(self._database.path, home=self._home)
                if not self._database.is_current():
                    reader.close()
                    raise StoreError("the database was replaced (code: 10)", 10)
                self._reader = reader
            return question(self._reader)
        except InvalidParams as error:
            raise ValueError(str(error)) from None
        except ImsgError as error:
            raise StoreError(error.message) from None


def _differing(wire: Any, columns: dict[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    """Return the columns that no key says, and those whose key says something else, None included."""
    extra = {name: value for name, value in columns.items() if name not in keys and value is not None}
    for name, key in keys.items():
        said, known = getattr(wire, key), columns.get(name)
        if said is UNSET:
            said = None
        if known != said and not (known is None and said == ""):
            extra[name] = known
    return extra


def _add_to_attachment(attachment: WireAttachment, by_rowid: dict[int, dict[str, Any]]) -> None:
    rowid = attachment.x["rowid"] if attachment.x is not UNSET else None
    columns = by_rowid.get(rowid, {}) if rowid is not None else {}
    attachment.x = _differing(attachment, columns, _ATTACHMENT_KEYS) if columns else {"rowid": rowid}


def _rows(batch: Batch) -> list[dict[str, Any]]:
    columns = [rows_of(column, batch.rows) for column in batch.columns.values()]
    return [dict(zip(batch.columns, values, strict=True)) for values in zip(*columns, strict=True)]
