"""Settings from JSON5, environment and keywords, strictly: a wrong key is an error with a path and a suggestion."""

from __future__ import annotations

from imsg_sdk.config.keys import KEYS, Key
from imsg_sdk.config.load import CONFIG_VARIABLE, ENVIRONMENT, Config, Setting, load_config
from imsg_sdk.config.settings import (
    ChunkMode,
    ClientConfig,
    DmPolicy,
    Durability,
    GatewayConfig,
    GroupConfig,
    GroupPolicy,
    ReactionMode,
    SendTransport,
    SessionScope,
)

__all__ = [
    "CONFIG_VARIABLE",
    "ENVIRONMENT",
    "KEYS",
    "ChunkMode",
    "ClientConfig",
    "Config",
    "DmPolicy",
    "Durability",
    "GatewayConfig",
    "GroupConfig",
    "GroupPolicy",
    "Key",
    "ReactionMode",
    "SendTransport",
    "SessionScope",
    "Setting",
    "load_config",
]
