"""Faults that are there from the start, by a word on the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from imsg_sdk.errors import BackendExited, ServerBusy
from imsg_sdk.testing import Sandbox

EXIT = '{"name": "exit", "method": "chats.list", "times": 2}'
MODULE = (sys.executable, "-m", "imsg_sdk.sandbox")


def test_a_child_may_be_started_with_faults_and_again_without_more_of_them(
    imsg_sandbox: Sandbox, wire: Callable[..., Any]
) -> None:
    argv = [*imsg_sandbox.argv(), "--fault", EXIT, "--fault", "watch_error", "--fault", "database_rotated"]
    for _ in range(2):
        with pytest.raises(BackendExited):
            wire(argv).ask("chats.list")

    assert wire(argv).ask("chats.list") == {"chats": []}
    assert [fault["name"] for fault in imsg_sandbox.faults()] == ["exit", "watch_error", "database_rotated"]


def test_a_world_may_be_made_with_faults(tmp_path: Any, wire: Callable[..., Any]) -> None:
    path = str(tmp_path / "chat.db")
    subprocess.run([*MODULE, "world", path, "--fault", '{"name": "refused", "method": "chats.list"}'], check=True)
    argv = [*MODULE, "rpc", "--db", path]

    with pytest.raises(ServerBusy):
        wire(argv).ask("chats.list")
    assert wire(argv).ask("chats.list") == {"chats": []}


@pytest.mark.parametrize("fault", ["meteor", '{"name": "slow", "speed": 3}', "{", '{"seconds": 3}'])
def test_a_wrong_fault_is_named_and_nothing_starts(imsg_sandbox: Sandbox, fault: str) -> None:
    done = subprocess.run(
        [*imsg_sandbox.argv(), "--fault", fault], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert imsg_sandbox.faults() == []
