"""How far a long call is: a panel in a notebook, a bar on a terminal, nothing anywhere else.

Knows no other module of the package, so that every layer may show progress.  It never imports IPython: a
notebook is recognised by what is loaded already.  It draws only from the thread that reports, at most ten
times a second, and only once a call has taken a moment, so that short calls leave no trace.
"""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

__all__ = ["Progress", "ProgressLike", "Surface", "find_surface", "ipython_shell", "notebook_shell"]

INTERVAL_S = 0.1
"""Least time between two drawings."""
PATIENCE_S = 0.5
"""A call that ends sooner shows nothing."""


class ProgressLike(Protocol):
    """Anything that is told how much is done, and of how much if that is known."""

    def __call__(self, done: int, total: int | None = None, /) -> object:
        """Take the number done so far and the total, both from the beginning."""
        ...


class Surface(Protocol):
    """Where progress is drawn."""

    def draw(self, done: int, total: int | None, seconds: float) -> None:
        """Show this state, in place of the one before."""
        ...

    def finish(self, done: int, total: int | None, seconds: float, *, failed: bool) -> None:
        """Show the last state and let go."""
        ...


class Progress:
    """Show progress while a ``with`` block runs; call it with what is done so far.

    Parameters
    ----------
    total
        How many there will be; None if nobody knows.
    unit
        What is counted, a plural such as ``"messages"``.
    surface
        Where to draw; by default the notebook cell or the terminal this runs in, and nowhere otherwise.
    clock
        Gives seconds that never go back.

    Examples
    --------
    >>> with Progress(total=3, unit="pages") as progress:
    ...     for done in range(1, 4):
    ...         progress(done)
    """

    def __init__(
        self,
        total: int | None = None,
        unit: str = "messages",
        *,
        surface: Surface | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._surface = surface if surface is not None else find_surface(unit)
        self._clock = clock
        self._begun = clock()
        self._drawn: float | None = None
        self._done = 0
        self._total = total

    def __call__(self, done: int, total: int | None = None, /) -> None:
        """Take what is done so far, and the total if it has become known."""
        self._done = done
        self._total = total if total is not None else self._total
        if self._surface is None:
            return
        now = self._clock()
        due = self._begun + PATIENCE_S if self._drawn is None else self._drawn + INTERVAL_S
        if now >= due:
            self._drawn = now
            self._surface.draw(self._done, self._total, now - self._begun)

    def close(self, *, failed: bool = False) -> None:
        """Show the last state if anything was shown; calling it again does nothing."""
        surface, self._surface = self._surface, None
        if surface is not None and self._drawn is not None:
            surface.finish(self._done, self._total, self._clock() - self._begun, failed=failed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(failed=kind is not None)


def find_surface(unit: str) -> Surface | None:
    """Return where progress can be drawn here: a notebook's cell, a terminal's stderr, or None."""
    if notebook_shell() is not None:
        return _Cell(unit)
    if getattr(sys.stderr, "isatty", bool)():
        return _Terminal(unit)
    return None


def notebook_shell() -> Any:
    """Return the shell of the notebook that this runs in, None anywhere else."""
    shell = ipython_shell()
    return shell if type(shell).__name__ == "ZMQInteractiveShell" else None


def ipython_shell() -> Any:
    """Return the IPython shell that this runs in, without importing IPython; None where there is none."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if get_ipython is None else get_ipython()


class Panel:
    """One state of progress, as a notebook shows it: text and HTML, no scripts, no widgets."""

    def __init__(self, done: int, total: int | None, unit: str, seconds: float, *, state: str = "running") -> None:
        self.done, self.total, self.unit, self.seconds, self.state = done, total, unit, seconds, state

    def __repr__(self) -> str:
        count = f"{self.done:,}" if self.total is None else f"{self.done:,} of {self.total:,}"
        end = {"running": "", "stopped": ", stopped"}.get(self.state, ", done")
        return f"{count} {self.unit}, {self.seconds:.1f} s{end}"

    def _repr_html_(self) -> str:
        share = min(self.done / self.total, 1.0) if self.total else (1.0 if self.state == "done" else 0.0)
        colour = {"running": "#3b82f6", "stopped": "#b45309"}.get(self.state, "#15803d")
        bar = (
            f'<div style="width:16em;height:0.5em;border-radius:0.25em;background:rgba(128,128,128,0.25)">'
            f'<div style="width:{share:.1%};height:100%;border-radius:0.25em;background:{colour}"></div></div>'
        )
        text = html.escape(repr(self))
        return (
            f'<div style="display:flex;align-items:center;gap:0.75em;font-variant-numeric:tabular-nums">'
            f"{bar}<span>{text}</span></div>"
        )


class _Cell:
    """A display handle of its own in the cell that made the call."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._handle: Any = None

    def draw(self, done: int, total: int | None, seconds: float) -> None:
        self._show(Panel(done, total, self._unit, seconds))

    def finish(self, done: int, total: int | None, seconds: float, *, failed: bool) -> None:
        self._show(Panel(done, total, self._unit, seconds, state="stopped" if failed else "done"))

    def _show(self, panel: Panel) -> None:
        if self._handle is None:
            display = sys.modules["IPython.core.display_functions"].display
            self._handle = display(panel, display_id=True)
        else:
            self._handle.update(panel)


class _Terminal:
    """A bar of tqdm on stderr, gone when the call ends."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._bar: Any = None

    def draw(self, done: int, total: int | None, seconds: float) -> None:
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit=f" {self._unit}", leave=False, mininterval=0, file=sys.stderr)
            self._bar.start_t -= seconds
        self._bar.total = total
        self._bar.n = done
        self._bar.refresh()

    def finish(self, done: int, total: int | None, seconds: float, *, failed: bool) -> None:
        self.draw(done, total, seconds)
        self._bar.close()
