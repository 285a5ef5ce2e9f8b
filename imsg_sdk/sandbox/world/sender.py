"""Who carries out mutations in the sandbox: Messages by AppleScript, and the bridge where there is one.

Most processes only read, so what acting takes is loaded when it is first needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from imsg_sdk.sandbox.world.world import World
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests import tables
from imsg_sdk.server.senders import NoMessages, Operation

if TYPE_CHECKING:
    from imsg_sdk.sandbox.world.sending import Sending

__all__ = ["WorldSenders"]

Result = dict[str, Any]
Perform = Callable[[Operation], Result]

_EVENTS: Final = "bridge.events.subscribe"
_ALL: Final = (*tables.MUTATIONS, *tables.ALIASES, _EVENTS)
_WITHOUT_BRIDGE: Final = ("send",)


class WorldSenders:
    """Carries out operations in a world.

    Parameters
    ----------
    world
        Where they happen.
    dialect
        Decides how results are told.
    """

    def __init__(self, world: World, dialect: Dialect) -> None:
        self.around: Callable[[Operation, Perform], Result] = lambda operation, go_on: go_on(operation)
        self.following: Callable[[int, int], None] = lambda *_: None
        self._world = world
        self._dialect = dialect
        self._nobody = NoMessages(dialect)
        self._sending: Sending | None = None

    @property
    def has_bridge(self) -> bool:
        """Whether there is a bridge at this moment."""
        return bool(self._world.state.get("bridge", True)) and self._has_messages

    @property
    def _has_messages(self) -> bool:
        return bool(self._world.state.get("messages", True))

    @property
    def bridge(self) -> Result:
        """The ``bridge`` block of ``initialize`` and ``status``."""
        if not self.has_bridge:
            return self._nobody.bridge
        selectors = {"clientMessageGuidReservation": True, "editMessageItem": True, "retractMessagePart": True}
        ready = {"ready": True, "bridge_version": 2, "v2_ready": True, "registry_available": True}
        return ready | {"selectors": selectors}

    @property
    def supported(self) -> tuple[str, ...]:
        """Methods that a Mac has and a machine without Messages has not."""
        return _ALL if self._dialect is Dialect.V1 and self._has_messages else ()

    @property
    def methods(self) -> tuple[str, ...]:
        """Those that work now."""
        return self.supported if self.has_bridge else _WITHOUT_BRIDGE if self._has_messages else ()

    def follow_events(self, number: int, buffer_limit: int) -> None:
        """Report what the bridge notices as subscription `number`."""
        self.following(number, buffer_limit)

    def perform(self, operation: Operation) -> Result:
        """Carry out `operation`."""
        return self.around(operation, self._perform)

    def _perform(self, operation: Operation) -> Result:
        """Carry out `operation` in one turn; what was written before a refusal stays."""
        with self._world.turn():
            self._world.sent.clear()
            try:
                result = self._do(operation)
            except RpcError as error:
                self._note(operation, {}, refused=error.code)
                refused = error
            else:
                self._note(operation, result)
                return result
        raise refused

    def _note(self, operation: Operation, result: Result, *, refused: int | None = None) -> None:
        """Keep what the owner did, for whoever wants to know what was sent."""
        values, target, sent = operation.values, operation.target, self._world.sent
        kept = {name: value for name, value in values.items() if value not in (None, "", [], ())}
        act = {"method": operation.method, "at_us": self._world.state.now_us(), "to": target.to, "values": kept}
        act |= {"chat_id": target.row.chat_id if target.row else None, "refused": refused}
        act["guid"] = result.get("guid", result.get("message_guid"))
        if sent:
            act |= {"guid": sent[0].guid, "chat_id": sent[0].chat.rowid, "service": sent[0].service}
            act |= {"rowid": sent[0].rowid, "rowids": [post.rowid for post in sent]}
        self._world.state.add("act", act)

    def _do(self, operation: Operation) -> Result:
        if not self._has_messages:
            return self._nobody.perform(operation)
        if self._sending is None:
            from imsg_sdk.sandbox.world.sending import Sending

            self._sending = Sending(self._world, self._dialect)
        return self._sending.perform(operation, has_bridge=self.has_bridge)
