"""From the wire to records: the one place where answers are decoded.

An answer is decoded into the structs of :mod:`imsg_sdk.wire`, strictly and fast.  What does not fit, because
a program is older or newer than we know, goes through the same structs once more: missing keys get their
empty value, unknown ones are kept in ``extra``.  Nothing is guessed: what a program does not say is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from imsg_sdk._time import from_us
from imsg_sdk.columns import ATTACHMENTS, CHATS, MESSAGES, REACTIONS, Kind, Table
from imsg_sdk.errors import ProtocolError
from imsg_sdk.models import Attachment, Chat, Message, Poll, Reaction, ScheduledMessage, SendStatus, Stats
from imsg_sdk.rpc.protocol import UNREADABLE, decode_result
from imsg_sdk.wire import WireAttachment, WireChat, WireMessage, WireReaction, WireUrlPreview

__all__ = [
    "decode_chats",
    "decode_message_line",
    "decode_messages",
    "decode_notification",
    "decode_page",
    "decode_scheduled",
    "decode_send_status",
    "decode_stats",
    "instant",
]

T = TypeVar("T")
_NO_DATE = "2001-01-01T00:00:00.000Z"
_LINK = "com.apple.messages.URLBalloonProvider"
_POLL_KINDS = {"created": "poll", "vote": "poll_vote"}


class _Reaction(WireReaction, kw_only=True, gc=False, forbid_unknown_fields=True):
    pass


class _Attachment(WireAttachment, kw_only=True, gc=False, forbid_unknown_fields=True):
    pass


class _Preview(WireUrlPreview, kw_only=True, gc=False, forbid_unknown_fields=True):
    pass


class _Message(WireMessage, kw_only=True, gc=False, forbid_unknown_fields=True):
    attachments: list[_Attachment]  # type: ignore[assignment]
    reactions: list[_Reaction]  # type: ignore[assignment]
    url_preview: _Preview | UnsetType = UNSET


class _Chat(WireChat, kw_only=True, gc=False, forbid_unknown_fields=True):
    pass


class _Messages(msgspec.Struct, forbid_unknown_fields=True):
    messages: list[_Message]
    next_rowid: int = 0
    has_more: bool = False


class _Chats(msgspec.Struct, forbid_unknown_fields=True):
    chats: list[_Chat]


class _Notice(msgspec.Struct, forbid_unknown_fields=True):
    subscription: int
    message: _Message


_messages = msgspec.json.Decoder(_Messages)
_chats = msgspec.json.Decoder(_Chats)
_message_line = msgspec.json.Decoder(_Message)
_notice = msgspec.json.Decoder(_Notice)


def decode_messages(answer: bytes | msgspec.Raw, *, attachments: bool = False, reactions: bool = True) -> list[Message]:
    """Return the messages of an answer, in its order.

    Parameters
    ----------
    answer
        The ``result`` of ``messages.history``, ``messages.after`` or ``messages.search``.
    attachments, reactions
        Whether the program fills these lists in this answer; otherwise their numbers are unknown.
    """
    return decode_page(answer, attachments=attachments, reactions=reactions)[0]


def decode_page(
    answer: bytes | msgspec.Raw, *, attachments: bool = False, reactions: bool = True
) -> tuple[list[Message], int, bool]:
    """Return messages, ``next_rowid`` and ``has_more`` of ``messages.after``."""
    try:
        page = _messages.decode(answer)
    except UNREADABLE:
        tree = _tree(answer)
        records = [_loose_message(each, attachments, reactions) for each in _list(tree, "messages")]
        return records, _int(tree.get("next_rowid")), tree.get("has_more") is True
    return [_message(each, attachments, reactions) for each in page.messages], page.next_rowid, page.has_more


def decode_message_line(line: bytes, *, attachments: bool = True, reactions: bool = True) -> Message:
    """Return the message of one line of the commands ``history --json`` and ``search --json``.

    The first fills both lists whether asked to or not; the second fills neither.
    """
    try:
        return _message(_message_line.decode(line), attachments, reactions)
    except UNREADABLE:
        return _loose_message(_tree(line), attachments, reactions)


def decode_notification(params: bytes | msgspec.Raw, *, attachments: bool, reactions: bool) -> Message:
    """Return the message of a ``message`` notification."""
    try:
        return _message(_notice.decode(params).message, attachments, reactions)
    except UNREADABLE:
        return _loose_message(_tree(params).get("message"), attachments, reactions)


def decode_chats(answer: bytes | msgspec.Raw) -> list[Chat]:
    """Return the chats of an answer to ``chats.list``, in its order."""
    try:
        return [_chat(each) for each in _chats.decode(answer).chats]
    except UNREADABLE:
        return [_loose_chat(each) for each in _list(_tree(answer), "chats")]


def decode_scheduled(answer: bytes | msgspec.Raw) -> list[ScheduledMessage]:
    """Return the messages that wait to be sent, soonest first."""
    return [_scheduled(each) for each in _list(_tree(answer), "messages")]


def decode_send_status(answer: bytes | msgspec.Raw) -> SendStatus:
    """Return the answer to ``message.send_status``."""
    tree = _tree(answer)
    return SendStatus(
        guid=_text(tree.pop("guid", None)) or "",
        send_state=_text(tree.pop("send_state", None)) or "pending",
        service=_text(tree.pop("service", None)),
        delivered_at=instant(tree.pop("delivered_at", None)),
        extra={key: value for key, value in tree.items() if key != "ok"},
    )


def decode_stats(answer: bytes | msgspec.Raw) -> Stats:
    """Return the answer to ``messages.stats``."""
    tree = _tree(answer)
    known = {name: tree.pop(name) for name in Stats.__struct_fields__ if name in tree and name != "extra"}
    return _convert({**known, "extra": tree}, Stats, Stats.__name__)


def instant(text: object) -> datetime | None:
    """Read a date of the wire; the programs write Apple's epoch where the database has no date."""
    if not isinstance(text, str) or text == _NO_DATE or not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _message(wire: WireMessage, attachments: bool, reactions: bool, extra: dict[str, Any] | None = None) -> Message:
    rowid = wire.id
    chat_id = wire.chat_id or None
    values: dict[str, Any] = {
        "rowid": rowid,
        "guid": wire.guid or None,
        "chat_id": chat_id,
        "chat_ids": (chat_id,) if chat_id else (),
        "chat_identifier": wire.chat_identifier or None,
        "chat_name": wire.chat_name or wire.chat_identifier or None,
        "is_group": wire.is_group if chat_id else None,
        "sender": None if wire.is_from_me else wire.sender or None,
        "is_from_me": wire.is_from_me,
        "kind": _kind(wire),
        "text": wire.text or None,
        "created_at": instant(wire.created_at),
        "n_attachments": len(wire.attachments) if attachments else None,
        "n_reactions": len(wire.reactions) if reactions else None,
        "chat_guid": wire.chat_guid or None,
        "participants": tuple(wire.participants),
    }
    for name in _SAME:
        if (value := getattr(wire, name)) is not UNSET:
            values[name] = value
    if wire.reactions:
        values["reactions"] = tuple([_reaction(each, rowid) for each in wire.reactions])
    if wire.attachments and attachments:
        values["attachments"] = tuple([_attachment(each, rowid) for each in wire.attachments])
    _add_rare(wire, values)
    if extra:
        values["extra"] = extra
    if wire.x is not UNSET:
        _add_extended(values, wire.x, MESSAGES)
    return Message(**values)


