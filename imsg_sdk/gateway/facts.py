"""Facts about one message, found before the rules are asked.  Pure, but for the clock that bounds mention patterns."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from imsg_sdk.addressing import normalize_handle
from imsg_sdk.gateway.mentions import Mention
from imsg_sdk.gateway.policy import Facts, Policy
from imsg_sdk.models import Message
from imsg_sdk.text import trim

__all__ = ["gather_facts"]


def gather_facts(message: Message, policy: Policy, *, received_at: datetime | None = None, **known: Any) -> Facts:
    """Return what the rules need to know of a message.

    Parameters
    ----------
    message
        The message, as a record.
    policy
        The compiled settings; their mention patterns are matched here, in groups only.
    received_at
        When it came in; None leaves the age out of the decision.
    **known
        Facts that only the caller can know: ``is_duplicate``, ``is_echo`` and the like, by their names in
        :class:`Facts`.
    """
    sender = trim(message.sender or "")
    if not sender and known.get("is_self_message"):
        sender = trim(message.chat_identifier or "")  # a record of an own row names no sender
    text = trim(message.text or "")
    is_group = policy.is_group(message)
    mention = policy.mentions.match(text) if is_group else Mention.NOT_MENTIONED
    if received_at is not None and message.created_at is not None:
        known["age_s"] = (received_at - message.created_at).total_seconds()
    return Facts(sender=sender, handle=normalize_handle(sender), text=text, is_group=is_group, mention=mention, **known)
