"""The one private loop in its one daemon thread."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from imsg_sdk.errors import ForkedProcess, UsageError
from imsg_sdk.gateway.live.daemons import served_loop
from imsg_sdk.gateway.live.runner import Runner
from imsg_sdk.progress import ipython_shell, notebook_shell

__all__ = ["LoopThread", "check_no_loop", "start_beside", "stop_forgotten", "wait_for"]

_log = logging.getLogger(__name__)

T = TypeVar("T")
_SLICE_S = 0.2
_MOMENT_S = 0.01
_END_S = 1.0


class _Thread(threading.Thread):
    """The thread of a gateway, by which those of this process can be found."""

    def __init__(self, runs: LoopThread) -> None:
        super().__init__(target=runs._run, name="imsg-gateway", daemon=True)
        self.runs = runs


def stop_forgotten(thread: LoopThread, timeout_s: float) -> bool:
    """Stop the gateways of a session that hold what another one needs; tell whether there were any.

    In a program, a second gateway is a mistake; at a prompt or in a notebook, it is the first one, written again.
    """
    if not _is_session():
        return False
    # Whoever holds the old one still: the output of a cell, a traceback.
    found = [each.runs for each in threading.enumerate() if isinstance(each, _Thread) and not each.runs.is_over]
    others = [each for each in found if each is not thread and each.runner.shares_state_with(thread.runner)]
    if others:
        _log.info("the gateway that ran here before is stopped: another one takes its place")
    return bool([each.stop(timeout_s) for each in others])


def _is_session() -> bool:
    """Tell whether somebody types, cell after cell or line after line."""
    return hasattr(sys, "ps1") or ipython_shell() is not None


class LoopThread:
    """Runs a :class:`Runner` on a loop of its own, and tells when it is ready and when it is over."""

    def __init__(self, runner: Runner, closing: Callable[[], Any]) -> None:
        self.runner = runner
        self.ready: Future[None] = Future()
        self.over: Future[None] = Future()
        self._closing = closing
        self._loop: asyncio.AbstractEventLoop | None = None
        self._owner_pid = os.getpid()
        # Nothing may be given to a loop that is ending: it would never be done, nor cancelled.
        self._handing_over = threading.Lock()
        self._thread = _Thread(self)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Tell whether the run has ended."""
        return self.over.done()

    @property
    def is_current(self) -> bool:
        """Tell whether this is called from inside: on the thread of the loop, or by one of its handlers."""
        if threading.current_thread() is self._thread:
            return True
        served = served_loop.get()
        return served is not None and served is self._loop

    def check(self) -> None:
        """Raise in a process that is not the one the gateway runs in.

        Raises
        ------
        ForkedProcess
            This process is a fork, which has no threads of its parent.
        """
        if os.getpid() != self._owner_pid:
            raise ForkedProcess("this gateway runs in another process", hint="make a gateway in this one")

    def _run(self) -> None:
        error: BaseException | None = None
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self._main())
        except BaseException as raised:  # noqa: BLE001 - kept for whoever waits for this thread
            error = raised
        _end(loop)
        for future in (self.ready, self.over):
            if not future.done():
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await self.runner.run(self._is_ready)
        finally:
            with self._handing_over:
                self._loop = None
            # What was handed over before that is a task after this, and is cancelled with all others.
            await asyncio.sleep(0)
            await self._closing()

    def _is_ready(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def call(self, function: Callable[[], object]) -> bool:
        """Let the loop call a function soon; tell whether there is a loop."""
        if os.getpid() != self._owner_pid:
            return False
        with self._handing_over:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function)
            return self._loop is not None

    def submit(self, coroutine: Any) -> Future[Any] | None:
        """Run a coroutine on the loop; None where there is no loop."""
        if os.getpid() == self._owner_pid:
            with self._handing_over:
                if self._loop is not None:
                    return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        coroutine.close()
        return None

    def stop(self, timeout_s: float) -> bool:
        """End the run and wait for it; tell whether it ended in time."""
        if os.getpid() != self._owner_pid:
            return True  # a fork has the name only; the run is its parent's
        if self.is_current:
            self.runner.request_stop(timeout_s / 2)
            return True  # a handler asks: it cannot wait for itself
        grace_s = timeout_s / 2
        while not self.over.done() and not self.call(lambda: self.runner.request_stop(grace_s)):
            self.wait(_MOMENT_S)  # its loop is not there yet, or not any more
        return self.wait(timeout_s)

    def wait_ready(self, timeout_s: float) -> None:
        """Wait a moment for the start to be done."""
        with suppress(TimeoutError):
            self.ready.exception(timeout_s)

    def wait(self, timeout_s: float | None) -> bool:
        """Wait for the end; tell whether it came."""
        # Not by joining the thread: a join that is interrupted takes the thread for ended (until Python 3.13).
        return _is_done_within(self.over, timeout_s)


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is left on a loop and close it; a handler that will not be cancelled is left to itself."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=_END_S))
    if all(task.done() for task in tasks):
        loop.run_until_complete(loop.shutdown_asyncgens())
        with suppress(RuntimeError):  # at the end of the interpreter no thread can be started, this one neither
            loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def wait_for(future: Future[Any], timeout_s: float) -> None:
    """Wait for what was submitted, and raise what it raised.

    Raises
    ------
    TimeoutError
        It was not done in time.
    InvalidParams
        `timeout_s` is no time.
    """
    if isinstance(timeout_s, bool) or not isinstance(timeout_s, int | float) or not timeout_s >= 0:
        from imsg_sdk.arguments import refused

        future.cancel()
        raise refused("timeout_s is no number of seconds", hint="give 0 or more")
    if not _is_done_within(future, timeout_s):
        raise TimeoutError
    future.result()


def _is_done_within(future: Future[Any], timeout_s: float | None) -> bool:
    """Wait in slices that an interrupt can come between."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while not future.done():
        left = _SLICE_S if deadline is None else min(_SLICE_S, deadline - time.monotonic())
        if left <= 0:
            return False
        with suppress(TimeoutError):
            future.exception(left)
    return True


def check_no_loop() -> None:
    """Raise where waiting would block the event loop of an async program; the cell of a notebook may.

    Raises
    ------
    UsageError
        A loop runs in this thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    if notebook_shell() is None:
        raise UsageError("run() would block the event loop", hint="use: await gateway.serve(), or async with gateway")


async def start_beside(start: Callable[[], object], stop: Callable[[], object]) -> None:
    """Call `start` on a thread; where this is cancelled, nothing that it begins is left running."""
    starting = asyncio.get_running_loop().create_task(asyncio.to_thread(start))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.shield(_undo(starting, stop))
        raise


async def _undo(starting: asyncio.Task[object], stop: Callable[[], object]) -> None:
    # A thread cannot be cancelled: it is stopped until it has nothing left to begin.
    while not starting.done():
        await asyncio.to_thread(stop)
        await asyncio.wait({starting}, timeout=_MOMENT_S)
    starting.exception()  # looked at, so that nobody complains about it
    await asyncio.to_thread(stop)
