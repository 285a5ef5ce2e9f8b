"""Who works on which request: three lanes that do not hold each other up.

Control and mutation have one worker each and keep their order; reads are begun in order by up to four
workers and may end in any.  Every accepted request is answered, also those that wait when input ends.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Final, Generic, TypeVar

__all__ = ["MAX_OUTSTANDING", "Lane", "Lanes"]

MAX_OUTSTANDING: Final = 128
_WORKERS: Final = {"control": 1, "read": 4, "mutation": 1}
_UNCOUNTED_ROOM: Final = 1024
"""Lines that are no requests are answered in order too, but not without end while nobody reads."""

Job = TypeVar("Job")
Product = TypeVar("Product")


class Lane(StrEnum):
    """Where a request is worked on."""

    CONTROL = "control"
    READ = "read"
    MUTATION = "mutation"


class Lanes(Generic[Job, Product]):
    """The workers, and the count of jobs that are accepted and not answered yet.

    A worker makes a product of each job and then delivers it.  The job stops counting in between, so that
    whoever has read an answer may put a new request in its place at once.
    """

    def __init__(self, work_on: Callable[[Job], Product], deliver: Callable[[Product], None]) -> None:
        self._work_on = work_on
        self._deliver = deliver
        self._queues: dict[Lane, queue.SimpleQueue[tuple[Job, bool] | None]] = {
            lane: queue.SimpleQueue() for lane in Lane
        }
        self._outstanding = 0
        self._lock = threading.Lock()
        self._room = threading.Semaphore(_UNCOUNTED_ROOM)
        self._threads = [
            threading.Thread(target=self._work, args=(self._queues[lane],), name=f"imsg-{lane}", daemon=True)
            for lane in Lane
            for _ in range(_WORKERS[lane])
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, lane: Lane, job: Job) -> bool:
        """Accept a job, or return False where too many are waiting already."""
        with self._lock:
            if self._outstanding >= MAX_OUTSTANDING:
                return False
            self._outstanding += 1
        self._queues[lane].put((job, True))
        return True

    def submit_uncounted(self, job: Job) -> None:
        """Queue a job that must not be refused, in the control lane; blocks while very many wait."""
        self._room.acquire()
        self._queues[Lane.CONTROL].put((job, False))

    def finish(self) -> None:
        """Work off everything that was accepted, then end the workers."""
        for lane in Lane:
            for _ in range(_WORKERS[lane]):
                self._queues[lane].put(None)
        for thread in self._threads:
            thread.join()

    def _work(self, jobs: queue.SimpleQueue[tuple[Job, bool] | None]) -> None:
        while (entry := jobs.get()) is not None:
            job, is_counted = entry
            product = self._work_on(job)
            if is_counted:
                with self._lock:
                    self._outstanding -= 1
            else:
                self._room.release()
            self._deliver(product)
