"""Attributes of a body: which stretch of the text is a file, a mention, a link, a transcription.

Pure: bytes in, values out, never an exception.  Thirty times slower than taking the text alone, so it is
for bodies known to hold something.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

__all__ = ["Run", "runs_of", "transcription_of"]

_HEADER: Final = b"\x04\x0bstreamtyped\x81\xe8\x03"
_NEW, _NIL, _END = 0x84, 0x85, 0x86
_INT16, _INT32, _FLOAT = 0x81, 0x82, 0x83
_FIRST_REFERENCE: Final = -110
_DEEPEST: Final = 40
_TRANSCRIPTION: Final = "IMAudioTranscription"


class Run(NamedTuple):
    """A stretch of text with the same attributes; both numbers count UTF-16 units."""

    start: int
    length: int
    attributes: dict[str, Any]


def runs_of(body: bytes) -> list[Run]:
    """Return the runs of an archived attributed string; none where the archive is damaged."""
    if not body.startswith(_HEADER):
        return []
    try:
        return list(_runs(_Reader(body).root()))
    except (ValueError, LookupError, TypeError, AttributeError, struct.error):
        return []


def transcription_of(body: bytes) -> str | None:
    """Return Apple's transcription of a voice message, where its body carries one."""
    if _TRANSCRIPTION.encode() not in body:
        return None
    for run in runs_of(body):
        text = run.attributes.get(_TRANSCRIPTION)
        if isinstance(text, str) and text:
            return text
    return None


class _Object:
    """An archived object: the names of its class and their superclasses, and its values."""

    def __init__(self) -> None:
        self.classes: list[str] = []
        self.values: list[Any] = []

    def plain(self) -> Any:
        """Return the Python value it stands for, where there is one."""
        names, values = self.classes, self.values
        if "NSString" in names:
            return values[0].decode("utf-8", "replace")
        if "NSDictionary" in names:
            return {str(key): value for key, value in zip(values[1::2], values[2::2], strict=True)}
        if "NSNumber" in names or "NSURL" in names or "NSData" in names:
            return values[-1]
        return self


def _runs(root: Any) -> Iterator[Run]:
    _, *values = root.values
    known: dict[int, dict[str, Any]] = {}
    start = 0
    while values:
        number, length = values.pop(0), values.pop(0)
        if number not in known:
            attributes = values.pop(0)
            if not isinstance(attributes, dict):
                raise TypeError("attributes")
            known[number] = attributes
        yield Run(start, length, known[number])
        start += length


class _Reader:
    """Reads one archive; any fault raises an error that `runs_of` knows."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = len(_HEADER)
        self._strings: list[bytes] = []
        self._objects: list[Any] = []

    def root(self) -> Any:
        """Return the object the archive was made of."""
        self._string()
        return self._object(0)

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, size: int) -> bytes:
        if not 0 <= size <= len(self._data) - self._at:
            raise ValueError("size")
        self._at += size
        return self._data[self._at - size : self._at]

    def _integer(self) -> int:
        head = self._byte()
        if head == _INT16:
            return int.from_bytes(self._bytes(2), "little", signed=True)
        if head == _INT32:
            return int.from_bytes(self._bytes(4), "little", signed=True)
        return head if head < 0x80 else head - 0x100

    def _size(self) -> int:
        """Read a length: never negative, whatever the sign bit says."""
        size = self._integer()
        return size if size >= 0 else size + (0x100 if size >= -0x80 else 0x10000)

    def _is_new(self) -> bool:
        """Pass the mark of something new; a reference stays to be read."""
        if self._data[self._at] != _NEW:
            return False
        self._at += 1
        return True

    def _is_nil(self) -> bool:
        if self._data[self._at] != _NIL:
            return False
        self._at += 1
        return True

    def _reference(self, table: list[Any]) -> Any:
        number = self._integer() - _FIRST_REFERENCE
        if number < 0:
            raise ValueError("reference")
        return table[number]

    def _string(self) -> bytes:
        if not self._is_new():
            return self._reference(self._strings)  # type: ignore[no-any-return]
        self._strings.append(self._bytes(self._size()))
        return self._strings[-1]

    def _object(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("depth")
        if self._is_nil():
            return None
        if not self._is_new():
            found = self._reference(self._objects)
            return found.plain() if isinstance(found, _Object) else found
        value = _Object()
        self._objects.append(value)
        value.classes = self._class()
        while self._data[self._at] != _END:
            value.values += self._group(depth)
        self._at += 1
        return value.plain() if depth else value

    def _class(self) -> list[str]:
        fresh: list[list[str]] = []
        while self._is_new():
            fresh.append([self._string().decode("ascii")])
            self._integer()
            self._objects.append(fresh[-1])
        chain = [] if self._is_nil() else list(self._reference(self._objects))
        for names in reversed(fresh):
            names += chain
            chain = names
        return list(chain)

    def _group(self, depth: int) -> Iterator[Any]:
        codes = self._string().decode("ascii")
        if codes.startswith("["):
            yield self._bytes(int(codes[1:-2]))
            return
        for code in codes:
            yield self._value(code, depth)

    def _value(self, code: str, depth: int) -> Any:
        if code == "@":
            return self._object(depth + 1)
        if code == "+":
            return self._bytes(self._size())
        if code == "*":
            return self._c_string()
        if code in "cCB":
            return self._byte()
        if code in "fd" and self._data[self._at] == _FLOAT:
            self._at += 1
            size = 8 if code == "d" else 4
            return struct.unpack("<" + code, self._bytes(size))[0]
        if code in "silqSILQfd":
            return self._integer()
        raise ValueError("type")

    def _c_string(self) -> Any:
        if not self._is_new():
            return self._reference(self._objects)
        text = self._string()
        self._objects.append(text)
        return text
