"""The journal and the outbox: what arrived, what was decided, what is to be sent, and how far it came.

The guarantees of the gateway stand on the order of the commits here.  A message is in the file before the cursor
passes it; the end of its handling and all chunks of its answer are one transaction; that a chunk is attempted is in
the file before the request is written.  Nothing here sends, waits or calls back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from imsg_sdk._time import Clock, from_us, to_us
from imsg_sdk.config.settings import Durability
from imsg_sdk.errors import JournalError, UsageError
from imsg_sdk.gateway.conversation import LastRoute
from imsg_sdk.gateway.policy import Decision
from imsg_sdk.gateway.reasons import Reason
from imsg_sdk.gateway.state import content
from imsg_sdk.gateway.state.erasing import erase
from imsg_sdk.gateway.state.outbox import MOST_OF_A_TEXT, Outbox
from imsg_sdk.gateway.state.pruning import Pruner
from imsg_sdk.gateway.state.records import Entry, EntryState, Outbound, OutboxState, Unfinished
from imsg_sdk.gateway.state.store import Store
from imsg_sdk.models import Message

__all__ = ["POINTS", "Journal"]

POINTS: Final = tuple(
    f"{step}:{place}"
    for step in ("arrive", "conclude", "begin", "plan", "attempting", "settle")
    for place in ("before", "uncommitted", "after")
)
"""Where a process can be killed in the tests, in the order of a message's life."""

_PUBLISH_EVERY_S: Final = 1.0

_ARRIVED, _BEGUN, _FINISHED = (str(state) for state in EntryState)

_DUPLICATE: Final = Decision(dispatched=False, rule=str(Reason.DUPLICATE), reason=Reason.DUPLICATE)

_INSERT: Final = """
INSERT INTO inbound (guid, message_rowid, chat_id, sender, is_group, is_from_me, created_us, arrived_us, state)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_DECIDE: Final = """
UPDATE inbound SET state = ?, dispatched = ?, rule = ?, reason = ?, detail = ?, decided_group = ?, was_mentioned = ?,
    command_authorized = ?, decided_us = ?, finished_us = ?, attempts = attempts + ?
WHERE id = ? AND state <> 'finished'"""
_OPEN: Final = f"""
SELECT id, message, arrived_us, state, attempts, dispatched, rule, reason, detail, decided_group, was_mentioned,
    command_authorized, {content.COLUMNS}
