"""Answers that come late, never, or as a refusal."""

from __future__ import annotations

from typing import Any, Literal

from imsg_sdk.rpc import protocol
from imsg_sdk.sandbox.faults.fault import Fault
from imsg_sdk.sandbox.faults.play import Play
from imsg_sdk.server.extension import Handled, Next
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests.envelope import Request

__all__ = ["Hang", "Refused", "Slow"]


class Slow(Fault, frozen=True, kw_only=True, tag="slow"):
    """Answers ``seconds`` of the world later; ``side`` tells whether the work is done before or after the wait.

    Source: AppleScript and large histories take their time, and before 0.14 everything else waits behind them.  A
    send that is carried out and answered late is the one that careless clients repeat.
    """

    seconds: float = 10.0
    side: Literal["before", "after"] = "before"

    def on_request(self, play: Play, request: Request, go_on: Next) -> Handled:
        """Wait before or after the work."""
        if self.side == "before":
            play.wait(self.seconds)
            return go_on(request)
        handled = go_on(request)
        play.wait(self.seconds)
        return handled


class Hang(Fault, frozen=True, kw_only=True, tag="hang"):
    """Does not answer until the fault is cleared; ``side`` as for ``slow``.

    Source: a dialog for permissions that nobody sees, a helper that does not return, programs started by launchd that
    never say their first word (name the method ``initialize`` for that).
    """

    side: Literal["before", "after"] = "before"

    def on_request(self, play: Play, request: Request, go_on: Next) -> Handled:
        """Wait for the end of the fault."""
        if self.side == "before":
            play.wait_for_ever()
            return go_on(request)
        handled = go_on(request)
        play.wait_for_ever()
        return handled


class Refused(Fault, frozen=True, kw_only=True, tag="refused"):
    """Answers with an error: ``code``, ``message`` and ``data`` as they travel.

    Source: the table of error codes of the protocol; without options it is the refusal of a busy server.
    """

    code: int = protocol.SERVER_BUSY
    data: Any = "outstanding request limit exceeded"
    message: str | None = None

    def on_request(self, play: Play, request: Request, go_on: Next) -> Handled:
        """Refuse."""
        known = self.message is not None or self.code in _NAMED
        raise RpcError(self.code, self.data, self.message if known else "Internal error")


_NAMED = frozenset(value for name, value in vars(protocol).items() if isinstance(value, int) and name.isupper())
