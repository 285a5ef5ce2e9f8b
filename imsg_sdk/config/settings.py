"""The shape of the settings: enums and frozen structs with their defaults.  Data only."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from imsg_sdk.addressing import AllowEntry, Service


class GroupPolicy(StrEnum):
    """Who may speak to the gateway in groups."""

    OPEN = "open"
    DISABLED = "disabled"
    ALLOWLIST = "allowlist"


class DmPolicy(StrEnum):
    """Who may speak to the gateway in direct messages."""

    PAIRING = "pairing"
    ALLOWLIST = "allowlist"
    OPEN = "open"
    DISABLED = "disabled"


class ChunkMode(StrEnum):
    """Where long replies are cut."""

    LENGTH = "length"
    NEWLINE = "newline"


class ReactionMode(StrEnum):
    """Which tapbacks the gateway reports."""

    OFF = "off"
    OWN = "own"
    ALL = "all"


class SendTransport(StrEnum):
    """How the program sends."""

    AUTO = "auto"
    BRIDGE = "bridge"
    APPLESCRIPT = "applescript"


class SessionScope(StrEnum):
    """What one conversation is."""

    PER_SENDER = "per-sender"
    GLOBAL = "global"


class Durability(StrEnum):
    """What the journal of a gateway survives."""

    NORMAL = "normal"
    """The end of the process, however it comes."""
    FULL = "full"
    """Also power loss, at the price of a disk sync per step."""


class ClientConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How a client finds, starts and waits for the program; fields as in the table of keys."""

    cli_path: str = "imsg"
    db_path: str | None = None
    region: str = "US"
    service: Service = Service.AUTO
    remote_host: str | None = None
    startup_timeout_s: float = 15.0
    read_timeout_s: float = 60.0
    send_timeout_s: float = 180.0
    settle_timeout_s: float = 5.0
    close_timeout_s: float = 5.0
    max_line_bytes: int = 256 * 1024 * 1024


class GroupConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one group.  ``extra`` keeps what is passed on to handlers."""

    require_mention: bool | None = None
    extra: dict[str, Any] = {}


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a gateway answers, and how; fields as in the table of keys."""

    enabled: bool = True
    name: str | None = None
    dm_policy: DmPolicy = DmPolicy.ALLOWLIST
    allow_from: tuple[AllowEntry, ...] = ()
    group_policy: GroupPolicy = GroupPolicy.ALLOWLIST
    group_allow_from: tuple[AllowEntry, ...] | None = None
    groups: dict[str, GroupConfig] | None = None
    mention_patterns: tuple[str, ...] | None = None
    identity_name: str | None = None
    include_attachments: bool = False
    media_max_mb: float = 16
    attachment_roots: tuple[str, ...] = ()
    remote_attachment_roots: tuple[str, ...] = ()
    text_chunk_limit: int = 4000
    chunk_mode: ChunkMode = ChunkMode.LENGTH
    response_prefix: str | None = None
    history_limit: int = 0
    reaction_notifications: ReactionMode = ReactionMode.OFF
    send_transport: SendTransport | None = None
    send_read_receipts: bool | None = None
    debounce_ms: int = 0
    session_scope: SessionScope = SessionScope.PER_SENDER
    use_access_groups: bool | None = None
    send_typing: bool = False
    handler_timeout_s: float = 120.0
    handler_threads: int = 8
    queued_messages: int = 1000
    queued_per_chat: int = 100
    burst: int = 20
    per_minute: float = 30.0
    loop_echoes: int = 5
    max_age_s: float = 15 * 60.0
    max_replayed_age_s: float = 2 * 60 * 60.0
    keep_text_days: float = 7.0
    durability: Durability = Durability.NORMAL
