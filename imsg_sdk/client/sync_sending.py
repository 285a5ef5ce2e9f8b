"""Sending from scripts and notebooks: the part of :class:`imsg_sdk.IMessageClient` that writes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from imsg_sdk.client.base import BaseClient
from imsg_sdk.client.plan import run
from imsg_sdk.client.tabular import ProgressOption, frame_of, shown
from imsg_sdk.columns import SENDS
from imsg_sdk.models import Message, SendResult

if TYPE_CHECKING:
    import pandas as pd

    from imsg_sdk.client.whom import SendTarget

__all__ = ["SyncSending"]


class SyncSending(BaseClient):
    """Verbs that send or change something; each waits for what became of it."""

    def send(
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
        """Send a text, a file, or a text and a file, to one chat or person.

        Parameters
        ----------
        target
            A chat id, ``chat_guid:…``, ``chat_identifier:…``, the exact handle of one person, or a record of a
            chat or of a message in it.  Names are never looked up.  A thread of several people is reached by its
            chat only.
        text
            What to write.  A text longer than one message (``textChunkLimit``) goes out as several.
        file
            Path of a file on this machine; it goes out as a message of its own, after the text.
        service
            ``"imessage"`` or ``"sms"``: which chat is meant where a handle has several, and how a new one begins.
        region
            Country that a phone number without a country code belongs to.
        reply_to
            A message of the same chat, or its guid, to begin or go on a thread under it.  Needs the bridge.
        transport
            ``"bridge"`` or ``"applescript"``, where the program has both.
        max_file_mb
            Largest file; that of the settings (``mediaMaxMb``) if not given, 16 by default.
        dry_run
            Check everything but send nothing; the result is ``planned`` and names the chat.

        Returns
        -------
        SendResult
            ``observed``: the message stands in the history, with guid and row.  ``accepted``: the program took it,
            and it was not seen there yet.  Neither says that it was delivered.

        Raises
        ------
        AddressError
            The target names no chat, or more than one, or nobody for sure.  Nothing was sent.
        SendRefused
            Blank text, missing or too big file, or a program that cannot send.  Nothing was sent.
        SendFailed
            It did not go out; ``retry_safe`` says whether that is proven.
        SendUncertain
            It may have gone out, and the history does not show it.  It is never sent again by itself.

        Notes
        -----
        A request that may have reached the program is never repeated: after a timeout, a death of the program or
        an answer that leaves it open, the history is looked into for ``settle_timeout_s``.  Sends of one client
        go out one after the other.

        Examples
        --------
        >>> client.send("+12025550143", "On my way")  # doctest: +SKIP
        <SendResult observed, message 4012 in chat 3>
        """
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
        return run(plan)

    def send_file(
        self,
        target: SendTarget,
        file: str | os.PathLike[str],
        *,
        service: str | None = None,
        region: str | None = None,
        max_file_mb: float | None = None,
    ) -> SendResult:
        """Send a file to one chat or person.

        Parameters
        ----------
        target, file, service, region, max_file_mb
            As for :meth:`send`.

        Raises
        ------
        AddressError, SendRefused, SendFailed, SendUncertain
            As for :meth:`send`.
        """
        return self.send(target, file=file, service=service, region=region, max_file_mb=max_file_mb)

    def reply(
        self,
        message: Message | str,
        text: str | None = None,
        *,
        file: str | os.PathLike[str] | None = None,
        in_thread: bool = False,
        max_file_mb: float | None = None,
    ) -> SendResult:
        """Answer a message in its own chat, whoever is in it.

        Parameters
        ----------
        message
            A record, as :meth:`message`, :meth:`iter_messages` and a watch give it, or its guid.
        text, file, max_file_mb
            As for :meth:`send`.
        in_thread
            Put the answer under the message, as an inline reply.  Needs the bridge.

        Raises
        ------
        AddressError, SendRefused, SendFailed, SendUncertain
            As for :meth:`send`.
        """
        from imsg_sdk.client import composing

        sender, options = self._sending
        options = composing.adjusted(options, max_file_mb=max_file_mb)
        return run(composing.reply(sender, message, text, file=file, in_thread=in_thread, options=options))

    def send_many(
        self,
        messages: pd.DataFrame | Iterable[Mapping[str, Any]],
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
        progress: ProgressOption = None,
    ) -> pd.DataFrame:
        """Send a list of messages, or only show what would be sent.

        Parameters
        ----------
        messages
            A frame, or a list of dicts: one row per message.
        target, text, file, service
            The columns that hold the arguments of :meth:`send`; `target`, and `text` or `file`, must be there.
        dry_run
            Send nothing; True unless you say otherwise.
        ledger
            Path of a small file that remembers who got what.  A run that sends must have one; the same list with
            the same ledger goes on where an earlier run ended, however it ended.
        per_minute
            Most messages a minute; ``None`` does not wait.
        max_failures
            After so many rows in a row that did not succeed, the rest is left alone.
        region
            Country that phone numbers without a country code belong to.
        progress
            ``True`` or ``False``, or a function of rows done and rows in all.  By default it is shown where a
            person looks and something is sent.

        Returns
        -------
        pandas.DataFrame
            One row per row of `messages`, in its order, columns of :data:`imsg_sdk.frames.SENDS`.  A row that
            cannot be sent, or is not, says why in ``problem``.

        Raises
        ------
        InvalidParams
            It is no table, or lacks the columns.
        UsageError
            There is no ledger, or another run holds it.

        Notes
        -----
        The ledger is written before each message goes out.  A message that was under way when a run was killed is
        looked for in the history, and reported as ``uncertain`` if it is not there: it is never sent again.  Two
        rows that say the same to the same are sent once.  The ledger holds digests, no texts and no handles.

        Examples
        --------
        >>> client.send_many([{"target": "+12025550143", "text": "Doors open at 7"}])  # doctest: +SKIP
        """
        from imsg_sdk.client import bulk

        rows = bulk.read_rows(messages, {"target": target, "text": text, "file": file, "service": service})
        sender, send = self._sending
        options = bulk.BulkOptions(
            send=send, region=region or self.config.region, per_minute=per_minute, max_failures=max_failures
        )
        if dry_run:
            return frame_of(SENDS, bulk.rehearse(sender, rows, ledger, options))
        with shown(progress, None) as panel:
            return frame_of(SENDS, bulk.carry_out(sender, rows, ledger, options, panel))
