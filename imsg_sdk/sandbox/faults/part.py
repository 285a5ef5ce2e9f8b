"""How faults take part in a child of the sandbox: they are asked at every request, notification, row and operation.

What is switched on, and how often it struck, is in the world's file; a process looks there again whenever another one
has changed it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from imsg_sdk.sandbox.faults.catalogue import describe, read_fault
from imsg_sdk.sandbox.faults.fault import Fault, Outlet, Play, of_message, of_request
from imsg_sdk.sandbox.faults.files import bring_back
from imsg_sdk.sandbox.faults.listed import OWN, TABLE, switch_on
from imsg_sdk.sandbox.faults.rows import GhostRow, write_preview
from imsg_sdk.sandbox.faults.when import Count, Event, may_strike, strike
from imsg_sdk.sandbox.world.child import Part, Parts
from imsg_sdk.sandbox.world.sender import Perform, Result
from imsg_sdk.sandbox.world.world import Placement, World
from imsg_sdk.server.extension import Handled, Next
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests.envelope import Request
from imsg_sdk.server.senders import Operation

__all__ = ["Faults"]


class Faults(Part):
    """All faults that are switched on in the world of a child."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.outlet = Outlet()
        self.here = threading.local()
        self.silent: set[int] = set()
        self.opened_us: dict[int, int] = {}
        self._opened: dict[int, frozenset[int]] = {}
        self._plays: dict[int, _Play] = {}
        self._version: int | None = None
        self._lock = parts.world.state.lock
        parts.writer.pieces = self.outlet.pieces
        self._join(parts.world)
        self._around = parts.senders.around
        parts.senders.around = self._perform
        methods = parts.control.methods
        methods["sandbox.fault"] = self._add
        methods["sandbox.faults"] = self._list
        methods["sandbox.clear_faults"] = self._clear
        methods["sandbox.fault_kinds"] = lambda _: {"faults": describe()}

    def _join(self, world: World) -> None:
        self._placing = world.placing
        world.placing = self._place
        world.kinds["fault"] = lambda _, args: self._begin(args["id"])
        world.kinds["fault.deed"] = lambda _, args: self._carry_out(args["id"])
        world.kinds["fault.preview"] = write_preview
        world.kinds["fault.back"] = bring_back
        world.kinds["fault.perform"] = lambda _, args: self._late(args)

    # ---- the list --------------------------------------------------------------------------------------------------

    def plays(self) -> list[_Play]:
        """Return what is switched on, in its order."""
        state = self.parts.world.state
        with self._lock:
            version = state.version_of_all()
            if version != self._version:
                self._version = version
                self._read()
            return list(self._plays.values())

    def _read(self) -> None:
        found: dict[int, _Play] = {}
        for number, value in self.parts.world.state.listed(TABLE):
            before = self._plays.get(number)
            found[number] = before or _Play(self, number, value)
            found[number].value = value
        self._plays = found

    def _add(self, params: dict[str, Any]) -> dict[str, Any]:
        options = dict(params)
        name = options.pop("name")
        try:
            fault = read_fault(name, options)
        except (msgspec.ValidationError, ValueError) as error:
            raise RpcError.invalid_params(str(error)) from None
        number = switch_on(self.parts.world.state, name, options)
        if fault.IS_DEED and fault.method is None and fault.in_s <= 0:
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
        if play is None or not play.claims(Event("deed"), named=()):
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

    def _play(self, number: int) -> _Play | None:
        return next((play for play in self.plays() if play.number == number), None)

    # ---- requests --------------------------------------------------------------------------------------------------

    def call(self, request: Request, go_on: Next) -> Handled:
        """Let every fault take part in a request."""
        self.outlet.clear()
        self.here.request = request
        plays = self.plays()
        if not plays:
            return self._noting(request, go_on)
        for play in reversed(plays):
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

    def _struck(self, play: _Play, number: int, params: list[Any]) -> list[Any]:
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
        self._placing(placement)
        for play in self.plays():
            if isinstance(play.fault, GhostRow):
                play.fault.haunt(play, placement)
            elif play.overrides("on_row") and play.claims(_of_row(placement)):
                play.fault.on_row(play, placement)

    def _perform(self, operation: Operation, go_on: Perform) -> Result:
        go_on = _through(self._around, go_on)
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


