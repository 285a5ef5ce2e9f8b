"""Checks of mutating methods that one param alone cannot decide.  The texts are the protocol's."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests.tables import MUTATIONS
from imsg_sdk.server.requests.targets import Target
from imsg_sdk.server.rows.objects import PollFacts
from imsg_sdk.server.senders import Operation
from imsg_sdk.server.source import DatabaseFile

__all__ = ["before_sending", "tapback_name", "together", "typing", "with_database"]

_PHONE_MARKS: Final = frozenset("0123456789 -.()")
_MAX_PARTS: Final = 20
_OTHER_PARTS: Final = ("file", "attachment", "mention", "mentions")
_SERVICES: Final = ("imessage", "sms", "auto")
_UNSUPPORTED: Final = "unsupported tapback reaction {}; use love, like, dislike, laugh, emphasize, or question"
_TAPBACKS: Final = {
    spelling: name
    for name, spellings in {
        "love": "love heart ❤ ❤\ufe0f",
        "like": "like thumbsup thumbs-up +1 👍",
        "dislike": "dislike thumbsdown thumbs-down -1 👎",
        "laugh": "laugh haha lol 😂 🤣",
        "emphasize": "emphasize emphasis !! ‼ ‼\ufe0f",
        "question": "question ? ❓",
    }.items()
    for spelling in spellings.split()
}


def tapback_name(reaction: str) -> str | None:
    """Return the one name of a tapback, with ``remove-`` in front where the caller wrote it so."""
    plain = reaction.strip().lower()
    bare = plain.removeprefix("remove-")
    name = _TAPBACKS.get(bare)
    return name if name is None or bare == plain else f"remove-{name}"


def together(method: str, values: dict[str, Any], params: Mapping[str, Any], dialect: Dialect) -> None:
    """Check params of one method against each other."""
    if dialect is Dialect.LEGACY:
        if method in ("poll.vote", "poll.unvote") and values["option_id"] is None:
            raise RpcError.invalid_params("option_id is required")
        return
    match method:
        case "poll.send" if values["comment"] is not None and values["suppress_comment"]:
            raise RpcError.invalid_params("comment cannot be combined with suppress_comment: true")
        case "poll.vote" | "poll.unvote":
            _one_option(values)
        case "send.attachment" if values["part_index"] is not None and not values["reply_to"]:
            raise RpcError.invalid_params("part_index requires reply_to")
        case "send.rich" if values["url"] is not None:
            _nothing_beside_url(params)
        case "send.multipart":
            _parts(values["parts"])


def _one_option(values: dict[str, Any]) -> None:
    given = sum(values[key] is not None for key in ("option_id", "option_index", "option"))
    if given == 0:
        raise RpcError.invalid_params("one of option_id, option_index, or option is required")
    if given > 1:
        raise RpcError.invalid_params("choose exactly one of option_id, option_index, or option")


def _nothing_beside_url(params: Mapping[str, Any]) -> None:
    for param in MUTATIONS["send.rich"]:
        for name in param.names:
            if name in params and name != "url":
                raise RpcError.invalid_params(f"{name} is not supported with url")


def _parts(parts: list[dict[str, Any]]) -> None:
    if not 1 <= len(parts) <= _MAX_PARTS:
        raise RpcError.invalid_params(f"parts must contain between 1 and {_MAX_PARTS} text parts")
    for index, part in enumerate(parts):
        for key in _OTHER_PARTS:
            if key in part:
                raise RpcError.invalid_params(f"{key} parts are not supported")
        if unknown := part.keys() - {"text", "text_formatting", "textFormatting"}:
            raise RpcError.invalid_params(f"unknown send.multipart parts[{index}] param: {min(unknown)}")
        if not isinstance(part.get("text"), str) or not part["text"]:
            raise RpcError.invalid_params(f"parts[{index}].text must be a non-empty string")


def typing(values: dict[str, Any], target: Target) -> None:
    """Check the service, which only counts towards a recipient."""
    if target.to is not None and values["service"].lower() not in _SERVICES:
        raise RpcError.invalid_params(values["service"])


def before_sending(method: str, values: dict[str, Any], target: Target, dialect: Dialect) -> None:
    """Check what can be known of a send before the database is asked."""
    if dialect is Dialect.V1 and target.to is not None and _looks_like_a_name(target.to):
        raise RpcError.invalid_params(
            "Invalid chat target: Contacts access is unavailable; specify a phone number or email instead."
        )
    if not values["text"] and not values["file"]:
        raise RpcError.invalid_params("text or file is required")
    if method == "send.tracked":
        if values["file"]:
            raise RpcError.invalid_params("send.tracked supports exactly one text message")
        if values["transport"].lower() == "applescript":
            raise RpcError.invalid_params("send.tracked requires bridge transport")


def _looks_like_a_name(text: str) -> bool:
    return bool(text.strip()) and "@" not in text and not text.startswith("+") and not _PHONE_MARKS.issuperset(text)


def with_database(operation: Operation, source: DatabaseFile, *, has_bridge: bool = False) -> None:
    """Check what only the found chat and the database can decide; may add what it found to the values."""
    match operation.method:
        case "send" | "send.tracked":
            _transport(operation, source, has_bridge=has_bridge)
        case "tapback":
            _reaction(operation)
        case "poll.vote" | "poll.unvote":
            _vote(operation, source)
        case "send.sticker":
            _sticker(operation, source)
        case "send.rich" if operation.values["url"] is not None:
            _rich_link(operation)


def _transport(operation: Operation, source: DatabaseFile, *, has_bridge: bool) -> None:
    values, target = operation.values, operation.target
    transport = values["transport"].lower()
    bridged = transport == "bridge" or (transport == "auto" and has_bridge and target.is_known_chat)
    if operation.method == "send.tracked":
        with source.store() as store:
            reused = store.guid_exists(values["attempt_id"])
        if reused:
            raise RpcError.not_dispatched(operation.verb, "attempt_id already identifies a message; choose a new UUID")
        if not (bridged and target.is_known_chat):
            raise RpcError.invalid_params("bridge transport requires an existing chat target")
    if bridged and not target.is_known_chat:
        raise RpcError.invalid_params("bridge transport requires an existing chat target")
    if values["reply_to"] and not bridged:
        raise RpcError.invalid_params(
            "reply_to requires bridge transport; AppleScript fallback cannot send threaded replies"
        )


def _reaction(operation: Operation) -> None:
    values = operation.values
    name = tapback_name(values["reaction"])
    if name is None:
        raise RpcError.invalid_params(_UNSUPPORTED.format(values["reaction"]))
    values["reaction"] = f"remove-{name}" if values["remove"] and not name.startswith("remove-") else name


def _vote(operation: Operation, source: DatabaseFile) -> None:
    values = operation.values
    guid = values["poll_guid"].strip()
    with source.store() as store:
        poll = store.poll(guid)
    if poll is None:
        raise RpcError.invalid_params(f"poll {guid} not found or not decodable")
    option_id, option_text = _chosen(poll, guid, values)
    if operation.method == "poll.unvote" and option_id not in poll.selected:
        raise RpcError.invalid_params(f"option_id {option_id} is not currently selected")
    values.update(option_id=option_id, option_text=option_text)


def _chosen(poll: PollFacts, guid: str, values: dict[str, Any]) -> tuple[str, str]:
    options, index, text = poll.options, values["option_index"], values["option"]
    if (wanted := values["option_id"]) is not None:
        with suppress(KeyError):
            return wanted, dict(options)[wanted]
        raise RpcError.invalid_params(f"option_id {wanted} is not an option of poll {guid}")
    if index is not None:
        if not 1 <= index <= len(options):
            raise RpcError.invalid_params(f"option_index {index} out of range (1...{len(options)})")
        return options[index - 1]
    for option in options:
        if option[1].casefold() == text.casefold():
            return option
    raise RpcError.invalid_params(f'option "{text}" (available: {", ".join(label for _, label in options)})')


def _sticker(operation: Operation, source: DatabaseFile) -> None:
    values, target = operation.values, operation.target
    part, attach_to = values["part_index"], values["attach_to"]
    if part is not None and part < 0:
        raise RpcError.invalid_params(f"target part must be non-negative (received {part})")
    if part is not None and not attach_to:
        raise RpcError.invalid_params("target part requires --attach-to / attach_to")
    guid = _sticker_target(attach_to) if attach_to else None
    if not _is_imessage(target):
        raise RpcError.invalid_params("stickers require an iMessage chat")
    if guid is not None:
        with source.store() as store:
            chats = store.message_chats(guid)
        if target.row is None or target.row.chat_id not in (chats or ()):
            raise RpcError.invalid_params("sticker target does not belong to the selected chat")


def _sticker_target(text: str) -> str:
    """Return the guid in ``GUID`` or ``p:N/GUID``."""
    part, slash, guid = text.rpartition("/")
    if not guid.strip() or (slash and not (part.startswith("p:") and part[2:].isdecimal())):
        raise RpcError.invalid_params(f"malformed sticker target: {text}")
    return guid


def _rich_link(operation: Operation) -> None:
    if operation.target.row is None:
        raise RpcError.invalid_params("rich links require an existing chat")
    if not _is_imessage(operation.target):
        raise RpcError.invalid_params("rich links require an iMessage chat")


def _is_imessage(target: Target) -> bool:
    if target.row is not None:
        return target.row.service == "iMessage"
    return not (target.chat_guid or "").startswith(("SMS;", "RCS;"))
