"""Small results that are not messages or chats."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from imsg_sdk.wire import Text, WireMessage

__all__ = ["AfterPage", "ChatTarget", "Group", "PollFacts"]


class AfterPage(msgspec.Struct, gc=False):
    """The result of ``messages.after``."""

    messages: list[WireMessage]
    next_rowid: int
    has_more: bool


class Group(msgspec.Struct, kw_only=True, gc=False):
    """The result of the command ``group``."""

    id: int
    identifier: str
    guid: str
    name: str
    service: str
    is_group: bool
    participants: list[str]
    account_id: Text = UNSET
    account_login: Text = UNSET
    last_addressed_handle: Text = UNSET


class ChatTarget(msgspec.Struct, frozen=True, gc=False):
    """How a chat is addressed; a text the database lacks is empty."""

    chat_id: int
    identifier: str
    guid: str
    service: str


class PollFacts(msgspec.Struct, frozen=True):
    """What a vote is checked against."""

    guid: str
    options: tuple[tuple[str, str], ...]
    """Pairs of option id and text."""
    selected: tuple[str, ...]
    """Option ids of the owner's newest vote."""
