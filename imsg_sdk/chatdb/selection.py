"""From a query to the rows it means: an SQL condition, and explicit rowids where SQL alone cannot say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from imsg_sdk._time import APPLE_EPOCH_S
from imsg_sdk.chatdb.directory import Directory
from imsg_sdk.chatdb.index import Index
from imsg_sdk.chatdb.message_sql import MessageSql
from imsg_sdk.chatdb.previews import URL_BALLOON
from imsg_sdk.chatdb.query import INCLUDES, Query
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.errors import InvalidParams

__all__ = ["Selection"]

_EPOCH_US: Final = APPLE_EPOCH_S * 1_000_000
_NS_FROM: Final = 10**12
_MAX_INT: Final = 2**63 - 1
_NOTHING: Final = "0"


class Selection:
    """The messages a query means, `limit` aside.

    Attributes
    ----------
    where
        Condition on ``message m``.
    rowids
        The only rows to look at, ascending; None for all.
    places
        Maps that say which chats a message is in.
    keep
        Tells which rowids are in any of them; None where orphans are asked for too.
    accept
        Looks at the text, where the query asks for one and the rows are still to be found.
    """

    def __init__(
        self,
        schema: Schema,
        sql: MessageSql,
        directory: Directory,
        index: Index,
        query: Query,
        *,
        whatever_they_are: bool = False,
    ) -> None:
        unknown = sorted(set(query.include) - INCLUDES)
        if unknown:
            raise InvalidParams(f"unknown include: {unknown[0]}", hint=f"known are {', '.join(sorted(INCLUDES))}")
        self.query = query
        self.rowids: list[int] | None = None if query.rowids is None else sorted(set(query.rowids))
        linked, deleted = index.places.linked, index.places.deleted
        self.places: list[Mapping[int, int]] = [linked]
        self.keep: Callable[[int], bool] | None = linked.__contains__
        if "deleted" in query.include and deleted:
            self.places.append(deleted)
        if "orphaned" in query.include:
            self.keep = None
        elif len(self.places) > 1:
            self.keep = (linked.keys() | deleted.keys()).__contains__
        # Naming the rows that do not count takes time that grows with the history.
        visible = () if whatever_they_are else _visible(sql, index, query)
        conditions = [*visible, *_asked(schema, sql, directory, query)]
        self.where = " AND ".join(f"({condition})" for condition in conditions) or "1"
        self.accept: Callable[[str], bool] | None = _contains(query.text) if query.text else None


def _visible(sql: MessageSql, index: Index, query: Query) -> Iterator[str]:
    """Yield what keeps rows out that are no messages to a reader."""
    if "reactions" not in query.include:
        yield f"NOT {sql.is_tapback}"
    if index.folded:
        folded = ",".join(map(str, index.folded))
        yield f"m.balloon_bundle_id IS NOT '{URL_BALLOON}' OR m.ROWID NOT IN ({folded})"
    if "orphaned" in query.include and "deleted" not in query.include and index.places.deleted:
        yield f"m.ROWID NOT IN ({','.join(map(str, index.places.deleted))})"


def _asked(schema: Schema, sql: MessageSql, directory: Directory, query: Query) -> Iterator[str]:
    if query.chat_ids is not None:
        yield _in_chats(schema, [chat for chat in query.chat_ids if chat in directory.chats], query)
    if query.since_us is not None or query.until_us is not None:
        yield _between(query.since_us, query.until_us)
    if query.participants is not None:
        handles = ",".join(map(str, directory.handle_rowids(query.participants)))
        has_handles = schema.has("message", "handle_id")
        yield f"NOT {sql.is_mine} AND m.handle_id IN ({handles})" if has_handles else _NOTHING
    if query.from_me is not None:
        yield sql.is_mine if query.from_me else f"NOT ({sql.is_mine})"
    if query.after_rowid is not None:
        yield f"m.ROWID > {query.after_rowid:d}"


def _in_chats(schema: Schema, chats: list[int], query: Query) -> str:
    tables = ["chat_message_join"]
    if "deleted" in query.include:
        tables.append("chat_recoverable_message_join")
    listed = ",".join(map(str, chats))
    conditions = [
        f"m.ROWID IN (SELECT message_id FROM {table} WHERE chat_id IN ({listed}))"
        for table in tables
        if schema.has(table, "chat_id", "message_id")
    ]
    return " OR ".join(conditions) or _NOTHING


def _between(since_us: int | None, until_us: int | None) -> str:
    """Return the condition on the stored date, in each of the units a row may have.

    The plus sign keeps SQLite from walking the index on dates: rows are wanted by rowid, and one scan is
    cheaper than as many jumps.
    """
    since = -_MAX_INT if since_us is None else since_us - _EPOCH_US
    until = _MAX_INT if until_us is None else until_us - _EPOCH_US
    lowest, highest = max(since * 1000, -_MAX_INT), min(until * 1000 - 1, _MAX_INT)
    ranges = [
        (max(lowest, _NS_FROM), highest),
        (max(-(-since // 1_000_000), 1 - _NS_FROM), min(-(-until // 1_000_000) - 1, -1)),
        (max(-(-since // 1_000_000), 1), min(-(-until // 1_000_000) - 1, _NS_FROM - 1)),
        (lowest, min(highest, -_NS_FROM)),
    ]
    conditions = [f"+m.date BETWEEN {low} AND {high}" for low, high in ranges if low <= high]
    return " OR ".join(conditions) or _NOTHING


def _contains(text: str) -> Callable[[str], bool]:
    needle = text.casefold()
    return lambda words: needle in words.casefold()
