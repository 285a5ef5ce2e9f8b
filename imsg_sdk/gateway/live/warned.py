"""One warning for each chat that is not answered, naming the setting that would change it."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Final

from imsg_sdk.gateway.policy import Decision
from imsg_sdk.gateway.reasons import Reason, remedy
from imsg_sdk.models import Message

__all__ = ["WarnedChats"]

_log = logging.getLogger("imsg_sdk.gateway")

_MOST: Final = 1000
# What was switched off on purpose, and a group in which nobody speaks to us, are as they should be.
_WORTH: Final = frozenset(
    {
        Reason.GROUP_WITHOUT_CHAT_ID, Reason.GROUP_ALLOWLIST_EMPTY, Reason.GROUP_SENDER_NOT_ALLOWED,
        Reason.GROUP_NOT_LISTED, Reason.DM_NOT_ALLOWED, Reason.PAIRING,
    }
)  # fmt: skip


class WarnedChats:
    """Remembers which chats were warned about."""

    def __init__(self) -> None:
        self._chats: OrderedDict[int | None, str] = OrderedDict()

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the warnings given so far, oldest first."""
        return tuple(self._chats.copy().values())

    def warn(self, message: Message, decision: Decision) -> None:
        """Log why a chat is not answered, the first time."""
        if decision.reason not in _WORTH or message.chat_id in self._chats:
            return
        advice = remedy(decision.reason, chat_id=message.chat_id)
        text = f"chat {message.chat_id} is not answered ({decision.reason}): {advice}"
        self._chats[message.chat_id] = text
        _log.warning("%s", text)
        if len(self._chats) > _MOST:
            self._chats.popitem(last=False)
