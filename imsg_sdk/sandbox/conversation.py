"""One chat as it goes on: sessions of plays turned into rows, with what people do to messages.

Everything follows from the conversation's own dice, so that one chat does not depend on the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from imsg_sdk.sandbox import body, script
from imsg_sdk.sandbox.database import Attachment, Message
from imsg_sdk.sandbox.dice import Dice, Weighted
from imsg_sdk.sandbox.people import Person
from imsg_sdk.sandbox.schema import MINIMAL, SEQUOIA, SIERRA, System

__all__ = ["Contact", "Conversation", "Owner", "Row"]

SECOND = 1_000_000_000

# Quantiles of log-normal distributions, so that no logarithm is needed: gaps inside a session in seconds, and
# delays until a message is read.
_GAPS_S = (4, 7, 9, 12, 15, 18, 22, 26, 31, 36, 42, 50, 60, 72, 88, 110, 140, 185, 260, 420)
_READ_S = (2, 4, 7, 12, 19, 28, 40, 57, 80, 110, 150, 210, 300, 430, 640, 1000, 1700, 3200, 7600, 26000)

_TAPBACKS = Weighted(
    [
        ((2000, "Loved", "❤️"), 34),
        ((2001, "Liked", "👍"), 27),
        ((2003, "Laughed at", "😂"), 18),
        ((2004, "Emphasized", "‼️"), 7),
        ((2006, "Reacted", ""), 6),
        ((2002, "Disliked", "👎"), 3),
        ((2005, "Questioned", "❓"), 3),
    ]
)
_HINTED = {
    "love": (2000, "Loved"),
    "like": (2001, "Liked"),
    "laugh": (2003, "Laughed at"),
    "wow": (2004, "Emphasized"),
    "what": (2005, "Questioned"),
}
_EMOJI = ("🎉", "🔥", "🙏", "😮", "🥳", "👏🏽", "🫶", "😢", "🍝", "🐈", "👀", "💯", "🏳️‍🌈", "🇮🇹", "👨‍👩‍👧")


class Contact(msgspec.Struct):
    """A person, or a machine, under one address and service."""

    person: Person
    handle_id: int
    address: str


class Owner(msgspec.Struct, frozen=True):
    """The owner's side of every conversation."""

    first_name: str
    phone: str
    email: str
    account_guid: str


class Row(msgspec.Struct):
    """A message that waits for its row id, and what it was meant to say."""

    date: int
    order: int
    message: Message
    chat_ids: tuple[int, ...]
    attachments: list[Attachment] | None
    text: str | None


