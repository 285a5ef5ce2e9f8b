"""Watching from scripts and notebooks: the part of :class:`imsg_sdk.IMessageClient` that waits for what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsg_sdk.arguments import People
from imsg_sdk.client.base import BaseClient
from imsg_sdk.client.targets import Targets

if TYPE_CHECKING:
    from imsg_sdk.client.watching.events import BridgeEvents
    from imsg_sdk.client.watching.opening import Since
    from imsg_sdk.client.watching.watch import Watch

__all__ = ["SyncWatching"]


class SyncWatching(BaseClient):
    """Verbs that hand out what comes, as it comes."""

    def watch(
        self,
        chat: Targets = None,
        *,
        since: Since = None,
        participants: People | None = None,
        from_me: bool | None = None,
        include_reactions: bool = False,
        attachments: bool = True,
        patience_s: float | None = 300.0,
    ) -> Watch:
        """Return messages as they arrive, each once, through restarts of the child and gaps in its reports.

        Parameters
        ----------
        chat
            Only messages of this chat, or of any of these; ``None`` means every chat.
        since
            Where to start: the cursor of an earlier watch, a rowid (messages behind it; 0 is before the first),
            or an aware datetime, ISO 8601 text or an age such as ``"2h"``: messages of then and later, whenever
            they arrive.  ``None`` starts now.
        participants
            Only messages that this handle, or any of these, wrote.  Nobody need have written before.
        from_me
            Only own messages, or only those of others.
        include_reactions
            Tapbacks too, as messages with ``is_reaction``.
        attachments
            Ask for attachments too.
        patience_s
            How long the program may be out of order before its error is raised; ``None`` waits for ever.

        Returns
        -------
        Watch
            Messages in the order of their rows; one that comes into its chat late comes when it can.  Iterate
            over it, or call ``get`` or ``get_many``; ``cursor`` is the place behind the last message,
            ``status()`` tells how it goes.

        Raises
        ------
        AddressError
            `chat` matches no chat, or more than one.
        CursorMismatch
            `since` is the cursor of another database.
        InvalidParams
            `since` is nothing of the above; a ``ValueError`` too.

        Notes
        -----
        Nothing is lost while nobody reads, and little is held in memory: what does not fit is read again from
        the database.  A message is handed out as it is when it arrives; edits and receipts are not reported.

        Examples
        --------
        >>> with client.watch(since=0) as watch:  # doctest: +SKIP
        ...     for message in watch:
        ...         print(message.sender, message.text)
        """
        from imsg_sdk.client.watching.opening import make_feed
        from imsg_sdk.client.watching.watch import Watch

        feed = make_feed(
            self._core,
            chat,
            since=since,
            participants=participants,
            from_me=from_me,
            include_reactions=include_reactions,
            attachments=attachments,
            patience_s=patience_s,
        )
        return Watch(self, feed)._start()

    def bridge_events(self) -> BridgeEvents:
        """Return what the bridge notices beside messages as it happens: typing, read receipts and the like.

        Returns
        -------
        BridgeEvents
            Records with ``event``, ``at`` and ``data``, as the program names them.  Iterate over it, or call
            ``get`` or ``get_many``.  What happened while nobody listened is not told.

        Raises
        ------
        Unsupported
            The program has no bridge, or it does not run.
        """
        from imsg_sdk.client.watching.events import BridgeEvents, EventStream

        return BridgeEvents(self, EventStream(self._core))._start()
