"""What each reading method answers: params in, result out, in the order of checks of the real program."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from imsg_sdk._time import from_us, us_to_apple_ns
from imsg_sdk.rpc import protocol
from imsg_sdk.server.dialect import PROGRAM_VERSIONS, Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests import tables
from imsg_sdk.server.requests.bounds import stored_bound
from imsg_sdk.server.requests.envelope import Request
from imsg_sdk.server.requests.params import read, refuse_unknown
from imsg_sdk.server.senders import Senders
from imsg_sdk.server.source import DatabaseFile

__all__ = ["Reads"]

_NO_MEDIA: Final = "media statistics are unavailable because attachment tables are missing"


class Reads:
    """The methods that read."""

    def __init__(
        self,
        source: DatabaseFile,
        *,
        dialect: Dialect,
        extended: bool,
        senders: Senders,
        now_us: Callable[[], int] | None = None,
    ) -> None:
        self._source = source
        self._now_us = now_us or (lambda: time.time_ns() // 1000)
        self._dialect = dialect
        self._extended = extended
        self._senders = senders
        self._handlers: dict[str, Callable[[dict[str, Any], Mapping[str, Any]], Any]] = {
            "chats.list": self._chats,
            "messages.history": self._history,
            "messages.stats": self._stats,
            "messages.scheduled": self._scheduled,
            "message.send_status": self._send_status,
        }
        if dialect is Dialect.V1:
            self._handlers |= {
                "initialize": self._initialize,
                "status": self._status,
                "messages.search": self._search,
                "messages.after": self._after,
            }

    def __contains__(self, method: str) -> bool:
        return method in self._handlers or (self._extended and method in tables.EXTENDED_METHODS)

    def call(self, request: Request) -> Any:
        """Answer `request`; raises :class:`RpcError` where it is refused."""
        values = self._read(request)
        if request.method in tables.EXTENDED_METHODS:
            return self._page(request.method, values)
        return self._handlers[request.method](values, request.params)

    def _read(self, request: Request) -> dict[str, Any]:
        method = request.method
        params: Mapping[str, Any] = request.params
        if method == "messages.scheduled" and self._dialect is Dialect.LEGACY:
            params = _whole_limit(params)
        strict = self._dialect is Dialect.V1 or method in tables.STRICT_LEGACY or method in tables.EXTENDED_METHODS
        declared = tables.READS[method]
        if strict:
            if not request.has_object:
                raise RpcError.invalid_params(f"{method} params must be an object")
            refuse_unknown(method, params, tables.known(*declared))
        dialect = Dialect.V1 if strict else Dialect.LEGACY
        return {
            param.name: read(param, params, dialect) for param in declared if (method, param.name) not in tables.LATE
        }

    def _initialize(self, values: dict[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
        version = values["protocol_version"]
        if version not in (None, protocol.PROTOCOL_VERSION):
            raise RpcError.invalid_params(
                f"unsupported protocol_version {version}; supported version is {protocol.PROTOCOL_VERSION}"
            )
        return self._report()

    def _status(self, values: dict[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
        return self._report()

    def _report(self) -> dict[str, Any]:
        features = self._source.features()
        ready = isinstance(features, dict)
        own = list(tables.EXTENDED_METHODS) if self._extended else []
        asleep = set(self._senders.supported) - set(self._senders.methods)
        supported = [*tables.SUPPORTED[self._dialect], *self._senders.supported, *own]
        usable = [
            name
            for name in supported
            if name not in asleep
            and (ready or name in tables.WITHOUT_DATABASE)
            and (name != "messages.scheduled" or (isinstance(features, dict) and features["scheduled_messages"]))
        ]
        database: dict[str, Any] = {"path": self._source.shown_path, "ready": ready}
        database["features" if ready else "error"] = features
        report = {
            "version": PROGRAM_VERSIONS[self._dialect],
            "protocol_version": protocol.PROTOCOL_VERSION,
            "database": database,
            "bridge": self._senders.bridge,
            "contacts": {"available": False},
            "methods": usable,
            "supported_methods": supported,
        }
        return report | {"extended": 1} if self._extended else report

    def _chats(self, values: dict[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
        with self._source.store() as store:
            if values["unread_only"] and not store.has_read_state:
                raise RpcError.invalid_params(tables.NO_READ_STATE)
            return {"chats": store.chats(max(values["limit"], 1), unread_only=values["unread_only"])}

    def _history(self, values: dict[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
        with self._source.store() as store:
            messages = store.history(
                values["chat_id"],
                max(values["limit"], 1),
                participants=values["participants"],
                start_ns=stored_bound(values["start"], self._dialect),
                end_ns=stored_bound(values["end"], self._dialect),
                attachments=values["attachments"],
            )
        return {"messages": messages}

    def _after(self, values: dict[str, Any], params: Mapping[str, Any]) -> Any:
        with self._source.store() as store:
            include_reactions = read(tables.READS["messages.after"][-1], params, self._dialect)
            return store.after(
                values["since_rowid"],
                chat_id=values["chat_id"],
                limit=values["limit"],
                attachments=values["attachments"],
                include_reactions=include_reactions,
            )

    def _search(self, values: dict[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
        with self._source.store() as store:
            found = store.search(values["query"], exact=values["match"] == "exact", limit=values["limit"])
        return {"messages": found}

    def _stats(self, values: dict[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
        from imsg_sdk.server.store.zones import find_zone  # zones cost time to load, and few ask for them

        chat_id, name = values["chat_id"], values["time_zone"]
        with self._source.store() as store:
            if chat_id is not None and chat_id <= 0:
                raise RpcError.invalid_params(f"chat_id must be a positive rowid (received {chat_id})")
            zone = find_zone(name)
            if zone is None:
                raise RpcError.invalid_params(f"invalid IANA time zone: {name}")
            if chat_id is not None and not store.chat_exists(chat_id):
                raise RpcError.invalid_params(f"chat_id {chat_id} does not exist")
            if values["include_media"] and not store.has_attachment_tables:
                raise RpcError.invalid_params(_NO_MEDIA)
            return store.stats(chat_id=chat_id, include_media=values["include_media"], zone=zone)

    def _scheduled(self, values: dict[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
        with self._source.store() as store:
            if not store.has_schedule:
                raise RpcError.invalid_params(tables.NO_SCHEDULE)
            return {"messages": store.scheduled(values["limit"], us_to_apple_ns(self._now_us()))}

    def _send_status(self, values: dict[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
        with self._source.store() as store:
            return store.send_status(values["guid"].strip(), from_us(self._now_us()))

    def _page(self, method: str, values: dict[str, Any]) -> dict[str, Any]:
        from imsg_sdk.chatdb.query import Query

        try:
            query = msgspec.convert(values["query"], Query)
        except msgspec.ValidationError as error:
            raise RpcError.invalid_params(f"query: {error}") from None
        with self._source.store() as store:
            try:
                batch, cursor = store.page(method.removeprefix("x."), query, values["cursor"], values["page_rows"])
            except ValueError as error:
                raise RpcError.invalid_params(str(error).partition("\n")[0]) from None
        return {"table": batch.table, "rows": batch.rows, "columns": batch.columns, "cursor": cursor}


def _whole_limit(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let a limit of a wrong type count as one out of range, as 0.13 did for this one method."""
    if "limit" in params and (isinstance(params["limit"], bool) or not isinstance(params["limit"], int)):
        return {**params, "limit": 0}
    return params
