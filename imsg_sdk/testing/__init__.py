"""Testing programs that use Messages, without Messages: a sandbox to control, faults, and what was sent.

pytest finds the fixtures ``imsg_sandbox``, ``imsg_client``, ``imsg_async_client``, ``imsg_fault``,
``make_imsg_sandbox`` and ``make_imsg_gateway`` by itself.  Nothing is imported before it is asked for, so that a test
suite which uses none of it pays nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers know this name; importing typing would be all this module costs
if TYPE_CHECKING:
    from imsg_sdk.testing.checks import assert_nothing_sent, assert_sent
    from imsg_sdk.testing.sandbox import Arrival, FaultHandle, Sandbox, Sent, WorldClock

_PUBLIC = {
    "Arrival": "imsg_sdk.testing.sandbox",
    "FaultHandle": "imsg_sdk.testing.sandbox",
    "Sandbox": "imsg_sdk.testing.sandbox",
    "Sent": "imsg_sdk.testing.sandbox",
    "WorldClock": "imsg_sdk.testing.sandbox",
    "assert_nothing_sent": "imsg_sdk.testing.checks",
    "assert_sent": "imsg_sdk.testing.checks",
}

__all__ = ["Arrival", "FaultHandle", "Sandbox", "Sent", "WorldClock", "assert_nothing_sent", "assert_sent"]


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        from importlib import import_module

        value = getattr(import_module(_PUBLIC[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
