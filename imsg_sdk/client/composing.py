"""From what a caller wants to say, and to whom, to the sends that it takes.

Everything is checked before the first of them; they go out in order, and the first that fails is the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from imsg_sdk.addressing import Service
from imsg_sdk.arguments import checked_text, refused
from imsg_sdk.client import history
from imsg_sdk.client.abilities import send_method
from imsg_sdk.client.outbound import MAX_FILE_MB, check_file, check_text, cut, for_all
from imsg_sdk.client.plan import Plan
from imsg_sdk.client.sending import Sender
from imsg_sdk.client.whom import Addressee, find_addressee, is_taken_for_one
from imsg_sdk.errors import ImsgError, SendError, SendRefused
from imsg_sdk.models import Message, SendResult, SendState

__all__ = [
    "SendOptions",
    "addressee",
    "adjusted",
    "compose",
    "find_message",
    "reply",
    "requests",
    "send",
    "send_requests",
]

_TRANSPORTS = ("auto", "bridge", "applescript")


class SendOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How texts and files are sent where a call does not say."""

    chunk_limit: int = 4000
    chunk_mode: str = "length"
    max_file_mb: float = MAX_FILE_MB
    service: Service = Service.AUTO
    transport: str | None = None


def adjusted(options: SendOptions, *, transport: str | None = None, max_file_mb: float | None = None) -> SendOptions:
    """Return the options with what a call says itself."""
    if transport is not None:
        if transport not in _TRANSPORTS:
            raise refused(f"transport must be one of {', '.join(_TRANSPORTS)}", hint="leave it out for auto")
        options = msgspec.structs.replace(options, transport=transport)
    if max_file_mb is not None:
        if not isinstance(max_file_mb, int | float) or isinstance(max_file_mb, bool) or not max_file_mb > 0:
            raise refused("max_file_mb must be a number above 0", hint="max_file_mb=16")
        options = msgspec.structs.replace(options, max_file_mb=float(max_file_mb))
    return options


def read_service(service: str | None) -> Service | None:
    """Return the service that a caller names."""
    if service is None:
        return None
    try:
        return Service(service)
    except ValueError:
        raise refused(
            "service must be imessage, sms or auto", hint="leave it out to let it follow from the chat"
        ) from None


def compose(text: object, file: object, options: SendOptions, *, host: str | None = None) -> list[dict[str, str]]:
    """Return text and file of each message, in order: the text first, as the programs do it.

    Raises
    ------
    SendRefused
        There is nothing to send, or it cannot be sent.
    """
    parts: list[dict[str, str]] = []
    if text is not None and not (isinstance(text, str) and not text and file is not None):
        words = check_text(text)
        parts += [{"text": piece} for piece in cut(words, limit=options.chunk_limit, mode=options.chunk_mode)]
    if file is not None:
        parts.append({"file": check_file(file, max_mb=options.max_file_mb, host=host)})
    if not parts:
        raise SendRefused("there is neither text nor file to send", hint="give one of them")
    return parts


def addressee(
    sender: Sender, target: object, *, service: Service | None = None, region: str | None = None
) -> Plan[Addressee]:
    """Return whom `target` names, among the chats that there are now."""
    chats = yield from sender.core.chats()
    return find_addressee(target, chats, region=region or sender.core.region, service=service)


def requests(
    to: Addressee, parts: list[dict[str, str]], options: SendOptions, *, region: str, reply_to: str | None = None
) -> list[dict[str, Any]]:
    """Return the params of one ``send`` for each part."""
    service = to.service or (options.service if to.chat is None else Service.AUTO)
    shared: dict[str, Any] = {**to.params, "service": str(service)}
    if "to" in to.params:
        shared["region"] = region
    if options.transport is not None:
        shared["transport"] = options.transport
    chat = to.chat
    if chat is not None and is_taken_for_one(chat.identifier, chat.participants, is_group=chat.is_group):
        shared = for_all(shared, to.redacted)
    sends = [{**shared, **part} for part in parts]
    if reply_to is not None:
        sends[0]["reply_to"] = reply_to
    return sends


