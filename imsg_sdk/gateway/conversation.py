"""Which conversation a message belongs to, and where its answer goes.

The answer goes to the chat of the inbound row, always.  A sender is never read as a target.  Pure.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NewType

import msgspec

from imsg_sdk.addressing import Service, Target, format_chat_target
from imsg_sdk.config.settings import SessionScope
from imsg_sdk.models import Message
from imsg_sdk.text import trim

__all__ = ["CHANNEL", "ChatType", "LastRoute", "SessionKey", "lane_of", "last_route", "reply_target", "session_key"]

CHANNEL: Final = "imessage"
MAIN: Final = "main"

SessionKey = NewType("SessionKey", str)
"""Names what an agent remembers together."""


class ChatType(StrEnum):
    """What kind of chat it is, in the words of the reference."""

    DIRECT = "direct"
    GROUP = "group"


class LastRoute(msgspec.Struct, frozen=True):
    """Where a direct conversation was last heard of."""

    session: str
    channel: str
    to: str

    def to_dict(self) -> dict[str, str]:
        """Return the fields by name."""
        return {"session": self.session, "channel": self.channel, "to": self.to}

    def __repr__(self) -> str:
        return f"<LastRoute of session {self.session}>"


def session_key(message: Message, *, is_group: bool, scope: SessionScope = SessionScope.PER_SENDER) -> SessionKey:
    """Return the session a message belongs to: all direct messages share one, every group has its own."""
    if scope is SessionScope.GLOBAL:
        return SessionKey("global")
    return SessionKey(f"{CHANNEL}:group:{message.chat_id}" if is_group else MAIN)


def lane_of(message: Message) -> str:
    """Return the key of what is handled in order: the chat, or the sender where no chat is known."""
    return format_chat_target(message.chat_id) or f"{CHANNEL}:{trim(message.sender or '')}"


def last_route(message: Message, *, sender: str, is_group: bool) -> LastRoute | None:
    """Return where this direct message came from; groups have no such thing."""
    if is_group:
        return None
    return LastRoute(MAIN, CHANNEL, format_chat_target(message.chat_id) or sender)


def reply_target(message: Message, sender: str) -> Target:
    """Return where the answer goes: the chat of the message, and without one exactly its sender, over iMessage."""
    if message.chat_id:
        return Target(chat_id=message.chat_id)
    return Target(handle=sender, service=Service.IMESSAGE)
