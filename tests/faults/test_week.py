"""Some hours of chatter with a few deaths, of the soak that lives through a week with a hundred."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SOAK = Path(__file__).resolve().parents[1] / "soak" / "chatter.py"


@pytest.fixture(scope="module")
def chatter() -> ModuleType:
    """Return the soak as a module."""
    spec = importlib.util.spec_from_file_location("soak_chatter", SOAK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "options", [{"weather": 20}, {"dialect": "legacy"}, {"extended": True}], ids=["v1", "legacy", "extended"]
)
def test_every_message_of_a_few_hours_is_seen_once_however_often_programs_die(
    chatter: ModuleType, options: dict[str, object]
) -> None:
    report = chatter.live_through(days=0.25, kills=5, seed=3, **options)

    assert report.is_flawless, str(report)
    assert report.n_killed == 5
    assert report.n_messages > 150
    assert (report.n_late > 0) is ("dialect" not in options)
