"""The one schema: every table, every column, its kind and its meaning.

Records, frames, the columnar pages of our own server, exports and the documentation are all built from
what stands here; a test proves it.  This file is data and knows no library.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

__all__ = [
    "ATTACHMENTS",
    "CHATS",
    "DECISIONS",
    "EDITS",
    "GATEWAY_TABLES",
    "MESSAGES",
    "OUTBOX",
    "PAIRING",
    "PARTICIPANTS",
    "REACTIONS",
    "SENDS",
    "TABLES",
    "Batch",
]


class Kind(StrEnum):
    """What a column holds.  Values between parentheses are what a batch carries."""

    INT = "int64"
    """Always there (int)."""
    OPTIONAL_INT = "Int64"
    """A program or a row may lack it (int or None)."""
    BOOL = "bool"
    """Always there (bool)."""
    OPTIONAL_BOOL = "boolean"
    """A program or a row may lack it (bool or None)."""
    TEXT = "string"
    """Text of its own in each row (str or None)."""
    CATEGORY = "category"
    """Text with few distinct values (str or None)."""
    TIME = "datetime64[us, UTC]"
    """An instant (int, microseconds since 1970-01-01 UTC, or None)."""
    IDS = "object of int tuples"
    """Several ids (list or tuple of int, never None)."""
    NAMES = "object of str tuples"
    """Several texts (list or tuple of str, never None)."""


class Column(msgspec.Struct, frozen=True):
    """One column: its name, kind and meaning."""

    name: str
    kind: Kind
    doc: str


class Table(msgspec.Struct, frozen=True):
    """One table: what a row is, and its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the column names in order."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


class Packed(msgspec.Struct, omit_defaults=True):
    """A column that repeats itself, packed.

    ``codes`` given: row *i* is ``values[codes[i]]``, -1 is None (dictionary).
    ``at`` given: row ``at[k]`` is ``values[k]``, every other row is ``default`` (sparse).
    Neither: every row is ``values[0]`` (constant).
    """

    values: list[Any]
    codes: list[int] | None = None
    at: list[int] | None = None
    default: Any = None


class Batch(msgspec.Struct, omit_defaults=True):
    """Some rows of one table, column by column.

    A column is a plain list of ``rows`` values or a :class:`Packed`.  A column that is not in
    ``columns`` is unknown: None in every row.
    """

    table: str
    rows: int
    columns: dict[str, list[Any] | Packed]


