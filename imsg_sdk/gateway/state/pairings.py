"""Pairing requests and approvals in the state file, for a gateway that runs and for the command line beside it."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from imsg_sdk._time import Clock, from_us, to_us
from imsg_sdk.addressing import normalize_handle
from imsg_sdk.gateway.pairing import PairingBook, PairingRequest, code_from
from imsg_sdk.gateway.state.store import Store

if TYPE_CHECKING:
    from imsg_sdk.gateway.state.journal import Journal

__all__ = ["PairingStore"]


class PairingStore:
    """Who waits for approval, and who has it.

    A gateway takes the one :meth:`of` its journal; other processes :meth:`open` their own.  What another process
    approves or revokes holds at once.
    """

    def __init__(self, store: Store, clock: Clock, *, is_own: bool = True) -> None:
        self._store = store
        self._clock = clock
        self._is_own = is_own
        self._version: int | None = None
        self._approved: frozenset[str] | None = None

    @classmethod
    def open(cls, folder: Path, *, account: str = "default", clock: Clock) -> PairingStore:
        """Open the store of an account, whether or not a gateway runs.

        Raises
        ------
        JournalError
            The state file cannot be opened.
        """
        return cls(Store.open(folder, account), clock)

    @classmethod
    def of(cls, journal: Journal, clock: Clock) -> PairingStore:
        """Return the store in the file of a journal; what it writes joins :meth:`Journal.together`."""
        return cls(journal.store, clock, is_own=False)

    def __repr__(self) -> str:
        return "<PairingStore>"

    @property
    def approved(self) -> frozenset[str]:
        """Return the handles approved, in normal form; costs no more than a look for news."""
        version = self._store.data_version()
        if self._approved is None or version != self._version:
            rows = self._store.execute("SELECT handle FROM pairing_approved").fetchall()
            self._approved, self._version = frozenset(handle for (handle,) in rows), version
        return self._approved

    def is_approved(self, sender: str) -> bool:
        """Tell whether a sender was approved, in any spelling."""
        return normalize_handle(sender) in self.approved

    def pending(self) -> tuple[PairingRequest, ...]:
        """Return who waits, oldest first; a request lives for an hour."""
        return self._book().pending(self._clock.now())

    def ask(self, sender: str, *, chat_id: int | None = None) -> PairingRequest | None:
        """Note that an unknown sender wrote; return a request only when a code is to be told, which is once."""
        with self._store:
            book = self._book()
            request = book.ask(sender, self._clock.now(), chat_id=chat_id)
            self._keep_pending(book)
        return request

    def approve(self, code: str) -> PairingRequest | None:
        """Approve the sender who was told a code, in any case; None where nobody waits with it."""
        with self._store as connection:
            book = self._book()
            request = book.approve(code, self._clock.now())
            self._keep_pending(book)
            if request is not None:
                values = (request.handle, to_us(self._clock.now()))
                connection.execute("INSERT OR IGNORE INTO pairing_approved VALUES (?, ?)", values)
        return request

    def revoke(self, sender: str) -> bool:
        """Take an approval back; tell whether there was one."""
        with self._store as connection:
            handle = normalize_handle(sender)
            self._approved = None
            return bool(connection.execute("DELETE FROM pairing_approved WHERE handle = ?", (handle,)).rowcount)

    def close(self) -> None:
        """Close the file, if this store opened it."""
        if self._is_own:
            self._store.close()

    def __enter__(self) -> PairingStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _book(self) -> PairingBook:
        rows = self._store.execute("SELECT handle, code, created_us, seen_us, chat_id FROM pairing_request")
        pending = [
            PairingRequest(
                handle=handle, code=code, created_at=from_us(created), last_seen_at=from_us(seen), chat_id=chat_id
            )
            for handle, code, created, seen, chat_id in rows
        ]
        return PairingBook(code_from(secrets.token_bytes), pending=pending, approved=self.approved)

    def _keep_pending(self, book: PairingBook) -> None:
        # At most three: written anew as a whole.
        self._approved = None
        connection = self._store.connection
        connection.execute("DELETE FROM pairing_request")
        connection.executemany(
            "INSERT INTO pairing_request VALUES (?, ?, ?, ?, ?)",
            [
                (each.handle, each.code, to_us(each.created_at), to_us(each.last_seen_at), each.chat_id)
                for each in book.pending(self._clock.now())
            ],
        )
