"""How fast a chat may be answered, and when it goes in circles.  Pure; time is given in seconds of a steady clock."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

__all__ = ["LoopBreaker", "RateLimiter"]

MOST_CHATS: Final = 4096


class LoopBreaker:
    """Stops a chat in which echoes keep coming.

    Parameters
    ----------
    limit
        Echoes within `window_s` that open the breaker.  It closes when a whole window passes without one.
    """

    def __init__(self, *, limit: int = 5, window_s: float = 60.0) -> None:
        self._limit = limit
        self._window_s = window_s
        self._echoes: OrderedDict[str, deque[float]] = OrderedDict()
        self._open: set[str] = set()

    def record(self, lane: str, now_s: float) -> None:
        """Note an echo."""
        times = self._echoes.setdefault(lane, deque(maxlen=self._limit))
        times.append(now_s)
        self._echoes.move_to_end(lane)
        if len(times) == self._limit and now_s - times[0] <= self._window_s:
            self._open.add(lane)
        if len(self._echoes) > MOST_CHATS:
            oldest, _ = self._echoes.popitem(last=False)
            self._open.discard(oldest)

    def is_open(self, lane: str, now_s: float) -> bool:
        """Tell whether nothing may be dispatched in a chat."""
        if lane in self._open and now_s - self._echoes[lane][-1] > self._window_s:
            self._open.discard(lane)
            del self._echoes[lane]
        return lane in self._open


class RateLimiter:
    """A bucket of tokens for each chat; a message that is to be answered takes one.

    Parameters
    ----------
    burst
        Messages answered at once; 0 sets no limit.
    per_minute
        Tokens that come back in a minute.
    """

    def __init__(self, *, burst: int = 20, per_minute: float = 30.0) -> None:
        self._burst = burst
        self._per_s = per_minute / 60
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def has_token(self, lane: str, now_s: float) -> bool:
        """Tell whether a chat may be answered now, without taking anything."""
        return not self._burst or self._tokens(lane, now_s) >= 1

    def take(self, lane: str, now_s: float) -> None:
        """Take a token, for a message that is dispatched."""
        if self._burst:
            self._buckets[lane] = (max(self._tokens(lane, now_s) - 1, 0.0), now_s)
            self._buckets.move_to_end(lane)
            if len(self._buckets) > MOST_CHATS:
                self._buckets.popitem(last=False)

    def _tokens(self, lane: str, now_s: float) -> float:
        tokens, at_s = self._buckets.get(lane, (float(self._burst), now_s))
        return min(float(self._burst), tokens + max(now_s - at_s, 0.0) * self._per_s)
