"""A week of chatter, with a hundred deaths of the programs that are watched.

    python tests/soak/week.py                          # about two minutes
    python tests/soak/week.py --days 1 --kills 20
    python tests/soak/week.py --dialect legacy --seed 7
    python tests/soak/week.py --extended               # through this package's own methods
    python tests/soak/week.py --weather 200            # and silence, overflows, locks, garbage, other files

Exits with 1 unless every message was handed out once, in the order of rows but for those linked late.
"""

from __future__ import annotations

import argparse
import logging
import sys

from chatter import live_through


def main() -> int:
    """Run it and print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=7)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dialect", choices=["v1", "legacy"], default="v1")
    parser.add_argument("--extended", action="store_true")
    parser.add_argument("--weather", type=int, default=0, metavar="N", help="so many other faults besides")
    parser.add_argument("--log", action="store_true", help="tell what the client does")
    given = parser.parse_args()
    if given.log:
        logging.basicConfig(level=logging.INFO, format="%(relativeCreated)d %(name)s %(message)s")
    report = live_through(
        days=given.days,
        kills=given.kills,
        seed=given.seed,
        dialect=given.dialect,
        extended=given.extended,
        weather=given.weather,
    )
    print(report)
    return 0 if report.is_flawless else 1


if __name__ == "__main__":
    sys.exit(main())
