"""Small plays: what people say to each other, with gaps that chance fills in.

A play is lines of ``role: text``; roles are letters in order of appearance.  ``{day}`` and the like are filled from
word lists, the same word wherever it stands twice in one play; ``{A}`` is the first name of role a.  ``## photo`` at
the end of a line asks for what usually comes with it.  Pure: chance is an argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import msgspec

from imsg_sdk.sandbox.dice import Dice
from imsg_sdk.sandbox.plays import world
from imsg_sdk.sandbox.plays.group import GROUP
from imsg_sdk.sandbox.plays.machines import MACHINES
from imsg_sdk.sandbox.plays.talk import TALK
from imsg_sdk.sandbox.plays.words import WORDS

__all__ = ["Line", "Play", "perform", "plays", "repertoire", "words"]


class Line(msgspec.Struct, frozen=True):
    """One line of a play."""

    role: int
    text: str
    hints: tuple[str, ...] = ()
    has_gaps: bool = True
    named: tuple[int, ...] = ()
    """Roles whose names the line speaks."""


class Play(msgspec.Struct, frozen=True):
    """One short conversation."""

    topic: str
    lines: tuple[Line, ...]
    roles: int


_NAME = re.compile(r"\{([A-H])\}")


def _line(row: str) -> Line:
    role, _, text = row.partition(": ")
    text, _, hints = text.partition(" ## ")
    named = tuple(sorted({ord(name) - ord("A") for name in _NAME.findall(text)}))
    return Line(ord(role) - ord("a"), text.replace("\\n", "\n"), tuple(hints.split()), "{" in text, named)


def _parse(source: str) -> Iterator[Play]:
    for block in source.strip().split("\n\n"):
        topic, *rows = (row.strip() for row in block.strip().splitlines())
        lines = tuple(_line(row) for row in rows)
        roles = 1 + max(max((line.role, *line.named)) for line in lines)
        yield Play(topic.strip("@ "), lines, roles)


@cache
def plays(language: str, kind: str) -> Sequence[Play]:
    """Return all plays of a language and kind; where a language has none of that kind, the English ones."""
    english = {"talk": TALK, "group": GROUP, **MACHINES}
    return tuple(_parse(world.SCRIPTS.get(language, {}).get(kind) or english[kind]))


@cache
def repertoire(language: str, kind: str, topics: frozenset[str] = frozenset()) -> Sequence[Play]:
    """Return plays, shortest first; with topics only those, as far as there are any."""
    everything = plays(language, kind)
    chosen = [play for play in everything if play.topic in topics] or everything
    return tuple(sorted(chosen, key=lambda play: len(play.lines)))


@cache
def words(language: str) -> Mapping[str, Sequence[str]]:
    """Return the word lists of a language; where it lacks one, the English."""
    source = {**WORDS, **world.WORDS.get(language, {})}
    return {name: tuple(entry.strip() for entry in text.split("|")) for name, text in source.items()}


class _Gaps(dict[str, str]):
    """The words of one performance, chosen when first asked for."""

    def __init__(self, dice: Dice, lists: Mapping[str, Sequence[str]], names: Sequence[str]) -> None:
        super().__init__((chr(ord("A") + index), name) for index, name in enumerate(names))
        self._dice = dice
        self._lists = lists

    def __missing__(self, name: str) -> str:
        # A trailing digit asks for another word of the same list.
        value = self._dice.pick(self._lists[name.rstrip("123456789")])
        self[name] = value
        return value


def perform(play: Play, dice: Dice, language: str, names: Sequence[str]) -> Iterator[tuple[Line, str]]:
    """Yield each line of a play with its gaps filled; `names` are first names by role."""
    gaps = _Gaps(dice, words(language), names)
    for line in play.lines:
        yield line, line.text.format_map(gaps) if line.has_gaps else line.text
