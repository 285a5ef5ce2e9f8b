"""A list of messages in a file: CSV as sheets write it, or JSON lines.

What is read here goes to people, so that nothing is guessed: a line that has more cells than there are columns, or
a quotation mark that is never closed, is an error and not a text that ends early.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from imsg_sdk.arguments import refused
from imsg_sdk.errors import InvalidParams

__all__ = ["read_list", "recipient"]

_CHAT_ID = re.compile(r"[1-9][0-9]{0,17}")
_SEPARATORS: Final = ",;\t"
_EMPTY = "the first line names the columns, such as target,text"


def recipient(text: str) -> int | str:
    """Read a target: a bare number is a chat id, as the table of chats shows it, and so never with zeros before it."""
    return int(text) if _CHAT_ID.fullmatch(text) else text


def read_list(path: Path, target: str) -> list[dict[str, Any]]:
    """Read a list of messages; a target of digits alone is a chat id.

    Parameters
    ----------
    path
        JSON lines where the name ends in ``.jsonl`` or ``.ndjson``, else CSV with a line of names, separated by
        commas, semicolons or tabs.
    target
        The column of targets.

    Raises
    ------
    InvalidParams
        It cannot be read, or is not surely read as it was meant.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _unusable(path, "is not in UTF-8", "save it as “CSV UTF-8”") from None
    is_json = path.suffix.lower() in (".jsonl", ".ndjson")
    found = _json_lines(path, text) if is_json else _csv_lines(path, text)
    for row in found:
        if isinstance(row.get(target), str):
            row[target] = recipient(row[target].strip())
    return found


def _unusable(path: Path, problem: str, remedy: str) -> InvalidParams:
    return refused(f"{path.name} {problem}", hint=remedy)


def _json_lines(path: Path, text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise _unusable(path, f"has no JSON object in line {number}", "one object per line")
        found.append(row)
    return found


def _csv_lines(path: Path, text: str) -> list[dict[str, Any]]:
    lines = io.StringIO(text, newline="")  # a text may hold other ends of lines than files do
    separator = _separator(lines.readline())
    lines.seek(0)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        _check_names(path, names)
        return list(_rows(path, names, reader))
    except csv.Error as error:
        raise _unusable(path, f"is no CSV at line {reader.line_num}: {error}", "close each quotation mark") from None


def _separator(head: str) -> str:
    """Return what separates the names of the columns; sheets of many countries write semicolons."""
    return max(_SEPARATORS, key=head.count)  # the comma where there is none


def _check_names(path: Path, names: Sequence[str]) -> None:
    if not any(names):
        raise _unusable(path, "is empty" if not names else "has no names of columns", _EMPTY)
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise _unusable(path, f"has two columns of the name {twice[0][:20]!r}", "give each its own name")


def _rows(path: Path, names: Sequence[str], reader: Any) -> Iterable[dict[str, Any]]:
    for cells in reader:
        if len(cells) > len(names):
            raise _unusable(
                path,
                f"has {len(cells)} cells in line {reader.line_num}, but {len(names)} columns",
                'put a text with a separator in it between quotation marks: 12,"Hello, you"',
            )
        if any(cells):
            yield {name: value or None for name, value in zip(names, cells, strict=False) if name}
