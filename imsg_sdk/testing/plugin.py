"""Fixtures for pytest.  Loaded by every test run of an environment with this package, so it imports nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from imsg_sdk.client.aio import AsyncIMessageClient
    from imsg_sdk.client.sync import IMessageClient
    from imsg_sdk.gateway.gateway import Gateway
    from imsg_sdk.testing.sandbox import FaultHandle, Sandbox

_MARKER = "imsg_sandbox(**options): options of imsg_sdk.testing.Sandbox for the fixture imsg_sandbox"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def make_imsg_sandbox() -> Iterator[Callable[..., Sandbox]]:
    """Return a way to make sandboxes; they are closed at the end of the test.

    Takes the keywords of :class:`imsg_sdk.testing.Sandbox`.
    """
    from imsg_sdk.testing.sandbox import Sandbox

    made: list[Sandbox] = []

    def make(**options: object) -> Sandbox:
        sandbox = Sandbox(**options)  # type: ignore[arg-type]
        made.append(sandbox)
        return sandbox.make()

    yield make
    for sandbox in reversed(made):
        sandbox.close()


@pytest.fixture
def imsg_sandbox(request: pytest.FixtureRequest, make_imsg_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Return a make-believe Messages of its own: empty, on a virtual clock, and nobody answers.

    Another one by ``@pytest.mark.imsg_sandbox(people=[...], messages=500)``.
    """
    options: dict[str, object] = {}
    for marker in reversed(list(request.node.iter_markers("imsg_sandbox"))):
        options.update(marker.kwargs)
    return make_imsg_sandbox(**options)


@pytest.fixture
def imsg_client(imsg_sandbox: Sandbox) -> IMessageClient:
    """Return a client of `imsg_sandbox`."""
    return imsg_sandbox.client()


@pytest.fixture
def imsg_async_client(imsg_sandbox: Sandbox) -> AsyncIMessageClient:
    """Return an asynchronous client of `imsg_sandbox`; it needs no plugin for asyncio to be made or closed."""
    return imsg_sandbox.async_client()


@pytest.fixture
def imsg_fault(imsg_sandbox: Sandbox) -> Callable[..., FaultHandle]:
    """Return a way to let things go wrong in `imsg_sandbox`: its method ``fault``."""
    return imsg_sandbox.fault


@pytest.fixture
def make_imsg_gateway(
    imsg_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Gateway]]:
    """Return a way to start gateways over `imsg_sandbox`, in its time; they are stopped at the end of the test.

    Takes what :class:`imsg_sdk.Gateway` takes.  What a gateway keeps lies in `tmp_path`.
    """
    from imsg_sdk.gateway.gateway import Gateway

    monkeypatch.setenv("IMSG_SDK_STATE_DIR", str(tmp_path / "imsg-state"))
    started: list[Gateway] = []

    def start(config: object = None, **options: object) -> Gateway:
        options = {"client": imsg_sandbox.client(), "clock": imsg_sandbox.clock, **options}
        gateway = Gateway(config, **options)  # type: ignore[arg-type]
        started.append(gateway)
        imsg_sandbox.explain_with(gateway)
        gateway.start()
        return gateway

    yield start
    for gateway in reversed(started):
        gateway.stop()