class Conversation:
    """One chat and the people in it.

    Parameters
    ----------
    chat_id, service
        The chat and the service its messages travel by.
    members
        The others; never the owner.
    kind
        Which plays fit: talk, group, or a kind of automatic sender.
    """

    def __init__(
        self,
        chat_id: int,
        service: str,
        members: Sequence[Contact],
        *,
        kind: str,
        owner: Owner,
        system: System,
        seed: int,
        body_only: float,
    ) -> None:
        self.chat_id = chat_id
        self.service = service
        self.members = members
        self.kind = kind
        self.system = system
        self.dice = Dice(seed, f"chat {chat_id}")
        self.is_group = len(members) > 1
        self.language = members[0].person.language if not self.is_group else "en"
        self._owner = owner
        self._body_only = body_only
        self._caller = owner.phone if service != "iMessage" or self.dice.chance(0.7) else owner.email
        self._account = f"P:{owner.phone}" if self._caller == owner.phone else f"E:{owner.email}"
        self._chat_ids = (chat_id,)
        self._last_guid: str | None = None
        self._order = 0
        self._shelves = script.library(self.language, kind)
        self._lengths = sorted(self._shelves)

    def session(self, start_ns: int, quota: int, out: list[Row]) -> None:
        """Append exactly `quota` rows to `out`, the first at `start_ns`."""
        date = start_ns
        goal = len(out) + quota
        while len(out) < goal:
            date = self._play(date, goal, out)

    def _play(self, date: int, goal: int, out: list[Row]) -> int:
        dice = self.dice
        play = self._choose(goal - len(out))
        cast = self._roles(play.roles)
        names = [contact.person.first_name if contact else self._owner.first_name for contact in cast]
        for line, text in script.perform(play, dice, self.language, names):
            speaker = cast[line.role]
            row = self._say(speaker, text, date)
            out.append(row)
            if len(out) < goal and self.system.has(SIERRA):
                self._react(row, speaker, line.hint, out)
            date += dice.pick(_GAPS_S) * SECOND + dice.bits(30)
            if len(out) >= goal:
                break
        return date

    def _choose(self, quota: int) -> script.Play:
        # A play that fits is told to its end; with one row left only the shortest fit.
        fitting = [length for length in self._lengths if length <= quota] or self._lengths[:1]
        length = fitting[-1] if len(fitting) == 1 else self.dice.pick(fitting)
        return self.dice.pick(self._shelves[length])

    def _roles(self, count: int) -> list[Contact | None]:
        """Cast a play; None is the owner."""
        dice = self.dice
        if self.kind not in ("talk", "group"):
            return [None, self.members[0]]
        if not self.is_group:
            pair: list[Contact | None] = [None, self.members[0]]
            if dice.chance(0.53):
                pair.reverse()
            return [pair[index % 2] for index in range(count)]
        everyone: list[Contact | None] = [None, *self.members]
        chosen = dice.sample(everyone, count)
        return [chosen[index % len(chosen)] for index in range(count)]

    def _say(self, speaker: Contact | None, text: str, date: int) -> Row:
        message = self._message(speaker, date)
        self._write(message, text)
        return self._row(message, text)

    def _row(self, message: Message, text: str | None, attachments: list[Attachment] | None = None) -> Row:
        self._order += 1
        return Row(message.date or 0, self._order, message, self._chat_ids, attachments, text)

    def _write(self, message: Message, text: str) -> None:
        dice = self.dice
        if dice.random() < self._body_only:
            message.attributed_body = body.plain(text, int(dice.random() * 4))
        else:
            message.text = text
            if dice.random() < 0.85:
                message.attributed_body = body.plain(text, int(dice.random() * 4))

    def _message(self, speaker: Contact | None, date: int) -> Message:
        dice = self.dice
        message = Message(
            guid=dice.guid(),
            service=self.service,
            date=date,
            destination_caller_id=self._caller,
            account=self._account,
            account_guid=self._owner.account_guid,
            reply_to_guid=self._last_guid,
        )
        self._last_guid = message.guid
        if speaker is None:
            message.handle_id = 0 if self.is_group else self.members[0].handle_id
            self._deliver(message, date)
        else:
            message.handle_id = speaker.handle_id
            message.is_delivered = 1
            if dice.random() < 0.95:
                message.is_read = 1
                message.date_read = date + dice.pick(_READ_S) * SECOND + dice.bits(30)
        return message

    def _deliver(self, message: Message, date: int) -> None:
        dice = self.dice
        message.is_from_me = 1
        if dice.random() < 0.003:
            message.error = 22
            return
        message.is_sent = 1
        if self.service == "SMS":
            return
        message.is_delivered = 1
        message.date_delivered = date + SECOND // 3 + dice.bits(31)
        if not self.is_group and dice.random() < 0.6:
            message.is_read = 1
            message.date_read = message.date_delivered + dice.pick(_READ_S) * SECOND + dice.bits(30)

    def _react(self, row: Row, speaker: Contact | None, hint: str, out: list[Row]) -> None:
        dice = self.dice
        if self.service != "iMessage" or self.kind not in ("talk", "group"):
            return
        emoji = ""
        if hint in _HINTED:
            if dice.random() > 0.6:
                return
            kind, verb = _HINTED[hint]
        else:
            if dice.random() > (0.16 if self.is_group else 0.08):
                return
            kind, verb, emoji = _TAPBACKS.pick(dice)
        reactor = self._listener(speaker)
        message = self._message(reactor, row.date + dice.between(3, 600) * SECOND + dice.bits(30))
        quoted = f"“{row.text}”"
        text = f"{verb} {quoted}"
        if kind == 2006:
            if not self.system.has(SEQUOIA) and self.system.rank != MINIMAL:
                kind, text = 2000, f"Loved {quoted}"
            else:
                message.associated_message_emoji = emoji = dice.pick(_EMOJI)
                text = f"Reacted {emoji} to {quoted}"
        message.associated_message_type = kind
        message.associated_message_guid = f"p:0/{row.message.guid}"
        message.associated_message_range_length = body.utf16_length(row.text or "")
        self._write(message, text)
        out.append(self._row(message, text))

    def _listener(self, speaker: Contact | None) -> Contact | None:
        """Return somebody other than the speaker."""
        if not self.is_group:
            return self.members[0] if speaker is None else None
        others: list[Contact | None] = [None, *self.members]
        others.remove(speaker)
        return self.dice.pick(others)
