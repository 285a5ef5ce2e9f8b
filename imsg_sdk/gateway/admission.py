"""What is known of a message at the moment it is decided upon: echoes, loops, rates, the chat with oneself.

Holds the state that the rules must not hold.  No I/O but the question to the pairing store.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from imsg_sdk.config.settings import DmPolicy
from imsg_sdk.gateway.conversation import lane_of
from imsg_sdk.gateway.echo import SelfChat, SentCache, is_self_chat
from imsg_sdk.gateway.facts import gather_facts
from imsg_sdk.gateway.limits import LoopBreaker, RateLimiter
from imsg_sdk.gateway.policy import Facts, Policy
from imsg_sdk.models import Message
from imsg_sdk.text import trim

__all__ = ["Admission"]


class Admission:
    """Finds the facts that only a running gateway knows.

    Parameters
    ----------
    policy
        The compiled settings.
    is_paired
        Tells whether a sender was approved.
    was_sent
        Tells whether a message is one of the gateway's, however long ago it was sent.
    """

    def __init__(self, policy: Policy, is_paired: Callable[[str], bool], was_sent: Callable[[Message], bool]) -> None:
        config = policy.config
        self._policy = policy
        self._is_paired = is_paired if config.dm_policy is DmPolicy.PAIRING else _nobody
        self._was_sent = was_sent
        self.sent = SentCache()
        self.breaker = LoopBreaker(limit=config.loop_echoes)
        self.limiter = RateLimiter(burst=config.burst, per_minute=config.per_minute)
        self._self_chat = SelfChat()
        # Without the own address, a twin is told from an answer by the exact moment only.
        self._ambiguous = SelfChat(window_s=0.0)

    def facts(
        self,
        message: Message,
        *,
        received_at: datetime,
        now_s: float,
        is_replayed: bool = False,
        is_left_over: bool = False,
        is_crowded: bool = False,
    ) -> Facts:
        """Return everything the rules need.

        Parameters
        ----------
        message
            The message, as a record.
        received_at, now_s
            The present, as an instant and on the steady clock.
        is_replayed
            It is made up for after a pause.
        is_left_over
            It waited already when the gateway stopped, and is not held against the rate of its chat.
        is_crowded
            Too many of its chat wait already.
        """
        lane = lane_of(message)
        is_echo = self.sent.is_echo(message, now_s)
        is_self_message = False
        if message.is_reaction:
            pass  # an event, which has no twin
        elif message.is_from_me:
            # The answer of an earlier process, or one that was reported late, is no note to be answered.
            is_self_message = self._note_own(message, now_s) and not (is_echo or self._was_sent(message))
        elif self._self_chat.is_twin(message, now_s) or self._ambiguous.is_twin(message, now_s):
            is_echo = True  # and no sign of a loop: in the chat with oneself every message has one
        elif is_echo:
            self.breaker.record(lane, now_s)
        return gather_facts(
            message,
            self._policy,
            received_at=received_at,
            is_replayed=is_replayed,
            is_echo=is_echo,
            is_self_message=is_self_message,
            is_paired=self._is_paired(trim(message.sender or "")),
            is_looping=self.breaker.is_open(lane, now_s),
            is_rate_limited=is_crowded or not (is_left_over or self.limiter.has_token(lane, now_s)),
        )

    def _note_own(self, message: Message, now_s: float) -> bool:
        """Remember an own row where a twin of it may come; tell whether it stands in the chat with oneself."""
        if is_self_chat(message):
            self._self_chat.note(message, now_s)
            return True
        if not message.is_group and not message.destination_caller_id:
            self._ambiguous.note(message, now_s)
        return False


def _nobody(sender: str) -> bool:
    return False
