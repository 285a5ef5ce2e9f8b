"""Where the home is, for the paths that a caller or the database gives."""

from __future__ import annotations

import os

__all__ = ["expand_home", "home"]


def home() -> str:
    """Return the home that the real program would take."""
    return os.environ.get("CFFIXED_USER_HOME") or os.environ.get("HOME") or "/"


def expand_home(path: str) -> str:
    """Replace a leading ``~``; any other path stays as it is, relative ones too."""
    return home() + path[1:] if path == "~" or path.startswith("~/") else path
