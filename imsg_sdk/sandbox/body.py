"""The typedstream archive that Messages keeps in ``attributedBody``: text, and runs of attributes over it.

Pure: values in, bytes out.  Run lengths are UTF-16 units, as NSString counts.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import cache

__all__ = ["BODY_STYLES", "Url", "attributed", "plain", "stretches", "utf16_length"]

PART = "__kIMMessagePartAttributeName"
DIRECTION = "__kIMBaseWritingDirectionAttributeName"
FILE = "__kIMFileTransferGUIDAttributeName"
MENTION = "__kIMMentionConfirmedMention"
LINK = "__kIMLinkAttributeName"
TRANSCRIPTION = "IMAudioTranscription"
EFFECT = "__kIMTextEffectAttributeName"
STYLES = {
    "bold": "__kIMTextBoldAttributeName",
    "italic": "__kIMTextItalicAttributeName",
    "underline": "__kIMTextUnderlineAttributeName",
    "strikethrough": "__kIMTextStrikethroughAttributeName",
}

BODY_STYLES = ("mutable", "immutable", "mutable with direction", "immutable with direction")
"""The forms of :func:`plain`, by index."""


class Url(str):
    """A text that is archived as ``NSURL``."""

    __slots__ = ()


Value = str | int | bytes
Run = tuple[int, Mapping[str, Value]]


def utf16_length(text: str) -> int:
    """Return the length of `text` as NSString counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _integer(value: int) -> bytes:
    if -110 <= value < 0x80:
        return struct.pack("<b", value)
    if -0x8000 <= value < 0x8000:
        return b"\x81" + struct.pack("<h", value)
    return b"\x82" + struct.pack("<i", value)


class _Archiver:
    """Write objects; strings and classes met before become references."""

    def __init__(self, number_type: bytes) -> None:
        self.number_type = number_type
        self.out = bytearray(b"\x04\x0bstreamtyped\x81\xe8\x03")
        self._strings: dict[bytes, int] = {}
        self._classes: dict[str, int] = {}
        self._shared: dict[object, int] = {}
        self._objects = 0

    def types(self, code: bytes) -> None:
        """Write a group's type codes."""
        known = self._strings.get(code)
        if known is None:
            self._strings[code] = len(self._strings)
            self.out += b"\x84" + _integer(len(code)) + code
        else:
            self._reference(known)

    def integer(self, code: bytes, *values: int) -> None:
        """Write one group of integers."""
        self.types(code)
        for value in values:
            self.out += _integer(value)

    def begin(self, *names: tuple[str, int]) -> None:
        """Begin an object of the class named first, its parents after it."""
        self.out += b"\x84"
        self._objects += 1
        for name, version in names:
            if name in self._classes:
                self._reference(self._classes[name])
                return
            self._classes[name] = self._objects
            self._objects += 1
            self.out += b"\x84"
            self.types(name.encode())
            self.out += _integer(version)
        self.out += b"\x85"

    def end(self) -> None:
        """End the object begun last."""
        self.out += b"\x86"

    def text(self, value: str, name: str = "NSString") -> None:
        """Write a string object."""
        parents = [("NSMutableString", 1)] if name == "NSMutableString" else []
        self.begin(*parents, ("NSString", 1), ("NSObject", 0))
        self._raw(value.encode("utf-8", "surrogatepass"))
        self.end()

    def value(self, value: Value) -> None:
        """Write one attribute value, or a reference if it was written before."""
        key = (type(value), value)
        if key in self._shared:
            self._reference(self._shared[key])
            return
        self._shared[key] = self._objects
        if isinstance(value, Url):
            self.begin(("NSURL", 0), ("NSObject", 0))
            self.types(b"c")
            self.out += b"\x00"
            self.types(b"@")
            self.text(str(value))
            self.end()
        elif isinstance(value, str):
            self.text(value)
        elif isinstance(value, bytes):
            self.begin(("NSData", 0), ("NSObject", 0))
            self.integer(b"i", len(value))
            self.types(b"[%dc]" % len(value))
            self.out += value
            self.end()
        else:
            self._number(value)

    def _number(self, value: int) -> None:
        self.begin(("NSNumber", 0), ("NSValue", 0), ("NSObject", 0))
        self.types(b"*")
        code = self.number_type
        if ("*", code) in self._shared:
            self._reference(self._shared["*", code])
        else:
            self._shared["*", code] = self._objects
            self._objects += 1
            self.out += b"\x84"
            self.types(code)
        self.integer(code, value)
        self.end()

    def _raw(self, data: bytes) -> None:
        self.types(b"+")
        self.out += _integer(len(data)) + data

    def _reference(self, index: int) -> None:
        self.out += _integer(index - 110)


