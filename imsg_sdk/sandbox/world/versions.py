"""Changing one's mind: the versions of an edited message, and what is left of one that was taken back."""

from __future__ import annotations

import plistlib
from typing import Any, Final

from imsg_sdk.sandbox import archive, body
from imsg_sdk.sandbox.schema import VENTURA
from imsg_sdk.sandbox.world.files import SLOT, filed, files_of
from imsg_sdk.sandbox.world.ledger import Row
from imsg_sdk.sandbox.world.world import World

__all__ = ["edit", "edits", "unsend"]

_SECOND: Final = 1_000_000_000


def edit(world: World, row: Row, text: str) -> None:
    """Change the text of a message; files in it stay, and the versions before it are kept."""
    with world.turn() as turn:
        before = world.text_of(row)
        files = files_of(world, row["rowid"])
        words = before.removeprefix(SLOT * len(files))
        if words == text and row.get("date_edited"):
            return  # a process was killed when it had done this
        now = turn.stamp_ns()
        stored = body.attributed(SLOT * len(files) + text, filed(files, text)) if files else body.plain(text)
        first = ((row.get("date") or 0) / _SECOND, body.plain(words))
        versions = [*(_versions(row) or [first]), (now / _SECOND, body.plain(text))]
        lengths = [*[1] * len(files), body.utf16_length(words)]
        values: dict[str, Any] = {"text": SLOT * len(files) + text, "attributedBody": stored, "date_edited": now}
        if world.ledger.system.has(VENTURA):
            values["message_summary_info"] = archive.edit_summary({len(files): versions}, lengths)
        world.ledger.update("message", row["rowid"], values)


def unsend(world: World, row: Row) -> None:
    """Take a message back; its row stays, empty."""
    with world.turn() as turn:
        now = turn.stamp_ns()
        length = body.utf16_length(world.text_of(row))
        values: dict[str, Any] = {"text": None, "attributedBody": None, "is_empty": 1}
        values |= {"date_edited": now, "date_retracted": now}
        values["message_summary_info"] = archive.edit_summary({}, [length], [0])
        world.ledger.update("message", row["rowid"], values)


def edits(row: Row) -> int:
    """Return how often a message was edited."""
    return max(len(_versions(row)) - 1, 0)


def _versions(row: Row) -> list[tuple[float, bytes]]:
    """Return the versions that a message had so far, the original first; none if it was never edited."""
    stored = row.get("message_summary_info")
    if not isinstance(stored, bytes):
        return []
    try:
        parts = plistlib.loads(stored).get("ec", {})
        return [(version["d"], version["t"]) for part in parts.values() for version in part]
    except (plistlib.InvalidFileException, ValueError, KeyError, TypeError, AttributeError):
        return []  # not a summary that anybody can read: what is there is the first version
