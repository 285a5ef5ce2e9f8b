"""Make a fictional history of any size: a Messages database in which nobody is real.

The same arguments give the same rows on every machine.  Rows are made day by day and written in batches, so that
memory does not grow with the history.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from imsg_sdk._time import APPLE_EPOCH_S
from imsg_sdk.sandbox import people as cast_of
from imsg_sdk.sandbox.conversation import Contact, Conversation, Owner, Row
from imsg_sdk.sandbox.database import DIRECT, GROUP, Chat, Database, Handle, Message
from imsg_sdk.sandbox.dice import Dice
from imsg_sdk.sandbox.people import Person
from imsg_sdk.sandbox.plan import DAY, SessionTimes, cut_sessions, share_out
from imsg_sdk.sandbox.schema import TAHOE, System, find_system

__all__ = ["Summary", "generate"]

_YEARS = 3


class Summary(msgspec.Struct, frozen=True):
    """What was made."""

    path: Path
    messages: int
    """Rows in the message table, tapbacks and previews included."""
    chats: int
    groups: int
    people: int
    largest_chat: int
    """Rows in the largest chat."""
    first: datetime
    last: datetime


class Truth(msgspec.Struct, frozen=True):
    """One message as it was meant, for tests that compare what a reader makes of it."""

    message: Message
    chat_ids: tuple[int, ...]
    text: str | None


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
    wal: bool = True,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    truth: Callable[[Truth], None] | None = None,
) -> Summary:
    """Write a fictional history into a new Messages database."""
    target = Path(path)
    if target.exists() and not force:
        raise FileExistsError(f"{target} exists; choose another name, or say force")
    release = find_system(system)
    plan = _Plan(seed, messages, people, groups, body_only, largest_chat, start, end, release)
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        database = Database.create(partial, release)
        summary = plan.write(database, target, progress, truth)
        database.finish(wal=wal)
        partial.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
    return summary


class _Plan:
    def __init__(
        self,
        seed: int,
        messages: int,
        people: int | None,
        groups: int | None,
        body_only: float,
        largest_chat: float | None,
        start: date | None,
        end: date | None,
        system: System,
    ) -> None:
        self.seed = seed
        self.messages = messages
        self.system = system
        self.body_only = body_only
        last_day = end or date.fromisoformat(system.ends)
        first_day = start or last_day - timedelta(days=365 * _YEARS)
        self.start_s, self.end_s = _apple_seconds(first_day), _apple_seconds(last_day) + DAY
        largest = _count_of(largest_chat, messages)
        n_people = people if people is not None else _default_people(messages, largest)
        self.n_people = min(n_people, max(1, messages * 4 // 5))
        self.n_groups = groups if groups is not None else min(self.n_people // 4, messages // 5)
        self.sizes = share_out(messages, self.n_people + self.n_groups, largest)
        me = cast_of.owner()
        dice = Dice(seed, "owner")
        self.owner = Owner(me.first_name, me.phone or "", me.email, dice.guid())

    def write(
        self,
        database: Database,
        target: Path,
        progress: Callable[[int, int], None] | None,
        truth: Callable[[Truth], None] | None,
    ) -> Summary:
        conversations = self._conversations(database)
        done = 0
        for rows in self._days(conversations):
            rows.sort(key=_arrival)
            for row in rows:
                database.add_message(row.message, row.chat_ids, row.attachments)
                if truth:
                    truth(Truth(row.message, row.chat_ids, row.text))
            done += len(rows)
            if progress:
                progress(done, self.messages)
        return Summary(
            path=target,
            messages=done,
            chats=len(conversations),
            groups=self.n_groups,
            people=self.n_people,
            largest_chat=max(self.sizes),
            first=datetime.fromtimestamp(self.start_s + APPLE_EPOCH_S, UTC),
            last=datetime.fromtimestamp(self.end_s + APPLE_EPOCH_S, UTC),
        )

    def _days(self, conversations: list[Conversation]) -> Iterator[list[Row]]:
        """Yield the rows of each day on which anybody writes."""
        dice = Dice(self.seed, "sessions")
        times = SessionTimes(self.start_s, self.end_s)
        sessions: list[tuple[int, int, int]] = []
        for index, size in enumerate(self.sizes):
            sessions.extend((times.draw(dice), index, rows) for rows in cut_sessions(size, dice))
        sessions.sort()
        rows_of_day: list[Row] = []
        day = -1
        for moment, index, rows in sessions:
            if moment // DAY != day and rows_of_day:
                yield rows_of_day
                rows_of_day = []
            day = moment // DAY
            conversations[index].session(moment * 1_000_000_000 + dice.bits(29), rows, rows_of_day)
        if rows_of_day:
            yield rows_of_day

    def _conversations(self, database: Database) -> list[Conversation]:
        dice = Dice(self.seed, "chats")
        contacts = [self._contact(database, person) for person in cast_of.cast(self.n_people, self.seed)]
        found: list[Conversation] = []
        n_direct, n_group = 0, 0
        for index in range(self.n_people + self.n_groups):
            if n_group < self.n_groups and (index % 4 == 1 or n_direct >= self.n_people):
                n_group += 1
                members = dice.sample(contacts[: max(6, n_group * 5)], dice.pick((2, 3, 3, 4, 4, 5, 6, 8)))
            else:
                members = [contacts[n_direct]]
                n_direct += 1
            found.append(self._conversation(database, members, dice))
        return found

    def _contact(self, database: Database, person: Person) -> Contact:
        service = "iMessage"
        rowid = database.add_handle(Handle(0, person.address, person.country, service, None, person.person_id))
        return Contact(person, rowid, person.address)

    def _conversation(self, database: Database, members: list[Contact], dice: Dice) -> Conversation:
        service = "iMessage"
        is_group = len(members) > 1
        identifier = f"chat{dice.between(10**17, 10**18 - 1)}" if is_group else members[0].address
        prefix = "any" if self.system.has(TAHOE) else service
        chat = Chat(
            0,
            f"{prefix};{'+' if is_group else '-'};{identifier}",
            GROUP if is_group else DIRECT,
            identifier,
            service,
            room_name=identifier if is_group else None,
            account_login=f"P:{self.owner.phone}",
            account_id=self.owner.account_guid,
            last_addressed_handle=self.owner.phone,
            group_id=dice.guid(),
        )
        chat_id = database.add_chat(chat, [member.handle_id for member in members])
        return Conversation(
            chat_id,
            service,
            members,
            kind="group" if is_group else "talk",
            owner=self.owner,
            system=self.system,
            seed=self.seed,
            body_only=self.body_only,
        )


def _arrival(row: Row) -> tuple[int, int, int]:
    return row.date, row.chat_ids[0], row.order


def _apple_seconds(day: date) -> int:
    return (day - date(2001, 1, 1)).days * DAY


def _count_of(largest: float | None, messages: int) -> int | None:
    if largest is None:
        return None
    return int(largest) if largest >= 1 else max(1, round(messages * largest))


def _default_people(messages: int, largest: int | None) -> int:
    wanted = 16
    while wanted * wanted * 4 < messages and wanted < 400:
        wanted += 8
    if largest is not None:
        wanted = max(wanted, messages * 2 // largest)
    return wanted
