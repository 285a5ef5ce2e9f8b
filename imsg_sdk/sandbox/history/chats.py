"""Which chats a history has, and the rows of ``chat`` and ``handle`` behind them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from imsg_sdk.sandbox.database import DIRECT, GROUP, Chat, Database, Handle
from imsg_sdk.sandbox.dice import Dice
from imsg_sdk.sandbox.history.conversation import Contact, Conversation, Setting
from imsg_sdk.sandbox.history.plays.props import GROUP_TITLES
from imsg_sdk.sandbox.people import Person, owner
from imsg_sdk.sandbox.schema import SEQUOIA, SIERRA, TAHOE

__all__ = ["ChatSpec", "Registry", "invent"]

# Kind, address and service of senders that are machines.
_MACHINES = (
    ("code", "262966", "SMS"),
    ("parcel", "Parcelo", "SMS"),
    ("bank", "72580", "SMS"),
    ("clinic", "+442079460018", "SMS"),
    ("shop", "urn:biz:0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9", "iMessage"),
    ("promo", "Corner Cycles", "SMS"),
    ("code", "48484", "SMS"),
    ("junk", "+447700900666", "SMS"),
    ("junk", "offers@prize.example.net", "iMessage"),
)


class ChatSpec(msgspec.Struct):
    """One chat to be made."""

    kind: str
    """talk, group, notes, or a kind of machine."""
    people: Sequence[Person]
    service: str = "iMessage"
    address: str | None = None
    """Address of a direct chat, where it is not the person's own."""
    name: str | None = None
    topics: frozenset[str] = frozenset()
    twin: int | None = None
    """Index of another chat with the same person, which shares some messages."""
    former: Person | None = None
    is_tail: bool = False
    """One of the many chats in which little happens."""
    is_filtered: bool = False
    weight: int = 0
    """Share of all messages relative to the others; 0 leaves it to Zipf's law."""


