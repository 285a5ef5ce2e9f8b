"""A gateway to look at: one panel in a notebook that keeps up by itself, plain text anywhere else.

It draws through one display handle, which the cell that asked for it owns, and never prints.  IPython is never
imported: a notebook is recognised by what is loaded already.
"""

from __future__ import annotations

import sys
import threading
import weakref
from typing import Any, Final, Protocol

import msgspec

from imsg_sdk.errors import UsageError
from imsg_sdk.gateway.live.panel import Panel
from imsg_sdk.gateway.live.status import GatewayState, GatewayStatus
from imsg_sdk.progress import notebook_shell

__all__ = ["Dashboard"]

LEAST_INTERVAL_S: Final = 0.1
"""Least time between two drawings."""


class _Watched(Protocol):
    def status(self) -> GatewayStatus: ...


class Dashboard:
    """The state of a gateway, drawn anew when it changes.

    It ends with :meth:`close`, with its gateway, and when its gateway gets another one.

    Parameters
    ----------
    gateway
        Whose state; it is not kept alive.
    interval_s
        Time between two looks, at least a tenth of a second.
    """

    def __init__(self, gateway: _Watched, *, interval_s: float = 0.5) -> None:
        if not interval_s > 0:
            raise UsageError("interval_s must be above 0", hint="0.5 is twice a second")
        self._gateway = weakref.ref(gateway)
        self._interval_s = max(interval_s, LEAST_INTERVAL_S)
        self._last: Panel | None = None
        self._handle: Any = None
        self._shown_in: object = None
        self._closed = threading.Event()

    @property
    def is_live(self) -> bool:
        """Tell whether it keeps up."""
        return self._handle is not None and not self._closed.is_set()

    def show(self) -> Dashboard:
        """Draw it in this cell, and go on drawing there; outside of a notebook, do nothing."""
        shell = notebook_shell()
        if shell is None or self._handle is not None:
            return self
        display = sys.modules["IPython.core.display_functions"].display
        self._shown_in = shell.execution_count
        self._handle = display(self._panel(), display_id=True)
        threading.Thread(target=self._keep_up, name="imsg-dashboard", daemon=True).start()
        return self

    def close(self) -> None:
        """Draw no more; what was drawn last stays."""
        self._closed.set()

    def update(self) -> bool:
        """Draw, if something changed; tell whether there is anything left to keep up with."""
        if self._closed.is_set():
            return False
        if self._gateway() is None:
            self._draw_end()
            return False
        before, now = self._last, self._panel()
        if self._handle is not None and (before is None or before.status != now.status):
            self._handle.update(now)
        return True

    def _keep_up(self) -> None:
        # Held by its thread, so that it can draw the end; the thread ends with the gateway.
        while self.update():
            self._closed.wait(self._interval_s)

    def _draw_end(self) -> None:
        """Show that it runs no more, where its gateway was let go without a stop, as by running its cell again."""
        if self._handle is not None and self._last is not None:
            self._last = Panel(msgspec.structs.replace(self._last.status, state=GatewayState.STOPPED))
            self._handle.update(self._last)

    def _panel(self) -> Panel:
        gateway = self._gateway()
        if gateway is not None:
            self._last = Panel(gateway.status())
        assert self._last is not None
        return self._last

    def __repr__(self) -> str:
        return repr(self._panel())

    def _ipython_display_(self) -> None:
        """Show it in another cell too; in the one that made it, it is shown already."""
        shell = notebook_shell()
        if shell is None:
            print(repr(self))  # noqa: T201 - what IPython asks for here is the output itself
        elif self._handle is not None and shell.execution_count != self._shown_in:
            self._shown_in = shell.execution_count
            self._handle.display(self._panel())
