"""What notebooks need and scripts do not."""

from __future__ import annotations

from imsg_sdk.notebook.nested import enable_nested_asyncio

__all__ = ["enable_nested_asyncio"]
