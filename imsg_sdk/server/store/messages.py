"""Message objects: decoded rows with everything that hangs on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import UNSET

from imsg_sdk.chatdb.polls import VOTE_TYPE
from imsg_sdk.server.rows.attachments import AttachmentReader
from imsg_sdk.server.rows.directory import Directory
from imsg_sdk.server.rows.instants import wire_date
from imsg_sdk.server.rows.pollbook import PollBook
from imsg_sdk.server.rows.reactions import ReactionIndex, kind_and_emoji
from imsg_sdk.server.rows.reader import MessageRow, RowReader, normal_guid
from imsg_sdk.wire import WireAttachment, WireMessage, WireReaction, WireUrlPreview

__all__ = ["Folded", "MessageBuilder"]

Folded = Mapping[tuple[int, int], MessageRow]
"""Preview rows by row id and chat of the text row that shows them."""

_PARENTS_KEPT = 50_000


class MessageBuilder:
    """Builds message objects; looks up what several rows need once."""

    def __init__(
        self,
        reader: RowReader,
        directory: Directory,
        reactions: ReactionIndex,
        polls: PollBook,
        attachments: AttachmentReader,
    ) -> None:
        self._reader = reader
        self._directory = directory
        self._reactions = reactions
        self._polls = polls
        self._attachments = attachments
        self._parents: dict[str, tuple[str, str] | None] = {}

    def forget(self) -> None:
        """Drop the reply parents that are remembered."""
        self._parents.clear()

    def build(
        self,
        rows: Sequence[MessageRow],
        *,
        attachments: bool,
        reactions: bool,
        folded: Folded | None = None,
    ) -> list[WireMessage]:
        """Build the object of every row, in order."""
        self._learn_parents(rows)
        files: Mapping[int, list[WireAttachment]] = (
            self._attachments.of(row.rowid for row in rows) if attachments else {}
        )
        if reactions:
            self._reactions.prepare([row.guid for row in rows])
        standing = self._reactions.of if reactions else _nothing
        messages = [self._message(row, files.get(row.rowid, []), standing(row.guid)) for row in rows]
        if folded:
            for message in messages:
                if preview := folded.get((message.id, message.chat_id)):
                    message.url_preview = _preview(preview)
        return messages

    def _message(self, row: MessageRow, files: list[WireAttachment], standing: list[WireReaction]) -> WireMessage:
        chat = self._directory.chat(row.chat_id)
        message = WireMessage(
            id=row.rowid,
            chat_id=row.chat_id,
            guid=row.guid,
            sender=row.sender,
            is_from_me=row.is_from_me,
            text=row.text,
            created_at=wire_date(row.date),
            attachments=files,
            reactions=standing,
            chat_identifier=chat.identifier,
            chat_guid=chat.guid,
            chat_name=chat.name,
            participants=chat.participants,
            is_group=chat.is_group,
            destination_caller_id=row.destination or UNSET,
            balloon_bundle_id=row.balloon or UNSET,
        )
        if not row.is_from_me and row.is_read.__class__ is int:
            message.is_read = bool(row.is_read)
            if row.is_read and isinstance(row.date_read, int) and row.date_read > 0:
                message.date_read = wire_date(row.date_read)
        if row.is_reaction:
            _add_event(message, row)
        elif row.originator or row.reply_to or row.associated_guid or row.originator_part:
            self._add_reply(message, row)
        if (row.balloon or row.associated_type == VOTE_TYPE) and (poll := self._polls.event(row)):
            message.poll = poll
        return message

    def _add_reply(self, message: WireMessage, row: MessageRow) -> None:
        reply_to = normal_guid(row.reply_to or row.associated_guid)
        message.reply_to_guid = reply_to or UNSET
        message.thread_originator_guid = row.originator or UNSET
        message.thread_originator_part = row.originator_part or UNSET
        parent = self._parents.get(row.originator) or self._parents.get(reply_to)
        if parent is not None:
            message.reply_to_text, message.reply_to_sender = parent

    def _learn_parents(self, rows: Iterable[MessageRow]) -> None:
        """Look up the rows that are replied to: mostly they stand among `rows` or came shortly before."""
        parents = self._parents
        if len(parents) > _PARENTS_KEPT:
            parents.clear()
        wanted = set()
        for row in rows:
            if row.guid:
                parents[row.guid] = row.text, row.sender
            if row.is_reaction:
                continue
            if row.originator:
                wanted.add(row.originator)
            if reply_to := row.reply_to or row.associated_guid:
                wanted.add(normal_guid(reply_to))
        missing = [guid for guid in wanted if guid not in parents]
        parents.update(dict.fromkeys(missing))
        for guid, found in self._reader.by_guid(missing).items():
            parents[guid] = found.text, found.sender


def _nothing(_guid: str) -> list[WireReaction]:
    return []


def _add_event(message: WireMessage, row: MessageRow) -> None:
    kind = row.associated_type or 0
    message.is_reaction = True
    message.is_reaction_add = kind < 3000
    message.reacted_to_guid = normal_guid(row.associated_guid)
    if name := kind_and_emoji(kind, row.text):
        message.reaction_type, message.reaction_emoji = name


def _preview(row: MessageRow) -> WireUrlPreview:
    return WireUrlPreview(id=row.rowid, guid=row.guid, balloon_bundle_id=row.balloon, created_at=wire_date(row.date))
