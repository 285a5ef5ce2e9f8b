"""Params of a method, read in a fixed order: strictly in v1, with coercions in the dialect before it.  Pure.

A method's params are a tuple of :class:`Param` (data, in :mod:`imsg_sdk.server.requests.tables`); the first fault
found in that order is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests.integers import INT64, parse_integer

__all__ = ["Kind", "Param", "Rule", "read", "refuse_unknown", "spelling"]

Kind = str
"""``text``, ``integer``, ``flag``, ``texts``, ``objects`` or ``object``."""

_NAMED: Final = {
    "text": "a string",
    "integer": "an integer",
    "flag": "a boolean",
    "texts": "an array of strings",
    "objects": "an array of objects",
    "object": "an object",
}


class Rule(NamedTuple):
    """What a value must satisfy (the default too), and what is said where it does not."""

    holds: Callable[[Any], bool]
    text: str


class Param(NamedTuple):
    """One param: its spellings (the first is its name), type, default and rules in order."""

    names: tuple[str, ...]
    kind: Kind
    default: Any = None
    rules: tuple[Rule, ...] = ()
    legacy_rules: tuple[Rule, ...] | None = None
    """Rules of the older dialect where they differ."""

    @property
    def name(self) -> str:
        """The documented spelling."""
        return self.names[0]


def refuse_unknown(method: str, params: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuse the first key, in sorted order, that `method` does not have."""
    if not known.issuperset(params):
        raise RpcError.invalid_params(f"unknown {method} param: {min(params.keys() - known)}")


def spelling(param: Param, params: Mapping[str, Any]) -> str | None:
    """Return the spelling that the caller used; two of them are refused."""
    used = [name for name in param.names if name in params]
    if len(used) > 1:
        raise RpcError.invalid_params(f"use only one of {', '.join(param.names)}")
    return used[0] if used else None


def read(param: Param, params: Mapping[str, Any], dialect: Dialect) -> Any:
    """Return the value of one param, checked."""
    if dialect is Dialect.V1:
        value, rules = _strictly(param, params), param.rules
    else:
        value = _leniently(param, params)
        rules = param.rules if param.legacy_rules is None else param.legacy_rules
    for rule in rules:
        if not rule.holds(value):
            raise RpcError.invalid_params(rule.text)
    return value


def _strictly(param: Param, params: Mapping[str, Any]) -> Any:
    key = spelling(param, params)
    if key is None:
        return param.default
    value = params[key]
    if value is None:
        raise RpcError.invalid_params(f"{key} must not be null")
    if not _IS[param.kind](value):
        raise RpcError.invalid_params(f"{key} must be {_NAMED[param.kind]}")
    return value


_IS: Final[dict[Kind, Callable[[Any], bool]]] = {
    "text": lambda value: isinstance(value, str),
    # The real parser takes the lowest one for no integer.
    "integer": lambda value: type(value) is int and value in INT64 and value != INT64.start,
    "flag": lambda value: isinstance(value, bool),
    "texts": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    "objects": lambda value: isinstance(value, list) and all(isinstance(item, dict) for item in value),
    "object": lambda value: isinstance(value, dict),
}


def _leniently(param: Param, params: Mapping[str, Any]) -> Any:
    for name in param.names:
        if name in params:
            value = _COERCE[param.kind](params[name])
            return param.default if value is None else value
    return param.default


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else repr(value)
    return str(value) if isinstance(value, int | str) else None


def _as_integer(value: Any) -> int | None:
    if isinstance(value, str):
        return parse_integer(value)
    if isinstance(value, float):
        return int(value) if -(2.0**63) <= value < 2.0**63 else -(2**63)
    if isinstance(value, int):
        return (value + 2**63) % 2**64 - 2**63  # the machine word that the real program reads
    return None


def _as_flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value)
    return value != 0 if isinstance(value, int | float) else None


def _as_texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part for part in map(str.strip, value.split(",")) if part]
    if not isinstance(value, list):
        return []
    return [text for text in map(_as_text, value) if text is not None]


def _as_objects(value: Any) -> list[dict[str, Any]] | None:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else None


_COERCE: Final[dict[Kind, Callable[[Any], Any]]] = {
    "text": _as_text,
    "integer": _as_integer,
    "flag": _as_flag,
    "texts": _as_texts,
    "objects": _as_objects,
    "object": lambda value: value if isinstance(value, dict) else None,
}
