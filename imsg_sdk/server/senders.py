"""Who carries out what changes something: here nobody, for there is no Messages behind this server.

A world behind the same server (the sandbox) brings its own :class:`Senders`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import BRIDGE_DETAIL, RpcError
from imsg_sdk.server.paths import expand_home
from imsg_sdk.server.requests.targets import Target

__all__ = ["NO_LOCK", "NoMessages", "Operation", "Senders"]

_ONLY_ON_MACOS = "Sending requires Messages.app automation and is only supported on macOS."
NO_LOCK = "The bridge ready lock is absent. Run imsg launch explicitly before retrying."
_LINKED = ("/tmp", "/var", "/etc")
_NO_LAUNCH = "Failed to launch Messages.app: Messages.app is only available on macOS."
_TYPING = "Typing indicators require Messages.app/IMCore and are only supported on macOS."


class Operation(NamedTuple):
    """A mutation whose params are in order.

    ``method`` is the first name of the method, ``verb`` what the bridge calls the work, ``values`` the
    params by their documented names, ``target`` whom it is about (empty where it is about nobody).
    """

    method: str
    verb: str
    values: dict[str, Any]
    target: Target = Target()


class Senders(Protocol):
    """Carries out operations, or says why not with :class:`RpcError`."""

    @property
    def bridge(self) -> dict[str, Any]:
        """The ``bridge`` block of ``initialize`` and ``status``."""
        ...

    @property
    def supported(self) -> tuple[str, ...]:
        """Methods that need a Messages and are there at all."""
        ...

    @property
    def methods(self) -> tuple[str, ...]:
        """Those of them that work at this moment."""
        ...

    @property
    def has_bridge(self) -> bool:
        """Whether the bridge is ready at this moment."""
        ...

    def follow_events(self, number: int, buffer_limit: int) -> None:
        """Report the bridge's events from now on as subscription `number`; only asked where there is a bridge."""
        ...

    def perform(self, operation: Operation) -> dict[str, Any]:
        """Carry out `operation` and return the result of its request."""
        ...


class NoMessages:
    """Answers as the real program does on a machine without Messages."""

    supported: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    has_bridge = False

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    @property
    def bridge(self) -> dict[str, Any]:
        """The ``bridge`` block of ``initialize`` and ``status``."""
        return {"ready": False, "error": BRIDGE_DETAIL}

    def follow_events(self, number: int, buffer_limit: int) -> None:
        """Report nothing: there is no bridge."""

    def perform(self, operation: Operation) -> dict[str, Any]:
        """Refuse, in the words that fit."""
        raise self._legacy(operation) if self._dialect is Dialect.LEGACY else self._v1(operation)

    def _v1(self, operation: Operation) -> RpcError:
        match operation.method:
            case "send" | "send.tracked":
                return self._sent(operation)
            case "typing":
                return RpcError.internal(f"Typing indicator failed: {_TYPING}")
            case "read":
                return RpcError.not_dispatched("read", f"The bridge request could not be published: {_NO_LAUNCH}")
            case "handles.check" | "contacts.shouldShareContact":
                return RpcError.no_bridge()
            case "send.attachment" if not file_exists(operation.values["file"]):
                return _missing(operation.values["file"])
            case "send.sticker":
                return RpcError.internal("sticker preparation requires macOS")
            case "send.rich" if operation.values["url"] is not None:
                return RpcError.no_bridge()
            case "send.rich" if operation.values["file"] is not None:
                return RpcError.not_dispatched("send-attachment", _inspection("send"))
        return RpcError.not_dispatched(operation.verb, NO_LOCK)

    def _sent(self, operation: Operation) -> RpcError:
        values = operation.values
        if values["transport"].lower() != "bridge":
            return RpcError.internal(f"AppleScript failed: {_ONLY_ON_MACOS}")
        if operation.method == "send.tracked":
            return RpcError.not_dispatched("send-message", _inspection("tracked send"))
        if not values["file"]:
            return RpcError.not_dispatched("send-message", NO_LOCK)
        if values["text"] or values["reply_to"] or values["text_formatting"]:
            return RpcError.not_dispatched("send-attachment", _inspection("send"))
        if not file_exists(values["file"]):
            return RpcError.not_dispatched(
                "send-attachment", "The attachment could not be staged before bridge dispatch."
            )
        return RpcError.not_dispatched("send-attachment", NO_LOCK)

    def _legacy(self, operation: Operation) -> RpcError:
        match operation.method:
            case "send" if operation.values["transport"].lower() != "bridge":
                return RpcError.internal(f"AppleScript failed: {_ONLY_ON_MACOS}")
            case "typing":
                return RpcError.internal(f"Typing indicator failed: {_TYPING}")
            case "read":
                return RpcError.internal("The operation could not be completed. (IMsgCore.IMCoreBridgeError error 0.)")
            case "handles.check":
                return RpcError.internal("handles.check requires bridge transport (Messages.app must be injected)")
            case "send.attachment" if not file_exists(operation.values["file"]):
                return _missing(operation.values["file"])
            case "send.sticker":
                return RpcError.internal("sticker preparation requires macOS")
        return RpcError.internal(_NO_LAUNCH)


def file_exists(path: str) -> bool:
    """Look where the real program would look."""
    from pathlib import Path  # not needed to start

    with suppress(OSError):  # a name that no file system takes
        return Path(_looked_for(path)).is_file()
    return False


def _missing(path: str) -> RpcError:
    return RpcError.internal(f"AppleScript failed: Attachment not found at {_looked_for(path)}")


def _looked_for(path: str) -> str:
    """Expand the home; folders that are links on a Mac are followed everywhere, as the real program does."""
    expanded = expand_home(path)
    is_linked = any(expanded == folder or expanded.startswith(f"{folder}/") for folder in _LINKED)
    return f"/private{expanded}" if is_linked else expanded


def _inspection(what: str) -> str:
    return f"Bridge capability inspection failed before the {what} was published."
