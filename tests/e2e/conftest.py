"""Programs and databases for tests with real children."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
for folder in ("replay", "conformance"):
    sys.path.insert(0, str(TESTS / folder))

from recordings import source  # noqa: E402
from replaying import Gate, install  # noqa: E402


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Hold ``messages.stats`` of a replayed program until the test lets it go."""
    made = Gate(tmp_path / "gate", "messages.stats")
    yield made
    made.close()


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], Path]:
    """Return the folder that holds a database and its recordings; skip where there is none."""

    def find(database: str) -> Path:
        folder = source(database)
        if folder is None or not (folder / f"{database}.db").is_file():
            pytest.skip(f"{database}.db is not at hand (set IMSG_SDK_GOLDEN)")
        return folder

    return find


@pytest.fixture
def copied(recorded: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """Return a private copy of a database."""

    def copy(database: str) -> Path:
        target = tmp_path / f"{database}.db"
        shutil.copyfile(recorded(database) / target.name, target)
        return target

    return copy


@pytest.fixture
def replayed(recorded: Callable[[str], Path], tmp_path: Path) -> Callable[..., Path]:
    """Return an ``imsg`` that answers as one version did on one database."""

    def make(database: str, version: str, gate: Gate | None = None) -> Path:
        (recording,) = (recorded(database) / "imsg").glob(f"{database}.{version}.jsonl.*")
        return install(tmp_path / f"{database}-{version}", recording, gate)

    return make
