"""Typed pandas frames: the tables, how frames are built, read from a file and written out.

The tables (``MESSAGES``, ``REACTIONS``, …) say what each column holds; :func:`describe` shows that as a frame.
"""

from __future__ import annotations

from imsg_sdk.columns import (
    ATTACHMENTS,
    CHATS,
    DECISIONS,
    EDITS,
    GATEWAY_TABLES,
    MESSAGES,
    OUTBOX,
    PAIRING,
    PARTICIPANTS,
    REACTIONS,
    SENDS,
    TABLES,
)
from imsg_sdk.frames.build import empty_frame, frame_from_batches, frame_from_records
from imsg_sdk.frames.export import write_csv, write_jsonl
from imsg_sdk.frames.schema import SORT_BY, describe, dtypes

__all__ = [
    "ATTACHMENTS",
    "CHATS",
    "DECISIONS",
    "EDITS",
    "GATEWAY_TABLES",
    "MESSAGES",
    "OUTBOX",
    "PAIRING",
    "PARTICIPANTS",
    "REACTIONS",
    "SENDS",
    "SORT_BY",
    "TABLES",
    "describe",
    "dtypes",
    "empty_frame",
    "frame_from_batches",
    "frame_from_records",
    "write_csv",
    "write_jsonl",
]
