"""JavaScript regular expressions, translated to the `regex` module with their meaning kept.

A pattern is read as ``new RegExp(pattern, "i")`` reads it: without the ``u`` flag, with the leniency that browsers
keep for old pages.  It is matched against text that :func:`imsg_sdk.gateway.mentions.normalize` prepared, that is in
lower case and in UTF-16 units, so case is settled here and the result needs no flag but ASCII.  What cannot be
translated is refused with a reason; nothing is approximated.  No I/O in this file.
"""

from __future__ import annotations

import functools
import math
import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import regex

__all__ = ["CompiledPattern", "PatternError", "compile_pattern", "to_units"]

Ranges = list[tuple[int, int]]

_LAST_UNIT: Final = 0xFFFF
_SPACE: Final[Ranges] = [
    (0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
]  # fmt: skip
_DIGIT: Final[Ranges] = [(0x30, 0x39)]
_WORD: Final[Ranges] = [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)]
_LINE_END: Final[Ranges] = [(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)]
_ESCAPED_SETS: Final = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CONTROLS: Final = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}

_QUANTIFIER = re.compile(r"([*+?])|\{([0-9]+)(?:(,)([0-9]*))?\}")
_OCTAL = re.compile(r"[0-3][0-7]{0,2}|[4-7][0-7]?")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})")
_GROUP_NAME = re.compile(r"([^>]*)>")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")

_MOST_REPEATS: Final = 1000
"""A larger count is refused: compiling it would cost what matching may not."""
_MOST_UNITS: Final = 2000
_FREE_STEPS: Final = 1_000_000.0
"""Steps that cannot take longer than a few milliseconds, so that no clock need watch them."""


class PatternError(ValueError):
    """The pattern is not valid JavaScript, or means something that has no counterpart here."""


class CompiledPattern(msgspec.Struct, frozen=True):
    """One pattern, ready: its source as written, the compiled one, and how long a text is safe without a clock."""

    source: str
    compiled: Any
    free_length: int

    def __repr__(self) -> str:
        return f"<CompiledPattern {self.source!r}>"


def to_units(text: str) -> str:
    """Write `text` in UTF-16 units, two surrogates for each character above U+FFFF, as JavaScript sees it."""
    if text.isascii():
        return text
    return _ASTRAL.sub(_surrogates, text)


def _surrogates(match: re.Match[str]) -> str:
    code = ord(match[0]) - 0x10000
    return chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))


def compile_pattern(source: str) -> CompiledPattern:
    """Translate and compile one pattern.

    Raises
    ------
    PatternError
        JavaScript would refuse it, or it cannot be translated; the text says why.
    """
    units = to_units(source)
    if len(units) > _MOST_UNITS:
        raise PatternError(f"longer than {_MOST_UNITS} characters")
    parser = _Parser(units)
    try:
        node = parser.parse()
        compiled = regex.compile(node.source, regex.ASCII | regex.VERSION0)
    except (regex.error, RecursionError, OverflowError, MemoryError):
        raise PatternError("too large or nested too deeply") from None
    return CompiledPattern(source, compiled, node.cost.free_length(max(len(units), 1)))


# Cost: in how many ways a part can match from one position, as a polynomial of the length of the text.


class _Cost(msgspec.Struct, frozen=True):
    """At most ``factor * length ** degree`` ways; an infinite factor means that nothing bounds them."""

    factor: float = 1.0
    degree: int = 0

    def then(self, other: _Cost) -> _Cost:
        return _Cost(self.factor * other.factor, self.degree + other.degree)

    def either(self, other: _Cost) -> _Cost:
        return _Cost(self.factor + other.factor, max(self.degree, other.degree))

    def repeated(self, least: int, most: int | None) -> _Cost:
        if most is None:
            # Only a part that matches in one way gives one way per number of repeats.
            return _Cost(2.0, 1) if self == _Cost() else _Cost(math.inf)
        try:
            return _Cost((most - least + 1) * self.factor ** max(most, 1), self.degree * most)
        except OverflowError:
            return _Cost(math.inf)

    def free_length(self, size: int) -> int:
        """Return the longest text that is searched within `_FREE_STEPS`, however it fails."""
        if not math.isfinite(self.factor) or self.degree > 8:
            return -1
        return int((_FREE_STEPS / (self.factor * size)) ** (1 / (self.degree + 1)))


