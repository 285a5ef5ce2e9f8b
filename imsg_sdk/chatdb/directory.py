"""Who and where: the handles and chats of a file, both small enough to be read whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.schema import Schema

__all__ = ["ChatRow", "Directory"]

_GROUP_STYLE = 43
_DIRECT_STYLE = 45

_Rows = tuple[Sequence[tuple[Any, ...]], Sequence[tuple[Any, ...]]]


class ChatRow(NamedTuple):
    """One row of ``chat``, read by its meaning."""

    rowid: int
    guid: str | None
    identifier: str | None
    display_name: str | None
    service: str | None
    is_group: bool
    account_id: str | None
    account_login: str | None
    last_addressed_handle: str | None
    group_id: str | None
    is_archived: bool | None
    is_filtered: bool | None

    @property
    def name(self) -> str | None:
        """Return the name given to the chat, else its identifier."""
        return self.display_name or self.identifier


class Directory:
    """Handles and chats by rowid."""

    def __init__(self, handles: dict[int, str], chats: dict[int, ChatRow], rows: _Rows = ((), ())) -> None:
        self.handles = handles
        self.chats = chats
        self.names = list(dict.fromkeys(handles.values()))
        """Distinct handles."""
        position = {name: code for code, name in enumerate(self.names)}
        self.name_codes = {rowid: position[name] for rowid, name in handles.items()}
        """Position in `names` by the rowid of the handle."""
        self._rows = rows

    @classmethod
    def load(cls, connection: Connection, schema: Schema, before: Directory | None = None) -> Directory:
        """Read both tables; where they are as they were `before`, that is the answer."""
        rows = _handles(connection, schema), _chats(connection, schema)
        if before is not None and before._rows == rows:
            return before
        handles = {rowid: str(name) for rowid, name in rows[0] if name}
        return cls(handles, {row[0]: _chat(row) for row in rows[1]}, rows)

    def extends(self, before: Directory) -> bool:
        """Tell whether nothing known `before` has gone, and no handle has changed."""
        if self is before:
            return True
        return self.handles.items() >= before.handles.items() and self.chats.keys() >= before.chats.keys()

    def handle_rowids(self, handles: list[str]) -> list[int]:
        """Return the rowids whose handle equals one of `handles`, ASCII case ignored."""
        wanted = {_ascii_lower(handle) for handle in handles}
        return [rowid for rowid, name in self.handles.items() if _ascii_lower(name) in wanted]


def _ascii_lower(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def _handles(connection: Connection, schema: Schema) -> Sequence[tuple[Any, ...]]:
    if not schema.has("handle", "id"):
        return ()
    return connection.rows(f"SELECT ROWID, {schema.text('handle', 'id')} FROM handle")


def _chats(connection: Connection, schema: Schema) -> Sequence[tuple[Any, ...]]:
    if not schema.has("chat"):
        return ()
    text = ("guid", "chat_identifier", "display_name", "service_name")
    more = ("account_id", "account_login", "last_addressed_handle", "group_id")
    numbers = ("style", "is_archived", "is_filtered")
    columns = [schema.text("chat", name) for name in text + more]
    columns += [schema.number("chat", name, default="NULL") for name in numbers]
    return connection.rows(f"SELECT ROWID, {', '.join(columns)} FROM chat ORDER BY ROWID")


def _chat(row: tuple[object, ...]) -> ChatRow:
    rowid, *texts, style, archived, filtered = row
    assert isinstance(rowid, int)
    guid, identifier, name, service, account_id, login, addressed, group_id = (
        None if value is None else str(value) for value in texts
    )
    return ChatRow(
        rowid,
        guid,
        identifier,
        name,
        service,
        _is_group(style, guid, identifier),
        account_id,
        login,
        addressed,
        group_id,
        None if archived is None else archived != 0,
        None if filtered is None else filtered != 0,
    )


def _is_group(style: object, guid: str | None, identifier: str | None) -> bool:
    """Tell groups by the stored style; files too old to have it show it in the guid."""
    if style in (_GROUP_STYLE, _DIRECT_STYLE):
        return style == _GROUP_STYLE
    return ";+;" in (guid or "") or ";+;" in (identifier or "")
