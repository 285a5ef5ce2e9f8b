"""What a Mac says that has a Messages but no bridge to it.

The refusals of a machine without Messages were seen; those that name the lock are the same here, as they come before
anything is asked of Messages.  Of the others only the beginning of the text was read in the sources, the rest is
assumed.
"""

from __future__ import annotations

from typing import Final

from imsg_sdk.sandbox.world.files import present
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.senders import NO_LOCK, NoMessages, Operation

__all__ = ["NoBridge"]

_NOT_READY: Final = "imsg bridge not ready: run imsg launch first"


class NoBridge(NoMessages):
    """Refuses what needs the bridge; plain sending is the business of others."""

    def perform(self, operation: Operation) -> dict[str, object]:
        """Refuse, in the words that fit."""
        if operation.method == "typing":
            raise RpcError.internal(f"Typing indicator failed: {_NOT_READY}")
        if operation.method == "send.attachment":
            present(operation.values["file"])
        if self._dialect is Dialect.LEGACY and operation.method != "handles.check":
            raise RpcError.internal(_NOT_READY)
        if operation.method in ("read", "send.attachment", "send.sticker"):
            raise RpcError.not_dispatched(operation.verb, NO_LOCK)
        return super().perform(operation)
