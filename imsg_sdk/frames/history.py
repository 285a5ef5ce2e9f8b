"""Read a ``chat.db`` file straight into frames, without a child process.

Works on any system, Windows too.  The file is opened read-only and read in one transaction, so the six
frames fit each other even while Messages goes on writing.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike, fsdecode
from pathlib import Path
from typing import Any, Final, SupportsIndex

import pandas as pd
from msgspec import structs

from imsg_sdk._time import to_us
from imsg_sdk.addressing import checked_region
from imsg_sdk.arguments import (
    INCLUDES,
    People,
    TimeLike,
    checked_flag,
    checked_include,
    checked_limit,
    checked_people,
    checked_rowids,
    checked_span,
    checked_text,
    find_people,
    nobody,
    refused,
    spellings,
)
from imsg_sdk.chatdb.packing import rows_of
from imsg_sdk.chatdb.query import Query
from imsg_sdk.chatdb.reader import ChatDb
from imsg_sdk.columns import TABLES, Batch
from imsg_sdk.errors import AddressError, UsageError
from imsg_sdk.frames.build import FrameBuilder

__all__ = ["History", "read_chat_db"]

_WORTH_ARROW_BYTES: Final = 32 * 2**20
"""Below this size importing the Arrow reader costs more than it saves."""


@dataclass(frozen=True, repr=False, eq=False)
class History:
    """What :func:`read_chat_db` found: one frame per table.

    Children join back on ``message_rowid`` (reactions, attachments, edits) and ``chat_id`` (participants).
    """

    frames: Mapping[str, pd.DataFrame]
    """The frames that were read, by the name of their table."""

    @property
    def messages(self) -> pd.DataFrame:
        """One row per message, oldest first; columns of :data:`imsg_sdk.frames.MESSAGES`."""
        return self._frame("messages")

    @property
    def reactions(self) -> pd.DataFrame:
        """One row per tapback that stands; columns of :data:`imsg_sdk.frames.REACTIONS`."""
        return self._frame("reactions")

    @property
    def attachments(self) -> pd.DataFrame:
        """One row per attachment of a message; columns of :data:`imsg_sdk.frames.ATTACHMENTS`."""
        return self._frame("attachments")

    @property
    def chats(self) -> pd.DataFrame:
        """One row per chat, most recent first; columns of :data:`imsg_sdk.frames.CHATS`."""
        return self._frame("chats")

    @property
    def participants(self) -> pd.DataFrame:
        """One row per person and chat; columns of :data:`imsg_sdk.frames.PARTICIPANTS`."""
        return self._frame("participants")

    @property
    def edits(self) -> pd.DataFrame:
        """One row per version of an edited part; columns of :data:`imsg_sdk.frames.EDITS`."""
        return self._frame("edits")

    def _frame(self, name: str) -> pd.DataFrame:
        try:
            return self.frames[name]
        except KeyError:
            raise UsageError(
                f"the table {name} was not read", hint=f"Ask for it: read_chat_db(path, tables=[..., {name!r}])."
            ) from None

    def __repr__(self) -> str:
        parts = ", ".join(f"{len(frame):,} {name}" for name, frame in self.frames.items())
        span = self._span()
        return f"<History: {parts}{f'; {span}' if span else ''}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td style='text-align:right'>{len(frame):,}</td>"
            f"<td style='text-align:left'>{html.escape(TABLES[name].row)}</td></tr>"
            for name, frame in self.frames.items()
        )
        return (
            f"<table><caption>History {html.escape(self._span())}</caption>"
            f"<thead><tr><th>table</th><th>rows</th><th>a row is</th></tr></thead><tbody>{rows}</tbody></table>"
        )

    def _span(self) -> str:
        """Return the days of the first and the last dated message, or nothing; none that waits to be sent counts."""
        if "messages" not in self.frames:
            return ""
        messages = self.frames["messages"]
        dates = messages.loc[~messages["is_scheduled"].fillna(False), "created_at"].dropna()
        return f"{dates.iloc[0]:%Y-%m-%d} to {dates.iloc[-1]:%Y-%m-%d}" if len(dates) else ""


def read_chat_db(
    path: str | PathLike[str],
    *,
    tables: Iterable[str] | None = None,
    chat_ids: SupportsIndex | Iterable[SupportsIndex] | None = None,
    since: TimeLike | None = None,
    until: TimeLike | None = None,
    participants: People | None = None,
    from_me: bool | None = None,
    text: str | None = None,
    limit: int | None = None,
    include: str | Iterable[str] = (),
    region: str = "US",
) -> History:
    """Read a Messages database into frames.

    Parameters
    ----------
    path
        The file, usually ``~/Library/Messages/chat.db`` or a copy of it (with its ``-wal`` beside it).
    tables
        Names of the tables to read, such as ``["messages", "chats"]``; ``None`` reads all six.
    chat_ids
        Only this chat, or these.
    since, until
        Aware datetime, ISO 8601 text, or an age: ``"7d"`` or a timedelta; `since` is inclusive, `until` is not.
    participants
        Only messages that this handle, or any of these, wrote, however a number is spelled; own messages never
        match.
    from_me
        Only own messages, or only those of others.
    text
        Only messages that hold this text, whatever its case.
    limit
        Most messages, counted from the newest; ``None`` reads everything.
    include
        What is left out otherwise: ``"orphaned"`` (in no chat), ``"deleted"`` (recently deleted),
        ``"reactions"`` (tapbacks as message rows).
    region
        Country that phone numbers without a country code belong to.

    Returns
    -------
    History
        A frame per table.  The children are those of the messages that were chosen.

    Raises
    ------
    DatabaseUnavailable
        No such file, not a Messages database, or locked.
    PermissionDenied
        The file may not be read: on a Mac, Full Disk Access is missing.
    AddressError
        There is no such chat or region, or one of the participants is in no chat; a ``ValueError`` too.
    InvalidParams
        An unknown table, a time without a zone, a limit below 1, no path at all; a ``ValueError`` too.

    Notes
    -----
    The database is opened read-only and never changed.  Give a path to a copy where Messages is writing
    heavily; a running Messages is no obstacle otherwise.

    Examples
    --------
    >>> history = read_chat_db("chat.db", since="365d")  # doctest: +SKIP
    >>> history.messages.groupby("chat_name", observed=True).size()  # doctest: +SKIP
    """
    chosen = _tables(tables)
    query = _query(since, until, from_me, text, limit, include)
    ids = None if chat_ids is None else checked_rowids(chat_ids, "chat_ids")
    people = None if participants is None else checked_people(participants)
    region = checked_region(region)
    with _opened(_path(path)) as database:
        query = structs.replace(
            query,
            chat_ids=None if ids is None else _known_chats(database, ids),
            participants=None if people is None else _known_people(database, people, region),
        )
        return History(_frames(chosen, database.read_tables(chosen, query)))


def _path(path: str | PathLike[str]) -> Path:
    try:
        text = fsdecode(path)
    except TypeError:
        raise refused(f"path must be text or a Path, not {type(path).__name__}") from None
    if not text or "\0" in text:
        raise refused("path is empty or holds NUL", hint="give the path of a file")
    return Path(text).expanduser()


def _query(
    since: TimeLike | None,
    until: TimeLike | None,
    from_me: bool | None,
    text: str | None,
    limit: int | None,
    include: str | Iterable[str],
) -> Query:
    """Check what a caller gave, as far as that can be done without the file."""
    first, end = checked_span(since, until, now=datetime.now(UTC))
    return Query(
        since_us=None if first is None else to_us(first),
        until_us=None if end is None else to_us(end),
        from_me=None if from_me is None else checked_flag(from_me, "from_me"),
        text=None if text is None else checked_text(text, "text"),
        limit=checked_limit(limit),
        include=list(checked_include(include)),
    )


def _known_chats(database: ChatDb, ids: list[int]) -> list[int]:
    unknown = set(ids).difference(database.chat_ids)
    if unknown:
        raise AddressError(
            f"no chat has the id {min(unknown)}", hint='read_chat_db(path, tables="chats").chats lists all there are'
        )
    return ids


def _known_people(database: ChatDb, people: Iterable[str], region: str) -> list[str]:
    """Return the handles of people as they are stored; who has left all chats is known by what they wrote."""
    batches = database.read("participants")
    known = [handle for batch in batches for handle in rows_of(batch.columns.get("handle", []), batch.rows)]
    found, missing = find_people(people, known, region=region)
    for person in missing:
        spelled = spellings(person, region=region)
        wrote = Query(participants=spelled, limit=1, include=[*INCLUDES])
        if not any(batch.rows for batch in database.read("messages", wrote)):
            raise nobody(person)
        found += spelled
    return found


@contextmanager
def _opened(path: Path) -> Iterator[ChatDb]:
    """Open a file, with a faster reader where it is large and Arrow is installed."""
    with ExitStack() as stack:
        roads = _arrow_roads(path)
        readers = None if roads is None else stack.enter_context(roads).readers
        yield stack.enter_context(ChatDb.open(path, readers=readers))


def _arrow_roads(path: Path) -> Any:
    """Return the readers through Arrow, None where there are none or the file is too small to gain."""
    try:
        if path.stat().st_size < _WORTH_ARROW_BYTES:
            return None
        from imsg_sdk.frames.arrow import ArrowRoads  # optional and slow to import
    except (OSError, ImportError):
        return None
    return ArrowRoads(str(path))


def _tables(tables: Iterable[str] | None) -> list[str]:
    if tables is None:
        return list(TABLES)
    names: list[Any] = list(tables) if isinstance(tables, Iterable) and not isinstance(tables, str) else [tables]
    for name in names:
        if name not in TABLES:
            raise refused(f"no table is named {name!r}", hint=f"take some of {', '.join(TABLES)}")
    return [name for name in TABLES if name in names]


def _frames(names: list[str], batches: Iterator[Batch]) -> dict[str, pd.DataFrame]:
    """Sort mixed batches by table and build a frame of each."""
    builders = {name: FrameBuilder(TABLES[name]) for name in names}
    for batch in batches:
        builders[batch.table].add(batch)
    return {name: builder.frame() for name, builder in builders.items()}
