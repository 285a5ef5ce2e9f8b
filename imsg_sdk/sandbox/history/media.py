"""Files that people send each other: names, types and sizes, and on request small real files.

The rows do not depend on whether files are written; only the stored path and size do.
"""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

import msgspec

from imsg_sdk.sandbox.database import Attachment
from imsg_sdk.sandbox.dice import Dice, Weighted

__all__ = ["AUDIO", "JPEG", "PLUGIN", "STICKER", "FileKind", "Shelf"]

_HOME = "~/Library/Messages/Attachments"


class FileKind(msgspec.Struct, frozen=True):
    """A kind of file."""

    stem: str
    suffix: str
    uti: str | None
    mime: str | None
    smallest: int
    largest: int


JPEG = FileKind("IMG_", ".jpeg", "public.jpeg", "image/jpeg", 90_000, 2_900_000)
_KINDS = Weighted(
    [
        (FileKind("IMG_", ".HEIC", "public.heic", "image/heic", 600_000, 3_400_000), 40),
        (JPEG, 30),
        (FileKind("IMG_", ".MOV", "com.apple.quicktime-movie", "video/quicktime", 2_000_000, 60_000_000), 10),
        (FileKind("IMG_", ".PNG", "public.png", "image/png", 40_000, 1_900_000), 10),
        (FileKind("tenor_", ".gif", "com.compuserve.gif", "image/gif", 80_000, 4_000_000), 4),
        (FileKind("Scan ", ".pdf", "com.adobe.pdf", "application/pdf", 30_000, 900_000), 2),
        (FileKind("Memo ", ".m4a", "com.apple.m4a-audio", "audio/x-m4a", 40_000, 900_000), 2),
        (FileKind("Contact ", ".vcf", "public.vcard", "text/vcard", 300, 9_000), 1),
        (FileKind("video_", ".mp4", "public.mpeg-4", "video/mp4", 900_000, 40_000_000), 1),
    ]
)
AUDIO = FileKind("Audio Message", ".caf", "com.apple.coreaudio-format", None, 8_000, 300_000)
PLUGIN = FileKind("", ".pluginPayloadAttachment", None, None, 4_000, 260_000)
STICKER = FileKind("sticker_", ".heic", "public.heic", "image/heic", 12_000, 90_000)


class Shelf:
    """Where attachments lie.

    Parameters
    ----------
    folder
        A folder for small real files; without one the usual path below the user's home is stored and nothing is
        written.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def picture_or_so(self, dice: Dice) -> FileKind:
        """Return a kind of file, as often as people send it."""
        return _KINDS.pick(dice)

    def attachment(self, kind: FileKind, part: int, date_ns: int, *, outgoing: bool, dice: Dice) -> Attachment:
        """Return an attachment that sits in `part` of its message; write its file if files are wanted."""
        guid = dice.guid()
        number = dice.between(1000, 9999)
        name = f"{kind.stem}{number if kind.stem != 'Audio Message' else ''}{kind.suffix}"
        if kind is PLUGIN:
            name = dice.guid() + kind.suffix
        is_there = dice.random() < 0.7
        size = dice.between(kind.smallest, kind.largest)
        place = f"{guid[:2].lower()}/{int(guid[1], 16):02d}/{guid}/{name}"
        filename = f"{_HOME}/{place}"
        if self._folder is not None:
            filename = str(self._folder / place)
            if is_there:
                size = _write(self._folder / place, kind, number)
        return Attachment(
            0,
            f"at_{part}_{guid}",
            date_ns // 1_000_000_000,
            filename,
            kind.uti,
            kind.mime,
            name,
            size,
            is_outgoing=int(outgoing),
            transfer_state=5 if is_there or dice.random() < 0.5 else 0,
        )


def _write(path: Path, kind: FileKind, number: int) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = _content(kind, number)
    path.write_bytes(data)
    return len(data)


def _content(kind: FileKind, number: int) -> bytes:
    """Return the content of a small file of this kind; its size is the same on every machine."""
    suffix = kind.suffix.lower()
    if suffix == ".png":
        return _png(number)
    if suffix == ".jpeg":
        return base64.b64decode(_JPEG_1X1)
    if suffix == ".gif":
        return base64.b64decode(_GIF_1X1)
    if suffix == ".pdf":
        return _PDF
    if suffix == ".vcf":
        return f"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Example;Person {number};;;\r\nEND:VCARD\r\n".encode()
    if suffix == ".caf":
        return _caf(number)
    brand = {".heic": b"heic", ".mov": b"qt  ", ".m4a": b"M4A ", ".mp4": b"mp42"}.get(suffix, b"mp42")
    return struct.pack(">I4s4sI4s", 20, b"ftyp", brand, 0, brand) + struct.pack(">I4sI", 12, b"free", number)


def _png(number: int) -> bytes:
    """Return a square of one colour, stored without compression so that no library decides its size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    colour = bytes((number * 7 % 256, number * 13 % 256, number * 29 % 256))
    rows = (b"\x00" + colour * 16) * 16
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(rows), len(rows) ^ 0xFFFF) + rows
    stored += struct.pack(">I", zlib.adler32(rows))
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", stored) + chunk(b"IEND", b"")


def _caf(number: int) -> bytes:
    """Return a tenth of a second of silence."""
    described = struct.pack(">d4sIIIII", 8000.0, b"lpcm", 0, 2, 1, 1, 16)
    sound = struct.pack(">I", number) + bytes(1600)
    return (
        b"caff\x00\x01\x00\x00"
        + b"desc"
        + struct.pack(">q", 32)
        + described
        + b"data"
        + struct.pack(">q", 1604)
        + sound
    )


_JPEG_1X1 = (
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////"
    "wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AfwD/2Q=="
)
_GIF_1X1 = "R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="
_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
