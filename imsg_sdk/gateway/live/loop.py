"""The life of a message, from the row that the program reports to the settled reply.

Runs in one event loop, and everything it owns is used from there.  What must survive is in the journal before it is
acted upon; what is here in memory may be lost at any moment.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec

from imsg_sdk._time import Clock
from imsg_sdk.addressing import Handle
from imsg_sdk.config.settings import ClientConfig, ReactionMode
from imsg_sdk.errors import HandlerError
from imsg_sdk.gateway.admission import Admission
from imsg_sdk.gateway.attachments import DEFAULT_ROOTS, configured_roots
from imsg_sdk.gateway.coalescer import Coalesced, Coalescer
from imsg_sdk.gateway.context import Context, HistoryEntry, build_context
from imsg_sdk.gateway.conversation import lane_of, reply_target
from imsg_sdk.gateway.handlers import HandlerFunction, Handlers
from imsg_sdk.gateway.inbound import read_message
from imsg_sdk.gateway.live.calls import HandlerCalls, Outcome
from imsg_sdk.gateway.live.courtesies import Courtesies
from imsg_sdk.gateway.live.delivery import Delivery
from imsg_sdk.gateway.live.lanes import Lanes
from imsg_sdk.gateway.live.media import Media
from imsg_sdk.gateway.live.ports import Program
from imsg_sdk.gateway.live.reactions import Reactions
from imsg_sdk.gateway.live.status import Happening, Tally
from imsg_sdk.gateway.live.warned import WarnedChats
from imsg_sdk.gateway.mentions import Mention
from imsg_sdk.gateway.pairing import pairing_text
from imsg_sdk.gateway.pending import PendingHistory
from imsg_sdk.gateway.policy import Decision, Facts, Policy, decide
from imsg_sdk.gateway.reasons import Reason, log_text
from imsg_sdk.gateway.replies import Reply, ReplySettings, plan_replies
from imsg_sdk.gateway.state import Entry, Journal, Outbound, OutboxState, PairingStore
from imsg_sdk.models import Message
from imsg_sdk.text import trim

__all__ = ["Conduct", "Loop"]

_log = logging.getLogger("imsg_sdk.gateway")
_traffic = logging.getLogger("imsg_sdk.gateway.traffic")
"""One line for each decision and each send."""

_ATTEMPTS: Final = 10
"""A message whose handler ended the process so often is given up."""
_ECHO_SPAN: Final = timedelta(seconds=60)


class Conduct(msgspec.Struct, frozen=True, kw_only=True):
    """How a gateway behaves, all together."""

    policy: Policy
    client: ClientConfig
    handlers: Handlers
    reaction_handlers: dict[str, HandlerFunction] = {}
    fallback: HandlerFunction | None = None
    is_live: bool = True
    runs_handlers: bool = True
    notes: tuple[str, ...] = ()
    """What the settings have to say for themselves."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what somebody should know who wonders why nobody is answered."""
        nobody = self.runs_handlers and self.fallback is None and not len(self.handlers)
        idle = bool(self.reaction_handlers) and self.policy.config.reaction_notifications is ReactionMode.OFF
        return (
            *(["no handler is registered: messages reach nobody"] if nobody else []),
            *(["tapbacks are not told: imessage.reactionNotifications is off"] if idle else []),
            *self.notes,
            *self.policy.warnings,
        )


class _Row(msgspec.Struct, frozen=True):
    """An entry on its way, whether it is made up for, and whether it waited when the process before this one ended."""

    entry: Entry
    is_replayed: bool
    is_left_over: bool = False


class _Job(msgspec.Struct, frozen=True):
    """A message for a handler, or chunks that are left over."""

    lane: str
    entry: Entry | None = None
    decision: Decision | None = None
    context: Context | None = None
    carried: tuple[tuple[Entry, Decision], ...] = ()
    merged: Message | None = None
    chunks: tuple[Outbound, ...] = ()