def send(
    sender: Sender,
    target: object,
    text: object = None,
    *,
    file: object = None,
    service: str | None = None,
    region: str | None = None,
    reply_to: Message | str | None = None,
    options: SendOptions,
    dry_run: bool = False,
) -> Plan[SendResult]:
    """Send a text, a file or both to one chat or person, or only check that it could be meant."""
    sender.core.pool.check()
    wanted = read_service(service)
    parts = compose(text, file, options, host=sender.core.pool.backend.host)
    to = yield from addressee(sender, target, service=wanted, region=region)
    thread = None if reply_to is None else (yield from _thread(sender, reply_to, to))
    sends = requests(to, parts, options, region=region or sender.core.region, reply_to=thread)
    if dry_run:
        yield from check_ability(sender, sends, to.redacted)
        return _planned(to, len(sends))
    guid = None if to.chat is None else to.chat.guid
    return (yield from send_requests(sender, sends, chat_guid=guid, max_file_mb=options.max_file_mb))


def check_ability(sender: Sender, sends: Sequence[Mapping[str, Any]], shown: str) -> Plan[None]:
    """Raise where the program says already that it cannot send these.

    Raises
    ------
    SendRefused
        It has no Messages, or is too old for it.
    """
    session = yield from sender.core.session()
    for params in sends:
        send_method(session, params, shown)


def _planned(to: Addressee, n_parts: int) -> SendResult:
    chat_id, guid = (None, None) if to.chat is None else (to.chat.chat_id, to.chat.guid)
    part = SendResult(state=SendState.PLANNED, chat_id=chat_id, chat_guid=guid)
    return part if n_parts == 1 else msgspec.structs.replace(part, parts=(part,) * n_parts)


def reply(
    sender: Sender,
    message: Message | str,
    text: object = None,
    *,
    file: object = None,
    in_thread: bool = False,
    options: SendOptions,
) -> Plan[SendResult]:
    """Answer a message in its own chat."""
    sender.core.pool.check()
    compose(text, file, options, host=sender.core.pool.backend.host)
    found = yield from find_message(sender, message)
    thread = found if in_thread else None
    return (yield from send(sender, found, text, file=file, reply_to=thread, options=options))


def find_message(sender: Sender, message: Message | str) -> Plan[Message]:
    """Return a message that is given by its record or its guid."""
    if isinstance(message, Message):
        return message
    if not isinstance(message, str):
        raise refused(
            f"message must be a record of a message or its guid, not {type(message).__name__}",
            hint="client.message(guid) and client.iter_messages() give records",
        )
    return (yield from history.message(sender.core, checked_text(message, "message")))


def send_requests(
    sender: Sender, sends: Sequence[Mapping[str, Any]], *, chat_guid: str | None, max_file_mb: float
) -> Plan[SendResult]:
    """Carry out sends in order, up to the first that does not succeed."""
    done: list[SendResult] = []
    for params in sends:
        try:
            done.append((yield from sender.deliver(params, chat_guid=chat_guid, max_file_mb=max_file_mb)))
        except SendError as error:
            if done:
                error.sent = (*done, *error.sent)
                error.retry_safe = False  # what went out would go out again
                error.add_note(f"{len(done)} of {len(sends)} parts were sent before")
            raise
        except ImsgError as error:
            if done:
                error.add_note(f"{len(done)} of {len(sends)} parts were sent")
            raise
    if len(done) == 1:
        return done[0]
    state = SendState.OBSERVED if all(each.state is SendState.OBSERVED for each in done) else SendState.ACCEPTED
    return msgspec.structs.replace(done[-1], state=state, parts=tuple(done))


def _thread(sender: Sender, reply_to: Message | str, to: Addressee) -> Plan[str]:
    """Return the guid of the message that is answered, which must stand in the chat that is written to."""
    message = yield from find_message(sender, reply_to)
    if not message.guid:
        raise SendRefused("the message to reply to has no guid", target=to.redacted, hint="send without reply_to")
    chat_ids = message.chat_ids or (message.chat_id,)
    if to.chat is None or to.chat.chat_id not in chat_ids:
        raise SendRefused(
            "the message to reply to stands in another chat",
            target=to.redacted,
            hint="reply(message, …) keeps to its chat",
        )
    return message.guid
