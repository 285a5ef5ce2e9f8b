"""Where the home is, for the paths that a caller or the database gives."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["expand_home", "home"]


def home() -> str:
    """Return the home that the real program would take: that of CoreFoundation, if set, else the user's."""
    return os.environ.get("CFFIXED_USER_HOME") or os.environ.get("HOME") or str(Path.home())


def expand_home(path: str, to: str | None = None) -> str:
    """Replace a leading ``~`` with `to`, or `home`; any other path stays as it is, relative ones too."""
    if path != "~" and not path.startswith("~/"):
        return path
    return (home() if to is None else to).rstrip("/") + path[1:]
