"""Moves a plan forward while somebody waits, and leaves it where it is when they stop.

Other than :func:`imsg_sdk.client.plan.run`, a wait that ends early cuts nothing off: what was asked for goes on,
and the next call finds its answer.  The plan is made anew if it ends, or is ended by an interrupt.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any

from imsg_sdk.client.plan import SLICE_S, Pause, Plan, Wait

__all__ = ["Pump"]

Until = Callable[[], bool]


class Pump:
    """One plan, moved step by step by one caller at a time."""

    def __init__(self, make: Callable[[], Plan[None]]) -> None:
        self._make = make
        self._plan: Plan[None] | None = None
        self._step: Wait | Pause | None = None
        self._due = 0.0
        self.wake: Callable[[], object] | None = None
        """Called from any thread when the present step may be over."""

    def is_ready(self) -> bool:
        """Tell whether :meth:`advance` would move on without waiting."""
        step = self._step
        if step is None or time.monotonic() >= self._due:
            return True
        return isinstance(step, Wait) and step.future.done()

    @property
    def is_idle(self) -> bool:
        """Whether there is no plan: none was begun, or it came to its end."""
        return self._plan is None

    @property
    def future(self) -> Future[Any] | None:
        """Return what the present step waits for, if for anything but time."""
        return self._step.future if isinstance(self._step, Wait) else None

    def left_s(self) -> float:
        """Return how long the present step may still take."""
        return max(self._due - time.monotonic(), 0.0)

    def advance(self) -> None:
        """Take the step that is over; errors of the plan come out of here."""
        try:
            if self._plan is None:
                self._plan = self._make()
            step, self._step = self._step, None
            self._begin(self._next(self._plan, step))
        except StopIteration:
            self._plan = None
        except BaseException:
            # An interrupt may have come at any instruction; what the plan was at is not worth keeping.
            self.stop()
            raise

    @staticmethod
    def _next(plan: Plan[None], step: Wait | Pause | None) -> Wait | Pause:
        if not isinstance(step, Wait):
            return next(plan)
        if not step.future.done():
            step.forget()
            return plan.throw(step.expired())
        try:
            answer = step.future.result()
        except Exception as error:  # noqa: BLE001 - it is thrown into the plan, which ends by it or not
            return plan.throw(error)
        return plan.send(answer)

    def _begin(self, step: Wait | Pause) -> None:
        self._due = time.monotonic() + (step.seconds if isinstance(step, Pause) else step.timeout_s)
        self._step = step
        if isinstance(step, Wait):
            step.future.add_done_callback(self._is_over)

    def _is_over(self, _: Future[Any]) -> None:
        if (wake := self.wake) is not None:
            wake()

    def run(self, until: Until, deadline: float | None) -> None:
        """Move on, blocking this thread, until something holds or the deadline (monotonic) passes."""
        while not until():
            if self.is_ready():
                self.advance()
                continue
            left = SLICE_S if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return
            self._block(min(left, self.left_s(), SLICE_S))

    def _block(self, seconds: float) -> None:
        step = self._step
        if isinstance(step, Wait):
            with suppress(TimeoutError, CancelledError):
                step.future.exception(seconds)
        else:
            time.sleep(seconds)

    def stop(self) -> None:
        """End the plan where it stands."""
        plan, self._plan, self._step = self._plan, None, None
        if plan is not None:
            plan.close()
