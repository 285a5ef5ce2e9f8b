"""What a fault is: conditions, and what is done to the events that it strikes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from imsg_sdk.chatdb.imsg_text import decode_body
from imsg_sdk.sandbox.faults.when import Event, When
from imsg_sdk.server.extension import Handled, Next
from imsg_sdk.server.requests.envelope import Request
from imsg_sdk.server.senders import Operation

if TYPE_CHECKING:
    from imsg_sdk.sandbox.faults.play import Play
    from imsg_sdk.sandbox.world.sender import Perform, Result
    from imsg_sdk.sandbox.world.world import Placement

__all__ = ["SENDS", "Fault", "Outlet", "Shape", "of_message", "of_operation", "of_request", "of_row", "text_of"]

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


class Fault(When, frozen=True, kw_only=True):
    """Nothing goes wrong; a fault overrides the places where it takes part."""

    METHODS: ClassVar[tuple[str, ...]] = ()
    """What it waits for where no method is named."""
    FIELDS: ClassVar[dict[str, Any]] = {}
    """What events must have besides."""
    IS_DEED: ClassVar[bool] = False
    """Happens by itself, once; at a request only where one is named."""

    @property
    def is_by_itself(self) -> bool:
        """Whether it happens at no request."""
        return self.IS_DEED and self.method is None

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

    def beside_row(self, play: Play, placement: Placement) -> None:
        """Take part in every row."""

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
    return _event(request.method, request.params, request.params.get("chat_id"))


def of_message(params: Any) -> Event:
    """Return a notification of a message as an event."""
    message = params["message"]
    fields = (
        message if isinstance(message, dict) else {name: getattr(message, name) for name in message.__struct_fields__}
    )
    return _event("message", fields, fields.get("chat_id"))


def of_operation(operation: Operation) -> Event:
    """Return an operation as an event."""
    row = operation.target.row
    return _event(operation.method, operation.values, None if row is None else row.chat_id)


def of_row(placement: Placement) -> Event:
    """Return a row about to be written as an event."""
    message = placement.message
    fields = {"guid": message.guid, "is_from_me": bool(message.is_from_me), "service": message.service}
    return Event("row", fields, text_of(placement), placement.chat.rowid)


def _event(method: str, fields: Mapping[str, Any], chat: Any) -> Event:
    text = fields.get("text")
    return Event(method, fields, text if isinstance(text, str) else None, chat if isinstance(chat, int) else None)


def text_of(placement: Placement) -> str:
    """Return the text of a row about to be written."""
    message = placement.message
    if message.text is not None:
        return message.text
    return decode_body(message.attributed_body) if message.attributed_body else ""
