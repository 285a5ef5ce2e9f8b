"""A program that shows everything and does nothing: what stands between an observing gateway and the real one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from imsg_sdk.errors import SendRefused
from imsg_sdk.gateway.live.ports import Inbox, Program
from imsg_sdk.models import SendResult

__all__ = ["ObservingProgram"]


class ObservingProgram:
    """Passes on what is read, and refuses whatever would be seen by others, whoever asks for it."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def __repr__(self) -> str:
        return f"<ObservingProgram over {self._program!r}>"

    @property
    def identity(self) -> str:
        """Return that of the program."""
        return self._program.identity

    @property
    def roots(self) -> tuple[str, ...]:
        """Return those of the program."""
        return self._program.roots

    def inbox(self, since: str | None, *, reactions: bool) -> Inbox:
        """Return the rows of the program."""
        return self._program.inbox(since, reactions=reactions)

    async def deliver(self, params: Mapping[str, Any], *, attempt_id: str, chat_guid: str | None = None) -> SendResult:
        """Refuse."""
        raise SendRefused("mode observe", hint='mode="live" sends')

    async def settle(
        self, params: Mapping[str, Any], *, after_rowid: int, attempt_id: str | None, claimed: Collection[str]
    ) -> SendResult | None:
        """Look, which is reading."""
        return await self._program.settle(params, after_rowid=after_rowid, attempt_id=attempt_id, claimed=claimed)

    async def mark_read(self, chat_id: int) -> None:
        """Do nothing: it could be seen."""

    async def show_typing(self, chat_id: int, *, is_typing: bool) -> None:
        """Do nothing: it could be seen."""

    async def close(self) -> None:
        """Let go of the program."""
        await self._program.close()
