"""Decisions, outbox and status for people to look at, read beside a gateway that runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from imsg_sdk._time import from_us, to_us
from imsg_sdk.gateway.pairing import LIFE
from imsg_sdk.gateway.state.content import text_of
from imsg_sdk.gateway.state.records import DecisionRow, OutboundRow, PairingRow
from imsg_sdk.gateway.state.store import reading

__all__ = ["StateReader"]

_AT_ONCE: Final = 2000
"""Rows read at once: a reader never holds the file for longer, and the log can be emptied in between."""
_NEVER_US: Final = -(2**62)

_DECISIONS: Final = """
SELECT id, message_rowid, guid, chat_id, sender, is_group, is_from_me, message, created_us, arrived_us, state,
    dispatched, reason, detail, was_mentioned, command_authorized, attempts, repeats, error, decided_us, finished_us
FROM inbound LEFT JOIN inbound_content USING (id)"""
_OUTBOX: Final = """
SELECT id, entry_id, chat_id, reply, part, state, params, guid, message_rowid, detail, planned_us, attempted_us,
    settled_us
FROM outbox LEFT JOIN outbox_content USING (id)"""

_PENDING: Final = """
SELECT handle, code, chat_id, created_us, seen_us FROM pairing_request WHERE created_us > ? ORDER BY created_us"""


class StateReader:
    """Reads the state of one account, whether a gateway runs or not.  It opens a connection for each question.

    Parameters
    ----------
    folder
        From :func:`~imsg_sdk.gateway.state.state_folder`.
    account
        Which account.
    """

    def __init__(self, folder: Path, account: str = "default") -> None:
        self._folder = folder
        self._account = account

    def __repr__(self) -> str:
        return "<StateReader>"

    def decisions(self, *, since: datetime | None = None, limit: int | None = None) -> Iterator[DecisionRow]:
        """Return every inbound row and what became of it, in the order of arrival.

        Parameters
        ----------
        since
            Only what arrived at that time or later.
        limit
            Only so many, the latest.
        """
        for row in self._rows(_DECISIONS, "arrived_us", since, limit):
            yield _decision_row(row)

    def outbox(self, *, since: datetime | None = None, limit: int | None = None) -> Iterator[OutboundRow]:
        """Return every chunk and what became of it, in order; parameters as for :meth:`decisions`."""
        for row in self._rows(_OUTBOX, "planned_us", since, limit):
            yield _outbound_row(row)

    def pairing(self, now: datetime) -> Iterator[PairingRow]:
        """Return who waits for approval at a moment, then who has it."""
        since_us = to_us(now - LIFE)
        with reading(self._folder, self._account) as connection:
            if connection is None:
                return
            pending = connection.execute(_PENDING, (since_us,)).fetchall()
            approved = connection.execute("SELECT handle, approved_us FROM pairing_approved ORDER BY 2, 1").fetchall()
        for handle, code, chat_id, asked_us, seen_us in pending:
            yield PairingRow(
                handle=handle,
                state="pending",
                code=code,
                chat_id=chat_id,
                asked_at=from_us(asked_us),
                seen_at=from_us(seen_us),
            )
        for handle, approved_us in approved:
            yield PairingRow(handle=handle, state="approved", approved_at=from_us(approved_us))

    def status(self) -> dict[str, Any] | None:
        """Return the last state that a gateway published, None where there is none."""
        with reading(self._folder, self._account) as connection:
            if connection is None:
                return None
            row = connection.execute("SELECT value FROM meta WHERE name = 'status'").fetchone()
        status: dict[str, Any] | None = None if row is None else msgspec.json.decode(row[0])
        return status

    def _rows(self, query: str, time: str, since: datetime | None, limit: int | None) -> Iterator[tuple[Any, ...]]:
        since_us = _NEVER_US if since is None else to_us(since)
        with reading(self._folder, self._account) as connection:
            if connection is None:
                return
            after = 0
            if limit is not None:
                newest = f"SELECT id FROM ({query} WHERE {time} >= ? ORDER BY id DESC LIMIT 1 OFFSET ?)"
                row = connection.execute(newest, (since_us, max(0, limit))).fetchone()
                after = 0 if row is None else row[0]
            page = f"{query} WHERE id > ? AND {time} >= ? ORDER BY id LIMIT ?"
            while rows := connection.execute(page, (after, since_us, _AT_ONCE)).fetchall():
                after = rows[-1][0]
                yield from rows


def _decision_row(row: tuple[Any, ...]) -> DecisionRow:
    return DecisionRow(
        entry_id=row[0],
        message_rowid=row[1],
        guid=row[2],
        chat_id=row[3],
        sender=row[4],
        is_group=_flag(row[5]),
        is_from_me=bool(row[6]),
        text=text_of(row[7]),
        created_at=_time(row[8]),
        arrived_at=from_us(row[9]),
        state=row[10],
        dispatched=_flag(row[11]),
        reason=row[12],
        detail=row[13],
        was_mentioned=_flag(row[14]),
        command_authorized=_flag(row[15]),
        attempts=row[16],
        repeats=row[17],
        error=row[18],
        decided_at=_time(row[19]),
        finished_at=_time(row[20]),
    )


def _outbound_row(row: tuple[Any, ...]) -> OutboundRow:
    params = None if row[6] is None else msgspec.json.decode(row[6])
    return OutboundRow(
        outbound_id=row[0],
        entry_id=row[1],
        chat_id=row[2],
        reply=row[3],
        part=row[4],
        state=row[5],
        text=None if params is None else params.get("text"),
        has_file=None if params is None else bool(params.get("file")),
        guid=row[7],
        rowid=row[8],
        detail=row[9],
        planned_at=from_us(row[10]),
        attempted_at=_time(row[11]),
        settled_at=_time(row[12]),
    )


def _flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def _time(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)
