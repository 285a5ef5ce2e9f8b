"""Long replies cut into texts that fit one message: :mod:`imsg_sdk.chunking`, which the client uses too."""

from __future__ import annotations

from imsg_sdk.chunking import DEFAULT_LIMIT, chunk

__all__ = ["DEFAULT_LIMIT", "chunk"]
