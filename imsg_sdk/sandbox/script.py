"""Small plays: what people say to each other, with gaps that chance fills in.

A play is lines of ``role: text``; roles are letters in order of appearance.  ``{day}`` and the like are filled from
word lists, the same word wherever it stands twice in one play; ``{A}`` is the first name of role a.  ``## photo`` at
the end of a line asks for what usually comes with it.  Pure: chance is an argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import msgspec

from imsg_sdk.sandbox import plays_en, plays_world
from imsg_sdk.sandbox.dice import Dice

__all__ = ["Line", "Play", "library", "perform", "words"]


class Line(msgspec.Struct, frozen=True):
    """One line of a play."""

    role: int
    text: str
    hint: str = ""
    has_gaps: bool = True


class Play(msgspec.Struct, frozen=True):
    """One short conversation."""

    topic: str
    lines: tuple[Line, ...]
    roles: int


def _parse(source: str) -> Iterator[Play]:
    for block in source.strip().split("\n\n"):
        topic, *rows = (row.strip() for row in block.strip().splitlines())
        lines = []
        for row in rows:
            role, _, text = row.partition(": ")
            text, _, hint = text.partition(" ## ")
            lines.append(Line(ord(role) - ord("a"), text.replace("\\n", "\n"), hint, "{" in text))
        yield Play(topic.strip("@ "), tuple(lines), 1 + max(line.role for line in lines))


@cache
def library(language: str, kind: str = "talk") -> Mapping[int, Sequence[Play]]:
    """Return the plays of a language by number of lines; ``kind`` is talk, group or a kind of automatic sender."""
    source = plays_en.SCRIPTS if language == "en" else plays_world.SCRIPTS.get(language, {})
    text = source.get(kind) or source.get("talk") or plays_en.SCRIPTS[kind]
    shelves: dict[int, list[Play]] = {}
    for play in _parse(text):
        shelves.setdefault(len(play.lines), []).append(play)
    return shelves


@cache
def words(language: str) -> Mapping[str, Sequence[str]]:
    """Return the word lists of a language."""
    source = plays_en.WORDS if language == "en" else {**plays_en.WORDS, **plays_world.WORDS.get(language, {})}
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
