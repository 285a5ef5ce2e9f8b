"""``--extended`` adds keys and methods, and changes nothing that is there without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from child import Server
from comparator import compare
from recordings import DIALECTS, lay_out, load, source
from replay import answers, rules_for


@dataclass(frozen=True)
class Extended(Server):
    """The server as our own client starts it."""

    def argv(self, *arguments: str) -> list[str]:
        return [*super().argv(*arguments), "--extended"]


def strip(value: Any) -> Any:
    """Take away what ``--extended`` may add: keys named ``x``, methods named ``x.…``, and the mark of it."""
    if isinstance(value, dict):
        return {key: strip(inner) for key, inner in value.items() if key != "x" and key != "extended"}
    if isinstance(value, list):
        return [strip(inner) for inner in value if not (isinstance(inner, str) and inner.startswith("x."))]
    return value


def holds_x(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("x"), dict)


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Path]]:
    target = tmp_path_factory.mktemp("extended")

    def prepare(database: str) -> tuple[Path, Path]:
        folder = source(database)
        if folder is None:
            pytest.skip(f"no recordings of {database}.db here (set IMSG_SDK_GOLDEN)")
        if not any(target.iterdir()):
            lay_out(folder, target)
        return folder, target

    return prepare


@pytest.mark.parametrize("version", DIALECTS)
@pytest.mark.parametrize("database", ["monterey", "minimal"])
def test_every_recorded_answer_is_the_same_but_for_x(
    database: str, version: str, laid_out: Callable[[str], tuple[Path, Path]]
) -> None:
    folder, target = laid_out(database)
    server = Extended.over(target, database, DIALECTS[version])
    objects = 0
    for record, answer in answers(load(folder, database, version)["rpc"], server):
        expected = record["lines"][0]
        if isinstance(expected, dict):
            assert compare(expected, strip(answer), rules_for(record["request"], server)) == []
            result = answer.get("result")
            for name in ("messages", "chats") if isinstance(result, dict) and "total_messages" not in result else ():
                rows = result.get(name, [])
                if record["request"]["method"] != "messages.scheduled":
                    assert all(holds_x(row) for row in rows)
                    objects += len(rows)
    assert objects > 1000
