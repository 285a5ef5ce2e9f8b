"""Integers by rowid, as two sorted arrays: one search for a whole page of rows instead of one for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

__all__ = ["Lookup"]


class Lookup(Mapping[int, int]):
    """A mapping to anybody who wants one; arrays to those who know.

    `rowids` ascend and do not repeat.
    """

    def __init__(self, rowids: Any, values: Any) -> None:
        self.rowids = rowids
        self.values_at = values

    def of(self, rowids: Any, default: int) -> Any:
        """Return the values of many rowids, `default` where there is none."""
        if not len(self.rowids):
            return np.full(len(rowids), default, np.int64)
        at: Any = np.searchsorted(self.rowids, rowids)
        at[at == len(self.rowids)] = 0
        return np.where(self.rowids[at] == rowids, self.values_at[at], default)

    @cached_property
    def _plain(self) -> dict[int, int]:
        return dict(zip(self.rowids.tolist(), self.values_at.tolist(), strict=True))

    def __getitem__(self, rowid: int) -> int:
        return self._plain[rowid]

    def __contains__(self, rowid: object) -> bool:
        # A few questions are not worth a dictionary of all rows.
        known = self.__dict__.get("_plain")
        if known is not None or not isinstance(rowid, int):
            return rowid in self._plain
        at = int(np.searchsorted(self.rowids, rowid))
        return at < len(self.rowids) and bool(self.rowids[at] == rowid)

    def __iter__(self) -> Iterator[int]:
        return iter(self._plain)

    def __len__(self) -> int:
        return len(self.rowids)
