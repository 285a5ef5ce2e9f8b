"""What a handler is given: the message, who wrote it and where, and the body as the reference words it.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from imsg_sdk._time import to_us
from imsg_sdk.addressing import Target, format_chat_target
from imsg_sdk.gateway.attachments import is_inside, placeholder, usable
from imsg_sdk.gateway.conversation import (
    CHANNEL,
    ChatType,
    LastRoute,
    SessionKey,
    last_route,
    reply_target,
    session_key,
)
from imsg_sdk.gateway.policy import Decision, Facts, Policy, is_blank
from imsg_sdk.models import Attachment, Message
from imsg_sdk.text import trim

__all__ = ["Context", "HistoryEntry", "ReplyContext", "build_context", "envelope"]

SURFACE: Final = "iMessage"
UNNAMED_GROUP: Final = "iMessage Group"

_HISTORY_BEFORE: Final = "[Chat messages since your last reply - for context]"
_HISTORY_AFTER: Final = "[Current message - respond to this]"


class HistoryEntry(msgspec.Struct, frozen=True):
    """A group message that was not answered and is given along with the next one that is."""

    sender: str
    text: str
    timestamp_ms: int | None = None
    message_id: str | None = None

    def __repr__(self) -> str:
        return f"<HistoryEntry, {len(self.text)} characters>"


class ReplyContext(msgspec.Struct, frozen=True):
    """The message that this one answers."""

    text: str
    id: str | None = None
    sender: str | None = None

    def __repr__(self) -> str:
        return f"<ReplyContext, {len(self.text)} characters>"


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """One message that is to be handled.

    ``text`` is what was written, or the placeholder of what was sent instead; ``body`` has the envelope of the
    reference around it.  ``message`` is the whole record.  ``attachments`` are those a handler may open.
    """

    message: Message
    body: str
    text: str
    chat_type: ChatType
    from_: str
    to: str
    target: Target
    sender: str
    handle: str
    session_key: SessionKey
    last_route: LastRoute | None = None
    message_id: str | None = None
    timestamp_ms: int | None = None
    group_subject: str | None = None
    group_members: str | None = None
    attachment: Attachment | None = None
    attachments: tuple[Attachment, ...] = ()
    refused_attachments: int = 0
    """Files that lie outside of the allowed folders."""
    was_mentioned: bool = False
    command_authorized: bool = False
    reply_to: ReplyContext | None = None
    history: tuple[HistoryEntry, ...] = ()
    attempt: int = 1
    """2 and more where the process ended while a handler was running, and this is the same message again."""
    group: dict[str, Any] = {}
    """Settings of the group that this package does not read, as they stand in the file."""

    @property
    def is_group(self) -> bool:
        """Tell whether the rules for groups held."""
        return self.chat_type is ChatType.GROUP

    def to_dict(self) -> dict[str, Any]:
        """Return the fields under the names of the reference; what is absent has no key."""
        media = self.attachment
        fields: dict[str, Any] = {
            "Body": self.body,
            "From": self.from_,
            "To": self.to,
            "ChatType": str(self.chat_type),
            "GroupSubject": self.group_subject,
            "GroupMembers": self.group_members,
            "SenderName": self.sender,
            "SenderId": self.sender,
            "Surface": CHANNEL,
            "MessageSid": self.message_id,
            "Timestamp": self.timestamp_ms,
            "MediaPath": media and media.path,
            "MediaType": media and media.mime_type,
            "MediaUrl": media and media.path,
            "WasMentioned": self.was_mentioned,
            "CommandAuthorized": self.command_authorized,
        }
        if self.reply_to is not None:
            fields |= {
                "ReplyToId": self.reply_to.id,
                "ReplyToBody": self.reply_to.text,
                "ReplyToSender": self.reply_to.sender,
            }
        if self.history:
            fields["InboundHistory"] = [msgspec.to_builtins(entry) for entry in self.history]
        return {name: value for name, value in fields.items() if value is not None}

    def __repr__(self) -> str:
        return f"<Context of message {self.message.rowid}, {self.chat_type}, {len(self.text)} characters>"


def build_context(
    message: Message,
    decision: Decision,
    facts: Facts,
    policy: Policy,
    *,
    history: Iterable[HistoryEntry] = (),
    roots: Iterable[str] = (),
) -> Context:
    """Return what the handler of a dispatched message gets.

    Parameters
    ----------
    message, decision, facts, policy
        The message and what was decided about it.
    history
        Unanswered messages of the group, oldest first.
    roots
        Folders that attachments may lie in; none means that paths are not judged.
    """
    is_group = decision.is_group
    included = message.attachments if policy.config.include_attachments else ()
    files, refused = _admitted(included, tuple(roots))
    chosen = usable(files)
    text = facts.text if not is_blank(facts.text) else placeholder(usable(included))
    reply_to = _reply_context(message)
    timestamp_ms = epoch_ms(message)
    past = tuple(history)
    label = _group_label(message) if is_group else f"{facts.handle} id:{facts.sender}"
    quote = _quote(reply_to) if reply_to is not None and policy.quotes_in_body else ""
    return Context(
        message=message,
        body=_with_history(envelope(label, timestamp_ms, text + _note(refused) + quote), past, label),
        text=text,
        chat_type=ChatType.GROUP if is_group else ChatType.DIRECT,
        from_=f"group:{message.chat_id}" if is_group else f"{CHANNEL}:{facts.sender}",
        to=format_chat_target(message.chat_id) or f"{CHANNEL}:{facts.sender}",
        target=reply_target(message, facts.sender),
        sender=facts.sender,
        handle=facts.handle,
        session_key=session_key(message, is_group=is_group, scope=policy.config.session_scope),
        last_route=last_route(message, sender=facts.sender, is_group=is_group),
        message_id=str(message.rowid) if message.rowid else None,
        timestamp_ms=timestamp_ms,
        group_subject=message.chat_name if is_group else None,
        group_members=", ".join(filter(None, message.participants)) if is_group else None,
        attachment=chosen,
        attachments=files,
        refused_attachments=refused,
        was_mentioned=decision.was_mentioned,
        command_authorized=decision.command_authorized,
        reply_to=reply_to,
        history=past,
        group=_group_settings(message, policy) if is_group else {},
    )


def _admitted(attachments: tuple[Attachment, ...], roots: tuple[str, ...]) -> tuple[tuple[Attachment, ...], int]:
    """Return the attachments a handler may open, and how many lie where none may."""
    if not roots:
        return attachments, 0
    admitted = tuple(each for each in attachments if not each.path or is_inside(each.path, roots))
    return admitted, len(attachments) - len(admitted)


def _note(refused: int) -> str:
    if not refused:
        return ""
    return f"\n[imessage {'attachment' if refused == 1 else f'{refused} attachments'} unavailable]"


def epoch_ms(message: Message) -> int | None:
    """Return the date of a message in Unix milliseconds, cut."""
    return None if message.created_at is None else to_us(message.created_at) // 1000


def _group_settings(message: Message, policy: Policy) -> dict[str, Any]:
    group = policy.groups.get(str(message.chat_id)) or policy.groups.get("*")
    return {} if group is None else group.extra


def _reply_context(message: Message) -> ReplyContext | None:
    if not trim(message.reply_to_text or ""):
        return None
    quoted = message.thread_originator_guid or message.reply_to_guid
    return ReplyContext(message.reply_to_text or "", quoted, message.reply_to_sender)


def _quote(reply_to: ReplyContext) -> str:
    name = reply_to.sender or "unknown sender"
    number = f" id:{reply_to.id}" if reply_to.id else ""
    return f"\n\n[Replying to {name}{number}]\n{reply_to.text}\n[/Replying]"


def _group_label(message: Message) -> str:
    return f"{message.chat_name or UNNAMED_GROUP} id:{message.chat_id}"


def _with_history(body: str, history: tuple[HistoryEntry, ...], label: str) -> str:
    if not history:
        return body
    lines = [
        envelope(
            label,
            entry.timestamp_ms,
            f"{entry.sender}: {entry.text}{f' [id:{entry.message_id}]' if entry.message_id else ''}",
        )
        for entry in history
    ]
    return "\n".join([_HISTORY_BEFORE, *lines, "", _HISTORY_AFTER, body])


def envelope(label: str | None, timestamp_ms: float | None, body: str, *, surface: str = SURFACE) -> str:
    """Return ``[<surface> <label> <minute>] <body>``; a blank label and a missing or zero time leave no trace.

    Parameters
    ----------
    label
        Who or what chat it is from.
    timestamp_ms
        Unix milliseconds; shown in UTC, cut to the minute.
    body
        The text, as it is.
    surface
        Where it comes from.
    """
    parts = [trim(surface), trim(label or ""), _minute(timestamp_ms)]
    return f"[{' '.join(part for part in parts if part)}] {body}"


def _minute(timestamp_ms: float | None) -> str:
    if not timestamp_ms:
        return ""
    try:
        instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=timestamp_ms)
    except (OverflowError, ValueError):
        return ""
    return f"{instant.year:04d}-{instant:%m-%dT%H:%M}Z"  # %Y does not fill up years before 1000
