"""The bot of the page on testing, and its tests, as somebody would copy them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "testing.md"


def files() -> dict[str, str]:
    """Return the files that the page shows."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"runs it as a file -->\n```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return dict(zip(("bot.py", "test_bot.py"), found, strict=True))


def test_the_bot_of_the_page_passes_its_tests(tmp_path: Path) -> None:
    for name, code in files().items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    plugins = ["-p", "imsg_sdk.testing.plugin", "-p", "no:cacheprovider"]
    argv = [sys.executable, "-m", "pytest", "-q", "-W", "error", *plugins]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
    assert "warning" not in done.stdout


def test_the_fixtures_of_the_page_are_those_that_there_are() -> None:
    from imsg_sdk.testing import plugin

    text = (ROOT / "docs" / "reference" / "testing.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(\w*imsg_\w+)`", text.partition("## Fixtures")[2]))
    there = {name for name in vars(plugin) if "imsg_" in name and not name.startswith("_") and name != "imsg_sdk"}
    assert told == there
