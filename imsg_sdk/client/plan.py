"""Verbs as plans: generators that say what they wait for, and know nothing of how waiting is done.

A verb is written once.  The sync client runs it by blocking the calling thread, the async one by awaiting in
slices; both throw what happens while waiting back into the plan, so that ``try`` works as it reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from imsg_sdk.errors import ImsgError

__all__ = ["SLICE_S", "Pause", "Plan", "Wait", "run"]

T = TypeVar("T")
SLICE_S = 0.2
"""Longest wait in one piece: a signal that another thread has taken wakes a waiting one only after it."""


class Wait:
    """Wait for a future, at most `timeout_s`.

    ``expired`` makes the error of a timeout; ``forget`` is called when nobody wants the answer any more.
    """

    __slots__ = ("expired", "forget", "future", "timeout_s")

    def __init__(
        self,
        future: Future[Any],
        timeout_s: float,
        *,
        expired: Callable[[], ImsgError],
        forget: Callable[[], object],
    ) -> None:
        self.future = future
        self.timeout_s = timeout_s
        self.expired = expired
        self.forget = forget


class Pause:
    """Wait for some time: between repeated tries, or for none, so that an event loop can look after others."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


Plan = Generator[Wait | Pause, Any, T]


def run(plan: Plan[T]) -> T:
    """Run a plan to its end by blocking this thread."""
    try:
        step = next(plan)
        while True:
            try:
                answer = _block(step)
            except BaseException as error:  # noqa: BLE001 - it is thrown into the plan, which ends by it or not
                step = plan.throw(error)
            else:
                step = plan.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        plan.close()


def _block(step: Wait | Pause) -> Any:
    if isinstance(step, Pause):
        time.sleep(step.seconds)
        return None
    deadline = time.monotonic() + step.timeout_s
    try:
        while not step.future.done():
            left = deadline - time.monotonic()
            if left <= 0:
                raise step.expired()
            with suppress(TimeoutError):
                step.future.exception(min(left, SLICE_S))
        return step.future.result()
    except BaseException:
        # An interrupt or a timeout: the id is forgotten, a late answer is dropped, and the next call works.
        step.forget()
        raise