_SAME = (
    "sender_name",
    "reply_to_guid",
    "thread_originator_guid",
    "reply_to_text",
    "reply_to_sender",
    "destination_caller_id",
    "balloon_bundle_id",
    "is_read",
    "is_reaction",
    "reaction_type",
    "reaction_emoji",
    "is_reaction_add",
    "reacted_to_guid",
)


def _add_rare(wire: WireMessage, values: dict[str, Any]) -> None:
    if wire.thread_originator_part is not UNSET:
        values["thread_originator_part"] = _part(wire.thread_originator_part)
    if wire.date_read is not UNSET:
        values["read_at"] = instant(wire.date_read)
    if wire.url_preview is not UNSET:
        values["url_preview_guid"] = wire.url_preview.guid or None
    if wire.poll is not UNSET:
        values["poll"] = _poll(wire.poll)


def _kind(wire: WireMessage) -> str | None:
    """Say what the keys prove; a row without any of them may be a message or an event."""
    if wire.poll is not UNSET:
        kind = _POLL_KINDS.get(wire.poll.get("kind", ""))
        return "poll_update" if kind == "poll" and wire.poll.get("original_guid") else kind
    if wire.balloon_bundle_id is not UNSET:
        return "link" if wire.balloon_bundle_id == _LINK else "app"
    return None


