"""Meanings of what few messages have: effects, events, reply parts, states of edit.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from imsg_sdk.chatdb.summary import Summary, summary_of

__all__ = ["Rare", "effect_of", "event_of", "part_of", "past_of"]

_BUBBLE_EFFECT: Final = "com.apple.MobileSMS.expressivesend."
_SCREEN_EFFECT: Final = "com.apple.messages.effect.CK"
_EFFECTS: Final = {
    _BUBBLE_EFFECT + "impact": "slam",
    _BUBBLE_EFFECT + "loud": "loud",
    _BUBBLE_EFFECT + "gentle": "gentle",
    _BUBBLE_EFFECT + "invisibleink": "invisible_ink",
    _SCREEN_EFFECT + "ConfettiEffect": "confetti",
    _SCREEN_EFFECT + "EchoEffect": "echo",
    _SCREEN_EFFECT + "FireworksEffect": "fireworks",
    _SCREEN_EFFECT + "HappyBirthdayEffect": "balloons",
    _SCREEN_EFFECT + "HeartEffect": "heart",
    _SCREEN_EFFECT + "LasersEffect": "lasers",
    _SCREEN_EFFECT + "ShootingStarEffect": "shooting_star",
    _SCREEN_EFFECT + "SparklesEffect": "sparkles",
    _SCREEN_EFFECT + "SpotlightEffect": "spotlight",
}
_GROUP_EVENTS: Final = {
    (1, 0): "participant_added",
    (1, 1): "participant_removed",
    (3, 0): "left",
    (3, 1): "photo_set",
    (3, 2): "photo_removed",
    (3, 4): "background_set",
    (3, 6): "background_removed",
}


class Rare(NamedTuple):
    """The rare columns of one message, as stored."""

    rowid: int
    kind: str
    body: bytes | None
    """Where it may say more than the text: of edited rows and voice messages."""
    error: int | None
    edited_at: int | None
    retracted_at: int | None
    summary: bytes | None
    is_scheduled: int
    thread_originator_guid: str | None
    thread_originator_part: str | None
    effect: str | None
    balloon_bundle_id: str | None
    is_audio: int
    is_spam: int
    subject: str | None
    item_type: int
    group_action: int
    handle_id: int
    other_handle: int
    group_title: str | None
    share_status: int


class Past(NamedTuple):
    """What became of a message after it was sent."""

    summary: Summary
    is_edited: bool
    edited_at: int | None
    is_unsent: bool
    unsent_at: int | None


class Event(NamedTuple):
    """A change in a chat: what, about whom, and the new title."""

    name: str
    person: str | None
    title: str | None


def effect_of(stored: str) -> str:
    """Return the name of an effect; an unknown one keeps its stored id."""
    return _EFFECTS.get(stored, stored)


def part_of(stored: str | None) -> int | None:
    """Return the part number in front of ``0:0:11``; 0 where a reply names none."""
    head = (stored or "").partition(":")[0]
    return int(head) if head.isascii() and head.isdigit() and len(head) < 10 else 0


def event_of(row: Rare, handles: Mapping[int, str]) -> Event | None:
    """Return the event a row stands for; None for a message."""
    if row.item_type == 0:
        return None
    person = None
    title = None
    if row.item_type == 1:
        name = _GROUP_EVENTS.get((1, row.group_action), "unknown")
        if name == "participant_added" and row.other_handle > 0 and row.other_handle == row.handle_id:
            name = "number_changed"
        person = handles.get(row.other_handle)
    elif row.item_type == 2:
        name, title = "renamed", row.group_title
    elif row.item_type == 3:
        name = _GROUP_EVENTS.get((3, row.group_action), "unknown")
        person = handles.get(row.handle_id) if name == "left" else None
    elif row.item_type == 4:
        name = {0: "location_started", 1: "location_stopped"}.get(row.share_status, "unknown")
    else:
        name = {5: "audio_kept", 6: "shareplay"}.get(row.item_type, "unknown")
    return Event(name, person, title)


def past_of(row: Rare, text: str | None) -> Past | None:
    """Return edits and unsends of a row; None where nothing happened.

    The date of an edit is also set when a part is taken back, so the summary decides which it was; where
    there is none to read, the dates do.
    """
    if row.summary is None and row.edited_at is None and row.retracted_at is None:
        return None
    summary = summary_of(row.summary) if row.summary is not None else Summary()
    back = bool(summary.taken_back)
    edited = summary.is_edited or (row.edited_at is not None and not back and row.retracted_at is None)
    touched = back or row.retracted_at is not None
    if not edited and not touched:
        return None
    if back and summary.parts:
        unsent = summary.taken_back >= summary.parts
    else:
        unsent = touched and not text
    edited_at = (row.edited_at or summary.last_edit_at) if edited else None
    unsent_at = (row.retracted_at or (row.edited_at if back else None)) if touched else None
    return Past(summary, edited, edited_at, unsent, unsent_at)