MESSAGES = Table(
    "messages",
    "one row per message, tapbacks and link previews folded in",
    (
        Column("rowid", Kind.INT, "Row id in the database; grows with arrival, not with time."),
        Column("guid", Kind.TEXT, "The message's own id, the same on every device."),
        Column("chat_id", Kind.OPTIONAL_INT, "The chat; the lowest id where there are several; NA in no chat."),
        Column("chat_ids", Kind.IDS, "All chats the message belongs to, ascending."),
        Column("chat_identifier", Kind.CATEGORY, "Handle or room of the chat."),
        Column("chat_name", Kind.CATEGORY, "Name given to the chat, else its identifier."),
        Column("is_group", Kind.OPTIONAL_BOOL, "The chat is a group; NA in no chat."),
        Column("sender", Kind.CATEGORY, "Handle of the person who wrote; NA for own messages and unknown people."),
        Column("is_from_me", Kind.BOOL, "Written by the owner of the database."),
        Column(
            "kind",
            Kind.CATEGORY,
            "message, link, app, poll, poll_vote, poll_update, event or unknown, and reaction where tapback rows "
            "were asked for; NA where the program does not say.",
        ),
        Column("text", Kind.TEXT, "The text; U+FFFC stands for an attachment; NA where there is none."),
        Column("text_repaired", Kind.OPTIONAL_BOOL, "Damaged bytes were replaced, or the text was salvaged."),
        Column("subject", Kind.TEXT, "Subject line."),
        Column("created_at", Kind.TIME, "Sent (own) or received; NA where the database has no date."),
        Column("service", Kind.CATEGORY, "iMessage, SMS, RCS, …, as stored with the message."),
        Column("is_read", Kind.OPTIONAL_BOOL, "Read: by the owner if inbound, by the other side if own."),
        Column("read_at", Kind.TIME, "When it was read."),
        Column("send_state", Kind.CATEGORY, "Own messages: pending, sent, delivered or failed."),
        Column("send_error", Kind.OPTIONAL_INT, "Apple's error number of a failed message."),
        Column("delivered_at", Kind.TIME, "When it reached the other side."),
        Column("is_edited", Kind.OPTIONAL_BOOL, "Edited after it was sent."),
        Column("edited_at", Kind.TIME, "Last edit."),
        Column("is_unsent", Kind.OPTIONAL_BOOL, "Every part was taken back."),
        Column("unsent_at", Kind.TIME, "When it, or a part of it, was taken back."),
        Column("is_scheduled", Kind.OPTIONAL_BOOL, "Waits to be sent later; created_at lies ahead."),
        Column("thread_originator_guid", Kind.TEXT, "Inline reply: guid of the message that began the thread."),
        Column("thread_originator_part", Kind.OPTIONAL_INT, "Inline reply: which part of that message."),
        Column("reply_to_guid", Kind.TEXT, "The message Apple links this one to; mostly just the one before."),
        Column(
            "effect",
            Kind.CATEGORY,
            "slam, loud, gentle, invisible_ink, confetti, echo, fireworks, balloons, heart, lasers, "
            "shooting_star, sparkles, spotlight, or the stored id.",
        ),
        Column("balloon_bundle_id", Kind.CATEGORY, "The app whose content the message shows."),
        Column("url_preview_guid", Kind.TEXT, "Guid of the link preview row folded into this message."),
        Column(
            "event",
            Kind.CATEGORY,
            "participant_added, participant_removed, number_changed, left, renamed, photo_set, photo_removed, "
            "background_set, background_removed, location_started, location_stopped, audio_kept, shareplay, unknown.",
        ),
        Column("event_person", Kind.CATEGORY, "Handle the event is about."),
        Column("event_title", Kind.TEXT, "New name of the group."),
        Column(
            "is_audio",
            Kind.OPTIONAL_BOOL,
            "A voice message; its text is the transcription, where there is one.",
        ),
        Column("is_spam", Kind.OPTIONAL_BOOL, "Marked as junk."),
        Column("destination_caller_id", Kind.CATEGORY, "The owner's own address that was used."),
        Column("n_attachments", Kind.OPTIONAL_INT, "Rows in attachments; NA where they were not asked for."),
        Column("n_reactions", Kind.OPTIONAL_INT, "Rows in reactions."),
        Column("deleted_at", Kind.TIME, "Moved to Recently Deleted at."),
    ),
)

REACTIONS = Table(
    "reactions",
    "one row per tapback that stands, joined on message_rowid",
    (
        Column("message_rowid", Kind.INT, "The message it sits on."),
        Column("rowid", Kind.INT, "Row id of the tapback itself."),
        Column("type", Kind.CATEGORY, "love, like, dislike, laugh, emphasis, question, custom or sticker."),
        Column("emoji", Kind.CATEGORY, "The emoji shown; NA for a sticker."),
        Column("part", Kind.OPTIONAL_INT, "Which part of the message; NA where the program does not say."),
        Column("sender", Kind.CATEGORY, "Handle of the person who reacted; NA for own and unknown people."),
        Column("is_from_me", Kind.BOOL, "Made by the owner of the database."),
        Column("created_at", Kind.TIME, "When."),
    ),
)

ATTACHMENTS = Table(
    "attachments",
    "one row per attachment of a message, joined on message_rowid",
    (
        Column("message_rowid", Kind.INT, "The message it belongs to."),
        Column("rowid", Kind.OPTIONAL_INT, "Row id of the attachment."),
        Column("guid", Kind.TEXT, "The attachment's own id."),
        Column("filename", Kind.TEXT, "Path as stored, often with a leading ~."),
        Column("transfer_name", Kind.TEXT, "Name the sender gave the file."),
        Column("uti", Kind.CATEGORY, "Apple's type, such as public.jpeg."),
        Column("mime_type", Kind.CATEGORY, "MIME type."),
        Column("total_bytes", Kind.OPTIONAL_INT, "Size in bytes as stored; not always that of the file."),
        Column("is_sticker", Kind.BOOL, "A sticker."),
        Column("path", Kind.TEXT, "Absolute path on the machine that holds the database."),
        Column("is_missing", Kind.BOOL, "No such file there."),
        Column("is_outgoing", Kind.OPTIONAL_BOOL, "Sent by the owner."),
        Column("transfer_state", Kind.OPTIONAL_INT, "Apple's transfer state; 5 is complete."),
        Column("created_at", Kind.TIME, "When the attachment was made."),
        Column("transcription", Kind.TEXT, "Apple's transcription of a voice message."),
    ),
)

