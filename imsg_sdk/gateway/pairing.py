"""Pairing: an unknown sender gets a code once, and the owner approves it.  Pure; time and chance are given.

The book holds only what it needs to tell a sender again.  Keeping it on disk is the store's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from imsg_sdk.addressing import normalize_handle
from imsg_sdk.errors import GatewayError
from imsg_sdk.text import trim

__all__ = ["PairingBook", "PairingRequest", "code_from", "pairing_text"]

ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH: Final = 8
LIFE: Final = timedelta(minutes=60)
MOST_PENDING: Final = 3
_TRIES: Final = 500


class PairingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A sender who waits for approval."""

    handle: str
    code: str
    created_at: datetime
    last_seen_at: datetime
    chat_id: int | None = None

    def __repr__(self) -> str:
        return f"<PairingRequest of {self.created_at:%Y-%m-%d %H:%M}>"


def code_from(random_bytes: Callable[[int], bytes]) -> Callable[[], str]:
    """Return a maker of codes; give it ``secrets.token_bytes``.  A code is eight characters that nobody mistakes."""
    # 256 is a multiple of the 32 characters, so that all are equally likely.
    return lambda: "".join(ALPHABET[byte % len(ALPHABET)] for byte in random_bytes(CODE_LENGTH))


class PairingBook:
    """Who waits, and who was approved.

    Parameters
    ----------
    new_code
        Makes a code, from :func:`code_from`.
    pending, approved
        What the store held.
    """

    def __init__(
        self,
        new_code: Callable[[], str],
        *,
        pending: Iterable[PairingRequest] = (),
        approved: Iterable[str] = (),
    ) -> None:
        self._new_code = new_code
        newest = sorted(pending, key=lambda request: request.last_seen_at)[-MOST_PENDING:]
        self._pending = {request.handle: request for request in newest}
        self._approved = {handle for each in approved if (handle := _storable(each))}

    def __repr__(self) -> str:
        return f"<PairingBook, {len(self._pending)} pending, {len(self._approved)} approved>"

    def pending(self, now: datetime) -> tuple[PairingRequest, ...]:
        """Return who waits, oldest first; what is older than an hour is gone."""
        self._sweep(now)
        return tuple(sorted(self._pending.values(), key=lambda request: request.created_at))

    def ask(self, sender: str, now: datetime, *, chat_id: int | None = None) -> PairingRequest | None:
        """Note that an unknown sender wrote; return a request only when a code is to be told, which is once.

        A sender who waits already, or comes while three others wait, gets nothing.
        """
        self._sweep(now)
        handle = _storable(sender)
        if not handle or handle in self._approved:
            return None
        if (known := self._pending.get(handle)) is not None:
            self._pending[handle] = msgspec.structs.replace(known, last_seen_at=now)
            return None
        if len(self._pending) >= MOST_PENDING:
            return None
        request = PairingRequest(
            handle=handle, code=self._unused_code(), created_at=now, last_seen_at=now, chat_id=chat_id or None
        )
        self._pending[handle] = request
        return request

    def approve(self, code: str, now: datetime) -> PairingRequest | None:
        """Approve the sender who was told `code`, in any case; None where nobody waits with it."""
        self._sweep(now)
        wanted = trim(code).upper()
        found = next((request for request in self._pending.values() if request.code == wanted), None)
        if found is not None:
            del self._pending[found.handle]
            self._approved.add(found.handle)
        return found

    def _sweep(self, now: datetime) -> None:
        self._pending = {
            handle: request for handle, request in self._pending.items() if now - request.created_at < LIFE
        }

    def _unused_code(self) -> str:
        taken = {request.code for request in self._pending.values()}
        for _ in range(_TRIES):
            if (code := self._new_code()) not in taken:
                return code
        raise GatewayError("no unused pairing code was found", hint="check the source of random bytes")


def _storable(sender: str) -> str:
    handle = normalize_handle(sender)
    return "" if handle == "*" else handle


def pairing_text(request: PairingRequest, sender: str) -> str:
    """Return what the sender is told."""
    return (
        "This number answers only people it knows.\n"
        f"You write from: {trim(sender)}\n"
        f"Your code: {request.code}\n"
        f"Its owner can let you in with: imsg-sdk pairing approve {request.code}"
    )
