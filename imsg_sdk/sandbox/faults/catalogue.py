"""All faults by name."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from imsg_sdk.sandbox.faults import delivery, files, output, paging, requests, rows, streams
from imsg_sdk.sandbox.faults.fault import Fault
from imsg_sdk.sandbox.faults.when import When

__all__ = ["FAULTS", "describe", "read_fault"]

_ALL: Final[tuple[type[Fault], ...]] = (
    requests.Slow,
    requests.Hang,
    requests.Refused,
    output.GarbageLine,
    output.HugeLine,
    output.PartialLine,
    output.Exit,
    paging.DiesOnTwoChats,
    streams.EarlyNotification,
    streams.SilentWatch,
    streams.LostNotification,
    streams.RepeatedNotification,
    streams.WatchError,
    streams.WatchOverflow,
    streams.ChatIdZero,
    rows.LateLink,
    rows.LateIsFromMe,
    rows.SelfChatPair,
    rows.UrlPreviewPair,
    rows.TwoChats,
    rows.BacklogFlush,
    rows.GhostRow,
    delivery.UncertainDelivery,
    delivery.NoGuid,
    files.DatabaseLocked,
    files.PermissionLost,
    files.DatabaseReplaced,
    files.DatabaseRotated,
    files.DatabaseMissing,
)

FAULTS: Final[dict[str, type[Fault]]] = {str(each.__struct_config__.tag): each for each in _ALL}


def read_fault(name: str, options: Mapping[str, Any]) -> Fault:
    """Return a fault by its name and options.

    Raises
    ------
    ValueError
        There is no such fault, or it does not take such an option.
    """
    kind = FAULTS.get(name)
    if kind is None:
        near = _near(name)
        what = f"did you mean {near}?" if near else f"there are {', '.join(FAULTS)}"
        raise ValueError(f"no fault is called {name}; {what}")
    try:
        return msgspec.convert(dict(options), kind)
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(f"{error}; {_takes(kind, str(error))}") from None


def _near(name: str) -> str | None:
    held = [each for each in FAULTS if len(name) > 2 and name in each]
    return next(iter(held or difflib.get_close_matches(name, FAULTS, n=1)), None)


def _takes(kind: type[Fault], problem: str) -> str:
    """Return the values of the option that an error is about, else the options that there are."""
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    about = re.search(r"at `\$\.(\w+)`", problem)
    if about is not None:
        values = get_args(fields[about[1]].type)
        if values and all(isinstance(value, str) for value in values):
            return f"{about[1]} is {' or '.join(values)}"
    return f"options are {', '.join(sorted(fields))}"


def describe() -> list[dict[str, Any]]:
    """Return what there is: name, meaning, and the options besides those that every fault takes, with defaults."""
    common = set(When.__struct_fields__)
    described = []
    for name, kind in FAULTS.items():
        defaults = {
            field.name: None if field.default is msgspec.NODEFAULT else field.default
            for field in msgspec.structs.fields(kind)
        }
        described.append(
            {
                "name": name,
                "meaning": inspect.cleandoc(kind.__doc__ or ""),
                "options": {option: value for option, value in defaults.items() if option not in common},
                "method": list(kind.METHODS),
                "times": defaults["times"],
                "is_deed": kind.IS_DEED,
            }
        )
    return described