def attributed(text: str, runs: Sequence[Run], *, mutable: bool = True) -> bytes:
    """Archive a text with its attributes.

    Parameters
    ----------
    text
        The whole text, U+FFFC for each attachment.
    runs
        Length in UTF-16 units and attributes of each run, in order; the lengths add up to the text's.
    mutable
        Which of the two class forms to write; Messages writes both.

    Returns
    -------
    bytes
        The archive; an empty text has no runs.
    """
    # Apple writes all numbers of an archive as "q" as soon as it holds a writing direction.
    archiver = _Archiver(b"q" if any(DIRECTION in attributes for _, attributes in runs) else b"i")
    archiver.types(b"@")
    if mutable:
        archiver.begin(("NSMutableAttributedString", 0), ("NSAttributedString", 0), ("NSObject", 0))
    else:
        archiver.begin(("NSAttributedString", 0), ("NSObject", 0))
    archiver.types(b"@")
    archiver.text(text, "NSMutableString" if mutable else "NSString")
    known: dict[tuple[tuple[str, Value], ...], int] = {}
    written = 0
    for length, attributes in runs:
        items = tuple(attributes.items())
        number = known.setdefault(items, len(known) + 1)
        archiver.integer(b"iI", number, length)
        if number > written:
            written = number
            _dictionary(archiver, items)
    archiver.end()
    return bytes(archiver.out)


def stretches(*pieces: tuple[str, Mapping[str, Value]], part: int = 0) -> list[Run]:
    """Return the runs of one part made of pieces of text, each with its attributes; empty pieces vanish."""
    return [(utf16_length(text), {**look, PART: part}) for text, look in pieces if text]


def _dictionary(archiver: _Archiver, items: Sequence[tuple[str, Value]]) -> None:
    archiver.types(b"@")
    archiver.begin(("NSDictionary", 0), ("NSObject", 0))
    archiver.integer(b"i", len(items))
    for key, value in items:
        archiver.types(b"@")
        archiver.value(key)
        archiver.types(b"@")
        archiver.value(value)
    archiver.end()


_SHAPES: tuple[tuple[bool, dict[str, Value]], ...] = (
    (True, {PART: 0}),
    (False, {PART: 0}),
    (True, {DIRECTION: -1, PART: 0}),
    (False, {DIRECTION: -1, PART: 0}),
)


@cache
def _frame(style: int) -> tuple[bytes, bytes]:
    mutable, attributes = _SHAPES[style]
    whole = attributed("x", [(1, attributes)], mutable=mutable)
    head, tail = whole.split(b"\x01x\x86\x84\x02iI\x01\x01")
    return head, tail


def plain(text: str, style: int = 0) -> bytes:
    """Archive a text of one part without further attributes, fast; `style` indexes :data:`BODY_STYLES`."""
    if not text:
        return attributed("", [], mutable=_SHAPES[style][0])
    head, tail = _frame(style)
    data = text.encode("utf-8", "surrogatepass")
    return b"".join((head, _integer(len(data)), data, b"\x86\x84\x02iI\x01", _integer(utf16_length(text)), tail))