CHATS = Table(
    "chats",
    "one row per chat that holds a message, most recent first",
    (
        Column("chat_id", Kind.INT, "Row id of the chat; differs from database to database."),
        Column("guid", Kind.TEXT, "The chat's own id; NA where it has none."),
        Column("identifier", Kind.TEXT, "Handle of a direct chat, room of a group."),
        Column("name", Kind.TEXT, "Name given to the chat, else the contact's name, else the identifier."),
        Column("contact_name", Kind.TEXT, "Name in Contacts, where the program knows it."),
        Column("service", Kind.CATEGORY, "Service the chat was made with; a message has its own."),
        Column("is_group", Kind.BOOL, "A group chat."),
        Column("participants", Kind.NAMES, "Handles of the others, ascending; never the owner."),
        Column("n_participants", Kind.INT, "Number of participants."),
        Column("last_message_at", Kind.TIME, "Date of the newest message."),
        Column("unread_count", Kind.OPTIONAL_INT, "Unread inbound rows; tapbacks count."),
        Column("account_id", Kind.TEXT, "Apple's id of the owner's account."),
        Column("account_login", Kind.CATEGORY, "The owner's account, E:mail or P:number."),
        Column("last_addressed_handle", Kind.CATEGORY, "The owner's address used last."),
        Column("group_id", Kind.TEXT, "Id of the group, the same on every device."),
        Column("is_archived", Kind.OPTIONAL_BOOL, "Archived."),
        Column("is_filtered", Kind.OPTIONAL_BOOL, "From a sender that is not known."),
    ),
)

PARTICIPANTS = Table(
    "participants",
    "one row per person and chat, joined on chat_id",
    (
        Column("chat_id", Kind.INT, "The chat."),
        Column("handle", Kind.CATEGORY, "Handle of the person."),
        Column("chat_name", Kind.CATEGORY, "Name given to the chat, else its identifier."),
        Column("is_group", Kind.BOOL, "The chat is a group."),
        Column("country", Kind.CATEGORY, "Country of the handle, two lower-case letters."),
        Column("person_id", Kind.TEXT, "The same for all handles of one contact, on this machine."),
    ),
)

