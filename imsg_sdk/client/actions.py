"""What can be done besides sending: tapbacks, edits, receipts, chats, groups and polls.

Each action is asked for once, of a program that says it can; what it answers is all that is known, since the
history shows little of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from operator import index
from typing import Any, Final, SupportsIndex

import msgspec

from imsg_sdk.addressing import Handle, Service, lookup_key
from imsg_sdk.arguments import checked_text, refused
from imsg_sdk.client.abilities import NO_BRIDGE, feature, is_bridge_down, require
from imsg_sdk.client.composing import addressee, find_message, read_service
from imsg_sdk.client.outbound import MAX_FILE_MB, check_file, check_text
from imsg_sdk.client.outcome import needs_mac
from imsg_sdk.client.plan import Plan
from imsg_sdk.client.records import decode_messages
from imsg_sdk.client.sending import Sender, uncertain
from imsg_sdk.client.whom import Addressee, is_direct, person
from imsg_sdk.errors import AddressError, MethodNotFound, RemoteError, SendFailed, SendRefused, Unsupported
from imsg_sdk.models import Chat, CreatedChat, HandleCheck, Message, Poll, SendResult
from imsg_sdk.rpc.profiles import clamp_iso
from imsg_sdk.rpc.protocol import decode_result

__all__ = [
    "add_participant",
    "check_handle",
    "create_chat",
    "delete_chat",
    "delete_message",
    "edit",
    "leave_group",
    "mark_read",
    "mark_unread",
    "notify_anyway",
    "react",
    "remove_participant",
    "rename_group",
    "send_poll",
    "set_group_icon",
    "typing",
    "unsend",
    "vote",
]

REACTIONS: Final = {
    "love": ("heart", "❤", "❤️"),
    "like": ("thumbsup", "thumbs-up", "+1", "👍"),
    "dislike": ("thumbsdown", "thumbs-down", "-1", "👎"),
    "laugh": ("haha", "lol", "😂", "🤣"),
    "emphasize": ("emphasis", "!!", "‼", "‼️"),
    "question": ("?", "❓"),
}
"""The six tapbacks, and what else they are called."""

_CANONICAL = {spelling: name for name, spellings in REACTIONS.items() for spelling in (name, *spellings)}
_MOST_OPTIONS = 12
_ROWS_OF_A_MOMENT = 100
_GROUP = "a group is a chat with several people: chats() lists is_group and participants"


# ---- one request -------------------------------------------------------------------------------------------------


def act(sender: Sender, method: str, shown: str, **values: Any) -> Plan[dict[str, Any]]:
    """Carry out one action, once, and return what the program says of it.

    Raises
    ------
    Unsupported
        The program cannot do this, or not now.
    SendRefused, SendFailed, SendUncertain
        As for sending.
    """
    session = yield from require(sender.core, method)
    params = session.profile.params(method, **values)
    try:
        answer = decode_result((yield from sender.dispatch(method, params, shown)))
    except SendRefused as error:
        cause = error.__cause__
        if isinstance(cause, Unsupported | MethodNotFound) or (isinstance(cause, RemoteError) and needs_mac(cause)):
            raise Unsupported(error.message, code=cause.code, data=cause.data, hint=error.hint) from cause
        raise
    except SendFailed as error:
        if error.retry_safe and (yield from is_bridge_down(sender.core)):
            raise Unsupported(f"{method} needs the bridge, which does not run", hint=NO_BRIDGE) from error
        raise
    if not isinstance(answer, dict) or answer.get("ok") is False:
        raise uncertain("the program's answer does not say that it was carried out", shown, method)
    sender.core.forget_chats()
    return answer


def _message(sender: Sender, message: Message | str) -> Plan[tuple[Message, Addressee]]:
    """Return a message and its chat, which must be there still."""
    sender.core.pool.check()
    found = yield from find_message(sender, message)
    if not found.guid:
        raise refused("the message has no guid", hint="only a message with a guid can be acted on")
    return found, (yield from addressee(sender, found))


def _part(part: SupportsIndex) -> int | None:
    number = index(part) if isinstance(part, SupportsIndex) and not isinstance(part, bool) else -1
    if number < 0:
        raise refused("part must be a whole number from 0 on", hint="a message of one piece has part 0")
    return number or None


def _own(message: Message, what: str, shown: str) -> None:
    if not message.is_from_me:
        raise SendRefused(
            f"only own messages can be {what}", target=shown, hint="this one was written by somebody else"
        )


# ---- messages ----------------------------------------------------------------------------------------------------


def react(
    sender: Sender, message: Message | str, reaction: str, *, remove: bool = False, part: SupportsIndex = 0
) -> Plan[None]:
    """Put a tapback on a message, or take it back."""
    values = _reaction(reaction)
    part_index = _part(part)
    found, to = yield from _message(sender, message)
    if "emoji" in values:
        session = yield from require(sender.core, "tapback")
        if feature(session, "tapback.emoji") < 2:
            raise Unsupported(
                "this program takes the six classic tapbacks only",
                hint=f"use one of {', '.join(REACTIONS)}; any emoji needs imsg 0.15 and its bridge",
            )
    flag = True if remove else None
    yield from act(
        sender, "tapback", to.redacted, **to.params, message_id=found.guid, remove=flag, part_index=part_index, **values
    )


def _reaction(reaction: object) -> dict[str, str]:
    names = f"{', '.join(REACTIONS)}, or one emoji"
    if not isinstance(reaction, str) or not reaction.strip():
        raise refused("the reaction is blank", hint=f"take {names}")
    if (name := _CANONICAL.get(reaction.strip().lower())) is not None:
        return {"reaction": name}
    import regex  # knows what an emoji is

    text = reaction.strip()
    if not (regex.fullmatch(r"\X", text) and regex.search(r"\p{Extended_Pictographic}|\p{RI}|\u20e3", text)):
        raise refused("the reaction is not one emoji", hint=f"take {names}")
    return {"emoji": text}


def edit(sender: Sender, message: Message | str, text: str, *, part: SupportsIndex = 0) -> Plan[None]:
    """Replace the text of an own message."""
    words, part_index = check_text(text), _part(part)
    found, to = yield from _message(sender, message)
    _own(found, "edited", to.redacted)
    yield from act(
        sender, "message.edit", to.redacted, **to.params, message_id=found.guid, text=words, part_index=part_index
    )


def unsend(sender: Sender, message: Message | str, *, part: SupportsIndex = 0) -> Plan[None]:
    """Take an own message back."""
    part_index = _part(part)
    found, to = yield from _message(sender, message)
    _own(found, "taken back", to.redacted)
    yield from act(sender, "message.unsend", to.redacted, **to.params, message_id=found.guid, part_index=part_index)


def delete_message(sender: Sender, message: Message | str) -> Plan[None]:
    """Remove a message from this Mac."""
    found, to = yield from _message(sender, message)
    yield from act(sender, "message.delete", to.redacted, **to.params, message_id=found.guid)


def notify_anyway(sender: Sender, message: Message | str) -> Plan[None]:
    """Notify the other side of a message that came in silence."""
    found, to = yield from _message(sender, message)
    _own(found, "notified of", to.redacted)
    yield from act(sender, "message.notifyAnyways", to.redacted, **to.params, message_id=found.guid)


# ---- chats -------------------------------------------------------------------------------------------------------


def _existing(sender: Sender, target: object) -> Plan[Addressee]:
    sender.core.pool.check()
    to = yield from addressee(sender, target)
    if "to" in to.params:
        raise AddressError(f"there is no chat with {to.redacted}", hint="chats() lists those that hold a message")
    return to


def mark_read(sender: Sender, target: object) -> Plan[None]:
    """Mark a chat read."""
    to = yield from _existing(sender, target)
    yield from act(sender, "read", to.redacted, **to.params)


def mark_unread(sender: Sender, target: object) -> Plan[None]:
    """Mark a chat unread."""
    to = yield from _existing(sender, target)
    yield from act(sender, "chats.markUnread", to.redacted, **to.params)


def typing(sender: Sender, target: object, *, is_typing: bool = True, service: str | None = None) -> Plan[None]:
    """Show or hide that the owner is typing."""
    if not isinstance(is_typing, bool):
        raise refused("is_typing must be True or False", hint="typing(chat, False) ends it")
    wanted = read_service(service)
    sender.core.pool.check()
    to = yield from addressee(sender, target, service=wanted)
    by = str(wanted or to.service or Service.IMESSAGE) if "to" in to.params else None
    yield from act(sender, "typing", to.redacted, **to.params, typing=is_typing, service=by)


def delete_chat(sender: Sender, target: object) -> Plan[None]:
    """Delete a chat from this Mac."""
    to = yield from _existing(sender, target)
    yield from act(sender, "chats.delete", to.redacted, **to.params)


def create_chat(
    sender: Sender, people: str | Handle | Iterable[str | Handle], *, name: str | None = None, text: str | None = None
) -> Plan[CreatedChat]:
    """Begin a chat with one person or several."""
    sender.core.pool.check()
    several = [people] if isinstance(people, str | Handle) or not isinstance(people, Iterable) else list(people)
    addresses = [person(each, region=sender.core.region) for each in several]
    if not addresses:
        raise AddressError("a chat needs at least one person", hint="give phone numbers or e-mail addresses")
    if len({lookup_key(address, region=sender.core.region) for address in addresses}) < len(addresses):
        raise AddressError("somebody is named twice", hint="name each person once")
    shown = f"{len(addresses)} people" if len(addresses) > 1 else Handle(addresses[0]).redacted
    answer = yield from act(
        sender,
        "chats.create",
        shown,
        addresses=addresses,
        service="iMessage",
        name=None if name is None else check_text(name, target=shown),
        text=None if text is None else check_text(text, target=shown),
    )
    guid = answer.get("chat_guid")
    if not isinstance(guid, str) or not guid:
        raise uncertain("the program does not tell the guid of the chat that it made", shown, "chats.create")
    message, service = answer.get("message_guid"), answer.get("service")
    return CreatedChat(
        guid=guid,
        message_guid=message if isinstance(message, str) else None,
        service=service if isinstance(service, str) else None,
    )


# ---- groups ------------------------------------------------------------------------------------------------------


def _group(sender: Sender, target: object) -> Plan[Addressee]:
    to = yield from _existing(sender, target)
    if to.chat is not None and is_direct(to.chat):
        raise AddressError(f"chat {to.chat.chat_id} is no group", hint=_GROUP)
    return to


def rename_group(sender: Sender, chat: object, name: str) -> Plan[None]:
    """Name a group; an empty name takes it away."""
    named = name if isinstance(name, str) and not name else check_text(name)
    to = yield from _group(sender, chat)
    yield from act(sender, "group.rename", to.redacted, **to.params, name=named)


def set_group_icon(
    sender: Sender, chat: object, file: str | os.PathLike[str] | None, *, max_mb: float = MAX_FILE_MB
) -> Plan[None]:
    """Set the picture of a group; None takes it away."""
    host = sender.core.pool.backend.host
    path = "" if file is None else check_file(file, max_mb=max_mb, host=host)
    to = yield from _group(sender, chat)
    yield from act(sender, "group.setIcon", to.redacted, **to.params, file=path)


def add_participant(sender: Sender, chat: object, handle: str | Handle) -> Plan[None]:
    """Add somebody to a group."""
    address = person(handle, region=sender.core.region)
    to = yield from _group(sender, chat)
    if to.chat is not None and _member(sender, to.chat, address) is not None:
        raise AddressError(f"{Handle(address).redacted} is in {to.redacted} already", hint=_GROUP)
    yield from act(sender, "group.addParticipant", to.redacted, **to.params, address=address)


def remove_participant(sender: Sender, chat: object, handle: str | Handle) -> Plan[None]:
    """Remove somebody from a group."""
    address = person(handle, region=sender.core.region)
    to = yield from _group(sender, chat)
    member = address if to.chat is None else _member(sender, to.chat, address)
    if member is None:
        raise AddressError(f"{Handle(address).redacted} is not in {to.redacted}", hint=_GROUP)
    yield from act(sender, "group.removeParticipant", to.redacted, **to.params, address=member)


def _member(sender: Sender, chat: Chat, address: str) -> str | None:
    """Return a member as the chat spells them."""
    region = sender.core.region
    key = lookup_key(address, region=region)
    return next((each for each in chat.participants if lookup_key(each, region=region) == key), None)


def leave_group(sender: Sender, chat: object) -> Plan[None]:
    """Leave a group."""
    to = yield from _group(sender, chat)
    yield from act(sender, "group.leave", to.redacted, **to.params)


# ---- polls -------------------------------------------------------------------------------------------------------


def send_poll(sender: Sender, target: object, question: str, options: Iterable[str]) -> Plan[SendResult]:
    """Send a poll to a chat."""
    asked = check_text(question)
    choices = [check_text(option) for option in ([options] if isinstance(options, str) else options)]
    if not 2 <= len(choices) <= _MOST_OPTIONS or len({choice.strip().casefold() for choice in choices}) < len(choices):
        raise refused(f"a poll has 2 to {_MOST_OPTIONS} options, each another", hint="options=['yes', 'no']")
    to = yield from _existing(sender, target)
    places = yield from sender.places(to.params)
    answer = yield from act(sender, "poll.send", to.redacted, **to.params, question=asked, options=choices)
    return (yield from sender.result(answer, places, to.params))


def vote(sender: Sender, poll: Message | str, option: str | SupportsIndex, *, remove: bool = False) -> Plan[SendResult]:
    """Vote in a poll, or take the vote back."""
    if isinstance(option, bool) or not isinstance(option, str | SupportsIndex):
        raise refused("option must be the text or the id of an option, or its number, from 1 on", hint="vote(poll, 1)")
    found, to = yield from _message(sender, poll)
    places = yield from sender.places(to.params)
    if found.poll is None:
        found = msgspec.structs.replace(found, poll=(yield from _poll_of(sender, found, to)))
    guid = (found.poll.poll_guid if found.poll is not None else None) or found.guid
    method = "poll.unvote" if remove else "poll.vote"
    answer = yield from act(sender, method, to.redacted, **to.params, poll_guid=guid, **_choice(found, option))
    return (yield from sender.result(answer, places, to.params))


def _poll_of(sender: Sender, message: Message, to: Addressee) -> Plan[Poll | None]:
    """Read the poll of a message whose record does not hold it."""
    if message.created_at is None or to.chat is None:
        return None
    span = timedelta(seconds=1)
    answer = yield from sender.core.ask(
        "messages.history",
        chat_id=to.chat.chat_id,
        limit=_ROWS_OF_A_MOMENT,
        start=clamp_iso(message.created_at - span),
        end=clamp_iso(message.created_at + span),
    )
    return next((each.poll for each in decode_messages(answer) if each.guid == message.guid), None)


def _choice(message: Message, option: str | SupportsIndex) -> dict[str, Any]:
    """Return the key that names an option: its id where the record tells it, which every version takes."""
    known = () if message.poll is None else message.poll.options
    if not isinstance(option, str):
        number = index(option)
        if known and not 0 < number <= len(known):
            raise refused(f"the poll has {len(known)} options, counted from 1", hint="message.poll.options holds them")
        return {"option_id": known[number - 1][0]} if known else {"option_index": number}
    if not known:
        return {"option": checked_text(option, "option")}
    wanted = option.strip().casefold()
    for identifier, text in known:
        if option == identifier or text.strip().casefold() == wanted:
            return {"option_id": identifier}
    raise refused("the poll has no such option", hint="message.poll.options holds them")


# ---- people ------------------------------------------------------------------------------------------------------


def check_handle(sender: Sender, handle: str | Handle) -> Plan[HandleCheck]:
    """Ask Apple whether a handle can be reached by iMessage."""
    sender.core.pool.check()
    address = person(handle, region=sender.core.region)
    session = yield from require(sender.core, "handles.check")
    params = session.profile.params("handles.check", address=address)
    tree = decode_result((yield from sender.core.request("handles.check", params, may_repeat=False)))
    tree = tree if isinstance(tree, dict) else {}
    available = tree.pop("available", None)
    destination, service = tree.pop("destination", None), tree.pop("service", None)
    return HandleCheck(
        address=address,
        is_available=available if isinstance(available, bool) else None,
        destination=destination if isinstance(destination, str) else None,
        service=service if isinstance(service, str) else None,
        extra={key: value for key, value in tree.items() if key not in ("ok", "address")},
    )
