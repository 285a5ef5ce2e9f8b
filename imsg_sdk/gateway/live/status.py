"""What a gateway is doing: counts and states, for people and for ``providers.status``.  No private text."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from imsg_sdk.errors import HandlerError
from imsg_sdk.gateway.reasons import Reason

__all__ = ["GatewayState", "GatewayStatus", "Happening", "Tally"]

_KEPT: Final = 50
_ERRORS: Final = 20
_SECONDS: Final = 60


class GatewayState(StrEnum):
    """Where a gateway is in its life."""

    STOPPED = "stopped"
    STARTING = "starting"
    CATCHING_UP = "catching_up"
    """Going through what came while it was away."""
    RUNNING = "running"
    RECOVERING = "recovering"
    """The program does not answer; it is tried again."""
    STOPPING = "stopping"
    FAILED = "failed"


class Happening(msgspec.Struct, frozen=True):
    """One decision or one send, as the dashboard lists it."""

    at: datetime
    chat_id: int | None
    what: str

    def __repr__(self) -> str:
        return f"<Happening {self.what} in chat {self.chat_id}>"


class Tally:
    """Counts of one gateway since it was made; written by its loop, read by anybody."""

    def __init__(self) -> None:
        self.received = 0
        self.dispatched = 0
        self.handled = 0
        self.reactions = 0
        self.handler_errors = 0
        self.handler_timeouts = 0
        self.restarts = 0
        self.pattern_timeouts = 0
        self.errors: deque[HandlerError] = deque(maxlen=_ERRORS)
        self.dropped: Counter[str] = Counter()
        self.sends: Counter[str] = Counter()
        self.recent: deque[Happening] = deque(maxlen=_KEPT)
        self._arrivals: deque[tuple[int, int]] = deque(maxlen=_SECONDS)

    def arrived(self, count: int, now_s: float) -> None:
        """Count rows, by the second."""
        self.received += count
        second, before = int(now_s), 0
        if self._arrivals and self._arrivals[-1][0] == second:
            _, before = self._arrivals.pop()
        self._arrivals.append((second, before + count))

    def per_minute(self, now_s: float) -> int:
        """Return how many rows came within the last minute."""
        return sum(count for second, count in self._arrivals.copy() if now_s - second <= _SECONDS)


class GatewayStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a gateway at one moment.

    ``dropped`` counts by reason, ``sends`` by what became of them.  ``lag_s`` says for how long the loop has not come
    round: an ``async def`` handler that blocks holds up everything.
    """

    state: GatewayState
    mode: str
    account: str
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    last_error: str | None = None
    cli_path: str | None = None
    db_path: str | None = None
    received: int = 0
    dispatched: int = 0
    handled: int = 0
    reactions: int = 0
    waiting: int = 0
    held_back: int = 0
    handler_errors: int = 0
    handler_timeouts: int = 0
    lost_handlers: int = 0
    restarts: int = 0
    per_minute: int = 0
    lag_s: float = 0.0
    dropped: dict[str, int] = {}
    sends: dict[str, int] = {}
    pattern_timeouts: int = 0
    warnings: tuple[str, ...] = ()
    recent: tuple[Happening, ...] = ()

    @property
    def is_running(self) -> bool:
        """Tell whether messages are taken in."""
        return self.state in (GatewayState.CATCHING_UP, GatewayState.RUNNING, GatewayState.RECOVERING)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain objects, instants as ISO 8601 text."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return fields

    @property
    def sent(self) -> int:
        """Return how many replies, or parts of them, went out."""
        return sum(self.sends.get(state, 0) for state in ("observed", "accepted"))

    @property
    def own(self) -> int:
        """Return how many of the dropped were the owner's or the gateway's own rows."""
        return sum(self.dropped.get(reason, 0) for reason in (Reason.FROM_ME, Reason.ECHO))

    @property
    def unanswered(self) -> int:
        """Return how many messages of others were dropped."""
        return sum(self.dropped.values()) - self.own

    def __str__(self) -> str:
        lines = [
            f"gateway {self.account}: {self.state}, mode {self.mode}",
            f"{self.received} received, {self.dispatched} dispatched, {self.unanswered} dropped, {self.own} own, "
            f"{self.waiting} waiting",
            f"{self.handled} handled, {self.sent} sent, {self.handler_errors} handler errors",
        ]
        lines += [
            f"dropped: {', '.join(f'{reason} {count}' for reason, count in sorted(self.dropped.items()))}"
        ] * bool(self.dropped)
        lines += [f"last error: {self.last_error}"] if self.last_error else []
        return "\n".join([*lines, *(f"! {warning}" for warning in self.warnings)])

    def __repr__(self) -> str:
        return f"<GatewayStatus {self.state}, {self.received} received, {self.dispatched} dispatched>"

    def _repr_html_(self) -> str:
        from imsg_sdk.gateway.live.panel import Panel

        return Panel(self)._repr_html_()
