"""The Python of the pages runs, in order, against a fictional history."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import IMessageClient

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])

_BLOCK = re.compile(
    r"(?P<skip><!-- no-run: (?P<reason>[^\n]+?) -->\n+)?```python\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)


def blocks(page: Path) -> Iterator[tuple[int, str]]:
    """Yield line number and code of every block that is to run."""
    text = page.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        if match["skip"] is None:
            yield text.count("\n", 0, match.start("code")), match["code"]


@pytest.fixture(scope="module")
def client() -> Iterator[IMessageClient]:
    """Return the client that the pages speak of."""
    with IMessageClient.sandbox(seed=1) as client:
        yield client


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_python_of_a_page_runs(
    page: Path, client: IMessageClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"client": client, "__name__": "page"}
    for line, code in blocks(page):
        # The line numbers of the page, so that a traceback points into it.
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile("\n" * line + code, str(page), "exec"), namespace)


def test_no_page_uses_a_private_name() -> None:
    for page in PAGES:
        for _, code in blocks(page):
            assert not re.search(r"imsg_sdk\.(\w+\.)*_|import _|\w\._[a-z]", code), page
