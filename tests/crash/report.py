"""Kill a process at every step of two lives in a row, and print what the guarantees came to.

    python tests/crash/report.py                # everything: half an hour on a machine that is idle
    python tests/crash/report.py gateway --short --every 4    # every fourth step, and rows by chance
    python tests/crash/report.py --chance 2000 --seed 7

``walk`` is a small gateway that does what the journal asks for and nothing more, ``gateway`` the real one over a
program that is a list, ``sandbox`` the real one through the real client and its
children over a make-believe Messages, ``plain`` the same without a bridge; of these two no pairs.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import embedded
import harness
import planted
import sandboxed
import walk

SCENARIOS = {
    "walk": walk.WalkScenario,
    "gateway": embedded.EmbeddedScenario,
    "sandbox": lambda: sandboxed.SandboxScenario(bridge=True),
    "plain": lambda: sandboxed.SandboxScenario(bridge=False),
}

SLOW = {"sandbox", "plain"}
"""Those whose lives take seconds: no pairs, and a twentieth of the rows by chance."""


def main() -> int:
    """Run everything; return 1 where a guarantee was broken."""
    options = _options()
    if options.plant:
        planted.FAULTS[options.plant][0]()
    total: Counter[str] = Counter()
    for name in options.scenarios or SCENARIOS:
        total += _all(name, options)
    if options.json:
        print(json.dumps(total))
    else:
        _tell(total)
    return int(harness.is_broken(total))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=f"{' or '.join(SCENARIOS)} (default: all)")
    parser.add_argument("--short", action="store_true", help="leave the pairs out")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th step only")
    parser.add_argument("--steps", type=int, nargs="+", metavar="N", help="these steps only")
    parser.add_argument("--chance", type=int, default=500, help="rows of two to six kills at steps by chance")
    parser.add_argument("--seed", type=int, default=1, help="which chance")
    parser.add_argument("--plant", choices=planted.FAULTS, help="plant a fault first, and stop when it is found")
    parser.add_argument("--json", action="store_true", help="print the counts as one line of JSON")
    options = parser.parse_args()
    if unknown := set(options.scenarios) - set(SCENARIOS):
        parser.error(f"no scenario is named {unknown.pop()}")
    return options


def _all(name: str, options: argparse.Namespace) -> Counter[str]:
    lab = harness.Harness(SCENARIOS[name]())
    total: Counter[str] = Counter()
    for part, plans in _parts(name, lab, options):
        begun = time.monotonic()
        counts = harness.count_all(lab.lives, plans, until_broken=bool(options.plant))
        if not options.json:
            spent_s = time.monotonic() - begun
            print(f"{name}, {part}: {counts['runs']:,} runs, {counts['kills']:,} kills, {spent_s:.0f} s", flush=True)
        total += counts
    return total


def _parts(
    name: str, lab: harness.Harness, options: argparse.Namespace
) -> Iterator[tuple[str, Iterator[Sequence[harness.Moment]]]]:
    """Yield what is to be tried, and its name."""
    if options.steps:
        yield "steps that were named", iter([(step,) for step in options.steps])
        return
    yield f"{lab.steps} steps one by one", harness.single(lab.steps, every=options.every)
    if not options.short and name not in SLOW:
        yield "every step of a life and every step of the next", harness.pairs(lab.steps, every=options.every)
    number = options.chance // 20 if name in SLOW else options.chance
    yield "steps by chance, life after life", harness.chance(lab.steps, number, seed=options.seed)
    yield "moments by chance, in the midst of steps", harness.moments(lab.duration_s, number, seed=options.seed)


def _tell(total: Counter[str]) -> None:
    """Print the counts, promises first."""
    print()
    for name, number in sorted(total.items()):
        if not name.startswith(harness.BROKEN):
            times = total.get(harness.BROKEN + name)
            print(f"{number:>9,}  {name}" + (f", BROKEN {times:,} times" if times else ""))
    print("\n" + ("guarantees were broken" if harness.is_broken(total) else "every guarantee held"))


if __name__ == "__main__":
    raise SystemExit(main())
