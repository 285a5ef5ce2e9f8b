"""Who writes with whom, how much and when: the plan of a history, before a word of it is written.

Whole numbers only: the plan is the same on every machine.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

from imsg_sdk.errors import ConfigError
from imsg_sdk.sandbox.dice import Dice

__all__ = ["SessionTimes", "cut_sessions", "share_out", "sizes_of"]

HOUR = 3_600
DAY = 24 * HOUR

# How much is written in each hour of the day, and on each day of the week (the first is a Monday).
_HOURS = (5, 5, 5, 5, 5, 5, 25, 35, 70, 75, 75, 80, 90, 85, 75, 75, 80, 95, 100, 100, 100, 80, 65, 30)
_DAYS = (90, 85, 90, 95, 110, 120, 115)

_SESSION_SIZES = (1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 10, 12, 14, 17, 22, 30)
"""Rows in a session, by quantile."""


_TAIL_SIZES = (1, 1, 2, 2, 3, 4, 5, 6, 8, 9, 11, 12, 14, 16, 18, 19, 30, 60)
"""Rows in one of the many chats in which little happens."""


class Sized(Protocol):
    """A chat as far as its size goes."""

    @property
    def weight(self) -> int:
        """Share relative to the others; 0 for none."""
        ...

    @property
    def is_tail(self) -> bool:
        """One of the many in which little happens."""
        ...


def share_out(total: int, count: int, largest: int | None = None) -> list[int]:
    """Divide `total` rows among `count` chats as Zipf's law does, largest first; every chat gets at least one.

    Parameters
    ----------
    largest
        Exact number of rows of the first chat; no other gets more.

    Raises
    ------
    ConfigError
        The chats cannot hold the rows within `largest`.
    """
    if largest is not None and not (largest <= total - (count - 1) and largest * count >= total):
        raise ConfigError(
            f"a largest chat of {largest} does not fit {total} messages in {count} busy chats",
            path="largest_chat",
            hint="ask for more people, or for a larger or smaller largest chat",
        )
    sizes = [1] * count
    rest = total - count
    cap = largest if largest is not None else total
    if largest is not None:
        sizes[0] = largest
        rest -= largest - 1
    open_chats = list(range(1 if largest is not None else 0, count))
    while rest and open_chats:
        weights = [10**9 // (index + 1) for index in open_chats]
        whole = sum(weights)
        given = 0
        for index, weight in zip(open_chats, weights, strict=True):
            more = min(cap - sizes[index], rest * weight // whole)
            sizes[index] += more
            given += more
        if not given:
            sizes[open_chats[0]] += 1
            given = 1
        rest -= given
        open_chats = [index for index in open_chats if sizes[index] < cap]
    return sizes


def cut_sessions(rows: int, dice: Dice, *, kind: str = "talk") -> list[int]:
    """Cut the rows of a chat into sessions; machines and notes come one by one."""
    quantiles = _SESSION_SIZES if kind in ("talk", "group") else (1, 1, 1, 1, 2)
    sizes: list[int] = []
    while rows:
        size = min(rows, dice.pick(quantiles))
        sizes.append(size)
        rows -= size
    return sizes


class SessionTimes:
    """Moments at which people begin to write, more by day than by night.

    Parameters
    ----------
    start_s, end_s
        Seconds since 2001; sessions begin between them.
    """

    def __init__(self, start_s: int, end_s: int) -> None:
        self._start = start_s
        self._end = end_s
        self._first_day = start_s // DAY
        last_day = max(self._first_day, (end_s - 1) // DAY)
        # 2001-01-01 was a Monday.
        self._days = list(accumulate(_DAYS[day % 7] for day in range(self._first_day, last_day + 1)))
        self._hours = list(accumulate(_HOURS))

    def window(self, begin_s: int, finish_s: int) -> tuple[int, int, int, int]:
        """Return a part of the time, for :meth:`draw`."""
        begin_s, finish_s = max(begin_s, self._start), min(max(finish_s, begin_s + 1), self._end)
        first, last = begin_s // DAY - self._first_day, (finish_s - 1) // DAY - self._first_day
        return self._days[first - 1] if first else 0, self._days[max(first, last)], begin_s, finish_s

    def draw(self, dice: Dice, window: tuple[int, int, int, int]) -> int:
        """Return one moment in a window, in seconds since 2001."""
        low, high, begin_s, finish_s = window
        day = self._first_day + bisect_right(self._days, low + int(dice.random() * (high - low)))
        hour = bisect_right(self._hours, int(dice.random() * self._hours[-1]))
        moment = day * DAY + hour * HOUR + int(dice.random() * HOUR)
        return min(max(moment, begin_s), finish_s - 1)


def sizes_of(specs: Sequence[Sized], total: int, largest: int | None, dice: Dice) -> list[int]:
    """Return how many rows each chat gets; together exactly `total`.

    Raises
    ------
    ConfigError
        The chats cannot hold the rows, or there are more chats than rows.
    """
    if total < len(specs):
        raise ConfigError(
            f"{total} messages cannot fill {len(specs)} chats",
            path="messages",
            hint="ask for more, or for fewer people",
        )
    if any(spec.weight for spec in specs):
        return _weighted_sizes([spec.weight or 1 for spec in specs], total)
    core = sum(not spec.is_tail for spec in specs)
    tail_share = total // 8
    most = total if largest is None else max(1, largest // 3)
    tail: list[int] = []
    for left in range(len(specs) - core, 0, -1):
        size = min(dice.pick(_TAIL_SIZES), max(1, (tail_share - sum(tail)) // left * 4), most)
        tail.append(size)
    return share_out(total - sum(tail), core, largest) + tail


def _weighted_sizes(weights: Sequence[int], total: int) -> list[int]:
    whole = sum(weights)
    sizes = [max(1, total * weight // whole) for weight in weights]
    sizes[sizes.index(max(sizes))] += total - sum(sizes)
    return sizes
