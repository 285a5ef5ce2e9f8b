"""People who act by script: on what they hear, and by themselves.

A script is data: rules, of which the first that fits is followed, each a list of steps.  Following a rule puts deeds
on the agenda, so that any process may carry them out, and none has to live until then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from imsg_sdk.sandbox.dice import Dice
from imsg_sdk.sandbox.world import friendly
from imsg_sdk.sandbox.world.accounts import Chat, Person
from imsg_sdk.sandbox.world.state import SECOND_US
from imsg_sdk.sandbox.world.world import Heard, World

__all__ = ["Answers", "Chatter", "Rule", "Step", "check_script"]

Span = float | tuple[float, float]
"""Seconds, or from so many to so many."""
Choice = str | list[str]

_ONE_OF: Final = ("wait", "read", "type", "say", "file", "link", "react", "edit", "unsend", "rename", "leave", "add")
_MOST_CHATS: Final = 200


class Step(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that somebody does.  Exactly one of the names in the first group is given."""

    wait: Span | None = None
    read: bool | None = None
    type: Span | None = None
    say: Choice | None = None
    file: str | None = None
    link: str | None = None
    react: Choice | None = None
    edit: Choice | None = None
    unsend: bool | None = None
    rename: str | None = None
    leave: bool | None = None
    add: str | None = None

    reply: bool = False
    effect: str | None = None
    service: str | None = None


