"""``imsg-sdk gateway erase``, beside a gateway that runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from imsg_sdk._time import SystemClock
from imsg_sdk.gateway.state import Journal, StateReader, state_folder
from imsg_sdk.models import Message

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_person_is_erased_while_the_gateway_runs(run: Run, tmp_path: Path) -> None:
    folder = state_folder(tmp_path / "state")
    erase = ("gateway", "erase", "+1 (555) 123-0001", "--state-dir", str(folder))
    with Journal.open(folder, identity="database 1", clock=SystemClock()) as journal:
        journal.arrive([Message(rowid=1, guid="G1", sender="+15551230001", text="secret")], "1")
        done = run(*erase)
        assert (done.returncode, done.stdout) == (0, "erased: +15…01, from 1 place\n")
        assert journal.unfinished().undecided == ()
    (row,) = StateReader(folder).decisions()
    assert (row.guid, row.reason, row.sender, row.text) == ("G1", "erased", None, None)
    again = run(*erase, "--json")
    assert (again.returncode, json.loads(again.stdout)["erased"]) == (1, 0)
    assert "stands nowhere" in again.stderr


def test_without_a_state_nobody_is_erased(run: Run, tmp_path: Path) -> None:
    done = run("gateway", "erase", "+15551230001", "--state-dir", str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (1, "")
    assert not (tmp_path / "none").exists()
