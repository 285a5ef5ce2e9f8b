"""A client as a gateway uses it: rows from a cursor on, one send at most once, a look back, and small courtesies.

Everything is a coroutine and gives records.  It works over either client, and keeps no state but the client.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from imsg_sdk.client.abilities import require
from imsg_sdk.client.awaiting import run_async
from imsg_sdk.models import Message, SendResult

if TYPE_CHECKING:
    from imsg_sdk.client.base import BaseClient
    from imsg_sdk.client.watching.aio import AsyncWatch

__all__ = ["ClientProgram", "WatchInbox", "is_make_believe"]

_USUAL_DATABASE: Final = "~/Library/Messages/chat.db"
_PATIENCE_S: Final = 30.0


def is_make_believe(client: object) -> bool:
    """Tell whether a client is one of a sandbox, whose folder goes with it."""
    from imsg_sdk.client.base import BaseClient

    return isinstance(client, BaseClient) and client._core.pool.backend.folder is not None


class WatchInbox:
    """The watch of a client, as the gateway reads it."""

    def __init__(self, watch: AsyncWatch) -> None:
        self._watch = watch

    def __repr__(self) -> str:
        return f"<WatchInbox, {self._watch.status()!r}>"

    @property
    def cursor(self) -> str:
        """Return where to go on after the last row that was handed out."""
        return self._watch.cursor

    @property
    def is_live(self) -> bool:
        """Tell whether everything from before the start was handed out."""
        return self._watch.status().is_live

    @property
    def boundary_rowid(self) -> int | None:
        """Return the last row that was there before the watch went live."""
        return self._watch.boundary_rowid

    async def start(self) -> None:
        """Begin to watch."""
        await self._watch.start()

    async def get_many(self, max_records: int, timeout_s: float) -> list[Message]:
        """Return what has come, or what comes within the time."""
        return await self._watch.get_many(max_records, timeout_s)

    async def close(self) -> None:
        """Stop watching."""
        await self._watch.close()


class ClientProgram:
    """What a gateway needs of a program, through a client.

    Parameters
    ----------
    client
        Either client.
    max_file_mb
        Largest file that is sent, in MiB.
    owns_client
        Whether :meth:`close` closes it.
    """

    def __init__(self, client: BaseClient, *, max_file_mb: float, owns_client: bool) -> None:
        self._client = client
        self._max_file_mb = max_file_mb
        self._owns_client = owns_client

    def __repr__(self) -> str:
        return f"<ClientProgram over {self._client!r}>"

    @property
    def identity(self) -> str:
        """Return what tells the database from any other: the machine and the path."""
        backend = self._client._core.pool.backend
        program = os.path.basename(backend.program[0])  # noqa: PTH119 - text in, text out
        named = "" if backend.is_ours or program == "imsg" else f"{program}:"  # a wrapper may lead anywhere
        path = backend.db_path or _USUAL_DATABASE
        if backend.host is None:
            path = os.path.realpath(os.path.expanduser(path))  # noqa: PTH111 - text in, text out
        return f"{backend.host or 'local'}:{named}{path}"

    @property
    def roots(self) -> tuple[str, ...]:
        """Return the folder in which Messages keeps the files of this database, where the path is known."""
        backend = self._client._core.pool.backend
        if backend.db_path is None or backend.host is not None:
            return ()
        return (os.path.join(os.path.dirname(backend.db_path), "Attachments"),)  # noqa: PTH118, PTH120

    def inbox(self, since: str | None, *, reactions: bool) -> WatchInbox:
        """Return the rows after a cursor; None begins now."""
        from imsg_sdk.client.watching.aio import AsyncWatch
        from imsg_sdk.client.watching.opening import make_feed

        feed = make_feed(
            self._client._core,
            None,
            since=since,
            participants=None,
            from_me=None,
            include_reactions=reactions,
            attachments=True,
            patience_s=_PATIENCE_S,
        )
        return WatchInbox(AsyncWatch(self._client, feed))

    async def deliver(self, params: Mapping[str, Any], *, attempt_id: str, chat_guid: str | None = None) -> SendResult:
        """Send once.  See `imsg_sdk.client.sending.Sender.deliver`."""
        sender, _ = self._client._sending
        return await run_async(
            sender.deliver(params, attempt_id=attempt_id, chat_guid=chat_guid, max_file_mb=self._max_file_mb)
        )

    async def settle(
        self, params: Mapping[str, Any], *, after_rowid: int, attempt_id: str | None, claimed: Collection[str]
    ) -> SendResult | None:
        """Look for a message that may have been sent.  See `imsg_sdk.client.sending.Sender.settle`."""
        sender, _ = self._client._sending
        return await run_async(sender.settle(params, after_rowid=after_rowid, attempt_id=attempt_id, claimed=claimed))

    async def mark_read(self, chat_id: int) -> None:
        """Mark a chat read."""
        await self._act("read", {"chat_id": chat_id})

    async def show_typing(self, chat_id: int, *, is_typing: bool) -> None:
        """Show, or stop showing, that an answer is being written."""
        await self._act("typing", {"chat_id": chat_id, "typing": is_typing})

    async def _act(self, method: str, params: dict[str, Any]) -> None:
        sender, _ = self._client._sending
        await run_async(require(self._client._core, method))
        await run_async(sender.dispatch(method, params, f"chat {params['chat_id']}"))

    async def close(self) -> None:
        """Close the client, where it was made for this."""
        if self._owns_client:
            try:
                await asyncio.to_thread(self._client._close)
            except RuntimeError:  # the interpreter ends, and starts no thread any more
                self._client._close()
