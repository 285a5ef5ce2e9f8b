"""From what a caller gave to a watch at its place: filters, and where to start.  A plan."""

from __future__ import annotations

from operator import index
from typing import SupportsIndex

import msgspec

from imsg_sdk._time import SystemClock
from imsg_sdk.addressing import lookup_key
from imsg_sdk.arguments import (
    People,
    TimeLike,
    checked_flag,
    checked_instant,
    checked_people,
    checked_seconds,
    refused,
)
from imsg_sdk.client import history
from imsg_sdk.client.core import Core
from imsg_sdk.client.filters import Filter
from imsg_sdk.client.plan import Plan
from imsg_sdk.client.pool import Role
from imsg_sdk.client.targets import Targets
from imsg_sdk.client.watching.cursor import Cursor, anchors_of, decode_cursor
from imsg_sdk.client.watching.feed import Feed, Timing
from imsg_sdk.client.watching.holes import Holes
from imsg_sdk.client.watching.place import Place
from imsg_sdk.client.watching.sources import Source
from imsg_sdk.client.watching.wanted import Wanted
from imsg_sdk.errors import InvalidParams

__all__ = ["Since", "make_feed"]

Since = str | SupportsIndex | TimeLike | None
"""A cursor, a rowid, a time or an age; None for the present."""


def make_feed(
    core: Core,
    chat: Targets,
    *,
    since: Since,
    participants: People | None,
    from_me: bool | None,
    include_reactions: bool,
    attachments: bool,
    patience_s: float | None,
) -> Feed:
    """Check what was given and return a feed that has not begun.

    Raises
    ------
    InvalidParams
        Something that cannot be meant.
    """
    timing, clock = Timing(), SystemClock()
    people = None if participants is None else checked_people(participants)
    wanted = Wanted(
        people=None if people is None else frozenset(lookup_key(each, region=core.region) for each in people),
        region=core.region,
        from_me=None if from_me is None else checked_flag(from_me, "from_me"),
        include_reactions=checked_flag(include_reactions, "include_reactions"),
        attachments=checked_flag(attachments, "attachments"),
    )
    opening = _Opening(chat, _start_of(since))
    place = Place(wanted, Holes(first_look_s=timing.first_look_s, longest_look_s=timing.longest_look_s), clock)
    patience = None if patience_s is None else checked_seconds(patience_s, "patience_s")
    return Feed(core, place, opening.run, timing=timing, clock=clock, patience_s=patience)


def _start_of(since: Since) -> Cursor | int | Filter | None:
    if since is None:
        return None
    if isinstance(since, SupportsIndex) and not isinstance(since, str):
        rowid = -1 if isinstance(since, bool) else index(since)
        if not 0 <= rowid < 2**63:
            raise refused("since must be a rowid of at least 0", hint="0 is before the first row, None the present")
        return rowid
    try:
        return Filter(since=checked_instant(since, "since"))
    except InvalidParams:
        if not isinstance(since, str) or since[:4].isdecimal():
            raise
    return decode_cursor(since)


class _Opening:
    """The first steps of a feed: find the chats, then the place."""

    def __init__(self, chat: Targets, start: Cursor | int | Filter | None) -> None:
        self._chat = chat
        self._start = start

    def run(self, feed: Feed, source: Source) -> Plan[None]:
        """Put the feed at its place."""
        place, start = feed.place, self._start
        chats = yield from feed.core.chats_of(self._chat)
        if chats is not None:
            place.wanted = msgspec.structs.replace(place.wanted, chat_ids=frozenset(each.chat_id for each in chats))
        if isinstance(start, Cursor):
            place.resume(start)
            place.file = start.file
            feed.doubts = True
            session = yield from feed.core.session(Role.WATCH)
            yield from feed.prove(source, session)
        elif isinstance(start, Filter):
            yield from self._begin_at(start, feed, source)
        elif start is None:
            yield from self._begin_now(feed, source)
        else:
            found = yield from source.at(start)
            place.begin(start, anchors_of([] if found is None else [found]))

    def _begin_now(self, feed: Feed, source: Source) -> Plan[None]:
        now = yield from source.now()
        feed.place.begin(now.rowid, anchors_of(now.known))
        feed.boundary = now.rowid
        feed.place.doubt(now.unlinked)
        feed.old_until = now.old_until
        feed.doubts = True

    def _begin_at(self, start: Filter, feed: Feed, source: Source) -> Plan[None]:
        """Begin before the first row of the time that is meant, which only a look at all of them tells."""
        pieces = history.Pieces(feed.core, None, start, attachments=False)
        lowest = None
        while (piece := (yield from pieces.next())) is not None:
            # The first piece need not hold the first row: some programs give chat after chat.
            rowids = [message.rowid for message in piece]
            lowest = min(rowids if lowest is None else [lowest, *rowids], default=None)
        if lowest is None:
            yield from self._begin_now(feed, source)
            return
        feed.place.begin(lowest - 1)
        feed.place.wanted = msgspec.structs.replace(feed.place.wanted, since=start.since)