def _part(text: str) -> int | None:
    """Read the part of ``0:0:12``: the first number."""
    head = text.partition(":")[0]
    return int(head) if head.isascii() and head.isdigit() and len(head) < 10 else None


def _reaction(wire: WireReaction, message_rowid: int, extra: dict[str, Any] | None = None) -> Reaction:
    return Reaction(
        message_rowid=message_rowid,
        rowid=wire.id,
        type=wire.type,
        emoji=wire.emoji or None,
        sender=None if wire.is_from_me else wire.sender or None,
        is_from_me=wire.is_from_me,
        created_at=instant(wire.created_at),
        extra=extra or {},
    )


def _attachment(wire: WireAttachment, message_rowid: int, extra: dict[str, Any] | None = None) -> Attachment:
    extra = dict(extra or {})
    for name in ("converted_path", "converted_mime_type"):
        if (value := getattr(wire, name)) is not UNSET:
            extra[name] = value
    values: dict[str, Any] = {
        "message_rowid": message_rowid,
        "filename": wire.filename or None,
        "transfer_name": wire.transfer_name or None,
        "uti": wire.uti or None,
        "mime_type": wire.mime_type or None,
        "total_bytes": wire.total_bytes,
        "is_sticker": wire.is_sticker,
        "path": wire.original_path or None,
        "is_missing": wire.missing,
        "extra": extra,
    }
    if wire.x is not UNSET:
        _add_extended(values, wire.x, ATTACHMENTS)
    return Attachment(**values)


def _chat(wire: WireChat, extra: dict[str, Any] | None = None) -> Chat:
    contact = None if wire.contact_name is UNSET else wire.contact_name
    given = wire.name if wire.name != wire.identifier else ""
    values: dict[str, Any] = {
        "chat_id": wire.id,
        "guid": None if wire.guid is UNSET else wire.guid or None,
        "identifier": wire.identifier or None,
        "name": given or contact or wire.identifier or None,
        "contact_name": contact,
        "service": wire.service or None,
        "is_group": wire.is_group,
        "participants": tuple(wire.participants),
        "n_participants": len(wire.participants),
        "last_message_at": instant(wire.last_message_at),
        "extra": extra or {},
    }
    for name in ("unread_count", "account_id", "account_login", "last_addressed_handle"):
        if (value := getattr(wire, name)) is not UNSET:
            values[name] = value
    if wire.x is not UNSET:
        _add_extended(values, wire.x, CHATS)
    return Chat(**values)


def _poll(tree: dict[str, Any]) -> Poll:
    rest = dict(tree)
    options, votes = rest.pop("options", None) or (), rest.pop("votes", None) or ()
    return Poll(
        kind=_text(rest.pop("kind", None)) or "unknown",
        poll_guid=_text(rest.pop("poll_guid", None)),
        question=_text(rest.pop("question", None)),
        options=tuple((str(each.get("id", "")), str(each.get("text", ""))) for each in _dicts(options)),
        votes=tuple((str(each.get("option_id", "")), _text(each.get("participant"))) for each in _dicts(votes)),
        extra=rest,
    )


def _scheduled(tree: dict[str, Any]) -> ScheduledMessage:
    rest = dict(tree)
    return ScheduledMessage(
        rowid=_int(rest.pop("id", None)),
        guid=_text(rest.pop("guid", None)),
        chat_id=_int(rest.pop("chat_id", None)) or None,
        chat_name=_text(rest.pop("chat_name", None)) or _text(rest.get("chat_identifier")),
        text=_text(rest.pop("text", None)),
        service=_text(rest.pop("service", None)),
        scheduled_at=instant(rest.pop("scheduled_at", None)),
        extra=rest,
    )


# ---- keys of our own server -------------------------------------------------------------------------------------


def _add_extended(values: dict[str, Any], extended: dict[str, Any], table: Table) -> None:
    """Let the columns that our own server adds win over what the wire's keys say."""
    readers = _readers(table)
    for name, value in extended.items():
        if name in readers:
            values[name] = _read(readers[name], value)
        elif name == "reactions":
            values[name] = _children(value, Reaction, REACTIONS)
        elif name == "attachments":
            values[name] = _children(value, Attachment, ATTACHMENTS)
        else:
            values.setdefault("extra", {})[name] = value


