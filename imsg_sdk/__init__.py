"""Apple Messages as pandas DataFrames, and a message gateway, through ``imsg``."""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # type checkers know this name; importing typing would be all this module costs
if TYPE_CHECKING:
    from imsg_sdk.client.aio import AsyncIMessageClient
    from imsg_sdk.client.sync import IMessageClient
    from imsg_sdk.frames.history import History, read_chat_db

# Public names and the modules that hold them; nothing is imported before it is asked for.
_PUBLIC = {
    "AsyncIMessageClient": "imsg_sdk.client.aio",
    "History": "imsg_sdk.frames.history",
    "IMessageClient": "imsg_sdk.client.sync",
    "read_chat_db": "imsg_sdk.frames.history",
}

__all__ = [
    "AsyncIMessageClient",
    "History",
    "IMessageClient",
    "__version__",
    "read_chat_db",
]


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        from importlib import import_module

        value = getattr(import_module(_PUBLIC[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