FROM inbound LEFT JOIN inbound_content USING (id) WHERE state <> 'finished' ORDER BY id"""

_ANSWERED: Final = """
SELECT chat_id, max(id) FROM inbound WHERE dispatched = 1 AND state = 'finished' AND chat_id IS NOT NULL
GROUP BY chat_id"""
_UNMENTIONED: Final = """
SELECT id, chat_id, message FROM inbound JOIN inbound_content USING (id)
WHERE reason = 'no_mention' AND chat_id IS NOT NULL ORDER BY id DESC LIMIT ?"""
_KEPT: Final = "SELECT message_rowid FROM inbound JOIN inbound_content USING (id) WHERE message_rowid IN"
_MOST_UNMENTIONED: Final = 20_000


class Journal(Outbox):
    """The durable memory of one gateway.

    Open it with :meth:`open`, after the :class:`~imsg_sdk.gateway.state.Lease` was taken.  It is used from one thread.
    Every method that writes is one transaction and raises :class:`JournalError` when that did not work; then nothing
    of it was kept, and it may be called again.
    """

    def __init__(self, store: Store, clock: Clock, keep: timedelta, keep_decisions: timedelta) -> None:
        super().__init__(store, clock)
        self._pruner = Pruner(store, keep, keep_decisions)
        self._published: str | None = None
        self._published_s: float | None = None

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        account: str = "default",
        identity: str,
        clock: Clock,
        durability: Durability = Durability.NORMAL,
        keep: timedelta = timedelta(days=7),
        keep_decisions: timedelta = timedelta(days=90),
    ) -> Journal:
        """Open the journal of an account, made if need be.

        Parameters
        ----------
        folder
            From :func:`~imsg_sdk.gateway.state.state_folder`.
        account
            Which account; each has a file of its own.
        identity
            Identity of the Messages database.  The file is bound to the first one that is watched.
        clock
            Where "now" comes from.
        durability
            ``"normal"`` survives the death of the process, ``"full"`` also a loss of power, with a disk sync per step.
        keep
            How long texts are kept after their message was handled.
        keep_decisions
            How long the rest is kept: guid, decision and reason.

        Raises
        ------
        JournalError
            The file cannot be opened, made or read, is of a newer version, or belongs to another database.
        """
        if durability not in tuple(Durability):
            raise UsageError(f"durability is {durability!r}", hint="give 'normal' or 'full'")
        store = Store.open(folder, account, durability=durability)
        try:
            _bind(store, account, identity)
        except BaseException:
            store.close()
            raise
        return cls(store, clock, keep, keep_decisions)

    def __repr__(self) -> str:
        return f"<Journal, {'closed' if self.store.is_closed else 'open'}>"

    def together(self) -> AbstractContextManager[object]:
        """Return a context manager in which all calls are one transaction: all are kept, or none."""
        return self.store

    @property
    def cursor(self) -> str | None:
        """Return where to go on watching, None before anything arrived."""
        cursor: str | None = self.store.meta("cursor")
        return cursor

    def move_cursor(self, cursor: str) -> None:
        """Set the cursor without a row, at the first start or when there was nothing to keep."""
        self.store.set_meta("cursor", cursor)

    def arrive(self, rows: Sequence[Message], cursor: str | None) -> list[Entry]:
        """Keep rows that were reported and move the cursor past them.

        A row that was reported before is counted and nothing else.  A guid that is known from another row makes an
        entry that is decided already, as a duplicate.

        Returns
        -------
        list of Entry
            Those to decide upon, in order.
        """
        self.reached("arrive:before")
        now = self._clock.now()
        entries = []
        with self.store as connection:
            for row in rows:
                known = self._known(row)
                if known == (row.rowid,):
                    continue
                entry = self._insert(row, now, is_duplicate=known is not None)
                if entry is not None:
                    entries.append(entry)
            if cursor is not None:
                connection.execute("INSERT OR REPLACE INTO meta VALUES ('cursor', ?)", (cursor,))
            self.reached("arrive:uncommitted")
        self.reached("arrive:after")
        return entries

    def _known(self, row: Message) -> tuple[int] | None:
        """Count a row that is known by its guid, else by its rowid; return the rowid it was first reported with."""
        execute = self.store.connection.execute
        if row.guid:
            found = execute(
                "SELECT id, message_rowid FROM inbound WHERE guid = ? ORDER BY message_rowid <> ?, id LIMIT 1",
                (row.guid, row.rowid),
            ).fetchone()
        elif row.rowid:
            found = execute(
                "SELECT id, message_rowid FROM inbound WHERE guid IS NULL AND message_rowid = ?", (row.rowid,)
            ).fetchone()
        else:
            return None  # nothing tells it from others
        if found is None:
            return None
        if found[1] == row.rowid:
            execute("UPDATE inbound SET repeats = repeats + 1 WHERE id = ?", (found[0],))
        return (found[1],)

    def _insert(self, row: Message, now: datetime, *, is_duplicate: bool) -> Entry | None:
        connection, now_us = self.store.connection, to_us(now)
        values = (
            row.guid or None, row.rowid, row.chat_id, row.sender, row.is_group, row.is_from_me,
            None if row.created_at is None else to_us(row.created_at), now_us, _ARRIVED,
        )  # fmt: skip
        number = connection.execute(_INSERT, values).lastrowid
        assert number is not None
        if is_duplicate:
            connection.execute(_DECIDE, (_FINISHED, *_decided(_DUPLICATE), now_us, now_us, 0, number))
            return None
        connection.execute("INSERT INTO inbound_content VALUES (?, ?)", (number, content.pack(row)))
        return Entry(id=number, message=row, arrived_at=now)

    def conclude(self, decided: Iterable[tuple[Entry, Decision]]) -> None:
        """Note the decisions upon rows that reach no handler; these are finished."""
        self.reached("conclude:before")
        now_us = to_us(self._clock.now())
        with self.store as connection:
            connection.executemany(
                _DECIDE,
                [(_FINISHED, *_decided(decision), now_us, now_us, 0, entry.id) for entry, decision in decided],
            )
            self.reached("conclude:uncommitted")
        self.reached("conclude:after")

    def begin(self, entry: Entry, decision: Decision, *, message: Message | None = None) -> int:
        """Note the decision upon a row whose handler is about to run.

        Parameters
        ----------
        entry, decision
            The row and what was decided.
        message
            What the handler is given, where several rows were made one; it replaces the row's own text.

        Returns
        -------
        int
            Which attempt this is, from 1 on; 0 where the row is finished already and must not be handled.
        """
        self.reached("begin:before")
        now_us = to_us(self._clock.now())
        with self.store as connection:
            changed = connection.execute(_DECIDE, (_BEGUN, *_decided(decision), now_us, None, 1, entry.id)).rowcount
            if changed and message is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO inbound_content VALUES (?, ?)", (entry.id, content.pack(message))
                )
            self.reached("begin:uncommitted")
        self.reached("begin:after")
        if not changed:
            return 0
        attempts: int = self.store.execute("SELECT attempts FROM inbound WHERE id = ?", (entry.id,)).fetchone()[0]
        return attempts

    def plan(
        self,
        entry: Entry | None,
        replies: Sequence[Sequence[Mapping[str, Any]]],
        *,
        error: str = "",
    ) -> list[Outbound]:
        """Note that the handling of a row is over, and everything that is to be sent because of it.

        Parameters
        ----------
        entry
            The row; None for something that answers no row.
        replies
            For each reply the parameters of its ``send`` requests; none where there is nothing to say.
        error
            Kind of error, where the handler failed.

        Returns
        -------
        list of Outbound
            The chunks in order; none where the row was finished already, for then nothing is to be sent.
        """
        self.reached("plan:before")
        now = self._clock.now()
        planned: list[Outbound] = []
        with self.store:
            if entry is None or self._finish(entry, error, to_us(now)):
                for number, reply in enumerate(replies):
                    planned += [self._insert_chunk(entry, number, part, each, now) for part, each in enumerate(reply)]
            self.reached("plan:uncommitted")
        self.reached("plan:after")
        return planned

    def _finish(self, entry: Entry, error: str, now_us: int) -> bool:
        changed = self.store.connection.execute(
            "UPDATE inbound SET state = 'finished', error = ?, finished_us = ? WHERE id = ? AND state <> 'finished'",
            (error[:MOST_OF_A_TEXT] or None, now_us, entry.id),
        ).rowcount
        return bool(changed)

    def unfinished(self) -> Unfinished:
        """Return what an earlier process left behind; for a gateway that starts."""
        undecided: list[Entry] = []
        begun: list[Entry] = []
        for row in self.store.execute(_OPEN):
            entry = Entry(
                id=row[0],
                message=content.unpack(row[1], row[12:]),
                arrived_at=from_us(row[2]),
                attempt=row[4],
                decision=None if row[5] is None else _decision(row[5:12]),
            )
            (begun if row[3] == _BEGUN else undecided).append(entry)
        chunks = self._open_chunks()
        return Unfinished(
            undecided=tuple(undecided),
            begun=tuple(begun),
            planned=tuple(each for each in chunks if each.state is OutboxState.PLANNED),
            attempting=tuple(each for each in chunks if each.state is OutboxState.ATTEMPTING),
        )

    def count_open(self) -> int:
        """Return how many rows are not handled yet."""
        count: int = self.store.execute("SELECT count(*) FROM inbound WHERE state <> 'finished'").fetchone()[0]
        return count

    def has(self, rowid: int) -> bool:
        """Tell whether a row was reported, in this life or an earlier one."""
        found = self.store.execute("SELECT 1 FROM inbound WHERE message_rowid = ? LIMIT 1", (rowid,)).fetchone()
        return found is not None

    def kept(self, rowids: Sequence[int]) -> frozenset[int]:
        """Return those of some rows whose text is here still."""
        marks = ", ".join("?" * len(rowids))
        found = self.store.execute(f"{_KEPT} ({marks})", tuple(rowids)) if rowids else ()
        return frozenset(rowid for (rowid,) in found)

    def unmentioned(self, per_chat: int) -> list[Message]:
        """Return the messages that spoke to nobody since their group was last answered, oldest first.

        Only those whose text is kept still, and of each group the last so many.
        """
        answered: dict[int, int] = dict(self.store.execute(_ANSWERED).fetchall())
        found: dict[int, list[Message]] = {}
        for number, chat_id, packed in self.store.execute(_UNMENTIONED, (_MOST_UNMENTIONED,)):
            chosen = found.setdefault(chat_id, [])
            if number > answered.get(chat_id, 0) and len(chosen) < per_chat:
                chosen.append(content.unpack(packed, ()))
        return [message for chosen in found.values() for message in reversed(chosen)]

    def route(self, session: str) -> LastRoute | None:
        """Return where a session was last heard of."""
        row = self.store.execute("SELECT session, channel, target FROM route WHERE session = ?", (session,)).fetchone()
        return None if row is None else LastRoute(*row)

    def remember_route(self, route: LastRoute) -> None:
        """Keep where a session was last heard of."""
        with self.store as connection:
            connection.execute(
                "INSERT OR REPLACE INTO route VALUES (?, ?, ?)", (route.session, route.channel, route.to)
            )

    def publish(self, status: Mapping[str, Any], *, force: bool = False) -> bool:
        """Keep the state of the gateway for other processes to read; tell whether it was written.

        What has not changed is not, and unless forced nothing is more than once a second.
        """
        now_s = self._clock.monotonic()
        if not force and self._published_s is not None and now_s - self._published_s < _PUBLISH_EVERY_S:
            return False
        text = msgspec.json.encode(status).decode()
        if text == self._published:
            return False
        self.store.set_meta("status", text)
        self._published, self._published_s = text, now_s
        return True

    def erase(self, handle: str) -> int:
        """Remove everything a person wrote, and their handle; return in how many places they stood.

        What they wrote and was not handled yet will not be; chunks for them that were not sent will not be.
        """
        return erase(self.store, handle, to_us(self._clock.now()))

    def prune(self, now: datetime | None = None) -> int:
        """Forget what was kept long enough, a bounded part of it; return how much that was.

        Cheap: call it every minute, and again at once while it returns more than a thousand.
        """
        return self._pruner.step(to_us(now or self._clock.now()))

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self.store.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _bind(store: Store, account: str, identity: str) -> None:
    with store:
        known = store.meta("identity")
        if known is None or (known != identity and not _holds_anything(store)):
            store.set_meta("identity", identity)
            store.set_meta("account", account)
        elif known != identity:
            raise JournalError(
                f"the state in {store.path.parent} belongs to another Messages database",
                hint="give another state folder or account; if the database was replaced on purpose, "
                f"move {store.path.name} away",
            )


def _holds_anything(store: Store) -> bool:
    """Tell whether a gateway has ever come to watch with this state; a start that failed binds it to nothing."""
    rows = store.execute("SELECT EXISTS (SELECT 1 FROM inbound) OR EXISTS (SELECT 1 FROM outbox)").fetchone()
    return store.meta("cursor") is not None or bool(rows[0])


def _decided(decision: Decision) -> tuple[Any, ...]:
    reason = decision.reason
    return (
        decision.dispatched, decision.rule, None if reason is None else str(reason),
        None if decision.detail is None else decision.detail[:MOST_OF_A_TEXT],
        decision.is_group, decision.was_mentioned, decision.command_authorized,
    )  # fmt: skip


def _decision(values: Sequence[Any]) -> Decision:
    dispatched, rule, reason, detail, is_group, was_mentioned, command_authorized = values
    return Decision(
        dispatched=bool(dispatched),
        rule=rule,
        reason=None if reason is None else Reason(reason),
        detail=detail,
        is_group=bool(is_group),
        was_mentioned=bool(was_mentioned),
        command_authorized=bool(command_authorized),
    )
