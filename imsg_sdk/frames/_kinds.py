"""One codec per kind of column: Python values → numpy planes → a pandas array.

A codec collects the planes of one column, batch by batch, and joins them once.  Missing values get a
place of their own in each plane (a mask, a code of -1, NaT), never a float, so large ids stay exact.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from imsg_sdk.columns import Kind
from imsg_sdk.frames.schema import pandas_dtype

NAT = np.iinfo(np.int64).min


class Codec(ABC):
    """What all kinds share: planes are kept per batch, then joined and ordered."""

    nullable = True

    def __init__(self) -> None:
        self.pieces: list[tuple[Any, ...]] = []

    @abstractmethod
    def planes(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return numpy arrays that hold `values`."""

    def coded(self, values: Sequence[Any], codes: Any) -> tuple[Any, ...]:
        """Return planes that hold ``values[code]`` for each of `codes`; the last value stands for -1."""
        return tuple(plane[codes] for plane in self.planes(values))

    def sparse(self, values: Sequence[Any], at: Any, default: Any, rows: int) -> tuple[Any, ...]:
        """Return planes of `rows` that hold `default` but for `values` at some positions."""
        planes: tuple[Any, ...] = tuple(np.repeat(plane, rows) for plane in self.planes([default]))
        if len(at):
            for plane, some in zip(planes, self.planes(values), strict=True):
                plane[at] = some
        return planes

    def append(self, planes: tuple[Any, ...]) -> None:
        """Keep the planes of one batch."""
        self.pieces.append(planes)

    def joined(self) -> tuple[Any, ...]:
        """Return the planes of all batches, end to end."""
        if not self.pieces:
            self.pieces.append(self.planes([]))
        if len(self.pieces) > 1:
            self.pieces = [tuple(np.concatenate(plane) for plane in zip(*self.pieces, strict=True))]
        return self.pieces[0]

    def sort_key(self) -> Any:
        """Return integers that sort like the values, NA lowest."""
        return self.joined()[0]

    def finish(self, order: Any) -> Any:
        """Return the column for pandas, its rows in `order`, and let go of the planes."""
        planes = self.joined()
        self.pieces = []
        if order is not None:
            planes = tuple(plane[order] for plane in planes)
        return self.array(*planes)

    def array(self, *planes: Any) -> Any:
        """Wrap joined planes into what pandas takes as a column."""
        return planes[0]


class Plain(Codec):
    """Integers or flags that are never NA."""

    nullable = False

    def __init__(self, dtype: str) -> None:
        super().__init__()
        self.dtype = dtype

    def planes(self, values: Any) -> tuple[Any, ...]:
        if isinstance(values, np.ndarray):
            return (values.astype(self.dtype, copy=False),)
        return (np.fromiter(values, dtype=self.dtype, count=len(values)),)


class Masked(Codec):
    """Integers or flags beside a mask of the missing ones."""

    def __init__(self, dtype: str) -> None:
        super().__init__()
        self.dtype = dtype

    def planes(self, values: Sequence[Any]) -> tuple[Any, ...]:
        missing = np.fromiter([value is None for value in values], dtype=bool, count=len(values))
        return _filled(values, 0, self.dtype), missing

    def sort_key(self) -> Any:
        values, mask = self.joined()
        return np.where(mask, NAT, values)

    def array(self, *planes: Any) -> Any:
        kind = pd.arrays.BooleanArray if self.dtype == "bool" else pd.arrays.IntegerArray
        return kind(*planes)


class Time(Codec):
    """Instants: microseconds, NaT where there is none."""

    def planes(self, values: Sequence[Any]) -> tuple[Any, ...]:
        return (_filled(values, NAT, "int64"),)

    def array(self, *planes: Any) -> Any:
        return pd.Series(planes[0].view("M8[us]"), copy=False).dt.tz_localize("UTC").array


class Text(Codec):
    """Text of its own in each row, as Python strings."""

    def planes(self, values: Sequence[Any]) -> tuple[Any, ...]:
        return (np.array(values, dtype=object),)

    def array(self, *planes: Any) -> Any:
        return pd.arrays.StringArray(planes[0])


