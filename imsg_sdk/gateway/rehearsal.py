"""The whole way from a message to the sends it would cause, without a program, a journal or a send."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from imsg_sdk.config import ClientConfig, Config, GatewayConfig, load_config
from imsg_sdk.gateway.context import Context, build_context
from imsg_sdk.gateway.conversation import LastRoute, SessionKey
from imsg_sdk.gateway.facts import gather_facts
from imsg_sdk.gateway.handlers import HandlerFunction
from imsg_sdk.gateway.inbound import MalformedMessage, MessageLike, read_message
from imsg_sdk.gateway.pending import PendingHistory
from imsg_sdk.gateway.policy import Decision, Policy, decide
from imsg_sdk.gateway.reasons import Reason
from imsg_sdk.gateway.replies import Reply, ReplySettings, plan_replies, read_replies

if TYPE_CHECKING:
    import asyncio

__all__ = ["ConfigLike", "Rehearsed", "rehearse"]

_log = logging.getLogger(__name__)

ConfigLike = Config | GatewayConfig | Mapping[str, Any] | Path | str

_MALFORMED = Decision(dispatched=False, rule=str(Reason.MALFORMED), reason=Reason.MALFORMED)


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
    policy = Policy(gateway)
    settings = ReplySettings.from_config(gateway, client)
    history = PendingHistory(gateway.history_limit)
    with _HandlerRunner(handler) as runner:
        return [_rehearse_one(each, policy, settings, history, runner, now) for each in messages]


def _settings(config: ConfigLike) -> tuple[GatewayConfig, ClientConfig]:
    if isinstance(config, GatewayConfig):
        return config, ClientConfig()
    if not isinstance(config, Config):
        config = load_config(config, environ={})
    return config.gateway, config.client


def _rehearse_one(
    source: MessageLike,
    policy: Policy,
    settings: ReplySettings,
    history: PendingHistory,
    runner: _HandlerRunner,
    now: datetime | None,
) -> Rehearsed:
    number = source.get("id") if isinstance(source, Mapping) else getattr(source, "rowid", getattr(source, "id", None))
    try:
        message = read_message(source)
    except MalformedMessage:
        return Rehearsed(id=number, decision=_MALFORMED)
    facts = gather_facts(message, policy, received_at=now)
    decision = decide(message, policy, facts)
    if not decision.dispatched:
        history.record(message, decision, facts, policy)
        return Rehearsed(id=number, decision=decision)
    context = build_context(
        message,
        decision,
        facts,
        policy,
        history=history.entries(message.chat_id) if decision.is_group else (),
        roots=policy.config.attachment_roots,
    )
    replies, error = runner.run(context)
    history.clear(message.chat_id)
    sends = [send for plan in plan_replies(replies, context.target, settings) for send in plan]
    return Rehearsed(id=number, decision=decision, context=context, sends=tuple(sends), error=error)


class _HandlerRunner:
    """Calls a handler and collects its replies; what was yielded before an error stays."""

    def __init__(self, handler: HandlerFunction | None) -> None:
        self._handler = handler
        self._thread: ThreadPoolExecutor | None = None
        self._loop: asyncio.Runner | None = None

    def __enter__(self) -> _HandlerRunner:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None and self._loop is not None:
            self._thread.submit(self._loop.close).result()
            self._thread.shutdown()

    def run(self, context: Context) -> tuple[list[Reply], Exception | None]:
        replies: list[Reply] = []
        if self._handler is None:
            return replies, None
        try:
            for result in self._results(self._handler(context)):
                replies.extend(read_replies(result))
        except Exception as error:  # noqa: BLE001 - a handler may raise anything; nothing of it may reach a person
            _log.exception("the handler failed on message %d", context.message.rowid)
            return replies, error
        return replies, None

    def _results(self, result: Any) -> Iterator[Any]:
        if inspect.isgenerator(result):
            yield from result
        elif inspect.isasyncgen(result):
            while (item := self._await(_next_of(result))) is not _END:
                yield item
        elif inspect.isawaitable(result):
            yield from self._results(self._await(_value_of(result)))
        else:
            yield result

    def _await(self, coroutine: Any) -> Any:
        """Run a coroutine on a thread and loop of our own: the caller's loop may be running."""
        if self._thread is None:
            import asyncio

            self._thread = ThreadPoolExecutor(1, thread_name_prefix="imsg-rehearsal")
            self._loop = asyncio.Runner()
        assert self._loop is not None
        return self._thread.submit(self._loop.run, coroutine).result()


_END = object()


async def _next_of(results: Any) -> Any:
    return await anext(results, _END)


async def _value_of(awaitable: Any) -> Any:
    return await awaitable
