"""Rows that are there and belong to no chat yet: remembered for a day, and looked at ever more rarely.  Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

__all__ = ["HOLE_LIFE_S", "MAX_HOLES", "Holes", "Span", "Times"]

MAX_HOLES = 256
HOLE_LIFE_S = 86_400

Times = tuple[int, int, int]
"""When a hole was first seen, and the dates of the rows before and after it, in Unix seconds.

The first is a time of this machine, the others are times of the database, which may have a clock of its own.
"""

Span = tuple[int, int]
"""Two dates in Unix seconds."""


class _Hole(msgspec.Struct):
    times: Times
    look_at: float
    wait_s: float


class Holes:
    """Open holes by rowid, the newest 256 of them.

    Parameters
    ----------
    first_look_s
        How soon a new hole is looked at; each further look comes after twice the time, up to `longest_look_s`.
    """

    def __init__(self, *, first_look_s: float, longest_look_s: float) -> None:
        self._first_look_s = first_look_s
        self._longest_look_s = longest_look_s
        self._holes: dict[int, _Hole] = {}

    def __len__(self) -> int:
        return len(self._holes)

    def __contains__(self, rowid: int) -> bool:
        return rowid in self._holes

    def add(self, rowids: Iterable[int], times: Times, *, now: float) -> None:
        """Take rows; what is known keeps its times."""
        for rowid in rowids:
            if rowid not in self._holes:
                self._holes[rowid] = _Hole(times, now + self._first_look_s, self._first_look_s)
        if len(self._holes) > MAX_HOLES:
            for rowid in sorted(self._holes)[:-MAX_HOLES]:
                del self._holes[rowid]

    def close(self, rowid: int) -> None:
        """Forget a hole: its row came, or is gone."""
        self._holes.pop(rowid, None)

    def expire(self, now_s: int) -> None:
        """Forget what is older than a day."""
        for rowid in [rowid for rowid, hole in self._holes.items() if now_s - hole.times[0] > HOLE_LIFE_S]:
            del self._holes[rowid]

    def due(self, now: float) -> list[int]:
        """Return the holes to look at now, in order."""
        return sorted(rowid for rowid, hole in self._holes.items() if hole.look_at <= now)

    def next_look(self) -> float | None:
        """Return when the next hole wants a look."""
        return min((hole.look_at for hole in self._holes.values()), default=None)

    def looked(self, rowid: int, now: float) -> None:
        """Put the next look at a hole that is still open further away."""
        if (hole := self._holes.get(rowid)) is not None:
            hole.wait_s = min(2 * hole.wait_s, self._longest_look_s)
            hole.look_at = now + hole.wait_s

    def hurry(self, now: float) -> None:
        """Look at all of them now."""
        for hole in self._holes.values():
            hole.look_at = now

    def times(self, rowid: int) -> Times | None:
        """Return the times of a hole."""
        hole = self._holes.get(rowid)
        return None if hole is None else hole.times

    def listed(self, up_to: int) -> dict[int, Times]:
        """Return the holes up to a row, with the times of each."""
        return {rowid: hole.times for rowid, hole in self._holes.items() if rowid <= up_to}

    def of_one_time(self, rowids: list[int], within_s: int) -> tuple[list[int], Span]:
        """Return those holes that lie between about the same dates as the first one, and these dates."""
        _, start_s, end_s = self._holes[rowids[0]].times
        span = start_s - within_s, end_s + within_s
        inside = [
            rowid
            for rowid in rowids
            if span[0] <= self._holes[rowid].times[1] and self._holes[rowid].times[2] <= span[1]
        ]
        return inside, span
