"""When a fault strikes: which events it waits for, which of them it takes, and how often.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

from imsg_sdk.sandbox.dice import Dice

__all__ = ["Count", "Event", "When", "may_strike", "strike"]

_SECOND_US: Final = 1_000_000
_SPARED: Final = "initialize"
"""A child that cannot even be greeted is a fault of its own, so this method has to be named."""


class Event(msgspec.Struct, frozen=True):
    """Something that a fault may strike: a request, a notification, a row about to be written."""

    method: str
    fields: Mapping[str, Any] = {}
    text: str | None = None
    chat: int | None = None


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Conditions that every fault takes.

    ``method`` is a name, a pattern such as ``messages.*``, or several; ``params`` are values that the request (or the
    message) must have; ``text`` is part of its text, ``chat`` its chat.  Of the events that fit, the first ``after``
    pass, then every ``every``-th is struck with probability ``chance``, at most ``times`` times (null: always).
    ``in_s`` and ``for_s`` are seconds of the world: not before, and for how long.
    """

    method: str | list[str] | None = None
    params: dict[str, Any] = {}
    text: str | None = None
    chat: int | None = None
    after: int = 0
    every: int = 1
    chance: float = 1.0
    times: int | None = 1
    in_s: float = 0.0
    for_s: float | None = None

    def __post_init__(self) -> None:
        if self.every < 1 or self.after < 0 or not 0 <= self.chance <= 1 or (self.times is not None and self.times < 0):
            raise ValueError("every is 1 or more, after and times 0 or more, chance from 0 to 1")

    def fits(self, event: Event, methods: tuple[str, ...] = ()) -> bool:
        """Return whether an event is of the kind waited for; `methods` stand in for none named."""
        named = methods if self.method is None else (self.method,) if isinstance(self.method, str) else self.method
        if named and not any(fnmatchcase(event.method, each) for each in named):
            return False
        if event.method == _SPARED and _SPARED not in named:
            return False
        if self.chat is not None and event.chat != self.chat:
            return False
        if self.text is not None and self.text not in (event.text or ""):
            return False
        return all(name in event.fields and event.fields[name] == value for name, value in self.params.items())

    def is_on(self, now_us: int, since_us: int) -> bool:
        """Return whether it may strike at this instant."""
        begins = since_us + round(self.in_s * _SECOND_US)
        return now_us >= begins and (self.for_s is None or now_us < begins + round(self.for_s * _SECOND_US))


class Count(msgspec.Struct):
    """How many events fitted so far, and how many of them were struck."""

    seen: int = 0
    fired: int = 0


def may_strike(when: When, count: Count) -> bool:
    """Return whether the fault is not spent."""
    return when.times is None or count.fired < when.times


def strike(when: When, count: Count, seed: str) -> bool:
    """Count an event that fits; return whether it is struck."""
    count.seen += 1
    place = count.seen - when.after - 1
    if place < 0 or place % when.every or not may_strike(when, count):
        return False
    if when.chance < 1 and not Dice(0, f"{seed}/{count.seen}").chance(when.chance):
        return False
    count.fired += 1
    return True
