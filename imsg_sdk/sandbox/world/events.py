"""What the bridge notices, told to those who subscribed: events of the world file, from whichever process.

The shape of these notifications was read in the sources of 0.14.1; the names of the events are assumed.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any, Final

from imsg_sdk._time import from_us, iso_ms
from imsg_sdk.sandbox.world.state import Event, State

__all__ = ["Feed"]

_LOOK_S: Final = 0.02
Tell = Callable[[int, str, list[Any]], None]


class Feed:
    """The subscriptions of one process.

    Parameters
    ----------
    state
        Where events are kept.
    tell
        Writes notifications: subscription, method, params.
    """

    def __init__(self, state: State, tell: Tell) -> None:
        self._state = state
        self._tell = tell
        self._lock = threading.Lock()
        self._limits: dict[int, int] = {}
        self._seen = 0
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, number: int, buffer_limit: int) -> None:
        """Tell from now on; nothing is told that was before."""
        with self._lock:
            self._limits[number] = buffer_limit
            if self._thread is None:
                self._seen = self._state.last_event()
                self._thread = threading.Thread(target=self._run, name="imsg-events", daemon=True)
                self._thread.start()

    def stop(self, number: int) -> None:
        """Tell nothing more."""
        with self._lock:
            self._limits.pop(number, None)

    def close(self) -> None:
        """End."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def _run(self) -> None:
        version = 0
        while not self._ending.wait(_LOOK_S):
            try:
                if version != (version := self._state.version_of_all()):
                    self._pass_on(self._state.events(self._seen))
            except sqlite3.Error as error:
                with self._lock:
                    numbers, self._limits = list(self._limits), {}
                for number in numbers:
                    failed = {"code": "event_log_read_failed", "message": str(error)}
                    params = {"subscription": number, "error": failed, "terminal": True}
                    self._tell(number, "bridge.events.error", [params])

    def _pass_on(self, events: list[Event]) -> None:
        if not events:
            return
        self._seen = events[-1].id
        with self._lock:
            limits = dict(self._limits)
            # More than a subscription holds ends it.
            self._limits = {number: limit for number, limit in limits.items() if len(events) <= limit}
        for number, limit in limits.items():
            self._tell(
                number, "bridge.event", [{"subscription": number, "event": _told(each)} for each in events[:limit]]
            )
            if len(events) > limit:
                params = {"subscription": number, "reason": "buffer_limit_exceeded", "resumable": False}
                self._tell(number, "bridge.events.overflow", [{**params, "terminal": True}])


def _told(event: Event) -> dict[str, Any]:
    return {"event": event.name, "ts": iso_ms(from_us(event.at_us)), "data": event.data}
