"""Apple Messages as pandas DataFrames, and a message gateway, through ``imsg``."""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # type checkers know this name; importing typing would be all this module costs
if TYPE_CHECKING:
    from imsg_sdk.arguments import People, TimeLike
    from imsg_sdk.client.aio import AsyncIMessageClient
    from imsg_sdk.client.sync import IMessageClient
    from imsg_sdk.client.tabular import ProgressOption
    from imsg_sdk.client.targets import ChatLike, Targets
    from imsg_sdk.client.watching.aio import AsyncWatch
    from imsg_sdk.client.watching.events import AsyncBridgeEvents, BridgeEvents
    from imsg_sdk.client.watching.opening import Since
    from imsg_sdk.client.watching.status import WatchStatus
    from imsg_sdk.client.watching.watch import Watch
    from imsg_sdk.client.whom import SendTarget
    from imsg_sdk.errors import ImsgError
    from imsg_sdk.frames.history import History, read_chat_db
    from imsg_sdk.gateway.gateway import Gateway
    from imsg_sdk.models import (
        Attachment,
        BridgeEvent,
        Chat,
        CreatedChat,
        Edit,
        HandleCheck,
        Message,
        Participant,
        Poll,
        Reaction,
        ScheduledMessage,
        SendResult,
        SendRow,
        SendState,
        SendStatus,
        Stats,
    )

# Public names and the modules that hold them; nothing is imported before it is asked for.
_PUBLIC = {
    "AsyncBridgeEvents": "imsg_sdk.client.watching.events",
    "AsyncIMessageClient": "imsg_sdk.client.aio",
    "AsyncWatch": "imsg_sdk.client.watching.aio",
    "Attachment": "imsg_sdk.models",
    "BridgeEvent": "imsg_sdk.models",
    "BridgeEvents": "imsg_sdk.client.watching.events",
    "Chat": "imsg_sdk.models",
    "ChatLike": "imsg_sdk.client.targets",
    "CreatedChat": "imsg_sdk.models",
    "Edit": "imsg_sdk.models",
    "Gateway": "imsg_sdk.gateway.gateway",
    "HandleCheck": "imsg_sdk.models",
    "History": "imsg_sdk.frames.history",
    "IMessageClient": "imsg_sdk.client.sync",
    "ImsgError": "imsg_sdk.errors",
    "Message": "imsg_sdk.models",
    "Participant": "imsg_sdk.models",
    "People": "imsg_sdk.arguments",
    "Poll": "imsg_sdk.models",
    "ProgressOption": "imsg_sdk.client.tabular",
    "Reaction": "imsg_sdk.models",
    "ScheduledMessage": "imsg_sdk.models",
    "SendResult": "imsg_sdk.models",
    "SendRow": "imsg_sdk.models",
    "SendState": "imsg_sdk.models",
    "SendStatus": "imsg_sdk.models",
    "SendTarget": "imsg_sdk.client.whom",
    "Since": "imsg_sdk.client.watching.opening",
    "Stats": "imsg_sdk.models",
    "Targets": "imsg_sdk.client.targets",
    "TimeLike": "imsg_sdk.arguments",
    "Watch": "imsg_sdk.client.watching.watch",
    "WatchStatus": "imsg_sdk.client.watching.status",
    "read_chat_db": "imsg_sdk.frames.history",
}

__all__ = [
    "AsyncBridgeEvents",
    "AsyncIMessageClient",
    "AsyncWatch",
    "Attachment",
    "BridgeEvent",
    "BridgeEvents",
    "Chat",
    "ChatLike",
    "CreatedChat",
    "Edit",
    "Gateway",
    "HandleCheck",
    "History",
    "IMessageClient",
    "ImsgError",
    "Message",
    "Participant",
    "People",
    "Poll",
    "ProgressOption",
    "Reaction",
    "ScheduledMessage",
    "SendResult",
    "SendRow",
    "SendState",
    "SendStatus",
    "SendTarget",
    "Since",
    "Stats",
    "Targets",
    "TimeLike",
    "Watch",
    "WatchStatus",
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
