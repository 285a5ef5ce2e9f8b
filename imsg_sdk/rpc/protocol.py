"""JSON-RPC 2.0 as ``imsg rpc`` speaks it: error codes and envelopes.  Pure; no I/O, mints no ids."""

from __future__ import annotations

from typing import Final

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
