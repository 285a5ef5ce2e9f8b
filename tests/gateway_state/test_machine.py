"""The journal against a model of it, with crashes at random moments: what a crash leaves is what was committed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from imsg_sdk.gateway import Decision, Reason
from imsg_sdk.gateway.state import Journal, OutboxState, StateReader, state_folder
from imsg_sdk.models import Message

DROPPED = Decision(dispatched=False, rule="dm_not_allowed", reason=Reason.DM_NOT_ALLOWED)
DISPATCHED = Decision(dispatched=True, rule="dispatch")
PEOPLE = ("+15550000001", "+15550000002", "+15550000003")
FINAL = sorted(set(OutboxState) - {OutboxState.PLANNED, OutboxState.ATTEMPTING})
KEEP, KEEP_DECISIONS = timedelta(days=7), timedelta(days=90)

numbers = st.integers(0, 2**16)
places = st.sampled_from(["before", "uncommitted", "after", None])
"""Where in a step the process ends; None lets it live."""


class Row(msgspec.Struct):
    rowid: int
    guid: str | None
    person: str | None
    text: str | None
    state: str = "arrived"
    reason: str | None = None
    attempts: int = 0
    repeats: int = 0
    finished_at: datetime | None = None


class Chunk(msgspec.Struct):
    entry: int | None
    text: str | None
    state: str = "planned"
    settled_at: datetime | None = None
    guid: str | None = None


class Model(msgspec.Struct):
    cursor: str | None = None
    rows: dict[int, Row] = {}
    chunks: dict[int, Chunk] = {}


class Died(Exception):
    pass


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 1, 5, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class JournalMachine(RuleBasedStateMachine):
    """Takes the same steps on both.  A step that the process dies in is taken on the model if it was committed."""

    @initialize()
    def begin_empty(self) -> None:
        self.home = tempfile.TemporaryDirectory()
        self.lives = 0
        self.clock = Clock()
        self.model = Model()
        self.folder = state_folder(Path(self.home.name) / "0")
        self.journal = self.open()

    def open(self) -> Journal:
        options: dict[str, Any] = {"keep": KEEP, "keep_decisions": KEEP_DECISIONS}
        journal = Journal.open(self.folder, identity="database", clock=self.clock, **options)
        # A crash of the process is a copy of its files here, which no disk sync makes better.
        journal.store.execute("PRAGMA synchronous = OFF")
        return journal

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            self.journal.close()
            self.home.cleanup()

    def step(self, name: str, place: str | None, act: Callable[[], Any], expect: Callable[[Any], None]) -> None:
        """Take a step; `expect` takes it on the model, given what it returned."""
        before = msgspec.json.encode(self.model)
        result: list[Any] = []

        def reached(point: str) -> None:
            if place is not None and point == f"{name}:{place}":
                self.crash()
                raise Died

        self.journal.reached = reached  # type: ignore[method-assign]
        old = self.journal
        with suppress(Died):
            result.append(act())
        if self.journal is not old:
            old.reached = lambda _: None  # type: ignore[method-assign]
            old.close()
        if result:
            expect(result[0])
        elif place == "after":
            # Committed, and nobody was told: the model learns the outcome from the journal's own numbers.
            expect(None)
        else:
            self.model = msgspec.json.decode(before, type=Model)

    def crash(self) -> None:
        """Go on with what is on disk at this moment: the file and its log."""
        self.lives += 1
        target = state_folder(Path(self.home.name) / str(self.lives))
        for path in self.folder.glob("*.db*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, target / path.name)
        self.folder = target
        self.journal = self.open()

    # Steps.

    @rule(rowids=st.lists(st.integers(1, 12), min_size=1, max_size=4), number=numbers, place=places)
    def arrive(self, rowids: list[int], number: int, place: str | None) -> None:
        messages = [
            # Some rows share a guid, some have none.
            Message(
                rowid=rowid,
                guid=None if rowid % 5 == 0 else f"G{rowid % 9}",
                sender=PEOPLE[rowid % 3],
                text=f"text {rowid}",
            )
            for rowid in rowids
        ]

        def expect(entries: Any) -> None:
            new = [number for message in messages if (number := self._expect_row(message)) is not None]
            self.model.cursor = str(number_of_cursor)
            assert entries is None or [each.id for each in entries] == new

        number_of_cursor = number
        self.step("arrive", place, lambda: self.journal.arrive(messages, str(number)), expect)

    def _expect_row(self, message: Message) -> int | None:
        rows = self.model.rows
        known = [row for row in rows.values() if row.guid == message.guid and message.guid]
        if not message.guid:
            known = [row for row in rows.values() if row.guid is None and row.rowid == message.rowid]
        same = [row for row in known if row.rowid == message.rowid]
        if same:
            same[0].repeats += 1
            return None
        number = max(rows, default=0) + 1
        row = rows[number] = Row(message.rowid, message.guid, message.sender, message.text)
        if not known:
            return number
        row.state, row.reason, row.text, row.finished_at = "finished", "duplicate", None, self.clock.at
        return None

    def open_entry(self, number: int) -> Any:
        left = self.journal.unfinished()
        entries = sorted((*left.undecided, *left.begun), key=lambda each: each.id)
        return entries[number % len(entries)] if entries else None

    @precondition(lambda self: any(row.state != "finished" for row in self.model.rows.values()))
    @rule(number=numbers, place=places)
    def conclude(self, number: int, place: str | None) -> None:
        entry = self.open_entry(number)

        def expect(_: Any) -> None:
            row = self.model.rows[entry.id]
            row.state, row.reason, row.finished_at = "finished", "dm_not_allowed", self.clock.at

        self.step("conclude", place, lambda: self.journal.conclude([(entry, DROPPED)]), expect)

    @precondition(lambda self: any(row.state != "finished" for row in self.model.rows.values()))
    @rule(number=numbers, place=places)
    def begin(self, number: int, place: str | None) -> None:
        entry = self.open_entry(number)

        def expect(attempt: int | None) -> None:
            row = self.model.rows[entry.id]
            row.state = "begun"
            row.attempts += 1
            assert attempt in (None, row.attempts)

        self.step("begin", place, lambda: self.journal.begin(entry, DISPATCHED), expect)

    @rule(number=numbers, replies=st.lists(st.integers(0, 2), max_size=2), place=places)
    def plan(self, number: int, replies: list[int], place: str | None) -> None:
        begun = self.journal.unfinished().begun
        entry = begun[number % len(begun)] if begun else None
        sends = [[{"text": f"part {part}", "chat_id": 1} for part in range(parts)] for parts in replies]

        def expect(chunks: Any) -> None:
            if entry is not None:
                row = self.model.rows[entry.id]
                row.state, row.finished_at = "finished", self.clock.at
            for reply in sends:
                for params in reply:
                    text = str(params["text"])
                    self.model.chunks[max(self.model.chunks, default=0) + 1] = Chunk(entry and entry.id, text)
            assert chunks is None or len(chunks) == sum(replies)

        self.step("plan", place, lambda: self.journal.plan(entry, sends), expect)

    @rule(number=numbers, place=places)
    def attempt(self, number: int, place: str | None) -> None:
        planned = self.journal.unfinished().planned
        if planned:
            chunk = planned[number % len(planned)]

            def expect(_: Any) -> None:
                self.model.chunks[chunk.id].state = "attempting"

            self.step("attempting", place, lambda: self.journal.attempting(chunk), expect)

    @rule(number=numbers, state=st.sampled_from(FINAL), place=places)
    def settle(self, number: int, state: OutboxState, place: str | None) -> None:
        left = self.journal.unfinished()
        chunks = (*left.planned, *left.attempting)
        if chunks:
            chunk = chunks[number % len(chunks)]

            def expect(_: Any) -> None:
                known = self.model.chunks[chunk.id]
                known.state, known.guid, known.settled_at = str(state), f"S{number}", self.clock.at

            self.step("settle", place, lambda: self.journal.settle(chunk, state, guid=f"S{number}"), expect)

    @rule(person=st.sampled_from(PEOPLE))
    def erase(self, person: str) -> None:
        self.journal.erase(person)
        gone = {number for number, row in self.model.rows.items() if row.person == person}
        for number in gone:
            row = self.model.rows[number]
            row.person = row.text = None
            if row.state != "finished":
                row.state, row.reason, row.finished_at = "finished", "erased", self.clock.at
        for chunk in self.model.chunks.values():
            if chunk.entry in gone:
                chunk.text = None
                if chunk.state in ("planned", "attempting"):
                    chunk.state = "skipped" if chunk.state == "planned" else "uncertain"
                    chunk.settled_at = self.clock.at

    @rule(days=st.sampled_from([0, 1, 5, 8, 91]))
    def prune(self, days: int) -> None:
        self.clock.at += timedelta(days=days, microseconds=1)
        self.journal.prune()
        self._expect_pruned()

    def _expect_pruned(self) -> None:
        model, now = self.model, self.clock.at
        for each in (*model.rows.values(), *model.chunks.values()):
            ended = each.finished_at if isinstance(each, Row) else each.settled_at
            if ended is not None and now - ended > KEEP:
                each.text = None
        model.chunks = {
            number: chunk
            for number, chunk in model.chunks.items()
            if chunk.settled_at is None or now - chunk.settled_at <= KEEP_DECISIONS
        }
        waiting = {chunk.entry for chunk in model.chunks.values() if chunk.state in ("planned", "attempting")}
        model.rows = {
            number: row
            for number, row in model.rows.items()
            if row.finished_at is None or now - row.finished_at <= KEEP_DECISIONS or number in waiting
        }

    @rule()
    def crash_between_steps(self) -> None:
        old = self.journal
        self.crash()
        old.close()

    @rule()
    def restart(self) -> None:
        self.journal.close()
        self.journal = self.open()

    # What must hold after every step.

    @invariant()
    def journal_and_model_agree(self) -> None:
        if not hasattr(self, "journal"):
            return
        assert self.journal.cursor == self.model.cursor
        reader = StateReader(self.folder)
        assert {
            row.entry_id: (row.message_rowid, row.sender, row.text, row.state, row.reason, row.attempts, row.repeats)
            for row in reader.decisions()
        } == {
            number: (row.rowid, row.person, row.text, row.state, row.reason, row.attempts, row.repeats)
            for number, row in self.model.rows.items()
        }
        assert {
            chunk.outbound_id: (chunk.entry_id, chunk.text, chunk.state, chunk.guid) for chunk in reader.outbox()
        } == {number: (chunk.entry, chunk.text, chunk.state, chunk.guid) for number, chunk in self.model.chunks.items()}

    @invariant()
    def what_is_left_is_what_is_open(self) -> None:
        if not hasattr(self, "journal"):
            return
        left = self.journal.unfinished()
        for state, entries in (("arrived", left.undecided), ("begun", left.begun)):
            assert [each.id for each in entries] == [n for n, row in self.model.rows.items() if row.state == state]
        for state, chunks in (("planned", left.planned), ("attempting", left.attempting)):
            assert [each.id for each in chunks] == [n for n, one in self.model.chunks.items() if one.state == state]


JournalMachine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_the_journal_does_what_its_model_does = JournalMachine.TestCase
