"""Which chat a target names, among the chats that there are.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import index
from typing import SupportsIndex

from imsg_sdk.addressing import Handle, Target, TargetKind, TargetLike, lookup_key, parse_target
from imsg_sdk.errors import AddressError
from imsg_sdk.models import Chat

__all__ = ["ChatLike", "Targets", "find_chat", "find_chats", "handles_of", "listed", "no_such_chat"]

ChatLike = TargetLike | Chat | SupportsIndex
"""One chat: its id, its record, a handle, a guid, a name, or a parsed :class:`imsg_sdk.addressing.Target`."""

Targets = ChatLike | Iterable[ChatLike] | None
"""One chat, several, or None for all."""

_LISTS = "chats() lists those that hold a message; participants() lists who is in which"
_MOST_NEAR = 3
_LEAST_TO_HOLD = 3
_CHAT_ID_DIGITS = 6
"""No Mac has had more chats than that."""


def listed(targets: ChatLike | Iterable[ChatLike]) -> list[ChatLike]:
    """Return one target or several as a list."""
    if isinstance(targets, str | Handle | Target | Chat) or not isinstance(targets, Iterable):
        return [targets]
    return list(targets)


def find_chats(targets: Iterable[ChatLike], chats: Sequence[Chat], *, region: str) -> list[Chat]:
    """Return the chats of several targets of a reading call, each once, in the order given."""
    found = {chat.chat_id: chat for chat in (find_chat(each, chats, region=region) for each in targets)}
    return list(found.values())


def find_chat(target: ChatLike, chats: Sequence[Chat], *, region: str) -> Chat:
    """Return the one chat that a target of a reading call names; sending is stricter, see :mod:`whom`.

    A bare text may be a handle, a guid or an identifier; handles are compared as phone numbers of `region`
    and find direct chats only.  It may also be the name of a chat, whatever its case, and text of digits only may
    be a chat id.

    Raises
    ------
    AddressError
        It names no chat, or more than one.
    """
    parsed = parse_target(_plain(target))
    matches = _matches(parsed, chats, region)
    if len(matches) == 1:
        return matches[0]
    if not matches:
        error = no_such_chat(parsed)
        near = _near(parsed.handle, chats) if parsed.handle and not parsed.service else []
        if near:
            error.hint = f"{', '.join(map(_shown, near))} has a name like it; {error.hint}"
        raise error
    shown = ", ".join(map(_shown, matches[:8])) + (", …" if len(matches) > 8 else "")
    raise AddressError(
        f"{len(matches)} chats match {parsed.redacted}: {shown}",
        hint="give one as chat_id:…, or several at once as a list",
    )


def no_such_chat(target: Target) -> AddressError:
    """Return the error of a target that no chat has."""
    digits = str(target.chat_id if target.chat_id is not None else target.handle or "")
    is_number = digits.isascii() and digits.isdecimal()
    if is_number and len(digits) > _CHAT_ID_DIGITS:
        # A number without its plus, such as a sheet of addresses makes it; not to be shown whole.
        return AddressError(
            f"no chat has the id {digits[:2]}… of {len(digits)} digits",
            hint="a phone number needs its + and country code, as text: '+447700900118'",
        )
    if is_number and not digits.startswith("0"):
        return AddressError(f"no chat has the id {digits}", hint=_LISTS)
    return AddressError(f"no chat matches {target.redacted}", hint=_LISTS)


def _near(text: str, chats: Sequence[Chat]) -> list[Chat]:
    """Return the few chats with a name like `text`; names are not shown in errors, ids are."""
    import difflib

    by_name: dict[str, Chat] = {}
    for chat in chats:
        for name in _names(chat):
            by_name.setdefault(name.casefold(), chat)
    wanted = " ".join(text.casefold().split())
    holding = [name for name in by_name if len(wanted) >= _LEAST_TO_HOLD and wanted in name]
    found = holding or difflib.get_close_matches(wanted, by_name, n=_MOST_NEAR)
    return list({by_name[name].chat_id: by_name[name] for name in found[:_MOST_NEAR]}.values())


def _shown(chat: Chat) -> str:
    who = f"group of {chat.n_participants}" if chat.is_group else Handle(chat.identifier or "").redacted
    return f"chat_id:{chat.chat_id} ({who}, {chat.service or 'no service'})"


def handles_of(chats: Iterable[Chat]) -> list[str]:
    """Return the handles of all that are in chats, each once."""
    found: dict[str, None] = {}
    for chat in chats:
        found |= dict.fromkeys(chat.participants)
        if chat.identifier and not chat.is_group:
            found[chat.identifier] = None
    return list(found)


def _plain(target: ChatLike) -> TargetLike:
    if isinstance(target, Chat):
        return target.chat_id
    if isinstance(target, SupportsIndex) and not isinstance(target, bool):
        return index(target)  # a numpy integer, as frames hold them
    return target


def _matches(target: Target, chats: Sequence[Chat], region: str) -> list[Chat]:
    match target.kind:
        case TargetKind.CHAT_ID:
            return [chat for chat in chats if chat.chat_id == target.chat_id]
        case TargetKind.CHAT_GUID:
            return [chat for chat in chats if chat.guid == target.chat_guid]
        case TargetKind.CHAT_IDENTIFIER:
            return [chat for chat in chats if chat.identifier == target.chat_identifier]
    text = target.handle or ""
    found = _with_handle(text, chats, region)
    if target.service is not None:
        return found
    if text.isascii() and text.isdecimal() and not text.startswith("0"):
        # A chat id and a short code may look alike: then neither is guessed.
        found += [chat for chat in chats if chat.chat_id == int(text) and chat not in found]
    return found or _named(text, chats)


def _named(text: str, chats: Sequence[Chat]) -> list[Chat]:
    wanted = " ".join(text.casefold().split())
    return [chat for chat in chats if wanted in {" ".join(name.casefold().split()) for name in _names(chat)}]


def _names(chat: Chat) -> list[str]:
    return [name for name in (chat.name, chat.contact_name) if name]


def _with_handle(text: str, chats: Sequence[Chat], region: str) -> list[Chat]:
    if exact := [chat for chat in chats if text == chat.guid]:
        return exact
    if exact := [chat for chat in chats if text == chat.identifier]:
        return exact
    key = lookup_key(text, region=region)
    return [chat for chat in chats if not chat.is_group and key and _is_with(chat, key, region)]


def _is_with(chat: Chat, key: str, region: str) -> bool:
    people = [chat.identifier] if chat.identifier else list(chat.participants)
    return any(lookup_key(person, region=region) == key for person in people)