class ArrowText(Codec):
    """Text in Arrow storage, where pandas uses it; the Python strings of a batch do not outlive it."""

    def planes(self, values: Any) -> tuple[Any, ...]:
        return (_in_arrow(values),)

    def coded(self, values: Sequence[Any], codes: Any) -> tuple[Any, ...]:
        (known,) = self.planes(values)
        return (known.take(np.where(codes < 0, len(values) - 1, codes)),)

    def sparse(self, values: Sequence[Any], at: Any, default: Any, rows: int) -> tuple[Any, ...]:
        codes = np.full(rows, len(values))
        codes[at] = np.arange(len(at))
        return self.coded([*values, default], codes)

    def joined(self) -> tuple[Any, ...]:
        import pyarrow as pa

        chunks = [chunk for (piece,) in self.pieces for chunk in piece.chunks]
        return (pa.chunked_array(chunks, type=pa.large_string()),)

    def finish(self, order: Any) -> Any:
        (text,) = self.joined()
        self.pieces = []
        # Straight from Arrow: pandas would look at every value as a Python object first.
        return pandas_dtype(Kind.TEXT).__from_arrow__(text if order is None else text.take(order))


class Category(Codec):
    """Codes into the distinct values, which end up sorted, and only those that occur."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[Any, int] = {None: -1}

    def planes(self, values: Sequence[Any]) -> tuple[Any, ...]:
        known = self.known
        for value in dict.fromkeys(values):
            if value not in known:
                known[value] = len(known) - 1
        return (np.fromiter(map(known.__getitem__, values), dtype=np.int32, count=len(values)),)

    def sort_key(self) -> Any:
        return self._sorted(self.joined()[0])[0]

    def array(self, *planes: Any) -> Any:
        codes, categories = self._sorted(planes[0])
        return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(pd.Index(categories, dtype=object)))

    def _sorted(self, codes: Any) -> tuple[Any, list[str]]:
        values = list(self.known)[1:]
        used = np.bincount(codes + 1, minlength=len(values) + 1)[1:].nonzero()[0].tolist()
        used.sort(key=values.__getitem__)
        rank: Any = np.full(len(values) + 1, -1, dtype=np.int32)
        rank[used] = np.arange(len(used), dtype=np.int32)
        return rank[codes], [values[code] for code in used]


class Lists(Codec):
    """Tuples, one per row, never NA."""

    def planes(self, values: Sequence[Any]) -> tuple[Any, ...]:
        # np.array would make a second dimension of tuples of equal length.
        return (np.fromiter((tuple(value or ()) for value in values), dtype=object, count=len(values)),)

    def array(self, *planes: Any) -> Any:
        return pd.Series(planes[0], dtype=object, copy=False)


def codec_for(kind: Kind) -> Codec:
    """Return a fresh codec for a column of `kind`."""
    match kind:
        case Kind.INT:
            return Plain("int64")
        case Kind.OPTIONAL_INT:
            return Masked("int64")
        case Kind.BOOL:
            return Plain("bool")
        case Kind.OPTIONAL_BOOL:
            return Masked("bool")
        case Kind.TIME:
            return Time()
        case Kind.TEXT:
            return Text() if pandas_dtype(kind).storage == "python" else ArrowText()
        case Kind.CATEGORY:
            return Category()
        case Kind.IDS | Kind.NAMES:
            return Lists()


def _filled(values: Any, fill: int, dtype: str) -> Any:
    """Return `values` with `fill` in place of None; an array has it there already."""
    if isinstance(values, np.ndarray):
        return values.astype(dtype, copy=False)
    try:
        return np.fromiter(values, dtype=dtype, count=len(values))
    except TypeError:  # None is among them
        return np.fromiter([fill if value is None else value for value in values], dtype=dtype, count=len(values))


def _in_arrow(values: Any) -> Any:
    import pyarrow as pa  # optional: pandas chose this storage, so it is there

    if hasattr(values, "combine_chunks"):
        return values.cast(pa.large_string())
    try:
        array = pa.array(values, type=pa.large_string(), from_pandas=True)
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot say
        array = pa.array([whole_text(value) for value in values], type=pa.large_string(), from_pandas=True)
    return pa.chunked_array([array])


def whole_text(text: Any) -> Any:
    """Return `text` with half surrogate pairs replaced by U+FFFD."""
    if not isinstance(text, str):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
