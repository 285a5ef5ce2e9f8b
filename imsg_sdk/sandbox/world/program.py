"""Which ``imsg`` a process of the sandbox is: its version, and what that version has.

What came when was read in the history of the program; that unknown methods are refused with -32601 and that older
programs ignore keys they do not know was seen.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from imsg_sdk.rpc import protocol
from imsg_sdk.rpc.profiles import ACTING, METHODS, Version, parse_version
from imsg_sdk.sandbox.world.state import State
from imsg_sdk.server.dialect import PROGRAM_VERSIONS, Dialect
from imsg_sdk.server.extension import Handled, Next
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests import tables
from imsg_sdk.server.requests.envelope import Request
from imsg_sdk.server.requests.output import Writer
from imsg_sdk.server.shell.argv import Invocation
from imsg_sdk.server.shell.help import BRIDGE_HINT, status_text

__all__ = ["Program", "read_version", "tell_status"]

_SINCE: Final[dict[str, Version]] = {
    **{name: method.since for name, method in {**METHODS, **ACTING}.items()},
    "send.rich": (0, 9, 0),
    "send.attachment": (0, 9, 0),
    "send.sticker": (0, 13, 0),
    "send.multipart": (0, 14, 0),
    "contacts.shouldShareContact": (0, 13, 0),
    "contacts.shareContactCard": (0, 13, 0),
}
_LATER_KEYS: Final[dict[str, tuple[tuple[Version, tuple[str, ...]], ...]]] = {
    "send": (
        ((0, 8, 1), ("transport",)),
        (
            (0, 12, 0),
            ("text_formatting", "textFormatting", "formatting", "reply_to", "replyTo", "reply_to_guid", "message_guid"),
        ),
    ),
    "chats.list": (((0, 13, 0), ("unread_only",)),),
}
_LATER_RESULTS: Final[dict[str, tuple[tuple[Version, tuple[str, ...]], ...]]] = {
    "send": (
        ((0, 6, 0), ("id", "guid")),
        ((0, 8, 1), ("transport",)),
        ((0, 10, 0), ("message_id", "chat_guid", "service")),
    ),
    "chats.create": (((0, 10, 0), ("message_guid", "service")),),
}
_FIRST: Final[Version] = (0, 3, 0)
_STRICT: Final[Version] = (0, 14, 0)
_UNKNOWN: Final[Version] = (0, 15, 0)


def read_version(text: str, dialect: Dialect) -> Version:
    """Return a version of a dialect.

    Raises
    ------
    ValueError
        It is none.
    """
    version = parse_version(text)
    if version is None or not _FIRST <= version < _UNKNOWN or (version >= _STRICT) != (dialect is Dialect.V1):
        ours = "0.14.x" if dialect is Dialect.V1 else "0.3.0 to 0.13.x"
        raise ValueError(f"version must be {ours} for this dialect")
    return version


class Program:
    """The program that a process is.

    Parameters
    ----------
    state
        May say that it is an older one, or that it lacks methods.
    dialect
        Its generation.
    version
        What it was started as; None is what the server behind it is.
    """

    def __init__(self, state: State | None, dialect: Dialect, version: str | None = None) -> None:
        self._state = state
        self._dialect = dialect
        self._own = version or PROGRAM_VERSIONS[dialect]

    @property
    def version(self) -> str:
        """Return the version that it says it has."""
        switched = self._get("version")
        return switched if isinstance(switched, str) else self._own

    def _get(self, name: str) -> Any:
        return None if self._state is None else self._state.get(name)

    @property
    def has_bridge(self) -> bool:
        """Return whether there is a bridge."""
        return bool(self._get("bridge"))

    def has(self, method: str) -> bool:
        """Return whether it has a method."""
        only, without = self._get("methods"), self._get("without")
        if method in (without or ()) or (only is not None and method not in (*only, "initialize", "status")):
            return False
        since = _SINCE.get(tables.ALIASES.get(method, method), _FIRST)
        return since <= (parse_version(self.version) or since) or self._dialect is Dialect.V1

    def methods(self) -> list[str]:
        """Return the methods that an older one says it has."""
        return [name for name in tables.SUPPORTED[self._dialect] if self.has(name)]

    def call(self, request: Request, go_on: Next) -> Handled:
        """Answer as this program does."""
        if not self.has(request.method):
            raise RpcError(protocol.METHOD_NOT_FOUND, request.method)
        result, then = go_on(self._heard(request))
        if isinstance(result, dict):
            self._adapt(request.method, result)
        return result, then

    def _heard(self, request: Request) -> Request:
        """Return a request without the keys that the program does not know; only older ones ignore keys."""
        later = _LATER_KEYS.get(request.method)
        if later is None or self._dialect is Dialect.V1:
            return request
        version = parse_version(self.version) or _STRICT
        unknown = {key for since, keys in later if version < since for key in keys}
        return request._replace(params={key: value for key, value in request.params.items() if key not in unknown})

    def _adapt(self, method: str, result: dict[str, Any]) -> None:
        if method in ("initialize", "status") and self._dialect is Dialect.V1:
            result["version"] = self.version
            for key in ("methods", "supported_methods"):
                result[key] = [name for name in result.get(key, []) if self.has(name)]
        elif self._dialect is Dialect.LEGACY:
            version = parse_version(self.version) or _STRICT
            for since, keys in _LATER_RESULTS.get(method, ()):
                for key in keys if version < since else ():
                    result.pop(key, None)


def tell_status(writer: Writer, program: Program, invocation: Invocation) -> None:
    """Write what ``imsg status`` says."""
    if not invocation.flag("json"):
        writer.write(status_text(invocation.dialect).encode())
        return
    version = parse_version(program.version) or _STRICT
    has_bridge = program.has_bridge
    told: dict[str, Any] = {"basic_features": True, "sip": "disabled" if has_bridge else "unknown"}
    told |= dict.fromkeys(("advanced_features", "typing_indicators", "read_receipts"), has_bridge)
    told["message"] = "The bridge is ready." if has_bridge else BRIDGE_HINT
    if version >= (0, 7, 0):
        told |= {"bridge_version": 2 if has_bridge else 0, "v2_ready": has_bridge, "selectors": {}}
    if version >= (0, 7, 3):
        told["rpc_methods"] = program.methods()
    if version >= (0, 9, 0):
        told["version"] = program.version
    writer.write(msgspec.json.encode(told) + b"\n")
