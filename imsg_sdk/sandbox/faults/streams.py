"""Subscriptions that go wrong."""

from __future__ import annotations

import threading
from typing import Any, ClassVar, Final

import msgspec

from imsg_sdk.sandbox.faults.fault import Fault
from imsg_sdk.sandbox.faults.play import Play
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.extension import Handled, Next
from imsg_sdk.server.requests.envelope import Request, notification_line

__all__ = [
    "ChatIdZero",
    "EarlyNotification",
    "LostNotification",
    "RepeatedNotification",
    "SilentWatch",
    "WatchError",
    "WatchOverflow",
]

_MESSAGE: Final = ("message",)
_SUBSCRIBE: Final = ("watch.subscribe",)
_FIRST_S: Final = 1.0
_BLANK: Final = {
    "chat_id": 0,
    "chat_identifier": "",
    "chat_guid": "",
    "chat_name": "",
    "participants": [],
    "is_group": False,
}


def changed(params: Any, **values: Any) -> Any:
    """Return a notification of a message with other values."""
    message = params["message"]
    if isinstance(message, dict):
        return {**params, "message": {**message, **values}}
    return {**params, "message": msgspec.structs.replace(message, **values)}


class EarlyNotification(Fault, frozen=True, kw_only=True, tag="early_notification"):
    """Lets a subscription speak before it is answered, where there is something to tell.

    Source: 0.9 starts the stream first and answers then, so that with a cursor behind the present the first messages
    come for a number that the client has not been told yet.
    """

    METHODS: ClassVar[tuple[str, ...]] = _SUBSCRIBE
    times: int | None = None

    def on_request(self, play: Play, request: Request, go_on: Next) -> Handled:
        """Start the stream, and answer when the first of it is written."""
        result, then = go_on(request)
        if then is None:
            return result, then
        spoken = play.local.setdefault("spoken", {})[result["subscription"]] = threading.Event()
        then()
        spoken.wait(_FIRST_S)
        return result, None

    def beside_messages(self, play: Play, number: int, params: list[Any]) -> list[Any]:
        """Notice that the first messages are written."""
        spoken = play.local.get("spoken", {}).pop(number, None)
        if spoken is not None:
            play.outlet.then(spoken.set)
        return params


class SilentWatch(Fault, frozen=True, kw_only=True, tag="silent_watch"):
    """Lets a subscription fall silent, with no word of it: the message that is struck is the first not reported.

    Source: busy Macs that rotate the log of the database, after which 0.9 and before hear nothing more; a file that is
    replaced under 0.14.1.
    """

    METHODS: ClassVar[tuple[str, ...]] = _MESSAGE

    def on_message(self, play: Play, number: int, params: Any) -> list[Any]:
        """Say nothing more."""
        play.end(number)
        return []


class LostNotification(Fault, frozen=True, kw_only=True, tag="lost_notification"):
    """Never reports one message; the next ones come.

    Source: rows that come between the start of a subscription and its first look, rows whose chat comes too late, and
    previews that wait behind such a row.
    """

    METHODS: ClassVar[tuple[str, ...]] = _MESSAGE

    def on_message(self, play: Play, number: int, params: Any) -> list[Any]:
        """Leave the message out."""
        return []


class RepeatedNotification(Fault, frozen=True, kw_only=True, tag="repeated_notification"):
    """Reports one message twice.

    Source: rows that a program before 0.15 reads once for each of their chats, and overlapping subscriptions.
    """

    METHODS: ClassVar[tuple[str, ...]] = _MESSAGE

    def on_message(self, play: Play, number: int, params: Any) -> list[Any]:
        """Report it again."""
        return [params, params]


class WatchError(Fault, frozen=True, kw_only=True, tag="watch_error"):
    """Ends a subscription with an ``error`` notification instead of a message, or right after ``watch.subscribe``.

    Source: a query that fails, such as a lock held for more than five seconds; nothing follows and the other requests
    go on.
    """

    METHODS: ClassVar[tuple[str, ...]] = _MESSAGE
    error: str = "database is locked (code: 5)"

    def on_message(self, play: Play, number: int, params: Any) -> list[Any]:
        """Report the error and say nothing more."""
        play.end(number, self._line(number))
        return []

    def on_request(self, play: Play, request: Request, go_on: Next) -> Handled:
        """Answer, and end what was begun."""
        result, _ = go_on(request)
        if isinstance(result, dict) and "subscription" in result:
            play.end(result["subscription"], self._line(result["subscription"]))
        return result, None

    def _line(self, number: int) -> bytes:
        return notification_line("error", {"subscription": number, "error": {"message": self.error}})


class WatchOverflow(Fault, frozen=True, kw_only=True, tag="watch_overflow"):
    """Ends a subscription with ``watch.overflow`` instead of a message; it names the row to go on from.

    Source: 0.14 holds so many messages for a slow reader and no more.  Programs before it have no such thing, so there
    nothing happens.
    """

    METHODS: ClassVar[tuple[str, ...]] = _MESSAGE

    def on_message(self, play: Play, number: int, params: Any) -> list[Any]:
        """Report the overflow and say nothing more."""
        if play.dialect is Dialect.LEGACY:
            return [params]
        message = params["message"]
        rowid = message["id"] if isinstance(message, dict) else message.id
        report = {"subscription": number, "resume_after_rowid": rowid - 1, "reason": "buffer_limit_exceeded"}
        play.end(number, notification_line("watch.overflow", {**report, "terminal": True}))
        return []


class ChatIdZero(Fault, frozen=True, kw_only=True, tag="chat_id_zero"):
    """Reports a message before its chat is known: chat 0, no names, no participants, no group.

    Source: 0.9 reports a row whose chat is not joined yet as it is, which makes a group's message look like one of a
    direct chat with nobody.
    """

    METHODS: ClassVar[tuple[str, ...]] = _MESSAGE

    def on_message(self, play: Play, number: int, params: Any) -> list[Any]:
        """Leave out what is known of the chat."""
        return [changed(params, **_BLANK)]
