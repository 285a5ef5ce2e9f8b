"""The outbox: every chunk that is to be sent, and how far it came.

That a chunk is attempted is in the file before its request is written, so that no crash can make it go out twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from imsg_sdk._time import Clock, from_us, to_us
from imsg_sdk.errors import UsageError
from imsg_sdk.gateway.state.records import Entry, Outbound, OutboxState
from imsg_sdk.gateway.state.store import Store

__all__ = ["MOST_OF_A_TEXT", "Outbox"]

MOST_OF_A_TEXT: Final = 300
"""Characters kept of a detail or an error."""
_MOST_RECENT: Final = 1000
_FINAL: Final = frozenset(OutboxState) - {OutboxState.PLANNED, OutboxState.ATTEMPTING}

_CHUNK: Final = """
SELECT id, entry_id, chat_id, reply, part, params, state, planned_us, attempt_id, after_rowid, guid, message_rowid,
    (SELECT message_rowid FROM inbound WHERE inbound.id = entry_id)
FROM outbox LEFT JOIN outbox_content USING (id)"""

_CUT_OFF: Final = """
SELECT 1 FROM outbox WHERE entry_id = ? AND reply = ? AND part < ?
    AND state IN ('failed', 'refused', 'skipped') LIMIT 1"""


class Outbox:
    """The half of the journal that sends are kept in."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self._clock = clock

    def reached(self, point: str) -> None:
        """Mark a step; does nothing.  Tests put a fault here, to end the process at every step."""

    def attempting(
        self, outbound: Outbound, *, attempt_id: str | None = None, after_rowid: int | None = None
    ) -> Outbound | None:
        """Note that a chunk is about to be written to the program; only then may it be.

        Returns None where it must not be: it was attempted or given up before, or its person was erased.

        Parameters
        ----------
        outbound
            A planned chunk.
        attempt_id
            What the program will call it, where it takes a name.
        after_rowid
            Newest row before it, above which the chunk is looked for after a crash.

        Raises
        ------
        UsageError
            A transaction is open, which could undo it.
        """
        if self.store.is_in_transaction:
            raise UsageError("an attempt must be in the file by itself", hint="call attempting outside of together()")
        self.reached("attempting:before")
        with self.store as connection:
            changed = connection.execute(
                "UPDATE outbox SET state = 'attempting', attempted_us = ?, attempt_id = ?, after_rowid = ? "
                "WHERE id = ? AND state = 'planned'",
                (to_us(self._clock.now()), attempt_id, after_rowid, outbound.id),
            ).rowcount
            self.reached("attempting:uncommitted")
        self.reached("attempting:after")
        if not changed:
            return None
        return msgspec.structs.replace(
            outbound, state=OutboxState.ATTEMPTING, attempt_id=attempt_id, after_rowid=after_rowid
        )

    def settle(
        self,
        outbound: Outbound,
        state: OutboxState,
        *,
        guid: str | None = None,
        rowid: int | None = None,
        detail: str = "",
    ) -> bool:
        """Note what became of a chunk; return False where that was known and stays.

        An uncertain chunk may be settled again, when it is seen after all.
        """
        if state not in _FINAL:
            raise UsageError(f"{state} settles nothing", hint="observed, accepted, failed, refused, uncertain, …")
        self.reached("settle:before")
        with self.store as connection:
            changed = connection.execute(
                "UPDATE outbox SET state = ?, guid = ?, message_rowid = ?, detail = ?, settled_us = ? "
                "WHERE id = ? AND state IN ('planned', 'attempting', 'uncertain')",
                (
                    str(state), guid or None, rowid, detail[:MOST_OF_A_TEXT] or None, to_us(self._clock.now()),
                    outbound.id,
                ),
            ).rowcount  # fmt: skip
            self.reached("settle:uncommitted")
        self.reached("settle:after")
        return bool(changed)

    def is_cut_off(self, outbound: Outbound) -> bool:
        """Tell whether an earlier part of the same reply is known not to have gone out."""
        values = (outbound.entry_id, outbound.reply, outbound.part)
        return self.store.execute(_CUT_OFF, values).fetchone() is not None

    def was_sent(self, *, guid: str | None = None, rowid: int | None = None) -> bool:
        """Tell whether a message is one that this gateway sent, by what the program calls it."""
        execute = self.store.execute
        if guid and execute("SELECT 1 FROM outbox WHERE guid = ? LIMIT 1", (guid,)).fetchone():
            return True
        return bool(rowid and execute("SELECT 1 FROM outbox WHERE message_rowid = ? LIMIT 1", (rowid,)).fetchone())

    def recent_sends(self, since: datetime) -> list[Outbound]:
        """Return the chunks attempted since, in order, to know their echoes again after a restart."""
        return [
            _chunk(row)
            for row in self.store.execute(
                f"{_CHUNK} WHERE attempted_us >= ? AND id > (SELECT coalesce(max(id), 0) - ? FROM outbox) ORDER BY id",
                (to_us(since), _MOST_RECENT),
            )
        ]

    def claimed(self, chat_id: int | None) -> frozenset[str]:
        """Return the guids that chunks of a chat were settled with, so that no other chunk is taken for them."""
        rows = self.store.execute("SELECT guid FROM outbox WHERE chat_id IS ? AND guid IS NOT NULL", (chat_id,))
        return frozenset(guid for (guid,) in rows)

    def _open_chunks(self) -> list[Outbound]:
        query = f"{_CHUNK} WHERE state IN ('planned', 'attempting') ORDER BY id"
        return [_chunk(row) for row in self.store.execute(query)]

    def _insert_chunk(
        self, entry: Entry | None, reply: int, part: int, params: Mapping[str, Any], now: datetime
    ) -> Outbound:
        entry_id = None if entry is None else entry.id
        chat_id = params.get("chat_id", None if entry is None else entry.message.chat_id)
        number = self.store.connection.execute(
            "INSERT INTO outbox (entry_id, chat_id, reply, part, state, planned_us) VALUES (?, ?, ?, ?, 'planned', ?)",
            (entry_id, chat_id, reply, part, to_us(now)),
        ).lastrowid
        assert number is not None
        packed = msgspec.json.encode(params)
        self.store.connection.execute("INSERT INTO outbox_content VALUES (?, ?)", (number, packed))
        return Outbound(
            id=number,
            entry_id=entry_id,
            chat_id=chat_id,
            reply=reply,
            part=part,
            params=dict(params),
            state=OutboxState.PLANNED,
            planned_at=now,
            answers_rowid=None if entry is None else entry.message.rowid,
        )


def _chunk(row: Sequence[Any]) -> Outbound:
    return Outbound(
        id=row[0],
        entry_id=row[1],
        chat_id=row[2],
        reply=row[3],
        part=row[4],
        params={} if row[5] is None else msgspec.json.decode(row[5]),
        state=OutboxState(row[6]),
        planned_at=from_us(row[7]),
        attempt_id=row[8],
        after_rowid=row[9],
        guid=row[10],
        rowid=row[11],
        answers_rowid=row[12],
    )
