"""The list of what is switched on, as it stands in the world's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from imsg_sdk.sandbox.world.state import SECOND_US, State

if TYPE_CHECKING:
    from imsg_sdk.sandbox.faults.fault import Fault

__all__ = ["OWN", "TABLE", "switch_on", "switch_on_all"]

TABLE: Final = "fault"
OWN: Final = ("name", "since_us", "count", "notes")
"""What stands in the list besides the options of a fault."""


def switch_on(state: State, name: str, options: Mapping[str, Any], *, is_entered: bool = False) -> tuple[int, Fault]:
    """Add a fault to the list, and what it does by itself later to the agenda; return its number and the fault.

    With `is_entered` that is on the agenda even where it happens at once: as soon as somebody looks.

    Raises
    ------
    ValueError
        There is no such fault, or it does not take such an option.
    """
    from imsg_sdk.sandbox.faults.catalogue import read_fault  # all of them, which a child without any need not load

    fault = read_fault(name, options)
    with state.turn() as turn:
        number = state.add(TABLE, {"name": name, **options, "since_us": turn.now_us})
        if fault.is_by_itself and (is_entered or fault.in_s > 0):
            state.enter(turn.now_us + round(fault.in_s * SECOND_US), "fault", {"id": number})
    return number, fault


def switch_on_all(state: State, texts: Iterable[str]) -> None:
    """Switch on faults as an argument spells them: a name, or an object of name and options in JSON.

    One that is listed already, with the same options, stays as it is, so that a child may be started again.

    Raises
    ------
    ValueError
        A text is none of both.
    """
    for text in texts:
        options = _read(text)
        name = options.pop("name")
        listed = [{key: each for key, each in value.items() if key not in OWN[1:]} for _, value in state.listed(TABLE)]
        if {"name": name, **options} not in listed:
            switch_on(state, name, options, is_entered=True)


def _read(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{"):
        return {"name": text.strip()}
    try:
        options = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ValueError(f"a fault is a name, or JSON: {error}") from None
    if not isinstance(options.get("name"), str):
        raise ValueError("a fault needs a name")
    return options
