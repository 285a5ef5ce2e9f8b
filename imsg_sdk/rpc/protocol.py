"""JSON-RPC 2.0 as ``imsg rpc`` speaks it: error codes and envelopes.  Pure; no I/O, mints no ids."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from imsg_sdk.errors import ProtocolError

PROTOCOL_VERSION: Final = 1

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
SERVER_BUSY: Final = -32000
OUTCOME_UNKNOWN: Final = -32001
DATABASE_UNAVAILABLE: Final = -32002
BRIDGE_UNAVAILABLE: Final = -32003
MUTATION_BLOCKED: Final = -32004

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises on bytes that are not JSON, not UTF-8, or nested without end."""


class ErrorBody(msgspec.Struct, gc=False):
    """The ``error`` of an answer; ``data`` is text, an object or absent."""

    code: int = INTERNAL_ERROR
    message: str = ""
    data: Any = None


class Incoming(msgspec.Struct, gc=False):
    """One line from the server.  ``result`` and ``params`` stay bytes until somebody wants them."""

    id: int | str | float | UnsetType | None = UNSET
    method: str | UnsetType = UNSET
    params: msgspec.Raw | UnsetType = UNSET
    result: msgspec.Raw | UnsetType = UNSET
    error: ErrorBody | UnsetType = UNSET


class _Outgoing(msgspec.Struct, gc=False):
    jsonrpc: str
    id: int
    method: str
    params: dict[str, Any]


_incoming = msgspec.json.Decoder(Incoming)
_outgoing = msgspec.json.Encoder(order="deterministic")


def decode_line(line: bytes) -> Incoming | None:
    """Return what a line says, or None if it is not an answer and not a notification."""
    try:
        message = _incoming.decode(line)
    except UNREADABLE:
        return None
    is_answer = message.result is not UNSET or message.error is not UNSET
    return message if is_answer or message.method is not UNSET else None


def decode_result(result: bytes | msgspec.Raw) -> Any:
    """Return a result as plain objects.

    Raises
    ------
    ProtocolError
        It is not JSON.
    """
    try:
        return msgspec.json.decode(result)
    except UNREADABLE:
        raise ProtocolError("an answer is not JSON", hint="doctor() checks the program step by step") from None


def encode_request(request_id: int, method: str, params: dict[str, Any]) -> bytes:
    r"""Return one request as a line with its ``\n``; None values are the caller's mistake, not dropped.

    Raises
    ------
    ValueError
        A text holds half of a surrogate pair, which no program accepts, or JSON has no form for a value.
    """
    try:
        return _outgoing.encode(_Outgoing("2.0", request_id, method, params)) + b"\n"
    except UnicodeEncodeError:
        raise ValueError("a text parameter holds half of a surrogate pair, which JSON cannot carry") from None
    except (TypeError, OverflowError, RecursionError):
        raise ValueError("a parameter is of a kind that JSON cannot carry") from None
