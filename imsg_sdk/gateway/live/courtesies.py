"""What is polite and never necessary: marking a chat read, and showing that an answer is being written.

Both need the bridge.  Where they fail, the log says so once and the message is handled all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from imsg_sdk.errors import ImsgError, Unsupported
from imsg_sdk.gateway.live.ports import Program

__all__ = ["Courtesies"]

_log = logging.getLogger("imsg_sdk.gateway")

_REPEAT_S: Final = 8.0
_LONGEST_S: Final = 600.0
_SLOW_S: Final = 2.0


class Courtesies:
    """Read receipts and typing, for messages that are handled.

    Parameters
    ----------
    program
        Who does it.
    marks_read, shows_typing
        What is wanted.
    """

    def __init__(self, program: Program, *, marks_read: bool, shows_typing: bool) -> None:
        self._program = program
        self._marks_read = marks_read
        self._shows_typing = shows_typing
        self._tasks: set[asyncio.Task[None]] = set()
        self._has_complained = False

    @asynccontextmanager
    async def around(self, chat_id: int | None, *, is_group: bool) -> AsyncIterator[None]:
        """Be polite while a message is handled."""
        if chat_id and self._marks_read:
            self._begin(self._program.mark_read(chat_id))
        if not chat_id or is_group or not self._shows_typing:
            yield
            return
        typing = self._begin(self._type(chat_id))
        try:
            yield
        finally:
            typing.cancel()
            # Stopped before the answer goes out, unless the bridge is slow.
            await asyncio.wait({typing}, timeout=_SLOW_S)

    def cancel(self) -> None:
        """Give up what is still under way."""
        for task in self._tasks:
            task.cancel()

    def _begin(self, polite: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._try(polite))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _try(self, polite: Coroutine[Any, Any, None]) -> None:
        try:
            await polite
        except Unsupported:
            self._marks_read = self._shows_typing = False
            _log.warning("read receipts and typing do not work here: the program cannot do them")
        except ImsgError as error:
            if not self._has_complained:
                self._has_complained = True
                _log.warning("read receipts and typing failed: %s", type(error).__name__)

    async def _type(self, chat_id: int) -> None:
        try:
            for _ in range(round(_LONGEST_S / _REPEAT_S)):
                await self._program.show_typing(chat_id, is_typing=True)
                await asyncio.sleep(_REPEAT_S)
        finally:
            await self._program.show_typing(chat_id, is_typing=False)
