"""Files that are sent: copied into the sandbox's own folder and described as Messages describes them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from imsg_sdk.sandbox import body
from imsg_sdk.sandbox.database import Attachment
from imsg_sdk.sandbox.world.world import World
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.paths import expand_home

__all__ = ["SLOT", "filed", "files_of", "present", "stage"]

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


def files_of(world: World, rowid: int) -> list[str]:
    """Return the guids of the files in a message."""
    rows = world.ledger.rows(
        "SELECT a.guid FROM attachment a JOIN message_attachment_join j ON j.attachment_id = a.ROWID"
        " WHERE j.message_id = ? ORDER BY j.attachment_id",
        (rowid,),
    )
    return [row["guid"] for row in rows]


def present(path: str) -> str:
    """Return where a file is that is asked for.

    Raises
    ------
    RpcError
        It is not there.
    """
    path = expand_home(path)
    if not Path(path).is_file():
        raise RpcError.internal(f"AppleScript failed: Attachment not found at {path}")
    return path


def stage(world: World, path: str, *, outgoing: bool = True) -> Attachment:
    """Copy a file to where attachments lie; return its row.

    Raises
    ------
    OSError
        It cannot be read, or there is no room.
    """
    source = Path(path)
    folder = Path(world.ledger.path).resolve().parent / "Attachments"
    with world.turn() as turn:
        guid, date_ns = turn.dice.guid(), turn.stamp_ns()
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
