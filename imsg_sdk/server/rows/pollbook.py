"""Polls of one database: captions, updates and votes that belong together."""

from __future__ import annotations

from typing import Any

from imsg_sdk.chatdb.imsg_text import strip_blank
from imsg_sdk.chatdb.polls import UPDATE_TYPE, VOTE_TYPE, Poll, PollVote, decode_poll
from imsg_sdk.server.rows.database import Database
from imsg_sdk.server.rows.objects import PollFacts
from imsg_sdk.server.rows.reader import MessageRow, RowReader, normal_guid

__all__ = ["PollBook"]


class PollBook:
    """Answers what a poll row says, with the rows around it; remembers until the database changes."""

    def __init__(self, database: Database, reader: RowReader) -> None:
        self._db = database
        self._reader = reader
        self._updates: dict[str, list[MessageRow]] | None = None
        self._captions: dict[str, int] | None = None
        self._options: dict[str, dict[str, str]] = {}

    def forget(self) -> None:
        """Read again when next asked."""
        self._updates = self._captions = None
        self._options = {}

    def event(self, row: MessageRow) -> dict[str, Any] | None:
        """Return the key ``poll`` of a message, None if the row is no poll row."""
        poll = _decoded(row)
        if poll is None:
            return None
        if poll.kind == "created" and not poll.question and poll.poll_guid:
            poll.question = self._caption(normal_guid(poll.poll_guid))
        texts: dict[str, str] = {}
        if poll.kind == "vote":
            source = self._source(poll)
            if source:
                poll.poll_guid = poll.original_guid = source
                texts = self.options(source)
        return _wire(poll, texts)

    def facts(self, guid: str) -> PollFacts | None:
        """Return what a vote is checked against, None if there is no such poll."""
        target = normal_guid(guid)
        options = self.options(target)
        return PollFacts(target, tuple(options.items()), self._selected(target)) if options else None

    def options(self, guid: str) -> dict[str, str]:
        """Return option text by option id, of a poll and its updates."""
        if guid not in self._options:
            rows = [*self._reader.by_guid([guid]).values(), *self._update_rows().get(guid, ())]
            options: dict[str, str] = {}
            for row in sorted(rows, key=lambda row: (row.date, row.rowid)):
                if poll := _decoded(row):
                    options |= {ident: text for ident, text in poll.options.items() if ident not in options}
            self._options[guid] = options
        return self._options[guid]

    def _source(self, poll: Poll) -> str | None:
        """Follow a vote to its poll: it may name an update row, which names the poll."""
        candidates = [normal_guid(guid) for guid in (poll.original_guid, poll.poll_guid) if guid]
        rows = self._reader.by_guid(candidates)
        for guid in candidates:
            row = rows.get(guid)
            if row and row.associated_type == UPDATE_TYPE and row.associated_guid:
                return normal_guid(row.associated_guid)
        return candidates[0] if candidates else None

    def _update_rows(self) -> dict[str, list[MessageRow]]:
        if self._updates is None:
            self._updates = {}
            if self._reader.has_reactions:
                for row in self._reader.read(f"WHERE m.associated_message_type = {UPDATE_TYPE}"):
                    self._updates.setdefault(normal_guid(row.associated_guid), []).append(row)
        return self._updates

    def _caption(self, guid: str) -> str | None:
        """Return the text of the earliest plain row that answers the poll: it holds the question."""
        if self._captions is None:
            self._captions = self._read_captions()
        rowid = self._captions.get(guid)
        rows = self._reader.read("WHERE m.ROWID = ?", (rowid,)) if rowid is not None else []
        return strip_blank(rows[0].text) or None if rows else None

    def _read_captions(self) -> dict[str, int]:
        if not self._db.has("message", "reply_to_guid"):
            return {}
        plain = "m.reply_to_guid != ''"
        if self._reader.has_reactions:
            plain += " AND ifnull(m.associated_message_type, 0) = 0"
        if self._db.has("message", "thread_originator_guid"):
            plain += " AND ifnull(m.thread_originator_guid, '') = ''"
        # The dates run backwards, so that the earliest row of a poll is the last to be written down.
        rows = self._db.rows(
            f"SELECT m.reply_to_guid, m.ROWID FROM message m WHERE {plain} ORDER BY m.date DESC, m.ROWID DESC"
        )
        return {normal_guid(guid): rowid for guid, rowid in rows if isinstance(guid, str)}

    def _selected(self, guid: str) -> tuple[str, ...]:
        if not self._reader.has_reactions:
            return ()
        rows = self._reader.read(
            f"WHERE m.is_from_me = 1 AND m.associated_message_type = {VOTE_TYPE}"
            " AND (m.associated_message_guid = ? OR substr(m.associated_message_guid, -length(?) - 1) = '/' || ?)"
            " ORDER BY m.date DESC, m.ROWID DESC LIMIT 1",
            (guid, guid, guid),
        )
        poll = _decoded(rows[0]) if rows else None
        return tuple(vote.option_id for vote in poll.votes) if poll and poll.kind == "vote" else ()


def _decoded(row: MessageRow) -> Poll | None:
    return decode_poll(
        balloon=row.balloon,
        payload=_data(row.payload),
        summary=_data(row.summary),
        associated_type=row.associated_type,
        associated_guid=row.associated_guid,
        guid=row.guid,
        sender=row.sender,
    )


def _data(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b""


def _wire(poll: Poll, texts: dict[str, str]) -> dict[str, Any]:
    """Write a poll; what is empty is left out."""
    votes = [_wire_vote(vote, texts) for vote in poll.votes]
    event = "voted" if poll.kind == "vote" else poll.kind
    full = {
        "kind": poll.kind,
        "event": f"imessage.poll.{event}",
        "poll_guid": poll.poll_guid,
        "question": poll.question,
        "options": [{"id": ident, "text": text} for ident, text in poll.options.items()],
        "vote": votes[0] if votes else None,
        "votes": votes,
        "original_guid": poll.original_guid,
        "creator": poll.creator,
        "participants": poll.participants,
        "metadata": poll.metadata,
    }
    return {key: value for key, value in full.items() if value}


def _wire_vote(vote: PollVote, texts: dict[str, str]) -> dict[str, Any]:
    full = {
        "option_id": vote.option_id,
        "option_text": texts.get(vote.option_id),
        "participant": vote.participant,
        "event_type": vote.event_type,
        "server_time": vote.server_time,
    }
    return {key: value for key, value in full.items() if value}
