"""What is to happen, and when: carried out by whichever process comes first.

On the virtual clock the process that moves time on carries out what falls due, in order.  On the real clock every
process of the world has a thread that does so, and the file sees to it that nothing is done twice.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from typing import Final

from imsg_sdk.sandbox.world.state import SECOND_US, Entry
from imsg_sdk.sandbox.world.world import World

__all__ = ["Agenda"]

log = logging.getLogger("imsg_sdk.sandbox.world.agenda")

_LOOK_S: Final = 0.25
"""How often a process looks whether others have left something undone."""
_WAKE: Final = "wake"
_PEEK_S: Final = 0.005


class Agenda:
    """Carries out what is due.

    Parameters
    ----------
    world
        Where it happens.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._state = world.state
        self._ending = threading.Event()
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None

    def advance(self, seconds: float) -> int:
        """Move time on, carrying out what falls due; return how much that was."""
        target = self._state.now_us() + round(seconds * SECOND_US)
        done = 0
        while self._step(target):
            done += 1
        with self._state.turn() as turn:
            turn.move_to(target)
        return done

    def run_until_idle(self, limit: int) -> int:
        """Move time on until nothing is to happen but what goes on without end; return how much happened."""
        done = 0
        while done < limit and not self._state.is_idle and self._step(None):
            done += 1
        return done

    def _step(self, until_us: int | None) -> bool:
        entry = self._state.next_entry(until_us)
        if entry is None:
            return False
        with self._state.turn(entry) as turn:
            if self._state.take(entry):
                turn.move_to(entry.due_us)
                self._carry_out(entry)
        return True

    def _carry_out(self, entry: Entry) -> None:
        if entry.kind == _WAKE:
            return
        try:
            self._world.kinds[entry.kind](self._world, entry.args)
        except (LookupError, ValueError, TypeError) as error:
            # What it was about is gone (the chat was deleted, the file replaced), or it never made sense.
            log.info("%s came to nothing: %s", entry.kind, type(error).__name__)

    def wait(self, seconds: float) -> None:
        """Return when so much time of the world has passed; not to be called in a turn.

        Raises
        ------
        TimeoutError
            The process ends first.
        """
        with self._state.turn() as turn:
            due = turn.now_us + round(seconds * SECOND_US)
            self._state.enter(due, _WAKE, {})
        self.wait_until(lambda: self._state.now_us() >= due)

    def wait_until(self, is_reached: Callable[[], bool]) -> None:
        """Return when something is so, asked again and again; not to be called in a turn.

        Raises
        ------
        TimeoutError
            The process ends first.
        """
        while not is_reached():
            if self._ending.wait(_PEEK_S):
                raise TimeoutError

    # the real clock

    def start(self) -> None:
        """Carry out what is due from now on, if time goes by itself."""
        if self._thread is None and not self._state.is_virtual:
            self._thread = threading.Thread(target=self._run, name="imsg-agenda", daemon=True)
            self._thread.start()

    def look(self) -> None:
        """Say that the agenda has changed."""
        self._changed.set()

    def close(self) -> None:
        """End, and let go of whoever waits."""
        self._ending.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join(_LOOK_S * 8)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._changed.clear()
            try:
                while self._step(self._state.now_us()) and not self._ending.is_set():
                    pass
                following = self._state.next_entry()
            except (sqlite3.Error, OSError) as error:
                # The database is locked or being replaced; the entry is still on the agenda.
                log.info("the agenda waits: %s", type(error).__name__)
                following = None
            pause = _LOOK_S if following is None else (following.due_us - self._state.now_us()) / SECOND_US
            self._changed.wait(min(max(pause, _PEEK_S), _LOOK_S))
