"""A whole run of a gateway: lease, journal, subscription, what was left over, and then row after row until the stop.

Every way out of it closes what was opened, in the opposite order, within bounds.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from imsg_sdk._time import Clock
from imsg_sdk.config.settings import ReactionMode
from imsg_sdk.errors import (
    BackendNotFound,
    CursorMismatch,
    GatewayError,
    ImsgError,
    JournalError,
    PermissionDenied,
    ProtocolError,
    UsageError,
)
from imsg_sdk.gateway.inbound import row_of
from imsg_sdk.gateway.live.loop import Conduct, Loop
from imsg_sdk.gateway.live.ports import Inbox, Program
from imsg_sdk.gateway.live.status import GatewayState, GatewayStatus, Tally
from imsg_sdk.gateway.state import Journal, Lease, PairingStore

__all__ = ["Place", "Runner"]

_log = logging.getLogger("imsg_sdk.gateway")

_ROWS: Final = 256
_SLICE_S: Final = 0.5
_LOOK_S: Final = 0.02
_CATCH_UP_S: Final = 1.0
"""A start that has more to catch up on goes on with it behind the scenes."""
_BEAT_S: Final = 0.25
_READY_S: Final = 30.0
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 300.0
_HEALTHY_S: Final = 300.0
_PRUNE_S: Final = 60.0
_PRUNE_AGAIN_S: Final = 1.0
_MANY: Final = 1000
"""So many forgotten in one step mean that there are more."""
_FATAL: Final = (BackendNotFound, CursorMismatch, PermissionDenied, ProtocolError, UsageError, GatewayError)
"""What trying again does not mend."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the state of a gateway lives."""

    folder: Path
    account: str


