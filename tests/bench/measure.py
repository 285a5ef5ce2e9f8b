"""What the benchmark measures with: processes of their own, a raw connection to a server, figures."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
HIDE = "import sys; sys.modules.update(dict.fromkeys({hidden!r}))\n"
TIMED = """
import json, resource, time
def cpu():
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
{setup}
peak_before, wall, before = peak(), time.perf_counter(), cpu()
{body}
print(json.dumps([cpu() - before, time.perf_counter() - wall, peak() - peak_before]))
"""


class Unavailable(Exception):
    """A figure cannot be taken here."""


@dataclass(frozen=True)
class Figure:
    """One measured number beside its target; None where it cannot be taken."""

    name: str
    value: float | None
    unit: str
    target: float | None = None
    more_is_better: bool = False
    note: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the target is reached, or there is none."""
        if self.target is None or self.value is None:
            return True
        return self.value >= self.target if self.more_is_better else self.value <= self.target

    def line(self) -> str:
        """Return the figure as one line of the table."""
        target = "" if self.target is None else f"{'≥' if self.more_is_better else '≤'} {_short(self.target)}"
        verdict = "" if self.target is None or self.value is None else "ok" if self.is_met else "MISSED"
        value = "–" if self.value is None else _short(self.value)
        return f"{self.name:<58}{value:>10} {self.unit:<11}{target:>10}  {verdict:<7}{self.note}".rstrip()


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


@dataclass(frozen=True)
class Cost:
    """What one piece of code cost in a process of its own: seconds and bytes."""

    cpu_s: float
    wall_s: float
    peak_bytes: float


@dataclass
class Bench:
    """The file, the number of rounds, and what was measured already."""

    path: Path
    messages: int
    rounds: int = 5
    _baseline: Cost | None = field(default=None, repr=False)

    def cost(self, body: str, *, setup: str = "", hidden: tuple[str, ...] = ()) -> Cost:
        """Return the median cost of `body`; modules in `hidden` are as if not installed."""
        return self.costs([(body, setup, hidden)])[0]

    def costs(self, pieces: Sequence[tuple[str, str, tuple[str, ...]]]) -> list[Cost]:
        """Return the median costs of several pieces (body, setup, hidden), measured in turn.

        A machine that is busy for a while slows all of them, so their ratios hold.
        """
        rounds = [[self._cost_once(*piece) for piece in pieces] for _ in range(self.rounds)]
        return [Cost(*(median(each) for each in zip(*one, strict=True))) for one in zip(*rounds, strict=True)]

    def _cost_once(self, body: str, setup: str, hidden: tuple[str, ...]) -> list[float]:
        script = HIDE.format(hidden=hidden) + TIMED.format(setup=f"PATH = {str(self.path)!r}\n{setup}", body=body)
        result: list[float] = json.loads(run_python(script))
        return result

    def baseline(self, sql: str) -> Cost:
        """Return what plain ``sqlite3`` costs for `sql`, measured once."""
        if self._baseline is None:
            self._baseline = self.costs([fetching(sql)])[0]
        return self._baseline


def fetching(sql: str) -> tuple[str, str, tuple[str, ...]]:
    """Return the piece that fetches all rows of `sql` with plain ``sqlite3``."""
    return f"rows = sqlite3.connect(PATH).execute({sql!r}).fetchall()", "import sqlite3", ()


def run_python(script: str) -> str:
    """Run `script` in a fresh interpreter; return what it printed."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=600)
    if done.returncode:
        raise Unavailable(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "the process failed")
    return done.stdout


def is_installed(*modules: str) -> bool:
    """Whether all of `modules` can be imported."""
    return not subprocess.run([sys.executable, "-c", f"import {', '.join(modules)}"], capture_output=True).returncode


def median_of(rounds: int, measure: Callable[[], float]) -> float:
    """Return the median of `rounds` measurements."""
    return median(measure() for _ in range(rounds))


def timed_figure(name: str, unit: str, target: float, rounds: int, measure: Callable[[], float]) -> Figure:
    """Return the median of wall times; the best one is noted, since a busy machine spoils the others."""
    found = [measure() for _ in range(rounds)]
    return Figure(name, median(found), unit, target, note=f"best {_short(min(found))}")


def children_cpu() -> float:
    """Return the CPU seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Server:
    """Our server over a file, spoken to in raw lines so that nothing but the server is measured."""

    def __init__(self, path: Path, *flags: str) -> None:
        argv = [sys.executable, "-m", "imsg_sdk.server", "rpc", "--db", str(path), *flags]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
        self._id = 0

    def ask(self, method: str, **params: Any) -> bytes:
        """Send one request and return the line of its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._id += 1
        request = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        while line := self._process.stdout.readline():
            if b'"error"' in line[:200] and b'"result"' not in line[:200]:
                raise Unavailable(f"{method} answers {line[:200]!r}")
            if b'"method"' not in line[:40]:
                return line
        raise Unavailable(f"the server ended at {method}")

    def timed(self, method: str, **params: Any) -> float:
        """Return the seconds from request to answer."""
        started = time.perf_counter()
        self.ask(method, **params)
        return time.perf_counter() - started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
