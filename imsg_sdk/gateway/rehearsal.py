"""The whole way from a message to the sends it would cause, without a program, a journal or a send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from imsg_sdk.config import ClientConfig, Config, GatewayConfig, load_config
from imsg_sdk.gateway.admission import Admission
from imsg_sdk.gateway.attachments import DEFAULT_ROOTS, configured_roots
from imsg_sdk.gateway.calling import HandlerRunner
from imsg_sdk.gateway.coalescer import Coalesced, Coalescer
from imsg_sdk.gateway.context import Context, build_context
from imsg_sdk.gateway.conversation import LastRoute, SessionKey, lane_of
from imsg_sdk.gateway.facts import gather_facts
from imsg_sdk.gateway.handlers import HandlerFunction
from imsg_sdk.gateway.inbound import MalformedMessage, MessageLike, read_message
from imsg_sdk.gateway.pending import PendingHistory
from imsg_sdk.gateway.policy import Decision, Facts, Policy, decide
from imsg_sdk.gateway.reasons import Reason
from imsg_sdk.gateway.replies import ReplySettings, plan_replies
from imsg_sdk.models import Message

__all__ = ["ConfigLike", "Rehearsed", "rehearse"]

ConfigLike = Config | GatewayConfig | Mapping[str, Any] | Path | str

_MALFORMED: Final = Decision(dispatched=False, rule=str(Reason.MALFORMED), reason=Reason.MALFORMED)
_NOW_S: Final = 0.0
"""The steady clock of a rehearsal stands still: everything arrives at once."""


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What would have become of one message.

    ``sends`` are the parameters of the ``send`` requests, in order; ``error`` is what the handler raised.
    """

    id: int | None
    decision: Decision
    context: Context | None = None
    sends: tuple[dict[str, Any], ...] = ()
    error: Exception | None = None

    @property
    def dispatched(self) -> bool:
        """Tell whether a handler got it."""
        return self.decision.dispatched

    @property
    def reason(self) -> Reason | None:
        """Return why no handler got it."""
        return self.decision.reason

    @property
    def session_key(self) -> SessionKey | None:
        """Return the session it belongs to."""
        return self.context.session_key if self.context else None

    @property
    def last_route(self) -> LastRoute | None:
        """Return the route that would be stored."""
        return self.context.last_route if self.context else None

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain objects, the context under the names of the reference."""
        return {
            "id": self.id,
            "dispatched": self.dispatched,
            "reason": str(self.reason) if self.reason else None,
            "context": self.context.to_dict() if self.context else None,
            "sends": [dict(send) for send in self.sends],
            "session_key": self.session_key,
            "last_route": self.last_route.to_dict() if self.last_route else None,
        }

    def __repr__(self) -> str:
        return f"<Rehearsed message {self.id}, {self.decision!r}, {len(self.sends)} sends>"


def rehearse(
    config: ConfigLike,
    messages: Iterable[MessageLike],
    handler: HandlerFunction | None = None,
    now: datetime | None = None,
) -> list[Rehearsed]:
    """Run messages through the gateway's rules and a handler, and return what it would have done.

    Parameters
    ----------
    config
        The settings: an object in the shape of the file, a path, or typed.
    messages
        Wire objects or records, in the order of their arrival.
    handler
        Gets a :class:`Context` and returns or yields replies; ``def``, ``async def`` or :class:`Handlers`.
        None answers nothing.
    now
        When all of them arrive.  Without it, age, duplicates, echoes, rates, the loop breaker and debounce are left
        out.

    Returns
    -------
    list of Rehearsed
        One for each message, in their order.

    Raises
    ------
    ConfigError
        A setting is unknown or invalid.
    """
    gateway, client = _settings(config)
    with HandlerRunner(handler) as runner:
        rehearsal = _Rehearsal(gateway, client, runner, now)
        for message in messages:
            rehearsal.arrive(message)
        return rehearsal.finish()


def _settings(config: ConfigLike) -> tuple[GatewayConfig, ClientConfig]:
    if isinstance(config, GatewayConfig):
        return config, ClientConfig()
    if not isinstance(config, Config):
        config = load_config(config, environ={})
    return config.gateway, config.client


class _Rehearsal:
    """The state of one rehearsal; without `now`, what counts time and repeats is left out."""

    def __init__(
        self, gateway: GatewayConfig, client: ClientConfig, runner: HandlerRunner, now: datetime | None
    ) -> None:
        self.policy = Policy(gateway)
        self.settings = ReplySettings.from_config(gateway, client)
        configured = configured_roots(gateway, client)
        # Where none is named, paths are not judged: the files of recorded messages lie nowhere.
        self.roots = (*DEFAULT_ROOTS, *configured) if configured else ()
        self.history = PendingHistory(gateway.history_limit)
        self.coalescer = Coalescer(gateway.debounce_ms / 1000 if now is not None else 0)
        self.guids: set[str] = set()
        self.admission = Admission(self.policy, lambda sender: False, lambda message: False)
        self.runner = runner
        self.now = now
        self.outcomes: list[Rehearsed | None] = []
        self.places: dict[int, tuple[int, int | None]] = {}
        """Place and id of a row that is on its way, by the identity of its record."""

    def arrive(self, source: MessageLike) -> None:
        place, number = len(self.outcomes), _id_of(source)
        self.outcomes.append(None)
        try:
            row = msgspec.structs.replace(read_message(source))  # an object of its own, however often it is given
        except MalformedMessage:
            self.outcomes[place] = Rehearsed(id=number, decision=_MALFORMED)
            return
        self.places[id(row)] = (place, number)
        if self.now is not None and row.guid in self.guids:
            self.drop(row, is_duplicate=True)
            return
        if row.guid is not None:
            self.guids.add(row.guid)
        for ready in self.coalescer.add(row, _NOW_S):
            self.handle(ready)

    def finish(self) -> list[Rehearsed]:
        for ready in self.coalescer.flush():
            self.handle(ready)
        return [outcome for outcome in self.outcomes if outcome is not None]

    def drop(self, row: Message, **known: Any) -> None:
        facts = gather_facts(row, self.policy, **known)
        self.note(row, decide(row, self.policy, facts))

    def note(self, row: Message, decision: Decision, **outcome: Any) -> None:
        place, number = self.places.pop(id(row))
        self.outcomes[place] = Rehearsed(id=number, decision=decision, **outcome)

    def handle(self, ready: Coalesced) -> None:
        message, last = ready.message, ready.rows[-1]
        for row in ready.carried:
            self.drop(row, carried_by=last.rowid)
        facts = self.facts(message)
        decision = decide(message, self.policy, facts)
        if decision.dispatched:
            self.dispatch(message, last, decision, facts)
            return
        self.history.record(message, decision, facts, self.policy)
        self.note(last, decision)

    def facts(self, message: Message) -> Facts:
        if self.now is None:
            return gather_facts(message, self.policy)
        return self.admission.facts(message, received_at=self.now, now_s=_NOW_S)

    def dispatch(self, message: Message, last: Message, decision: Decision, facts: Facts) -> None:
        context = build_context(
            message,
            decision,
            facts,
            self.policy,
            history=self.history.entries(message.chat_id) if decision.is_group else (),
            roots=self.roots,
        )
        self.admission.limiter.take(lane_of(message), _NOW_S)
        replies, error = self.runner.run(context)
        self.history.clear(message.chat_id)
        plans = plan_replies(replies, context.target, self.settings)
        sends = tuple(send for plan in plans for send in plan)
        for send in sends:
            ticket = self.admission.sent.begin(lane_of(message), send.get("text", ""))
            self.admission.sent.settle(ticket, _NOW_S)
        self.note(last, decision, context=context, sends=sends, error=error)


def _id_of(source: MessageLike) -> int | None:
    if isinstance(source, Mapping):
        return source.get("id")
    return source.rowid if isinstance(source, Message) else getattr(source, "id", None)
