"""Shared by the tests of the gateway: short ways to a policy, a message and a decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imsg_sdk.config import load_config
from imsg_sdk.gateway import Decision, Policy, decide, gather_facts
from imsg_sdk.gateway.inbound import read_message


@pytest.fixture(scope="session")
def make_policy() -> Callable[..., Policy]:
    """Return a maker of policies from the keys of the ``imessage`` block and a list of mention patterns."""

    def make(*, patterns: list[str] | None = None, options: dict[str, Any] | None = None, **block: Any) -> Policy:
        config: dict[str, Any] = {"imessage": block}
        if patterns is not None:
            config["messages"] = {"groupChat": {"mentionPatterns": patterns}}
        return Policy(load_config(config, environ={}).gateway, **options or {})

    return make


@pytest.fixture(scope="session")
def decided() -> Callable[..., Decision]:
    """Return a function that decides upon a wire object."""

    def run(message: dict[str, Any], policy: Policy, **known: Any) -> Decision:
        record = read_message(message)
        return decide(record, policy, gather_facts(record, policy, **known))

    return run
