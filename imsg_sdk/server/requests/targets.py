"""Whom a mutation is about: the chat selectors and the recipient of both dialects, and the rows behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from imsg_sdk.rpc import protocol
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests.params import read
from imsg_sdk.server.requests.tables import RECIPIENT, SELECTORS
from imsg_sdk.server.rows.objects import ChatTarget
from imsg_sdk.server.source import DatabaseFile

__all__ = ["Target", "Targets"]

_SELECTOR_NAMES: Final = tuple(selector.name for selector in SELECTORS)
_CANDIDATES: Final = {
    "auto": ("iMessage;-;{}", "any;-;{}", "SMS;-;{}", "{}"),
    "imessage": ("iMessage;-;{}", "any;-;{}", "{}"),
    "sms": ("SMS;-;{}", "{}"),
}


class Target(NamedTuple):
    """A recipient or a chat: what was asked for, and the row that it is, if one is known."""

    to: str | None = None
    chat_id: int | None = None
    identifier: str | None = None
    guid: str | None = None
    row: ChatTarget | None = None

    @property
    def is_known_chat(self) -> bool:
        """Whether there is a chat to address; a guid or identifier is taken at its word."""
        return self.to is None or self.row is not None

    @property
    def chat_guid(self) -> str | None:
        """How the chat is addressed."""
        if self.row is not None:
            return self.row.guid or self.row.identifier
        return self.guid or self.identifier


class Targets:
    """Reads and resolves targets."""

    def __init__(self, source: DatabaseFile, dialect: Dialect) -> None:
        self._source = source
        self._dialect = dialect

    def chat(self, params: Mapping[str, Any]) -> Target:
        """Return the one chat that `params` select, resolved for the bridge."""
        if self._dialect is Dialect.V1:
            target = self._selected(params)
        else:
            given = self._given(params)
            if given is None:
                raise RpcError.invalid_params("chat_guid, chat_identifier, or chat_id is required")
            target = given
        target = self._with_row(target)
        if not target.chat_guid:
            raise RpcError.invalid_params("could not resolve chat GUID for chat target")
        return target

    def anybody(self, method: str, params: Mapping[str, Any]) -> Target:
        """Return the recipient or the chat that `params` name; nothing is looked up yet."""
        if self._dialect is Dialect.LEGACY:
            return self._anybody_before(method, params)
        if RECIPIENT.name not in params:
            return self._selected(params)
        if any(name in params for name in _SELECTOR_NAMES):
            raise RpcError.invalid_params("use to or exactly one chat selector; not both")
        to = read(RECIPIENT, params, self._dialect)
        if not to:
            raise RpcError.invalid_params("to must be a non-empty string")
        return Target(to=to)

    def resolve(self, method: str, target: Target, values: Mapping[str, Any]) -> Target:
        """Return `target` with its row; a chat id must have one, a recipient may."""
        if target.to is None:
            target = self._with_row(target)
            if not target.chat_guid:
                raise RpcError.invalid_params("missing chat identifier or guid")
            return target
        if method not in ("send", "send.tracked"):
            return target
        candidates = [form.format(target.to) for form in _CANDIDATES[values["service"]]]
        return target._replace(row=self._found(candidates))

    def _selected(self, params: Mapping[str, Any]) -> Target:
        used = [selector for selector in SELECTORS if selector.name in params]
        if len(used) != 1:
            raise RpcError.invalid_params("exactly one of chat_id, chat_identifier, or chat_guid is required")
        name, value = used[0].name, read(used[0], params, self._dialect)
        if name == "chat_id":
            if value <= 0:
                raise RpcError.invalid_params("chat_id must be a positive integer")
            return Target(chat_id=value)
        if not value:
            raise RpcError.invalid_params(f"{name} must be a non-empty string")
        return Target(guid=value) if name == "chat_guid" else Target(identifier=value)

    def _given(self, params: Mapping[str, Any]) -> Target | None:
        """Return what the older dialect makes of the selectors: empty ones are absent, the id wins."""
        chat_id, identifier, guid = (read(selector, params, self._dialect) or None for selector in SELECTORS)
        if chat_id is None and read(SELECTORS[0], params, self._dialect) == 0:
            chat_id = 0
        if chat_id is not None:
            return Target(chat_id=chat_id)
        if guid or identifier:
            return Target(guid=guid, identifier=identifier)
        return None

    def _anybody_before(self, method: str, params: Mapping[str, Any]) -> Target:
        to, chat = read(RECIPIENT, params, self._dialect), self._given(params)
        if chat is not None and to:
            raise RpcError.invalid_params("use to or chat_*; not both")
        if chat is not None:
            return chat
        if not to:
            text = "to is required for direct sends" if method == "send" else "to is required"
            raise RpcError.invalid_params(text)
        return Target(to=to)

    def _with_row(self, target: Target) -> Target:
        if target.chat_id is not None:
            with self._source.store() as store:
                row = store.chat_target(target.chat_id)
            if row is None:
                raise RpcError.invalid_params(f"unknown chat_id {target.chat_id}")
            return target._replace(row=row)
        wanted = target.guid or target.identifier
        return target._replace(row=self._found([wanted])) if wanted else target

    def _found(self, candidates: list[str]) -> ChatTarget | None:
        """Look a chat up by name; without a database there simply is none."""
        try:
            with self._source.store() as store:
                return store.find_chat(*candidates)
        except RpcError as error:
            if error.code != protocol.DATABASE_UNAVAILABLE:
                raise
            return None