EDITS = Table(
    "edits",
    "one row per version of an edited part and per part taken back, joined on message_rowid",
    (
        Column("message_rowid", Kind.INT, "The message."),
        Column("part", Kind.INT, "Which part of it."),
        Column(
            "version",
            Kind.OPTIONAL_INT,
            "0 is the original, the highest the present text; NA for a part taken back.",
        ),
        Column("text", Kind.TEXT, "Text of that version."),
        Column("edited_at", Kind.TIME, "When this version was written; NA for a part taken back."),
        Column("is_unsent", Kind.BOOL, "The part was taken back."),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table for table in (MESSAGES, REACTIONS, ATTACHMENTS, CHATS, PARTICIPANTS, EDITS)
}

DECISIONS = Table(
    "decisions",
    "one row per inbound row that a gateway was told of",
    (
        Column("entry_id", Kind.INT, "Number in the journal, in the order of arrival."),
        Column("message_rowid", Kind.INT, "Row id in the Messages database."),
        Column("guid", Kind.TEXT, "The message's own id."),
        Column("chat_id", Kind.OPTIONAL_INT, "The chat."),
        Column("sender", Kind.CATEGORY, "Handle of the person who wrote; NA for own messages and erased people."),
        Column("is_group", Kind.OPTIONAL_BOOL, "The chat is a group."),
        Column("is_from_me", Kind.BOOL, "Written by the owner of the database."),
        Column("text", Kind.TEXT, "The text; NA once it is kept no longer."),
        Column("created_at", Kind.TIME, "Sent or received."),
        Column("arrived_at", Kind.TIME, "When the gateway was told of it."),
        Column("state", Kind.CATEGORY, "arrived (no decision yet), begun (its handler runs) or finished."),
        Column("dispatched", Kind.OPTIONAL_BOOL, "It reached a handler; NA before the decision."),
        Column("reason", Kind.CATEGORY, "Why not; NA where it did."),
        Column("detail", Kind.TEXT, "More about the reason."),
        Column("was_mentioned", Kind.OPTIONAL_BOOL, "It spoke to the gateway; NA before the decision."),
        Column("command_authorized", Kind.OPTIONAL_BOOL, "Its sender may give control commands."),
        Column("attempts", Kind.INT, "How often a handler was begun: more than once only after a crash."),
        Column("repeats", Kind.INT, "How often it was reported again."),
        Column("error", Kind.TEXT, "What the handler failed with; NA where it did not."),
        Column("decided_at", Kind.TIME, "When it was decided upon."),
        Column("finished_at", Kind.TIME, "When its handling was over."),
    ),
)

OUTBOX = Table(
    "outbox",
    "one row per chunk that a gateway planned to send",
    (
        Column("outbound_id", Kind.INT, "Number in the outbox, in the order of planning."),
        Column("entry_id", Kind.OPTIONAL_INT, "The entry of decisions that it answers; NA where it answers nothing."),
        Column("chat_id", Kind.OPTIONAL_INT, "The chat it goes to; NA where it goes to a handle."),
        Column("reply", Kind.INT, "Which reply of that entry, from 0."),
        Column("part", Kind.INT, "Which chunk of that reply, from 0."),
        Column(
            "state",
            Kind.CATEGORY,
            "planned, attempting, observed (in history), accepted, failed, refused, uncertain, expired or skipped.",
        ),
        Column("text", Kind.TEXT, "The text; NA once it is kept no longer."),
        Column("has_file", Kind.OPTIONAL_BOOL, "It carries a file; NA once its content is kept no longer."),
        Column("guid", Kind.TEXT, "Id of the message that it became."),
        Column("rowid", Kind.OPTIONAL_INT, "Row id of the message that it became."),
        Column("detail", Kind.TEXT, "More about the state."),
        Column("planned_at", Kind.TIME, "When it was planned."),
        Column("attempted_at", Kind.TIME, "When it was given to the program."),
        Column("settled_at", Kind.TIME, "When its end was known."),
    ),
)

PAIRING = Table(
    "pairing",
    "one row per person who waits for approval, or has it",
    (
        Column("handle", Kind.TEXT, "The person, in normal form."),
        Column("state", Kind.CATEGORY, "pending or approved."),
        Column("code", Kind.TEXT, "What approves them; NA once approved."),
        Column("chat_id", Kind.OPTIONAL_INT, "Where they wrote; NA once approved."),
        Column("asked_at", Kind.TIME, "When they were told the code."),
        Column("seen_at", Kind.TIME, "When they wrote last while waiting."),
        Column("approved_at", Kind.TIME, "When they were approved."),
    ),
)

SENDS = Table(
    "sends",
    "one row per message of a list that was planned or sent",
    (
        Column("row", Kind.INT, "Which row of the list, from 0."),
        Column("target", Kind.TEXT, "As it was given."),
        Column("recipient", Kind.TEXT, "Handle, or identifier of the chat, that it goes to; NA where nobody."),
        Column("chat_id", Kind.OPTIONAL_INT, "The chat; NA where there is none yet."),
        Column("chat_name", Kind.TEXT, "Name of the chat, as `chats` has it."),
        Column("is_group", Kind.BOOL, "Several people will read it."),
        Column("n_people", Kind.OPTIONAL_INT, "How many."),
        Column("n_parts", Kind.OPTIONAL_INT, "How many messages it takes."),
        Column("n_characters", Kind.OPTIONAL_INT, "Length of the text."),
        Column(
            "state",
            Kind.CATEGORY,
            "planned, observed (in history), accepted, uncertain, failed, refused or skipped.",
        ),
        Column("guid", Kind.TEXT, "Id of the message, of the last one where there are several."),
        Column("rowid", Kind.OPTIONAL_INT, "Row id of that message."),
        Column("was_sent_before", Kind.BOOL, "An earlier run with the same ledger had sent it."),
        Column("is_retry_safe", Kind.OPTIONAL_BOOL, "Nothing of it can have gone out; NA where nothing was tried."),
        Column("problem", Kind.TEXT, "What is wrong, and the remedy."),
    ),
)

GATEWAY_TABLES: dict[str, Table] = {table.name: table for table in (DECISIONS, OUTBOX, PAIRING)}
"""What a gateway keeps, beside what Messages keeps."""
