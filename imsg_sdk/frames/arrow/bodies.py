"""Texts out of many ``attributedBody`` at once.  Pure.

Nearly every body says its text in one way: behind the first mark a byte with the length, the text, and a
byte that ends it.  These are cut out with array arithmetic; all others go to
:func:`imsg_sdk.chatdb.typedstream.words_of`, whose rules are the ones that count.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imsg_sdk.chatdb.connection import RepairedText
from imsg_sdk.chatdb.typedstream import END_OF_OBJECT, MARKER, words_of

__all__ = ["words_of_all"]

_LONG: Final = 0x80
"""From here on the byte of the length is the mark of a longer one."""


def words_of_all(bodies: pa.BinaryArray) -> tuple[pa.StringArray, list[int]]:
    """Return the texts of bodies, none of them NULL.

    Returns
    -------
    tuple
        The texts, NULL where nothing could be saved, and the positions of those that had to be repaired.
    """
    texts, is_plain = _plain(bodies)
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:  # somewhere bytes have to be replaced
        texts, is_plain = pa.nulls(len(bodies), pa.string()), np.zeros(len(bodies), dtype=bool)
    odd = np.flatnonzero(~is_plain).tolist()
    words = [words_of(bodies[at].as_py()) for at in odd]
    repaired = [at for at, text in zip(odd, words, strict=True) if text.__class__ is RepairedText]
    # An empty text that was repaired is one of which nothing was left.
    found = pa.array(
        [None if not text and text.__class__ is RepairedText else str(text) for text in words], pa.string()
    )
    return pc.replace_with_mask(texts, pa.array(~is_plain), found), repaired


def _plain(bodies: pa.BinaryArray) -> tuple[Any, Any]:
    """Return the texts of bodies with a short text, and which bodies these are."""
    _, offsets, data = bodies.buffers()
    is_plain: Any = np.zeros(len(bodies), dtype=bool)
    sizes: Any = np.zeros(len(bodies), np.int64)
    stream = np.frombuffer(data or b"", np.uint8)
    if not len(stream):
        return _cut(stream, sizes, sizes), is_plain
    limits = np.frombuffer(offsets, np.int32)[bodies.offset :][: len(bodies) + 1].astype(np.int64)
    ends = limits[1:]
    mark = pc.find_substring(bodies, pattern=MARKER).to_numpy()
    length_at = limits[:-1] + mark + len(MARKER)
    is_plain = (mark >= 0) & (length_at < ends)
    sizes[is_plain] = stream[length_at[is_plain]]
    stops = length_at + 1 + sizes
    is_plain &= (sizes < _LONG) & (stops < ends)
    is_plain &= stream[np.where(is_plain, stops, 0)] == END_OF_OBJECT
    sizes[~is_plain] = 0
    return _cut(stream, length_at + 1, sizes), is_plain


def _cut(stream: Any, starts: Any, sizes: Any) -> Any:
    """Return stretches of a stream of bytes as one array of texts."""
    offsets: Any = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    positions: Any = np.repeat((starts - offsets[:-1]).astype(np.int32), sizes)
    positions += np.arange(len(positions), dtype=np.int32)
    return pa.StringArray.from_buffers(len(sizes), pa.py_buffer(offsets), pa.py_buffer(stream[positions]))