def _children(rows: Iterable[dict[str, Any]], kind: Callable[..., T], table: Table) -> tuple[T, ...]:
    readers = _readers(table)
    known = [{name: _read(readers[name], value) for name, value in row.items() if name in readers} for row in rows]
    return tuple(kind(**values) for values in known)


Reader = Callable[[Any], Any]


def column_reader(kind: Kind) -> Reader | None:
    """Return what turns a value of a batch into that of a record's field, None where it is the same."""
    if kind is Kind.TIME:
        return _time
    return tuple if kind in (Kind.IDS, Kind.NAMES) else None


def _time(value: int | None) -> datetime | None:
    return None if value is None else from_us(value)


_READERS = {
    table.name: {column.name: column_reader(column.kind) for column in table.columns}
    for table in (MESSAGES, REACTIONS, ATTACHMENTS, CHATS)
}


def _readers(table: Table) -> dict[str, Reader | None]:
    return _READERS[table.name]


def _read(reader: Reader | None, value: Any) -> Any:
    return value if reader is None else reader(value)


# ---- answers of programs older or newer than we know -------------------------------------------------------------

_OTHER_NAMES = {"byte_size": "total_bytes", "path": "original_path"}
"""What the published documentation of the programs calls two keys of an attachment."""

_EMPTY: dict[str, Any] = {
    "total_bytes": 0,
    "is_sticker": False,
    "missing": True,
    "is_from_me": False,
    "is_group": False,
    "id": 0,
    "chat_id": 0,
}
_EMPTY_LISTS = ("attachments", "reactions", "participants")


def _loose_message(tree: object, attachments: bool, reactions: bool) -> Message:
    tree, extra = _split(tree, _Message)
    # Nested objects lose what we do not know; they are few, and their records have an `extra` of their own.
    files = [_split(each, _Attachment) for each in _dicts(tree.pop("attachments"))]
    tapbacks = [_split(each, _Reaction) for each in _dicts(tree.pop("reactions"))]
    if isinstance(tree.get("url_preview"), dict):
        tree["url_preview"] = _split(tree["url_preview"], _Preview)[0]
    wire = _convert({**tree, "attachments": [], "reactions": []}, _Message, "message")
    record = _message(wire, attachments, reactions, extra)
    return msgspec.structs.replace(
        record,
        n_attachments=len(files) if attachments else None,
        n_reactions=len(tapbacks) if reactions else None,
        attachments=record.attachments
        or tuple(
            _attachment(_convert(each, _Attachment, "attachment"), wire.id, rest) for each, rest in files if attachments
        ),
        reactions=record.reactions
        or tuple(_reaction(_convert(each, _Reaction, "reaction"), wire.id, rest) for each, rest in tapbacks),
    )


def _loose_chat(tree: object) -> Chat:
    known, extra = _split(tree, _Chat)
    return _chat(_convert(known, _Chat, "chat"), extra)


def _split(tree: object, kind: type[msgspec.Struct]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the keys of an object that we know, missing ones filled, and the others."""
    if not isinstance(tree, dict):
        raise ProtocolError(
            "an answer holds something else where an object belongs", hint="doctor() checks the program"
        )
    if kind is _Attachment:
        tree = {(_OTHER_NAMES.get(name) or name): value for name, value in tree.items()}
    known: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        value = tree.get(field.name)
        if value is not None:
            known[field.name] = value
        elif field.required:
            known[field.name] = [] if field.name in _EMPTY_LISTS else _EMPTY.get(field.name, "")
    return known, {name: value for name, value in tree.items() if name not in kind.__struct_fields__}


def _convert(tree: object, kind: type[T], what: str) -> T:
    try:
        return msgspec.convert(tree, kind)
    except msgspec.ValidationError as error:
        # The text names keys and types, never values.
        raise ProtocolError(f"a {what} of an answer cannot be read: {error}", hint="update imsg or imsg-sdk") from None


def _tree(answer: bytes | msgspec.Raw) -> dict[str, Any]:
    tree = decode_result(answer)
    if not isinstance(tree, dict):
        raise ProtocolError("an answer is not a JSON object", hint="doctor() checks the program step by step")
    return tree


def _list(tree: dict[str, Any], name: str) -> list[Any]:
    value = tree.get(name)
    if not isinstance(value, list):
        raise ProtocolError(f"an answer has no list {name!r}", hint="doctor() checks the program step by step")
    return value


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list | tuple) else []


def _int(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
