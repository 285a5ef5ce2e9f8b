"""Watching in an event loop: the part of :class:`imsg_sdk.AsyncIMessageClient` that waits for what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsg_sdk.arguments import People
from imsg_sdk.client.base import BaseClient
from imsg_sdk.client.targets import Targets

if TYPE_CHECKING:
    from imsg_sdk.client.watching.aio import AsyncWatch
    from imsg_sdk.client.watching.events import AsyncBridgeEvents
    from imsg_sdk.client.watching.opening import Since

__all__ = ["AsyncWatching"]


class AsyncWatching(BaseClient):
    """Verbs that hand out what comes, as it comes; those of :class:`SyncWatching`, awaited."""

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
    ) -> AsyncWatch:
        """Return messages as they arrive; not a coroutine.  See `IMessageClient.watch`.

        Returns
        -------
        AsyncWatch
            For ``async for``, or ``await`` on ``get`` and ``get_many``.  It finds its place when it is first
            awaited, so ``since=None`` means then: by ``async with``, ``start()`` or the first message.
        """
        from imsg_sdk.client.watching.aio import AsyncWatch
        from imsg_sdk.client.watching.opening import make_feed

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
        return AsyncWatch(self, feed)

    def bridge_events(self) -> AsyncBridgeEvents:
        """Return what the bridge notices as it happens; not a coroutine.  See `IMessageClient.bridge_events`.

        Returns
        -------
        AsyncBridgeEvents
            For ``async for``, or ``await`` on ``get`` and ``get_many``.  It begins when it is first awaited.
        """
        from imsg_sdk.client.watching.events import AsyncBridgeEvents, EventStream

        return AsyncBridgeEvents(self, EventStream(self._core))
