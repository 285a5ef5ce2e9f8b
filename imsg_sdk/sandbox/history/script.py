"""Small plays: what people say to each other, with gaps that chance fills in.

A play is lines of ``role: text``; roles are letters in order of appearance.  ``{day}`` and the like are filled from
word lists, the same word wherever it stands twice in one play, another for ``{day2}``; ``{A}`` is the first name of
role a; ``{Yes|On <day>}`` is one or the other.  ``## photo`` at the end of a line asks for what usually comes with it.
Pure: chance is an argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import msgspec

from imsg_sdk.sandbox.dice import Dice
from imsg_sdk.sandbox.history.plays import world
from imsg_sdk.sandbox.history.plays.group import GROUP
from imsg_sdk.sandbox.history.plays.machines import MACHINES
from imsg_sdk.sandbox.history.plays.small_talk import SMALL_TALK
from imsg_sdk.sandbox.history.plays.tales import GROUP_TALES, TALES
from imsg_sdk.sandbox.history.plays.talk import TALK
from imsg_sdk.sandbox.history.plays.words import WORDS

__all__ = ["Line", "Play", "perform", "plays", "repertoire", "words"]


class Line(msgspec.Struct, frozen=True):
    """One line of a play."""

    role: int
    pieces: tuple[str, ...]
    """The text around the gaps, one piece more than gaps."""
    gaps: tuple[str | tuple[str, ...], ...] = ()
    """Name of a word list each, or a choice of several texts."""
    hints: tuple[str, ...] = ()
    named: tuple[int, ...] = ()
    """Roles whose names the line speaks."""


class Play(msgspec.Struct, frozen=True):
    """One short conversation."""

    topic: str
    lines: tuple[Line, ...]
    roles: int


_GAP = re.compile(r"\{([^}]*)\}")
_NAME = re.compile(r"[{<]([A-H])[}>]")
_INNER_GAP = re.compile(r"<(\w+)>")


def _line(row: str) -> Line:
    role, _, text = row.partition(": ")
    text, _, hints = text.partition(" ## ")
    pieces = _GAP.split(text)
    gaps = [tuple(gap.split("|")) if "|" in gap else gap for gap in pieces[1::2]]
    named = tuple(sorted({ord(gap) - ord("A") for gap in pieces[1::2] if gap in _ROLES}))
    return Line(ord(role) - ord("a"), tuple(pieces[::2]), tuple(gaps), tuple(hints.split()), named)


def _parse(source: str) -> Iterator[Play]:
    for block in re.split(r"\n{2,}", source.strip()):
        topic, *rows = (row.strip() for row in block.strip().splitlines())
        lines = tuple(_line(row) for row in rows)
        spoken = (ord(name) - ord("A") for name in _NAME.findall(block))
        roles = 1 + max(*(line.role for line in lines), *spoken, 0)
        yield Play(topic.strip("@ "), lines, roles)


_ROLES = tuple("ABCDEFGH")


@cache
def plays(language: str, kind: str) -> Sequence[Play]:
    """Return all plays of a language and kind; where a language has none of that kind, the English ones."""
    english = {"talk": TALK + SMALL_TALK + TALES, "group": GROUP + GROUP_TALES, **MACHINES}
    return tuple(_parse(world.SCRIPTS.get(language, {}).get(kind) or english[kind]))


@cache
def repertoire(language: str, kind: str, topics: frozenset[str] = frozenset()) -> Sequence[Play]:
    """Return plays, shortest first; those on one of the topics stand there four times."""
    everything = plays(language, kind)
    liked = [play for play in everything if play.topic in topics]
    return tuple(sorted([*everything, *liked * 3], key=lambda play: len(play.lines)))


@cache
def words(language: str) -> Mapping[str, Sequence[str]]:
    """Return the word lists of a language; where it lacks one, the English."""
    source = {**WORDS, **world.WORDS.get(language, {})}
    return {name: tuple(entry.strip() for entry in text.split("|")) for name, text in source.items()}


class _Words(dict[str, str]):
    """The words of one performance, chosen when first asked for."""

    def __init__(self, dice: Dice, lists: Mapping[str, Sequence[str]], names: Sequence[str]) -> None:
        super().__init__(zip(_ROLES, names, strict=False))
        self._dice = dice
        self._lists = lists

    def __missing__(self, name: str) -> str:
        # A trailing digit asks for another word of the same list.
        word = self[name] = self._dice.pick(self._lists[name.rstrip("123456789")])
        return word

    def one_of(self, texts: Sequence[str]) -> str:
        """Return one of several texts, itself with its gaps filled."""
        text = self._dice.pick(texts)
        return _INNER_GAP.sub(lambda gap: self[gap[1]], text) if "<" in text else text


def perform(play: Play, dice: Dice, language: str, names: Sequence[str]) -> Iterator[tuple[Line, str]]:
    """Yield each line of a play with its gaps filled; `names` are first names by role."""
    filled = _Words(dice, words(language), names)
    for line in play.lines:
        text = line.pieces[0]
        for gap, rest in zip(line.gaps, line.pieces[1:], strict=True):
            text += (filled.one_of(gap) if isinstance(gap, tuple) else filled[gap]) + rest
        # A word that fills a gap may come to stand first.
        yield line, text[0].upper() + text[1:] if not line.pieces[0] else text
