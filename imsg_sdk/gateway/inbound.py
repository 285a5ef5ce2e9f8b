"""From what a program or a caller gives to the record that the gateway works on.  Pure.

Unlike the records of the client, these keep what the reference tells apart: a chat without a name from one whose
name is empty, and a chat id of 0 from none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from numbers import Integral
from typing import Any, Final

import msgspec
from msgspec import UNSET

from imsg_sdk.models import Attachment, Message
from imsg_sdk.text import trim
from imsg_sdk.wire import WireMessage

__all__ = ["MalformedMessage", "MessageLike", "read_message", "row_of"]

MessageLike = Message | WireMessage | Mapping[str, Any]


class MalformedMessage(ValueError):
    """A field of a message object has a type that no program sends; names the field, never its value."""


_TEXTS: Final = (
    "guid", "chat_identifier", "chat_guid", "chat_name", "text", "sender_name", "reply_to_guid", "reply_to_text",
    "reply_to_sender", "thread_originator_guid", "destination_caller_id", "reaction_type", "reaction_emoji",
    "reacted_to_guid", "service", "balloon_bundle_id",
)  # fmt: skip


def read_message(source: MessageLike) -> Message:
    """Return the record of a wire object, or of a record, in which every key may be missing or null.

    Raises
    ------
    MalformedMessage
        A key that the gateway reads holds a value of another type.
    """
    if isinstance(source, Message):
        return _with_own_name(source)
    if isinstance(source, WireMessage):
        source = {name: value for name, value in msgspec.structs.asdict(source).items() if value is not UNSET}
        source["attachments"] = [msgspec.to_builtins(each) for each in source["attachments"]]
    if not isinstance(source, Mapping):
        raise MalformedMessage("a message is an object or a record")
    texts: dict[str, Any] = {name: _text(source, name) for name in _TEXTS if source.get(name) is not None}
    return Message(
        rowid=_whole(source, "id") or 0,
        chat_id=_whole(source, "chat_id"),
        sender=_text(source, "sender") or "",
        is_group=_flag(source, "is_group"),
        is_from_me=_flag(source, "is_from_me"),
        is_reaction=_flag(source, "is_reaction"),
        is_reaction_add=_flag(source, "is_reaction_add") if source.get("is_reaction_add") is not None else None,
        created_at=read_date(_text(source, "created_at")),
        participants=tuple(each for each in _list(source, "participants") if isinstance(each, str)),
        attachments=tuple(_attachment(each) for each in _list(source, "attachments") if isinstance(each, Mapping)),
        **texts,
    )


def row_of(source: object) -> int:
    """Return the row that is meant: its number, or whatever has one, such as a record.

    Raises
    ------
    InvalidParams
        No row can be meant by it.
    """
    from imsg_sdk.arguments import refused

    number = source.get("rowid") if isinstance(source, Mapping) else getattr(source, "rowid", source)
    if isinstance(number, bool) or not isinstance(number, Integral) or number < 1:
        raise refused("through is no row", hint="give the rowid of a message, or its record")
    return int(number)


def _with_own_name(message: Message) -> Message:
    # The records of the client call an unnamed chat by its identifier.
    if message.is_group and message.chat_name and message.chat_name == message.chat_identifier:
        return msgspec.structs.replace(message, chat_name="")
    return message


def _attachment(source: Mapping[str, Any]) -> Attachment:
    return Attachment(
        message_rowid=0,
        path=_text(source, "original_path"),
        mime_type=_text(source, "mime_type"),
        is_missing=bool(source.get("missing")),
        filename=_text(source, "filename"),
        transfer_name=_text(source, "transfer_name"),
        uti=_text(source, "uti"),
    )


def _wrong(name: str, expected: str) -> MalformedMessage:
    return MalformedMessage(f"{name} is not {expected}")


def _text(source: Mapping[str, Any], name: str) -> str | None:
    value = source.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(name, "text")
    return value


def _flag(source: Mapping[str, Any], name: str) -> bool:
    value = source.get(name)
    if value is not None and not isinstance(value, bool):
        raise _wrong(name, "true or false")
    return bool(value)


def _whole(source: Mapping[str, Any], name: str) -> int | None:
    value = source.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise _wrong(name, "a whole number")
    return value


def _list(source: Mapping[str, Any], name: str) -> list[Any]:
    value = source.get(name)
    if value is not None and not isinstance(value, list | tuple):
        raise _wrong(name, "a list")
    return list(value or ())


def read_date(text: str | None) -> datetime | None:
    """Read a date as JavaScript does: without a zone it is local time, without a time it is UTC; unreadable is None."""
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(trim(text))
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC) if len(trim(text)) <= 10 else instant.astimezone()
        return instant.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
