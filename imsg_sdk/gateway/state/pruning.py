"""Forgetting in time: first what people wrote, long after that the decisions.  In steps of bounded cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from imsg_sdk.gateway.state.store import Store

__all__ = ["Pruner"]

STEP: Final = 2000
"""Rows looked at in one step, of each table."""
_PAGES: Final = 200

# Rows come in the order of arrival, so the old ones stand in front; a few unfinished among them are passed over.
_OLD_CONTENT: Final = """
SELECT id, arrived_us, state = 'finished' AND finished_us < ?1 FROM inbound_content JOIN inbound USING (id)
WHERE id > ?2 ORDER BY id LIMIT ?3"""
_OLD_PARAMS: Final = """
SELECT id, planned_us, settled_us IS NOT NULL AND settled_us < ?1 FROM outbox_content JOIN outbox USING (id)
WHERE id > ?2 ORDER BY id LIMIT ?3"""
_OLD_ENTRIES: Final = """
SELECT id, arrived_us, state = 'finished' AND finished_us < ?1 AND NOT EXISTS (
    SELECT 1 FROM outbox WHERE entry_id = inbound.id AND state IN ('planned', 'attempting'))
FROM inbound WHERE id > ?2 ORDER BY id LIMIT ?3"""
_OLD_CHUNKS: Final = """
SELECT id, planned_us, settled_us IS NOT NULL AND settled_us < ?1 FROM outbox WHERE id > ?2 ORDER BY id LIMIT ?3"""


class Pruner:
    """Deletes what was kept long enough.

    Parameters
    ----------
    store
        The state file.
    keep, keep_decisions
        How long the two kinds are kept after the end of their handling; the second at least as long as the first.
    """

    def __init__(self, store: Store, keep: timedelta, keep_decisions: timedelta) -> None:
        self._store = store
        texts_us = max(0, round(keep.total_seconds() * 1_000_000))
        rows_us = max(texts_us, round(keep_decisions.total_seconds() * 1_000_000))
        self._parts = (
            (_OLD_CONTENT, ("inbound_content",), texts_us),
            (_OLD_PARAMS, ("outbox_content",), texts_us),
            (_OLD_CHUNKS, ("outbox", "outbox_content"), rows_us),
            (_OLD_ENTRIES, ("inbound", "inbound_content"), rows_us),
        )
        self._marks = [0] * len(self._parts)

    def step(self, now_us: int) -> int:
        """Look at the oldest rows and delete those kept long enough; return how many were."""
        deleted = 0
        with self._store:
            for number, (query, tables, kept_us) in enumerate(self._parts):
                deleted += self._part(number, query, tables, now_us - kept_us)
            self._give_pages_back()
        return deleted

    def _give_pages_back(self) -> None:
        connection = self._store.connection
        free = connection.execute("PRAGMA freelist_count").fetchone()[0]
        for _ in range(min(free, _PAGES)):
            # One at a time: Python leaves this statement after its first page, whatever number it names.
            connection.execute("PRAGMA incremental_vacuum(1)")

    def _part(self, number: int, query: str, tables: tuple[str, ...], limit_us: int) -> int:
        connection = self._store.connection
        rows = connection.execute(query, (limit_us, self._marks[number], STEP)).fetchall()
        old = [(each,) for each, _, is_old in rows if is_old]
        for table in tables:
            connection.executemany(f"DELETE FROM {table} WHERE id = ?", old)
        # Whatever comes after a row that arrived lately is younger still: next time from the front again.
        reaches_the_young = len(rows) < STEP or rows[-1][1] >= limit_us
        self._marks[number] = 0 if reaches_the_young else rows[-1][0]
        return len(old)
