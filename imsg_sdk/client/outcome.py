"""What an error says of a send: whether it can have gone out.  Pure.

The codes and the delivery object decide.  The words of an error decide only where an old program gives nothing
else, and only words that can mean one thing.  Whatever is not known to be harmless counts as perhaps sent.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from imsg_sdk.errors import ImsgError, PermissionDenied, RemoteError
from imsg_sdk.rpc import protocol
from imsg_sdk.rpc.faults import redact

__all__ = ["Fate", "judge", "needs_mac", "reason"]


class Fate(StrEnum):
    """What became of a request."""

    REFUSED = "refused"
    """Not carried out, and the same request never will be."""
    FAILED = "failed"
    """Not carried out; it may be tried again."""
    BLOCKED = "blocked"
    """Not carried out, since an earlier one hangs in the program, which must be restarted."""
    BROKEN = "broken"
    """The program reports a failure, but not how far it had come."""
    UNKNOWN = "unknown"
    """Perhaps carried out."""


_REFUSALS = frozenset({protocol.INVALID_PARAMS, protocol.METHOD_NOT_FOUND, protocol.BRIDGE_UNAVAILABLE})
_NOT_TAKEN = frozenset({protocol.SERVER_BUSY, protocol.DATABASE_UNAVAILABLE, protocol.PARSE_ERROR})

_NO_MESSAGES = ("is only supported on macOS.", "are only supported on macOS.", "is only available on macOS.")
_NO_BRIDGE = ("requires bridge transport", "imsg bridge not ready")
_NO_DATABASE = ("Permission Error", "authorization denied")
"""The banner of an old program that could not open its database and answers everything with it."""


def judge(error: ImsgError, *, was_sent: bool) -> Fate:
    """Return what became of a request that ended in `error`; `was_sent` says if it may have reached the program."""
    if not was_sent:
        return Fate.FAILED
    if not isinstance(error, RemoteError):
        return Fate.UNKNOWN
    if error.code in _REFUSALS or error.code == protocol.INVALID_REQUEST:
        return Fate.REFUSED
    if error.code == protocol.MUTATION_BLOCKED:
        return Fate.BLOCKED
    if error.code in _NOT_TAKEN:
        return Fate.FAILED
    if isinstance(error.data, dict):
        is_safe = error.data.get("retry_safe") is True and error.data.get("disposition") == "not_started"
        return Fate.FAILED if is_safe else Fate.UNKNOWN
    if error.code == protocol.INTERNAL_ERROR and isinstance(error.data, str):
        return _by_words(error, error.data)
    return Fate.UNKNOWN


def _by_words(error: RemoteError, words: str) -> Fate:
    first = words.partition("\n")[0]
    if any(each in first for each in (*_NO_MESSAGES, *_NO_BRIDGE)):
        return Fate.REFUSED
    if any(each in words for each in _NO_DATABASE) or isinstance(error, PermissionDenied):
        return Fate.FAILED
    return Fate.BROKEN if first.startswith("Dylib error:") else Fate.UNKNOWN


def needs_mac(error: ImsgError) -> bool:
    """Tell whether an old program says that there is no Messages where it runs."""
    words = error.data if isinstance(error, RemoteError) else None
    return isinstance(words, str) and any(each in words for each in _NO_MESSAGES)


def reason(error: ImsgError) -> str:
    """Return what an error says, without words of a program that repeat private text, and without handles."""
    if isinstance(error, RemoteError) and error.code == protocol.OUTCOME_UNKNOWN:
        return "Messages did not confirm it"
    text = redact(error.message)
    data: Any = error.data if isinstance(error, RemoteError) else None
    if isinstance(data, dict) and isinstance(data.get("disposition"), str):
        text = f"{text}, {str(data['disposition'])[:40].replace('_', ' ')}"
    return text