class _Play(Play):
    """One fault that is switched on, in one process."""

    def __init__(self, faults: Faults, number: int, value: dict[str, Any]) -> None:
        parts = faults.parts
        self._faults = faults
        self.number = number
        self.value = value
        self.fault: Fault = read_fault(value["name"], {name: each for name, each in value.items() if name not in OWN})
        self.dialect = parts.dialect
        self.world = parts.world
        self.agenda = parts.agenda
        self.senders = parts.senders
        self.source = parts.source
        self.outlet = faults.outlet
        self.local = {}

    @property
    def request(self) -> Request | None:  # type: ignore[override]
        return getattr(self._faults.here, "request", None)

    def overrides(self, name: str) -> bool:
        return getattr(type(self.fault), name) is not getattr(Fault, name)

    def claims(self, event: Event, named: tuple[str, ...] | None = None) -> bool:
        fault = self.fault
        if named is None and not fault.fits(event, fault.METHODS):
            return False
        if any(event.fields.get(name) != value for name, value in fault.FIELDS.items()):
            return False
        state = self.world.state
        if not may_strike(fault, self._count) or not fault.is_on(state.now_us(), self.value["since_us"]):
            return False
        with self.world.turn():
            stored = dict(state.listed(TABLE)).get(self.number)
            if stored is None:
                return False
            self.value = stored
            count = self._count
            is_struck = strike(fault, count, f"{state.get('seed', 0)}/{self.number}")
            self._store(count=msgspec.to_builtins(count))
        return is_struck

    @property
    def _count(self) -> Count:
        return msgspec.convert(self.value.get("count", {}), Count)

    def _store(self, **values: Any) -> None:
        self.value = {**self.value, **values}
        self.world.state.replace(TABLE, self.number, self.value)

    def remember(self, **notes: Any) -> None:
        self._store(notes={**self.value.get("notes", {}), **notes})

    def recall(self, name: str, default: Any = None) -> Any:
        return self.value.get("notes", {}).get(name, default)

    def is_listed(self) -> bool:
        return any(play.number == self.number for play in self._faults.plays())

    def end(self, number: int, *lines: bytes) -> None:
        self._faults.silent.add(number)
        text = b"".join(lines)
        if text:
            self.outlet.shape(lambda pieces: iter((*pieces, text)))

    def opened_us(self, number: int) -> int:
        return self._faults.opened_us.get(number, 0)

    def is_older(self, number: int) -> bool:
        return self._faults.is_older(number, self.number)

    def wait(self, seconds: float) -> None:
        try:
            self.agenda.wait(seconds)
        except TimeoutError:
            raise RpcError.busy("server is shutting down") from None

    def wait_for_ever(self) -> None:
        try:
            self.agenda.wait_until(lambda: not self.is_listed())
        except TimeoutError:
            raise RpcError.busy("server is shutting down") from None

    def joined(self, go_on: Next) -> Next:
        fault = self.fault

        def call(request: Request) -> Handled:
            if fault.IS_DEED and fault.method is not None and self.claims(of_request(request)):
                with self.world.turn():
                    self.remember(done=True)
                with self.world.turn():
                    fault.deed(self)
            if self.overrides("on_request") and self.claims(of_request(request)):
                return fault.on_request(self, request, go_on)
            return fault.beside_request(self, request, go_on)

        return call

    def joined_to_sending(self, go_on: Perform) -> Perform:
        fault = self.fault

        def perform(operation: Operation) -> Result:
            if self.overrides("on_send") and self.claims(_of_operation(operation)):
                return fault.beside_send(self, operation, lambda each: fault.on_send(self, each, go_on))
            return fault.beside_send(self, operation, go_on)

        return perform


def _through(around: Callable[[Operation, Perform], Result], go_on: Perform) -> Perform:
    return lambda operation: around(operation, go_on)


def _of_operation(operation: Operation) -> Event:
    values, row = operation.values, operation.target.row
    text = values.get("text")
    return Event(
        operation.method, values, text if isinstance(text, str) else None, None if row is None else row.chat_id
    )


def _of_row(placement: Placement) -> Event:
    from imsg_sdk.chatdb.imsg_text import decode_body

    message = placement.message
    text = message.text
    if text is None and message.attributed_body:
        text = decode_body(message.attributed_body)
    fields = {"guid": message.guid, "is_from_me": bool(message.is_from_me), "service": message.service}
    return Event("row", fields, text, placement.chat.rowid)
