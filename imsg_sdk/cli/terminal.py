"""Text for a terminal: safe, aligned and pleasant.  Pure; writes nothing.

Strangers wrote the messages.  Control characters, which could move the cursor or retype a command, and the marks
that reorder lines never reach the terminal raw.
"""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Sequence
from typing import IO

import msgspec

__all__ = ["Cells", "Style", "columns_of", "fit", "pad", "safe", "table", "width"]

_ASCII = re.compile(r"[ -~]*")
_LINE_ENDS = re.compile(r"[\n\r\v\f\x85\u2028\u2029]+")
_EMOJI_STYLE = "\ufe0f"
_TAGS = range(0xE0020, 0xE0080)
"""Spell the flags of England, Scotland and Wales."""

BLOCKS = " ▁▂▃▄▅▆▇█"


def safe(text: str, *, line_end: str = " ⏎ ") -> str:
    """Return `text` on one line, with nothing in it that a terminal would obey."""
    if _ASCII.fullmatch(text):
        return text
    text = _LINE_ENDS.sub(line_end, text).replace("\t", " ")
    return "".join(char if _is_harmless(char) else _escape(char) for char in text)


def _is_harmless(char: str) -> bool:
    if unicodedata.category(char) not in ("Cc", "Cf", "Cs"):
        return True
    # Joiners build emoji and shape scripts.
    return char in "\u200c\u200d" or ord(char) in _TAGS


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clusters(text: str) -> list[str]:
    """Cut text into what a person sees as one character."""
    import regex  # its \X knows emoji sequences and combining marks

    return list(regex.findall(r"\X", text))


def width(text: str) -> int:
    """Return how many columns `text` takes on a terminal."""
    return len(text) if _ASCII.fullmatch(text) else sum(map(_cluster_width, clusters(text)))


def _cluster_width(cluster: str) -> int:
    if _EMOJI_STYLE in cluster:
        return 2
    if 0x1F1E6 <= ord(cluster[0]) <= 0x1F1FF:
        return len(cluster)  # flags are pairs of letters that are narrow by themselves
    return max(_char_width(char) for char in cluster)


def _char_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fit(text: str, columns: int) -> str:
    """Cut `text` to at most `columns`, with an ellipsis where something is missing."""
    if width(text) <= columns:
        return text
    kept, used = [], 0
    for cluster in clusters(text):
        used += _cluster_width(cluster)
        if used > columns - 1:
            break
        kept.append(cluster)
    return "".join(kept).rstrip() + "…"


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Cut or fill `text` to exactly `columns`; `right` puts it at the right edge."""
    text = fit(text, columns)
    space = " " * (columns - width(text))
    return space + text if right else text + space


def wrap(text: str, columns: int) -> list[str]:
    """Break one line of text into lines of at most `columns`, at spaces where there are some."""
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if width(joined) <= columns:
            line = joined
            continue
        if line:
            lines.append(line)
        line = word
        while width(line) > columns:
            piece = ""
            for cluster in clusters(line):
                if piece and width(piece + cluster) > columns:
                    break
                piece += cluster
            lines.append(piece)
            line = line[len(piece) :]
    return [*lines, line]


class Style(msgspec.Struct, frozen=True):
    """Colours, or none: for pipes, for ``NO_COLOR`` and for dumb terminals."""

    colour: bool = False

    @classmethod
    def of(cls, stream: IO[str]) -> Style:
        """Return what suits `stream`."""
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return cls(False)
        return cls(stream.isatty())

    def _wrapped(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text

    def bold(self, text: str) -> str:
        """Return `text` in bold."""
        return self._wrapped("1", text)

    def dim(self, text: str) -> str:
        """Return `text` dimmed."""
        return self._wrapped("2", text)

    def blue(self, text: str) -> str:
        """Return `text` in blue."""
        return self._wrapped("34", text)

    def green(self, text: str) -> str:
        """Return `text` in green."""
        return self._wrapped("32", text)

    def red(self, text: str) -> str:
        """Return `text` in red."""
        return self._wrapped("31", text)

    def yellow(self, text: str) -> str:
        """Return `text` in yellow."""
        return self._wrapped("33", text)


class Cells(msgspec.Struct, frozen=True):
    """One column of a table: its title and texts, which are made safe here.

    ``most`` bounds its width.  The column with ``stretch`` takes what is left, or gives way.
    """

    title: str
    texts: Sequence[str]
    right: bool = False
    most: int = 40
    stretch: bool = False


def columns_of(stream: IO[str]) -> int:
    """Return how wide a line may be: the terminal's width, or 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns if stream.isatty() or "COLUMNS" in os.environ else 100


def table(columns: Iterable[Cells], *, style: Style, total: int) -> list[str]:
    """Return the lines of a table that is at most `total` columns wide."""
    shown = [(cells, [safe(text) for text in cells.texts]) for cells in columns]
    widths = [min(max([width(cells.title), *map(width, texts)]), cells.most) for cells, texts in shown]
    for index, (cells, texts) in enumerate(shown):
        if cells.stretch:
            room = total - sum(widths) + widths[index] - 2 * (len(shown) - 1)
            widths[index] = max(min(max([width(cells.title), *map(width, texts)]), room), 8)
    head = "  ".join(pad(cells.title, size, right=cells.right) for (cells, _), size in zip(shown, widths, strict=True))
    lines = [style.dim(head.rstrip()), style.dim("  ".join("─" * size for size in widths))]
    for row in zip(*(texts for _, texts in shown), strict=True):
        cells_of_row = [
            pad(text, size, right=cells.right) for text, (cells, _), size in zip(row, shown, widths, strict=True)
        ]
        lines.append("  ".join(cells_of_row).rstrip())
    return lines


def bar(value: float, most: float, columns: int) -> str:
    """Return a horizontal bar, `columns` long where `value` is `most`, in eighths of a column."""
    eighths = round(columns * 8 * value / most) if most else 0
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def spark(values: Sequence[float]) -> str:
    """Return one block per value, as high as the value among the others."""
    most = max(values, default=0)
    return "".join(BLOCKS[round(8 * value / most)] if most else BLOCKS[0] for value in values)


def shade(value: float, most: float) -> str:
    """Return one of five shades for `value` among values up to `most`."""
    if not value or not most:
        return "·"
    return "░▒▓█"[min(int(4 * value / most), 3)]
