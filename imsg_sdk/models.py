"""Records: what the async client, iterators and handlers give.

A record has a field for every column of its table in :mod:`imsg_sdk.columns`, in the same words, with
``datetime`` for instants and None where a frame has NA.  Records are frozen and hold no client.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

__all__ = [
    "Attachment",
    "BridgeEvent",
    "Chat",
    "CreatedChat",
    "Edit",
    "HandleCheck",
    "Message",
    "Participant",
    "Poll",
    "Reaction",
    "ScheduledMessage",
    "SendResult",
    "SendRow",
    "SendState",
    "SendStatus",
    "Stats",
]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all records; a ``repr`` shows no text, name, path or handle."""

    def __repr__(self) -> str:
        # A class that forgets to say what may be shown of it shows nothing.
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Keep the fields from rich, which would list them all."""
        return []


class Reaction(Record, frozen=True, kw_only=True):
    """A tapback that stands on a message; fields as in :data:`imsg_sdk.columns.REACTIONS`."""

    message_rowid: int
    rowid: int
    type: str
    emoji: str | None = None
    part: int | None = None
    sender: str | None = None
    is_from_me: bool = False
    created_at: datetime | None = None
    extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<Reaction {self.type} on message {self.message_rowid}>"


class Attachment(Record, frozen=True, kw_only=True):
    """A file of a message; fields as in :data:`imsg_sdk.columns.ATTACHMENTS`."""

    message_rowid: int
    rowid: int | None = None
    guid: str | None = None
    filename: str | None = None
    transfer_name: str | None = None
    uti: str | None = None
    mime_type: str | None = None
    total_bytes: int | None = None
    is_sticker: bool = False
    path: str | None = None
    is_missing: bool = True
    is_outgoing: bool | None = None
    transfer_state: int | None = None
    created_at: datetime | None = None
    transcription: str | None = None
    extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        size = "size unknown" if self.total_bytes is None else f"{self.total_bytes:,} bytes"
        return f"<Attachment {self.rowid} of message {self.message_rowid}, {self.mime_type or 'no type'}, {size}>"


class Poll(Record, frozen=True, kw_only=True):
    """A poll or a vote, as the program reports it."""

    kind: str
    poll_guid: str | None = None
    question: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    """Pairs of option id and text."""
    votes: tuple[tuple[str, str | None], ...] = ()
    """Pairs of option id and voter's handle."""
    extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<Poll {self.kind}, {_counted(len(self.options), 'option')}, {_counted(len(self.votes), 'vote')}>"


class BridgeEvent(Record, frozen=True, kw_only=True):
    """Something that the bridge noticed, as it says it; names and data differ between versions of ``imsg``."""

    event: str
    at: datetime | None = None
    data: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<BridgeEvent {self.event}>"


