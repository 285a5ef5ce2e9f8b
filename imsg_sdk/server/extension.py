"""Where a world behind the server takes part in its life.  Here nothing is added."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from imsg_sdk.server.requests.envelope import Request

__all__ = ["Extension", "Handled", "Next"]

Handled = tuple[Any, Callable[[], None] | None]
"""A result, and what happens once it is written."""
Next = Callable[[Request], Handled]
"""The rest of the way that a request goes."""


class Extension:
    """Takes part in nothing; a world overrides what it needs."""

    def call(self, request: Request, go_on: Next) -> Handled:
        """Answer `request`, refuse it with :class:`RpcError`, or let it go on."""
        return go_on(request)

    def notify(self, number: int, method: str, params: list[Any]) -> list[Any]:
        """Return which notifications of a subscription are written; called by the watcher's thread."""
        return params

    def now_us(self) -> int:
        """Return the present instant in Unix microseconds."""
        return time.time_ns() // 1000

    def end_of_input(self) -> None:
        """Let go of whatever holds up requests: those accepted are still answered."""
