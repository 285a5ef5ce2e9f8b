"""What somebody else can do: write, react, edit, take back, type, read, and change a group.

Each deed is a function of its params, so that it can be an entry of the agenda, a step of a script, or a request.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from imsg_sdk._time import from_us, parse_instant, to_us, us_to_apple_ns
from imsg_sdk.sandbox.world.accounts import Chat, Member, stored, takes_imessage
from imsg_sdk.sandbox.world.files import SLOT, filed, stage
from imsg_sdk.sandbox.world.ledger import Row
from imsg_sdk.sandbox.world.links import link_draft
from imsg_sdk.sandbox.world.reactions import tapback
from imsg_sdk.sandbox.world.versions import edit as edit_text
from imsg_sdk.sandbox.world.versions import unsend as take_back
from imsg_sdk.sandbox.world.world import Draft, Heard, Kind, Post, World

__all__ = ["DEEDS", "GroupChange", "OnMessage", "Presence", "Receive", "check_deed"]

Result = dict[str, Any]


class Receive(msgspec.Struct, forbid_unknown_fields=True, rename={"sender": "from"}):
    """A message that comes in.  ``at`` is an instant in ISO 8601: later than now, it comes then; else it is late."""

    sender: str
    text: str | None = None
    chat: int | str | None = None
    files: list[str] = []
    reply_to: str | None = None
    service: str | None = None
    at: str | None = None
    to: str | None = None
    """Which of the owner's addresses it comes to."""
    link: str | None = None
    effect: str | None = None
    audio: bool = False
    subject: str | None = None
    guid: str | None = None
    fields: dict[str, Any] = {}


class OnMessage(msgspec.Struct, forbid_unknown_fields=True, rename={"sender": "from"}):
    """Something done about a message.  Without a guid it is the newest one that it can be about."""

    sender: str | None = None
    guid: str | None = None
    chat: int | str | None = None
    text: str = ""
    reaction: str = "love"
    part: int = 0


class Presence(msgspec.Struct, forbid_unknown_fields=True, rename={"sender": "from"}):
    """Typing in a chat, or reading it."""

    sender: str
    chat: int | str | None = None
    typing: bool = True


class GroupChange(msgspec.Struct, forbid_unknown_fields=True, rename={"sender": "from"}):
    """Somebody joins, is added, is removed, leaves, or gives the group another name."""

    sender: str
    chat: int | str
    action: str
    address: str | None = None
    name: str | None = None


def _place(world: World, address: str, chat: int | str | None, service: str | None) -> tuple[Chat, Member]:
    """Return the chat in which somebody does something, and who that is there."""
    if chat is not None:
        found = world.chat_with(chat)
    else:
        person = world.circle.of(address)
        wanted = service or ("iMessage" if takes_imessage(stored(address)) and person.imessage else "SMS")
        found = world.direct_chat(address, wanted)
    return found, world.member(found, address, service or found.service)


def check_deed(kind: str, args: dict[str, Any]) -> None:
    """Raise :class:`ValueError` where somebody cannot do that, whatever the world is like."""
    msgspec.convert(args, _PARAMS[kind])


def receive(world: World, args: dict[str, Any]) -> Result:
    """Let a message come in."""
    wanted = msgspec.convert(args, Receive)
    if wanted.at is not None:
        now = world.state.now_us()
        due = to_us(parse_instant(wanted.at, now=from_us(now), name="at"))
        if due > now:
            world.state.enter(due, "receive", {name: value for name, value in args.items() if name != "at"})
            world.changed()
            return {"at_us": due}
        wanted.fields = {"date": us_to_apple_ns(due), **wanted.fields}
    chat, member = _place(world, wanted.sender, wanted.chat, wanted.service)
    post = world.receive(chat, member, _draft(world, wanted))
    return {"rowid": post.rowid, "guid": post.guid, "chat_id": chat.rowid}


def _draft(world: World, wanted: Receive) -> Draft:
    if wanted.link is not None:
        return link_draft(world, wanted.link)
    fields = dict(wanted.fields)
    fields |= {
        name: value
        for name, value in (
            ("destination_caller_id", wanted.to),
            ("expressive_send_style_id", wanted.effect),
            ("subject", wanted.subject),
        )
        if value is not None
    }
    if wanted.audio:
        fields |= {"is_audio_message": 1, "is_expirable": 1}
    if wanted.reply_to is not None:
        fields |= world.thread_of(world.found(wanted.reply_to))
    draft = Draft(wanted.text, guid=wanted.guid, service=wanted.service, fields=fields)
    if wanted.files:
        _attach(world, draft, wanted.files)
    return draft


