"""Whole histories out of a real program, which has no cursor for that.  Plans, as in :mod:`core`.

How, by what the programs were measured to do: from 0.13.2 on, ``messages.history`` chat by chat in pages
bounded by ``end``; before that, the command ``history --json``, because history over RPC reads the whole
table once per message there.  One request at a time: the programs read through one connection.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from imsg_sdk.client import records
from imsg_sdk.client.core import Core, Progress
from imsg_sdk.client.filters import Filter
from imsg_sdk.client.plan import Plan, Wait
from imsg_sdk.errors import BackendExited, DatabaseUnavailable, NotFound, RequestTimeout, Unsupported
from imsg_sdk.models import Chat, Message
from imsg_sdk.rpc.commands import Lines
from imsg_sdk.rpc.faults import redact, remote_error
from imsg_sdk.rpc.profiles import MAX_SEARCH_ROWS, Profile, clamp_iso
from imsg_sdk.rpc.protocol import INTERNAL_ERROR, ErrorBody

__all__ = ["age", "find_message", "joined", "merge", "read_chat", "read_chats", "search"]

log = logging.getLogger("imsg_sdk.client.reading")

PAGE_ROWS = 4000
_LARGEST_PAGE_ROWS = 1_000_000
_MILLISECOND = timedelta(milliseconds=1)
_EVERYTHING = 1_000_000_000


def read_chats(
    core: Core,
    chats: Sequence[Chat] | None,
    wanted: Filter,
    *,
    attachments: bool = False,
    progress: Progress | None = None,
) -> Plan[list[Message]]:
    """Return the messages of several chats, or of all of them, oldest first, each once.

    With a limit, chats are read from the most recent on, and only as far as a newer message can still come.
    """
    if wanted.include:
        raise Unsupported(
            "this program cannot show rows it leaves out",
            hint="read the file with IMessageClient.from_chat_db(path) or read_chat_db(path)",
        )
    if chats is None:
        chats = yield from core.chats()
    found: dict[int, Message] = {}
    total = 0
    for chat in sorted(chats, key=_undated_then_last):
        if _is_older(chat, wanted.since):
            continue
        if _is_enough(found, wanted.limit, chat):
            break
        messages = yield from read_chat(
            core,
            chat.chat_id,
            wanted,
            attachments=attachments,
            tick=None if progress is None else _shifted(progress, total),
        )
        merge(found, messages)
        total += len(messages)
    ordered = sorted(found.values(), key=age)
    return ordered if wanted.limit is None else ordered[-wanted.limit :]


def read_chat(
    core: Core,
    chat_id: int,
    wanted: Filter,
    *,
    attachments: bool = False,
    tick: Callable[[int], object] | None = None,
) -> Plan[list[Message]]:
    """Return the newest messages of one chat that are wanted, newest first."""
    session = yield from core.session()
    reader = _Reader(core, chat_id, wanted, attachments, tick)
    if session.profile.has_fast_history:
        yield from reader.by_pages()
    else:
        yield from reader.by_command(session.profile)
    return list(reader.found.values())


def merge(found: dict[int, Message], messages: Sequence[Message]) -> None:
    """Add messages by row; one that is in several chats belongs to the lowest and lists them all."""
    for message in messages:
        other = found.get(message.rowid)
        if other is not None and message.chat_ids != other.chat_ids:
            message = joined(other, message)
        found[message.rowid] = message


def joined(one: Message, other: Message) -> Message:
    """Return one message for two copies: it belongs to the lowest chat and lists all."""
    chat_ids = tuple(sorted({*one.chat_ids, *other.chat_ids}))
    lower = other if (other.chat_id or 0) < (one.chat_id or 0) else one
    return msgspec.structs.replace(lower, chat_ids=chat_ids)


class _Reader:
    """The messages of one chat, as they come."""

    def __init__(
        self, core: Core, chat_id: int, wanted: Filter, attachments: bool, tick: Callable[[int], object] | None
    ) -> None:
        self.found: dict[int, Message] = {}
        self._core = core
        self._chat_id = chat_id
        self._wanted = wanted
        self._attachments = attachments
        self._tick = tick
        self._seen: set[int] = set()
        self._until = wanted.until
        self._participants = None if wanted.participants is None else list(wanted.participants)

    def by_pages(self) -> Plan[None]:
        """Read with ``messages.history``, each page ending where the one before began, plus a millisecond.

        The overlap is needed because dates travel in milliseconds; a page of rows of one and the same
        millisecond, or of rows without a date, is asked for again, twice as long.
        """
        rows = self._first_page()
        while not self._is_full():
            page, rows = yield from self._page(rows)
            n_new = self._take(page)
            if len(page) < rows:
                return
            oldest = min((message.created_at for message in page if message.created_at), default=None)
            until = self._until if oldest is None else oldest + _MILLISECOND
            if n_new == 0 or until is None or (self._until is not None and until >= self._until):
                if rows >= _LARGEST_PAGE_ROWS:
                    return
                rows *= 2
            else:
                self._until = until

    def _first_page(self) -> int:
        limit = self._wanted.limit
        if limit is None:
            return PAGE_ROWS
        # Where we filter ourselves, a page of just `limit` rows would hold too few of them.
        return min(PAGE_ROWS, max(4 * limit, 200) if self._wanted.needs_check else limit)

    def _page(self, rows: int) -> Plan[tuple[list[Message], int]]:
        """Ask for a page; one that ends the program is asked for again with a quarter of the rows."""
        while True:
            try:
                answer = yield from self._core.ask(
                    "messages.history",
                    chat_id=self._chat_id,
                    limit=rows,
                    participants=self._participants,
                    start=self._wanted.start,
                    end=_rounded_up(self._until),
                    attachments=True if self._attachments else None,
                )
            except BackendExited:
                if rows == 1:
                    raise
                rows = max(rows // 4, 1)
                log.warning("reading on in pages of %d rows", rows)
            else:
                return records.decode_messages(answer, attachments=self._attachments), rows

    def by_command(self, profile: Profile) -> Plan[None]:
        """Read with the command ``history --json``, which reads in one pass where RPC did not yet."""
        arguments = ["--chat-id", str(self._chat_id), "--limit", str(self._rows_of_command()), "--json"]
        if self._wanted.start is not None:
            arguments += ["--start", self._wanted.start]
        if (end := _rounded_up(self._until)) is not None:
            arguments += ["--end", end]
        yield from run_rows(
            self._core,
            "history",
            arguments,
            lambda line: records.decode_message_line(line, attachments=self._attachments),
            lambda page: self._take(page) >= 0 and not self._is_full(),
        )

    def _rows_of_command(self) -> int:
        limit = self._wanted.limit
        return _EVERYTHING if limit is None or self._wanted.needs_check else limit

    def _take(self, page: Sequence[Message]) -> int:
        """Keep what is wanted of a page; returns how many rows of it were new."""
        before = len(self._seen)
        for message in page:
            if message.rowid not in self._seen:
                self._seen.add(message.rowid)
                if self._wanted.accepts(message) and not self._is_full():
                    self.found[message.rowid] = message
        if self._tick is not None:
            self._tick(len(self._seen))
        return len(self._seen) - before

    def _is_full(self) -> bool:
        return self._wanted.limit is not None and len(self.found) >= self._wanted.limit


Decode = Callable[[bytes], Message]


def run_rows(
    core: Core, command: str, arguments: list[str], decode: Decode, take: Callable[[list[Message]], bool]
) -> Plan[None]:
    """Run a command that prints a message a line, until it ends or `take` wants no more."""
    backend = core.pool.backend
    lines = Lines(backend.argv(command, *arguments), env=backend.env, max_line_bytes=core.pool.limits.max_line_bytes)
    core.pool.adopt(lines)
    plain: list[str] = []
    try:
        while piece := (yield _next_lines(core, lines, command)):
            rows = [line for line in piece if line.startswith(b"{")]
            plain += [line.decode("utf-8", "replace") for line in piece if not line.startswith(b"{")]
            if not take([decode(line) for line in rows]):
                return
    finally:
        lines.close()
    core.pool.check()
    if lines.ending is not None and lines.ending.returncode != 0:
        raise _command_error(command, "\n".join(plain), lines)


def _next_lines(core: Core, lines: Lines, command: str) -> Wait:
    timeout_s = core.read_timeout_s
    return Wait(
        lines.take(),
        timeout_s,
        expired=lambda: RequestTimeout(
            f"`imsg {command}` printed nothing for {timeout_s:g} s", hint="ask for less, or raise read_timeout_s"
        ),
        forget=lines.close,
    )


def _command_error(command: str, text: str, lines: Lines) -> Exception:
    error = remote_error(f"the command {command}", ErrorBody(INTERNAL_ERROR, "it failed", text))
    if isinstance(error, DatabaseUnavailable):
        return error
    assert lines.ending is not None
    return BackendExited(
        f"`imsg {command}` ended with exit status {lines.ending.returncode}",
        returncode=lines.ending.returncode,
        stderr_tail=redact(f"{text}\n{lines.ending.stderr_tail}".strip()),
        hint="stderr_tail of this error holds what it printed; doctor() checks the program step by step",
    )


def search(core: Core, text: str, *, exact: bool = False, limit: int | None = 50) -> Plan[list[Message]]:
    """Return messages that hold a text, newest first, as the program itself searches.

    It also finds rows that are in no chat; they are left out here as they are everywhere, so that more rows
    than wanted may have to be asked for.
    """
    session = yield from core.session()
    match = "exact" if exact else "contains"
    if session.profile.has("messages.search") and limit is not None and limit <= MAX_SEARCH_ROWS:
        answer = yield from core.ask("messages.search", query=text, match=match, limit=MAX_SEARCH_ROWS)
        page = records.decode_messages(answer, reactions=False)
        found = _linked(page)
        if len(page) < MAX_SEARCH_ROWS or len(found) >= limit:
            return found[:limit]
    if session.profile.version is not None and session.profile.version < (0, 7, 0):
        raise Unsupported("this program cannot search", hint="search came with imsg 0.7.0: update")
    rows = _EVERYTHING if limit is None else limit + MAX_SEARCH_ROWS
    while True:
        page = yield from _search_command(core, text, match, rows)
        found = _linked(page)
        if limit is None or len(found) >= limit or len(page) < rows:
            return found[:limit]
        rows *= 4


def _search_command(core: Core, text: str, match: str, rows: int) -> Plan[list[Message]]:
    page: list[Message] = []

    def decode(line: bytes) -> Message:
        return records.decode_message_line(line, attachments=False, reactions=False)

    def take(piece: list[Message]) -> bool:
        page.extend(piece)
        return True

    arguments = ["--query", text, "--match", match, "--limit", str(rows), "--json"]
    yield from run_rows(core, "search", arguments, decode, take)
    return page


def _linked(page: list[Message]) -> list[Message]:
    """Return each message that is in a chat once."""
    found: dict[int, Message] = {}
    merge(found, [message for message in page if message.chat_id is not None])
    return list(found.values())


def find_message(core: Core, guid: str) -> Plan[Message]:
    """Return the message of a guid, by reading chat after chat until it is there."""
    chats = yield from core.chats()
    for chat in chats:
        reader = _Search(core, chat.chat_id, guid)
        session = yield from core.session()
        yield from reader.by_pages() if session.profile.has_fast_history else reader.by_command(session.profile)
        if reader.found:
            return next(iter(reader.found.values()))
    raise NotFound("no message has this guid", hint="a guid is compared letter by letter; messages() lists them")


class _Search(_Reader):
    """A reader that is full once it has seen one guid."""

    def __init__(self, core: Core, chat_id: int, guid: str) -> None:
        super().__init__(core, chat_id, Filter(), True, None)
        self._guid = guid

    def _take(self, page: Sequence[Message]) -> int:
        n_new = super()._take(page)
        self.found = {rowid: message for rowid, message in self.found.items() if message.guid == self._guid}
        return n_new

    def _is_full(self) -> bool:
        return any(message.guid == self._guid for message in self.found.values())


def _rounded_up(until: datetime | None) -> str | None:
    """Return an exclusive bound in milliseconds that leaves nothing before it out."""
    if until is None:
        return None
    below = until.microsecond % 1000
    return clamp_iso(until + timedelta(microseconds=1000 - below) if below else until)


def _undated_then_last(chat: Chat) -> tuple[bool, float, int]:
    """Sort key: chats of which no date is known first, since they may hold anything, then the most recent."""
    last = chat.last_message_at
    return last is not None, -last.timestamp() if last else 0.0, chat.chat_id


def age(message: Message) -> tuple[bool, float, int]:
    """Sort key: undated rows first, then by date and row, which is the order of frames."""
    created = message.created_at
    return created is not None, created.timestamp() if created else 0.0, message.rowid


def _is_older(chat: Chat, since: datetime | None) -> bool:
    """Tell whether all messages of a chat lie before `since`; its date travels rounded to a millisecond."""
    last = chat.last_message_at
    return since is not None and last is not None and last + _MILLISECOND < since


def _is_enough(found: dict[int, Message], limit: int | None, chat: Chat) -> bool:
    """Tell whether no message of `chat`, or of a chat less recent, can be among the newest any more."""
    if limit is None or len(found) < limit or chat.last_message_at is None:
        return False
    dates = sorted((message.created_at for message in found.values() if message.created_at), reverse=True)
    if len(dates) < limit:
        return False
    return chat.last_message_at + _MILLISECOND < dates[limit - 1]


def _shifted(progress: Progress, before: int) -> Callable[[int], object]:
    return lambda done: progress(before + done, None)
