"""One chat as it goes on: plays turned into rows, with what people do to messages.

Everything follows from the conversation's own dice, so that one chat does not depend on the others.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence

import msgspec

from imsg_sdk.sandbox import body
from imsg_sdk.sandbox.database import Attachment, Message
from imsg_sdk.sandbox.dice import Dice
from imsg_sdk.sandbox.history import acts, script, touches
from imsg_sdk.sandbox.history.media import Shelf
from imsg_sdk.sandbox.people import Person
from imsg_sdk.sandbox.schema import System

__all__ = ["Contact", "Conversation", "Owner", "Row", "Setting"]

SECOND = 1_000_000_000

# Quantiles of log-normal distributions, so that no logarithm is needed: gaps inside a session in seconds, and
# delays until a message is read.
_GAPS_S = (4, 7, 9, 12, 15, 18, 22, 26, 31, 36, 42, 50, 60, 72, 88, 110, 140, 185, 260, 420)
_READ_S = (2, 4, 7, 12, 19, 28, 40, 57, 80, 110, 150, 210, 300, 430, 640, 1000, 1700, 3200, 7600, 26000)

_AFTERTHOUGHTS = ("😊", "😂", "❤️", "🙈", "😄", "🙏🏽", "✨", "😅", "👌", "🥰", "🤷🏻‍♀️", "😎", "🌈", "👀", "🎶", "🫠")

_HUMAN = frozenset({"talk", "group"})


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


class Setting(msgspec.Struct, frozen=True):
    """What all conversations of a history share."""

    owner: Owner
    system: System
    seed: int
    body_only: float
    shelf: Shelf


class Row(msgspec.Struct):
    """A message that waits for its row id, and what it was meant to say."""

    date: int
    order: int
    message: Message
    chat_ids: tuple[int, ...]
    attachments: list[Attachment] | None
    text: str | None
    kind: str = "message"
    deleted_ns: int = 0


class Conversation:
    """One chat and the people in it.

    Parameters
    ----------
    chat_ids
        The chat; a second one shares some of the messages.
    service
        What its messages travel by.
    members
        The others; never the owner.
    kind
        Which plays fit: talk, group, notes, or a kind of automatic sender.
    former
        Somebody who was in the group until :attr:`former_until`.
    """

    def __init__(
        self,
        chat_ids: Sequence[int],
        service: str,
        members: Sequence[Contact],
        setting: Setting,
        *,
        kind: str,
        former: Contact | None = None,
    ) -> None:
        self.setting = setting
        self.system = setting.system
        self.service = service
        self.members = members
        self.kind = kind
        self.former = former
        self.former_until = 0
        self.read_until = 1 << 62
        self.is_group = kind == "group"
        self.is_human = kind in _HUMAN
        self.language = members[0].person.language if kind == "talk" else "en"
        self.topics: frozenset[str] = frozenset()
        self.recent: deque[Row] = deque(maxlen=12)
        self.out: list[Row] = []
        self.goal = 0
        self.last_guid: str | None = None
        self.play_began = 0
        """Order of the first row of the play that is on."""
        self._chat_ids, self._both = tuple(chat_ids[:1]), tuple(chat_ids)
        self.dice = Dice(setting.seed, f"chat {chat_ids[0] if chat_ids else 0}")
        owner = setting.owner
        self.caller = owner.phone if service != "iMessage" or self.dice.chance(0.7) else owner.email
        self.account = f"P:{owner.phone}" if self.caller == owner.phone else f"E:{owner.email}"
        self._order = 0
        self._unread = 0.02 if self.is_human else 0.3
        self._repertoire: Sequence[script.Play] = ()
        self._lengths: list[int] = []
        self._told: deque[script.Play] = deque(maxlen=9)

    @property
    def room(self) -> int:
        """How many rows the session may still take."""
        return self.goal - len(self.out)

    def session(self, start_ns: int, quota: int, out: list[Row]) -> None:
        """Append exactly `quota` rows to `out`, the first at `start_ns`."""
        self.out, self.goal = out, len(out) + quota
        date = start_ns
        while len(out) < self.goal:
            date = self._play(date)
        # A day's rows must not live on in every chat that was part of it.
        self.out = []

    def _play(self, date: int) -> int:
        dice = self.dice
        play = self._choose()
        cast = self._roles(play.roles)
        self.play_began = self._order + 1
        names = [contact.person.first_name if contact else self.setting.owner.first_name for contact in cast]
        for line, text in script.perform(play, dice, self.language, names):
            if len(self.out) >= self.goal:
                break
            speaker = cast[line.role]
            row = self.say(speaker, self._phrase(speaker, text), date)
            if self.is_human:
                touches.touch(self, row, line, names, cast)
                touches.react(self, row, speaker, line.hints)
                date = acts.act(self, speaker, date, line.hints, at_end=line is play.lines[-1])
            elif self.kind == "notes":
                acts.echo(self, row)
            date += dice.pick(_GAPS_S) * SECOND + dice.bits(30)
        return date

    def _choose(self) -> script.Play:
        if not self._repertoire:
            self._repertoire = script.repertoire(self.language, self.kind, self.topics)
            self._lengths = [len(play.lines) for play in self._repertoire]
        # A play that fits is told to its end; where none fits the shortest are cut.
        # Tapbacks need room too.
        room = self.room - self.room // 5 if self.is_human else self.room
        fitting = bisect_right(self._lengths, max(room, self._lengths[0]))
        for _ in range(4):
            # Two throws, the longer play wins: long ones are the better reading.
            index = int(max(self.dice.random(), self.dice.random()) * fitting)
            play = self._repertoire[index]
            if play not in self._told:
                break
        self._told.append(play)
        return play

    def _roles(self, count: int) -> list[Contact | None]:
        """Cast a play; None is the owner."""
        dice = self.dice
        if not self.is_human:
            return [None, self.members[0]]
        if not self.is_group:
            pair: list[Contact | None] = [None, self.members[0]]
            if dice.chance(0.53):
                pair.reverse()
            return [pair[index % 2] for index in range(count)]
        chosen = dice.sample(self.everyone(), count)
        return [chosen[index % len(chosen)] for index in range(count)]

    def _phrase(self, speaker: Contact | None, text: str) -> str:
        """Return a text as this person types it."""
        text = speaker.person.phrase(text) if speaker else text
        if self.is_human and text[-1:].isalpha() and self.dice.random() < 0.08:
            text = f"{text} {self.dice.pick(_AFTERTHOUGHTS)}"
        return text

    def everyone(self) -> list[Contact | None]:
        """Return all who may speak; None is the owner."""
        present: list[Contact | None] = [None, *self.members]
        if self.former and self.out and self.out[-1].date < self.former_until:
            present.append(self.former)
        return present

    def listener(self, speaker: Contact | None) -> Contact | None:
        """Return somebody other than the speaker."""
        if not self.is_group:
            return self.members[0] if speaker is None else None
        others = self.everyone()
        if speaker in others:
            others.remove(speaker)
        return self.dice.pick(others)

    def say(self, speaker: Contact | None, text: str, date: int) -> Row:
        """Add a message of plain text."""
        message = self.message(speaker, date)
        self.write(message, text)
        row = self.add(message, text)
        self.recent.append(row)
        return row

    def add(
        self,
        message: Message,
        text: str | None,
        attachments: list[Attachment] | None = None,
        kind: str = "message",
    ) -> Row:
        """Add a message to the session."""
        self._order += 1
        chat_ids = self._chat_ids
        if len(self._both) > 1 and self.dice.random() < 0.4:
            chat_ids = self._both
        row = Row(message.date or 0, self._order, message, chat_ids, attachments, text, kind)
        self.out.append(row)
        return row

    def write(self, message: Message, text: str, runs: Sequence[body.Run] | None = None) -> None:
        """Put a text where this system keeps it; with runs there is always a body."""
        dice = self.dice
        roll = dice.random()
        if runs is not None:
            message.attributed_body = body.attributed(text, runs, mutable=dice.bits(1) == 0)
            message.text = None if roll < self.setting.body_only else text
        elif roll < self.setting.body_only:
            message.attributed_body = body.plain(text, dice.bits(2))
            message.text = None
        else:
            message.text = text
            # Imported and older rows have no body.
            message.attributed_body = body.plain(text, dice.bits(2)) if dice.random() < 0.85 else None

    def message(self, speaker: Contact | None, date: int) -> Message:
        """Return a message as sent or received at `date`."""
        dice = self.dice
        message = Message(
            guid=dice.guid(),
            service=self.service,
            date=date,
            destination_caller_id=self.caller,
            account=self.account,
            account_guid=self.setting.owner.account_guid,
            reply_to_guid=self.last_guid,
        )
        self.last_guid = message.guid
        if speaker is None:
            message.handle_id = 0 if self.is_group else self.members[0].handle_id
            self._deliver(message, date)
        else:
            message.handle_id = speaker.handle_id
            message.is_delivered = 1
            if date < self.read_until and dice.random() >= self._unread:
                message.is_read = 1
                message.date_read = date + dice.pick(_READ_S) * SECOND + dice.bits(30)
        return message

    def _deliver(self, message: Message, date: int) -> None:
        dice = self.dice
        message.is_from_me = 1
        roll = dice.random()
        if roll < 0.003:
            message.error = 22
            return
        if roll < 0.0035:
            return
        message.is_sent = 1
        if self.service == "SMS":
            return
        message.is_delivered = 1
        message.date_delivered = date + SECOND // 3 + dice.bits(31)
        if not self.is_group and dice.random() < 0.6:
            message.is_read = 1
            message.date_read = message.date_delivered + dice.pick(_READ_S) * SECOND + dice.bits(30)