class Rule(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What somebody does about what was heard.

    ``when`` is ``message`` (the owner wrote), ``overheard`` (somebody else did, in a group), ``tapback``, ``edit``,
    ``unsend``, ``typing``, ``read`` or ``group``; ``matches`` a regular expression that is looked for in the text;
    ``place`` is ``direct``, ``group`` or ``any``; ``times`` how often the rule is followed at most.
    """

    do: list[Step]
    when: str = "message"
    matches: str | None = None
    place: str = "any"
    chance: float = 1.0
    times: int | None = None


class Chatter(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, rename={"sender": "from"}):
    """What is said without a reason, again and again.

    ``every`` is how many seconds lie between; without ``from`` anybody of the chat speaks, without ``chat`` any chat
    is spoken in.
    """

    every: Span
    say: Choice = []
    sender: str | None = None
    chat: int | str | None = None
    reacts: float = 0.0
    """How often somebody reacts to the newest message instead."""
    times: int | None = None


def check_script(script: Sequence[dict[str, Any]]) -> list[Rule]:
    """Return the rules of a script.

    Raises
    ------
    ValueError
        A rule, a step or a pattern is none.
    """
    rules = msgspec.convert(list(script), list[Rule])
    for rule in rules:
        if rule.matches is not None:
            try:
                re.compile(rule.matches)
            except re.error as error:
                raise ValueError(f"matches is no regular expression: {error}") from None
        for step in rule.do:
            _what(step)
    return rules


def _what(step: Step) -> str:
    given = [name for name in _ONE_OF if getattr(step, name) is not None]
    if len(given) != 1:
        raise ValueError(f"a step is exactly one of {', '.join(_ONE_OF)}")
    return given[0]


class Answers:
    """Lets the people of a world act by their scripts."""

    def __init__(self, world: World) -> None:
        self.world = world

    def join(self) -> None:
        """Let the people hear what happens in the world."""
        self.world.hearing = self.hear
        self.world.kinds["chatter"] = self.chat

    def hear(self, heard: Heard) -> None:
        """Let everybody in the chat follow the first rule that fits; called within the turn of what they hear."""
        told: set[str] = set()
        for member in heard.chat.members:
            if self.world.accounts.owns(member.address) or (heard.member and heard.member.address == member.address):
                continue
            person = self.world.circle.of(member.address)
            if person.name in told:
                continue
            told.add(person.name)
            self._follow(heard, person, member.address)

    def _follow(self, heard: Heard, person: Person, address: str) -> None:
        with self.world.turn() as turn:
            for index, rule in enumerate(self._rules(person, address)):
                found = self._fits(rule, heard)
                if found is None or not turn.dice.chance(rule.chance):
                    continue
                if rule.times is not None and not self._count(f"rule/{person.name}/{index}", rule.times):
                    continue
                deeds = _Deeds(self.world, heard, person, address, found)
                deeds.enter(rule.do, turn.dice)
                return

    def _rules(self, person: Person, address: str) -> list[Rule]:
        if person.script is not None:
            return msgspec.convert(person.script, list[Rule])
        if self.world.state.get("others", "silent") == "friendly" and friendly.answers(address):
            return msgspec.convert(friendly.script(person.language), list[Rule])
        return []

    def _fits(self, rule: Rule, heard: Heard) -> tuple[str, ...] | None:
        """Return the groups of the pattern where a rule fits."""
        if rule.when != heard.event or (rule.place != "any" and (rule.place == "group") != heard.chat.has_several):
            return None
        if rule.matches is None:
            return ()
        found = re.search(rule.matches, heard.text, re.IGNORECASE)
        return None if found is None else tuple(group or "" for group in found.groups())

    def _count(self, name: str, most: int) -> bool:
        done = int(self.world.state.get(name, 0))
        if done >= most:
            return False
        self.world.state.put(name, done + 1)
        return True

    # by themselves

    def admit(self, people: Sequence[Person]) -> None:
        """Add people to the world, and let those speak who speak by themselves."""
        for person in people:
            check_script(person.script or [])
        with self.world.turn():
            self.world.circle.add(*people)
            for person in people:
                for chatter in person.chatter:
                    self.begin({"from": person.addresses[0], **chatter})

    def begin(self, chatter: dict[str, Any]) -> None:
        """Let something be said again and again from now on."""
        every = msgspec.convert(chatter, Chatter).every
        with self.world.turn() as turn:
            seconds = _seconds(every, turn.dice)
            self.world.after(seconds, "chatter", is_background=True, **chatter)

    def chat(self, world: World, args: dict[str, Any]) -> dict[str, Any]:
        """Let something be said, and again later: an entry of the agenda."""
        chatter = msgspec.convert(args, Chatter)
        left = None if chatter.times is None else chatter.times - 1
        if left is None or left > 0:
            self.begin({**args, **({} if left is None else {"times": left})})
        with world.turn() as turn:
            chat = self._some_chat(chatter, turn.dice)
            others = [member.address for member in chat.members if not world.accounts.owns(member.address)]
            if not others:
                raise LookupError("nobody to speak")
            sender = chatter.sender or turn.dice.pick(others)
            if turn.dice.chance(chatter.reacts):
                reaction = turn.dice.pick(friendly.REACTIONS)
                return world.do("tapback", {"from": sender, "chat": chat.guid, "reaction": reaction})
            lines = [chatter.say] if isinstance(chatter.say, str) else chatter.say
            text = turn.dice.pick(lines or friendly.SMALL_TALK)
            return world.do("receive", {"from": sender, "chat": chat.guid, "text": text})

    def _some_chat(self, chatter: Chatter, dice: Dice) -> Chat:
        world = self.world
        if chatter.chat is not None:
            return world.chat_with(chatter.chat)
        if chatter.sender is not None:
            member = world.circle.of(chatter.sender)
            return world.direct_chat(chatter.sender, "iMessage" if member.imessage else "SMS")
        rows = world.ledger.rows("SELECT ROWID AS id FROM chat ORDER BY ROWID LIMIT ?", (_MOST_CHATS,))
        if not rows:
            raise LookupError("no chat to speak in")
        return world.chat(dice.pick(rows)["id"])


class _Deeds:
    """Puts the steps of one rule on the agenda, one after the other."""

    def __init__(self, world: World, heard: Heard, person: Person, address: str, found: tuple[str, ...]) -> None:
        self._world = world
        self._heard = heard
        self._person = person
        self._base = {"from": address, "chat": heard.chat.guid}
        self._found = found
        self._seconds = 0.0
        self._said: str | None = None

    def enter(self, steps: list[Step], dice: Dice) -> None:
        """Put all of them on the agenda."""
        for step in steps:
            name = _what(step)
            if name == "wait":
                self._seconds += _seconds(step.wait or 0.0, dice)
                continue
            for kind, args in self._deeds(name, step, dice):
                self._world.after(self._seconds, kind, **{**self._base, **args})

    def _deeds(self, name: str, step: Step, dice: Dice) -> Iterator[tuple[str, dict[str, Any]]]:
        match name:
            case "read":
                yield "read", {}
            case "type":
                yield "typing", {"typing": True}
                self._seconds += _seconds(step.type or 0.0, dice)
                yield "typing", {"typing": False}
            case "say" | "file" | "link":
                yield "receive", self._message(name, step, dice)
            case "react":
                yield "tapback", {"guid": self._heard.guid, "reaction": self._text(step.react or "love", dice)}
            case "edit":
                yield "edit", {"guid": self._said, "text": self._text(step.edit or "", dice)}
            case "unsend":
                yield "unsend", {"guid": self._said}
            case "rename":
                yield "group", {"action": "rename", "name": step.rename}
            case "leave":
                yield "group", {"action": "leave"}
            case "add":
                yield "group", {"action": "add", "address": step.add}

    def _message(self, name: str, step: Step, dice: Dice) -> dict[str, Any]:
        self._said = dice.guid()
        args: dict[str, Any] = {"guid": self._said, "effect": step.effect, "service": step.service}
        if name == "say":
            args["text"] = self._text(step.say or "", dice)
        elif name == "file":
            args["files"] = [step.file]
        else:
            args["link"] = step.link
        if step.reply and self._heard.guid:
            args["reply_to"] = self._heard.guid
        return {key: value for key, value in args.items() if value is not None}

    def _text(self, choice: Choice, dice: Dice) -> str:
        """Return one of the texts, with what was heard put in its places."""
        text = choice if isinstance(choice, str) else dice.pick(choice)
        places = {"text": self._heard.text, "name": self._person.name.partition(" ")[0]}
        places |= {str(number): group for number, group in enumerate(self._found, 1)}
        return re.sub(r"\{(\w+)\}", lambda place: places.get(place[1], place[0]), text)


def _seconds(span: Span, dice: Dice) -> float:
    if isinstance(span, int | float):
        return float(span)
    low, high = span
    return low + (high - low) * int(dice.random() * SECOND_US) / SECOND_US
