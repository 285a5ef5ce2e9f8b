"""All faults by name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final

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
        raise ValueError(f"no fault is called {name}; there are {', '.join(FAULTS)}")
    return msgspec.convert(dict(options), kind)


def describe() -> list[dict[str, Any]]:
    """Return what there is: name, meaning, and the options besides those that every fault takes, with defaults."""
    common = set(When.__struct_fields__)
    described = []
    for name, kind in FAULTS.items():
        options = {
            field.name: None if field.default is msgspec.NODEFAULT else field.default
            for field in msgspec.structs.fields(kind)
            if field.name not in common
        }
        times = next(field.default for field in msgspec.structs.fields(kind) if field.name == "times")
        described.append(
            {
                "name": name,
                "meaning": inspect.cleandoc(kind.__doc__ or ""),
                "options": options,
                "method": list(kind.METHODS),
                "times": times,
                "is_deed": kind.IS_DEED,
            }
        )
    return described
