"""Stored dates as instants, many at once; the rule is that of :meth:`imsg_sdk.chatdb.schema.Schema.time`.  Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imsg_sdk.chatdb.schema import EPOCH_US, MAX_S, MIN_S, NS_FROM, OLDEST_NS

__all__ = ["instants"]


def instants(stored: pa.ChunkedArray) -> pa.Array:
    """Return Unix microseconds, NULL for never: nanoseconds far from zero, else seconds."""
    raw: Any = pc.fill_null(stored, 0).to_numpy()
    is_ns = (raw >= NS_FROM) | ((raw <= -NS_FROM) & (raw >= OLDEST_NS))
    is_s = (raw >= MIN_S) & (raw <= MAX_S) & (raw != 0)
    us = raw // 1000 + EPOCH_US
    if is_s.any():
        us = np.where(is_s, raw * 1_000_000 + EPOCH_US, us)
    return pa.array(us, mask=~(is_ns | is_s))
