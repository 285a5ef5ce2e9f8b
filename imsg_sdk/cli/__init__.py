"""The command line: ``imsg-sdk``."""

from __future__ import annotations

from imsg_sdk.cli.app import build_parser, main

__all__ = ["build_parser", "main"]
