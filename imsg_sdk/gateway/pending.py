"""Group messages that nobody answered, to be given along with the next.  A buffer, filled again from the journal."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final

from imsg_sdk.gateway.attachments import placeholder, usable
from imsg_sdk.gateway.context import HistoryEntry, epoch_ms
from imsg_sdk.gateway.facts import gather_facts
from imsg_sdk.gateway.policy import Decision, Facts, Policy, is_blank
from imsg_sdk.gateway.reasons import Reason
from imsg_sdk.models import Message

__all__ = ["PendingHistory"]

MOST_CHATS: Final = 1000
_DROPPED: Final = Decision(dispatched=False, rule=str(Reason.NO_MENTION), reason=Reason.NO_MENTION)


class PendingHistory:
    """The last messages of each group that were dropped because they spoke to nobody.

    Parameters
    ----------
    limit
        Messages kept of one group; 0 keeps none.
    most_chats
        Groups kept; the one written to longest ago goes first.
    """

    def __init__(self, limit: int, *, most_chats: int = MOST_CHATS) -> None:
        self._limit = limit
        self._most_chats = most_chats
        self._chats: OrderedDict[int, deque[HistoryEntry]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<PendingHistory of {len(self._chats)} chats>"

    def record(self, message: Message, decision: Decision, facts: Facts, policy: Policy) -> None:
        """Keep a message, if it was dropped for want of a mention and holds anything."""
        chat_id = message.chat_id
        if self._limit <= 0 or decision.reason is not Reason.NO_MENTION or not chat_id:
            return
        text = facts.text
        if is_blank(text):
            if not message.attachments:
                return
            text = placeholder(usable(message.attachments if policy.config.include_attachments else ()))
        entry = HistoryEntry(
            sender=facts.handle,
            text=text,
            timestamp_ms=epoch_ms(message),
            message_id=str(message.rowid) if message.rowid else None,
        )
        self._chats.setdefault(chat_id, deque(maxlen=self._limit)).append(entry)
        self._chats.move_to_end(chat_id)
        while len(self._chats) > self._most_chats:
            self._chats.popitem(last=False)

    def restore(self, messages: Iterable[Message], policy: Policy) -> None:
        """Keep messages that an earlier process dropped for want of a mention, oldest first."""
        for message in messages:
            self.record(message, _DROPPED, gather_facts(message, policy), policy)

    def entries(self, chat_id: int | None) -> tuple[HistoryEntry, ...]:
        """Return what waits in a group, oldest first."""
        return tuple(self._chats.get(chat_id or 0, ()))

    def clear(self, chat_id: int | None) -> None:
        """Forget a group, after its handler ran."""
        self._chats.pop(chat_id or 0, None)
