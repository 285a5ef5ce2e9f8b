"""Print how our server differs from the recordings: ``python tests/conformance/report.py [db] [version] [kind]``.

Each argument may be left out or be ``all``.  Differences are grouped by method and place, with counts and
one example.  ``--full`` shows every one.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from child import Server
from recordings import DATABASES, DIALECTS, lay_out, load, source
from replay import REPLAYS, Fault, replay


def main(arguments: list[str]) -> int:
    full = "--full" in arguments
    words = [word for word in arguments if not word.startswith("--")] + ["all"] * 3
    databases = DATABASES if words[0] == "all" else (words[0].removesuffix(".db"),)
    versions = tuple(DIALECTS) if words[1] == "all" else (words[1],)
    kinds = tuple(REPLAYS) if words[2] == "all" else (words[2],)
    total = 0
    with tempfile.TemporaryDirectory(prefix="imsg-conformance-") as temporary:
        for number, (database, version) in enumerate(itertools.product(databases, versions)):
            folder = source(database)
            if folder is None:
                print(f"{database}: no recordings here")
                continue
            target = Path(temporary, str(number))
            target.mkdir()
            total += _report(lay_out(folder, target), folder, database, version, kinds, full)
    print(f"\n{total} differences in all")
    return 1 if total else 0


def _report(target: Path, folder: Path, database: str, version: str, kinds: tuple[str, ...], full: bool) -> int:
    recorded = load(folder, database, version)
    server = Server.over(target, database, DIALECTS[version])
    total = 0
    for kind in kinds:
        if kind not in recorded:
            continue
        begun = time.monotonic()
        faults = list(replay(recorded, kind, server))
        total += len(faults)
        spent = time.monotonic() - begun
        print(f"{database} {version} {kind}: {len(recorded[kind])} cases, {len(faults)} differences, {spent:.1f} s")
        _print_groups(faults, full)
    return total


def _print_groups(faults: list[Fault], full: bool) -> None:
    groups: dict[tuple[str, str], list[Fault]] = defaultdict(list)
    for fault in faults:
        method = fault.request.get("method", "?") if isinstance(fault.request, dict) else ""
        groups[method, fault.difference.shape].append(fault)
    for (method, shape), members in sorted(groups.items(), key=lambda item: -len(item[1])):
        print(f"  {len(members):5d} × {method} {shape}")
        for fault in members if full else members[:1]:
            print(f"          request  {_short(fault.request)}")
            print(f"          at       {fault.difference.where}")
            print(f"          expected {_short(fault.difference.expected)}")
            print(f"          got      {_short(fault.difference.got)}")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) < 400 else f"{text[:300]} … {text[-90:]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
