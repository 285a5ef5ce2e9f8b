"""Run a process, end it by ``kill -9`` at a step, start it anew, and count what the guarantees promise."""

from __future__ import annotations

import os
import random
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from walk import CHUNKS, ROWS, Walk, World

from imsg_sdk.gateway.state import StateReader, state_folder

WAIT_S = 20


def live(folder: Path, kill_at: int | None) -> tuple[bool, int]:
    """Let a process live, and end it at its `kill_at`-th step; return whether it was, and how many steps it took."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        _be_the_process(folder, kill_at, write)
    os.close(write)
    # Ends when the process does, however it ends.
    steps = b"".join(iter(lambda: os.read(read, 4096), b""))
    os.close(read)
    _, status = os.waitpid(child, 0)
    was_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert was_killed or os.WEXITSTATUS(status) == 0, "the process failed by itself"
    return was_killed, len(steps)


def _be_the_process(folder: Path, kill_at: int | None, write: int) -> None:
    taken = 0

    def reached(_: str) -> None:
        nonlocal taken
        taken += 1
        os.write(write, b".")
        if taken == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    code = 1
    try:
        signal.alarm(WAIT_S)
        Walk(folder, reached).run()
        code = 0
    finally:
        os._exit(code)


def lives(kills: Sequence[int]) -> tuple[Counter[str], int]:
    """Let a process be killed at each of these steps of one life after the other, then live to the end; count.

    Returns
    -------
    tuple
        The counts, and how many steps its last but one life had taken when it ended by itself (0 where it was killed).
    """
    with tempfile.TemporaryDirectory() as name:
        folder = state_folder(name)
        counts: Counter[str] = Counter(runs=1)
        ended_after = 0
        for kill_at in kills:
            was_killed, steps = live(folder, kill_at)
            counts["kills"] += was_killed
            if not was_killed:
                ended_after = steps
                break
        live(folder, None)
        counts += count(folder)
        return counts, ended_after


def count(folder: Path) -> Counter[str]:
    """Return how often each guarantee was put to the test, and how often it was broken (``broken: …``)."""
    counts: Counter[str] = Counter()

    def check(promise: str, holds: bool) -> None:
        counts[promise] += 1
        if not holds:
            counts[f"broken: {promise}"] += 1

    reader, world = StateReader(folder), World(folder)
    decisions, outbox = list(reader.decisions()), list(reader.outbox())
    by_row = Counter(row.message_rowid for row in decisions)
    for rowid in ROWS:
        check("a reported message is never lost", by_row[rowid] >= 1)
        check("a row has one decision", by_row[rowid] == 1)
    for row in decisions:
        check(
            "every row is finished, with a reason or an answer", row.state == "finished" and row.dispatched is not None
        )
    _check_handlers(world, {str(row.guid): row.attempts for row in decisions if row.dispatched}, check)
    sent = Counter(world.sent())
    for chunk in outbox:
        went_out = sent[str(chunk.outbound_id)]
        check("a chunk is attempted at most once", went_out <= 1)
        check("a chunk is settled, or uncertain", chunk.state in ("observed", "uncertain"))
        check("what was observed went out", chunk.state != "observed" or went_out == 1)
        counts[f"chunks {chunk.state}"] += 1
    guids = {row.entry_id: row.guid for row in decisions}
    planned = Counter((guids.get(chunk.entry_id or 0, "G8"), chunk.text) for chunk in outbox)
    expected = Counter((guid, text) for guid, texts in CHUNKS.items() for text in texts)
    check("every answer is planned once and whole", planned == expected)
    return counts


def is_broken(counts: Counter[str]) -> bool:
    """Tell whether a promise was broken."""
    return any(name.startswith("broken: ") for name in counts)


def _check_handlers(world: World, attempts: dict[str, int], check: Callable[[str, bool], None]) -> None:
    finished: set[str] = set()
    last: dict[str, int] = {}
    for word, name, *rest in world.lines():
        if word == "planned":
            finished.add(name)
        elif word == "handled":
            check("what was finished is never handled again", name not in finished)
            check("attempts are counted up", int(rest[0]) > last.get(name, 0))
            last[name] = int(rest[0])
    for guid, number in attempts.items():
        check("the last attempt is the one in the journal", last.get(guid) == number)


def single() -> Iterator[Sequence[int]]:
    """Yield every step alone."""
    yield from ((step,) for step in range(1, steps_of_a_life() + 1))


def pairs() -> Iterator[Sequence[int]]:
    """Yield every step of a first life with every step of a second; more than the second takes ends it."""
    total = steps_of_a_life()
    yield from ((first, second) for first in range(1, total + 1) for second in range(1, total + 1))


def chance(number: int, *, seed: int, most: int = 6) -> Iterator[Sequence[int]]:
    """Yield rows of kills at steps by chance, more of them early in a life."""
    dice = random.Random(seed)
    total = steps_of_a_life()
    for _ in range(number):
        yield [min(dice.randint(1, total), dice.randint(1, total)) for _ in range(dice.randint(2, most))]


def steps_of_a_life() -> int:
    """Return how many steps a life without a kill takes."""
    with tempfile.TemporaryDirectory() as name:
        return live(state_folder(name), None)[1]


def count_all(plans: Iterator[Sequence[int]], *, until_broken: bool = False) -> Counter[str]:
    """Live through all plans; of pairs, those beyond the end of the second life are left out."""
    total: Counter[str] = Counter()
    beyond: dict[int, int] = {}
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


__all__ = ["chance", "count_all", "is_broken", "lives", "pairs", "single", "steps_of_a_life"]
