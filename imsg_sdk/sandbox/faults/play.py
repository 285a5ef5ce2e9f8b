"""What a fault has at hand while it takes part in a process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from imsg_sdk.sandbox.faults.fault import Fault, of_operation, of_request
from imsg_sdk.sandbox.faults.listed import OWN, TABLE
from imsg_sdk.sandbox.faults.when import Count, Event, may_strike, strike
from imsg_sdk.server.extension import Handled, Next
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests.envelope import Request
from imsg_sdk.server.senders import Operation

if TYPE_CHECKING:
    from imsg_sdk.sandbox.faults.part import Faults
    from imsg_sdk.sandbox.world.sender import Perform, Result

__all__ = ["Play"]


class Play:
    """One fault that is switched on, and what it has at hand in this process."""

    def __init__(self, faults: Faults, number: int, value: dict[str, Any]) -> None:
        from imsg_sdk.sandbox.faults.catalogue import read_fault  # all of them, which a child without any need not load

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
        self.local: dict[str, Any] = {}
        """Lives as long as the process."""

    @property
    def request(self) -> Request | None:
        """What this thread is working on."""
        return getattr(self._faults.here, "request", None)

    def overrides(self, name: str) -> bool:
        """Return whether the fault takes part at a place."""
        return getattr(type(self.fault), name) is not getattr(Fault, name)

    def claims(self, event: Event) -> bool:
        """Return whether the fault strikes an event, and count it."""
        fault = self.fault
        if not fault.fits(event, fault.METHODS):
            return False
        return all(event.fields.get(name) == value for name, value in fault.FIELDS.items()) and self.strikes()

    def strikes(self) -> bool:
        """Count an event that fits; return whether the fault strikes it."""
        fault, state = self.fault, self.world.state
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
        """Keep notes where every process of the world finds them."""
        self._store(notes={**self.value.get("notes", {}), **notes})

    def recall(self, name: str, default: Any = None) -> Any:
        """Return a note."""
        return self.value.get("notes", {}).get(name, default)

    def is_listed(self) -> bool:
        """Return whether the fault is still there."""
        return any(play.number == self.number for play in self._faults.plays())

    def end(self, number: int, *lines: bytes) -> None:
        """Let a subscription say nothing more, after some last lines."""
        self._faults.silent.add(number)
        text = b"".join(lines)
        if text:
            self.outlet.shape(lambda pieces: iter((*pieces, text)))

    def opened_us(self, number: int) -> int:
        """Return the instant at which a subscription was opened, in the world's time."""
        return self._faults.opened_us.get(number, 0)

    def is_older(self, number: int) -> bool:
        """Return whether a subscription was there before the fault struck."""
        return self._faults.is_older(number, self.number)

    def wait(self, seconds: float) -> None:
        """Wait in the world's time; raises RpcError where the process ends first."""
        try:
            self.agenda.wait(seconds)
        except TimeoutError:
            raise RpcError.busy("server is shutting down") from None

    def wait_for_ever(self) -> None:
        """Wait until the fault is cleared; raises RpcError where the process ends first."""
        try:
            self.agenda.wait_until(lambda: not self.is_listed())
        except TimeoutError:
            raise RpcError.busy("server is shutting down") from None

    def joined(self, go_on: Next) -> Next:
        """Return how a request goes on with the fault in between."""
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
        """Return how an operation goes on with the fault in between."""
        fault = self.fault

        def perform(operation: Operation) -> Result:
            if self.overrides("on_send") and self.claims(of_operation(operation)):
                return fault.beside_send(self, operation, lambda each: fault.on_send(self, each, go_on))
            return fault.beside_send(self, operation, go_on)

        return perform
