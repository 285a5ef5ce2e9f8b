"""Kill the process at every step of two lives in a row, and print what the guarantees came to.

python tests/crash/report.py                # every step, every pair of steps, and rows of kills by chance
python tests/crash/report.py --short        # every step, and fewer by chance: what the tests run
python tests/crash/report.py --chance 2000 --seed 7
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import harness
import planted


def main() -> int:
    """Run everything; return 1 where a guarantee was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="leave the pairs out")
    parser.add_argument("--chance", type=int, default=500, help="rows of two to six kills at steps by chance")
    parser.add_argument("--seed", type=int, default=1, help="which chance")
    parser.add_argument("--plant", choices=planted.FAULTS, help="plant a fault first, and stop when it is found")
    parser.add_argument("--json", action="store_true", help="print the counts as one line of JSON")
    options = parser.parse_args()
    if options.plant:
        planted.FAULTS[options.plant][0]()
    parts = {"every step": harness.single()}
    if not options.short:
        parts["every step of a life and every step of the next"] = harness.pairs()
    parts["steps by chance, life after life"] = harness.chance(options.chance, seed=options.seed)
    total = _all(parts, silent=options.json, until_broken=bool(options.plant))
    if options.json:
        print(json.dumps(total))
        return int(harness.is_broken(total))
    return _tell(total)


def _all(parts: dict[str, Iterator[Sequence[int]]], *, silent: bool, until_broken: bool) -> Counter[str]:
    total: Counter[str] = Counter(steps=harness.steps_of_a_life())
    for name, plans in parts.items():
        begun = time.monotonic()
        counts = harness.count_all(plans, until_broken=until_broken)
        if not silent:
            spent_s = time.monotonic() - begun
            print(f"{name}: {counts['runs']:,} runs, {counts['kills']:,} kills, {spent_s:.0f} s")
        total += counts
    return total


def _tell(total: Counter[str]) -> int:
    """Print the counts, promises first; return 1 where one was broken."""
    broken = {name: number for name, number in total.items() if name.startswith("broken: ")}
    print()
    for name, number in sorted(total.items()):
        if name not in broken:
            times = broken.get(f"broken: {name}")
            print(f"{number:>9,}  {name}" + (f", BROKEN {times:,} times" if times else ""))
    print("\n" + ("guarantees were broken" if broken else "every guarantee held"))
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
