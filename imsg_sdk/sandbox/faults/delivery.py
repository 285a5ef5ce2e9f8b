"""Sends of which nobody can say whether they arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from imsg_sdk.rpc import protocol
from imsg_sdk.sandbox.faults.fault import SENDS, Fault
from imsg_sdk.sandbox.faults.play import Play
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.senders import Operation

if TYPE_CHECKING:
    from imsg_sdk.sandbox.world.sender import Perform, Result

__all__ = ["NoGuid", "UncertainDelivery"]

_TIMED_OUT: Final = "Messages got an error: AppleEvent timed out. (-1712)"
_NOT_ALLOWED: Final = "Not authorized to send Apple events to Messages. (-1743)"
_STILL: Final = "still_in_flight"
_TOLD: Final = frozenset({"id", "guid", "message_id"})


class UncertainDelivery(Fault, frozen=True, kw_only=True, tag="uncertain_delivery"):
    """Answers a send with an error that tells what may have become of it.

    ``disposition`` is ``may_have_completed``, ``still_in_flight`` (after which every further change is refused until
    the child ends) or ``not_started``.  ``arrives`` tells what really happens: true (at once), false (never), or in
    how many seconds of the world; of what was not started nothing arrives.

    Source: the failures of 0.14 and what they promise about a repetition; before 0.14 all three are one text.
    """

    METHODS: ClassVar[tuple[str, ...]] = SENDS
    disposition: Literal["may_have_completed", "still_in_flight", "not_started"] = "may_have_completed"
    arrives: bool | float = True
    detail: str | None = None

    def on_send(self, play: Play, operation: Operation, go_on: Perform) -> Result:
        """Send, or not, and say that nobody knows."""
        is_bridged = self._is_bridged(play, operation)
        if self.disposition != "not_started":
            self._arrive(play, operation, go_on)
        detail = self.detail or (_NOT_ALLOWED if self.disposition == "not_started" else _TIMED_OUT)
        if play.dialect is Dialect.LEGACY:
            raise RpcError.internal(f"AppleScript failed: {detail}")
        data = {
            "retry_safe": self.disposition == "not_started",
            "disposition": self.disposition,
            "transport": "bridge_v2" if is_bridged else "applescript",
            "operation": operation.verb if is_bridged else "send",
            "detail": detail,
        }
        if self.disposition == "not_started":
            raise RpcError(protocol.INTERNAL_ERROR, data, "Delivery failed before dispatch")
        if self.disposition == _STILL:
            play.local["blocked"] = data
        raise RpcError(protocol.OUTCOME_UNKNOWN, data)

    def beside_send(self, play: Play, operation: Operation, go_on: Perform) -> Result:
        """Refuse everything while the earlier one is in flight."""
        before = play.local.get("blocked")
        if before is None:
            return go_on(operation)
        text = (
            f"A prior {before['operation']} remains in flight. Restart the RPC child before sending another mutation."
        )
        raise RpcError(protocol.MUTATION_BLOCKED, {**before, "detail": text})

    def _arrive(self, play: Play, operation: Operation, go_on: Perform) -> None:
        if self.arrives is True:
            go_on(operation)
        elif self.arrives is not False and play.request is not None:
            method, params = play.request.method, play.request.params
            play.world.after(float(self.arrives), "fault.perform", method=method, params=params)

    @staticmethod
    def _is_bridged(play: Play, operation: Operation) -> bool:
        if operation.method != "send":
            return True
        wanted = operation.values["transport"].lower()
        return wanted == "bridge" or (
            wanted != "applescript" and play.senders.has_bridge and operation.target.is_known_chat
        )


class NoGuid(Fault, frozen=True, kw_only=True, tag="no_guid"):
    """Answers a send with nothing but ``ok``, though it was carried out.

    Source: 0.9 finds its own row by a column that recent systems leave empty, so ids are often missing there.
    """

    METHODS: ClassVar[tuple[str, ...]] = SENDS
    times: int | None = None

    def on_send(self, play: Play, operation: Operation, go_on: Perform) -> Result:
        """Send, and leave out which message it was."""
        result: dict[str, Any] = go_on(operation)
        return {name: value for name, value in result.items() if name not in _TOLD}
