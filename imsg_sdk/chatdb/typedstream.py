"""Text and attributes of an ``attributedBody``.  Pure: bytes in, values out, never an exception.

A body is an NSArchiver stream.  The text follows the first ``+`` group and has a length in front; looking
for an end mark instead cuts texts that hold the same two bytes.  Where the length cannot be right, what
can be saved is saved and marked as :class:`~imsg_sdk.chatdb.connection.RepairedText`.
"""

from __future__ import annotations

from typing import Final

from imsg_sdk.chatdb.connection import RepairedText

__all__ = ["END_OF_OBJECT", "MARKER", "text_of", "words_of"]

MARKER: Final = b"\x84\x01+"
END_OF_OBJECT: Final = 0x86
_END_OF_TEXT: Final = b"\x86\x84"
_STREAM: Final = b"streamtyped"
_UTF16: Final = b"\xff\xfe"


def text_of(body: bytes) -> str | None:
    """Return the text of a body.

    Returns
    -------
    str or None
        The text; a :class:`RepairedText` where bytes had to be replaced or the body is damaged; None
        where nothing can be saved.  A body of no bytes is an empty text.
    """
    words = words_of(body)
    return None if not words and words.__class__ is RepairedText else words


def words_of(body: bytes) -> str:
    """Return the text of a body, an empty :class:`RepairedText` where nothing can be saved."""
    start = body.find(MARKER) + 4
    if start > 3 and start < len(body):
        size = body[start - 1]
        if size == 0x81:
            size = int.from_bytes(body[start : start + 2], "little")
            start += 2
        elif size == 0x82:
            size = int.from_bytes(body[start : start + 4], "little")
            start += 4
        end = start + size
        if end < len(body) and body[end] == END_OF_OBJECT:
            raw = body[start:end]
            try:
                return raw.decode()
            except UnicodeDecodeError:
                return RepairedText(raw.decode("utf-8", "replace"))
    text = _salvage(body)
    return RepairedText("") if text is None else text


def _salvage(body: bytes) -> str | None:
    if not body:
        return ""
    if body.startswith(_UTF16):
        return _utf16(body[2:])
    marker = body.find(MARKER)
    if marker >= 0:
        return _salvage_after(body[marker + 3 :])
    return _plain(body)


def _utf16(raw: bytes) -> str:
    try:
        return raw.decode("utf-16-le")
    except UnicodeDecodeError:
        return RepairedText(raw.decode("utf-16-le", "replace"))


def _salvage_after(rest: bytes) -> str | None:
    """Read text whose length is wrong or missing: up to the end mark, or as far as the bytes go."""
    end = rest.find(_END_OF_TEXT)
    segment = rest[:end] if end >= 0 else rest
    skip = {0x81: 3, 0x82: 5}.get(segment[0], 1) if segment else 0
    text = segment[skip:].decode("utf-8", "replace").rstrip("\ufffd")
    return RepairedText(text) if text else None


def _plain(body: bytes) -> str | None:
    """Take a body that is nothing but readable text as that text."""
    if _STREAM in body[:32]:
        return None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    readable = all(character.isprintable() or character in "\n\r\t" for character in text)
    return RepairedText(text) if readable and not text.startswith("bplist") else None
