"""Small plays: what people say to each other, with gaps that chance fills in.

A play is lines of ``role: text``; roles are letters in order of appearance.  ``{day}`` and the like are filled from
word lists, the same word wherever it stands twice in one play, another for ``{day2}``; ``{A}`` is the first name of
role a; ``{Yes|Of course}`` is one or the other.  ``## photo`` at the end of a line asks for what usually comes with it.
Pure: chance is an argument.
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
    pieces: tuple[str | tuple[str, ...], ...]
    """Text, gap, text, gap, …; a gap is the name of a word list or a choice of several texts."""
    hints: tuple[str, ...] = ()
    named: tuple[int, ...] = ()
    """Roles whose names the line speaks."""


class Play(msgspec.Struct, frozen=True):
    """One short conversation."""

    topic: str
    lines: tuple[Line, ...]
    roles: int


_GAP = re.compile(r"\{([^}]*)\}")


def _line(row: str) -> Line:
    role, _, text = row.partition(": ")
    text, _, hints = text.partition(" ## ")
    pieces = _GAP.split(text)
    gaps = pieces[1::2]
    parts = [tuple(piece.split("|")) if n % 2 and "|" in piece else piece for n, piece in enumerate(pieces)]
    named = tuple(sorted({ord(gap) - ord("A") for gap in gaps if gap in _ROLES}))
    return Line(ord(role) - ord("a"), tuple(parts), tuple(hints.split()), named)


def _parse(source: str) -> Iterator[Play]:
    for block in source.strip().split("\n\n"):
        topic, *rows = (row.strip() for row in block.strip().splitlines())
        lines = tuple(_line(row) for row in rows)
        roles = 1 + max(max((line.role, *line.named)) for line in lines)
        yield Play(topic.strip("@ "), lines, roles)


_ROLES = tuple("ABCDEFGH")


@cache
def plays(language: str, kind: str) -> Sequence[Play]:
    """Return all plays of a language and kind; where a language has none of that kind, the English ones."""
    english = {"talk": TALK, "group": GROUP, **MACHINES}
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


def perform(play: Play, dice: Dice, language: str, names: Sequence[str]) -> Iterator[tuple[Line, str]]:
    """Yield each line of a play with its gaps filled; `names` are first names by role."""
    lists = words(language)
    filled = dict(zip(_ROLES, names, strict=False))
    for line in play.lines:
        if len(line.pieces) == 1:
            yield line, line.pieces[0]  # type: ignore[misc]
            continue
        said = []
        for number, piece in enumerate(line.pieces):
            if isinstance(piece, tuple):
                said.append(dice.pick(piece))
            elif number % 2 == 0:
                said.append(piece)
            else:
                if piece not in filled:
                    # A trailing digit asks for another word of the same list.
                    filled[piece] = dice.pick(lists[piece.rstrip("123456789")])
                said.append(filled[piece])
        text = "".join(said)
        # A word that fills a gap may come to stand first.
        yield line, text[0].upper() + text[1:] if not line.pieces[0] else text
