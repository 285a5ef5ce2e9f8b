"""Files that are sent: copied into the sandbox's own folder and described as Messages describes them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from imsg_sdk.sandbox import body
from imsg_sdk.sandbox.database import Attachment
from imsg_sdk.sandbox.dice import Dice

__all__ = ["SLOT", "filed", "stage"]

SLOT: Final = "\ufffc"
"""Stands in the text for a file."""

_KINDS: Final = {
    ".caf": ("com.apple.coreaudio-format", "audio/x-caf"),
    ".csv": ("public.comma-separated-values-text", "text/csv"),
    ".gif": ("com.compuserve.gif", "image/gif"),
    ".heic": ("public.heic", "image/heic"),
    ".jpeg": ("public.jpeg", "image/jpeg"),
    ".jpg": ("public.jpeg", "image/jpeg"),
    ".m4a": ("com.apple.m4a-audio", "audio/x-m4a"),
    ".mov": ("com.apple.quicktime-movie", "video/quicktime"),
    ".mp3": ("public.mp3", "audio/mpeg"),
    ".mp4": ("public.mpeg-4", "video/mp4"),
    ".pdf": ("com.adobe.pdf", "application/pdf"),
    ".png": ("public.png", "image/png"),
    ".txt": ("public.plain-text", "text/plain"),
    ".vcf": ("public.vcard", "text/vcard"),
}


def filed(guids: Sequence[str], words: str) -> list[body.Run]:
    """Return the runs of a text that begins with files, each a part of its own."""
    runs: list[body.Run] = [(1, {body.FILE: guid, body.PART: index}) for index, guid in enumerate(guids)]
    return [*runs, *body.stretches((words, {}), part=len(guids))]


def stage(path: str, folder: Path, dice: Dice, date_ns: int, *, outgoing: bool = True) -> Attachment:
    """Copy a file to where attachments lie; return its row.

    Raises
    ------
    OSError
        It cannot be read, or there is no room.
    """
    source = Path(path)
    guid = dice.guid()
    target = folder / guid[:2].lower() / guid / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    uti, mime = _KINDS.get(source.suffix.lower(), ("public.data", "application/octet-stream"))
    return Attachment(
        0,
        f"at_0_{guid}",
        date_ns // 1_000_000_000,
        str(target),
        uti,
        mime,
        source.name,
        target.stat().st_size,
        is_outgoing=int(outgoing),
    )
