"""The journal as frames, for people to look at.  pandas is imported on use."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from imsg_sdk.columns import DECISIONS, OUTBOX, PAIRING
from imsg_sdk.gateway.state.reader import StateReader

if TYPE_CHECKING:
    import pandas as pd

    from imsg_sdk.arguments import TimeLike

__all__ = ["decisions_frame", "outbox_frame", "pairing_frame"]


def decisions_frame(
    reader: StateReader, *, since: TimeLike | None = None, limit: int | None = None, now: datetime | None = None
) -> pd.DataFrame:
    """Return every inbound row and what became of it.

    Parameters
    ----------
    reader
        Where to read.
    since
        Only what arrived at that time or later.
    limit
        Only so many, the latest.
    now
        Where an age counts back from; None is the present.

    Returns
    -------
    pandas.DataFrame
        One row per inbound row, in the order of arrival, columns and dtypes of :data:`imsg_sdk.columns.DECISIONS`.
    """
    from imsg_sdk.frames import frame_from_records

    first, limit = _stretch(since, limit, now)
    return frame_from_records(DECISIONS, reader.decisions(since=first, limit=limit))


def outbox_frame(
    reader: StateReader, *, since: TimeLike | None = None, limit: int | None = None, now: datetime | None = None
) -> pd.DataFrame:
    """Return every chunk that was planned and what became of it; parameters as for :func:`decisions_frame`.

    Returns
    -------
    pandas.DataFrame
        One row per chunk, in order, columns and dtypes of :data:`imsg_sdk.columns.OUTBOX`.
    """
    from imsg_sdk.frames import frame_from_records

    first, limit = _stretch(since, limit, now)
    return frame_from_records(OUTBOX, reader.outbox(since=first, limit=limit))


def _stretch(since: TimeLike | None, limit: int | None, now: datetime | None) -> tuple[datetime | None, int | None]:
    """Return what a call means; refuse what none can."""
    from imsg_sdk.arguments import checked_instant, checked_limit

    return None if since is None else checked_instant(since, "since", now=now), checked_limit(limit)


def pairing_frame(reader: StateReader, now: datetime) -> pd.DataFrame:
    """Return who waits for approval at a moment, and who has it.

    Returns
    -------
    pandas.DataFrame
        One row per person, columns and dtypes of :data:`imsg_sdk.columns.PAIRING`.
    """
    from imsg_sdk.frames import frame_from_records

    return frame_from_records(PAIRING, reader.pairing(now))
