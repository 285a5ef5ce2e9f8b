"""How faults take part in a child of the sandbox: they are asked at every request, notification, row and operation.

What is switched on, and how often it struck, is in the world's file; a process looks there again whenever another one
has changed it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from imsg_sdk.sandbox.faults.fault import Outlet, of_message, of_row
from imsg_sdk.sandbox.faults.listed import OWN, TABLE, switch_on
from imsg_sdk.sandbox.faults.play import Play
from imsg_sdk.sandbox.world.sender import Perform, Result
from imsg_sdk.sandbox.world.world import Placement, World
from imsg_sdk.server.extension import Handled, Next
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests.envelope import Request
from imsg_sdk.server.senders import Operation

if TYPE_CHECKING:
    from imsg_sdk.sandbox.world.child import Parts

__all__ = ["Faults"]


class Faults:
    """All faults that are switched on in the world of a child."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.outlet = Outlet()
        self.here = threading.local()
        self.silent: set[int] = set()
        self.opened_us: dict[int, int] = {}
        self._opened: dict[int, frozenset[int]] = {}
        self._plays: dict[int, Play] = {}
        self._version: int | None = None
        self._lock = parts.world.state.lock
        parts.writer.pieces = self.outlet.pieces
        self._join(parts.world)
        parts.senders.around = self._perform
        methods = parts.control.methods
        methods["sandbox.fault"] = self._add
        methods["sandbox.faults"] = self._list
        methods["sandbox.clear_faults"] = self._clear
        methods["sandbox.fault_kinds"] = _describe
        parts.control.keys |= {"sandbox.faults": (), "sandbox.clear_faults": ("id",), "sandbox.fault_kinds": ()}

    def _join(self, world: World) -> None:
        world.placing = self._place
        world.kinds["fault"] = lambda _, args: self._begin(args["id"])
        world.kinds["fault.deed"] = lambda _, args: self._carry_out(args["id"])
        world.kinds["fault.preview"] = _write_preview
        world.kinds["fault.back"] = _bring_back
        world.kinds["fault.perform"] = lambda _, args: self._late(args)

    # ---- the list --------------------------------------------------------------------------------------------------

    def plays(self) -> list[Play]:
        """Return what is switched on, in its order."""
        state = self.parts.world.state
        with self._lock:
            version = state.version_of_all()
            if version != self._version:
                self._version = version
                self._read()
            return list(self._plays.values())

    def _read(self) -> None:
        found: dict[int, Play] = {}
        for number, value in self.parts.world.state.listed(TABLE):
            before = self._plays.get(number)
            found[number] = before or Play(self, number, value)
            found[number].value = value
        self._plays = found

    def _add(self, params: dict[str, Any]) -> dict[str, Any]:
        options = dict(params)
        name = options.pop("name")
        number, fault = switch_on(self.parts.world.state, name, options)
        if fault.is_by_itself and fault.in_s <= 0:
            self._prepare(number)
            self._carry_out(number)
        return {"id": number}

    def _list(self, _: dict[str, Any]) -> dict[str, Any]:
        shown = []
        for number, value in self.parts.world.state.listed(TABLE):
            count = value.get("count", {})
            options = {name: each for name, each in value.items() if name not in OWN}
            shown.append(
                {
                    "id": number,
                    "name": value["name"],
                    "options": options,
                    "since_us": value["since_us"],
                    "seen": count.get("seen", 0),
                    "fired": count.get("fired", 0),
                }
            )
        return {"faults": shown}

    def _clear(self, params: dict[str, Any]) -> dict[str, Any]:
        state = self.parts.world.state
        with self.parts.world.turn():
            state.remove(TABLE, params.get("id"))
            for entry in state.entries():
                if entry.kind == "fault" and params.get("id") in (None, entry.args["id"]):
                    state.take(entry)
        return {"ok": True}

    def _prepare(self, number: int) -> bool:
        """Say that a deed is done, before it is: who notices it looks here."""
        play = self._play(number)
        if play is None or not play.strikes():
            return False
        with self.parts.world.turn():
            play.remember(done=True)
        return True

    def _carry_out(self, number: int) -> dict[str, Any]:
        play = self._play(number)
        if play is not None and play.recall("done"):
            with self.parts.world.turn():
                play.fault.deed(play)
        return {}

    def _begin(self, number: int) -> dict[str, Any]:
        """Carry out a deed in two turns."""
        if self._prepare(number):
            self.parts.world.after(0, "fault.deed", id=number)
        return {}

    def _play(self, number: int) -> Play | None:
        return next((play for play in self.plays() if play.number == number), None)

    # ---- requests --------------------------------------------------------------------------------------------------

    def call(self, request: Request, go_on: Next) -> Handled:
        """Let every fault take part in a request."""
        self.outlet.clear()
        self.here.request = request
        for play in reversed(self.plays()):
            go_on = play.joined(go_on)
        return self._noting(request, go_on)

    def _noting(self, request: Request, go_on: Next) -> Handled:
        """Keep what struck before a subscription was opened."""
        result, then = go_on(request)
        if request.method == "watch.subscribe" and isinstance(result, dict):
            done = frozenset(play.number for play in self.plays() if play.recall("done"))
            self._opened[result["subscription"]] = done
            self.opened_us[result["subscription"]] = self.parts.world.state.now_us()
        return result, then

    def is_older(self, number: int, fault: int) -> bool:
        """Return whether a subscription was opened before a fault had struck."""
        return fault not in self._opened.get(number, frozenset())

    # ---- notifications ---------------------------------------------------------------------------------------------

    def notify(self, number: int, method: str, params: list[Any]) -> list[Any]:
        """Let every fault take part in notifications."""
        self.outlet.clear()
        if number in self.silent:
            return []
        plays = self.plays()
        if method == "error":
            for play in plays:
                params = play.fault.beside_error(play, number, params)
        if method != "message":
            return params
        for play in plays:
            params = play.fault.beside_messages(play, number, params)
            params = self._struck(play, number, params)
        return params

    def _struck(self, play: Play, number: int, params: list[Any]) -> list[Any]:
        if not play.overrides("on_message"):
            return params
        kept: list[Any] = []
        for each in params:
            if number in self.silent:
                break
            kept += play.fault.on_message(play, number, each) if play.claims(of_message(each)) else [each]
        return kept

    # ---- the world -------------------------------------------------------------------------------------------------

    def _place(self, placement: Placement) -> None:
        for play in self.plays():
            play.fault.beside_row(play, placement)
            if play.overrides("on_row") and play.claims(of_row(placement)):
                play.fault.on_row(play, placement)

    def _perform(self, operation: Operation, go_on: Perform) -> Result:
        if getattr(self.here, "is_late", False):
            return go_on(operation)
        for play in reversed(self.plays()):
            go_on = play.joined_to_sending(go_on)
        return go_on(operation)

    def _late(self, args: dict[str, Any]) -> dict[str, Any]:
        """Carry out what was asked for some time ago."""
        from imsg_sdk.server.methods.mutations import Mutations

        parts = self.parts
        self.here.is_late = True
        try:
            mutations = Mutations(parts.source, dialect=parts.dialect, senders=parts.senders)
            return mutations.call(Request(None, args["method"], args["params"]))
        except RpcError as error:
            return {"refused": error.code}
        finally:
            self.here.is_late = False


def _write_preview(world: World, args: dict[str, Any]) -> dict[str, Any]:
    from imsg_sdk.sandbox.faults.rows import write_preview

    return write_preview(world, args)


def _bring_back(world: World, args: dict[str, Any]) -> dict[str, Any]:
    from imsg_sdk.sandbox.faults.files import bring_back

    return bring_back(world, args)


def _describe(_: dict[str, Any]) -> dict[str, Any]:
    from imsg_sdk.sandbox.faults.catalogue import describe

    return {"faults": describe()}
