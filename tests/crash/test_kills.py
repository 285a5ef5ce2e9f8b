"""The guarantees of the gateway, put to the test by ``kill -9`` at every step.  ``report.py`` tries all pairs.

The harness forks, so it runs in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import planted
import pytest
from embedded import EmbeddedScenario
from walk import WalkScenario
from world import Scenario

from imsg_sdk.gateway.state import POINTS, Journal, state_folder

REPORT = Path(__file__).with_name("report.py")


def report(*options: str) -> tuple[dict[str, int], set[str]]:
    """Return the counts, and the promises that were broken."""
    command = [sys.executable, str(REPORT), "--short", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=100, check=False)
    assert done.stdout, done.stderr
    counts: dict[str, int] = json.loads(done.stdout)
    broken = {name.removeprefix("broken: ") for name in counts if name.startswith("broken: ")}
    assert done.returncode == bool(broken)
    return counts, broken


@pytest.mark.parametrize("scenario", [WalkScenario, EmbeddedScenario])
def test_a_life_passes_every_step(scenario: type[Scenario], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMSG_SDK_STATE_DIR", str(tmp_path / "shared"))
    monkeypatch.setattr(Journal, "reached", Journal.reached)  # puts it back at the end
    passed: set[str] = set()
    scenario().live(state_folder(tmp_path / "state"), passed.add)
    assert passed == {*POINTS, "handler:before", "handler:after", "send:before", "send:after"}


@pytest.mark.parametrize(("scenario", "every", "chance"), [("walk", 1, 25), ("gateway", 6, 6)])
def test_every_guarantee_holds_when_the_process_is_killed_at_any_step_and_again(
    scenario: str, every: int, chance: int
) -> None:
    counts, broken = report(scenario, "--every", str(every), "--chance", str(chance), "--seed", "20260105")
    assert broken == set()
    assert counts["runs"] >= 93 // every + 2 * chance
    assert counts["kills"] > counts["runs"]
    # Each kind of end was met, else nothing was proven.
    assert counts["chunks observed"] > counts["chunks uncertain"] > 0


def test_every_guarantee_holds_through_real_children_and_a_make_believe_messages() -> None:
    counts, broken = report("sandbox", "--steps", "8", "71")
    assert broken == set()
    assert counts["kills"] == counts["runs"] == 2


@pytest.mark.parametrize("fault", planted.FAULTS)
def test_a_journal_that_breaks_a_promise_is_found_out(fault: str) -> None:
    _, broken = report("walk", "--chance", "0", "--plant", fault)
    assert planted.FAULTS[fault][1] in broken