class _Node(msgspec.Struct, frozen=True):
    source: str
    cost: _Cost = _Cost()


# Case: two units are equal when JavaScript gives them one upper case form of one unit.


def _canonical(unit: int) -> int:
    upper = chr(unit).upper()
    if len(upper) != 1 or ord(upper) > _LAST_UNIT or (unit >= 128 > ord(upper)):
        return unit
    return ord(upper)


@functools.cache
def _case_groups() -> tuple[tuple[int, ...], ...]:
    """Return all groups of units above ASCII that are equal when case does not count."""
    groups: dict[int, list[int]] = {}
    for unit in range(128, _LAST_UNIT + 1):
        groups.setdefault(_canonical(unit), []).append(unit)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


@functools.cache
def _group_of() -> dict[int, tuple[int, ...]]:
    return {unit: group for group in _case_groups() for unit in group}


def _same_but_case(unit: int) -> tuple[int, ...]:
    if unit < 128:
        other = chr(unit).swapcase()
        return (unit, ord(other)) if other != chr(unit) else (unit,)
    return _group_of().get(unit, (unit,))


def _merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    merged: Ranges = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def _complement(ranges: Ranges) -> Ranges:
    result, start = [], 0
    for low, high in _merged(ranges):
        if low > start:
            result.append((start, low - 1))
        start = high + 1
    if start <= _LAST_UNIT:
        result.append((start, _LAST_UNIT))
    return result


def _closed_under_case(ranges: Ranges) -> Ranges:
    merged = _merged(ranges)
    lows = [low for low, _ in merged]

    def holds(unit: int) -> bool:
        index = bisect_right(lows, unit) - 1
        return index >= 0 and unit <= merged[index][1]

    letters = [(lower, lower - 32) for lower in range(0x61, 0x7B)]
    groups = [*letters, *(_case_groups() if merged and merged[-1][1] >= 128 else ())]
    added = [(unit, unit) for group in groups if any(map(holds, group)) for unit in group]
    return _merged([*merged, *added])


def _unit(code: int) -> str:
    char = chr(code)
    if char.isascii() and char.isalnum():
        return char
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def _set(ranges: Ranges) -> str:
    """Write a set of units; none at all never matches."""
    if not ranges:
        return "(?!)"
    return f"[{''.join(_unit(low) if low == high else f'{_unit(low)}-{_unit(high)}' for low, high in ranges)}]"


def _literal(code: int) -> str:
    """Write one unit, in the cases that text in lower case can hold."""
    kept = sorted(unit for unit in _same_but_case(code) if chr(unit).lower() == chr(unit))
    return _unit(kept[0]) if len(kept) == 1 else _set([(unit, unit) for unit in kept])


