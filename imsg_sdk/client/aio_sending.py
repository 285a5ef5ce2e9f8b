"""Sending from an event loop: the part of :class:`imsg_sdk.AsyncIMessageClient` that writes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from imsg_sdk.client.awaiting import run_async
from imsg_sdk.client.base import BaseClient
from imsg_sdk.client.core import Progress
from imsg_sdk.models import Message, SendResult, SendRow

if TYPE_CHECKING:
    from imsg_sdk.client.whom import SendTarget

__all__ = ["AsyncSending"]


class AsyncSending(BaseClient):
    """Verbs that send or change something; each waits for what became of it.

    A coroutine that is cancelled while its request is under way does not take it back: it may be carried out.
    """

    async def send(
        self,
        target: SendTarget,
        text: str | None = None,
        *,
        file: str | os.PathLike[str] | None = None,
        service: str | None = None,
        region: str | None = None,
        reply_to: Message | str | None = None,
        transport: str | None = None,
        max_file_mb: float | None = None,
        dry_run: bool = False,
    ) -> SendResult:
        """Send a text, a file, or both, to one chat or person.  See `IMessageClient.send`."""
        from imsg_sdk.client import composing

        sender, options = self._sending
        options = composing.adjusted(options, transport=transport, max_file_mb=max_file_mb)
        plan = composing.send(
            sender,
            target,
            text,
            file=file,
            service=service,
            region=region,
            reply_to=reply_to,
            options=options,
            dry_run=dry_run,
        )
        return await run_async(plan)

    async def send_file(
        self,
        target: SendTarget,
        file: str | os.PathLike[str],
        *,
        service: str | None = None,
        region: str | None = None,
        max_file_mb: float | None = None,
    ) -> SendResult:
        """Send a file to one chat or person.  See `IMessageClient.send_file`."""
        return await self.send(target, file=file, service=service, region=region, max_file_mb=max_file_mb)

    async def reply(
        self,
        message: Message | str,
        text: str | None = None,
        *,
        file: str | os.PathLike[str] | None = None,
        in_thread: bool = False,
        max_file_mb: float | None = None,
    ) -> SendResult:
        """Answer a message in its own chat.  See `IMessageClient.reply`."""
        from imsg_sdk.client import composing

        sender, options = self._sending
        options = composing.adjusted(options, max_file_mb=max_file_mb)
        return await run_async(composing.reply(sender, message, text, file=file, in_thread=in_thread, options=options))

    async def send_many(
        self,
        messages: Iterable[Mapping[str, Any]],
        *,
        target: str = "target",
        text: str = "text",
        file: str = "file",
        service: str = "service",
        dry_run: bool = True,
        ledger: str | os.PathLike[str] | None = None,
        per_minute: float | None = 20,
        max_failures: int = 3,
        region: str | None = None,
        progress: Progress | None = None,
    ) -> tuple[SendRow, ...]:
        """Send a list of messages, or only show what would be sent.  See `IMessageClient.send_many`.

        Returns
        -------
        tuple of SendRow
            One per row of `messages`, in its order.
        """
        from imsg_sdk.client import bulk

        rows = bulk.read_rows(messages, {"target": target, "text": text, "file": file, "service": service})
        sender, send = self._sending
        options = bulk.BulkOptions(
            send=send, region=region or self.config.region, per_minute=per_minute, max_failures=max_failures
        )
        if dry_run:
            return tuple(await run_async(bulk.rehearse(sender, rows, ledger, options)))
        return tuple(await run_async(bulk.carry_out(sender, rows, ledger, options, progress)))
