"""Which messages a watch is to hand out.  Every message is read, so that the place is known; this leaves out.  Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from imsg_sdk.addressing import lookup_key
from imsg_sdk.models import Message

__all__ = ["Wanted"]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The filters of one watch."""

    chat_ids: frozenset[int] | None = None
    people: frozenset[str] | None = None
    """Handles in the form in which they are compared."""
    region: str = "US"
    from_me: bool | None = None
    since: datetime | None = None
    include_reactions: bool = False
    attachments: bool = True

    def __repr__(self) -> str:
        return "<Wanted>"

    def accepts(self, message: Message) -> bool:
        """Tell whether a message is to be handed out."""
        if self.chat_ids is not None and self.chat_ids.isdisjoint(message.chat_ids):
            return False
        if message.is_reaction and not self.include_reactions:
            return False
        if self.from_me is not None and message.is_from_me is not self.from_me:
            return False
        if self.since is not None and (message.created_at is None or message.created_at < self.since):
            return False
        return self.people is None or self._is_by_them(message)

    def _is_by_them(self, message: Message) -> bool:
        # The programs let own messages of a direct chat pass under the other side's handle.
        if message.is_from_me or not message.sender or self.people is None:
            return False
        return lookup_key(message.sender, region=self.region) in self.people