class _Parser:
    """A recursive descent over one pattern; each method reads one rule of the grammar."""

    def __init__(self, units: str) -> None:
        self.units = units
        self.at = 0
        self.names = _group_names(units)
        self.groups = _count_groups(units)
        self.opened = 0
        self.open_groups: list[int] = []

    def parse(self) -> _Node:
        node = self._disjunction()
        if self.at < len(self.units):
            raise PatternError("unmatched )")
        return node

    def _peek(self, text: str) -> bool:
        return self.units.startswith(text, self.at)

    def _take(self, text: str) -> bool:
        found = self._peek(text)
        self.at += len(text) if found else 0
        return found

    def _disjunction(self) -> _Node:
        node = self._alternative()
        while self._take("|"):
            other = self._alternative()
            node = _Node(f"{node.source}|{other.source}", node.cost.either(other.cost))
        return node

    def _alternative(self) -> _Node:
        sources, cost = [], _Cost()
        while self.at < len(self.units) and self.units[self.at] not in "|)":
            node = self._term()
            sources.append(node.source)
            cost = cost.then(node.cost)
        return _Node("".join(sources), cost)

    def _term(self) -> _Node:
        start = self.at
        char = self.units[self.at]
        if char in "^$":
            self.at += 1
            return _Node("^" if char == "^" else r"\Z")
        if char == "\\" and self.units[self.at + 1 : self.at + 2] in ("b", "B"):
            self.at += 2
            return _Node(self.units[start : self.at])
        if _QUANTIFIER.match(self.units, self.at):
            raise PatternError("nothing to repeat")
        first_group = self.opened
        atom = self._atom()
        match = _QUANTIFIER.match(self.units, self.at)
        if match is None:
            return atom
        if self.units.startswith(("(?<=", "(?<!"), start):
            raise PatternError("a look-behind cannot be repeated")
        return self._repeated(atom, match, captures=self.opened > first_group)

    def _repeated(self, atom: _Node, match: re.Match[str], *, captures: bool) -> _Node:
        self.at = match.end()
        lazy = "?" if self._take("?") else ""
        least, most = _bounds(match)
        if most is not None and least > most:
            raise PatternError("numbers out of order in {}")
        if max(least, most or 0) > _MOST_REPEATS:
            raise PatternError(f"more than {_MOST_REPEATS} repeats")
        if captures and most != 1 and self._refers_back():
            # JavaScript forgets what a group held at each turn of the loop; here it would be remembered.
            raise PatternError("a back-reference together with a repeated group")
        times = f"{{{least},{'' if most is None else most}}}"
        return _Node(f"(?:{atom.source}){times}{lazy}", atom.cost.repeated(least, most))

    def _refers_back(self) -> bool:
        return bool(re.search(r"\\(?:[1-9]|k<)", self.units)) and self.groups > 0

    def _atom(self) -> _Node:
        char = self.units[self.at]
        if char == "(":
            return self._group()
        if char == "[":
            return _Node(self._class())
        if char == "\\":
            return self._escape()
        self.at += 1
        if char == ".":
            return _Node(_set(_complement(_LINE_END)))
        return _Node(_literal(ord(char)))

    def _group(self) -> _Node:
        self.at += 1
        number = 0
        opening = next((text for text in ("?:", "?=", "?!", "?<=", "?<!") if self._take(text)), None)
        if opening is None:
            if self._take("?<"):
                self.at = _GROUP_NAME.match(self.units, self.at).end()  # type: ignore[union-attr]
            elif self._peek("?"):
                raise PatternError("invalid group")
            self.opened += 1
            opening, number = "", self.opened
        self.open_groups.append(number)
        node = self._disjunction()
        self.open_groups.pop()
        if not self._take(")"):
            raise PatternError("unterminated group")
        return _Node(f"({opening}{node.source})", node.cost)

    def _escape(self) -> _Node:
        self.at += 1
        if self.at == len(self.units):
            raise PatternError("\\ at the end")
        char = self.units[self.at]
        if char in "123456789":
            digits = re.compile("[0-9]+").match(self.units, self.at)[0]  # type: ignore[index]
            if len(digits) < 6 and int(digits) <= self.groups:
                self.at += len(digits)
                return self._back_reference(int(digits))
        if char == "k" and self.names:
            return self._named_reference()
        if char.lower() in _ESCAPED_SETS:
            self.at += 1
            return _Node(_set(_escaped_set(char)))
        return _Node(_literal(self._character_escape(in_class=False)))

    def _named_reference(self) -> _Node:
        self.at += 1
        match = _GROUP_NAME.match(self.units, self.at + 1) if self._peek("<") else None
        if match is None or match[1] not in self.names:
            raise PatternError("invalid named reference")
        self.at = match.end()
        return self._back_reference(self.names[match[1]])

    def _back_reference(self, number: int) -> _Node:
        # A group that took no part, or has not ended yet, matches the empty text in JavaScript and nothing here.
        if number in self.open_groups:
            return _Node("(?:)")
        return _Node(f"(?({number})(?i:\\{number})|)")

    def _character_escape(self, *, in_class: bool) -> int:
        """Read what follows a backslash and stands for one unit."""
        char = self.units[self.at]
        following = self.units[self.at + 1 : self.at + 2]
        if char == "c":
            in_set = in_class and (following.isdigit() or following == "_")
            letters = following.isascii() and (following.isalpha() or in_set)
            if not letters:
                return 0x5C  # the backslash stands for itself, and the c is read next
            self.at += 2
            return ord(following) % 32
        if match := _OCTAL.match(self.units, self.at):
            self.at = match.end()
            return int(match[0], 8)
        if match := _HEX.match(self.units, self.at):
            self.at = match.end()
            return int(match[1] or match[2], 16)
        self.at += 1
        if in_class and char == "b":
            return 0x08
        return ord(_CONTROLS.get(char, char))

    def _class(self) -> str:
        self.at += 1
        negated = self._take("^")
        ranges: Ranges = []
        while not self._take("]"):
            low = self._class_atom()
            if not self._peek("-") or self._peek("-]"):
                ranges += low
                continue
            self.at += 1
            high = self._class_atom()
            if _single(low) and _single(high):
                if low[0][0] > high[0][0]:
                    raise PatternError("range out of order in []")
                ranges.append((low[0][0], high[0][0]))
            else:
                ranges += [*low, (0x2D, 0x2D), *high]
        closed = _closed_under_case(ranges)
        return _set(_complement(closed) if negated else closed)

    def _class_atom(self) -> Ranges:
        if self.at >= len(self.units):
            raise PatternError("unterminated []")
        char = self.units[self.at]
        self.at += 1
        if char != "\\":
            return [(ord(char), ord(char))]
        if self.at == len(self.units):
            raise PatternError("\\ at the end")
        escaped = self.units[self.at]
        if escaped.lower() in _ESCAPED_SETS:
            self.at += 1
            return _escaped_set(escaped)
        if escaped == "k" and self.names:
            raise PatternError("invalid escape in []")
        unit = self._character_escape(in_class=True)
        return [(unit, unit)]


