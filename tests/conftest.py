"""Fixtures that every test may use."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from imsg_sdk.gateway import Context

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def state_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep gateways away from the state and the leases of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMSG_SDK_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def golden() -> Path:
    """Return the folder of recorded databases and answers; skip where it is not at hand."""
    folder = Path(os.environ.get("IMSG_SDK_GOLDEN") or ROOT.parent / "shared" / "golden")
    if not (folder / "README.md").is_file():
        pytest.skip(f"the golden recordings are not at {folder.name} beside this checkout (set IMSG_SDK_GOLDEN)")
    return folder


def plain(context: Context) -> list[str]:
    return ["one", "two"]


def generator(context: Context) -> Iterator[str]:
    yield "one"
    yield "two"


async def coroutine(context: Context) -> list[str]:
    await asyncio.sleep(0)
    return ["one", "two"]


async def async_generator(context: Context) -> AsyncIterator[str]:
    yield "one"
    yield "two"


async def returns_generator(context: Context) -> Iterator[str]:
    return generator(context)


class Awaitable:
    async def __call__(self, context: Context) -> list[str]:
        return ["one", "two"]


@pytest.fixture(params=[plain, generator, coroutine, async_generator, returns_generator, Awaitable()])
def handler_of_any_kind(request: pytest.FixtureRequest) -> Any:
    """Return a handler that says "one" and "two", each time written in another way."""
    return request.param
