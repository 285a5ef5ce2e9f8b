"""Reading from scripts and notebooks: the part of :class:`imsg_sdk.IMessageClient` that looks into the history.

What reads is imported by the first call that needs it, and pandas when the first frame is built.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from imsg_sdk.arguments import People, TimeLike, checked_limit
from imsg_sdk.client.base import BaseClient
from imsg_sdk.client.filters import Filter, make_filter
from imsg_sdk.client.plan import run
from imsg_sdk.client.tabular import ProgressOption, frame_of, read_frame, shown
from imsg_sdk.client.targets import ChatLike, Targets
from imsg_sdk.columns import ATTACHMENTS, CHATS, EDITS, MESSAGES, PARTICIPANTS, REACTIONS, Table
from imsg_sdk.models import Chat, Message, ScheduledMessage, SendStatus, Stats

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SyncReading"]


class SyncReading(BaseClient):
    """Verbs that look into the history; each may be repeated."""

    def chats(self, limit: int | None = None, *, unread_only: bool = False) -> pd.DataFrame:
        """Return chats as a DataFrame, most recent first.

        Parameters
        ----------
        limit
            Most rows to return; ``None`` returns all.
        unread_only
            Only chats with unread messages.

        Returns
        -------
        pandas.DataFrame
            One row per chat that holds a message, columns of :data:`imsg_sdk.frames.CHATS`.

        Raises
        ------
        Unsupported
            `unread_only` of a program before 0.13, or of a database without read states.
        """
        from imsg_sdk.client import history

        return frame_of(CHATS, history.list_chats(self._core, limit=checked_limit(limit), unread_only=unread_only))

    def chat(self, target: ChatLike) -> Chat:
        """Return one chat as a record.

        Parameters
        ----------
        target
            Chat id, ``chat_id:…``, guid, identifier, the handle of a direct chat, or a name that no other chat
            has.  Text of digits only is a chat id or a handle, whichever there is.

        Raises
        ------
        AddressError
            It names no chat, or more than one.
        """
        return run(self._core.chat(target))

    def participants(self, chat: Targets = None) -> pd.DataFrame:
        """Return who is in which chat, one row per person and chat.

        Parameters
        ----------
        chat
            One target or several; ``None`` means every chat.

        Returns
        -------
        pandas.DataFrame
            Columns of :data:`imsg_sdk.frames.PARTICIPANTS`; joins on ``chat_id``.  The owner is not listed.
        """
        from imsg_sdk.client import history

        return frame_of(PARTICIPANTS, history.list_participants(self._core, chat))

    def messages(
        self,
        chat: Targets = None,
        *,
        since: TimeLike | None = None,
        until: TimeLike | None = None,
        participants: People | None = None,
        text: str | None = None,
        from_me: bool | None = None,
        limit: int | None = 200,
        attachments: bool = False,
        include: str | Iterable[str] = (),
        progress: ProgressOption = None,
    ) -> pd.DataFrame:
        """Return messages as a DataFrame, oldest first.

        Parameters
        ----------
        chat
            Chat id, guid, identifier, handle or name, or several of them, as for :meth:`chat`; ``None`` means
            every chat.
        since, until
            Aware datetime, ISO 8601 text, or an age: ``"7d"`` or a timedelta.  `since` is inclusive, `until` is not.
        participants
            Only messages that this handle, or any of these, wrote, however a number is spelled; own messages
            never match.
        text
            Only messages that hold this text, whatever its case.
        from_me
            Only own messages, or only those of others.
        limit
            Most rows to return, counted from the newest.  ``None`` pages through everything.
        attachments
            Ask the program for attachments too, so that ``n_attachments`` is known; slower on a real one.
        include
            Rows that are left out otherwise: ``"orphaned"``, ``"deleted"``, ``"reactions"``.  Only our own
            server can show them.
        progress
            ``True`` or ``False``, or a function of rows done and rows in all (None if unknown).  By default
            progress is shown where a person looks and `limit` is None.

        Returns
        -------
        pandas.DataFrame
            One row per message, columns and dtypes of :data:`imsg_sdk.frames.MESSAGES`.  ``created_at`` is UTC
            with microseconds.  What the program does not tell is NA.  No match gives an empty frame with the
            same columns.

        Raises
        ------
        AddressError
            `chat` matches no chat, or more than one; one of the `participants` is in no chat.
        InvalidParams
            A time without a zone, or a limit below 1; a ``ValueError`` too.
        DatabaseUnavailable
            The database is missing or unreadable.
        RequestTimeout
            No answer within ``config.read_timeout_s`` seconds.  Safe to repeat.

        Notes
        -----
        A real program gives some 4,000 messages a second.  Where a chat holds more than one page, messages
        whose date is NULL, and not 0 as it is without a date, are left out, since pages are cut by date.
        """
        wanted = make_filter(
            limit, since=since, until=until, participants=participants, text=text, from_me=from_me, include=include
        )
        return self._read(MESSAGES, chat, wanted, attachments, progress)

    def reactions(
        self,
        chat: Targets = None,
        *,
        since: TimeLike | None = None,
        until: TimeLike | None = None,
        participants: People | None = None,
        text: str | None = None,
        from_me: bool | None = None,
        limit: int | None = 200,
        include: str | Iterable[str] = (),
        progress: ProgressOption = None,
    ) -> pd.DataFrame:
        """Return the tapbacks that stand on messages, oldest first.

        Parameters
        ----------
        chat, since, until, participants, text, from_me, limit, include, progress
            As for :meth:`messages`: the tapbacks are those of the messages that it would return.

        Returns
        -------
        pandas.DataFrame
            One row per tapback, columns of :data:`imsg_sdk.frames.REACTIONS`; joins on ``message_rowid``.
        """
        wanted = make_filter(
            limit, since=since, until=until, participants=participants, text=text, from_me=from_me, include=include
        )
        return self._read(REACTIONS, chat, wanted, False, progress)

    def attachments(
        self,
        chat: Targets = None,
        *,
        since: TimeLike | None = None,
        until: TimeLike | None = None,
        participants: People | None = None,
        text: str | None = None,
        from_me: bool | None = None,
        limit: int | None = 200,
        include: str | Iterable[str] = (),
        progress: ProgressOption = None,
    ) -> pd.DataFrame:
        """Return attachments, with their path and whether the file is there.

        Parameters
        ----------
        chat, since, until, participants, text, from_me, limit, include, progress
            As for :meth:`messages`: the attachments are those of the messages that it would return.

        Returns
        -------
        pandas.DataFrame
            One row per attachment, columns of :data:`imsg_sdk.frames.ATTACHMENTS`; joins on
            ``message_rowid``.  ``path`` is a path on the machine that holds the database.
        """
        wanted = make_filter(
            limit, since=since, until=until, participants=participants, text=text, from_me=from_me, include=include
        )
        return self._read(ATTACHMENTS, chat, wanted, True, progress)

    def edits(
        self,
        chat: Targets = None,
        *,
        since: TimeLike | None = None,
        until: TimeLike | None = None,
        participants: People | None = None,
        text: str | None = None,
        from_me: bool | None = None,
        limit: int | None = 200,
        include: str | Iterable[str] = (),
        progress: ProgressOption = None,
    ) -> pd.DataFrame:
        """Return every version of edited messages, and parts taken back.

        Parameters
        ----------
        chat, since, until, participants, text, from_me, limit, include, progress
            As for :meth:`messages`: the edits are those of the messages that it would return.

        Returns
        -------
        pandas.DataFrame
            One row per version, columns of :data:`imsg_sdk.frames.EDITS`; joins on ``message_rowid``.

        Raises
        ------
        Unsupported
            The program is not our own server; ``imsg`` does not report edits.
        """
        from imsg_sdk.client import history

        wanted = make_filter(
            limit, since=since, until=until, participants=participants, text=text, from_me=from_me, include=include
        )
        run(history.require_extended(self._core, "edits"))
        return self._read(EDITS, chat, wanted, False, progress)

    def message(self, guid: str) -> Message:
        """Return one message as a record, with its tapbacks and attachments.

        Parameters
        ----------
        guid
            The message's own id, exactly.

        Raises
        ------
        NotFound
            There is none.

        Notes
        -----
        A real program cannot look up a guid: its chats are read one after the other, most recent first.
        """
        from imsg_sdk.client import history

        return run(history.message(self._core, guid))

    def search(self, text: str, *, exact: bool = False, limit: int | None = 50) -> pd.DataFrame:
        """Return the newest messages that hold a text, oldest first.

        Parameters
        ----------
        text
            What to look for, whatever its case.
        exact
            The message must be this text, and not only contain it.
        limit
            Most rows to return, counted from the newest; ``None`` returns all.

        Returns
        -------
        pandas.DataFrame
            As :meth:`messages` returns it; a real program does not tell attachments and tapbacks here.

        Raises
        ------
        InvalidParams
            `text` is blank.

        Notes
        -----
        Our own server compares every text case-folded.  A real program folds only ASCII letters where the
        text is in the text column, and before 0.14.1 it finds nothing elsewhere.
        """
        from imsg_sdk.client import history

        plan = history.search_messages(self._core, text, exact=exact, limit=checked_limit(limit), reactions=False)
        return frame_of(MESSAGES, plan)

    def iter_messages(
        self,
        chat: Targets = None,
        *,
        since: TimeLike | None = None,
        until: TimeLike | None = None,
        participants: People | None = None,
        text: str | None = None,
        from_me: bool | None = None,
        limit: int | None = None,
        attachments: bool = False,
        include: str | Iterable[str] = (),
    ) -> Iterator[Message]:
        """Yield messages as records, without holding them all.

        Parameters
        ----------
        chat, since, until, participants, text, from_me, attachments, include
            As for :meth:`messages`.
        limit
            Most messages, counted from the newest; ``None`` yields all.

        Yields
        ------
        Message
            Each message once, with its tapbacks, and its attachments if asked for.  From our own server in
            the order in which they came into the database; from any other program chat after chat, as
            :meth:`chats` lists them or as `chat` does, oldest message first in each.  With a `limit`,
            oldest first.

        Raises
        ------
        AddressError, InvalidParams
            At the first message, as for :meth:`messages`.

        Notes
        -----
        Held in memory are some thousand messages of our own server, one chat of any other program, or `limit`.
        """
        from imsg_sdk.client import history

        wanted = make_filter(
            limit, since=since, until=until, participants=participants, text=text, from_me=from_me, include=include
        )
        pieces = history.Pieces(self._core, chat, wanted, attachments=attachments)
        while (piece := run(pieces.next())) is not None:
            yield from piece

    def stats(
        self, chat: ChatLike | None = None, *, include_media: bool = False, time_zone: str | None = None
    ) -> Stats:
        """Return counts of messages by chat, sender, service and day.

        Parameters
        ----------
        chat
            One chat; ``None`` means all.
        include_media
            Count attachments too.
        time_zone
            IANA name of the zone that days are counted in; ``None`` takes the program's own.

        Raises
        ------
        Unsupported
            A program before 0.13.

        Notes
        -----
        The program counts by rules of its own: tapbacks are left out, and so are link previews where it sees
        that they belong to the message before.  :meth:`messages` sees more of those, so the total may be a few
        rows above ``len(client.messages(limit=None))``.  A message of two chats counts in both, and once in
        the total.
        """
        return run(self._core.stats(chat, include_media=include_media, time_zone=time_zone))

    def scheduled(self, limit: int | None = None) -> tuple[ScheduledMessage, ...]:
        """Return messages that wait to be sent later, soonest first.

        Raises
        ------
        Unsupported
            A program before 0.13, or a database of an older system.
        """
        return tuple(run(self._core.scheduled(limit=checked_limit(limit))))

    def send_status(self, guid: str) -> SendStatus:
        """Return what the database knows of a sent message; an unknown guid is ``pending``.

        Raises
        ------
        Unsupported
            A program before 0.10.
        """
        return run(self._core.send_status(guid))

    def _read(
        self, table: Table, chat: Targets, wanted: Filter, attachments: bool, option: ProgressOption
    ) -> pd.DataFrame:
        with shown(option, wanted.limit) as progress:
            return run(read_frame(self._core, table, chat, wanted, attachments=attachments, progress=progress))
