"""Chance that falls the same way on every machine and every Python.

Only ``random()`` and ``getrandbits()`` of the Mersenne Twister are used: both are fixed by the language, while
``choice``, ``shuffle`` and ``gauss`` may change between versions, and logarithms between C libraries.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from hashlib import sha256
from itertools import accumulate
from typing import Generic, TypeVar

T = TypeVar("T")


class Dice:
    """A source of chance, named by a seed and a purpose.

    Parameters
    ----------
    seed
        The same seed gives the same throws.
    purpose
        Different purposes of one seed are independent, so that adding throws to one leaves the others alone.
    """

    def __init__(self, seed: int, purpose: str = "") -> None:
        digest = sha256(f"{seed}/{purpose}".encode()).digest()
        source = random.Random(int.from_bytes(digest, "big"))
        self.random = source.random
        self.bits = source.getrandbits

    def chance(self, probability: float) -> bool:
        """Return true with this probability."""
        return self.random() < probability

    def pick(self, items: Sequence[T]) -> T:
        """Return one of the items, each as likely as any other."""
        return items[int(self.random() * len(items))]

    def between(self, low: int, high: int) -> int:
        """Return an integer from `low` to `high`, both possible."""
        return low + int(self.random() * (high - low + 1))

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Return `count` different items, in an order of chance."""
        pool = list(items)
        for index in range(min(count, len(pool))):
            other = index + int(self.random() * (len(pool) - index))
            pool[index], pool[other] = pool[other], pool[index]
        return pool[:count]

    def guid(self) -> str:
        """Return a UUID in Apple's spelling."""
        text = f"{self.bits(128):032X}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-A{text[17:20]}-{text[20:]}"


class Weighted(Generic[T]):
    """Items of which some come more often than others."""

    def __init__(self, items: Sequence[tuple[T, int]]) -> None:
        self._items = [item for item, _ in items]
        self._sums = list(accumulate(weight for _, weight in items))

    def pick(self, dice: Dice) -> T:
        """Return one item, as likely as its weight says."""
        return self._items[bisect_right(self._sums, int(dice.random() * self._sums[-1]))]
