"""The client for code that runs in an event loop: the same verbs, awaited, as records.

The children are served by threads, as in the sync client; a coroutine only waits for their futures.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any, Self

from imsg_sdk.arguments import People, TimeLike, checked_limit
from imsg_sdk.client import history
from imsg_sdk.client.aio_actions import AsyncActions
from imsg_sdk.client.aio_watching import AsyncWatching
from imsg_sdk.client.awaiting import run_async
from imsg_sdk.client.core import Progress
from imsg_sdk.client.filters import make_filter
from imsg_sdk.client.targets import ChatLike, Targets
from imsg_sdk.columns import ATTACHMENTS, REACTIONS
from imsg_sdk.models import (
    Attachment,
    Chat,
    Edit,
    Message,
    Participant,
    Reaction,
    ScheduledMessage,
    SendStatus,
    Stats,
)

if TYPE_CHECKING:
    from imsg_sdk.client.doctor import Probe, Report

__all__ = ["AsyncIMessageClient"]


class AsyncIMessageClient(AsyncWatching, AsyncActions):
    """Apple Messages through a child process, as records; the twin of :class:`imsg_sdk.IMessageClient`.

    Parameters are those of the sync class.  Every coroutine may be awaited from any running asyncio loop,
    uvloop's too, and cancelled: the request is forgotten and the client goes on working.
    """

    async def connect(self) -> Self:
        """Start the child now.  See `IMessageClient.connect`."""
        await run_async(self._core.session())
        return self

    async def close(self) -> None:
        """End the children, without blocking the loop.  See `IMessageClient.close`."""
        await asyncio.to_thread(self._close)

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def probe(self) -> Probe:
        """Return what the program is and can do.  See `IMessageClient.probe`."""
        from imsg_sdk.client.doctor import probe

        return await run_async(probe(self._core))

    async def doctor(self) -> Report:
        """Check step by step what is needed.  See `IMessageClient.doctor`."""
        from imsg_sdk.client.doctor import examine

        return await run_async(examine(self._core))

    async def chats(self, limit: int | None = None, *, unread_only: bool = False) -> tuple[Chat, ...]:
        """Return chats.  See `IMessageClient.chats`.

        Returns
        -------
        tuple of Chat
            Most recent first.
        """
        plan = history.list_chats(self._core, limit=checked_limit(limit), unread_only=unread_only)
        return tuple(await run_async(plan))

    async def chat(self, target: ChatLike) -> Chat:
        """Return one chat.  See `IMessageClient.chat`."""
        return await run_async(self._core.chat(target))

    async def participants(self, chat: Targets = None) -> tuple[Participant, ...]:
        """Return who is in which chat.  See `IMessageClient.participants`.

        Returns
        -------
        tuple of Participant
            One per person and chat.
        """
        return tuple(await run_async(history.list_participants(self._core, chat)))

    async def messages(
        self,
        chat: Targets = None,
        *,
        since: TimeLike | None = None,
        until: TimeLike | None = None,
        participants: People | None = None,
        text: str | None = None,
        from_me: bool | None = None,
        limit: int | None = 200,
        attachments: bool = False,
        include: str | Iterable[str] = (),
        progress: Progress | None = None,
    ) -> tuple[Message, ...]:
        """Return messages.  See `IMessageClient.messages`; `progress` is a function or None here.

        Returns
        -------
        tuple of Message
            Oldest first, with their tapbacks, and their attachments if asked for.
        """
        wanted = make_filter(
            limit, since=since, until=until, participants=participants, text=text, from_me=from_me, include=include
        )
        return tuple(
            await run_async(history.messages(self._core, chat, wanted, attachments=attachments, progress=progress))
        )

    async def reactions(
        self,
        chat: Targets = None,
        *,
        since: TimeLike | None = None,
        until: TimeLike | None = None,
        participants: People | None = None,
        text: str | None = None,
        from_me: bool | None = None,
        limit: int | None = 200,
        include: str | Iterable[str] = (),
        progress: Progress | None = None,
    ) -> tuple[Reaction, ...]:
        """Return tapbacks.  See `IMessageClient.reactions`.

        Returns
        -------
        tuple of Reaction
            In the order of their messages.
        """
        wanted = make_filter(
            limit, since=since, until=until, participants=participants, text=text, from_me=from_me, include=include
        )
        found = await run_async(history.messages(self._core, chat, wanted, progress=progress))
        return tuple(history.children(REACTIONS, found))

    async def attachments(
        self,
        chat: Targets = None,
        *,
        since: TimeLike | None = None,
        until: TimeLike | None = None,
        participants: People | None = None,
        text: str | None = None,
        from_me: bool | None = None,
        limit: int | None = 200,
        include: str | Iterable[str] = (),
        progress: Progress | None = None,
    ) -> tuple[Attachment, ...]:
        """Return attachments.  See `IMessageClient.attachments`.

        Returns
        -------
        tuple of Attachment
            In the order of their messages.
        """
        wanted = make_filter(
            limit, since=since, until=until, participants=participants, text=text, from_me=from_me, include=include
        )
        found = await run_async(history.messages(self._core, chat, wanted, attachments=True, progress=progress))
        return tuple(history.children(ATTACHMENTS, found))

    async def edits(
        self,
        chat: Targets = None,
        *,
        since: TimeLike | None = None,
        until: TimeLike | None = None,
        participants: People | None = None,
        text: str | None = None,
        from_me: bool | None = None,
        limit: int | None = 200,
        include: str | Iterable[str] = (),
        progress: Progress | None = None,
    ) -> tuple[Edit, ...]:
        """Return versions of edited messages.  See `IMessageClient.edits`.

        Returns
        -------
        tuple of Edit
            One per version.
        """
        wanted = make_filter(
            limit, since=since, until=until, participants=participants, text=text, from_me=from_me, include=include
        )
        return tuple(await run_async(history.list_edits(self._core, chat, wanted, progress=progress)))

    async def message(self, guid: str) -> Message:
        """Return one message.  See `IMessageClient.message`."""
        return await run_async(history.message(self._core, guid))

    async def search(self, text: str, *, exact: bool = False, limit: int | None = 50) -> tuple[Message, ...]:
        """Return messages that hold a text.  See `IMessageClient.search`.

        Returns
        -------
        tuple of Message
            The newest `limit`, oldest first.
        """
        plan = history.search_messages(self._core, text, exact=exact, limit=checked_limit(limit))
        return tuple(await run_async(plan))

    async def iter_messages(
        self,
        chat: Targets = None,
        *,
        since: TimeLike | None = None,
        until: TimeLike | None = None,
        participants: People | None = None,
        text: str | None = None,
        from_me: bool | None = None,
        limit: int | None = None,
        attachments: bool = False,
        include: str | Iterable[str] = (),
    ) -> AsyncIterator[Message]:
        """Yield messages without holding them all.  See `IMessageClient.iter_messages`."""
        wanted = make_filter(
            limit, since=since, until=until, participants=participants, text=text, from_me=from_me, include=include
        )
        pieces = history.Pieces(self._core, chat, wanted, attachments=attachments)
        while (piece := await run_async(pieces.next())) is not None:
            for message in piece:
                yield message

    async def stats(
        self, chat: ChatLike | None = None, *, include_media: bool = False, time_zone: str | None = None
    ) -> Stats:
        """Return counts.  See `IMessageClient.stats`."""
        return await run_async(self._core.stats(chat, include_media=include_media, time_zone=time_zone))

    async def scheduled(self, limit: int | None = None) -> tuple[ScheduledMessage, ...]:
        """Return messages that wait to be sent later.  See `IMessageClient.scheduled`."""
        return tuple(await run_async(self._core.scheduled(limit=checked_limit(limit))))

    async def send_status(self, guid: str) -> SendStatus:
        """Return what the database knows of a sent message.  See `IMessageClient.send_status`."""
        return await run_async(self._core.send_status(guid))

    async def call(self, method: str, params: dict[str, Any] | None = None, *, timeout_s: float | None = None) -> Any:
        """Send any request as it is.  See `IMessageClient.call`."""
        return await run_async(self._core.call(method, params, timeout_s=timeout_s))
