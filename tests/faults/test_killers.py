"""A request that ended its program once is left alone for a while, and not for ever."""

from __future__ import annotations

import pytest

from imsg_sdk.client import pool
from imsg_sdk.errors import BackendExited
from imsg_sdk.testing import Sandbox


def test_a_request_that_ended_the_program_may_be_made_again_later(
    imsg_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = imsg_sandbox.client(extended=False)
    fault = imsg_sandbox.fault("exit", method="chats.list")
    for _ in range(2):
        with pytest.raises(BackendExited):
            client.call("chats.list", {})
    assert fault.fired == 1

    monkeypatch.setattr(pool, "_KILLER_LIFE_S", 0.0)
    assert client.call("chats.list", {}) == {"chats": []}
