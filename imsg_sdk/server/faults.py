"""Errors as a request is answered with: code, message, data.  Pure; every literal is the protocol's."""

from __future__ import annotations

from typing import Any, Final

from imsg_sdk.rpc import protocol

__all__ = ["MISSING_DETAIL", "OPAQUE_SQL", "UNOPENABLE_DETAIL", "RpcError"]

OPAQUE_SQL: Final = "The operation could not be completed. (SQLite.Result error 0.)"
"""All that the real program says of a failed query inside a request."""

MISSING_DETAIL: Final = (
    "The configured Messages database does not exist. Create or copy chat.db at this path, then retry."
)
UNOPENABLE_DETAIL: Final = (
    "The configured Messages database could not be opened read-only. "
    "Verify the path and grant Full Disk Access to the supervising process, then retry."
)
BRIDGE_DETAIL: Final = "The bridge is not started. Run imsg launch explicitly before using bridge methods."

_MESSAGES: Final = {
    protocol.PARSE_ERROR: "Parse error",
    protocol.INVALID_REQUEST: "Invalid Request",
    protocol.METHOD_NOT_FOUND: "Method not found",
    protocol.INVALID_PARAMS: "Invalid params",
    protocol.INTERNAL_ERROR: "Internal error",
    protocol.SERVER_BUSY: "Server busy",
    protocol.OUTCOME_UNKNOWN: "Delivery outcome unknown",
    protocol.DATABASE_UNAVAILABLE: "Database unavailable",
    protocol.BRIDGE_UNAVAILABLE: "Bridge unavailable",
    protocol.MUTATION_BLOCKED: "Mutation lane blocked",
}


class RpcError(Exception):
    """A request ends with this error object."""

    def __init__(self, code: int, data: str | dict[str, Any], message: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.data = data
        self.message = message or _MESSAGES[code]

    @classmethod
    def invalid_params(cls, text: str) -> RpcError:
        """Say what is wrong with the params."""
        return cls(protocol.INVALID_PARAMS, text)

    @classmethod
    def internal(cls, text: str = OPAQUE_SQL) -> RpcError:
        """Say that something failed behind valid params."""
        return cls(protocol.INTERNAL_ERROR, text)

    @classmethod
    def busy(cls, text: str) -> RpcError:
        """Refuse for now."""
        return cls(protocol.SERVER_BUSY, text)

    @classmethod
    def no_database(cls, path: str, detail: str) -> RpcError:
        """Say that the database at `path` cannot be used at this moment."""
        return cls(protocol.DATABASE_UNAVAILABLE, {"path": path, "detail": detail, "retryable": True})

    @classmethod
    def no_bridge(cls, message: str | None = None) -> RpcError:
        """Say that a reading call needs the bridge."""
        return cls(protocol.BRIDGE_UNAVAILABLE, {"detail": BRIDGE_DETAIL, "retryable": True}, message)

    @classmethod
    def not_dispatched(cls, operation: str, detail: str) -> RpcError:
        """Say that a mutation provably never started."""
        data = {
            "retry_safe": True,
            "disposition": "not_started",
            "transport": "bridge_v2",
            "operation": operation,
            "detail": detail,
        }
        return cls(protocol.INTERNAL_ERROR, data, "Delivery failed before dispatch")
