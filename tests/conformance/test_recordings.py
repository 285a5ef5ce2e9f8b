"""Our server answers every recorded request as the real program did.

``python tests/conformance/report.py`` prints the same comparison, grouped and with counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from child import Server
from recordings import DATABASES, DIALECTS, lay_out, load, source
from replay import NOT_REPLAYED, REPLAYS, Fault, replay


class Exemption(NamedTuple):
    """A difference that is wanted."""

    matches: Callable[[Fault], bool]
    reason: str


def is_advice_in_our_words(fault: Fault) -> bool:
    expected, got = fault.difference.expected, fault.difference.got
    if fault.difference.shape != "answers[].error.data" or not isinstance(expected, str) or not isinstance(got, str):
        return False
    needed = (expected.split("\n")[0], "Permission Error", str(fault.request), "Full Disk Access")
    return "Permission Error" in expected and got.startswith(needed[0]) and all(word in got for word in needed)


def is_end_of_a_replaced_file(fault: Fault) -> bool:
    return (
        fault.case == "later"
        and fault.difference.where == "<notice>"
        and fault.difference.got.get("method") == "error"
        and fault.request[0] in ("replaced by another", "gone")
    )


EXEMPTIONS = (
    Exemption(is_advice_in_our_words, "advice for people is in our own words; the facts in it are compared"),
    Exemption(is_end_of_a_replaced_file, "a subscription on a replaced file says so, where the real one falls silent"),
)
"""Where our server differs on purpose."""

ONE_DATABASE_ONLY = ("framing", "eof", "cli", "broken", "later", "flood", "subscriptions")
"""Recorded with one database, since the answers depend on no other."""


def cases() -> list[Any]:
    found = []
    for database in DATABASES:
        for version in DIALECTS:
            for kind in REPLAYS:
                if kind in ONE_DATABASE_ONLY and database != "sequoia":
                    continue
                if kind in ("later", "flood", "subscriptions") and version != "0.14.1":
                    continue
                found.append(pytest.param(database, version, kind, id=f"{database}-{version}-{kind}"))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Path]]:
    """Return where the recordings of a database are, and the folder to run in."""
    ready: dict[Path, Path] = {}

    def prepare(database: str) -> tuple[Path, Path]:
        kept = source(database)
        if kept is None:
            pytest.skip(f"no recordings of {database}.db here (set IMSG_SDK_GOLDEN)")
        if kept not in ready:
            ready[kept] = lay_out(kept, tmp_path_factory.mktemp("recording"))
        return kept, ready[kept]

    return prepare


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("database", "version", "kind"), cases())
def test_answers_are_those_of_the_real_program(
    database: str, version: str, kind: str, folder: Callable[[str], tuple[Path, Path]]
) -> None:
    kept, target = folder(database)
    recorded = load(kept, database, version)
    if kind not in recorded:
        pytest.skip(f"{kind} of {database}.db is not among the fixtures (set IMSG_SDK_GOLDEN)")
    server = Server.over(target, database, DIALECTS[version])
    faults = [fault for fault in replay(recorded, kind, server) if not is_exempt(fault)]
    assert not faults, summary(faults)


def is_exempt(fault: Fault) -> bool:
    return any(exemption.matches(fault) for exemption in EXEMPTIONS)


def summary(faults: list[Fault]) -> str:
    """Return the differences by place, the most frequent first, each with one example."""
    counts = Counter(fault.difference.shape for fault in faults)
    lines = [f"{len(faults)} differences"]
    for shape, count in counts.most_common(12):
        example = next(fault for fault in faults if fault.difference.shape == shape)
        expected, got = (repr(value)[:160] for value in example.difference[1:])
        lines.append(f"{count} × {shape}\n  {example.request!r:.200}\n  expected {expected}\n  got      {got}")
    return "\n".join(lines)


def test_every_kind_of_recording_is_replayed_or_has_a_reason(golden: Path) -> None:
    kinds = {
        kind for database in (*DATABASES, "live") for version in DIALECTS for kind in load(golden, database, version)
    }
    assert kinds - {"broken-exit"} == set(REPLAYS) | set(NOT_REPLAYED)
