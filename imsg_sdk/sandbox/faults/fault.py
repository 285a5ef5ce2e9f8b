"""What a fault is: conditions, and what is done to the events that it strikes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final

from imsg_sdk.sandbox.faults.when import Event, When
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.extension import Handled, Next
from imsg_sdk.server.requests.envelope import Request
from imsg_sdk.server.senders import Operation

if TYPE_CHECKING:
    from imsg_sdk.sandbox.world.agenda import Agenda
    from imsg_sdk.sandbox.world.sender import Perform, Result, WorldSenders
    from imsg_sdk.sandbox.world.world import Placement, World
    from imsg_sdk.server.source import DatabaseFile

__all__ = ["SENDS", "Fault", "Outlet", "Play", "Shape", "of_message", "of_request"]

SENDS: Final = ("send", "send.*")
Shape = Callable[[Iterable[bytes]], Iterator[bytes]]
"""Changes the pieces in which something is written."""


class Outlet:
    """What is done to the next lines that this thread writes."""

    def __init__(self) -> None:
        self._here = threading.local()

    def clear(self) -> None:
        """Forget what was planned for lines that were never written."""
        self._here.shapes = []

    def shape(self, shape: Shape) -> None:
        """Change the next lines of this thread."""
        self._here.shapes = [*getattr(self._here, "shapes", ()), shape]

    def then(self, action: Callable[[], object]) -> None:
        """Do something when the next lines of this thread are written."""

        def written(pieces: Iterable[bytes]) -> Iterator[bytes]:
            yield from pieces
            action()

        self.shape(written)

    def pieces(self, lines: bytes) -> Iterable[bytes]:
        """Return what is written in place of some lines."""
        shapes = getattr(self._here, "shapes", ())
        if not shapes:
            return (lines,)
        self.clear()
        pieces: Iterable[bytes] = (lines,)
        for shape in shapes:
            pieces = shape(pieces)
        return pieces


class Play:
    """What a fault of this process has at hand: the world, the wire, and its own memory."""

    number: int
    dialect: Dialect
    world: World
    agenda: Agenda
    senders: WorldSenders
    source: DatabaseFile
    outlet: Outlet
    local: dict[str, Any]
    """Lives as long as the process."""
    request: Request | None
    """What this thread is working on."""

    def claims(self, event: Event) -> bool:
        """Return whether the fault strikes an event, and count it."""
        raise NotImplementedError

    def remember(self, **notes: Any) -> None:
        """Keep notes where every process of the world finds them."""
        raise NotImplementedError

    def recall(self, name: str, default: Any = None) -> Any:
        """Return a note."""
        raise NotImplementedError

    def is_listed(self) -> bool:
        """Return whether the fault is still there."""
        raise NotImplementedError

    def end(self, number: int, *lines: bytes) -> None:
        """Let a subscription say nothing more, after some last lines."""
        raise NotImplementedError

    def is_older(self, number: int) -> bool:
        """Return whether a subscription was there before the fault struck."""
        raise NotImplementedError

    def opened_us(self, number: int) -> int:
        """Return the instant at which a subscription was opened, in the world's time."""
        raise NotImplementedError

    def wait(self, seconds: float) -> None:
        """Wait in the world's time; raises RpcError where the process ends first."""
        raise NotImplementedError

    def wait_for_ever(self) -> None:
        """Wait until the fault is cleared; raises RpcError where the process ends first."""
        raise NotImplementedError


class Fault(When, frozen=True, kw_only=True):
    """Nothing goes wrong; a fault overrides the places where it takes part."""

    METHODS: ClassVar[tuple[str, ...]] = ()
    """What it waits for where no method is named."""
    FIELDS: ClassVar[dict[str, Any]] = {}
    """What events must have besides."""
    IS_DEED: ClassVar[bool] = False
    """Happens by itself, once; at a request only where one is named."""

    def on_request(self, play: Play, request: Request, go_on: Next) -> Handled:
        """Take part in a request that was struck."""
        return go_on(request)

    def beside_request(self, play: Play, request: Request, go_on: Next) -> Handled:
        """Take part in every request."""
        return go_on(request)

    def on_message(self, play: Play, number: int, params: Any) -> list[Any]:
        """Return what becomes of a notification of a message that was struck."""
        return [params]

    def beside_messages(self, play: Play, number: int, params: list[Any]) -> list[Any]:
        """Return what becomes of notifications of messages."""
        return params

    def beside_error(self, play: Play, number: int, params: list[Any]) -> list[Any]:
        """Return what becomes of the end of a subscription."""
        return params

    def on_row(self, play: Play, placement: Placement) -> None:
        """Change a row that was struck, before it is written."""

    def on_send(self, play: Play, operation: Operation, go_on: Perform) -> Result:
        """Take part in an operation that was struck."""
        return go_on(operation)

    def beside_send(self, play: Play, operation: Operation, go_on: Perform) -> Result:
        """Take part in every operation."""
        return go_on(operation)

    def deed(self, play: Play) -> None:
        """Do what happens by itself."""


def of_request(request: Request) -> Event:
    """Return a request as an event."""
    params = request.params
    text, chat = params.get("text"), params.get("chat_id")
    return Event(
        request.method, params, text if isinstance(text, str) else None, chat if isinstance(chat, int) else None
    )


def of_message(params: Any) -> Event:
    """Return a notification of a message as an event."""
    message = params["message"]
    fields = (
        message if isinstance(message, dict) else {name: getattr(message, name) for name in message.__struct_fields__}
    )
    text, chat = fields.get("text"), fields.get("chat_id")
    return Event("message", fields, text if isinstance(text, str) else None, chat if isinstance(chat, int) else None)
