"""What every method takes: params in the order they are checked, with the text of each refusal.  Data only.

The order and the literals are those of the real program; where the two dialects differ, a param says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.requests.params import Param, Rule

__all__ = [
    "ALIASES",
    "CHAT_FIRST",
    "CONTROL",
    "EXTENDED_METHODS",
    "LATE",
    "LEGACY_METHODS",
    "MUTATIONS",
    "NO_READ_STATE",
    "NO_SCHEDULE",
    "READS",
    "RECIPIENT",
    "SELECTORS",
    "STRICT_LEGACY",
    "SUPPORTED",
    "TO_ANYBODY",
    "TO_NOBODY",
    "VERBS",
    "WITHOUT_DATABASE",
    "is_mutation",
    "is_stream",
    "known",
]


def known(*declared: Param) -> frozenset[str]:
    """Return every spelling of every param."""
    return frozenset(name for param in declared for name in param.names)


def _names(spellings: str) -> tuple[str, ...]:
    return tuple(spellings.split())


def _rule(text: str, holds: Callable[[Any], bool]) -> Rule:
    return Rule(holds, text)


def _given(text: str) -> Rule:
    return Rule(lambda value: value is not None, text)


def _not_blank(text: str) -> Rule:
    return Rule(lambda value: value is not None and bool(value.strip()), text)


def _not_empty(text: str) -> Rule:
    return Rule(bool, text)


def _at_least(low: int, text: str) -> Rule:
    return Rule(lambda value: value is None or value >= low, text)


def _between(low: int, high: int, text: str) -> Rule:
    return Rule(lambda value: value is None or low <= value <= high, text)


def text(spellings: str, *rules: Rule, default: str | None = None, legacy: tuple[Rule, ...] | None = None) -> Param:
    """Declare a string."""
    return Param(_names(spellings), "text", default, rules, legacy)


def integer(spellings: str, *rules: Rule, default: int | None = None, legacy: tuple[Rule, ...] | None = None) -> Param:
    """Declare an integer."""
    return Param(_names(spellings), "integer", default, rules, legacy)


def flag(spellings: str, *, default: bool = False) -> Param:
    """Declare a boolean."""
    return Param(_names(spellings), "flag", default)


def texts(spellings: str, *rules: Rule, default: tuple[str, ...] | None = ()) -> Param:
    """Declare a list of strings."""
    return Param(_names(spellings), "texts", default, rules)


def objects(spellings: str, *rules: Rule) -> Param:
    """Declare a list of objects."""
    return Param(_names(spellings), "objects", None, rules)


_POSITIVE_CHAT: Final = _at_least(1, "chat_id must be a positive integer")
_CHAT_ID: Final = integer("chat_id", _POSITIVE_CHAT, legacy=())
_LIMIT_TEXT: Final = "limit must be a positive integer"
_FILES: Final = (flag("attachments"), flag("convert_attachments"))
_BUFFER: Final = _between(1, 4096, "buffer_limit must be an integer between 1 and 4096")
_DEBOUNCE: Final = _at_least(0, "debounce_ms must be a non-negative integer")


def _limit(default: int) -> Param:
    return integer("limit", _at_least(1, _LIMIT_TEXT), default=default, legacy=())


_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_HISTORY: Final = (
    integer("chat_id", _given("chat_id is required"), _POSITIVE_CHAT, legacy=(_given("chat_id is required"),)),
    _limit(50),
    texts("participants"),
    text("start"),
    text("end"),
    *_FILES,
)
_WATCH: Final = (
    _CHAT_ID,
    integer("since_rowid"),
    texts("participants"),
    text("start"),
    text("end"),
    *_FILES,
    flag("include_reactions"),
    integer("debounce_ms debounceMs", _DEBOUNCE),
    integer("buffer_limit bufferLimit", _BUFFER, default=256, legacy=()),
)
_PAGE: Final = (
    Param(("query",), "object", {}),
    text("cursor"),
    integer("page_rows", _between(1, 50_000, "page_rows must be an integer between 1 and 50000"), default=10_000),
)

EXTENDED_METHODS: Final = ("x.messages", "x.reactions", "x.attachments", "x.edits", "x.chats", "x.participants")
"""Methods of our own, there with ``--extended`` only."""

LATE: Final = frozenset({("messages.after", "include_reactions")})
"""Params that are looked at only once the database is open."""

READS: Final[dict[str, tuple[Param, ...]]] = {
    "initialize": (integer("protocol_version"),),
    "status": (),
    "chats.list": (_limit(20), flag("unread_only unreadOnly")),
    "messages.history": _HISTORY,
    "messages.search": (
        text("query", _not_blank("query must be a non-empty string")),
        text(
            "match",
            _rule("match must be contains or exact", lambda value: value in ("contains", "exact")),
            default="contains",
        ),
        integer("limit", _between(1, 100, "limit must be between 1 and 100"), default=50),
    ),
    "messages.after": (
        integer(
            "since_rowid",
            _given("since_rowid must be a non-negative integer"),
            _at_least(0, "since_rowid must be a non-negative integer"),
        ),
        _CHAT_ID,
        integer("limit", _between(1, 500, "limit must be an integer between 1 and 500"), default=100),
        *_FILES,
        flag("include_reactions"),
    ),
    "messages.stats": (integer("chat_id"), flag("include_media"), text("time_zone")),
    "messages.scheduled": (integer("limit", _at_least(1, _LIMIT_TEXT), default=50),),
    "message.send_status": (text("guid", _not_blank("guid is required")),),
    **dict.fromkeys(EXTENDED_METHODS, _PAGE),
}

CONTROL: Final[dict[str, tuple[Param, ...]]] = {
    "watch.subscribe": _WATCH,
    "watch.unsubscribe": (
        integer(
            "subscription",
            _given("subscription is required"),
            _at_least(1, "subscription must be a positive integer"),
            legacy=(_given("subscription is required"),),
        ),
    ),
    "bridge.events.subscribe": (integer("buffer_limit", _BUFFER, default=256),),
}

NO_SCHEDULE: Final = "scheduled messages are unavailable because this Messages database has no schedule columns"
NO_READ_STATE: Final = "unread_only is unavailable because this Messages database has no read-state column"

SELECTORS: Final = (integer("chat_id"), text("chat_identifier"), text("chat_guid"))
RECIPIENT: Final = text("to")
_REPLY: Final = text("reply_to replyTo reply_to_guid message_guid")
_PART: Final = integer("part_index partIndex", default=0)
_MESSAGE: Final = text(
    "message_id messageId message_guid messageGuid message", _not_blank("message_id or message_guid is required")
)
_ADDRESS: Final = text("address", _not_blank("address is required"))
_OPTION_CHOICE: Final = (
    text("option_id optionId optionIdentifier"),
    integer("option_index"),
    text("option"),
)
_VOTE: Final = (
    text(
        "poll_guid pollGuid poll_message_guid message_guid message_id",
        _not_blank("poll_guid is required"),
    ),
    *_OPTION_CHOICE,
)
_TWO_OPTIONS: Final = _rule(
    "at least two poll options are required", lambda value: sum(bool(option.strip()) for option in value) >= 2
)
_FORMATTING: Final = "text_formatting textFormatting"
_SERVICE: Final = _rule("invalid service", lambda value: value in ("auto", "imessage", "sms"))
_TRANSPORT: Final = _rule("invalid transport", lambda value: value.lower() in ("auto", "bridge", "applescript"))
_NO_ATTEMPT: Final = _rule("attempt_id is only supported by send.tracked", lambda value: value is None)
_ATTEMPT: Final = _rule("attempt_id must be a UUID", lambda value: _UUID.fullmatch(value or "") is not None)


def _send(attempt: Rule) -> tuple[Param, ...]:
    return (
        text("text", default=""),
        text("file", default=""),
        text("attempt_id", attempt, legacy=()),
        objects(f"{_FORMATTING} formatting"),
        text("service", _SERVICE, default="auto"),
        text("transport", _TRANSPORT, default="auto"),
        text("region", default="US"),
        flag("allow_sms_fallback allowSMSFallback", default=True),
        _REPLY,
    )


MUTATIONS: Final[dict[str, tuple[Param, ...]]] = {
    "send": _send(_NO_ATTEMPT),
    "send.tracked": _send(_ATTEMPT),
    "send.rich": (
        text("text message", default=""),
        text("effect_id effectId effect"),
        text("subject"),
        _REPLY,
        _PART,
        flag("dd_scan ddScan", default=True),
        objects(_FORMATTING),
        text("file path", _rule("file must be a non-empty string", lambda value: value != "")),
        text("url"),
    ),
    "send.attachment": (
        text("file path", _not_empty("file is required")),
        flag("audio is_audio as_voice"),
        _REPLY,
        integer("part_index partIndex", _at_least(0, "part_index must be a non-negative integer")),
    ),
    "send.multipart": (
        objects("parts", _given("parts is required")),
        text("effect_id"),
        text("subject"),
    ),
    "send.sticker": (
        text("file", _not_empty("file is required")),
        text("attach_to"),
        integer("part_index"),
    ),
    "tapback": (
        _MESSAGE,
        text("reaction kind emoji", _not_blank("reaction, kind, or emoji is required")),
        flag("remove"),
        _PART,
    ),
    "typing": (flag("typing", default=True), text("service", default="imessage")),
    "read": (),
    "message.edit": (
        _MESSAGE,
        text("text new_text newText edited_message", _given("text is required")),
        text("backwards_compatibility_message backwardsCompatibilityMessage bc_text bcText"),
        _PART,
    ),
    "message.unsend": (_MESSAGE, _PART),
    "message.delete": (_MESSAGE,),
    "message.notifyAnyways": (_MESSAGE,),
    "chats.create": (
        texts("addresses", _not_empty("addresses is required (non-empty array of phone/email)")),
        text(
            "service",
            _rule("service must be iMessage", lambda value: value.lower() == "imessage"),
            default="iMessage",
            legacy=(),
        ),
        text("name"),
        text("text"),
    ),
    "chats.delete": (),
    "chats.markUnread": (),
    "group.rename": (text("name", _given("name is required")),),
    "group.setIcon": (text("file"),),
    "group.addParticipant": (_ADDRESS,),
    "group.removeParticipant": (_ADDRESS,),
    "group.leave": (),
    "poll.send": (
        text("question", _not_blank("question is required")),
        texts("options option", _given("options is required"), _TWO_OPTIONS, default=None),
        text("creator_handle"),
        text("comment"),
        flag("suppress_comment"),
        _REPLY,
    ),
    "poll.vote": _VOTE,
    "poll.unvote": _VOTE,
    "contacts.shouldShareContact": (),
    "contacts.shareContactCard": (),
    "handles.check": (
        _ADDRESS,
        text(
            "alias_type",
            _rule(
                "alias_type must be phone or email",
                lambda value: value is None or value.lower() in ("phone", "email"),
            ),
        ),
        text(
            "service",
            _rule("handles.check only supports service iMessage", lambda value: value.lower() == "imessage"),
            default="iMessage",
        ),
    ),
}

VERBS: Final = {
    "send": "send-message",
    "send.tracked": "send-message",
    "send.rich": "send-message",
    "send.attachment": "send-attachment",
    "send.multipart": "send-multipart",
    "send.sticker": "send-sticker",
    "poll.send": "send-poll",
    "poll.vote": "send-poll-vote",
    "poll.unvote": "send-poll-unvote",
    "tapback": "send-reaction",
    "message.edit": "edit-message",
    "message.unsend": "unsend-message",
    "message.delete": "delete-message",
    "message.notifyAnyways": "notify-anyways",
    "chats.create": "create-chat",
    "chats.delete": "delete-chat",
    "chats.markUnread": "mark-chat-unread",
    "group.rename": "set-display-name",
    "group.setIcon": "update-group-photo",
    "group.addParticipant": "add-participant",
    "group.removeParticipant": "remove-participant",
    "group.leave": "leave-chat",
    "contacts.shareContactCard": "share-nickname",
}
"""What the bridge calls the work of a method."""

TO_ANYBODY: Final = frozenset({"send", "send.tracked", "typing", "read"})
"""Methods that take a recipient instead of a chat."""
TO_NOBODY: Final = frozenset({"chats.create", "handles.check"})
CHAT_FIRST: Final = frozenset({"send.sticker"})
"""Methods that look at the chat before their own params, in the newer dialect as well."""

ALIASES: Final = {
    "messages.poll.send": "poll.send",
    "messages.poll.vote": "poll.vote",
    "messages.poll.unvote": "poll.unvote",
    "polls.unvote": "poll.unvote",
}
"""Other names of a method; refusals use the first."""

WITHOUT_DATABASE: Final = frozenset({"initialize", "status", "watch.unsubscribe"})
"""Methods that work whatever is at the path."""

_NEW_IN_V1: Final = frozenset(
    _names("initialize status messages.search messages.after bridge.events.subscribe send.tracked send.multipart")
)
LEGACY_METHODS: Final = (READS.keys() | CONTROL.keys() | MUTATIONS.keys() | ALIASES.keys()) - _NEW_IN_V1
STRICT_LEGACY: Final = frozenset({"messages.stats", "messages.scheduled"})
"""Methods that check types and unknown keys in the older dialect already."""

SUPPORTED: Final = {
    Dialect.V1: _names(
        "initialize status watch.unsubscribe chats.list messages.stats messages.history messages.search "
        "messages.after messages.scheduled watch.subscribe message.send_status"
    ),
    Dialect.LEGACY: _names(
        "chats.list chats.create chats.delete chats.markUnread messages.stats messages.history "
        "watch.subscribe watch.unsubscribe send send.rich send.attachment send.sticker "
        "messages.scheduled poll.send messages.poll.send poll.vote messages.poll.vote poll.unvote "
        "polls.unvote messages.poll.unvote tapback typing read message.edit message.unsend "
        "message.delete message.notifyAnyways message.send_status group.rename group.setIcon "
        "group.addParticipant group.removeParticipant group.leave contacts.shouldShareContact "
        "contacts.shareContactCard handles.check"
    ),
}
"""The methods that a server without Messages says it has, in its order."""


def is_stream(method: str, dialect: Dialect) -> bool:
    """Return whether `method` begins or ends a stream."""
    return method in CONTROL and (dialect is Dialect.V1 or method in LEGACY_METHODS)


def is_mutation(method: str, dialect: Dialect) -> bool:
    """Return whether `method`, or what it is another name of, changes something."""
    return ALIASES.get(method, method) in MUTATIONS and (dialect is Dialect.V1 or method in LEGACY_METHODS)