def _bounds(match: re.Match[str]) -> tuple[int, int | None]:
    if match[1]:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[match[1]]
    least = min(int(match[2][:9]), 10**8)
    if not match[3]:
        return least, least
    return least, min(int(match[4][:9]), 10**8) if match[4] else None


def _single(ranges: Ranges) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]


def _escaped_set(letter: str) -> Ranges:
    ranges = _ESCAPED_SETS[letter.lower()]
    return ranges if letter.islower() else _complement(ranges)


def _group_openings(units: str) -> Iterable[int]:
    """Yield where capturing groups open; brackets in sets and after a backslash open none."""
    in_class, at = False, 0
    while at < len(units):
        char = units[at]
        if char == "\\":
            at += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char == "(" and (units[at + 1 : at + 2] != "?" or re.match(r"\?<(?![=!])", units[at + 1 : at + 4])):
            yield at
        at += 1


def _count_groups(units: str) -> int:
    return sum(1 for _ in _group_openings(units))


def _group_names(units: str) -> dict[str, int]:
    names: dict[str, int] = {}
    for number, at in enumerate(_group_openings(units), 1):
        if units.startswith("(?<", at):
            match = _GROUP_NAME.match(units, at + 3)
            name = match[1] if match else ""
            if not name.replace("$", "_").isidentifier():
                raise PatternError("invalid group name")
            if name in names:
                raise PatternError("a group name is used twice")
            names[name] = number
    return names
