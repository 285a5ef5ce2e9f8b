"""What the program at hand can do, in its own words, and what would make it able to do the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imsg_sdk.client.core import Core
from imsg_sdk.client.plan import Plan
from imsg_sdk.client.pool import Role
from imsg_sdk.errors import ImsgError, SendRefused, Unsupported
from imsg_sdk.rpc.handshake import Session
from imsg_sdk.rpc.profiles import Generation
from imsg_sdk.rpc.protocol import decode_result

__all__ = [
    "NO_BRIDGE",
    "NO_MESSAGES",
    "feature",
    "is_bridge_down",
    "is_listed",
    "require",
    "require_listed",
    "says_bridge_is_down",
    "send_method",
]

NO_MESSAGES = (
    "it runs where there is no Messages: use imsg on a Mac, there or over ssh; "
    "IMessageClient.sandbox() has a make-believe one"
)
NO_BRIDGE = "start it with `imsg launch` on the Mac (doctor() says more)"


def is_listed(session: Session, method: str) -> bool:
    """Tell whether the program says that it has `method` and that it works now."""
    return method in _strings(session.introduction.get("methods"))


def require_listed(session: Session, method: str) -> None:
    """Raise where the program does not have `method` at all.

    Raises
    ------
    Unsupported
        It is older than the method, or runs where there is no Messages.
    """
    profile = session.profile
    profile.params(method)  # the version
    if profile.methods is not None and method not in profile.methods:
        raise Unsupported(f"this program does not have {method}", hint=NO_MESSAGES)


def send_method(session: Session, request: Mapping[str, Any], shown: str) -> str:
    """Return the method to send with; a tracked send can be found again without doubt.

    Raises
    ------
    SendRefused
        The program has no Messages, or is too old for this.
    """
    try:
        require_listed(session, "send")
        session.profile.params("send", **request)
    except Unsupported as error:
        raise SendRefused(error.message, target=shown, hint=error.hint) from error
    is_plain = "to" not in request and "file" not in request and "reply_to" not in request
    is_tracked = is_plain and request.get("transport", "auto") != "applescript"
    return "send.tracked" if is_tracked and is_listed(session, "send.tracked") else "send"


def require(core: Core, method: str) -> Plan[Session]:
    """Return the child that sends, if it can carry out `method` at this moment.

    Raises
    ------
    Unsupported
        It cannot; the hint says what would make it able to.
    """
    session = yield from core.session(Role.SEND)
    require_listed(session, method)
    if session.profile.generation is Generation.LEGACY or "methods" not in session.introduction:
        return session  # it does not say before it is asked
    if is_listed(session, method):
        return session
    status = yield from _status(core)
    if status is None or "methods" not in status or method in _strings(status["methods"]):
        return session
    if says_bridge_is_down(status):
        raise Unsupported(f"{method} needs the bridge, which does not run", hint=NO_BRIDGE)
    raise Unsupported(f"this program cannot carry out {method} now", hint="probe() lists what works")


def is_bridge_down(core: Core) -> Plan[bool]:
    """Tell whether the program says that its bridge does not run."""
    session = yield from core.session()
    if session.profile.generation is Generation.LEGACY:
        return False
    status = yield from _status(core)
    return status is not None and says_bridge_is_down(status)


def says_bridge_is_down(told: Mapping[str, Any]) -> bool:
    """Tell whether an introduction or a status says that the bridge does not run."""
    bridge = told.get("bridge")
    return isinstance(bridge, dict) and bridge.get("ready") is False


def _status(core: Core) -> Plan[dict[str, Any] | None]:
    try:
        tree = decode_result((yield from core.request("status", {})))
    except ImsgError:
        return None
    return tree if isinstance(tree, dict) else None


def feature(session: Session, name: str) -> int:
    """Return the level of one of the program's features, 0 where it has none."""
    capabilities = session.introduction.get("capabilities")
    features = capabilities.get("features") if isinstance(capabilities, dict) else None
    level = features.get(name) if isinstance(features, dict) else None
    return level if isinstance(level, int) else 0


def _strings(value: object) -> frozenset[str]:
    return frozenset(each for each in value if isinstance(each, str)) if isinstance(value, list) else frozenset()
