"""Verbs as plans that give records: what the sync and the async client share.

A plan asks children through the pool and decodes what they answer; it never blocks, draws or logs text.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from imsg_sdk.arguments import INCLUDES, checked_seconds, checked_text, find_people, nobody, spellings
from imsg_sdk.client.plan import Pause, Plan, Wait
from imsg_sdk.client.pool import Pool, Role
from imsg_sdk.client.targets import ChatLike, find_chat, find_chats, handles_of, listed
from imsg_sdk.columns import Batch
from imsg_sdk.errors import (
    AddressError,
    BackendExited,
    DatabaseUnavailable,
    InvalidParams,
    PermissionDenied,
    RemoteError,
    RequestTimeout,
    ServerBusy,
    StartupTimeout,
)
from imsg_sdk.models import Chat, ScheduledMessage, SendStatus, Stats
from imsg_sdk.rpc.backends import Backend
from imsg_sdk.rpc.connection import Connection, Pending
from imsg_sdk.rpc.handshake import Session
from imsg_sdk.rpc.profiles import ACTING, EXTENDED_METHODS, METHODS, NEWEST_KNOWN, Generation, Profile
from imsg_sdk.rpc.protocol import INVALID_PARAMS, decode_result

__all__ = ["Core", "Pages"]

log = logging.getLogger("imsg_sdk.client.core")

PAGE_ROWS = 20_000
_BUSY_TRIES = 6
_BUSY_FIRST_S = 0.05
_START_TRIES = 3
_EARLY_S = 0.25
"""The end of a child is noticed within milliseconds."""
_DIRECTORY_FRESH_S = 10.0
_ALL_CHATS = 1_000_000

Rows = Callable[[Batch], object]
Progress = Callable[[int, int | None], object]


class _Cursor(msgspec.Struct):
    cursor: str | None = None


_cursor = msgspec.json.Decoder(_Cursor)
_batch = msgspec.json.Decoder(Batch)


class Core:
    """The verbs over one pool of children.

    Parameters
    ----------
    pool
        The children.
    region
        Country that phone numbers without a country code belong to.
    read_timeout_s
        Longest wait for one answer.
    """

    def __init__(self, pool: Pool, *, region: str, read_timeout_s: float, startup_timeout_s: float) -> None:
        self.pool = pool
        self.region = region
        self.read_timeout_s = read_timeout_s
        self._startup_timeout_s = startup_timeout_s
        self._directory: tuple[float, list[Chat]] | None = None
        self._has_warned = False

    # ---- asking --------------------------------------------------------------------------------------------------

    def session(self, role: Role = Role.READ) -> Plan[Session]:
        """Return the child of `role`, started if need be."""
        ready = self.pool.session(role)
        if isinstance(ready, Future):
            # Proving, starting and greeting are bounded by themselves; this bound stands behind them.
            bound = 4 * self._startup_timeout_s + 10
            ready = yield Wait(ready, bound, expired=self._start_expired, forget=lambda: None)
        self._warn_if_newer(ready.profile)
        return ready

    def _start_expired(self) -> StartupTimeout:
        return StartupTimeout(f"{self.pool.backend.name} did not start in time", hint="doctor() goes step by step")

    def _warn_if_newer(self, profile: Profile) -> None:
        if not self._has_warned and profile.is_newer_than_known:
            self._has_warned = True
            have, known = (".".join(map(str, each)) for each in (profile.version or (), NEWEST_KNOWN))
            warnings.warn(
                f"imsg {have} is newer than {known}, the newest this package knows; what is known of it is used",
                stacklevel=4,
            )

    def ask(self, method: str, *, timeout_s: float | None = None, **values: Any) -> Plan[msgspec.Raw]:
        """Ask a reading question in documented keys; None values are left out."""
        session = yield from self.session()
        params = session.profile.params(method, **values)
        return (yield from self.request(method, params, timeout_s=timeout_s))

    def request(
        self,
        method: str,
        params: dict[str, Any],
        *,
        role: Role = Role.READ,
        timeout_s: float | None = None,
        may_repeat: bool = True,
    ) -> Plan[msgspec.Raw]:
        """Send a request as it is and return its undecoded result.

        A reading request is repeated when the server is busy, and once where its child was killed so early that
        it was most likely dead before.  Any other that was out when its child ended is not: nobody can tell
        whether it was the cause.
        """
        timeout_s = self.read_timeout_s if timeout_s is None else timeout_s
        try:
            self.pool.refuse_killer(method, params)
        except ValueError as error:
            raise InvalidParams(str(error), code=INVALID_PARAMS) from None
        busy, ended, was_repeated = 0, 0, False
        while True:
            session = yield from self.session(role)
            connection = session.connection
            begun = time.monotonic()
            try:
                pending = connection.request(method, params)
            except ValueError as error:
                raise InvalidParams(str(error), code=INVALID_PARAMS) from None
            except BackendExited:
                # It ended before the request was sent, so a new child may have it.
                ended += 1
                if ended >= _START_TRIES:
                    raise
                continue
            try:
                answer: msgspec.Raw = yield _wait_for(connection, pending, timeout_s)
                return answer
            except ServerBusy:
                busy += 1
                if busy >= _BUSY_TRIES or role is not Role.READ:
                    raise
                yield Pause(_BUSY_FIRST_S * 2**busy)
            except BackendExited as error:
                if (blamed := self.pool.blame(connection, pending, error)) is not None:
                    raise blamed from None
                is_early = time.monotonic() - begun < _EARLY_S and self.pool.was_killed(connection, error)
                if was_repeated or not may_repeat or role is not Role.READ or not is_early:
                    raise
                was_repeated = True
            except (DatabaseUnavailable, PermissionDenied) as error:
                if session.profile.generation is Generation.LEGACY:
                    # It opens its database once and for all; only a new child can see it mended.
                    self.pool.drop(session)
                raise _explained(error, self.pool.backend) from None

    # ---- pages of our own server -----------------------------------------------------------------------------------

    def pages(
        self,
        table: str,
        query: dict[str, Any],
        take: Rows,
        progress: Progress | None = None,
        *,
        page_rows: int | None = None,
    ) -> Plan[int]:
        """Read a whole table page by page, handing each batch to `take`; returns the number of rows."""
        pages = Pages(self, table, query, page_rows or PAGE_ROWS)
        done = 0
        while (batch := (yield from pages.next())) is not None:
            take(batch)
            done += batch.rows
            if progress is not None:
                progress(done, None)
        return done

    def ask_ahead(self, method: str, params: dict[str, Any]) -> Wait | None:
        """Send a request whose answer is wanted later; None where the child is not up."""
        session = self.pool.session(Role.READ)
        if isinstance(session, Future):
            return None
        try:
            pending = session.connection.request(method, params)
        except BackendExited:
            return None
        return _wait_for(session.connection, pending, self.read_timeout_s)

    # ---- chats ---------------------------------------------------------------------------------------------------

    def chats(self, *, limit: int | None = None, unread_only: bool = False) -> Plan[list[Chat]]:
        """Return chats, most recent first."""
        from imsg_sdk.client.records import decode_chats

        answer = yield from self.ask("chats.list", limit=limit or _ALL_CHATS, unread_only=True if unread_only else None)
        found = decode_chats(answer)
        if limit is None and not unread_only:
            self._directory = (time.monotonic(), found)
        return found

    def chat(self, target: ChatLike) -> Plan[Chat]:
        """Return the one chat that a target of a reading call names."""
        found: Chat = yield from self._look_up(lambda chats: find_chat(target, chats, region=self.region))
        return found

    def chats_of(self, targets: ChatLike | Iterable[ChatLike] | None) -> Plan[list[Chat] | None]:
        """Return the chats that targets of a reading call name; None for no target."""
        if targets is None:
            return None
        several = listed(targets)
        found: list[Chat] = yield from self._look_up(lambda chats: find_chats(several, chats, region=self.region))
        return found

    def people(self, wanted: Sequence[str]) -> Plan[tuple[str, ...]]:
        """Return the handles of people as the program spells them.

        Raises
        ------
        AddressError
            Somebody is in no chat, and wrote no message that our own server knows.
        """
        chats = self._fresh() or (yield from self.chats())
        found, missing = find_people(wanted, handles_of(chats), region=self.region)
        if missing:
            found, missing = find_people(wanted, handles_of((yield from self.chats())), region=self.region)
        session = yield from self.session()
        for person in missing:
            spelled = spellings(person, region=self.region)
            if not (session.profile.extended and (yield from self._has_written(spelled))):
                raise nobody(person)
            found += spelled
        return tuple(found)

    def _has_written(self, handles: list[str]) -> Plan[bool]:
        """Tell whether our own server knows a message of somebody who may have left all chats."""
        query = {"participants": handles, "limit": 1, "include": list(INCLUDES)}
        return (yield from self.pages("messages", query, lambda batch: None, page_rows=1)) > 0

    def _look_up(self, find: Callable[[list[Chat]], Any]) -> Plan[Any]:
        """Look into the list of chats, which is read again if it is not fresh or does not have it."""
        if (fresh := self._fresh()) is not None:
            try:
                return find(fresh)
            except AddressError:
                log.debug("not in the list of chats at hand; reading it again")
        chats = yield from self.chats()
        return find(chats)

    def forget_chats(self) -> None:
        """Read the list of chats anew when it is needed next: something of ours has changed it."""
        self._directory = None

    def _fresh(self) -> list[Chat] | None:
        """Return the list of chats at hand, None where it is missing or old."""
        if self._directory is None or time.monotonic() - self._directory[0] >= _DIRECTORY_FRESH_S:
            return None
        return self._directory[1]

    # ---- single answers --------------------------------------------------------------------------------------------

    def stats(
        self, chat: ChatLike | None = None, *, include_media: bool = False, time_zone: str | None = None
    ) -> Plan[Stats]:
        """Return counts over one chat or all."""
        from imsg_sdk.client.records import decode_stats

        if time_zone is not None:
            checked_text(time_zone, "time_zone")
        chosen = None if chat is None else (yield from self.chat(chat))
        answer = yield from self.ask(
            "messages.stats",
            chat_id=None if chosen is None else chosen.chat_id,
            include_media=True if include_media else None,
            time_zone=time_zone,
        )
        return decode_stats(answer)

    def scheduled(self, *, limit: int | None = None) -> Plan[list[ScheduledMessage]]:
        """Return messages that wait to be sent, soonest first."""
        from imsg_sdk.client.records import decode_scheduled

        answer = yield from self.ask("messages.scheduled", limit=limit or _ALL_CHATS)
        return decode_scheduled(answer)

    def send_status(self, guid: str) -> Plan[SendStatus]:
        """Return what the database knows of a sent message."""
        from imsg_sdk.client.records import decode_send_status

        answer = yield from self.ask("message.send_status", guid=checked_text(guid, "guid"))
        return decode_send_status(answer)

    def call(self, method: str, params: dict[str, Any] | None = None, *, timeout_s: float | None = None) -> Plan[Any]:
        """Send any request as it is and return its result as plain objects."""
        if not isinstance(method, str) or not isinstance(params, Mapping | None):
            raise InvalidParams("method must be text, params a dict of its keys", code=INVALID_PARAMS)
        timeout_s = None if timeout_s is None else checked_seconds(timeout_s, "timeout_s")
        is_reading = method in METHODS or method in EXTENDED_METHODS
        role = Role.SEND if method in ACTING else Role.READ
        answer = yield from self.request(
            method, dict(params or {}), role=role, timeout_s=timeout_s, may_repeat=is_reading
        )
        return decode_result(answer)


class Pages:
    """A table of our own server, page after page.

    The next page is asked for before the present one is decoded, so that both sides work at once.
    """

    def __init__(self, core: Core, table: str, query: dict[str, Any], page_rows: int) -> None:
        self._core = core
        self._method = f"x.{table}"
        self._params: dict[str, Any] = {"query": query, "page_rows": page_rows}
        self._coming: Wait | None = None
        self._is_read = False

    def next(self) -> Plan[Batch | None]:
        """Return the next page, which may be empty; None after the last."""
        if self._is_read:
            return None
        answer = yield from self._answer()
        cursor = _cursor.decode(answer).cursor
        self._is_read = cursor is None
        if cursor is not None:
            self._params = {**self._params, "cursor": cursor}
            self._coming = self._core.ask_ahead(self._method, self._params)
        return _batch.decode(answer)

    def _answer(self) -> Plan[msgspec.Raw]:
        coming, self._coming = self._coming, None
        try:
            if coming is None:
                return (yield from self._core.request(self._method, self._params))
            answer: msgspec.Raw = yield coming
            return answer
        except (ServerBusy, BackendExited):
            if "cursor" not in self._params:
                raise
            # A cursor is no state of the child: another one goes on from it, in smaller steps.
            self._params = {**self._params, "page_rows": max(self._params["page_rows"] // 4, 1)}
            return (yield from self._core.request(self._method, self._params))


def _explained(error: RemoteError, backend: Backend) -> RemoteError:
    """Say what is wrong with a database that is a file of this machine; programs do not tell one from another."""
    if backend.host is not None or backend.db_path is None:
        return error
    from imsg_sdk.chatdb.examine import examine

    found = examine(backend.db_path)
    if found is None:
        return type(error)(f"{error.message}: {backend.db_path}", code=error.code, data=error.data, hint=error.hint)
    found.code, found.data = error.code, error.data
    return found


def _wait_for(connection: Connection, pending: Pending, timeout_s: float) -> Wait:
    return Wait(
        pending,
        timeout_s,
        expired=lambda: _expired(pending.method, timeout_s),
        forget=lambda: connection.forget(pending),
    )


def _expired(method: str, timeout_s: float) -> RequestTimeout:
    return RequestTimeout(
        f"{method} was not answered within {timeout_s:g} s",
        hint="ask for less, or raise read_timeout_s; a reading request may be repeated",
    )
