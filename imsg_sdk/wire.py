"""Objects as they travel: the keys of ``imsg rpc``, exactly, and nothing else.

The server encodes these structs, the client decodes them.  A key that is absent on the wire is
``UNSET`` here.  Turning them into records is the client's business (:mod:`imsg_sdk.client.records`).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

__all__ = ["WireAttachment", "WireChat", "WireMessage", "WireReaction"]

Text = str | UnsetType
Flag = bool | UnsetType
Number = int | UnsetType


class Wire(msgspec.Struct, kw_only=True, gc=False):
    """Base of what travels."""


class WireReaction(Wire, kw_only=True, gc=False):
    """An element of ``reactions``."""

    id: int
    type: str
    emoji: str
    sender: str
    is_from_me: bool
    created_at: str
    sender_name: Text = UNSET


class WireAttachment(Wire, kw_only=True, gc=False):
    """An element of ``attachments``."""

    filename: str
    transfer_name: str
    uti: str
    mime_type: str
    total_bytes: int
    is_sticker: bool
    original_path: str
    missing: bool
    converted_path: Text = UNSET
    converted_mime_type: Text = UNSET
    x: dict[str, Any] | UnsetType = UNSET


class WireUrlPreview(Wire, kw_only=True, gc=False):
    """The link preview row folded into a message."""

    id: int
    guid: str
    balloon_bundle_id: str
    created_at: str


class WireMessage(Wire, kw_only=True, gc=False):
    """A message object."""

    id: int
    chat_id: int
    guid: str
    sender: str
    is_from_me: bool
    text: str
    created_at: str
    attachments: list[WireAttachment]
    reactions: list[WireReaction]
    chat_identifier: str
    chat_guid: str
    chat_name: str
    participants: list[str]
    is_group: bool
    sender_name: Text = UNSET
    reply_to_guid: Text = UNSET
    thread_originator_guid: Text = UNSET
    thread_originator_part: Text = UNSET
    reply_to_text: Text = UNSET
    reply_to_sender: Text = UNSET
    destination_caller_id: Text = UNSET
    balloon_bundle_id: Text = UNSET
    url_preview: WireUrlPreview | UnsetType = UNSET
    poll: dict[str, Any] | UnsetType = UNSET
    is_read: Flag = UNSET
    date_read: Text = UNSET
    is_reaction: Flag = UNSET
    reaction_type: Text = UNSET
    reaction_emoji: Text = UNSET
    is_reaction_add: Flag = UNSET
    reacted_to_guid: Text = UNSET
    x: dict[str, Any] | UnsetType = UNSET
    """Ours, with ``--extended`` only: columns of the one schema that the keys above cannot say."""


class WireChat(Wire, kw_only=True, gc=False):
    """A chat object."""

    id: int
    identifier: str
    name: str
    service: str
    last_message_at: str
    participants: list[str]
    is_group: bool
    guid: Text = UNSET
    display_name: Text = UNSET
    contact_name: Text = UNSET
    account_id: Text = UNSET
    account_login: Text = UNSET
    last_addressed_handle: Text = UNSET
    unread_count: Number = UNSET
    x: dict[str, Any] | UnsetType = UNSET
