"""Why a message is not answered: every reason there is, what the log says, and which setting would change it.

No reason, text or remedy holds what people wrote.  Pure.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["Reason", "log_text", "remedy"]


class Reason(StrEnum):
    """Why a message was not dispatched; the values are what journal and frames hold."""

    MALFORMED = "malformed"
    """A field has a type that no program sends."""
    DUPLICATE = "duplicate"
    """Reported before."""
    COALESCED = "coalesced"
    """Merged into a later message of the same person."""
    NO_SENDER = "no_sender"
    FROM_ME = "from_me"
    REACTION = "reaction"
    """A tapback, which is an event and never a message."""
    ECHO = "echo"
    """Something the gateway sent, coming back."""
    STALE = "stale"
    """Older than the age limit."""
    GROUP_WITHOUT_CHAT_ID = "group_without_chat_id"
    GROUP_POLICY_DISABLED = "group_policy_disabled"
    GROUP_ALLOWLIST_EMPTY = "group_allowlist_empty"
    GROUP_SENDER_NOT_ALLOWED = "group_sender_not_allowed"
    GROUP_NOT_LISTED = "group_not_listed"
    DM_POLICY_DISABLED = "dm_policy_disabled"
    DM_NOT_ALLOWED = "dm_not_allowed"
    PAIRING = "pairing"
    """An unknown sender, to whom a pairing code may be offered."""
    COMMAND_UNAUTHORIZED = "command_unauthorized"
    NO_MENTION = "no_mention"
    EMPTY = "empty"
    """Neither text nor attachment."""
    LOOP = "loop"
    """The loop breaker is open for this chat."""
    RATE_LIMITED = "rate_limited"
    ERASED = "erased"
    """Its person was erased before it was handled."""


_LOG_TEXTS: Final = {
    Reason.GROUP_POLICY_DISABLED: "Blocked iMessage group message (groupPolicy: disabled)",
    Reason.GROUP_ALLOWLIST_EMPTY: "Blocked iMessage group message (groupPolicy: allowlist, no groupAllowFrom)",
    Reason.GROUP_SENDER_NOT_ALLOWED: "Blocked iMessage sender {sender} (not in groupAllowFrom)",
    Reason.GROUP_NOT_LISTED: "imessage: skipping group message ({chat_id}) not in allowlist",
    Reason.DM_NOT_ALLOWED: "Blocked iMessage sender {sender} (not in allowFrom)",
    Reason.DM_POLICY_DISABLED: "Blocked iMessage sender {sender} (dmPolicy=disabled)",
    Reason.PAIRING: "Blocked iMessage sender {sender} (dmPolicy=pairing)",
    Reason.COMMAND_UNAUTHORIZED: "imessage: drop control command (unauthorized) target={sender}",
    Reason.NO_MENTION: "imessage: skipping group message (no mention)",
    Reason.STALE: "imessage: suppressed stale inbound message",
    Reason.ECHO: "imessage: skipping echo of a sent message",
    Reason.LOOP: "imessage: suppressed by the loop breaker (chat {chat_id})",
    Reason.RATE_LIMITED: "imessage: too many messages (chat {chat_id})",
}

_REMEDIES: Final = {
    Reason.GROUP_WITHOUT_CHAT_ID: "none: the program did not say which chat the message is in",
    Reason.GROUP_POLICY_DISABLED: 'set imessage.groupPolicy to "allowlist" or "open"',
    Reason.GROUP_ALLOWLIST_EMPTY: 'add the sender or "chat_id:{chat_id}" to imessage.groupAllowFrom',
    Reason.GROUP_SENDER_NOT_ALLOWED: 'add the sender or "chat_id:{chat_id}" to imessage.groupAllowFrom',
    Reason.GROUP_NOT_LISTED: 'add "{chat_id}": {{}} to imessage.groups',
    Reason.DM_POLICY_DISABLED: 'set imessage.dmPolicy to "allowlist"',
    Reason.DM_NOT_ALLOWED: 'add the sender or "chat_id:{chat_id}" to imessage.allowFrom',
    Reason.PAIRING: "approve the sender's pairing code, or add the sender to imessage.allowFrom",
    Reason.COMMAND_UNAUTHORIZED: "add the sender to imessage.groupAllowFrom, or leave commands.useAccessGroups out",
    Reason.NO_MENTION: 'set requireMention to false in imessage.groups."{chat_id}"',
}


def log_text(reason: Reason, *, sender: str = "", chat_id: int | None = None) -> str | None:
    """Return the line the reference logs for a drop, None where it says nothing.

    `sender` is put in as it is given: give the redacted form to what writes logs.
    """
    template = _LOG_TEXTS.get(reason)
    return template and template.format(sender=sender, chat_id=chat_id)


def remedy(reason: Reason, *, chat_id: int | None = None) -> str | None:
    """Return which setting would admit such a message, None where no setting does."""
    template = _REMEDIES.get(reason)
    if template and not chat_id:
        template = template.replace(' or "chat_id:{chat_id}"', "")
    return template and template.format(chat_id=chat_id)
