"""From the outbox to the program: each chunk attempted once, in order, and settled.

An attempt is in the journal before the request is written.  What may have gone out is never sent again.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from imsg_sdk._time import Clock
from imsg_sdk.errors import ImsgError, SendFailed, SendRefused, SendUncertain, UsageError
from imsg_sdk.gateway.echo import SentCache
from imsg_sdk.gateway.live.media import Media, MediaError
from imsg_sdk.gateway.live.ports import Program
from imsg_sdk.gateway.state import Journal, Outbound, OutboxState
from imsg_sdk.models import SendResult

__all__ = ["Delivery"]

_log = logging.getLogger("imsg_sdk.gateway.delivery")

_OBSERVE: Final = "mode observe"
_WENT_OUT: Final = (OutboxState.OBSERVED, OutboxState.ACCEPTED)


class Delivery:
    """Sends what was planned.

    Parameters
    ----------
    journal, program, sent, media, clock
        Where it is noted, who sends, what is known as ours, what fetches files, and the time.
    expires_after
        Chunks planned longer ago are not sent any more.
    settled
        Told of every chunk that has come to its end.
    """

    def __init__(
        self,
        journal: Journal,
        program: Program,
        sent: SentCache,
        media: Media,
        clock: Clock,
        *,
        expires_after: timedelta,
        settled: Callable[[Outbound, OutboxState], None],
    ) -> None:
        self._journal = journal
        self._program = program
        self._sent = sent
        self._media = media
        self._clock = clock
        self._expires_after = expires_after
        self._settled = settled
        # The program sends one after the other.  A chunk that only waits for another has not been attempted.
        self._turn = asyncio.Lock()
        self.newest_rowid = 0
        """The newest row that was seen; what is sent comes after it."""

    async def deliver(self, chunks: Iterable[Outbound], lane: str) -> None:
        """Send chunks in order; where one of a reply fails, the rest of that reply is not sent."""
        broken: int | None = None
        for chunk in chunks:
            if chunk.reply == broken:
                self.skip((chunk,))
            elif not await self._send(chunk, lane):
                broken = chunk.reply

    def skip(self, chunks: Iterable[Outbound]) -> None:
        """Settle chunks whose reply has lost an earlier part."""
        for chunk in chunks:
            self._settle(chunk, OutboxState.SKIPPED, detail="an earlier part of the reply was not sent")

    def refuse(self, chunks: Iterable[Outbound]) -> None:
        """Settle chunks that are not to be sent, because the gateway only observes."""
        for chunk in chunks:
            self._settle(chunk, OutboxState.REFUSED, detail=_OBSERVE)

    async def _send(self, chunk: Outbound, lane: str) -> bool:
        if self._clock.now() - chunk.planned_at > self._expires_after:
            self._settle(chunk, OutboxState.EXPIRED, detail="planned too long ago")
            return False
        try:
            request, chat_guid = _request(chunk)
            async with self._media.ready(request) as params, self._turn:
                return await self._attempt(chunk, params, chat_guid, lane)
        except MediaError as error:
            self._settle(chunk, OutboxState.FAILED, detail=error.message)
            return False

    async def _attempt(self, chunk: Outbound, params: Mapping[str, Any], chat_guid: str | None, lane: str) -> bool:
        attempt_id = str(uuid.uuid4())
        after_rowid = max(self.newest_rowid, chunk.answers_rowid or 0)
        attempted = self._journal.attempting(chunk, attempt_id=attempt_id, after_rowid=after_rowid)
        if attempted is None:
            return False  # it was settled meanwhile, such as by erasing its person
        ticket = self._sent.begin(lane, params.get("text", ""))
        self._journal.reached("send:before")
        seen: SendResult | None = None
        try:
            seen = await self._program.deliver(params, attempt_id=attempt_id, chat_guid=chat_guid)
            state, detail = OutboxState(str(seen.state)), ""
        except SendRefused as error:
            state, detail = OutboxState.REFUSED, error.message
        except (SendFailed, UsageError) as error:
            state, detail = OutboxState.FAILED, error.message
            # One that stands in the chat as not delivered is ours all the same.
            seen = next(iter(getattr(error, "sent", ())), None)
        except SendUncertain as error:
            state, detail = OutboxState.UNCERTAIN, error.message
        except ImsgError as error:
            # None that a send may raise: then nobody knows, and nothing is repeated.
            state, detail = OutboxState.UNCERTAIN, type(error).__name__
        self._journal.reached("send:after")
        if seen is None and state is not OutboxState.UNCERTAIN:
            self._sent.forget(ticket)
        else:
            ids = (None, None) if seen is None else (seen.guid, seen.rowid)
            self._sent.settle(ticket, self._clock.monotonic(), ids)
        self._settle(chunk, state, seen, detail=detail)
        return state in _WENT_OUT

    def _settle(
        self, chunk: Outbound, state: OutboxState, result: SendResult | None = None, *, detail: str = ""
    ) -> None:
        guid, rowid = (None, None) if result is None else (result.guid, result.rowid)
        self._journal.settle(chunk, state, guid=guid, rowid=rowid, detail=detail)
        if state not in _WENT_OUT:
            _log.warning("chunk %d of chat %s: %s", chunk.id, chunk.chat_id, state)
        self._settled(chunk, state)

    async def look_back(self, chunks: Iterable[Outbound]) -> None:
        """Settle chunks that were being attempted when the process ended, from the history; send nothing."""
        for chunk in chunks:
            found = await self._found(chunk)
            if found is None:
                self._settle(chunk, OutboxState.UNCERTAIN, detail="the process ended while it was being sent")
            else:
                self._settle(chunk, OutboxState.OBSERVED, found)

    async def _found(self, chunk: Outbound) -> SendResult | None:
        try:
            request, _ = _request(chunk)
            return await self._program.settle(
                request,
                after_rowid=chunk.after_rowid or 0,
                attempt_id=chunk.attempt_id,
                claimed=self._journal.claimed(chunk.chat_id),
            )
        except ImsgError as error:
            _log.warning("chunk %d cannot be looked up: %s", chunk.id, type(error).__name__)
            return None


def _request(chunk: Outbound) -> tuple[dict[str, Any], str | None]:
    """Return the parameters of a chunk's request, and which chat its number was when it was planned."""
    request = dict(chunk.params)
    return request, request.pop("chat_guid", None) if "chat_id" in request else None
