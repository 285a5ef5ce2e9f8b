"""The message gateway: who is answered, with what, and where the answer goes.

Rules, context and replies are pure; :func:`rehearse` runs them over messages without a program, a journal or a send.
:class:`Gateway` runs them over messages as they come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imsg_sdk.gateway.backtest import backtest
    from imsg_sdk.gateway.context import Context, HistoryEntry, ReplyContext
    from imsg_sdk.gateway.facts import gather_facts
    from imsg_sdk.gateway.gateway import Gateway
    from imsg_sdk.gateway.handlers import Handlers
    from imsg_sdk.gateway.live.status import GatewayState, GatewayStatus
    from imsg_sdk.gateway.policy import RULES, Decision, Explanation, Facts, Policy, decide, explain
    from imsg_sdk.gateway.reasons import Reason
    from imsg_sdk.gateway.rehearsal import Rehearsed, rehearse
    from imsg_sdk.gateway.replies import Reply

_PUBLIC = {
    "RULES": "policy",
    "Context": "context",
    "Decision": "policy",
    "Explanation": "policy",
    "Facts": "policy",
    "Gateway": "gateway",
    "GatewayState": "live.status",
    "GatewayStatus": "live.status",
    "Handlers": "handlers",
    "HistoryEntry": "context",
    "Policy": "policy",
    "Reason": "reasons",
    "Rehearsed": "rehearsal",
    "Reply": "replies",
    "ReplyContext": "context",
    "backtest": "backtest",
    "decide": "policy",
    "explain": "policy",
    "gather_facts": "facts",
    "rehearse": "rehearsal",
}

__all__ = [
    "RULES",
    "Context",
    "Decision",
    "Explanation",
    "Facts",
    "Gateway",
    "GatewayState",
    "GatewayStatus",
    "Handlers",
    "HistoryEntry",
    "Policy",
    "Reason",
    "Rehearsed",
    "Reply",
    "ReplyContext",
    "backtest",
    "decide",
    "explain",
    "gather_facts",
    "rehearse",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        from importlib import import_module

        value = getattr(import_module(f"imsg_sdk.gateway.{_PUBLIC[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
