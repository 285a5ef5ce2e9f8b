"""What a caller holds of a watch: messages, the place behind them, and how it goes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from imsg_sdk.client.watching.cursor import encode_cursor
from imsg_sdk.client.watching.feed import Feed
from imsg_sdk.client.watching.reader import BaseReader, Reader
from imsg_sdk.client.watching.status import WatchStatus
from imsg_sdk.models import Message

if TYPE_CHECKING:
    from imsg_sdk.client.base import BaseClient

__all__ = ["BaseWatch", "Watch"]


class BaseWatch(BaseReader[Message]):
    """What both kinds of watch have beside their messages."""

    def __init__(self, client: BaseClient, feed: Feed) -> None:
        super().__init__(client, feed)
        self._feed = feed

    @property
    def cursor(self) -> str:
        """Return where the watch stands behind the last message that was handed out.

        Give it as ``since=`` to go on from there, after a restart too.  It holds row numbers, guids and dates of
        some rows, and no word of a message.  It moves on over messages that the filters leave out.
        """
        return encode_cursor(self._feed.place.cursor())

    @property
    def boundary_rowid(self) -> int | None:
        """Return the last row that was there before the watch went live; None while that is not known.

        Messages up to this row are the past, those behind it arrived while the watch was there.
        """
        return self._feed.boundary

    def status(self) -> WatchStatus:
        """Return how the watch is doing; from any thread, without waiting and without asking the child."""
        feed, place = self._feed, self._feed.place
        held = feed.n_held
        lag_s = max(place.waiting_s(), time.monotonic() - self._read_at if held else 0.0)
        return WatchStatus(
            state="closed" if self._is_closed else feed.state,
            last_rowid=place.last_rowid,
            handed_out=place.n_handed_out,
            waiting=place.n_ready + held,
            lag_s=lag_s,
            restarts=feed.n_restarts,
            resubscribed=feed.n_resubscribed,
            healed=place.n_healed,
            duplicates=place.n_duplicates,
            open_holes=len(place.holes),
            silent_since=feed.silent_since,
            last_heard_at=feed.heard_at,
            last_error=feed.last_error,
            failing_since=feed.failing_since,
        )

    def __repr__(self) -> str:
        status = self.status()
        return f"<{type(self).__name__}, {status.state}, {status.handed_out} messages, {status.waiting} waiting>"


class Watch(BaseWatch, Reader[Message]):
    """Messages as they arrive; what :meth:`imsg_sdk.IMessageClient.watch` returns.

    Iterate over it, or call :meth:`get` or :meth:`get_many`; several threads may, and each message goes to one.
    It has no thread of its own: it reads, catches up and starts its child anew while somebody waits for it.
    """