def _attach(world: World, draft: Draft, paths: list[str]) -> None:
    try:
        draft.files = [stage(world, path, outgoing=False) for path in paths]
    except OSError as error:
        raise LookupError(f"a file cannot be read: {error.strerror}") from None
    words = draft.text or ""
    draft.text = SLOT * len(draft.files) + words
    draft.runs = filed([file.guid for file in draft.files], words)
    draft.fields = {**draft.fields, "part_count": len(draft.files) + bool(words)}


def _target(world: World, wanted: OnMessage, *, own: bool) -> tuple[Row, Chat, Member | None]:
    """Return the message, its chat, and who acts; `own` tells whose message it is where no guid is given."""
    if wanted.guid is not None:
        row = world.found(wanted.guid)
        chats = world.chats_of(row["rowid"])
        chat = world.chat_with(wanted.chat) if wanted.chat is not None else world.chat(chats[0])
    else:
        if wanted.sender is None:
            raise ValueError("guid or from is needed")
        chat, member = _place(world, wanted.sender, wanted.chat, None)
        row = world.newest(chat, None if own else member)
    return row, chat, world.member(chat, wanted.sender, chat.service) if wanted.sender else None


def react(world: World, args: dict[str, Any]) -> Result:
    """Let somebody react to a message, or take that back."""
    wanted = msgspec.convert(args, OnMessage)
    if wanted.sender is None:
        raise KeyError("from")
    row, chat, member = _target(world, wanted, own=True)
    post = tapback(world, chat, member, row, wanted.reaction, part=wanted.part)
    return {"rowid": post.rowid, "guid": post.guid, "chat_id": chat.rowid}


def edit(world: World, args: dict[str, Any]) -> Result:
    """Let somebody change a message of theirs."""
    wanted = msgspec.convert(args, OnMessage)
    row, _, _ = _target(world, wanted, own=False)
    edit_text(world, row, wanted.text)
    return {"rowid": row["rowid"], "guid": row["guid"]}


def unsend(world: World, args: dict[str, Any]) -> Result:
    """Let somebody take a message back."""
    row, _, _ = _target(world, msgspec.convert(args, OnMessage), own=False)
    take_back(world, row)
    return {"rowid": row["rowid"], "guid": row["guid"]}


def typing(world: World, args: dict[str, Any]) -> Result:
    """Let somebody begin or cease to type; only the bridge notices."""
    wanted = msgspec.convert(args, Presence)
    chat, member = _place(world, wanted.sender, wanted.chat, None)
    name = "started-typing" if wanted.typing else "stopped-typing"
    world.state.happen(name, {"chat_guid": chat.guid, "handle": member.address})
    return {"chat_id": chat.rowid}


def read(world: World, args: dict[str, Any]) -> Result:
    """Let somebody read what the owner wrote."""
    wanted = msgspec.convert(args, Presence)
    chat, member = _place(world, wanted.sender, wanted.chat, None)
    world.read_by_peer(chat, member)
    return {"chat_id": chat.rowid}


def change_group(world: World, args: dict[str, Any]) -> Result:
    """Let somebody change a group."""
    wanted = msgspec.convert(args, GroupChange)
    chat, member = _place(world, wanted.sender, wanted.chat, None)
    post = _changed(world, chat, member, wanted)
    world.hearing(Heard("group", chat, member, wanted.action))
    return {"rowid": post.rowid, "guid": post.guid, "chat_id": chat.rowid}


def _changed(world: World, chat: Chat, member: Member, wanted: GroupChange) -> Post:
    match wanted.action:
        case "rename":
            world.ledger.update("chat", chat.rowid, {"display_name": wanted.name or ""})
            return world.happen(chat, member, item_type=2, group_title=wanted.name)
        case "leave":
            world.remove_member(chat, member)
            return world.happen(chat, member, item_type=3)
        case "add" | "remove" if wanted.address:
            if wanted.action == "add":
                other = world.add_member(chat, wanted.address)
            else:
                other = world.member(chat, wanted.address, chat.service)
                world.remove_member(chat, other)
            action = 0 if wanted.action == "add" else 1
            return world.happen(chat, member, item_type=1, group_action_type=action, other_handle=other.handle_id)
    raise ValueError("action is rename with name, leave, or add or remove with address")


_PARAMS: Final[dict[str, type[msgspec.Struct]]] = {
    "receive": Receive,
    "tapback": OnMessage,
    "edit": OnMessage,
    "unsend": OnMessage,
    "typing": Presence,
    "read": Presence,
    "group": GroupChange,
}

DEEDS: Final[dict[str, Kind]] = {
    "receive": receive,
    "tapback": react,
    "edit": edit,
    "unsend": unsend,
    "typing": typing,
    "read": read,
    "group": change_group,
}
