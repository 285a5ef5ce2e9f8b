"""Rows of frames as a person reads them: times of this place, who wrote, and what."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from imsg_sdk._time import parse_instant
from imsg_sdk.addressing import parse_target
from imsg_sdk.cli.terminal import safe
from imsg_sdk.errors import AddressError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Row", "instant", "local_time", "names_of", "rows_of", "said", "target", "who", "write_json"]

Row = Mapping[str, Any]
"""One row of a frame: column -> value, None where the frame has NA."""


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame with None for NA."""
    plain = frame.astype(object).where(frame.notna(), None)
    return plain.to_dict("records")  # type: ignore[no-any-return]


def local_time(value: datetime | None, form: str = "%Y-%m-%d %H:%M", *, zone: tzinfo | None = None) -> str:
    """Return an instant as the clock on the wall here shows it, or that of `zone`."""
    if value is None:
        return ""
    # Without a zone, pandas would give UTC where datetime gives this machine's zone.
    return datetime.fromtimestamp(value.timestamp(), UTC).astimezone(zone).strftime(form)


def who(row: Row, names: Mapping[str, str] | None = None) -> str:
    """Return who wrote a message: ``me``, a name that is known, or the handle."""
    if row["is_from_me"]:
        return "me"
    sender = row["sender"]
    return "unknown" if sender is None else (names or {}).get(sender, sender)


def names_of(chats: pd.DataFrame) -> dict[str, str]:
    """Return the names of people by their handles, as far as the program knows its contacts."""
    known = chats[chats["contact_name"].notna()]
    return dict(zip(known["identifier"], known["contact_name"], strict=True))


_SLOT = re.compile(" ?\ufffc ?")
"""Where an attachment stands in the text."""

_EVENTS = {
    "participant_added": "added {person}",
    "participant_removed": "removed {person}",
    "number_changed": "changed their number",
    "left": "left",
    "renamed": "named the group “{title}”",
    "photo_set": "changed the photo",
    "photo_removed": "removed the photo",
    "background_set": "changed the background",
    "background_removed": "removed the background",
    "location_started": "began to share the location",
    "location_stopped": "stopped sharing the location",
    "audio_kept": "kept a voice message",
    "shareplay": "began SharePlay",
}


def said(row: Row, names: Mapping[str, str] | None = None) -> str:
    """Return what a message says, on one line, with marks for what is not text."""
    if row["kind"] == "event":
        person = row["event_person"] or "somebody"
        form = _EVENTS.get(row["event"] or "", row["event"] or "changed something")
        return safe("· " + form.format(person=(names or {}).get(person, person), title=row["event_title"] or ""))
    text = row["text"]
    if row["is_unsent"]:
        text = "(unsent)"
    elif not text:
        text = f"({row['kind']})" if row["kind"] not in (None, "message") else "(no text)"
    marks = [
        mark
        for column, mark in (("thread_originator_guid", "↩ "), ("is_audio", "▶ "), ("is_scheduled", "⏰ "))
        if row[column]
    ]
    edited = " (edited)" if row["is_edited"] and not row["is_unsent"] else ""
    text = _SLOT.sub(" [attachment] ", text).strip(" ")
    return "".join(marks) + safe(text) + edited


def target(text: str) -> str:
    """Check a target of a reading command; the client says which chat it names."""
    try:
        parse_target(text)
    except AddressError as error:
        raise argparse.ArgumentTypeError(f"{error.message} ({error.hint})") from None
    return text


def instant(text: str) -> datetime:
    """Read a time on the command line: ISO 8601 with a zone or without (then it is this place's), or an age."""
    try:
        return parse_instant(text, now=datetime.now(UTC))
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write 2026-03-01, 2026-03-01T08:00:00+01:00 or an age such as 7d"
        ) from None


def write_json(value: object) -> None:
    """Print one JSON value on one line."""
    print(json.dumps(value, ensure_ascii=False, default=str), file=sys.stdout)