class Runner:
    """One run of a gateway; made anew for each start.

    Parameters
    ----------
    conduct, place, program, clock
        How to behave, where the state is, what to watch and send through, and the time.
    tally
        Where to count.
    """

    def __init__(self, conduct: Conduct, place: Place, program: Program, clock: Clock, tally: Tally) -> None:
        self._conduct, self._place, self._program, self._clock = conduct, place, program, clock
        self.tally = tally
        self.state = GatewayState.STARTING
        self.loop: Loop | None = None
        self.last_error: str | None = None
        self.started_at: datetime | None = None
        self.stopped_at: datetime | None = None
        self._stopping: asyncio.Event | None = None
        self._grace_s = 5.0
        self._failure: BaseException | None = None
        self._journal: Journal | None = None
        self._beat_s = 0.0
        self._left = 0
        self.awaited: int | None = None
        """A row that somebody waits for, and that has not arrived."""

    def __repr__(self) -> str:
        return f"<Runner {self.state}>"

    @property
    def lag_s(self) -> float:
        """Return for how long the loop has not come round."""
        return max(time.monotonic() - self._beat_s - _BEAT_S, 0.0) if self._beat_s else 0.0

    def shares_state_with(self, other: Runner) -> bool:
        """Tell whether only one of the two can run."""
        return self._place == other._place or self._program.identity == other._program.identity

    @property
    def is_stopping(self) -> bool:
        """Tell whether it was asked to end."""
        return self._stopping is not None and self._stopping.is_set()

    def request_stop(self, grace_s: float) -> None:
        """Ask the run to end; called on its loop."""
        self._grace_s = grace_s
        if self._stopping is not None:
            self._stopping.set()

    async def run(self, ready: Callable[[], object]) -> None:
        """Run until asked to stop, or until something is wrong that trying again does not mend.

        Raises
        ------
        ImsgError
            Why it could not start or go on.
        """
        self._stopping = asyncio.Event()
        self.started_at = self._clock.now()
        for warning in self._conduct.warnings:
            _log.warning("%s", warning)
        try:
            await self._run(ready)
        except Exception as error:
            self._note_end(error)
            raise
        else:
            self._note_end(None)

    async def _run(self, ready: Callable[[], object]) -> None:
        with ExitStack() as stack:
            identity, place = self._program.identity, self._place
            stack.enter_context(
                Lease.acquire(place.folder, account=place.account, identity=identity, clock=self._clock)
            )
            config = self._conduct.policy.config
            journal = Journal.open(
                place.folder,
                account=place.account,
                identity=identity,
                clock=self._clock,
                durability=config.durability,
                keep=timedelta(days=config.keep_text_days),
            )
            stack.callback(journal.close)
            self._journal = journal
            stack.push(self._say_goodbye)
            self.loop = Loop(
                self._conduct,
                journal,
                PairingStore.of(journal, self._clock),
                self._program,
                self._clock,
                self.tally,
                self._fail,
            )
            await self._serve(self.loop, journal, ready)

    async def _serve(self, loop: Loop, journal: Journal, ready: Callable[[], object]) -> None:
        async with AsyncExitStack() as stack:
            beat = asyncio.get_running_loop().create_task(self._keep_beating())
            stack.callback(beat.cancel)
            inbox = await self._first_inbox(journal)
            if inbox is None:
                return
            stack.push_async_callback(self._end, loop)
            intake = asyncio.get_running_loop().create_task(self._take_in(loop, journal, inbox, ready))
            try:
                await self._until_stopped(intake)
            finally:
                self.state = GatewayState.STOPPING
                intake.cancel()
                await asyncio.wait({intake}, timeout=self._grace_s)
        if self._failure is not None:
            raise self._failure

    async def _first_inbox(self, journal: Journal) -> Inbox | None:
        """Open the inbox of this run; None where the stop comes first."""
        opening = asyncio.get_running_loop().create_task(self._open_inbox(journal, within_s=_READY_S))
        try:
            await self._until_stopped(opening)
        finally:
            if not opening.done():
                opening.cancel()
                await asyncio.wait({opening}, timeout=self._grace_s)
        return None if opening.cancelled() or not opening.done() else opening.result()

    async def _until_stopped(self, task: asyncio.Task[Any]) -> None:
        """Wait until asked to stop, or until a task has ended; raise its error."""
        assert self._stopping is not None
        waiting = asyncio.get_running_loop().create_task(self._stopping.wait())
        try:
            await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if task.done():
            task.result()

    async def _end(self, loop: Loop) -> None:
        loop.courtesies.cancel()
        await loop.lanes.stop(self._grace_s)

    def _fail(self, error: BaseException) -> None:
        """Note what a lane could not go on after, and stop."""
        if self._failure is None:
            self._failure = error
        self.request_stop(self._grace_s)

    async def drain(self, through: object) -> None:
        """Wait until everything that arrived is handled; until a row has arrived, first."""
        row = None if through is None else row_of(through)
        while self.loop is None or self._journal is None:
            await asyncio.sleep(_LOOK_S)
        loop = self.loop
        if row is not None:
            self.awaited = row
            # Without a journal the run has ended, which cancels this.
            while self._journal is None or not self._journal.has(row):
                await asyncio.sleep(_LOOK_S)
            self.awaited = None
        while loop.lanes or len(loop.coalescer):
            loop.flush()
            await loop.lanes.wait_until_idle()

    # The subscription.

    async def _open_inbox(self, journal: Journal, *, within_s: float) -> Inbox:
        """Begin to watch, trying again for a while."""
        # Not by the clock of the gateway, which may stand still: this waits in real time.
        deadline = time.monotonic() + within_s
        pause_s = _FIRST_PAUSE_S
        while True:
            reactions = self._conduct.policy.config.reaction_notifications is not ReactionMode.OFF
            inbox = self._program.inbox(journal.cursor, reactions=reactions)
            try:
                await inbox.start()
            except _FATAL:
                await _close(inbox)
                raise
            except ImsgError as error:
                await _close(inbox)
                self.last_error = error.message
                if time.monotonic() + pause_s > deadline:
                    raise
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 5.0)
            except BaseException:
                await _close(inbox)
                raise
            else:
                if journal.cursor is None and inbox.cursor is not None:
                    journal.move_cursor(inbox.cursor)
                self.last_error = None
                return inbox

    async def _take_in(self, loop: Loop, journal: Journal, inbox: Inbox, ready: Callable[[], object]) -> None:
        """Take in row after row; where the subscription breaks, begin it again where it stood."""
        self.state = GatewayState.CATCHING_UP
        try:
            await loop.resume()
            pause_s, begun_s = _FIRST_PAUSE_S, self._clock.monotonic()
            while True:
                try:
                    await self._read(loop, journal, inbox, ready)
                except _FATAL:
                    raise
                except ImsgError as error:
                    _log.warning("the subscription broke (%s); trying again in %g s", type(error).__name__, pause_s)
                    self.last_error, self.state = error.message, GatewayState.RECOVERING
                    self.tally.restarts += 1
                await _close(inbox)
                if self._clock.monotonic() - begun_s > _HEALTHY_S:
                    pause_s = _FIRST_PAUSE_S
                await asyncio.sleep(pause_s * random.uniform(0.9, 1.1))  # many gateways must not come back as one
                pause_s, begun_s = min(pause_s * 2, _LONGEST_PAUSE_S), self._clock.monotonic()
                inbox = await self._open_inbox(journal, within_s=float("inf"))
        finally:
            await _close(inbox)

    async def _read(self, loop: Loop, journal: Journal, inbox: Inbox, ready: Callable[[], object]) -> None:
        # At once: there may be more short runs than long ones.
        prune_at_s, cursor = self._clock.monotonic(), journal.cursor
        ready_at_s = time.monotonic() + _CATCH_UP_S
        while True:
            # Not read, not journaled, and the cursor stands still: the program keeps what comes meanwhile.
            if loop.lanes.is_full:
                ready()  # there is enough to do
                await loop.lanes.wait_for_room()
            self._note_life(inbox)
            loop.delivery.newest_rowid = max(loop.delivery.newest_rowid, inbox.boundary_rowid or 0)
            if inbox.is_live or time.monotonic() > ready_at_s:
                ready()
            rows = await inbox.get_many(_ROWS, self._wait_s(loop, inbox))
            if rows or inbox.cursor != cursor:
                cursor = inbox.cursor
                loop.take(rows, cursor, boundary=inbox.boundary_rowid)
            else:
                loop.go_on()
            if self._clock.monotonic() >= prune_at_s:
                pause_s = _PRUNE_S if journal.prune() < _MANY else _PRUNE_AGAIN_S
                prune_at_s = self._clock.monotonic() + pause_s

    def _note_life(self, inbox: Inbox) -> None:
        if inbox.is_live:
            self.state = GatewayState.RUNNING
        elif self.state is GatewayState.RUNNING:
            self.state = GatewayState.RECOVERING

    def _wait_s(self, loop: Loop, inbox: Inbox) -> float:
        if self.state is GatewayState.CATCHING_UP and not inbox.is_live:
            return _LOOK_S
        due_s = loop.coalescer.next_due_s()
        return _SLICE_S if due_s is None else min(max(due_s - self._clock.monotonic(), 0.001), _SLICE_S)

    # Signs of life.

    async def _keep_beating(self) -> None:
        while True:
            if self._beat_s and self.lag_s > 1.0:
                _log.warning("the loop stood still for %.1f s: an async def handler blocks; use def", self.lag_s)
            self._beat_s = time.monotonic()
            if self._journal is not None:
                with suppress(JournalError):  # what cannot go on without it says so where it matters
                    self._journal.publish(self.status().to_dict())
            await asyncio.sleep(_BEAT_S)

    def _note_end(self, error: BaseException | None) -> None:
        self.stopped_at = self._clock.now()
        self._beat_s = 0.0
        self.state = GatewayState.STOPPED if error is None else GatewayState.FAILED
        if error is not None:
            # The text of a foreign error may hold anything.
            self.last_error = error.message if isinstance(error, ImsgError) else type(error).__name__

    def _say_goodbye(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Publish the last state, while the journal is open."""
        self._note_end(error)
        if self._journal is not None:
            with suppress(ImsgError):  # it is just for people to look at
                self._left = self._journal.count_open()
            self._journal.publish(self.status().to_dict(), force=True)
            self._journal = None  # it closes next

    def status(self) -> GatewayStatus:
        """Return what is going on; from any thread."""
        tally, loop = self.tally, self.loop
        known: dict[str, Any] = {}
        if loop is not None:
            known = {
                "waiting": len(loop.lanes) or self._left,  # at the end, what is for the next start
                "held_back": len(loop.coalescer),
                "lost_handlers": loop.calls.lost,
            }
        return GatewayStatus(
            state=self.state,
            mode="live" if self._conduct.is_live else "observe",
            account=self._place.account,
            started_at=self.started_at,
            stopped_at=self.stopped_at,
            last_error=self.last_error,
            cli_path=self._conduct.client.cli_path,
            db_path=self._conduct.client.db_path,
            received=tally.received,
            dispatched=tally.dispatched,
            handled=tally.handled,
            reactions=tally.reactions,
            handler_errors=tally.handler_errors,
            handler_timeouts=tally.handler_timeouts,
            restarts=tally.restarts,
            pattern_timeouts=tally.pattern_timeouts,
            per_minute=tally.per_minute(self._clock.monotonic()),
            lag_s=round(self.lag_s, 1),
            dropped=dict(tally.dropped.copy()),
            sends=dict(tally.sends.copy()),
            warnings=(*self._conduct.warnings, *(() if loop is None else loop.warned.texts)),
            recent=tuple(tally.recent.copy()),
            **known,
        )


async def _close(inbox: Inbox) -> None:
    with suppress(ImsgError):  # it is being given up; its error was seen
        await inbox.close()
