"""The pytest plugin in somebody else's tests: no cost, no warning, no other plugin needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LOADED = ("-p", "imsg_sdk.testing.plugin")
HEAVY = ("pandas", "numpy", "msgspec", "asyncio", "sqlite3", "imsg_sdk.client", "imsg_sdk.rpc", "imsg_sdk.errors")


def run(folder: Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_theirs.py").write_text(code, encoding="utf-8")
    argv = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *LOADED, *options]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=100)


def test_tests_that_use_none_of_it_import_nothing(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", "import sys, pytest; before = set(sys.modules); import imsg_sdk.testing.plugin;"
            "print(*sorted(set(sys.modules) - before))"]  # fmt: skip
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.split() == ["imsg_sdk", "imsg_sdk.testing", "imsg_sdk.testing.plugin"]


def test_tests_that_use_none_of_it_run_as_ever(tmp_path: Path) -> None:
    code = f"""
import sys

def test_nothing_is_loaded():
    assert not set({HEAVY!r}[-3:]) & sys.modules.keys()
"""
    done = run(tmp_path, code, "--strict-markers")

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("options", [(), ("-p", "no:asyncio", "-p", "no:anyio", "-p", "no:xdist", "-p", "no:timeout")])
def test_the_fixtures_work_with_and_without_other_plugins(tmp_path: Path, options: tuple[str, ...]) -> None:
    code = """
import asyncio

import pytest

from imsg_sdk.testing import assert_sent

ADA = "+15550001001"

def test_sync(imsg_sandbox, imsg_client):
    imsg_sandbox.receive(ADA, "hello")
    assert imsg_client.messages()["text"].tolist() == ["hello"]

def test_async(imsg_sandbox, imsg_async_client):
    async def answer():
        async with imsg_async_client.watch() as watch:
            imsg_sandbox.receive(ADA, "hello")
            message = await watch.get(timeout=30)
            await imsg_async_client.reply(message, "hi")

    asyncio.run(answer())
    assert_sent(imsg_sandbox, to=ADA, text="hi")

@pytest.mark.imsg_sandbox(people=[{"name": "Ada", "addresses": [ADA]}])
def test_marked(imsg_sandbox, imsg_fault):
    assert [person["name"] for person in imsg_sandbox.people] == ["Ada"]
    assert imsg_fault("slow").name == "slow"
"""
    done = run(tmp_path, code, "--strict-markers", *options)

    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_the_entry_point_is_named_like_its_module() -> None:
    """Otherwise ``-p imsg_sdk.testing.plugin`` beside an installed package would register it twice."""
    import tomllib

    text = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    points = tomllib.loads(text)["project"]["entry-points"]["pytest11"]
    assert points == {"imsg_sdk.testing.plugin": "imsg_sdk.testing.plugin"}
