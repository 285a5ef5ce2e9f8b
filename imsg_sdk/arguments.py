"""What callers may give, checked in one way for every road into a history.  Pure; no I/O.

The clients and :func:`imsg_sdk.read_chat_db` take the same arguments, so they mean and refuse the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from operator import index
from typing import Any, SupportsIndex

from imsg_sdk._time import parse_instant
from imsg_sdk.addressing import Handle, lookup_key, normalize_handle
from imsg_sdk.errors import AddressError, InvalidParams

__all__ = [
    "INCLUDES",
    "People",
    "TimeLike",
    "checked_flag",
    "checked_include",
    "checked_instant",
    "checked_limit",
    "checked_people",
    "checked_rowids",
    "checked_seconds",
    "checked_span",
    "checked_text",
    "find_people",
    "nobody",
    "refused",
    "spellings",
]

TimeLike = datetime | timedelta | str
"""An aware datetime, ISO 8601 text with a zone, or an age: a timedelta, or text such as ``"7d"``."""

People = str | Handle | Iterable[str | Handle]
"""One handle or several."""

INCLUDES = ("orphaned", "deleted", "reactions")
"""Rows that are left out unless asked for by these names."""

_LONGEST_S = 1e9
"""Longer waits leave the range of the system's own timers."""

_INVALID_PARAMS = -32602
"""What a program answers to such a parameter; here it is not even asked."""


def refused(text: str, *, hint: str = "") -> InvalidParams:
    """Return the error for an argument that cannot be meant."""
    return InvalidParams(text, code=_INVALID_PARAMS, hint=hint)


def checked_limit(limit: SupportsIndex | None) -> int | None:
    """Return `limit` if it is a whole number above 0, or None."""
    if limit is None:
        return None
    number = index(limit) if isinstance(limit, SupportsIndex) and not isinstance(limit, bool) else 0
    if not 0 < number < 2**63:
        raise refused("limit must be a whole number above 0", hint="limit=None takes everything")
    return number


def checked_text(value: str, name: str) -> str:
    """Return `value` if it is a text of more than spaces that a program can be sent."""
    if not _sendable(value, name).strip():
        raise refused(f"{name} is blank", hint="give at least one character that is not a space")
    return value


def _sendable(value: str, name: str) -> str:
    if not isinstance(value, str):
        raise refused(f"{name} must be text, not {type(value).__name__}")
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise refused(
            f"{name} holds a character that cannot be sent",
            hint="it must hold no NUL and no half of a surrogate pair",
        )
    return value


def checked_seconds(value: float, name: str) -> float:
    """Return `value` if it is a finite number above 0."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < _LONGEST_S:
        raise refused(f"{name} must be a number of seconds above 0")
    return float(value)


def checked_flag(value: bool, name: str) -> bool:
    """Return `value` if it is a truth value; the cell of a frame is one of numpy, which is none of Python's."""
    if type(value).__name__ not in ("bool", "bool_"):
        raise refused(f"{name} must be True, False or None")
    return bool(value)


def checked_instant(value: TimeLike, name: str, *, now: datetime | None = None) -> datetime:
    """Return the instant that is meant; an age counts back from `now`."""
    now = now or datetime.now(UTC)
    try:
        if isinstance(value, timedelta):
            return now - value
        if isinstance(value, datetime | str):
            return parse_instant(value, now=now, name=name)
    except (ValueError, OverflowError) as error:
        raise refused(str(error) if isinstance(error, ValueError) else f"{name} lies before the year 1") from None
    raise refused(
        f"{name} must be an aware datetime, ISO 8601 text or an age such as '7d', not {type(value).__name__}",
        hint="dates and numpy values have no time zone: pandas.Timestamp(value, tz='UTC') has one",
    )


def checked_span(
    since: TimeLike | None, until: TimeLike | None, *, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """Return the instants of a stretch of time, either end of which may be open."""
    first = None if since is None else checked_instant(since, "since", now=now)
    end = None if until is None else checked_instant(until, "until", now=now)
    if first is not None and end is not None and first > end:
        raise refused("since is later than until", hint="since is where the stretch begins")
    return first, end


def checked_people(value: People) -> tuple[str, ...]:
    """Return the handles that are given, as they are written."""
    people = [value] if isinstance(value, str | Handle) or not isinstance(value, Iterable) else list(value)
    texts = [person.raw if isinstance(person, Handle) else person for person in people]
    for text in texts:
        if not isinstance(text, str) or not normalize_handle(_sendable(text, "participants")):
            raise refused("participants must be handles: phone numbers or e-mail addresses")
    return tuple(texts)


def checked_include(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return names of rows that are left out otherwise."""
    names = (value,) if isinstance(value, str) or not isinstance(value, Iterable) else tuple(value)
    for name in names:
        if name not in INCLUDES:
            raise refused(f"include knows {', '.join(INCLUDES)} only")
    return names


def checked_rowids(value: SupportsIndex | Iterable[SupportsIndex], name: str) -> list[int]:
    """Return one id or several as whole numbers."""
    # A text is taken apart here, and its letters are refused.
    several: list[Any] = list(value) if isinstance(value, Iterable) else [value]
    for each in several:
        if not isinstance(each, SupportsIndex) or isinstance(each, bool) or abs(index(each)) >= 2**63:
            raise refused(f"{name} must be whole numbers", hint="the column chat_id of the chats holds them")
    return [index(each) for each in several]


def find_people(wanted: Iterable[str], known: Iterable[str], *, region: str) -> tuple[list[str], list[str]]:
    """Return the `known` handles of the people that are meant, and the spellings that nobody has.

    Phone numbers are compared as numbers of `region`, as chat targets are; one person may have several handles.
    """
    spellings: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for handle in known:
        spellings[lookup_key(handle, region=region)][handle] = None
    found: dict[str, None] = {}
    missing = []
    for person in wanted:
        key = lookup_key(person, region=region)
        if key in spellings:
            found |= spellings[key]
        else:
            missing.append(person)
    return list(found), missing


def spellings(handle: str, *, region: str) -> list[str]:
    """Return the forms in which a handle may be stored."""
    return list(dict.fromkeys([lookup_key(handle, region=region), normalize_handle(handle), handle]))


def nobody(person: str) -> AddressError:
    """Return the error for a handle that is in no chat."""
    is_word = "@" not in person and not any("0" <= letter <= "9" for letter in person)
    return AddressError(
        f"nobody in any chat has the handle {Handle(person).redacted}",
        hint="the table of participants lists who is in which chat; "
        + ("it wants handles, not names" if is_word else "a number of another country needs its + and code"),
    )
