"""One line in, one line out: what counts as a request, and how an answer is spelled.  Pure; no I/O.

The JSON accepted is that of the parser behind the real program: a trailing comma in an object passes,
more than 512 levels do not, bytes that are no UTF-8 become U+FFFD.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import msgspec

from imsg_sdk.rpc import protocol
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import RpcError

__all__ = ["ABSENT", "Fault", "Request", "error_line", "notification_line", "read_line", "result_line"]

ABSENT: Final = msgspec.UNSET
"""The id of a request that has none; it gets no answer."""

PARSE_DETAIL: Final = "The operation could not be completed. The data is not in the correct format."
MAX_DEPTH: Final = 512

_BLANKS: Final = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200C))
)
"""White space and line ends as that parser's library counts them; ``str.strip`` would take U+001E too."""

# Possessive, since a string of megabytes would need gigabytes of places to come back to.
_TOKENS: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]|,', re.DOTALL)
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)

_encoder = msgspec.json.Encoder()


class Request(NamedTuple):
    """A well-formed request; ``params`` is {} where there are none."""

    id: Any
    method: str
    params: dict[str, Any]
    has_object: bool = True
    """False where ``params`` was there and no object (the older dialect lets that pass)."""


class Fault(NamedTuple):
    """A line that is no request, and what to answer; ``id`` ABSENT means nothing is answered."""

    id: Any
    error: RpcError


def read_line(line: bytes, dialect: Dialect) -> Request | Fault | None:
    """Read one line; None for a blank one."""
    try:
        value = _decode(line)
    except _UNREADABLE:
        return Fault(None, RpcError(protocol.PARSE_ERROR, PARSE_DETAIL))
    if value is ABSENT:
        return None
    if isinstance(value, list):
        return Fault(None, _refused("request must be an object"))
    if not isinstance(value, dict):
        return Fault(None, RpcError(protocol.PARSE_ERROR, PARSE_DETAIL))
    return _strict(value) if dialect is Dialect.V1 else _lenient(value)


def _strict(value: dict[str, Any]) -> Request | Fault:
    id_ = value.get("id", ABSENT)
    if isinstance(id_, bool | list | dict):
        return Fault(None, _refused("id must be a string, number, or null"))
    echo = None if id_ is ABSENT else id_
    version, method, params = value.get("jsonrpc"), value.get("method"), value.get("params", ABSENT)
    if version != "2.0":
        return Fault(echo, _refused("jsonrpc must be exactly 2.0"))
    if not isinstance(method, str) or not method:
        return Fault(echo, _refused("method is required"))
    if params is ABSENT:
        params = {}
    if not isinstance(params, dict):
        return Fault(id_, RpcError.invalid_params("params must be an object when present"))
    return Request(id_, method, params)


def _lenient(value: dict[str, Any]) -> Request | Fault:
    id_ = value.get("id")
    version, method, params = value.get("jsonrpc"), value.get("method"), value.get("params", ABSENT)
    if isinstance(version, str) and version != "2.0":
        return Fault(id_, _refused("jsonrpc must be 2.0"))
    if not isinstance(method, str) or not method:
        return Fault(id_, _refused("method is required"))
    is_object = isinstance(params, dict)
    return Request(
        value.get("id", ABSENT), method, params if is_object else {}, has_object=is_object or params is ABSENT
    )


def _refused(text: str) -> RpcError:
    return RpcError(protocol.INVALID_REQUEST, text)


def _decode(line: bytes) -> Any:
    try:
        value = msgspec.json.decode(line)
    except _UNREADABLE:
        pass  # the second, slower reading decides
    else:
        if line.count(b"[") + line.count(b"{") > MAX_DEPTH:
            _refuse_deep(value)
        return value
    text = line.decode("utf-8", "replace").strip(_BLANKS)
    if not text:
        return ABSENT
    return msgspec.json.decode(_without_trailing_commas(text.removeprefix("\ufeff")))


def _refuse_deep(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if node.__class__ is dict else node)
            if child.__class__ is dict or child.__class__ is list
        ]
        if not level:
            return
    raise msgspec.DecodeError("nested too deep")


def _without_trailing_commas(text: str) -> str:
    """Drop the comma before a closing brace, and refuse what nests too deep."""
    kept: list[str] = []
    start = depth = comma = 0
    for token in _TOKENS.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise msgspec.DecodeError("nested too deep")
        elif first in "]}":
            depth -= 1
            if first == "}" and comma and not text[comma : token.start()].strip(" \t\n\r"):
                kept.append(text[start : comma - 1])
                start = comma
        if first == ",":
            comma = token.end() if _ends_a_value(text, token.start()) else 0
        elif first == '"':
            comma = 0
    return "".join(kept) + text[start:]


def _ends_a_value(text: str, end: int) -> bool:
    while end and text[end - 1] in " \t\n\r":
        end -= 1
    return end > 0 and text[end - 1] not in "{[,:"


def result_line(id_: Any, result: Any) -> bytes:
    """Spell the answer to a request."""
    return _line(b'{"jsonrpc":"2.0","id":', _id(id_), b',"result":', _encoder.encode(result), b"}\n")


def error_line(id_: Any, error: RpcError) -> bytes:
    """Spell the refusal of a request."""
    body = _encoder.encode({"code": error.code, "message": error.message, "data": error.data})
    return _line(b'{"jsonrpc":"2.0","id":', _id(id_), b',"error":', body, b"}\n")


def notification_line(method: str, params: Any) -> bytes:
    """Spell a notification."""
    return _line(b'{"jsonrpc":"2.0","method":', _encoder.encode(method), b',"params":', _encoder.encode(params), b"}\n")


def _line(*parts: bytes) -> bytes:
    # A slash can only stand inside a string, so that escaping it afterwards is safe.
    return b"".join(parts).replace(b"/", b"\\/")


def _id(value: Any) -> bytes:
    if type(value) is int or type(value) is str:
        return _encoder.encode(value) if type(value) is str else str(value).encode()
    return _encoder.encode(_by_value(value))


def _by_value(value: Any) -> Any:
    if isinstance(value, float):
        return msgspec.Raw(_float(value).encode())
    if isinstance(value, int) and not isinstance(value, bool):
        return msgspec.Raw(str(value).encode())
    if isinstance(value, list):
        return [_by_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _by_value(item) for key, item in value.items()}
    return value


def _float(value: float) -> str:
    """Spell a number by its value: whole ones without a fraction, powers from 2**54 on."""
    if value.is_integer() and abs(value) < 2**54:
        return f"{value:.0f}"
    return repr(value).removesuffix(".0")
