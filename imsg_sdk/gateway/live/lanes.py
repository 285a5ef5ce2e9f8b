"""One queue for each chat: in a chat one after the other, chats side by side.  Bounded in all."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

__all__ = ["Lanes"]

Job = TypeVar("Job")


class Lanes(Generic[Job]):
    """Queues by key, each worked off by a task that lives as long as there is something in it.

    Parameters
    ----------
    work
        Called with each job.  What it raises ends its lane and is given to `failed`.
    failed
        Told what a job raised.
    most
        Jobs in all lanes before :meth:`wait_for_room` waits.
    """

    def __init__(
        self, work: Callable[[Job], Awaitable[None]], failed: Callable[[BaseException], None], *, most: int
    ) -> None:
        self._work = work
        self._failed = failed
        self._most = most
        self._queues: dict[str, deque[Job]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._count = 0
        self._changed = asyncio.Event()
        self._is_stopping = False

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<Lanes, {self._count} jobs in {len(self._queues)} chats>"

    def depth(self, lane: str) -> int:
        """Return how many jobs of a lane wait or run."""
        queue = self._queues.get(lane)
        return 0 if queue is None else len(queue)

    def put(self, lane: str, job: Job) -> None:
        """Add a job at the end of its lane."""
        self._count += 1
        queue = self._queues.get(lane)
        if queue is not None:
            queue.append(job)
            return
        self._queues[lane] = deque([job])
        task = asyncio.get_running_loop().create_task(self._work_off(lane))
        self._tasks[lane] = task
        task.add_done_callback(lambda ended: self._ended(lane, ended))

    async def _work_off(self, lane: str) -> None:
        queue = self._queues[lane]
        while queue and not self._is_stopping:
            await self._work(queue[0])
            queue.popleft()
            self._count -= 1
            self._changed.set()

    def _ended(self, lane: str, task: asyncio.Task[None]) -> None:
        del self._tasks[lane]
        left = self._queues.pop(lane)
        self._count -= len(left)
        self._changed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)
            return
        if not self._is_stopping and not task.cancelled():
            # Put in between the end of the work and this callback.
            for job in left:
                self.put(lane, job)

    @property
    def is_full(self) -> bool:
        """Tell whether as many jobs are there as may be."""
        return self._count >= self._most

    async def wait_for_room(self) -> None:
        """Wait until fewer jobs are there than may be."""
        while self.is_full:
            await self._wait()

    async def wait_until_idle(self) -> None:
        """Wait until no job is there."""
        while self._count:
            await self._wait()

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def stop(self, grace_s: float) -> None:
        """Begin no further job; wait for those that run, then cancel them."""
        self._is_stopping = True
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
