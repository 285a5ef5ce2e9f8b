"""Sending one message, at most once, and finding out what became of it.

A request that may have reached the program is never repeated.  What its answer leaves open is looked up in the
history; what stays open is reported as uncertain.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from imsg_sdk.addressing import Handle
from imsg_sdk.client.abilities import NO_BRIDGE, NO_MESSAGES, send_method
from imsg_sdk.client.core import Core
from imsg_sdk.client.looking import Claims, Place, Places, Wanted, chat_of, look, places_of
from imsg_sdk.client.outbound import MAX_FILE_MB, check_file, check_params, for_all
from imsg_sdk.client.outcome import Fate, judge, needs_mac, reason
from imsg_sdk.client.plan import Plan, Wait
from imsg_sdk.client.pool import Role
from imsg_sdk.client.records import decode_send_status
from imsg_sdk.errors import (
    BackendExited,
    DatabaseUnavailable,
    ImsgError,
    PermissionDenied,
    ProtocolError,
    RemoteError,
    RequestTimeout,
    SendError,
    SendFailed,
    SendRefused,
    SendUncertain,
    UsageError,
)
from imsg_sdk.models import Message, SendResult, SendState
from imsg_sdk.rpc.connection import Connection, Pending
from imsg_sdk.rpc.handshake import Session
from imsg_sdk.rpc.profiles import Generation
from imsg_sdk.rpc.protocol import decode_result

__all__ = ["Attempt", "Sender", "shown_target"]

log = logging.getLogger("imsg_sdk.client.sending")

_START_TRIES = 3
_CONFIRM_S = 2.0
"""How long a message that was accepted is looked for; some programs write its row a moment later."""
_LOOK = "look into the chat, or at send_status(), before you send it again"


class Attempt(msgspec.Struct, frozen=True):
    """What is worth remembering of a message that is about to be sent."""

    before_rowid: int | None
    """A row that is there already; None where the history cannot be looked into."""
    attempt_id: str | None
    """The guid that the message will have, where the program allows to choose it."""


class _Tries:
    """How often a request was written anew."""

    def __init__(self) -> None:
        self._left = _START_TRIES - 1
        self._was_blocked = False

    def again(self) -> bool:
        """Use up one of the tries with a child that ended before it took anything."""
        self._left -= 1
        return self._left >= 0

    def once(self) -> bool:
        """Use up the one try behind a request that hung."""
        was_blocked, self._was_blocked = self._was_blocked, True
        return not was_blocked


class Sender:
    """Sends over one pool of children.

    Parameters
    ----------
    core
        The verbs of the client.
    send_timeout_s
        Longest wait for the answer to a send.
    settle_timeout_s
        Longest look for a message whose sending was not confirmed.
    """

    def __init__(self, core: Core, *, send_timeout_s: float, settle_timeout_s: float) -> None:
        self.core = core
        self._send_timeout_s = send_timeout_s
        self._settle_timeout_s = settle_timeout_s
        self._claims = Claims()

    # ---- one message -----------------------------------------------------------------------------------------------

    def deliver(
        self,
        params: Mapping[str, Any],
        *,
        chat_guid: str | None = None,
        attempt_id: str | None = None,
        max_file_mb: float = MAX_FILE_MB,
        attempting: Callable[[Attempt], object] | None = None,
    ) -> Plan[SendResult]:
        """Carry out one ``send``, given in the keys of the wire.

        Parameters
        ----------
        params
            One target, a text or a file or both, and how to send it.
        chat_guid
            What a ``chat_id`` among the params stood for when it was chosen; of another chat it is refused.
        attempt_id
            A fresh UUID, which becomes the guid of the message where the program can do that.
        max_file_mb
            Largest file.
        attempting
            Called once, just before the message may go out; an error of it stops the send.

        Returns
        -------
        SendResult
            ``observed`` or ``accepted``.

        Raises
        ------
        SendRefused
            Nothing was sent: it cannot be meant, or the program cannot or will not do it.
        SendFailed
            It did not go out; ``retry_safe`` says if that is proven.
        SendUncertain
            It may have gone out, and the history does not show it.
        """
        shown = shown_target(params)
        request = self._checked(params, shown, max_file_mb)
        wanted = _wanted(request)
        session = yield from self._session(shown)
        places = yield from self.places(request)
        _check_chat(places, request, chat_guid, shown)
        if any(place.is_taken_for_one for place in places.known):
            request = for_all(request, shown)
        method = send_method(session, request, shown)
        if method == "send.tracked":
            attempt = attempt_id or str(uuid.uuid4())
            wanted = Wanted(guid=attempt)
            request = {**request, "attempt_id": attempt}
        if attempting is not None:
            before = max((place.before for place in places.known), default=0) if places.can_look else None
            attempting(Attempt(before, request.get("attempt_id")))
        result = yield from self._sent_somehow(method, request, places, wanted, shown)
        yield from self._refuse_undelivered(result, shown)
        return result

    def _sent_somehow(
        self, method: str, request: dict[str, Any], places: Places, wanted: Wanted, shown: str
    ) -> Plan[SendResult]:
        """Send with a chosen id, and without one where the program turns out not to take it."""
        if method != "send.tracked":
            return (yield from self._sent(method, request, places, wanted, shown))
        plain = {key: value for key, value in request.items() if key != "attempt_id"}
        try:
            result = yield from self._sent(method, request, places, wanted, shown)
        except SendError as error:
            if not (error.retry_safe or isinstance(error, SendRefused)):
                raise
            # Nothing was sent by it; but an id that is taken stands for a message that was.
            row = yield from self._look(places, wanted, 0.0)
            if row is None:
                return (yield from self._sent("send", plain, places, _wanted(plain), shown))
            result = _observed(row, {}, None, request)
        return msgspec.structs.replace(result, attempt_id=request["attempt_id"])

    def settle(
        self,
        params: Mapping[str, Any],
        *,
        after_rowid: int,
        attempt_id: str | None = None,
        claimed: Collection[str] = (),
        for_s: float | None = None,
    ) -> Plan[SendResult | None]:
        """Look into the history for a message that may have been sent by somebody who died; sends nothing.

        Parameters
        ----------
        params
            What was to be sent.
        after_rowid
            A row that was there before.
        attempt_id
            The id that was chosen for it.
        claimed
            Guids of messages that are known to be others.
        for_s
            How long to look, 0 is once; ``settle_timeout_s`` if not given.

        Returns
        -------
        SendResult or None
            None if it is not there.
        """
        request = check_params(dict(params))
        places = yield from self.places(request)
        known = tuple(Place(place.chat_id, after_rowid) for place in places.known)
        places = Places(known, places.named, places.can_look)
        tries = [Wanted(guid=attempt_id)] if attempt_id is not None else []
        for_s = self._settle_timeout_s if for_s is None else for_s
        for wanted in (*tries, _wanted(request)):
            row = yield from look(
                self.core,
                places,
                wanted,
                self._claims,
                for_s=for_s if wanted.guid is None else 0.0,
                region=self.core.region,
                claimed=claimed,
            )
            if row is not None:
                return _observed(row, {}, after_rowid, request)
        return None

    def _checked(self, params: Mapping[str, Any], shown: str, max_file_mb: float) -> dict[str, Any]:
        self.core.pool.check()
        try:
            request = check_params(dict(params))
            if "file" in request:
                host = self.core.pool.backend.host
                request["file"] = check_file(request["file"], max_mb=max_file_mb, host=host)
        except SendRefused as error:
            error.target = error.target or shown
            raise
        return request

    def _sent(
        self, method: str, request: dict[str, Any], places: Places, wanted: Wanted, shown: str
    ) -> Plan[SendResult]:
        before = max((place.before for place in places.known), default=None)
        try:
            answer = decode_result((yield from self.dispatch(method, request, shown)))
            if not isinstance(answer, dict) or answer.get("ok") is False:
                raise uncertain("the program's answer does not say that it was sent", shown)
        except (SendUncertain, ProtocolError) as error:
            row = yield from self._look(places, wanted, self._settle_timeout_s)
            if row is not None:
                log.info("a send that was in doubt stands in the history, row %d", row.rowid)
                return _observed(row, {}, before, request)
            if isinstance(error, SendUncertain):
                raise
            raise uncertain(reason(error), shown) from error
        return (yield from self.result(answer, places, request, wanted))

    def places(self, request: dict[str, Any]) -> Plan[Places]:
        """Return where what is sent with `request` will be seen."""
        return places_of(self.core, request, region=self.core.region)

    def result(
        self, answer: dict[str, Any], places: Places, request: dict[str, Any], wanted: Wanted | None = None
    ) -> Plan[SendResult]:
        """Return what is known after a program said that it sent something; `wanted` finds it without an id."""
        before = max((place.before for place in places.known), default=None)
        row = yield from self._confirmed(answer, places, wanted)
        result = _accepted(answer, before, request) if row is None else _observed(row, answer, before, request)
        self.core.forget_chats()
        if result.chat_id is None and places.can_look:
            chat_id = yield from chat_of(self.core, places, result.chat_guid, region=self.core.region)
            result = msgspec.structs.replace(result, chat_id=chat_id)
        return result

    def _confirmed(self, answer: dict[str, Any], places: Places, wanted: Wanted | None) -> Plan[Message | None]:
        guid, rowid = _guid_of(answer), _rowid_of(answer)
        if guid is not None and rowid is not None:
            self._claims.take(rowid)  # the program has seen it
            return Message(rowid=rowid, guid=guid, is_from_me=True)
        if guid is not None or rowid is not None:
            wanted = Wanted(guid=guid, rowid=rowid)
        if wanted is None:
            return None
        return (yield from self._look(places, wanted, min(_CONFIRM_S, self._settle_timeout_s)))

    def _look(self, places: Places, wanted: Wanted, for_s: float) -> Plan[Message | None]:
        return look(self.core, places, wanted, self._claims, for_s=for_s, region=self.core.region)

    def _refuse_undelivered(self, result: SendResult, shown: str) -> Plan[None]:
        """Raise where the row of the message says at once that Messages could not send it."""
        session = yield from self.core.session()
        if result.guid is None or not session.profile.has("message.send_status"):
            return
        try:
            status = decode_send_status((yield from self.core.ask("message.send_status", guid=result.guid)))
        except ImsgError as error:
            log.info("the state of a sent message cannot be read: %s", type(error).__name__)
            return
        if status.send_state == "failed":
            raise SendFailed(
                "Messages took the message and could not send it",
                target=shown,
                sent=(result,),
                hint="it stands in the chat as not delivered; check the handle and its service",
            )

    # ---- one request -----------------------------------------------------------------------------------------------

    def dispatch(self, method: str, params: dict[str, Any], shown: str) -> Plan[msgspec.Raw]:
        """Send one request that changes something, once, and return its result.

        It is written anew only where it is certain that no program took it: its child ended before the line was
        written, or said that an earlier request hangs in it.

        Raises
        ------
        SendRefused, SendFailed, SendUncertain
            As for :meth:`deliver`; the error of the program is the cause.
        """
        tries = _Tries()
        while True:
            session = yield from self._session(shown, method)
            connection = session.connection
            # What waits here can still be taken back; what waits in the program can not.
            connection.max_outstanding = 1
            n_answers = connection.n_answers
            try:
                pending = connection.request(method, params)
            except ValueError as error:
                raise SendRefused(f"{method} cannot be written: {error}", target=shown) from None
            except BackendExited as error:
                if not tries.again():
                    raise _failed(error, shown, method) from error
                continue
            try:
                answer: msgspec.Raw = yield self._wait(connection, pending)
                return answer
            except ImsgError as error:
                is_stuck = isinstance(error, RequestTimeout) and connection.n_answers == n_answers
                if not self._may_go_again(error, session, pending, tries, is_stuck=is_stuck):
                    raise _ended(judge(error, was_sent=pending.was_sent), error, method, shown) from error
            except BaseException as error:
                if pending.was_sent:
                    error.add_note(f"{method} was under way: it may have been carried out")
                raise

    def _may_go_again(
        self, error: ImsgError, session: Session, pending: Pending, tries: _Tries, *, is_stuck: bool
    ) -> bool:
        """Tell whether a request certainly was not taken, and may be written anew; lets a spent child go.

        ``is_stuck`` says that the child answered nothing while the request was out or waited.
        """
        if not pending.was_sent:
            if isinstance(error, UsageError):
                raise error
            if is_stuck:
                self._give_up(session)  # it waited behind one that nobody waits for any more
            return isinstance(error, BackendExited | RequestTimeout) and tries.again()
        fate = judge(error, was_sent=True)
        if self._is_spent(fate, error, session):
            self._give_up(session)
        return fate is Fate.BLOCKED and tries.once()

    @staticmethod
    def _is_spent(fate: Fate, error: ImsgError, session: Session) -> bool:
        """Tell whether nothing else gets through this child."""
        if isinstance(error, DatabaseUnavailable | PermissionDenied):
            # It opens its database once and for all; only a new child can see it mended.
            return session.profile.generation is Generation.LEGACY
        return fate is Fate.BLOCKED or isinstance(error, RequestTimeout)

    def _give_up(self, session: Session) -> None:
        """Let a child go; what waits for it turns to the next one."""
        self.core.pool.drop(session)
        session.connection.release()

    def _wait(self, connection: Connection, pending: Pending) -> Wait:
        return Wait(
            pending,
            self._send_timeout_s,
            expired=lambda: RequestTimeout(f"{pending.method} was not answered within {self._send_timeout_s:g} s"),
            forget=lambda: connection.forget(pending),
        )

    def _session(self, shown: str, method: str = "send") -> Plan[Session]:
        try:
            return (yield from self.core.session(Role.SEND))
        except UsageError:
            raise
        except ImsgError as error:
            raise _failed(error, shown, method) from error


def _ended(fate: Fate, error: ImsgError, method: str, shown: str) -> SendError:
    match fate:
        case Fate.REFUSED:
            bridge = NO_BRIDGE if "requires bridge" in error.message else ""
            hint = NO_MESSAGES if needs_mac(error) else error.hint or bridge
            return SendRefused(reason(error), target=shown, hint=hint)
        case Fate.FAILED | Fate.BLOCKED:
            return _failed(error, shown, method)
        case Fate.BROKEN:
            return SendFailed(
                f"{method} failed in Messages", target=shown, hint=f"error.__cause__.data says how; {_LOOK}"
            )
    return uncertain(reason(error), shown, method)


def _failed(error: ImsgError, shown: str, method: str) -> SendFailed:
    is_told = isinstance(error, RemoteError) and type(error) is RemoteError
    hint = "it may be tried again; error.__cause__.data says why it failed" if is_told else error.hint
    return SendFailed(
        f"not {_done(method)}: {reason(error)}", target=shown, retry_safe=True, hint=hint or "it may be tried again"
    )


def _done(method: str) -> str:
    return "sent" if method.partition(".")[0] == "send" else "carried out"


def uncertain(why: str, shown: str, method: str = "send") -> SendUncertain:
    """Return the error for what may have been carried out."""
    return SendUncertain(f"it may have been {_done(method)}: {why}", target=shown, hint=_LOOK)


def shown_target(params: Mapping[str, Any]) -> str:
    """Return a target of the wire as errors and logs show it."""
    if (chat_id := params.get("chat_id")) is not None:
        return f"chat {chat_id}"
    if isinstance(handle := params.get("to"), str):
        return Handle(handle).redacted
    return next((f"{key}:…" for key in ("chat_guid", "chat_identifier") if params.get(key)), "nobody")


def _check_chat(places: Places, request: dict[str, Any], guid: str | None, shown: str) -> None:
    """Refuse a chat id that has come to mean another chat: the number alone says nothing of the database."""
    if guid is None or "chat_id" not in request:
        return
    if any(place.guid not in (None, guid) for place in places.known):
        raise SendRefused(
            "the chat id stands for another chat by now: the database was replaced",
            target=shown,
            hint="read chats() again",
        )


def _wanted(request: dict[str, Any]) -> Wanted:
    name = str(request["file"]).rpartition("/")[2] if "file" in request else None
    return Wanted(text=request.get("text"), file_name=name)


def _guid_of(answer: dict[str, Any]) -> str | None:
    for key in ("guid", "message_id", "message_guid"):
        if isinstance(value := answer.get(key), str) and value not in ("", "ok", "unknown"):
            return value
    return None


def _rowid_of(answer: dict[str, Any]) -> int | None:
    value = answer.get("id")
    return value if type(value) is int and value > 0 else None


def _observed(row: Message, answer: dict[str, Any], before: int | None, request: dict[str, Any]) -> SendResult:
    return SendResult(
        state=SendState.OBSERVED,
        guid=row.guid or _guid_of(answer),
        rowid=row.rowid,
        chat_id=row.chat_id or request.get("chat_id"),
        chat_guid=row.chat_guid or _text(answer, "chat_guid"),
        service=_text(answer, "service"),
        transport=_text(answer, "transport"),
        before_rowid=before,
    )


def _accepted(answer: dict[str, Any], before: int | None, request: dict[str, Any]) -> SendResult:
    return SendResult(
        state=SendState.ACCEPTED,
        guid=_guid_of(answer),
        rowid=_rowid_of(answer),
        chat_id=request.get("chat_id"),
        chat_guid=_text(answer, "chat_guid"),
        service=_text(answer, "service"),
        transport=_text(answer, "transport"),
        before_rowid=before,
    )


def _text(answer: dict[str, Any], key: str) -> str | None:
    value = answer.get(key)
    return value if isinstance(value, str) and value else None
