"""Who writes with whom, how much and when: the plan of a history, before a word of it is written.

Whole numbers only: the plan is the same on every machine.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from imsg_sdk.sandbox.dice import Dice

__all__ = ["SessionTimes", "cut_sessions", "share_out"]

HOUR = 3_600
DAY = 24 * HOUR

# How much is written in each hour of the day, and on each day of the week (the first is a Monday).
_HOURS = (5, 5, 5, 5, 5, 5, 25, 35, 70, 75, 75, 80, 90, 85, 75, 75, 80, 95, 100, 100, 100, 80, 65, 30)
_DAYS = (90, 85, 90, 95, 110, 120, 115)

_SESSION_SIZES = (1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11, 13, 15, 19, 26)
"""Rows in a session, by quantile."""


def share_out(total: int, count: int, largest: int | None = None) -> list[int]:
    """Divide `total` rows among `count` chats as Zipf's law does, largest first; every chat gets at least one.

    Parameters
    ----------
    largest
        Exact number of rows of the first chat; no other gets more.

    Raises
    ------
    ValueError
        The chats cannot hold the rows within `largest`, or there are fewer rows than chats.
    """
    if total < count:
        raise ValueError(f"{total} messages cannot fill {count} chats")
    if largest is not None and not (largest <= total - (count - 1) and largest * count >= total):
        raise ValueError(f"{count} chats with at most {largest} messages cannot hold {total} messages exactly")
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


def cut_sessions(rows: int, dice: Dice) -> list[int]:
    """Cut the rows of a chat into sessions."""
    sizes: list[int] = []
    while rows:
        size = min(rows, dice.pick(_SESSION_SIZES))
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

    def draw(self, dice: Dice) -> int:
        """Return one moment in seconds since 2001."""
        day = self._first_day + _weighted(self._days, dice)
        hour = _weighted(self._hours, dice)
        moment = day * DAY + hour * HOUR + int(dice.random() * HOUR)
        return min(max(moment, self._start), self._end - 1)


def _weighted(sums: Sequence[int], dice: Dice) -> int:
    return bisect_right(sums, int(dice.random() * sums[-1]))
