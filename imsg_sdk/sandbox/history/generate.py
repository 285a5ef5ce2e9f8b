"""Make a fictional history of any size: a Messages database in which nobody is real.

The same arguments give the same rows on every machine.  Rows are made day by day and written in batches, so that
memory does not grow with the history.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from imsg_sdk._time import APPLE_EPOCH_S
from imsg_sdk.errors import ConfigError
from imsg_sdk.sandbox import people
from imsg_sdk.sandbox.database import Attachment, Database, Message
from imsg_sdk.sandbox.dice import Dice
from imsg_sdk.sandbox.history import acts
from imsg_sdk.sandbox.history.awkward import AwkwardRows
from imsg_sdk.sandbox.history.chats import ChatSpec, Registry, invent
from imsg_sdk.sandbox.history.conversation import Conversation, Owner, Row, Setting
from imsg_sdk.sandbox.history.media import Shelf
from imsg_sdk.sandbox.history.plan import DAY, SessionTimes, cut_sessions, sizes_of
from imsg_sdk.sandbox.history.wal import leave_in_log
from imsg_sdk.sandbox.schema import SEQUOIA, VENTURA, System, find_system

__all__ = ["Summary", "Truth", "generate"]

SECOND = 1_000_000_000
_YEARS = 3
_LOST_SHARE = 0.007
_SCHEDULED_DAYS = 3650
_HELD_ROWS = 400


class Summary(msgspec.Struct, frozen=True):
    """What was made."""

    path: Path
    messages: int
    """Rows in the message table, tapbacks and previews included."""
    chats: int
    largest_chat: int
    """Rows in the largest chat."""
    first: datetime
    last: datetime
    kinds: Mapping[str, int]
    """Rows by kind: message, tapback, link, edited, unsent, voice, app, poll, event, …"""
    names: Mapping[str, str]
    """Names of people by address, as an address book would know them."""


class Truth(msgspec.Struct, frozen=True):
    """One row as it was meant, for whoever wants to compare what a reader makes of it."""

    message: Message
    chat_ids: tuple[int, ...]
    attachments: Sequence[Attachment]
    text: str | None
    """The text that a person sees; None where there is none."""
    kind: str


def generate(
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    messages: int = 5000,
    people: int | None = None,
    groups: int | None = None,
    body_only: float = 0.3,
    largest_chat: float | None = None,
    start: date | None = None,
    end: date | None = None,
    system: str = "sequoia",
    upgraded: bool = False,
    awkward: bool = False,
    attachments_dir: str | os.PathLike[str] | None = None,
    wal: bool = True,
    in_wal: int = 0,
    force: bool = False,
    chats: Sequence[ChatSpec] | None = None,
    progress: Callable[[int, int], None] | None = None,
    truth: Callable[[Truth], None] | None = None,
) -> Summary:
    """Write a fictional history into a new Messages database.

    Parameters
    ----------
    path
        The file to make.  It gets its name only when it is complete.
    seed
        The same seed and arguments give the same rows, everywhere.
    messages
        Rows in the message table, exactly; tapbacks and link previews count, awkward rows come on top.
    people, groups
        How many people to write with one by one, and how many groups; by default as fits `messages`.
    body_only
        Share of texts that stand only in ``attributedBody``, from 0 to 1.
    largest_chat
        Rows in the largest chat: a share of all below 1, else a number.  Met exactly.
    start, end
        First and last day.  The end is a fixed day of the system by default, the start three years before it.
    system
        Whose tables to make: a name in :data:`imsg_sdk.sandbox.schema.SYSTEMS`.
    upgraded
        With the columns that only databases have that came along from older systems.
    awkward
        Add chats full of rows that break readers.
    attachments_dir
        Put small real files there; without it attachments are rows only, and all files are missing.
    wal
        Leave the file in WAL mode, as Messages keeps it.
    in_wal
        Leave the newest so many rows in the ``-wal`` file only, as while Messages runs.
    force
        Replace an existing file.
    chats
        The chats to fill instead of invented ones.
    progress
        Called with the rows written and the rows wanted.
    truth
        Called for every row with what it was meant to say.

    Returns
    -------
    Summary
        Counts, by kind too.

    Raises
    ------
    FileExistsError
        There is such a file, and `force` was not given.
    ConfigError
        A number that cannot be met; ``path`` names it.
    """
    target = Path(path)
    if target.exists() and not force:
        raise FileExistsError(f"{target.name} exists: choose another name, or give force=True")
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(target.parent))
    _check(messages=messages, people=people, groups=groups, body_only=body_only, in_wal=in_wal)
    release = _system(system)
    shelf = Shelf(Path(attachments_dir) if attachments_dir is not None else None)
    setting = Setting(_owner(seed), release, seed, body_only, shelf)
    largest = _count_of(largest_chat, messages)
    if chats is None:
        chats = _invented(setting, messages, people, groups, largest)
    history = _History(setting, chats, messages, largest, *_days_of(release, start, end))
    partial = target.with_name(target.name + ".partial")
    _remove(partial)
    try:
        with contextlib.closing(Database.create(partial, release, upgraded=upgraded)) as database:
            history.write(database, progress, truth)
            if awkward:
                history.add_awkward(database, truth)
            database.finish(wal=wal)
        if in_wal:
            leave_in_log(partial, in_wal)
        _move(partial, target)
    finally:
        _remove(partial)
    return history.summary(target)


def _system(name: str) -> System:
    try:
        return find_system(name)
    except ValueError as error:
        raise ConfigError(str(error), path="system") from None


def _days_of(system: System, start: date | None, end: date | None) -> tuple[date, date]:
    last = end or date.fromisoformat(system.ends)
    first = start or last - timedelta(days=365 * _YEARS)
    if first > last:
        raise ConfigError("the history would end before it starts", path="end", hint="give an end after the start")
    return first, last


def _files_of(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", ""))


def _remove(path: Path) -> None:
    for part in _files_of(path):
        part.unlink(missing_ok=True)


def _move(source: Path, target: Path) -> None:
    """Give a database its name; what lies beside an older one of that name would spoil it."""
    for old in _files_of(target)[:2]:
        old.unlink(missing_ok=True)
    for part, place in zip(_files_of(source), _files_of(target), strict=True):
        if part.exists():
            part.replace(place)


def _check(*, messages: int, people: int | None, groups: int | None, body_only: float, in_wal: int) -> None:
    if messages < 1:
        raise ConfigError(f"messages is {messages}", path="messages", hint="ask for at least 1")
    if people is not None and not 1 <= people <= messages:
        raise ConfigError(f"people is {people}", path="people", hint="from 1 up to the number of messages")
    if groups is not None and not 0 <= groups <= messages:
        raise ConfigError(f"groups is {groups}", path="groups", hint="from 0 up to the number of messages")
    if not 0 <= body_only <= 1:
        raise ConfigError(f"body_only is {body_only}", path="body_only", hint="a share from 0 to 1")
    if not 0 <= in_wal <= messages:
        raise ConfigError(f"in_wal is {in_wal}", path="in_wal", hint="from 0 up to the number of messages")


def _count_of(largest: float | None, messages: int) -> int | None:
    if largest is None:
        return None
    if largest <= 0 or largest > messages:
        raise ConfigError(
            f"largest_chat is {largest}", path="largest_chat", hint="a share between 0 and 1, or a number of messages"
        )
    return int(largest) if largest >= 1 else max(1, round(messages * largest))


def _owner(seed: int) -> Owner:
    me = people.owner()
    return Owner(me.first_name, me.phone or "", me.email, Dice(seed, "owner").guid())


def _invented(
    setting: Setting, messages: int, n_people: int | None, n_groups: int | None, largest: int | None
) -> list[ChatSpec]:
    if n_people is None:
        n_people = 16
        while n_people * n_people * 3 < messages and n_people < 600:
            n_people += 8
        if largest is not None:
            n_people = max(n_people, messages * 3 // largest)
        n_people = max(1, min(n_people, messages // 3))
    if n_groups is None:
        n_groups = min(n_people // 3, messages // 20)
    machines = min(10, messages // 50)
    return invent(people.cast(n_people, setting.seed), n_groups if n_people > 1 else 0, setting, machines=machines)


class _History:
    """One history in the making."""

    def __init__(
        self,
        setting: Setting,
        specs: Sequence[ChatSpec],
        messages: int,
        largest: int | None,
        first_day: date,
        last_day: date,
    ) -> None:
        self._setting = setting
        self._specs = specs
        self._messages = messages
        self._start_s, self._end_s = _apple_seconds(first_day), _apple_seconds(last_day) + DAY
        self._dice = Dice(setting.seed, "history")
        self._lost = round(messages * _LOST_SHARE)
        self._scheduled = 3 if messages >= 500 and setting.system.has(SEQUOIA) else 0
        self._sizes = sizes_of(specs, messages - self._lost - self._scheduled, largest, Dice(setting.seed, "sizes"))
        self._registry: Registry | None = None
        self._kinds: Counter[str] = Counter()
        self._chat_rows: Counter[int] = Counter()

    def write(
        self,
        database: Database,
        progress: Callable[[int, int], None] | None,
        truth: Callable[[Truth], None] | None,
    ) -> None:
        """Write every row."""
        registry = self._registry = Registry(database, self._setting)
        conversations = [registry.conversation(spec) for spec in self._specs]
        for conversation in conversations:
            self._settle(conversation)
        lost = Conversation((), "iMessage", conversations[0].members, self._setting, kind="talk")
        done = 0
        for rows in self._days([*conversations, lost]):
            for row in rows:
                self._put(database, row, truth)
            done += len(rows)
            if progress:
                progress(done, self._messages)

    def _settle(self, conversation: Conversation) -> None:
        """Decide since when nothing is read, and when the one who left a group did."""
        span = self._end_s - self._start_s
        if self._dice.chance(0.25):
            conversation.read_until = (self._end_s - self._dice.between(1, 40) * DAY) * SECOND
        conversation.former_until = (self._start_s + int(span * self._dice.random())) * SECOND

    def _put(self, database: Database, row: Row, truth: Callable[[Truth], None] | None) -> None:
        if row.deleted_ns:
            database.add_recently_deleted(row.message, self._dice.between(1, len(self._specs)), row.deleted_ns)
        else:
            database.add_message(row.message, row.chat_ids, row.attachments)
        self._kinds[row.kind] += 1
        for chat_id in row.chat_ids:
            self._chat_rows[chat_id] += 1
        if truth:
            truth(Truth(row.message, row.chat_ids, row.attachments or (), row.text, row.kind))
        if self._dice.random() < 0.004:
            database.skip_rowids(self._dice.between(1, 3))

    def _days(self, conversations: Sequence[Conversation]) -> Iterator[list[Row]]:
        """Yield the rows of each day on which anybody writes, in the order in which they arrive."""
        dice = self._dice
        today: list[Row] = []
        held: list[Row] = []
        day = -1
        for moment, index, rows in self._sessions(dice):
            if moment // DAY != day and today:
                today.sort(key=_arrival)
                # What another device brings in later gets row ids out of order.
                if len(held) > _HELD_ROWS or (held and dice.random() < 0.02):
                    today += held
                    held = []
                yield today
                today = []
            day = moment // DAY
            is_late = dice.random() < 0.02
            conversations[index].session(moment * SECOND + dice.bits(29), rows, held if is_late else today)
            if index == len(conversations) - 1:
                self._lose(today)
        today.sort(key=_arrival)
        yield today + held + self._send_later(conversations)

    def _sessions(self, dice: Dice) -> list[tuple[int, int, int]]:
        """Return (second, conversation, rows) of every session, in order of time."""
        times = SessionTimes(self._start_s, self._end_s)
        span = self._end_s - self._start_s
        sessions: list[tuple[int, int, int]] = []
        for index, size in enumerate([*self._sizes, self._lost]):
            begin, finish = self._start_s, self._end_s
            kind = self._specs[index].kind if index < len(self._specs) else "talk"
            if index < len(self._specs) and self._specs[index].is_tail and kind == "talk":
                begin += int(span * dice.random())
                finish = min(finish, begin + dice.between(2, 200) * DAY)
            elif 3 < index < len(self._specs):
                begin += int(span * dice.random() * 0.6)
            window = times.window(begin, finish)
            sessions.extend((times.draw(dice, window), index, rows) for rows in cut_sessions(size, dice, kind=kind))
        sessions.sort()
        return sessions

    def _lose(self, rows: list[Row]) -> None:
        """Move some of the rows that are in no chat to Recently Deleted."""
        if not self._setting.system.has(VENTURA):
            return
        for row in rows:
            if not row.chat_ids and not row.deleted_ns and not row.attachments and self._dice.random() < 0.4:
                row.deleted_ns = row.date + self._dice.between(1, 20) * DAY * SECOND

    def _send_later(self, conversations: Sequence[Conversation]) -> list[Row]:
        rows: list[Row] = []
        texts = ("Happy birthday!! 🎂 Up late just to be the first", "Don't forget the tickets", "Good luck today! 🍀")
        # In a quiet chat, so that the sizes of the busy ones stay as planned.
        fitting = [
            index for index, spec in enumerate(self._specs) if spec.kind == "talk" and spec.service == "iMessage"
        ]
        chat = conversations[min(fitting, key=self._sizes.__getitem__, default=0)]
        chat.out, chat.goal = rows, self._scheduled
        for number in range(self._scheduled):
            # The history ends on a fixed day; years later these must still wait.
            moment = self._end_s + (_SCHEDULED_DAYS + 4 * number) * DAY + self._dice.between(8, 21) * 3600
            acts.scheduled(chat, texts[number], moment * SECOND)
        return rows

    def add_awkward(self, database: Database, truth: Callable[[Truth], None] | None) -> None:
        """Write the rows that break readers."""

        def told(
            message: Message, chats: Sequence[int], files: Sequence[Attachment], text: str | None, kind: str
        ) -> None:
            self._kinds[kind] += 1
            self._chat_rows.update(chats)
            if truth:
                truth(Truth(message, tuple(chats), files, text, kind))

        registry = self._registry or Registry(database, self._setting)
        AwkwardRows(database, registry, self._setting, (self._end_s - 40 * DAY) * SECOND, told).add_all()

    def summary(self, target: Path) -> Summary:
        """Return what was made."""
        return Summary(
            path=target,
            messages=sum(self._kinds.values()),
            chats=len(self._registry.chat_ids) if self._registry else 0,
            largest_chat=max(self._chat_rows.values()),
            first=datetime.fromtimestamp(self._start_s + APPLE_EPOCH_S, UTC),
            last=datetime.fromtimestamp(self._end_s + APPLE_EPOCH_S, UTC),
            kinds=dict(sorted(self._kinds.items())),
            names=self._registry.names if self._registry else {},
        )


def _arrival(row: Row) -> int:
    return row.date


def _apple_seconds(day: date) -> int:
    return (day - date(2001, 1, 1)).days * DAY
