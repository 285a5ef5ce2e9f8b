"""Control commands: slash words that an authorised person may write without mentioning anybody.  Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from imsg_sdk.text import SPACE

__all__ = ["CONTROL_COMMANDS", "command_detector"]

CONTROL_COMMANDS: Final[tuple[str, ...]] = (
    "status", "help", "thinking", "think", "t", "verbose", "v", "elevated", "elev", "model", "queue", "activation",
    "send", "restart", "reset", "new", "compact",
)  # fmt: skip
"""The words the reference knows."""


def command_detector(words: Iterable[str] = CONTROL_COMMANDS) -> Callable[[str], bool]:
    """Return a function that tells whether a text holds one of the commands, anywhere, in any case.

    Before the slash stands the start of the text or a space, after the word its end, a space or a colon.
    """
    names = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    if not names:
        return lambda text: False
    # ASCII, since JavaScript folds no other letter into an ASCII one: "ſ" is not "s".
    search = re.compile(f"(?:^|[{SPACE}])/(?:{names})(?=\\Z|[{SPACE}:])", re.IGNORECASE | re.ASCII).search

    def has_command(text: str) -> bool:
        return "/" in text and search(text) is not None

    return has_command
