"""Which messages a call means: checked once, then as a query of our server, or as keys and a predicate.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from imsg_sdk._time import to_us
from imsg_sdk.arguments import (
    People,
    TimeLike,
    checked_flag,
    checked_include,
    checked_limit,
    checked_people,
    checked_span,
    checked_text,
)
from imsg_sdk.models import Chat, Message
from imsg_sdk.rpc.profiles import clamp_iso

__all__ = ["Filter", "make_filter"]


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that narrows a reading call down, apart from the chat."""

    since: datetime | None = None
    until: datetime | None = None
    participants: tuple[str, ...] | None = None
    """Handles: as they were given, until :meth:`Core.people` has found how the program spells them."""
    from_me: bool | None = None
    text: str | None = None
    limit: int | None = None
    include: tuple[str, ...] = ()

    def query(self, chats: Iterable[Chat] | None) -> dict[str, Any]:
        """Return the query that our own server takes, for some chats or all."""
        values = {
            "chat_ids": None if chats is None else [chat.chat_id for chat in chats],
            "since_us": None if self.since is None else to_us(self.since),
            "until_us": None if self.until is None else to_us(self.until),
            "participants": None if self.participants is None else list(self.participants),
            "from_me": self.from_me,
            "text": self.text,
            "limit": self.limit,
            "include": list(self.include) or None,
        }
        return {name: value for name, value in values.items() if value is not None}

    @property
    def start(self) -> str | None:
        """Return `since` as any program reads it."""
        return None if self.since is None else clamp_iso(self.since)

    @property
    def needs_check(self) -> bool:
        """Whether a program's own filters are not enough."""
        return self.participants is not None or self.from_me is not None or self.text is not None

    def accepts(self, message: Message) -> bool:
        """Tell whether a message passes what the programs cannot filter, or filter otherwise."""
        if message.created_at is None and (self.since or self.until):
            return False  # SQL compares a date of 0 like any other
        if self.from_me is not None and message.is_from_me is not self.from_me:
            return False
        if self.participants is not None:
            # The programs let own messages of a direct chat pass under the other side's handle.
            people = {person.casefold() for person in self.participants}
            if message.is_from_me or (message.sender or "").casefold() not in people:
                return False
        return self.text is None or self.text.casefold() in (message.text or "").casefold()


def make_filter(
    limit: int | None = None,
    *,
    since: TimeLike | None = None,
    until: TimeLike | None = None,
    participants: People | None = None,
    from_me: bool | None = None,
    text: str | None = None,
    include: str | Iterable[str] = (),
) -> Filter:
    """Check what a caller gave.

    Raises
    ------
    InvalidParams
        A time without a zone, `since` later than `until`, a limit below 1, or another thing that cannot be meant; a
        ``ValueError`` too.
    """
    since, until = checked_span(since, until, now=datetime.now(UTC))
    return Filter(
        since=since,
        until=until,
        participants=None if participants is None else checked_people(participants),
        from_me=None if from_me is None else checked_flag(from_me, "from_me"),
        text=None if text is None else checked_text(text, "text"),
        limit=checked_limit(limit),
        include=checked_include(include),
    )
