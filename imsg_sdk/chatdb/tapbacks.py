"""Tapbacks: which rows are one, what they point at, and which of them still stand.  Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final, NamedTuple

__all__ = ["FACES", "TAPBACK_SQL", "UNDATED", "Tapback", "face_of", "reaction_columns", "standing", "target_of"]

UNDATED: Final = -(2**63)
"""In place of a date that is missing: older than everything."""
STICKERS: Final = (1000, 2007)
STICKER_REMOVED: Final = 3007
FIRST_REMOVAL: Final = 3000
_CUSTOM: Final = 2006

_TYPES: Final = ("love", "like", "dislike", "laugh", "emphasis", "question", "custom", "sticker")
_EMOJI: Final = dict(enumerate(("\u2764\ufe0f", "\U0001f44d", "\U0001f44e", "\U0001f602", "\u203c\ufe0f", "\u2753")))

TAPBACK_SQL: Final = "({0} = 1000 OR {0} BETWEEN 2000 AND 2007 OR {0} BETWEEN 3000 AND 3007)"
"""A condition on the number of an association; ``format`` takes its SQL."""


class Tapback(NamedTuple):
    """One tapback row, added or removed; sorts by age, then by rowid."""

    created_at: int
    """Microseconds, or :data:`UNDATED`."""
    rowid: int
    kind: int
    emoji: str | None
    part: int
    person: Hashable
    sender: str | None
    is_from_me: bool
    target: str
    """Guid of the message."""


FACES: Final = {
    kind: ("sticker", None) if kind in STICKERS else (_TYPES[kind % 1000], _EMOJI.get(kind % 1000))
    for kind in (1000, *range(2000, 2008))
}
"""Name and emoji of every kind of tapback that can stand; an emoji of one's own choice is in the row."""


def target_of(associated_guid: str) -> tuple[str, int]:
    """Split an association into the guid it points at and the part of that message.

    ``p:2/GUID`` is part 2; ``bp:GUID`` and a bare guid are the message as a whole, part 0.
    """
    if associated_guid.startswith("p:0/") and associated_guid.count("/") == 1:  # nearly all
        return associated_guid[4:], 0
    prefix, slash, guid = associated_guid.rpartition("/")
    if slash:
        number = prefix.rpartition(":")[2]
        return guid, int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    return associated_guid.removeprefix("bp:"), 0


def standing(events: Iterable[Tapback]) -> dict[str, list[Tapback]]:
    """Return the tapbacks that stand after all events, by target, oldest first.

    A person has one classic or emoji tapback on a part, and the newest row decides; stickers add up
    until they are removed.  A removal without anything to remove changes nothing.
    """
    single: dict[tuple[str, int, Hashable], Tapback] = {}
    stickers: dict[tuple[str, int, Hashable], list[Tapback]] = {}
    for event in sorted(events):
        key = (event.target, event.part, event.person)
        if event.kind in STICKERS:
            stickers.setdefault(key, []).append(event)
        elif event.kind == STICKER_REMOVED:
            stickers.pop(key, None)
        elif event.kind < FIRST_REMOVAL:
            single[key] = event
        else:
            single.pop(key, None)
    left: dict[str, list[Tapback]] = {}
    for event in sorted([*single.values(), *(sticker for pile in stickers.values() for sticker in pile)]):
        left.setdefault(event.target, []).append(event)
    return left


def reaction_columns(tapbacks: Mapping[str, list[Tapback]], owners: Mapping[str, int]) -> list[list[Any]]:
    """Return the tapbacks that stand on messages, given as rowids by guid; the oldest of each first.

    The columns are those of the table of reactions.
    """
    messages: list[int] = []
    standing: list[Tapback] = []
    for rowid, guid in sorted((owners[guid], guid) for guid in owners):
        messages += [rowid] * len(tapbacks[guid])
        standing += tapbacks[guid]
    if not standing:
        return []
    created, rowids, kinds, emoji, parts, _, senders, mine, _ = map(list, zip(*standing, strict=True))
    return [
        messages,
        rowids,
        [FACES[kind][0] for kind in kinds],
        [face_of(kind, own) for kind, own in zip(kinds, emoji, strict=True)],
        parts,
        senders,
        mine,
        [None if instant == UNDATED else instant for instant in created] if UNDATED in created else created,
    ]


def face_of(kind: int, own: str | None) -> str | None:
    """Return the emoji that a tapback shows; `own` is the one its row names."""
    return own if kind == _CUSTOM else FACES[kind][1]
