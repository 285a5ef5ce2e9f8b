"""``watch.subscribe`` and its kind: params in, a number out, and the stream started after the answer."""

from __future__ import annotations

from typing import Any

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.extension import Handled
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.methods.watcher import Watcher
from imsg_sdk.server.requests import tables
from imsg_sdk.server.requests.bounds import read_bound
from imsg_sdk.server.requests.envelope import Request
from imsg_sdk.server.requests.params import read, refuse_unknown
from imsg_sdk.server.senders import Senders
from imsg_sdk.server.source import DatabaseFile
from imsg_sdk.server.store.store import WatchView

__all__ = ["Subscriptions"]


class Subscriptions:
    """The methods that begin and end a stream."""

    def __init__(self, watcher: Watcher, source: DatabaseFile, dialect: Dialect, senders: Senders) -> None:
        self._senders = senders
        self._watcher = watcher
        self._source = source
        self._dialect = dialect

    def close(self) -> None:
        """End all of them; what comes later is refused."""
        self._watcher.close()

    def call(self, request: Request) -> Handled:
        """Return the result, and what is to happen once it is written."""
        declared = tables.CONTROL[request.method]
        if self._dialect is Dialect.V1:
            refuse_unknown(request.method, request.params, tables.known(*declared))
        values = {param.name: read(param, request.params, self._dialect) for param in declared}
        self._refuse_odd_debounce(request, values)
        match request.method:
            case "watch.subscribe":
                return self._subscribe(values)
            case "watch.unsubscribe":
                self._watcher.stop(values["subscription"])
                return {"ok": True}, None
        return self._events(values["buffer_limit"])

    def _events(self, buffer_limit: int) -> Handled:
        if not self._senders.has_bridge:
            raise RpcError.no_bridge("Bridge events unavailable")
        number = self._watcher.take_number()
        result = {"subscription": number, "buffer_limit": buffer_limit, "resumable": False}
        return result, lambda: self._senders.follow_events(number, buffer_limit)

    def _refuse_odd_debounce(self, request: Request, values: dict[str, Any]) -> None:
        """Refuse what cannot be read as a number, the one value that the older dialect does not let pass."""
        given = "debounce_ms" in request.params or "debounceMs" in request.params
        if request.method == "watch.subscribe" and given and values["debounce_ms"] is None:
            raise RpcError.invalid_params("debounce_ms must be a non-negative integer")

    def _subscribe(self, values: dict[str, Any]) -> Handled:
        view = WatchView(
            chat_id=values["chat_id"],
            include_reactions=values["include_reactions"],
            attachments=values["attachments"],
            participants=tuple(values["participants"]),
            start_ns=read_bound(values["start"], self._dialect),
            end_ns=read_bound(values["end"], self._dialect),
        )
        with self._source.store():  # -32002 comes before the limit of subscriptions
            pass
        subscription = self._watcher.open(view, values["since_rowid"], (values["debounce_ms"] or 0) / 1000)
        result = {"subscription": subscription.number}
        if self._dialect is Dialect.V1:
            result["buffer_limit"] = values["buffer_limit"]
        return result, lambda: self._watcher.start(subscription)
