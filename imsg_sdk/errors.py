"""Every error this package raises on purpose, and nothing else.

A leaf answers one question: what can the caller do now?  Each error carries a ``hint`` that says it.
No message holds private text: name lengths, ids and redacted handles only.

::

    ImsgError
    ├─ ConfigError(ValueError)
    ├─ AddressError(ValueError)
    ├─ UsageError(RuntimeError)
    │  ├─ ClientClosed
    │  ├─ ForkedProcess
    │  └─ GatewayAlreadyRunning
    ├─ TransportError
    │  ├─ BackendNotFound(FileNotFoundError)
    │  ├─ BackendExited
    │  ├─ StartupTimeout(TimeoutError)
    │  └─ ProtocolError
    ├─ RequestError
    │  ├─ CursorMismatch
    │  ├─ RequestTimeout(TimeoutError)
    │  └─ RemoteError
    │     ├─ MethodNotFound
    │     ├─ InvalidParams(ValueError)
    │     ├─ PermissionDenied(PermissionError)
    │     ├─ DatabaseUnavailable
    │     ├─ ServerBusy
    │     ├─ NotFound(LookupError)
    │     └─ Unsupported
    ├─ SendError
    │  ├─ SendRefused
    │  ├─ SendFailed
    │  └─ SendUncertain
    └─ GatewayError
       ├─ JournalError
       └─ HandlerError
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AddressError",
    "BackendExited",
    "BackendNotFound",
    "ClientClosed",
    "ConfigError",
    "CursorMismatch",
    "DatabaseUnavailable",
    "ForkedProcess",
    "GatewayAlreadyRunning",
    "GatewayError",
    "HandlerError",
    "ImsgError",
    "InvalidParams",
    "JournalError",
    "MethodNotFound",
    "NotFound",
    "PermissionDenied",
    "ProtocolError",
    "RemoteError",
    "RequestError",
    "RequestTimeout",
    "SendError",
    "SendFailed",
    "SendRefused",
    "SendUncertain",
    "ServerBusy",
    "StartupTimeout",
    "TransportError",
    "Unsupported",
    "UsageError",
]


class ImsgError(Exception):
    """Base of every error of this package.

    Parameters
    ----------
    message
        What happened, without private text.
    hint
        What to do about it, one sentence.  Shown after the message.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  → {self.hint}" if self.hint else self.message


class ConfigError(ImsgError, ValueError):
    """A setting is unknown or invalid.

    ``path`` names the key (``imessage.groups.42``), ``suggestion`` the nearest known name, if any.
    """

    def __init__(self, message: str, *, path: str = "", suggestion: str | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.suggestion = suggestion


class AddressError(ImsgError, ValueError):
    """A handle or target cannot be read, or names no chat, or more than one."""


class UsageError(ImsgError, RuntimeError):
    """The object is used in a way that cannot work."""


class ClientClosed(UsageError):
    """The client was closed; make a new one."""


class ForkedProcess(UsageError):
    """The client was made in another process; make one here."""


class GatewayAlreadyRunning(UsageError):
    """Another gateway holds this state, or watches this database.

    ``pid`` and ``host`` say which process, ``since`` when it began, in ISO 8601; None where that is not known.
    """

    def __init__(
        self,
        message: str,
        *,
        pid: int | None = None,
        host: str | None = None,
        since: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.pid = pid
        self.host = host
        self.since = since


class TransportError(ImsgError):
    """The child process cannot be started or talked to."""


class BackendNotFound(TransportError, FileNotFoundError):
    """No program to run, or the one found is not `imsg`."""


class BackendExited(TransportError):
    """The child process ended.  ``returncode`` and ``stderr_tail`` say how."""

    def __init__(self, message: str, *, returncode: int | None = None, stderr_tail: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.returncode = returncode
        self.stderr_tail = stderr_tail


class StartupTimeout(TransportError, TimeoutError):
    """The child process started and did not answer in time."""


class ProtocolError(TransportError):
    """The child process said something that is not the protocol."""


class RequestError(ImsgError):
    """One request failed; the client goes on working."""


class CursorMismatch(RequestError):
    """The place to go on from belongs to another database, or nobody can tell that it does not.

    Start from a row, a time or the present instead; or give back the database that the cursor is of.
    """


class RequestTimeout(RequestError, TimeoutError):
    """No answer in time.  A reading request may be repeated."""


class RemoteError(RequestError):
    """The program answered with an error.

    ``code`` is the JSON-RPC code, ``data`` what came with it (text, object or None).
    """

    def __init__(self, message: str, *, code: int = 0, data: Any = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.data = data


class MethodNotFound(RemoteError):
    """The program does not know this method."""


class InvalidParams(RemoteError, ValueError):
    """The program refuses a parameter."""


class PermissionDenied(RemoteError, PermissionError):
    """macOS refuses access: Full Disk Access or Automation."""


class DatabaseUnavailable(RemoteError):
    """The Messages database is missing, unreadable or not a database."""


class ServerBusy(RemoteError):
    """Too many requests or subscriptions at once; try again."""


class NotFound(RemoteError, LookupError):
    """What was asked for does not exist."""


class Unsupported(RemoteError):
    """The program, or the system it runs on, cannot do this."""


class SendError(ImsgError):
    """A message was not, or perhaps not, sent.

    ``target`` is redacted; ``retry_safe`` is true only when nothing can have gone out.  ``sent`` holds a
    ``SendResult`` for each part that went out before this one, since a long text is sent in parts, and for the
    message itself where Messages took it and could not send it.
    """

    def __init__(
        self, message: str, *, target: str = "", retry_safe: bool = False, sent: tuple[Any, ...] = (), hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.target = target
        self.retry_safe = retry_safe
        self.sent = sent


class SendRefused(SendError):
    """Refused before anything was sent."""


class SendFailed(SendError):
    """The program reports that the message did not go out."""


class SendUncertain(SendError):
    """The message may have gone out; look before sending again."""


class GatewayError(ImsgError):
    """The gateway cannot go on."""


class JournalError(GatewayError):
    """The journal cannot be read or written."""


class HandlerError(GatewayError):
    """A handler failed; nothing was sent because of it."""
