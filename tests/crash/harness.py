"""Run a process, end it by ``kill -9`` at a step, start it anew, and count what the guarantees promise."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from world import Scenario, World, end_with, key_of

from imsg_sdk.gateway.state import StateReader, state_folder

WAIT_S = 60
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112
"""Files that no disk sync holds up: what the end of a process leaves behind is the same there."""
BROKEN = "broken: "

Moment = int | float
"""When a process is killed: at a step, or after so many seconds."""


class Harness:
    """Lets a scenario live and die, and counts.

    Parameters
    ----------
    scenario
        What lives.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    @cached_property
    def steps(self) -> int:
        """Return how many steps a life takes that nobody ends."""
        with tempfile.TemporaryDirectory(dir=MEMORY) as name:
            folder = self._place(name)
            return self.life(folder, None)[1]

    def _place(self, name: str) -> Path:
        folder = state_folder(Path(name) / "state")
        self.scenario.prepare(folder)
        return folder

    @cached_property
    def duration_s(self) -> float:
        """Return how long a life takes that nobody ends."""
        with tempfile.TemporaryDirectory(dir=MEMORY) as name:
            folder = self._place(name)
            begun = time.monotonic()
            self.life(folder, None)
            return time.monotonic() - begun

    def life(self, folder: Path, kill_at: Moment | None) -> tuple[bool, int]:
        """Let a process live, and end it at its `kill_at`-th step, or after so many seconds where that is no integer.

        Returns
        -------
        tuple
            Whether it was ended, and how many steps it took.
        """
        read, write = os.pipe()
        child = os.fork()
        if not child:
            self._be_the_process(folder, kill_at if isinstance(kill_at, int) else None, write)
        os.close(write)
        if isinstance(kill_at, float):
            time.sleep(kill_at)
            os.kill(child, signal.SIGKILL)  # it waits to be asked for, so that this hits nobody else
        steps = 0
        # Ends when the process does, however it ends.
        while taken := os.read(read, 4096):
            steps += len(taken)
        os.close(read)
        _, status = os.waitpid(child, 0)
        was_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert was_killed or status == 0, f"the process failed by itself: {status}"
        return was_killed, steps

    def _be_the_process(self, folder: Path, kill_at: int | None, write: int) -> None:
        taken = 0

        def reached(_: str) -> None:
            nonlocal taken
            taken += 1
            os.write(write, b".")
            if taken == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        signal.alarm(WAIT_S)
        end_with(lambda: self.scenario.live(folder, reached))

    def lives(self, kills: Sequence[Moment]) -> tuple[Counter[str], int]:
        """Let a process be killed at each of these moments of one life after the other, then live to the end; count.

        Returns
        -------
        tuple
            The counts, and how many steps the last of these lives had when it ended by itself, 0 where none did.
        """
        with tempfile.TemporaryDirectory(dir=MEMORY) as name:
            folder = self._place(name)
            counts: Counter[str] = Counter(runs=1)
            ended_after = 0
            for kill_at in kills:
                was_killed, steps = self._watched(folder, kill_at, counts)
                counts["kills"] += was_killed
                if not was_killed:
                    ended_after = steps
                    break
            self._watched(folder, None, counts)
            self._count(folder, counts)
            return counts, ended_after

    def _watched(self, folder: Path, kill_at: Moment | None, counts: Counter[str]) -> tuple[bool, int]:
        """Let a process live, and check that it handles nothing that was finished before."""
        rows = StateReader(folder).decisions()
        finished = {str(row.guid) for row in rows if row.state == "finished" and row.reason != "duplicate"}
        before = len(World(folder).handled())
        result = self.life(folder, kill_at)
        for guid, _ in World(folder).handled()[before:]:
            check(counts, "what was finished is never handled again", guid not in finished)
        return result

    def _count(self, folder: Path, counts: Counter[str]) -> None:
        reader = StateReader(folder)
        decisions, outbox = list(reader.decisions()), list(reader.outbox())
        by_row = Counter(row.message_rowid for row in decisions)
        for rowid in self.scenario.rows_in(folder):
            check(counts, "a reported message is never lost", by_row[rowid] >= 1)
            check(counts, "a row has one decision", by_row[rowid] == 1)
        for row in decisions:
            is_whole = row.state == "finished" and row.dispatched is not None
            check(counts, "every row is finished, with a reason or an answer", is_whole)
        _count_attempts(World(folder), {str(row.guid): row.attempts for row in decisions if row.dispatched}, counts)
        sent = Counter(self.scenario.sent(folder))
        for chunk in outbox:
            went_out = sent[key_of(chunk.text or "")]
            check(counts, "a chunk is attempted at most once", went_out <= 1)
            check(counts, "a chunk is settled, or uncertain", chunk.state in ("observed", "accepted", "uncertain"))
            check(counts, "what is said to have gone out did", chunk.state == "uncertain" or went_out == 1)
            counts[f"chunks {chunk.state}"] += 1
        planned = sorted(key_of(chunk.text or "") for chunk in outbox)
        check(counts, "every answer is planned once and whole", planned == sorted(self.scenario.chunks))
        check(counts, "nothing else goes out", set(sent) <= set(self.scenario.chunks))


