"""Messages as the state file keeps them, and without a person who is to be forgotten.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from imsg_sdk._time import from_us
from imsg_sdk.addressing import normalize_handle
from imsg_sdk.models import Message

__all__ = ["COLUMNS", "concerns", "mentions", "pack", "same_person", "text_of", "unpack", "without"]

COLUMNS: Final = "guid, message_rowid, chat_id, sender, is_group, is_from_me, created_us"
"""What a message is made of where its content is gone."""

_NAMES: Final = Message.__struct_fields__
_DEFAULTS: Final = tuple(
    info.default if info.default_factory is msgspec.NODEFAULT else object() for info in msgspec.structs.fields(Message)
)


class _Text(msgspec.Struct, gc=False):
    text: str | None = None


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Message).decode
_decode_text: Final = msgspec.json.Decoder(_Text).decode


def pack(message: Message) -> bytes:
    """Return a message as JSON, without what is not set."""
    values = zip(_NAMES, msgspec.structs.astuple(message), _DEFAULTS, strict=True)
    kept = {name: value for name, value, default in values if value is not default}
    try:
        return _encode(kept)
    except (UnicodeEncodeError, OverflowError, TypeError, ValueError):
        # Half of a character pair, or a number beyond 64 bits: the message is worth more than such a detail.
        kept.pop("extra", None)
        return _encode({name: _plain(value) for name, value in kept.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__ if name != "extra"}
    return value


def unpack(content: bytes | None, columns: Sequence[Any]) -> Message:
    """Return the message of a content, or what its :data:`COLUMNS` tell where there is none any more."""
    if content is not None:
        return _decode(content)
    guid, rowid, chat_id, sender, is_group, is_from_me, created_us = columns
    return Message(
        rowid=rowid,
        guid=guid,
        chat_id=chat_id,
        sender=sender,
        is_group=None if is_group is None else bool(is_group),
        is_from_me=bool(is_from_me),
        created_at=None if created_us is None else from_us(created_us),
    )


def text_of(content: bytes | None) -> str | None:
    """Return the text of a content."""
    return None if content is None else _decode_text(content).text


def concerns(message: Message, is_person: Callable[[str | None], bool]) -> bool:
    """Tell whether a message was written by a person, or stands in the direct chat with them."""
    if is_person(message.sender):
        return True
    return not message.is_group and (
        is_person(message.chat_identifier) or any(is_person(each) for each in message.participants)
    )


def mentions(message: Message, is_person: Callable[[str | None], bool]) -> bool:
    """Tell whether a message of somebody else holds a person's handle where handles stand."""
    handles = [*message.participants, message.chat_identifier, message.reply_to_sender, message.event_person]
    handles += [reaction.sender for reaction in message.reactions]
    if message.poll is not None:
        handles += [voter for _, voter in message.poll.votes]
    return any(is_person(each) for each in handles)


def without(message: Message, is_person: Callable[[str | None], bool]) -> Message:
    """Return a message of somebody else without what it holds of a person; unknown keys go too."""
    quotes = is_person(message.reply_to_sender)
    return msgspec.structs.replace(
        message,
        participants=tuple(each for each in message.participants if not is_person(each)),
        chat_identifier=None if is_person(message.chat_identifier) else message.chat_identifier,
        event_person=None if is_person(message.event_person) else message.event_person,
        reply_to_sender=None if quotes else message.reply_to_sender,
        reply_to_text=None if quotes else message.reply_to_text,
        reactions=tuple(each for each in message.reactions if not is_person(each.sender)),
        poll=None,
        extra={},
    )


def same_person(handle: str) -> Callable[[str | None], bool]:
    """Return a function that tells whether a handle is this one, in any spelling."""
    wanted = normalize_handle(handle)
    return lambda other: other is not None and normalize_handle(other) == wanted
