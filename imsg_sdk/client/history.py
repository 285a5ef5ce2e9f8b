"""Messages with their children, from whichever kind of program: columns of our server, or its wire objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from imsg_sdk.arguments import INCLUDES, checked_text
from imsg_sdk.client.core import Core, Pages, Progress
from imsg_sdk.client.filters import Filter
from imsg_sdk.client.plan import Pause, Plan
from imsg_sdk.client.reading import age, find_message, read_chats, search
from imsg_sdk.client.records import column_reader
from imsg_sdk.client.targets import Targets
from imsg_sdk.columns import ATTACHMENTS, CHATS, EDITS, MESSAGES, PARTICIPANTS, REACTIONS, Batch, Packed, Table
from imsg_sdk.errors import NotFound, Unsupported
from imsg_sdk.models import Attachment, Chat, Edit, Message, Participant, Reaction

__all__ = [
    "Pieces",
    "children",
    "chosen",
    "list_chats",
    "list_edits",
    "list_participants",
    "message",
    "messages",
    "participants_of",
    "records_of",
    "search_messages",
]

_FEW = 5000
_PIECE_ROWS = _FEW
"""Few enough to ask for their children by row, and to make records of them between two turns of an event loop."""
_CLASSES: dict[str, Callable[..., Any]] = {
    "messages": Message,
    "reactions": Reaction,
    "attachments": Attachment,
    "chats": Chat,
    "participants": Participant,
    "edits": Edit,
}
_TABLES = {table.name: table for table in (MESSAGES, REACTIONS, ATTACHMENTS, CHATS, PARTICIPANTS, EDITS)}


def messages(
    core: Core, targets: Targets, wanted: Filter, *, attachments: bool = False, progress: Progress | None = None
) -> Plan[list[Message]]:
    """Return messages with their tapbacks, and attachments if asked for, oldest first."""
    session = yield from core.session()
    chats, wanted = yield from chosen(core, targets, wanted)
    if not session.profile.extended:
        return (yield from read_chats(core, chats, wanted, attachments=attachments, progress=progress))
    query = wanted.query(chats)
    return (yield from _joined(core, query, attachments=attachments, progress=progress))


def chosen(core: Core, targets: Targets, wanted: Filter) -> Plan[tuple[list[Chat] | None, Filter]]:
    """Return the chats that are meant, None for all, and the filter with handles as the program spells them.

    Raises
    ------
    AddressError
        A target names no chat or several, or one of the participants nobody.
    """
    chats = yield from core.chats_of(targets)
    if wanted.participants is not None:
        people = yield from core.people(wanted.participants)
        wanted = msgspec.structs.replace(wanted, participants=people)
    return chats, wanted


class Pieces:
    """Messages piece by piece, so that a history of any size passes through little memory.

    Our own server gives pages in the order of rows, any other program chat after chat.  With a limit there
    is one piece: what :func:`messages` returns.
    """

    def __init__(self, core: Core, targets: Targets, wanted: Filter, *, attachments: bool) -> None:
        self._core = core
        self._targets = targets
        self._wanted = wanted
        self._attachments = attachments
        self._next: Callable[[], Plan[list[Message] | None]] = self._first
        self._chats: Iterator[Chat] = iter(())
        self._pages: Pages | None = None
        self._seen: set[int] = set()

    def next(self) -> Plan[list[Message] | None]:
        """Return the next messages, perhaps none; None at the end."""
        return (yield from self._next())

    def _first(self) -> Plan[list[Message] | None]:
        if self._wanted.limit is not None:
            self._next = _nothing
            return (yield from messages(self._core, self._targets, self._wanted, attachments=self._attachments))
        session = yield from self._core.session()
        chats, self._wanted = yield from chosen(self._core, self._targets, self._wanted)
        if session.profile.extended:
            self._pages = Pages(self._core, MESSAGES.name, self._wanted.query(chats), _PIECE_ROWS)
            self._next = self._page
        else:
            self._chats = iter((yield from self._core.chats()) if chats is None else chats)
            self._next = self._chat
        return (yield from self._next())

    def _page(self) -> Plan[list[Message] | None]:
        assert self._pages is not None
        batch = yield from self._pages.next()
        if batch is None:
            return None
        return (yield from _with_children(self._core, [_rows(batch)], {}, attachments=self._attachments))

    def _chat(self) -> Plan[list[Message] | None]:
        chat = next(self._chats, None)
        if chat is None:
            return None
        found = yield from read_chats(self._core, [chat], self._wanted, attachments=self._attachments)
        new = [each for each in found if each.rowid not in self._seen]
        self._seen.update(each.rowid for each in new)
        return new


def _nothing() -> Plan[None]:
    yield from ()


def _joined(
    core: Core,
    query: dict[str, Any],
    *,
    reactions: bool = True,
    attachments: bool = False,
    progress: Progress | None = None,
) -> Plan[list[Message]]:
    """Read messages with their children, oldest first."""
    pages: list[list[dict[str, Any]]] = []
    yield from core.pages(
        MESSAGES.name, query, lambda batch: pages.append(_rows(batch)), progress, page_rows=_PIECE_ROWS
    )
    found = yield from _with_children(core, pages, query, reactions=reactions, attachments=attachments)
    found.sort(key=age)
    return found


def _with_children(
    core: Core,
    pages: list[list[dict[str, Any]]],
    query: dict[str, Any],
    *,
    reactions: bool = True,
    attachments: bool = False,
) -> Plan[list[Message]]:
    """Hang on messages the children that their numbers announce; `query` is what found them."""
    wanted = [(REACTIONS, "n_reactions", reactions), (ATTACHMENTS, "n_attachments", attachments)]
    for table, count, is_wanted in wanted:
        parents = {values["rowid"]: values for page in pages for values in page if is_wanted and values.get(count)}
        if parents:
            found = yield from _by_message(core, table, _narrowed(query, list(parents)))
            for rowid in parents.keys() & found.keys():
                parents[rowid][table.name] = tuple(found[rowid])
    messages: list[Message] = []
    for page in pages:
        messages += [Message(**values) for values in page]
        yield Pause(0)  # an event loop has other things to do
    return messages


def _narrowed(query: dict[str, Any], rowids: list[int]) -> dict[str, Any]:
    """Return a query for the children of a few messages by row, of many by the query that found them."""
    return query if len(rowids) > _FEW else {"rowids": rowids, "include": list(INCLUDES)}


def _by_message(core: Core, table: Table, query: dict[str, Any]) -> Plan[dict[int, list[Any]]]:
    grouped: defaultdict[int, list[Any]] = defaultdict(list)

    def take(batch: Batch) -> None:
        for record in records_of(batch):
            grouped[record.message_rowid].append(record)

    yield from core.pages(table.name, query, take)
    return grouped


def children(table: Table, found: Iterable[Message]) -> Iterator[Any]:
    """Yield the records of a table that messages carry, or the messages themselves."""
    if table is MESSAGES:
        yield from found
        return
    for each in found:
        yield from each.reactions if table is REACTIONS else each.attachments


def list_chats(core: Core, *, limit: int | None, unread_only: bool) -> Plan[list[Chat]]:
    """Return chats with every column the program can fill, most recent first."""
    session = yield from core.session()
    if not session.profile.extended:
        return (yield from core.chats(limit=limit, unread_only=unread_only))
    found: list[Chat] = []
    query = {} if limit is None or unread_only else {"limit": limit}
    yield from core.pages(CHATS.name, query, lambda batch: found.extend(records_of(batch)))
    found.sort(key=lambda chat: (chat.last_message_at is None, _negative(chat), -chat.chat_id))
    if unread_only:
        found = [chat for chat in found if chat.unread_count]
    return found if limit is None else found[:limit]


def _negative(chat: Chat) -> float:
    return -chat.last_message_at.timestamp() if chat.last_message_at else 0.0


def list_participants(core: Core, targets: Targets) -> Plan[list[Participant]]:
    """Return who is in which chat."""
    session = yield from core.session()
    chats = yield from core.chats_of(targets)
    if session.profile.extended:
        query = {} if chats is None else {"chat_ids": [chat.chat_id for chat in chats]}
        found: list[Participant] = []
        yield from core.pages(PARTICIPANTS.name, query, lambda batch: found.extend(records_of(batch)))
        return found
    if chats is None:
        chats = yield from core.chats()
    return list(participants_of(chats))


def participants_of(chats: Iterable[Chat]) -> Iterator[Participant]:
    """Yield one record per person and chat, of what a chat says of its people."""
    for chat in chats:
        for handle in chat.participants:
            yield Participant(chat_id=chat.chat_id, handle=handle, chat_name=chat.name, is_group=chat.is_group)


def list_edits(core: Core, targets: Targets, wanted: Filter, *, progress: Progress | None = None) -> Plan[list[Edit]]:
    """Return the versions of edited messages; only our own server knows them."""
    yield from require_extended(core, "edits")
    chats, wanted = yield from chosen(core, targets, wanted)
    found: list[Edit] = []
    yield from core.pages(EDITS.name, wanted.query(chats), lambda batch: found.extend(records_of(batch)), progress)
    return found


def require_extended(core: Core, what: str) -> Plan[None]:
    """Raise where the program does not report `what`.

    Raises
    ------
    Unsupported
        It is not our own server.
    """
    session = yield from core.session()
    if not session.profile.extended:
        raise Unsupported(
            f"imsg does not report {what}",
            hint="read the file with IMessageClient.from_chat_db(path) or imsg_sdk.read_chat_db(path)",
        )


def message(core: Core, guid: str) -> Plan[Message]:
    """Return the message of a guid, with tapbacks and attachments."""
    checked_text(guid, "guid")
    session = yield from core.session()
    if not session.profile.extended:
        return (yield from find_message(core, guid))
    found = yield from _joined(core, {"guids": [guid], "include": list(INCLUDES)}, attachments=True)
    if not found:
        raise NotFound("no message has this guid", hint="a guid is compared letter by letter; messages() lists them")
    return found[0]


def search_messages(
    core: Core, text: str, *, exact: bool = False, limit: int | None = 50, reactions: bool = True
) -> Plan[list[Message]]:
    """Return the newest messages that hold a text, oldest first; `reactions` hangs tapbacks on them."""
    checked_text(text, "text")
    session = yield from core.session()
    if not session.profile.extended:
        found = yield from search(core, text, exact=exact, limit=limit)
        return sorted(found, key=age)
    wanted = Filter(text=text, limit=None if exact else limit)
    found = yield from _joined(core, wanted.query(None), reactions=reactions)
    if exact:
        folded = text.strip().casefold()
        found = [each for each in found if (each.text or "").strip().casefold() == folded]
    return found if limit is None else found[-limit:]


# ---- batches to records -------------------------------------------------------------------------------------------


def records_of(batch: Batch) -> list[Any]:
    """Return the rows of a batch as records of its table."""
    kind = _CLASSES[batch.table]
    return [kind(**values) for values in _rows(batch)]


def _rows(batch: Batch) -> list[dict[str, Any]]:
    table = _TABLES[batch.table]
    names = [column.name for column in table.columns if column.name in batch.columns]
    columns = []
    for name in names:
        values, reader = _unpacked(batch, name), column_reader(table[name].kind)
        columns.append(values if reader is None else [reader(value) for value in values])
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _unpacked(batch: Batch, name: str) -> list[Any]:
    column = batch.columns[name]
    if not isinstance(column, Packed):
        return column
    values = column.values
    if column.codes is not None:
        return [None if code < 0 else values[code] for code in column.codes]
    if column.at is None:
        return [values[0]] * batch.rows
    spread = [column.default] * batch.rows
    for place, value in zip(column.at, values, strict=True):
        spread[place] = value
    return spread
