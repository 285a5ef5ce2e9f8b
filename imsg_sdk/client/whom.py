"""Whom a message goes to.  Pure.

Reading may guess a little; sending must not.  Nothing here takes a name, two addresses, a part of a number or a
record of another database, and a thread of several people is reached by its chat only, never by one of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from operator import index
from typing import Any, SupportsIndex

import msgspec

from imsg_sdk.addressing import (
    Handle,
    HandleKind,
    Service,
    Target,
    TargetKind,
    TargetLike,
    checked_region,
    lookup_key,
    parse_target,
)
from imsg_sdk.client.targets import no_such_chat
from imsg_sdk.errors import AddressError
from imsg_sdk.models import Chat, CreatedChat, Message, Participant
from imsg_sdk.text import trim

__all__ = [
    "Addressee",
    "SendTarget",
    "find_addressee",
    "is_direct",
    "is_taken_for_one",
    "person",
    "reachable",
    "service_of",
    "written",
]

SendTarget = TargetLike | Chat | CreatedChat | Message | SupportsIndex
"""A chat id, a target as text, an exact handle, or a record of a chat or of a message in it."""

_ONE = "give one chat id, guid, identifier or handle; send_many() takes a table, create_chat() makes a group"
_FORMS = "write a chat id, chat_id:7, chat_guid:…, chat_identifier:…, a phone number with its + or an e-mail address"
_BY_CHAT = "address it by its chat: chats() lists chat_id and participants"

_DIALLED = re.compile(r"\+?\(?[0-9][0-9 ().\-\u2010-\u2015\u00a0\u202f]*")
_LIKE_HANDLE = re.compile(r"(imessage:|sms:|auto:).*|[+0-9 ()\-]+")
_EMAIL = re.compile(r"[^\s@,:;<>()\"]+@[^\s@,:;<>()\"]+\.[^\s@,:;<>()\".]+")
_SEVERAL = re.compile(r"[,;\n|&]|\+.*\+|@.*@", re.DOTALL)
_WHOLE_ID = re.compile(r".*:\s*\+?[1-9][0-9]*\s*", re.DOTALL)


class Addressee(msgspec.Struct, frozen=True):
    """One chat, or one person with whom there is no chat yet."""

    params: dict[str, Any]
    """The one key that names it on the wire."""
    chat: Chat | None = None
    service: Service | None = None
    """How it must go out, where that was asked for or follows from the chat."""
    redacted: str = ""

    def __repr__(self) -> str:
        return f"<Addressee {self.redacted}>"


def find_addressee(target: object, chats: Sequence[Chat], *, region: str, service: Service | None = None) -> Addressee:
    """Return the one chat or person that `target` names.

    Parameters
    ----------
    target
        See :data:`SendTarget`; anything else is refused.
    chats
        All chats there are.
    region
        Country of phone numbers written without a country code.
    service
        Only chats of this service, where a handle has several.

    Raises
    ------
    AddressError
        It names no chat, or more than one, or cannot be meant.
    """
    if isinstance(target, CreatedChat):
        return Addressee({"chat_guid": target.guid}, redacted="the new chat")
    if isinstance(target, Message | Chat):
        chat = _recorded(target, chats)
        if isinstance(target, Message):
            _refuse_several(target, chat, chats, region)
        return _of_chat(chat, service)
    parsed = _parsed(target)
    if parsed.kind is not TargetKind.HANDLE:
        return _of_chat(_named(parsed, chats), service)
    return _person(parsed, chats, region, service or _explicit(parsed))


def written(target: object) -> str | None:
    """Return a target as text, None where it is none that could be meant."""
    if isinstance(target, Message | Chat):
        target = target.chat_id
    if isinstance(target, Handle):
        return target.raw
    if isinstance(target, Target):
        return target.to_text()
    if isinstance(target, CreatedChat):
        return f"chat_guid:{target.guid}"
    is_number = isinstance(target, SupportsIndex) and not isinstance(target, bool)
    return str(target) if is_number or isinstance(target, str) else None


def _explicit(target: Target) -> Service | None:
    return None if target.service is Service.AUTO else target.service


def _parsed(target: object) -> Target:
    if isinstance(target, bool | float) or target is None:
        # Not shown: a number with a point may be a telephone number out of a sheet.
        what = "nothing" if target is None else f"a {type(target).__name__}"
        raise AddressError(f"{what} is no target", hint=_FORMS)
    if isinstance(target, Participant):
        raise AddressError("a participant is a person in a chat, and it is not said which is meant", hint=_ONE)
    if isinstance(target, SupportsIndex):
        return _chat_id(index(target))  # a numpy integer, as frames hold them
    if not isinstance(target, str | Handle | Target):
        what = "several targets" if isinstance(target, Iterable) else f"a {type(target).__name__}"
        raise AddressError(f"{what} cannot be sent to", hint=_ONE)
    parsed = parse_target(target)
    if parsed.kind is TargetKind.CHAT_ID:
        if isinstance(target, str) and not _WHOLE_ID.fullmatch(target):
            # Reading takes the number that a text begins with; who sends must have meant it.
            raise AddressError(
                "what follows the colon is no chat id", hint="write chat_id:7: the number alone, no zeros before it"
            )
        return _chat_id(parsed.chat_id or 0)
    return parsed


def _chat_id(number: int) -> Target:
    if not 0 < number < 2**63:
        raise AddressError(f"{number} is no chat id", hint="chats() lists them")
    return Target(chat_id=number)


def _recorded(record: Message | Chat, chats: Sequence[Chat]) -> Chat:
    """Return the chat of a record, which must be the one that it was when it was read."""
    what = "the message" if isinstance(record, Message) else "the chat"
    guid = record.chat_guid if isinstance(record, Message) else record.guid
    identifier = record.chat_identifier if isinstance(record, Message) else record.identifier
    if not record.chat_id:
        raise AddressError(f"{what} is in no chat", hint="give the chat id")
    chat = next((each for each in chats if each.chat_id == record.chat_id), None)
    if chat is None:
        raise AddressError(f"there is no chat {record.chat_id}", hint="chats() lists those that hold a message")
    is_other = (guid and chat.guid and guid != chat.guid) or (
        identifier and chat.identifier and identifier != chat.identifier
    )
    if is_other:
        raise AddressError(
            f"chat {record.chat_id} is not the one that {what} came from: it was read from another database",
            hint="read it again with this client",
        )
    return chat


def _refuse_several(message: Message, chat: Chat, chats: Sequence[Chat], region: str) -> None:
    """Refuse a message that stands in chats with different people: nobody can tell which of them is answered."""
    found = [chat, *(each for each in chats if each.chat_id in message.chat_ids and each is not chat)]
    same = reachable(chat.identifier or "", found, region=region)
    if len(found) > 1 and len(same) < len(found):
        raise _ambiguous(found, "the message")


def _named(target: Target, chats: Sequence[Chat]) -> Chat:
    match target.kind:
        case TargetKind.CHAT_ID:
            found = [chat for chat in chats if chat.chat_id == target.chat_id]
        case TargetKind.CHAT_GUID:
            found = [chat for chat in chats if chat.guid == target.chat_guid]
        case _:
            found = [chat for chat in chats if chat.identifier == target.chat_identifier]
    if not found:
        raise no_such_chat(target)
    return _only(found, target.redacted)


def _only(found: Sequence[Chat], shown: str) -> Chat:
    if len(found) != 1:
        raise _ambiguous(found, shown)
    return found[0]


def _ambiguous(found: Sequence[Chat], shown: str) -> AddressError:
    ids = ", ".join(f"{chat.chat_id} ({chat.service or 'no service'})" for chat in found[:8])
    return AddressError(f"{len(found)} chats match {shown}: {ids}", hint="give one chat id, or a service")


def _of_chat(chat: Chat, service: Service | None) -> Addressee:
    own = service_of(chat.service)
    if service is not None and service is not Service.AUTO and own not in (None, service):
        raise AddressError(
            f"chat {chat.chat_id} is of {chat.service}, not of {service}", hint="leave service out, or give the handle"
        )
    # A program may reach the person of such a chat, and not the chat; then it must not choose iMessage.
    chosen = Service.SMS if own is Service.SMS else None
    return Addressee({"chat_id": chat.chat_id}, chat, chosen, f"chat {chat.chat_id}")


def is_taken_for_one(identifier: str | None, participants: Sequence[str], *, is_group: bool) -> bool:
    """Tell whether a program without bridge would write to one of several people: the one the chat is named after.

    By AppleScript it takes a chat whose identifier looks like a handle for that person.
    """
    identifier = identifier or ""
    looks_so = "@" in identifier or bool(_LIKE_HANDLE.fullmatch(identifier))
    return looks_so and (is_group or len(participants) > 1)


def service_of(name: str | None) -> Service | None:
    """Return the service that a chat belongs to, None where it does not say."""
    match (name or "").lower():
        case "imessage":
            return Service.IMESSAGE
        case "sms" | "mms" | "rcs":
            return Service.SMS
    return None


def _person(target: Target, chats: Sequence[Chat], region: str, service: Service | None) -> Addressee:
    text = trim(target.handle or "")
    if exact := [chat for chat in chats if text == chat.guid]:
        return _of_chat(_only(exact, target.redacted), service)
    if rooms := [chat for chat in chats if chat.is_group and text == chat.identifier]:
        return _of_chat(_only(rooms, target.redacted), service)
    if _SEVERAL.search(text):
        raise AddressError("the target holds more than one address", hint=_ONE)
    reached = reachable(text, chats, region=region) if _is_plain(text) else _exactly(text, chats)
    found = [chat for chat in reached if _goes_by(chat, service)]
    if len(found) > 1:
        raise _ambiguous(found, target.redacted)
    if found and service in (None, Service.AUTO) and any(text == str(chat.chat_id) for chat in chats):
        raise AddressError(
            f"{text} is a chat id and a short code", hint=f"write chat_id:{text}, or sms:{text} for the short code"
        )
    if found:
        return _of_chat(found[0], service)
    handle = text if any(text == chat.identifier for chat in chats) else _handle(text, region, service)
    if any(chat.identifier and _is_same(handle, chat.identifier, region) for chat in chats if chat not in reached):
        # The program would find this chat by its name, and others than the one who was named are in it.
        raise AddressError(f"somebody else is in the chat of {target.redacted}", hint=_BY_CHAT)
    return Addressee({"to": handle}, None, service, Handle(handle).redacted)


def _is_plain(text: str) -> bool:
    """Tell whether `text` is a handle and nothing else: comparing would find a number inside a sentence."""
    plain = _visible(text)
    return bool(_DIALLED.fullmatch(plain) or _EMAIL.fullmatch(plain))


def _visible(text: str) -> str:
    # Contacts wraps copied numbers in invisible marks.
    return "".join(char for char in text if unicodedata.category(char) != "Cf")


def _exactly(text: str, chats: Iterable[Chat]) -> list[Chat]:
    """Return the chats with a sender that is no number and no address, such as the name of a company."""
    return [chat for chat in chats if is_direct(chat) and text in (chat.identifier, *chat.participants)]


def is_direct(chat: Chat) -> bool:
    """Tell whether a chat is with one person; some are not, though the program does not call them groups."""
    return not chat.is_group and len(chat.participants) <= 1


def reachable(handle: str, chats: Iterable[Chat], *, region: str) -> list[Chat]:
    """Return the chats with this one person."""
    key = lookup_key(handle, region=region)
    return [chat for chat in chats if key and is_direct(chat) and _is_with(chat, handle, key, region)]


def _is_with(chat: Chat, handle: str, key: str, region: str) -> bool:
    people = [chat.identifier, *chat.participants] if chat.identifier else chat.participants
    return bool(people) and all(handle == person or lookup_key(person, region=region) == key for person in people)


def _is_same(handle: str, other: str, region: str) -> bool:
    return handle == other or lookup_key(handle, region=region) == lookup_key(other, region=region)


def _goes_by(chat: Chat, service: Service | None) -> bool:
    return service in (None, Service.AUTO) or service_of(chat.service) in (None, service)


def person(handle: object, *, region: str) -> str:
    """Return the handle of one person as it is sent, whether there is a chat with them or not.

    Raises
    ------
    AddressError
        It is not surely the address of one person.
    """
    if isinstance(handle, Handle):
        handle = handle.raw
    if not isinstance(handle, str):
        raise AddressError(f"a {type(handle).__name__} is no handle", hint="give a phone number or an e-mail address")
    parsed = parse_target(handle)
    if parsed.handle is None:
        raise AddressError("a chat is no person", hint="give a phone number or an e-mail address")
    text = trim(parsed.handle)
    if _SEVERAL.search(text):
        raise AddressError("the handle holds more than one address", hint="give one phone number or e-mail address")
    return _handle(text, region, _explicit(parsed))


def _handle(text: str, region: str, service: Service | None) -> str:
    """Return the handle of somebody with whom there is no chat, as it is sent.

    Raises
    ------
    AddressError
        It is not surely the address of one person.
    """
    plain = _visible(text)
    kind = Handle(plain).kind
    if kind is HandleKind.EMAIL and _EMAIL.fullmatch(plain):
        return plain
    if kind is HandleKind.SHORT_CODE and plain.isascii() and plain.isdecimal():
        if service is Service.SMS:
            return plain
        if plain.startswith("0"):
            raise AddressError(
                f"{plain} is no chat id, since it begins with 0",
                hint=f"write chat_id:{plain.lstrip('0') or '7'} for a chat, or sms:{plain} for a short code",
            )
        raise AddressError(
            f"{plain} may be a chat id or a short code",
            hint=f"write chat_id:{plain}, or sms:{plain} for the short code",
        )
    if kind is HandleKind.PHONE and _DIALLED.fullmatch(plain):
        return _international(plain, region)
    raise AddressError(
        f"{Handle(text).redacted} is no phone number and no e-mail address, and matches no chat",
        hint=f"names are never looked up for sending; {_FORMS}",
    )


def _international(plain: str, region: str) -> str:
    import phonenumbers

    region = checked_region(region)
    try:
        number = phonenumbers.parse(plain, region)
    except phonenumbers.NumberParseException:
        number = None
    whole = phonenumbers.ValidationResult.IS_POSSIBLE  # and not only within a town
    if number is None or phonenumbers.is_possible_number_with_reason(number) != whole:
        raise AddressError(
            f"{Handle(plain).redacted} is not a whole phone number in {region}",
            hint="write it with + and the country code",
        )
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
