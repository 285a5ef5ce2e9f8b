"""Clients of programs that misbehave."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import IMessageClient

CHILDREN = Path(__file__).parent / "children"


@pytest.fixture
def client_of() -> Iterator[Callable[..., IMessageClient]]:
    """Return a client of one of the programs in ``children``."""
    made: list[IMessageClient] = []

    def make(name: str, *arguments: str, **settings: Any) -> IMessageClient:
        settings = {"startup_timeout_s": 10, "close_timeout_s": 0.5, **settings}
        made.append(IMessageClient(cli_path=[sys.executable, str(CHILDREN / f"{name}.py"), *arguments], **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()