class Message(Record, frozen=True, kw_only=True):
    """One message; fields as in :data:`imsg_sdk.columns.MESSAGES`, with its children.

    ``reaction_event`` fields are filled only where a watch was asked for tapbacks: then a tapback arrives
    as a message with ``is_reaction``.
    """

    rowid: int
    guid: str | None = None
    chat_id: int | None = None
    chat_ids: tuple[int, ...] = ()
    chat_identifier: str | None = None
    chat_name: str | None = None
    is_group: bool | None = None
    sender: str | None = None
    is_from_me: bool = False
    kind: str | None = None
    text: str | None = None
    text_repaired: bool | None = None
    subject: str | None = None
    created_at: datetime | None = None
    service: str | None = None
    is_read: bool | None = None
    read_at: datetime | None = None
    send_state: str | None = None
    send_error: int | None = None
    delivered_at: datetime | None = None
    is_edited: bool | None = None
    edited_at: datetime | None = None
    is_unsent: bool | None = None
    unsent_at: datetime | None = None
    is_scheduled: bool | None = None
    thread_originator_guid: str | None = None
    thread_originator_part: int | None = None
    reply_to_guid: str | None = None
    effect: str | None = None
    balloon_bundle_id: str | None = None
    url_preview_guid: str | None = None
    event: str | None = None
    event_person: str | None = None
    event_title: str | None = None
    is_audio: bool | None = None
    is_spam: bool | None = None
    destination_caller_id: str | None = None
    n_attachments: int | None = None
    n_reactions: int | None = None
    deleted_at: datetime | None = None

    chat_guid: str | None = None
    participants: tuple[str, ...] = ()
    sender_name: str | None = None
    reply_to_text: str | None = None
    reply_to_sender: str | None = None
    poll: Poll | None = None
    reactions: tuple[Reaction, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    is_reaction: bool = False
    reaction_type: str | None = None
    reaction_emoji: str | None = None
    is_reaction_add: bool | None = None
    reacted_to_guid: str | None = None
    extra: dict[str, Any] = {}
    """Keys of the wire this version does not know."""

    def __repr__(self) -> str:
        return f"<Message {self.rowid} in chat {self.chat_id}, {_length(self.text)}>"


class Chat(Record, frozen=True, kw_only=True):
    """One chat; fields as in :data:`imsg_sdk.columns.CHATS`."""

    chat_id: int
    guid: str | None = None
    identifier: str | None = None
    name: str | None = None
    contact_name: str | None = None
    service: str | None = None
    is_group: bool = False
    participants: tuple[str, ...] = ()
    n_participants: int = 0
    last_message_at: datetime | None = None
    unread_count: int | None = None
    account_id: str | None = None
    account_login: str | None = None
    last_addressed_handle: str | None = None
    group_id: str | None = None
    is_archived: bool | None = None
    is_filtered: bool | None = None
    extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        kind = "group" if self.is_group else "direct"
        return f"<Chat {self.chat_id}, {kind}, {_counted(self.n_participants, 'participant')}>"


class Participant(Record, frozen=True, kw_only=True):
    """One person in one chat; fields as in :data:`imsg_sdk.columns.PARTICIPANTS`."""

    chat_id: int
    handle: str
    chat_name: str | None = None
    is_group: bool = False
    country: str | None = None
    person_id: str | None = None

    def __repr__(self) -> str:
        return f"<Participant of chat {self.chat_id}>"


class Edit(Record, frozen=True, kw_only=True):
    """One version of an edited part; fields as in :data:`imsg_sdk.columns.EDITS`."""

    message_rowid: int
    part: int
    version: int | None = None
    text: str | None = None
    edited_at: datetime | None = None
    is_unsent: bool = False

    def __repr__(self) -> str:
        what = "unsent" if self.is_unsent else f"version {self.version}, {_length(self.text)}"
        return f"<Edit of message {self.message_rowid}, part {self.part}, {what}>"


class ScheduledMessage(Record, frozen=True, kw_only=True):
    """A message that waits to be sent later."""

    rowid: int
    guid: str | None = None
    chat_id: int | None = None
    chat_name: str | None = None
    text: str | None = None
    service: str | None = None
    scheduled_at: datetime | None = None
    extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<ScheduledMessage {self.rowid} in chat {self.chat_id}, {_length(self.text)}>"


class SendStatus(Record, frozen=True, kw_only=True):
    """What the database knows of a sent message."""

    guid: str
    send_state: str
    service: str | None = None
    delivered_at: datetime | None = None
    extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<SendStatus {self.send_state}>"


class SendState(StrEnum):
    """What is known of something that was to be sent."""

    PLANNED = "planned"
    """Nothing was tried: a dry run."""
    OBSERVED = "observed"
    """The message stands in the history."""
    ACCEPTED = "accepted"
    """The program took it; it was not seen in the history yet."""
    UNCERTAIN = "uncertain"
    """It may have gone out.  Look before sending again."""
    FAILED = "failed"
    """It did not go out."""
    REFUSED = "refused"
    """Nothing was tried: the request cannot be meant, or the program cannot do it."""
    SKIPPED = "skipped"
    """Nothing was tried, since it went out before, stands in the list twice, or too much had failed."""


class SendResult(Record, frozen=True, kw_only=True):
    """What is known of a message that was sent: ``observed`` in the history, or only ``accepted``.

    A text longer than one message, or a text with a file, goes out in parts: then ``parts`` holds the result of
    each, and the other fields are those of the last.
    """

    state: SendState
    guid: str | None = None
    """The message's own id, where the program or the history told it."""
    rowid: int | None = None
    """Its row in the history; None until it was seen there."""
    chat_id: int | None = None
    chat_guid: str | None = None
    service: str | None = None
    transport: str | None = None
    """How the program sent it, where it says so: ``bridge`` or ``applescript``."""
    before_rowid: int | None = None
    """A row that was there before the message was sent."""
    attempt_id: str | None = None
    """The id that was chosen for the message before it was sent, where the program allows that."""
    parts: tuple[SendResult, ...] = ()
    extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        where = "" if self.chat_id is None else f" in chat {self.chat_id}"
        what = "message" if self.rowid is None else f"message {self.rowid}"
        parts = f", {len(self.parts)} parts" if len(self.parts) > 1 else ""
        return f"<SendResult {self.state}, {what}{where}{parts}>"


class SendRow(Record, frozen=True, kw_only=True):
    """What became of one row of many; fields as in :data:`imsg_sdk.columns.SENDS`."""

    row: int
    state: SendState
    target: str | None = None
    """As it was given."""
    recipient: str | None = None
    chat_id: int | None = None
    chat_name: str | None = None
    is_group: bool = False
    n_people: int | None = None
    n_parts: int | None = None
    n_characters: int | None = None
    guid: str | None = None
    rowid: int | None = None
    was_sent_before: bool = False
    is_retry_safe: bool | None = None
    problem: str | None = None

    def __repr__(self) -> str:
        return f"<SendRow {self.row}, {self.state}>"


class CreatedChat(Record, frozen=True, kw_only=True):
    """A chat that was just made; it is in no list of chats before it holds a message."""

    guid: str
    message_guid: str | None = None
    """The guid of its first message, where one was given."""
    service: str | None = None
    extra: dict[str, Any] = {}


class HandleCheck(Record, frozen=True, kw_only=True):
    """Whether a handle can be reached by iMessage."""

    address: str
    is_available: bool | None = None
    """None where Apple's servers did not say."""
    destination: str | None = None
    service: str | None = None
    extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        state = {True: "reachable", False: "not reachable", None: "unknown"}[self.is_available]
        return f"<HandleCheck {state}>"


class Stats(Record, frozen=True, kw_only=True):
    """Counts over one chat or all of them; the lists hold objects in the words of the program."""

    total_messages: int = 0
    sent_messages: int = 0
    received_messages: int = 0
    time_zone: str | None = None
    chats: tuple[dict[str, Any], ...] = ()
    senders: tuple[dict[str, Any], ...] = ()
    services: tuple[dict[str, Any], ...] = ()
    dates: tuple[dict[str, Any], ...] = ()
    media: dict[str, Any] | None = None
    extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<Stats of {_counted(self.total_messages, 'message')}>"


def _length(text: str | None) -> str:
    return "no text" if text is None else _counted(len(text), "character")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
