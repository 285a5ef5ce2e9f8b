"""Print every figure the project promises, each beside its target, in one run.

    python tests/bench/run.py                       # everything, on a generated history of 200,000 messages
    python tests/bench/run.py --messages 20000      # smaller and quicker
    python tests/bench/run.py frame search          # only these
    python tests/bench/run.py --history chat.db     # on a file you have
    python tests/bench/run.py --list

Ratios compare CPU time with ``sqlite3`` fetching 24 columns of the same file into Python tuples, on the same
machine in the same run: median of five, each in a process of its own, garbage collection as a user has it.
The figures for the extra ``[arrow]`` need pyarrow (and adbc-driver-sqlite for its last line); those without
it hide both, so one environment shows all.  Nothing here is part of the gate.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cases
import gateway
import policy
import watching
from measure import Bench, Figure, Unavailable

from imsg_sdk.sandbox.history.generate import generate

CASES: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "frame": cases.file_to_frame,
    "client": cases.through_the_client,
    "history": cases.history_of_one_chat,
    "after": cases.everything_in_pages,
    "search": cases.search_without_a_hit,
    "import": cases.imports,
    "start": cases.starts,
    "memory": cases.memory,
    "idle": cases.idle_watch,
    "watch": watching.latency,
    "catchup": watching.catching_up,
    "decide": policy.decisions,
    "backtest": policy.back_test,
    "gateway": gateway.loop,
}


def main() -> int:
    """Run the cases that were named, or all."""
    options = _options()
    if options.list:
        print(*CASES, sep="\n")
        return 0
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its byte code
    with tempfile.TemporaryDirectory() as folder:
        path = options.history or _generated(Path(folder) / "chat.db", options.messages)
        bench = Bench(path=path, messages=options.messages, rounds=options.rounds)
        missed = sum(_run(bench, name) for name in options.names or CASES)
    print(f"\n{missed} missed" if missed else "\nevery target met")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help="cases to run (--list shows them)")
    parser.add_argument("--messages", type=int, default=200_000, help="size of the generated history")
    parser.add_argument("--history", type=Path, help="measure this file instead of a generated one")
    parser.add_argument("--rounds", type=int, default=5, help="measurements per figure; the median counts")
    parser.add_argument("--list", action="store_true", help="name the cases")
    options = parser.parse_args()
    if unknown := set(options.names) - set(CASES):
        parser.error(f"no case is named {', '.join(sorted(unknown))}; --list shows them")
    return options


def _generated(path: Path, messages: int) -> Path:
    started = time.perf_counter()
    largest = min(3650, messages // 2)
    generate(path, seed=1, messages=messages, body_only=0.3, largest_chat=largest)
    seconds = time.perf_counter() - started
    rate = messages / seconds
    print(f"Python {sys.version.split()[0]}, {messages:,} messages, {path.stat().st_size / 2**20:.0f} MiB\n")
    print(Figure("generating the history", rate, "messages/s", target=1_000_000 / 120, more_is_better=True).line())
    return path


def _run(bench: Bench, name: str) -> int:
    missed = 0
    try:
        for figure in CASES[name](bench):
            print(figure.line(), flush=True)
            missed += not figure.is_met
    except Unavailable as reason:
        print(f"{name}: not measured, {reason}", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
