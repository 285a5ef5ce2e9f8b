"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def golden() -> Path:
    """Return the folder of recorded databases and answers; skip where it is not at hand."""
    folder = Path(os.environ.get("IMSG_SDK_GOLDEN") or ROOT.parent / "shared" / "golden")
    if not (folder / "README.md").is_file():
        pytest.skip(f"the golden recordings are not at {folder.name} beside this checkout (set IMSG_SDK_GOLDEN)")
    return folder