class Loop:
    """Takes rows in, decides, lets handlers run, and sends what they say.

    Parameters
    ----------
    conduct
        Settings, handlers and mode.
    journal, pairing, program, clock
        What it stands on.
    tally
        Where it counts.
    failed
        Told what the loop cannot go on after, such as a journal that cannot be written.
    """

    def __init__(
        self,
        conduct: Conduct,
        journal: Journal,
        pairing: PairingStore,
        program: Program,
        clock: Clock,
        tally: Tally,
        failed: Any,
    ) -> None:
        policy, config = conduct.policy, conduct.policy.config
        self._conduct, self._policy, self._journal, self._pairing = conduct, policy, journal, pairing
        self._clock, self._tally = clock, tally
        self._settings = ReplySettings.from_config(config, conduct.client)
        self._roots = (*DEFAULT_ROOTS, *program.roots, *configured_roots(config, conduct.client))
        self.lanes: Lanes[_Job] = Lanes(self._work, failed, most=config.queued_messages)
        self.coalescer = Coalescer(config.debounce_ms / 1000)
        self.admission = Admission(policy, pairing.is_approved, _is_known_to(journal))
        self.calls = HandlerCalls(
            conduct.handlers, conduct.fallback, timeout_s=config.handler_timeout_s, threads=config.handler_threads
        )
        self.courtesies = Courtesies(
            program,
            marks_read=conduct.is_live and config.send_read_receipts is True,
            shows_typing=conduct.is_live and config.send_typing,
        )
        self.delivery = Delivery(
            journal,
            program,
            self.admission.sent,
            Media(int(config.media_max_mb * 2**20)),
            clock,
            expires_after=timedelta(seconds=policy.max_replayed_age_s),
            settled=self._note_settled,
        )
        self.reactions = Reactions(policy, journal, conduct.reaction_handlers)
        self.warned = WarnedChats()
        self._history = PendingHistory(config.history_limit)
        self._rows: dict[int, _Row] = {}
        """Entries on their way to a decision, by the identity of their record."""
        self._concluded: list[tuple[Entry, Decision]] = []

    # What a process before this one left behind.

    async def resume(self) -> None:
        """Go on where the last process ended: settle, send, handle again, decide."""
        left = self._journal.unfinished()
        if limit := self._policy.config.history_limit:
            self._history.restore(map(read_message, self._journal.unmentioned(limit)), self._policy)
        now, now_s = self._clock.now(), self._clock.monotonic()
        self.delivery.skip(filter(self._journal.is_cut_off, left.planned))
        await self.delivery.look_back(left.attempting)
        for chunk in self._journal.recent_sends(now - _ECHO_SPAN):
            ticket = self.admission.sent.begin(_lane_of(chunk), chunk.params.get("text", ""))
            self.admission.sent.settle(ticket, now_s, (chunk.guid, chunk.rowid))
        if self._conduct.is_live:
            self._resume_chunks(left.planned)
        for entry in left.begun:
            self._resume_begun(entry)
        for entry in left.undecided:
            self._admit(entry, is_replayed=True, is_left_over=True)
        self.flush()

    def _resume_chunks(self, chunks: Sequence[Outbound]) -> None:
        by_answer: dict[tuple[int | None, str], list[Outbound]] = {}
        for chunk in chunks:
            by_answer.setdefault((chunk.entry_id, _lane_of(chunk)), []).append(chunk)
        for (_, lane), group in by_answer.items():
            self.lanes.put(lane, _Job(lane, chunks=tuple(group)))

    def _resume_begun(self, entry: Entry) -> None:
        message = read_message(entry.message)
        facts = self._facts(message, is_replayed=True, is_left_over=True)
        decision = decide(message, self._policy, facts)
        if entry.attempt >= _ATTEMPTS:
            self._journal.plan(entry, [], error="given up")
        elif not decision.dispatched:
            self._drop(entry, message, decision, facts)
        else:
            self._dispatch(entry, message, decision, facts)

    # From the row to the decision.

    def take(self, rows: Sequence[Message], cursor: str | None, *, boundary: int | None) -> None:
        """Take in what the program reported: into the journal first, then to the rules.

        Parameters
        ----------
        rows, cursor
            What was reported, and where to go on behind it.
        boundary
            Rows up to this one are made up for; None makes all of them so.
        """
        for entry in self._journal.arrive(rows, cursor):
            self._admit(entry, is_replayed=boundary is None or entry.message.rowid <= boundary)
        self.delivery.newest_rowid = max((self.delivery.newest_rowid, *(row.rowid for row in rows)))
        self._tally.arrived(len(rows), self._clock.monotonic())
        self.go_on()

    def go_on(self) -> None:
        """Decide upon what was held back long enough."""
        for ready in self.coalescer.due(self._clock.monotonic()):
            self._decide(ready)
        self._conclude()

    def flush(self) -> None:
        """Decide upon everything held back, now."""
        for ready in self.coalescer.flush():
            self._decide(ready)
        self._conclude()

    def _admit(self, entry: Entry, *, is_replayed: bool, is_left_over: bool = False) -> None:
        message = read_message(entry.message)
        if message.is_reaction:
            self._react(entry, message, is_replayed=is_replayed)
            return
        self._rows[id(message)] = _Row(msgspec.structs.replace(entry, message=message), is_replayed, is_left_over)
        for ready in self.coalescer.add(message, self._clock.monotonic()):
            self._decide(ready)

    def _facts(self, message: Message, *, is_replayed: bool, is_left_over: bool = False) -> Facts:
        return self.admission.facts(
            message,
            received_at=self._clock.now(),
            now_s=self._clock.monotonic(),
            is_replayed=is_replayed,
            is_left_over=is_left_over,
            is_crowded=self.lanes.depth(lane_of(message)) >= self._policy.config.queued_per_chat,
        )

    def _decide(self, ready: Coalesced) -> None:
        message, last = ready.message, self._rows.pop(id(ready.rows[-1]))
        carried = tuple(self._carried(row, last.entry) for row in ready.carried)
        for _, each in carried:
            self._count(message, each)
        facts = self._facts(message, is_replayed=last.is_replayed, is_left_over=last.is_left_over)
        self._tally.pattern_timeouts += facts.mention is Mention.PATTERN_TIMEOUT
        decision = decide(message, self._policy, facts)
        if decision.dispatched:
            self._dispatch(last.entry, message, decision, facts, carried)
            return
        self._concluded.extend(carried)
        self._drop(last.entry, message, decision, facts)

    def _carried(self, row: Message, carrier: Entry) -> tuple[Entry, Decision]:
        entry = self._rows.pop(id(row)).entry
        facts = Facts(carried_by=carrier.message.rowid)
        return entry, decide(row, self._policy, facts)

    def _drop(self, entry: Entry, message: Message, decision: Decision, facts: Facts) -> None:
        self._count(message, decision)
        self._tell(message, decision)
        self._history.record(message, decision, facts, self._policy)
        self.warned.warn(message, decision)
        if decision.reason is Reason.PAIRING and self._conduct.is_live:
            self._offer_code(entry, message, decision, facts)
        else:
            self._concluded.append((entry, decision))

    def _conclude(self) -> None:
        if self._concluded:
            self._journal.conclude(self._concluded)
            self._concluded.clear()

    def _count(self, message: Message, decision: Decision) -> None:
        if decision.dispatched:
            self._tally.dispatched += 1
        else:
            self._tally.dropped[str(decision.reason)] += 1
        self._happened(message.chat_id, "dispatched" if decision.dispatched else f"dropped: {decision.reason}")

    def _tell(self, message: Message, decision: Decision) -> None:
        if decision.reason is None or not _log.isEnabledFor(logging.DEBUG):
            return
        sender = Handle(trim(message.sender or "")).redacted
        if text := log_text(decision.reason, sender=sender, chat_id=message.chat_id):
            _log.debug("%s", text)

    def _happened(self, chat_id: int | None, what: str) -> None:
        _traffic.debug("chat %s: %s", chat_id, what)
        self._tally.recent.append(Happening(self._clock.now(), chat_id, what))

    def _offer_code(self, entry: Entry, message: Message, decision: Decision, facts: Facts) -> None:
        chunks: list[Outbound] = []
        with self._journal.together():
            request = self._pairing.ask(facts.sender, chat_id=message.chat_id)
            self._journal.conclude([(entry, decision)])
            if request is not None:
                # Our own words: no prefix, and never more than one message.
                reply = Reply(text=pairing_text(request, facts.sender))
                settings = msgspec.structs.replace(self._settings, prefix="")
                plans = plan_replies([reply], reply_target(message, facts.sender), settings)
                chunks = self._journal.plan(None, _named(plans, message))
        if chunks:
            lane = lane_of(message)
            self.lanes.put(lane, _Job(lane, chunks=tuple(chunks)))

    def _react(self, entry: Entry, message: Message, *, is_replayed: bool) -> None:
        facts = self._facts(message, is_replayed=is_replayed)
        decision = decide(message, self._policy, facts)
        self._count(message, decision)
        context = self.reactions.context(message, facts)
        if context is None or not self._conduct.runs_handlers:
            self._concluded.append((entry, decision))
            return
        # Noted first: an event is told at most once.
        self._journal.conclude([(entry, decision)])
        self.lanes.put(lane_of(message), _Job(lane_of(message), context=context))

    def _dispatch(
        self,
        entry: Entry,
        message: Message,
        decision: Decision,
        facts: Facts,
        carried: tuple[tuple[Entry, Decision], ...] = (),
    ) -> None:
        lane = lane_of(message)
        self.admission.limiter.take(lane, self._clock.monotonic())
        self._count(message, decision)
        if not self._conduct.runs_handlers:
            self._concluded += [*carried, (entry, decision)]
            return
        context = build_context(
            message,
            decision,
            facts,
            self._policy,
            history=self._past(message.chat_id) if decision.is_group else (),
            roots=self._roots,
        )
        self._history.clear(message.chat_id)
        merged = message if message is not entry.message else None
        self.lanes.put(
            lane, _Job(lane, entry=entry, decision=decision, context=context, carried=carried, merged=merged)
        )

    def _past(self, chat_id: int | None) -> tuple[HistoryEntry, ...]:
        """Return what was said since the last answer, without what was forgotten meanwhile, perhaps elsewhere."""
        entries = self._history.entries(chat_id)
        kept = self._journal.kept([int(each.message_id) for each in entries if each.message_id])
        return tuple(each for each in entries if not each.message_id or int(each.message_id) in kept)

    # From the decision to the settled reply.

    async def _work(self, job: _Job) -> None:
        if job.context is None:
            await self.delivery.deliver(job.chunks, job.lane)
        elif job.entry is None or job.decision is None:
            self._tally.reactions += 1
            for outcome in await self.reactions.call(job.context, self.calls):
                self._note_error(job.context, outcome)
        else:
            await self._handle(job, job.entry, job.decision, job.context)

    async def _handle(self, job: _Job, entry: Entry, decision: Decision, context: Context) -> None:
        with self._journal.together():
            self._journal.conclude(job.carried)
            attempt = self._journal.begin(entry, decision, message=job.merged)
            if context.last_route is not None:
                self._journal.remember_route(context.last_route)
        if not attempt:
            return
        context = msgspec.structs.replace(context, attempt=attempt)
        self._journal.reached("handler:before")
        async with self.courtesies.around(context.message.chat_id, is_group=context.is_group):
            outcome = await self.calls.call(context)
        self._journal.reached("handler:after")
        self._tally.handled += 1
        self._note_error(context, outcome)
        plans = _named(plan_replies(outcome.replies, context.target, self._settings), context.message)
        error = "" if outcome.error is None else _kind_of(outcome.error)
        if self._conduct.is_live:
            await self.delivery.deliver(self._journal.plan(entry, plans, error=error), job.lane)
        else:
            with self._journal.together():
                self.delivery.refuse(self._journal.plan(entry, plans, error=error))

    def _note_error(self, context: Context, outcome: Outcome) -> None:
        if outcome.error is None:
            return
        self._tally.handler_errors += 1
        self._tally.handler_timeouts += outcome.timed_out
        self._happened(context.message.chat_id, f"handler failed: {type(outcome.error).__name__}")
        self._tally.errors.append(_as_handler_error(context, outcome.error))

    def _note_settled(self, chunk: Outbound, state: OutboxState) -> None:
        self._tally.sends[str(state)] += 1
        self._happened(chunk.chat_id, f"reply {state}")


def _is_known_to(journal: Journal) -> Callable[[Message], bool]:
    return lambda message: journal.was_sent(guid=message.guid, rowid=message.rowid)


def _lane_of(chunk: Outbound) -> str:
    return lane_of(Message(rowid=0, chat_id=chunk.chat_id, sender=chunk.params.get("to")))


def _named(plans: list[list[dict[str, Any]]], message: Message) -> list[list[dict[str, Any]]]:
    """Put the guid of the chat beside its number: another chat may have that number when its turn comes."""
    if message.chat_guid:
        for send in (send for plan in plans for send in plan if "chat_id" in send):
            send["chat_guid"] = message.chat_guid
    return plans


def _as_handler_error(context: Context, error: Exception) -> HandlerError:
    """Return what people are shown; the error itself, with its traceback, is the cause."""
    if isinstance(error, HandlerError):
        return error
    shown = HandlerError(
        f"the handler raised {type(error).__name__} on message {context.message.rowid}", hint="its cause says where"
    )
    shown.__cause__ = error
    return shown


def _kind_of(error: Exception) -> str:
    """Return what the journal says of an error: its kind, since its text may hold what people wrote."""
    if isinstance(error, HandlerError):
        return error.message
    return type(error).__name__
