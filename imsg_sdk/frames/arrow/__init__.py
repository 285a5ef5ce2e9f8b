"""A faster road from a large file to frames, where pyarrow and the ADBC driver for SQLite are installed.

The statements and every rule stay those of :mod:`imsg_sdk.chatdb`; only what every row has travels as Arrow
arrays instead of Python objects.  Whatever Arrow cannot carry (damaged UTF-8, a column of mixed types) is
read the plain way, so both roads give equal frames.
"""

from __future__ import annotations

from imsg_sdk.frames.arrow.roads import ArrowRoads

__all__ = ["ArrowRoads"]
