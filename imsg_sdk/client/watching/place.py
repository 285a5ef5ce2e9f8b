"""Where a watch stands: which rows it has seen, what waits to be handed out, what is still to come.

No I/O in this file.  Whatever happens outside (a child dies, a call is interrupted between two instructions),
reading on from here loses nothing: a row counts as seen only once it waits, and one that comes again is known.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable

import msgspec

from imsg_sdk._time import Clock, to_us
from imsg_sdk.client.reading import joined
from imsg_sdk.client.watching.cursor import Anchor, Anchors, Cursor, File
from imsg_sdk.client.watching.holes import HOLE_LIFE_S, Holes, Times
from imsg_sdk.client.watching.wanted import Wanted
from imsg_sdk.models import Message

__all__ = ["Place"]

_GUIDS_KEPT = 4096


class _Entry(msgspec.Struct):
    message: Message
    late: Times | None
    """For a row below others that were handed out: the times of its hole."""
    arrived: float


class Place:
    """Rows seen and rows to hand out, in the order of rowids but for those that were linked late."""

    def __init__(self, wanted: Wanted, holes: Holes, clock: Clock) -> None:
        self.wanted = wanted
        self.holes = holes
        self.position = 0
        """Every row up to this one was seen, or is an open hole."""
        self.file: File | None = None
        self.n_handed_out = self.n_duplicates = self.n_healed = 0
        self.last_rowid: int | None = None
        self._clock = clock
        self._anchors = Anchors()
        self._ready: collections.deque[_Entry] = collections.deque()
        self._handed = 0
        self._last_s: int | None = None
        """Date of the row that was seen last."""
        self._undo: tuple[list[_Entry], int] = ([], 0)
        self._guids: collections.OrderedDict[str, None] = collections.OrderedDict()

    # ---- beginning -----------------------------------------------------------------------------------------------

    def begin(self, position: int, anchors: Iterable[Anchor] = ()) -> None:
        """Start behind a row."""
        self.position = self._handed = position
        self._anchors = Anchors(anchors)
        dates = [anchor.created_at for anchor in self._anchors.kept() if anchor.created_at is not None]
        self._last_s = int(dates[0].timestamp()) if dates else None

    def resume(self, cursor: Cursor) -> None:
        """Start where a cursor was taken."""
        self.begin(cursor.rowid, cursor.anchors)
        for rowid, *times in cursor.holes:
            self.holes.add([rowid], (times[0], times[1], times[2]), now=self._clock.monotonic())
        self.holes.hurry(self._clock.monotonic())

    def anchors(self) -> tuple[Anchor, ...]:
        """Return the rows that tell this database from another, the newest first."""
        return self._anchors.kept()

    def is_reused(self, message: Message) -> bool:
        """Tell whether somebody's message has the number of a row that counts as seen, and was not."""
        # Not an own one: its date may be that on which it is to be sent.
        is_known = message.rowid > self.position or message.rowid in self.holes or (message.guid or "") in self._guids
        return not message.is_from_me and not is_known

    # ---- what comes ------------------------------------------------------------------------------------------------

    def take(self, message: Message, *, healed: bool = False) -> None:
        """Take a row as it was read; `healed` if the subscription failed to report it."""
        rowid = message.rowid
        if message.created_at is not None and rowid > self.position:
            self._last_s = int(message.created_at.timestamp())
        if message.chat_id is None:
            self._open_hole(message)
        elif rowid in self.holes:
            self._take_late(message, healed)
        elif rowid > self.position:
            if not self._is_last(rowid):
                self._anchors.add(message)
                self._offer(message, None, healed)
            self.position = rowid
        elif rowid == self.position:
            self._take_again(message)
        else:
            self.n_duplicates += 1

    def _open_hole(self, message: Message) -> None:
        if message.rowid > self.position:
            self.doubt([message.rowid], beside=message)
            self.position = message.rowid

    def _is_last(self, rowid: int) -> bool:
        """Tell whether a row waits already: an interrupt may have come before it counted as seen."""
        return bool(self._ready) and self._ready[-1].message.rowid == rowid

    def _take_late(self, message: Message, healed: bool) -> None:
        if not any(entry.message.rowid == message.rowid for entry in self._ready):
            self._offer(message, self.holes.times(message.rowid), healed)
        self.holes.close(message.rowid)

    def _take_again(self, message: Message) -> None:
        """Take the row that came last once more: programs send one of two chats twice."""
        if self._is_last(message.rowid):
            last = self._ready[-1]
            self.n_duplicates += {*message.chat_ids} <= {*last.message.chat_ids}
            last.message = joined(last.message, message)
        else:
            # The filter may have left it out as a message of the other chat.
            self._offer(message, None, False)

    def _offer(self, message: Message, late: Times | None, healed: bool) -> None:
        if not self.wanted.accepts(message):
            return
        if message.guid and message.guid in self._guids:
            self.n_duplicates += 1
            return
        self._ready.append(_Entry(message, late, self._clock.monotonic()))
        self._remember(message)
        self.n_healed += healed

    def _remember(self, message: Message) -> None:
        if message.guid and message.guid not in self._guids:
            self._guids[message.guid] = None
            if len(self._guids) > _GUIDS_KEPT:
                self._guids.popitem(last=False)

    def move(self, position: int) -> None:
        """Count everything up to a row as seen: a page said so."""
        self.position = max(self.position, position)

    def doubt(self, rowids: Iterable[int], *, beside: Message | None = None, life_s: int | None = None) -> None:
        """Keep rows in mind that are not accounted for, for a day or for `life_s`."""
        now_s = self.now_s()
        end_s = now_s if beside is None or beside.created_at is None else int(beside.created_at.timestamp())
        start_s = min(end_s, self._last_s or end_s)
        since_s = now_s if life_s is None else now_s - HOLE_LIFE_S + life_s
        self.holes.add(rowids, (since_s, start_s, end_s), now=self._clock.monotonic())

    def now_s(self) -> int:
        """Return the Unix second of now."""
        return to_us(self._clock.now()) // 1_000_000

    # ---- handing out -----------------------------------------------------------------------------------------------

    @property
    def n_ready(self) -> int:
        """Return how many messages wait to be handed out."""
        return len(self._ready)

    def hand_out(self, most: int) -> list[Message]:
        """Return the next messages; the cursor stands behind the last of them."""
        entries = list(itertools.islice(self._ready, most))
        if not entries:
            return []
        messages = [entry.message for entry in entries]
        for message in messages:
            self._remember(message)
        handed = max((entry.message.rowid for entry in entries if entry.late is None), default=self._handed)
        position = max(self.position, handed)
        rest = collections.deque(itertools.islice(self._ready, len(entries), None))
        undo = (entries, self._handed)
        count = self.n_handed_out + len(entries)
        # No call and no loop from here on, so that no interrupt comes between: all of it happens, or nothing.
        self._undo, self._handed, self.position, self._ready = undo, handed, position, rest
        self.n_handed_out, self.last_rowid = count, messages[-1].rowid
        return messages

    def give_back(self, messages: list[Message]) -> None:
        """Take back what was handed out last: an interrupt kept it from its reader."""
        entries, handed = self._undo
        if messages and [entry.message for entry in entries] == messages:
            self._undo = ([], 0)
            self._ready.extendleft(reversed(entries))
            self._handed = min(self._handed, handed)
            self.n_handed_out -= len(entries)

    def waiting_s(self) -> float:
        """Return for how long the oldest message has waited here."""
        try:
            return max(0.0, self._clock.monotonic() - self._ready[0].arrived)
        except IndexError:
            return 0.0

    def cursor(self) -> Cursor:
        """Return the place behind what was handed out."""
        late = {entry.message.rowid: entry.late for entry in self._ready if entry.late is not None}
        is_behind = len(late) < len(self._ready)
        rowid = self._handed if is_behind else max(self.position, self._handed)
        holes = {**self.holes.listed(rowid), **late}
        return Cursor(rowid, self.anchors(), tuple((hole, *holes[hole]) for hole in sorted(holes)), self.file)
