"""Looking for a message of our own in the history: read-only, bounded, and each row is found by one send only.

A row counts as ours if it is newer than what the chat held before, written by the owner, and has the text, the
file or the id that was sent.  What cannot be read is not found; nothing here fails a send.
"""

from __future__ import annotations

import collections
import logging
import re
import threading
import time
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from imsg_sdk.client import records
from imsg_sdk.client.core import Core
from imsg_sdk.client.plan import Pause, Plan
from imsg_sdk.client.whom import is_taken_for_one, reachable
from imsg_sdk.errors import ImsgError, UsageError
from imsg_sdk.models import Chat, Message
from imsg_sdk.text import trim

__all__ = ["Claims", "Place", "Places", "Wanted", "chat_of", "look", "look_once", "places_of"]

log = logging.getLogger("imsg_sdk.client.looking")

_PAGE_ROWS = 100
_MOST_PAGES = 20
_LATEST_ROWS = 100
_LATEST_SLOW_ROWS = 20
_PATIENCE_S = 10.0
"""Longest wait for one look; a history that does not answer must not hold up a send."""
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.5
_CLAIMS_KEPT = 8192

_LINE_END = re.compile(r"\r\n?")
_DAMAGE = "\0\ufeff\ufffd\ufffe\uffff"
"""What decoders of old programs put in front of a text."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a row must have to be the one that was sent.  An id alone is enough; without one, all of the rest."""

    text: str | None = None
    file_name: str | None = None
    guid: str | None = None
    rowid: int | None = None

    def __repr__(self) -> str:
        return "<Wanted>"

    def fits(self, row: Message) -> bool:
        """Tell whether `row` is it."""
        if not row.is_from_me or row.is_reaction:
            return False
        if self.rowid is not None:
            return row.rowid == self.rowid
        if self.guid is not None:
            return (row.guid or "").casefold() == self.guid.casefold()
        if self.text is not None and text_key(row.text or "") != text_key(self.text):
            return False
        return self.file_name is None or self.file_name in _file_names(row)


def _file_names(row: Message) -> Iterable[str]:
    for each in row.attachments:
        yield each.transfer_name or ""
        yield (each.filename or "").rpartition("/")[2]


def text_key(text: str) -> str:
    """Return a text as it is compared: one kind of line end, trimmed, without slots of files and damage."""
    return trim(trim(_LINE_END.sub("\n", text.replace("\ufffc", ""))).lstrip(_DAMAGE))


class Place(msgspec.Struct, frozen=True):
    """A chat to look in, and the newest row that it held before."""

    chat_id: int
    before: int
    guid: str | None = None
    """The guid of the chat, where a row of it told."""
    is_taken_for_one: bool = False
    """Whether AppleScript would write to one of several people."""


class Places(msgspec.Struct, frozen=True):
    """Where a send can be seen; ``named`` finds a chat that was not there before."""

    known: tuple[Place, ...] = ()
    named: dict[str, Any] = {}
    can_look: bool = True

    def __repr__(self) -> str:
        return f"<Places, {len(self.known)} chats>"


