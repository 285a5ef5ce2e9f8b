"""Write frames as CSV or JSON lines: exact, in pieces, and safe to read elsewhere.

Instants become ISO 8601 in UTC to the microsecond, tuples JSON lists, NA an empty cell or null.  Text is
written as it is, in UTF-8; half surrogate pairs, which UTF-8 cannot say, become U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
import pandas as pd

from imsg_sdk.arguments import refused
from imsg_sdk.frames._kinds import whole_text
from imsg_sdk.jsonlines import on_one_line

__all__ = ["write_csv", "write_jsonl"]

Sink = str | PathLike[str] | IO[str] | IO[bytes]

_ROWS_AT_ONCE = 20_000
_NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$|^$')
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_HALF = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def write_csv(frames: pd.DataFrame | Iterable[pd.DataFrame], sink: Sink, *, spreadsheet: bool = False) -> int:
    """Write rows as CSV with a header line.

    Parameters
    ----------
    frames
        A frame, or frames of the same columns that follow each other; the index is not written.
    sink
        A path, which is overwritten, or an open text or binary file.
    spreadsheet
        For people who open the file in Excel or the like.  A UTF-8 mark comes first, control characters
        become U+FFFD, and text that a spreadsheet would run as a formula gets a leading apostrophe, since
        strangers wrote it.  Off, the file holds exactly what the frame holds.

    Returns
    -------
    int
        The number of rows written.

    Notes
    -----
    NA is an empty cell and empty text is ``""``, so both can be told apart.  Flags are ``true`` and
    ``false``.  Lines end in CR LF, as RFC 4180 has it.
    """
    text = _spreadsheet_text if spreadsheet else str
    count = 0
    with _opened(sink) as write:
        for header, frame in _pieces(frames):
            if header:
                names = ",".join(_quoted(str(name)) for name in frame.columns)
                write(("\ufeff" if spreadsheet else "") + names + "\r\n")
            columns = [_csv_cells(frame[name], text) for name in frame.columns]
            write("".join(",".join(row) + "\r\n" for row in zip(*columns, strict=True)))
            count += len(frame)
    return count


def write_jsonl(frames: pd.DataFrame | Iterable[pd.DataFrame], sink: Sink) -> int:
    """Write rows as JSON lines: one object per row, every column in each.

    Parameters
    ----------
    frames
        A frame, or frames that follow each other; the index is not written.
    sink
        A path, which is overwritten, or an open text or binary file.

    Returns
    -------
    int
        The number of rows written.

    Notes
    -----
    A line holds no raw control character and no line end of any kind, so readers that split at
    Unicode line ends find one row per line too.
    """
    encode = msgspec.json.Encoder(enc_hook=str).encode
    count = 0
    with _opened(sink) as write:
        for _, frame in _pieces(frames):
            names = [str(name) for name in frame.columns]
            columns = [_json_values(frame[name]) for name in frame.columns]
            lines = (encode(dict(zip(names, row, strict=True))).decode() for row in zip(*columns, strict=True))
            write(on_one_line("".join(f"{line}\n" for line in lines)))
            count += len(frame)
    return count


def _pieces(frames: pd.DataFrame | Iterable[pd.DataFrame]) -> Iterator[tuple[bool, pd.DataFrame]]:
    """Cut frames into short ones; the first piece is marked, and there always is one."""
    first: pd.DataFrame | None = None
    for frame in [frames] if isinstance(frames, pd.DataFrame) else frames:
        if first is None:
            first = frame
        elif list(frame.columns) != list(first.columns):
            raise refused("the frames have different columns", hint="write each kind to a file of its own")
        for start in range(0, max(len(frame), 1 if frame is first else 0), _ROWS_AT_ONCE):
            yield frame is first and start == 0, frame.iloc[start : start + _ROWS_AT_ONCE]


@contextmanager
def _opened(sink: Any) -> Iterator[Callable[[str], object]]:
    """Open a path for UTF-8, or use an open file as it is; give a function that writes text."""
    if isinstance(sink, str | PathLike):
        with Path(sink).open("wb") as file:
            yield lambda text: file.write(text.encode())
    elif _takes_text(sink):
        yield lambda text: sink.write(text)
    else:
        yield lambda text: sink.write(text.encode())


def _takes_text(file: Any) -> bool:
    try:
        file.write("")
    except TypeError:  # a binary file; wrappers of all kinds say it only this way
        return False
    return True


def _json_values(column: pd.Series) -> list[Any]:
    """Return the cells of `column` as what JSON can say."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categories = [*_json_values(pd.Series(dtype.categories, dtype=dtype.categories.dtype)), None]
        return [categories[code] for code in column.cat.codes.tolist()]
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return _iso(column)
    if isinstance(dtype, pd.StringDtype) or pd.api.types.is_object_dtype(dtype):
        return [_json_cell(value) for value in column.tolist()]
    values: list[Any] = column.astype(object).where(column.notna(), None).tolist()
    return values


def _json_cell(value: Any) -> Any:
    if isinstance(value, str):
        return whole_text(value) if _HALF.search(value) else value
    if isinstance(value, tuple | list):
        return [_json_cell(each) for each in value]
    return None if value is None or value is pd.NA or value != value else value


def _iso(column: pd.Series) -> list[str | None]:
    """Return instants as ISO 8601, in UTC where the column has a zone."""
    zone = ""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column, zone = column.dt.tz_convert("UTC").dt.tz_localize(None), "Z"
    stamps = np.datetime_as_string(column.to_numpy().astype("M8[us]"), unit="us").tolist()
    return [None if stamp == "NaT" else stamp + zone for stamp in stamps]


def _csv_cells(column: pd.Series, text: Callable[[str], str]) -> list[str]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = column.dtype.categories
        cells = [*_csv_cells(pd.Series(categories, dtype=categories.dtype), text), ""]
        return [cells[code] for code in column.cat.codes.tolist()]
    return [_csv_cell(value, text) for value in _json_values(column)]


def _csv_cell(value: Any, text: Callable[[str], str]) -> str:
    if isinstance(value, str):
        return _quoted(text(value))
    if value is None:
        return ""
    if isinstance(value, list):
        return _quoted(text(msgspec.json.encode(value, enc_hook=str).decode()))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _quoted(str(value))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _spreadsheet_text(text: str) -> str:
    mark = "'" if _FORMULA.match(text) else ""
    return mark + _CONTROL.sub("\ufffd", text)
