"""Tapbacks as events: told to a handler of their own, never answered."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from imsg_sdk.config.settings import ReactionMode
from imsg_sdk.gateway.context import Context, build_context
from imsg_sdk.gateway.handlers import HandlerFunction
from imsg_sdk.gateway.live.calls import HandlerCalls, Outcome
from imsg_sdk.gateway.mentions import Mention
from imsg_sdk.gateway.policy import Facts, Policy, decide
from imsg_sdk.gateway.state import Journal
from imsg_sdk.models import Message

__all__ = ["Reactions"]

_PART = re.compile(r"(?:p:\d+/|bp:)")


class Reactions:
    """Decides which tapbacks are told, and tells them.

    A tapback passes the gate of its sender and chat, and needs no mention.
    """

    def __init__(self, policy: Policy, journal: Journal, functions: Mapping[str, HandlerFunction]) -> None:
        self._policy = policy
        self._journal = journal
        self._functions = functions

    def context(self, message: Message, facts: Facts) -> Context | None:
        """Return what the handlers of tapbacks are given, None where they are not told of it."""
        if not self._functions or not self._is_wanted(message):
            return None
        spoken = msgspec.structs.replace(message, is_reaction=False)
        known = msgspec.structs.replace(facts, text=facts.text or "-", mention=Mention.MENTIONED)
        decision = decide(spoken, self._policy, known)
        return build_context(message, decision, facts, self._policy) if decision.dispatched else None

    def _is_wanted(self, message: Message) -> bool:
        mode = self._policy.config.reaction_notifications
        if mode is not ReactionMode.OWN:
            return mode is ReactionMode.ALL
        target = _PART.sub("", message.reacted_to_guid or "", count=1)
        return bool(target) and self._journal.was_sent(guid=target)

    async def call(self, context: Context, calls: HandlerCalls) -> list[Outcome]:
        """Tell the handlers; what they return is not sent."""
        return [await calls.run(function, context) for function in list(self._functions.values())]