class Claims:
    """Rows that belong to sends that are settled, so that no two sends take the same one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: collections.OrderedDict[int, None] = collections.OrderedDict()

    def take(self, rowid: int) -> bool:
        """Take a row; False if another send has it."""
        with self._lock:
            if rowid in self._taken:
                return False
            self._taken[rowid] = None
            if len(self._taken) > _CLAIMS_KEPT:
                self._taken.popitem(last=False)
            return True

    def __contains__(self, rowid: int) -> bool:
        return rowid in self._taken


def places_of(core: Core, params: dict[str, Any], *, region: str) -> Plan[Places]:
    """Return where what is sent with `params` will be seen; a program that cannot be read gives no place."""
    try:
        if (chat_id := params.get("chat_id")) is not None:
            return Places(((yield from _place(core, chat_id)),))
        named = {key: params[key] for key in ("to", "chat_guid", "chat_identifier") if params.get(key)}
        known = []
        for chat in _named((yield from core.chats()), named, region):
            known.append((yield from _place(core, chat.chat_id)))  # noqa: PERF401 - a yield
        return Places(tuple(known), named)
    except UsageError:
        raise
    except ImsgError as error:
        log.info("the history cannot be looked into before a send: %s", type(error).__name__)
        return Places(can_look=False)


def _named(chats: Iterable[Chat], named: dict[str, Any], region: str) -> list[Chat]:
    """Return the chats that a target of the wire is about, chat ids aside."""
    if "to" in named:
        return reachable(named["to"], chats, region=region)
    guid, identifier = named.get("chat_guid"), named.get("chat_identifier")
    return [chat for chat in chats if guid in (chat.guid, None) and identifier in (chat.identifier, None)]


def _place(core: Core, chat_id: int) -> Plan[Place]:
    rows = yield from _latest(core, chat_id)
    own = [row for row in rows if row.chat_id == chat_id]
    guid = next((row.chat_guid for row in own if row.chat_guid), None)
    for_one = any(is_taken_for_one(row.chat_identifier, row.participants, is_group=bool(row.is_group)) for row in own)
    place = Place(chat_id, max((row.rowid for row in rows), default=0), guid, for_one)
    session = yield from core.session()
    if session.profile.has("messages.after"):
        # The newest by date need not be the newest row: old messages come late, from another device.
        newer = yield from _newer(core, place, files=False)
        place = Place(chat_id, max((row.rowid for row in newer), default=place.before), guid, for_one)
    return place


def _latest(core: Core, chat_id: int, *, files: bool = False) -> Plan[list[Message]]:
    """Return the newest messages of a chat, by date; as many before a send as after it."""
    session = yield from core.session()
    answer = yield from core.ask(
        "messages.history",
        chat_id=chat_id,
        limit=_LATEST_ROWS if session.profile.has_fast_history else _LATEST_SLOW_ROWS,
        attachments=True if files else None,
        timeout_s=min(core.read_timeout_s, _PATIENCE_S),
    )
    return records.decode_messages(answer, attachments=files, reactions=False)


def look(
    core: Core,
    places: Places,
    wanted: Wanted,
    claims: Claims,
    *,
    for_s: float,
    region: str,
    claimed: Collection[str] = (),
) -> Plan[Message | None]:
    """Look for our row until it is there, at most `for_s`; the row is claimed."""
    deadline = time.monotonic() + for_s
    pause = _FIRST_PAUSE_S
    while True:
        found = yield from look_once(core, places, wanted, claims, region=region, claimed=claimed)
        left = deadline - time.monotonic()
        if found is not None or left <= 0 or not places.can_look:
            return found
        yield Pause(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE_S)


def look_once(
    core: Core, places: Places, wanted: Wanted, claims: Claims, *, region: str, claimed: Collection[str] = ()
) -> Plan[Message | None]:
    """Look for our row once; the row is claimed."""
    try:
        for place in (yield from _all_places(core, places, region)):
            for row in (yield from _newer(core, place, files=wanted.file_name is not None)):
                if wanted.fits(row) and (row.guid or "") not in claimed and claims.take(row.rowid):
                    return row
    except ImsgError as error:
        log.info("the history cannot be looked into after a send: %s", type(error).__name__)
    return None


def _all_places(core: Core, places: Places, region: str) -> Plan[list[Place]]:
    if not places.named:
        return list(places.known)
    known = {place.chat_id: place for place in places.known}
    chats = yield from core.chats()
    # A chat that was not there before holds nothing older than the send.
    return [known.get(chat.chat_id) or Place(chat.chat_id, 0) for chat in _named(chats, places.named, region)]


def chat_of(core: Core, places: Places, guid: str | None, *, region: str) -> Plan[int | None]:
    """Return the one chat that a send went into, None where it cannot be told."""
    try:
        found = yield from _all_places(core, places, region)
        if len(found) > 1 and guid is not None:
            found = [Place(chat.chat_id, 0) for chat in (yield from core.chats()) if chat.guid == guid]
    except ImsgError as error:
        log.info("the chat of a send cannot be looked up: %s", type(error).__name__)
        return None
    return found[0].chat_id if len(found) == 1 else None


def _newer(core: Core, place: Place, *, files: bool) -> Plan[list[Message]]:
    """Return the rows of a chat that came since, oldest first."""
    session = yield from core.session()
    if not session.profile.has("messages.after"):
        rows = yield from _latest(core, place.chat_id, files=files)
        return sorted((row for row in rows if row.rowid > place.before), key=lambda row: row.rowid)
    found: list[Message] = []
    since = place.before
    for _ in range(_MOST_PAGES):
        # With a chat, no page can meet the message of two chats that ends the program.
        answer = yield from core.ask(
            "messages.after",
            since_rowid=since,
            chat_id=place.chat_id,
            limit=_PAGE_ROWS,
            attachments=True if files else None,
            timeout_s=min(core.read_timeout_s, _PATIENCE_S),
        )
        rows, next_rowid, has_more = records.decode_page(answer, attachments=files, reactions=False)
        found += rows
        if not has_more or next_rowid <= since:
            break
        since = next_rowid
    return found
