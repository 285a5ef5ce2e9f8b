"""The tools that judge the code are part of the one test command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = ["imsg_sdk", "tests", "docs", "notebooks"]

TOOLS = {
    "lint": [sys.executable, "-m", "ruff", "check", "--no-cache", *CODE],
    "format": [sys.executable, "-m", "ruff", "format", "--check", "--no-cache", *CODE],
    "types": [sys.executable, "-m", "mypy"],
    # The console script, since the package cannot be run with -m.
    "imports": [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
}


@pytest.mark.timeout(300)  # type checking from a cold cache, on a slow machine
@pytest.mark.parametrize("name", TOOLS)
def test_the_code_passes(name: str) -> None:
    done = subprocess.run(TOOLS[name], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=280)
    assert done.returncode == 0, f"{name}:\n{done.stdout}\n{done.stderr}"


def test_the_gate_runs_the_command_that_the_readme_gives() -> None:
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert gate[-1] in readme