def invent(cast: Sequence[Person], n_groups: int, setting: Setting, *, machines: int) -> list[ChatSpec]:
    """Return the chats of an invented life, the busiest first."""
    dice = Dice(setting.seed, "chats")
    directs = [_direct(person, index, setting, dice) for index, person in enumerate(cast)]
    groups = [_group(cast, index, setting, dice) for index in range(n_groups)]
    n_core = max(2, len(directs) * 2 // 5)
    specs: list[ChatSpec] = []
    for index, spec in enumerate(directs[:n_core]):
        specs.append(spec)
        if index % 2 == 0 and groups:
            specs.append(groups.pop(0))
    quiet = directs[n_core:]
    by_sms = not setting.system.has(TAHOE)
    # The busy chats share no messages, so that their sizes stay as planned.
    seconds = _seconds(specs, machines // 3, by_sms=by_sms)
    shared = _seconds(quiet, machines // 3, by_sms=by_sms, first=len(specs))
    tail = quiet + groups + seconds + shared + _machines(machines)
    for spec in tail:
        spec.is_tail = True
    return specs + tail


def _direct(person: Person, index: int, setting: Setting, dice: Dice) -> ChatSpec:
    roll = dice.random()
    service = "iMessage"
    if index > 3 and person.phone:
        if roll < 0.2:
            service = "SMS"
        elif roll < 0.27 and setting.system.has(SEQUOIA):
            service = "RCS"
    return ChatSpec("talk", [person], service)


def _group(cast: Sequence[Person], index: int, setting: Setting, dice: Dice) -> ChatSpec:
    pool = cast[: max(6, 5 * (index + 1))]
    members = dice.sample(pool, dice.pick((2, 2, 3, 3, 4, 4, 5, 6, 8)) + 1)
    former = members.pop() if len(members) > 2 and dice.chance(0.4) else None
    service = "SMS" if index > 1 and dice.chance(0.12) else "iMessage"
    roll = dice.random()
    title = GROUP_TITLES[index % len(GROUP_TITLES)] if index < 2 or roll < 0.65 else ("" if roll < 0.75 else None)
    return ChatSpec("group", members, service, name=title, former=former)


def _seconds(specs: Sequence[ChatSpec], count: int, *, by_sms: bool, first: int | None = None) -> list[ChatSpec]:
    """Return second threads of people: by SMS (macOS 26 keeps those in one), or from their mail address.

    With `first`, the index of the first of `specs`, they share messages with the first thread.
    """
    found: list[ChatSpec] = []
    for index, spec in enumerate(specs):
        if len(found) >= count:
            break
        if spec.kind != "talk" or spec.service != "iMessage" or not spec.people[0].phone:
            continue
        person = spec.people[0]
        twin = None if first is None else first + index
        if by_sms and len(found) % 2:
            found.append(ChatSpec("talk", [person], "SMS", twin=twin))
        else:
            found.append(ChatSpec("talk", [person], "iMessage", address=person.email, twin=twin))
    return found


def _machines(count: int) -> list[ChatSpec]:
    specs = []
    if count:
        specs.append(ChatSpec("notes", [owner()]))
    for kind, address, service in _MACHINES[: max(0, count - 1)]:
        person = Person(address, "en", "gb", None, address, "")
        specs.append(ChatSpec(kind, [person], service, address=address, is_filtered=kind == "junk"))
    return specs


class Registry:
    """Makes the rows of handles and chats, each handle once, and the conversations that fill them."""

    def __init__(self, database: Database, setting: Setting) -> None:
        self._database = database
        self._setting = setting
        self._dice = Dice(setting.seed, "registry")
        self._contacts: dict[tuple[str, str], Contact] = {}
        self.chat_ids: list[int] = []
        self.names: dict[str, str] = {}

    def contact(self, person: Person, service: str, address: str | None = None) -> Contact:
        """Return a person under an address and service."""
        address = address or (person.phone if service != "iMessage" else None) or person.address
        key = (address, service)
        if key not in self._contacts:
            national = "0" + address[3:] if address.startswith("+44") and service == "SMS" else None
            person_id = person.person_id or None
            rowid = self._database.add_handle(Handle(0, address, person.country, service, national, person_id))
            self._contacts[key] = Contact(person, rowid, address)
            if person.name != address:
                self.names[address] = person.name
        return self._contacts[key]

    def conversation(self, spec: ChatSpec) -> Conversation:
        """Make the chat of `spec`; return its conversation."""
        setting = self._setting
        members = [self.contact(person, spec.service, spec.address) for person in spec.people]
        former = self.contact(spec.former, spec.service) if spec.former else None
        chat = self._chat(spec, members)
        chat_id = self._database.add_chat(chat, [member.handle_id for member in members])
        self.chat_ids.append(chat_id)
        chat_ids = [chat_id] if spec.twin is None else [chat_id, self.chat_ids[spec.twin]]
        conversation = Conversation(chat_ids, spec.service, members, setting, kind=spec.kind, former=former)
        conversation.topics = spec.topics
        chat.account_login = conversation.account
        chat.last_addressed_handle = conversation.caller
        return conversation

    def _chat(self, spec: ChatSpec, members: Sequence[Contact]) -> Chat:
        dice, system = self._dice, self._setting.system
        is_group = spec.kind == "group"
        identifier = f"chat{dice.between(10**17, 10**18 - 1)}" if is_group else members[0].address
        prefix = "any" if system.has(TAHOE) else spec.service
        return Chat(
            0,
            f"{prefix};{'+' if is_group else '-'};{identifier}",
            GROUP if is_group else DIRECT,
            identifier,
            spec.service,
            account_id=self._setting.owner.account_guid,
            room_name=identifier if is_group else None,
            display_name=spec.name,
            group_id=dice.guid(),
            is_filtered=int(spec.is_filtered and system.has(SIERRA)),
            is_archived=int(spec.is_tail and dice.chance(0.1)),
        )
