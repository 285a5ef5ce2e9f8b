"""Which messages a call means: checked once, then as a query of our server, or as keys and a predicate.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from operator import index
from typing import Any, SupportsIndex

import msgspec

from imsg_sdk._time import parse_instant, to_us
from imsg_sdk.addressing import Handle, normalize_handle
from imsg_sdk.errors import InvalidParams
from imsg_sdk.models import Message
from imsg_sdk.rpc.profiles import clamp_iso
from imsg_sdk.rpc.protocol import INVALID_PARAMS

__all__ = [
    "INCLUDES",
    "Filter",
    "People",
    "TimeLike",
    "checked_limit",
    "checked_seconds",
    "checked_text",
    "make_filter",
]

TimeLike = datetime | str
"""An aware datetime, ISO 8601 text with a zone, or an age such as ``"7d"``."""

People = str | Handle | Iterable[str | Handle]
"""One handle or several."""

_LONGEST_S = 1e9
"""Longer waits leave the range of the system's own timers."""

INCLUDES = ("orphaned", "deleted", "reactions")


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that narrows a reading call down, apart from the chat."""

    since: datetime | None = None
    until: datetime | None = None
    participants: tuple[str, ...] | None = None
    from_me: bool | None = None
    text: str | None = None
    limit: int | None = None
    include: tuple[str, ...] = ()

    def query(self, chat_ids: list[int] | None) -> dict[str, Any]:
        """Return the query that our own server takes."""
        values = {
            "chat_ids": chat_ids,
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
        A time without a zone, a limit below 1, or another thing that cannot be meant; a ``ValueError`` too.
    """
    now = datetime.now(UTC)
    return Filter(
        since=None if since is None else _instant(since, now, "since"),
        until=None if until is None else _instant(until, now, "until"),
        participants=None if participants is None else _people(participants),
        from_me=None if from_me is None else _flag(from_me, "from_me"),
        text=None if text is None else _sendable(text, "text") or None,
        limit=checked_limit(limit),
        include=_included(include),
    )


def checked_limit(limit: SupportsIndex | None, name: str = "limit") -> int | None:
    """Return `limit` if it is a whole number above 0, or None."""
    if limit is None:
        return None
    number = index(limit) if isinstance(limit, SupportsIndex) and not isinstance(limit, bool) else 0
    if not 0 < number < 2**63:
        raise InvalidParams(
            f"{name} must be a whole number above 0", code=INVALID_PARAMS, hint=f"{name}=None takes everything"
        )
    return number


def checked_text(value: str, name: str) -> str:
    """Return `value` if it is a text of more than spaces that a program can be sent."""
    if not _sendable(value, name).strip():
        raise InvalidParams(
            f"{name} is blank", code=INVALID_PARAMS, hint="give at least one character that is not a space"
        )
    return value


def checked_seconds(value: float, name: str) -> float:
    """Return `value` if it is a finite number above 0."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < _LONGEST_S:
        raise InvalidParams(f"{name} must be a number of seconds above 0", code=INVALID_PARAMS)
    return float(value)


def _sendable(value: str, name: str) -> str:
    if not isinstance(value, str):
        raise InvalidParams(f"{name} must be text, not {type(value).__name__}", code=INVALID_PARAMS)
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise InvalidParams(
            f"{name} holds a character that cannot be sent",
            code=INVALID_PARAMS,
            hint="it must hold no NUL and no half of a surrogate pair",
        )
    return value


def _flag(value: bool, name: str) -> bool:
    # The cell of a frame is a bool of numpy, which is none of Python's.
    if type(value).__name__ not in ("bool", "bool_"):
        raise InvalidParams(f"{name} must be True, False or None", code=INVALID_PARAMS)
    return bool(value)


def _instant(value: TimeLike, now: datetime, name: str) -> datetime:
    try:
        return parse_instant(value, now=now, name=name)
    except (ValueError, OverflowError) as error:
        text = str(error) if isinstance(error, ValueError) else f"{name} lies before the year 1"
        raise InvalidParams(text, code=INVALID_PARAMS) from None


def _people(value: People) -> tuple[str, ...]:
    people = [value] if isinstance(value, str | Handle) or not isinstance(value, Iterable) else list(value)
    texts = []
    for person in people:
        text = person.raw if isinstance(person, Handle) else person
        normal = normalize_handle(_sendable(text, "participants")) if isinstance(text, str) else ""
        if not normal:
            raise InvalidParams("participants must be handles: phone numbers or e-mail addresses", code=INVALID_PARAMS)
        texts += [normal, text] if normal != text else [text]
    return tuple(texts)


def _included(value: str | Iterable[str]) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) or not isinstance(value, Iterable) else tuple(value)
    for name in names:
        if name not in INCLUDES:
            raise InvalidParams(f"include knows {', '.join(INCLUDES)} only", code=INVALID_PARAMS)
    return names
