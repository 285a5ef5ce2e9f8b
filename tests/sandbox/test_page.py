"""The page about the sandbox names everything that can be written."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from imsg_sdk.sandbox.world.accounts import Person
from imsg_sdk.sandbox.world.answers import Chatter, Rule, Step
from imsg_sdk.sandbox.world.control import DEEDS, Switches
from imsg_sdk.sandbox.world.deeds import DEEDS as FUNCTIONS
from imsg_sdk.sandbox.world.deeds import GroupChange, OnMessage, Presence, Receive
from imsg_sdk.sandbox.world.make import Cast
from imsg_sdk.sandbox.world.world import NewChat

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "sandbox.md"
KINDS = (Person, Rule, Step, Chatter, Switches, Cast, NewChat, Receive, OnMessage, Presence, GroupChange)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_key_is_on_the_page(kind: type[msgspec.Struct]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in kind.__struct_encode_fields__ if f"`{name}`" not in text] == []


def test_everything_that_others_can_do_is_a_method() -> None:
    assert tuple(FUNCTIONS) == DEEDS


def test_every_method_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in DEEDS if f"`sandbox.{name}`" not in text] == []
    source = (Path(__file__).resolve().parents[2] / "imsg_sdk/sandbox/world/control.py").read_text(encoding="utf-8")
    named = {word.strip('":,') for word in source.split() if word.startswith('"sandbox.')}
    faults = {"sandbox.fault", "sandbox.clear_faults", "sandbox."}
    assert [name for name in sorted(named - faults) if f"`{name}`" not in text] == []
