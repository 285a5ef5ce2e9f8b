"""Methods that change something: params checked, chat found, and then handed to a sender.

Checks, their order and their texts are those of the real program in either dialect; what comes of a
valid request is the business of :mod:`imsg_sdk.server.senders`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.methods import checks
from imsg_sdk.server.requests import tables
from imsg_sdk.server.requests.envelope import Request
from imsg_sdk.server.requests.params import read, refuse_unknown
from imsg_sdk.server.requests.targets import Targets
from imsg_sdk.server.senders import Operation, Senders
from imsg_sdk.server.source import DatabaseFile

__all__ = ["Mutations"]


class Mutations:
    """The methods that need a Messages to act on."""

    def __init__(self, source: DatabaseFile, *, dialect: Dialect, senders: Senders) -> None:
        self._dialect = dialect
        self._senders = senders
        self._source = source
        self._targets = Targets(source, dialect)

    def call(self, request: Request) -> dict[str, Any]:
        """Carry out `request`; raises :class:`RpcError` where it is refused or fails."""
        method = tables.ALIASES.get(request.method, request.method)
        operation = self._operation(method, request.params)
        checks.with_database(operation, self._source, has_bridge=self._senders.has_bridge)
        return self._senders.perform(operation)

    def _operation(self, method: str, params: Mapping[str, Any]) -> Operation:
        if method in tables.TO_ANYBODY:
            return self._to_anybody(method, params)
        if method in tables.TO_NOBODY:
            return Operation(method, self._verb(method), self._values(method, params))
        if self._dialect is Dialect.LEGACY or method in tables.CHAT_FIRST:
            if self._dialect is Dialect.V1:
                self._refuse_unknown(method, params)
            target = self._targets.chat(params)
            return Operation(method, self._verb(method), self._values(method, params), target)
        values = self._values(method, params)
        return Operation(method, self._verb(method), values, self._targets.chat(params))

    def _to_anybody(self, method: str, params: Mapping[str, Any]) -> Operation:
        values = self._values(method, params)
        target = self._targets.anybody(method, params)
        if method in ("send", "send.tracked"):
            checks.before_sending(method, values, target, self._dialect)
        elif method == "typing":
            checks.typing(values, target)
        return Operation(method, self._verb(method), values, self._targets.resolve(method, target, values))

    def _values(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        self._refuse_unknown(method, params)
        values = {param.name: read(param, params, self._dialect) for param in tables.MUTATIONS[method]}
        checks.together(method, values, params, self._dialect)
        return values

    def _refuse_unknown(self, method: str, params: Mapping[str, Any]) -> None:
        if self._dialect is Dialect.LEGACY:
            return
        declared = tables.MUTATIONS[method]
        if method not in tables.TO_NOBODY:
            declared += tables.SELECTORS
        if method in tables.TO_ANYBODY:
            declared += (tables.RECIPIENT,)
        refuse_unknown(method, params, tables.known(*declared))

    def _verb(self, method: str) -> str:
        return tables.VERBS.get(method, method)