def check(counts: Counter[str], promise: str, holds: bool) -> None:
    """Count that a promise was put to the test, and whether it was kept."""
    counts[promise] += 1
    if not holds:
        counts[BROKEN + promise] += 1


def _count_attempts(world: World, attempts: dict[str, int], counts: Counter[str]) -> None:
    last: dict[str, int] = {}
    for guid, attempt in world.handled():
        check(counts, "attempts are counted up", attempt > last.get(guid, 0))
        last[guid] = attempt
    for guid, number in attempts.items():
        check(counts, "the last attempt is the one in the journal", last.get(guid) == number)


def is_broken(counts: Counter[str]) -> bool:
    """Tell whether a promise was broken."""
    return any(name.startswith(BROKEN) for name in counts)


def single(steps: int, *, every: int = 1) -> Iterator[Sequence[int]]:
    """Yield every step alone, or every `every`-th."""
    yield from ((step,) for step in range(1, steps + 1, every))


def pairs(steps: int, *, every: int = 1) -> Iterator[Sequence[int]]:
    """Yield every step of a first life with every step of a second; more than the second takes ends it."""
    chosen = range(1, steps + 1, every)
    yield from ((first, second) for first in chosen for second in chosen)


def chance(steps: int, number: int, *, seed: int, most: int = 6) -> Iterator[Sequence[int]]:
    """Yield rows of kills at steps by chance, more of them early in a life."""
    dice = random.Random(seed)
    for _ in range(number):
        yield [min(dice.randint(1, steps), dice.randint(1, steps)) for _ in range(dice.randint(2, most))]


def moments(duration_s: float, number: int, *, seed: int) -> Iterator[Sequence[float]]:
    """Yield moments in the course of one life or of several, wherever the process is then."""
    dice = random.Random(seed)
    for _ in range(number):
        yield [dice.uniform(0, duration_s) for _ in range(dice.randint(1, 3))]


def count_all(
    lives: Callable[[Sequence[Moment]], tuple[Counter[str], int]],
    plans: Iterator[Sequence[Moment]],
    *,
    until_broken: bool = False,
) -> Counter[str]:
    """Live through all plans; of pairs, those beyond the end of the second life are left out."""
    total: Counter[str] = Counter()
    beyond: dict[Moment, int] = {}
    for kills in plans:
        if len(kills) == 2 and kills[1] > beyond.get(kills[0], kills[1]):
            continue
        counts, ended_after = lives(kills)
        total += counts
        if ended_after and len(kills) == 2:
            beyond[kills[0]] = ended_after
        if until_broken and is_broken(total):
            break
    return total
