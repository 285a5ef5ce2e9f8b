"""What the loop needs of the program it watches and sends through, and nothing more.

A client of this package stands behind these in production (:mod:`imsg_sdk.client.embedding`), anything else with
the same methods in tests.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from imsg_sdk.models import Message, SendResult

__all__ = ["Inbox", "Program"]


class Inbox(Protocol):
    """Rows as they come, from a cursor on."""

    @property
    def cursor(self) -> str | None:
        """Return where to go on after the last row that was handed out."""
        ...

    @property
    def is_live(self) -> bool:
        """Tell whether everything from before the start was handed out."""
        ...

    @property
    def boundary_rowid(self) -> int | None:
        """Return the last row that was there before it went live; None while that is not known."""
        ...

    async def start(self) -> None:
        """Begin to watch; returns when nothing that comes from now on can be missed."""
        ...

    async def get_many(self, max_records: int, timeout_s: float) -> list[Message]:
        """Return what has come, or what comes within the time; an empty list where nothing did."""
        ...

    async def close(self) -> None:
        """Stop watching."""
        ...


class Program(Protocol):
    """Something that shows messages and sends them."""

    @property
    def identity(self) -> str:
        """Return what tells the database from any other, without opening it."""
        ...

    @property
    def roots(self) -> tuple[str, ...]:
        """Return the folders in which its attachments lie, beside the usual one."""
        ...

    def inbox(self, since: str | None, *, reactions: bool) -> Inbox:
        """Return the rows after a cursor; None begins now."""
        ...

    async def deliver(self, params: Mapping[str, Any], *, attempt_id: str, chat_guid: str | None = None) -> SendResult:
        """Send once.

        Parameters
        ----------
        params
            Those of one ``send`` request.
        attempt_id
            What the message is to be called, where the program takes a name.
        chat_guid
            Which chat the ``chat_id`` in `params` was when its message came: one of that number and another guid is
            refused.

        Raises
        ------
        SendError
            Refused, failed or uncertain, each by its class.
        """
        ...

    async def settle(
        self, params: Mapping[str, Any], *, after_rowid: int, attempt_id: str | None, claimed: Collection[str]
    ) -> SendResult | None:
        """Look for a message that may have been sent, in the history after a row; send nothing."""
        ...

    async def mark_read(self, chat_id: int) -> None:
        """Mark a chat read."""
        ...

    async def show_typing(self, chat_id: int, *, is_typing: bool) -> None:
        """Show, or stop showing, that an answer is being written."""
        ...

    async def close(self) -> None:
        """Let go of the program."""
        ...
