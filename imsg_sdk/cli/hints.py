"""Remedies in words of the command line: the errors come from Python and speak of its names."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["in_words_of_the_shell"]

_WORDS: Final = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"\bread_chat_db\(path, tables=\"chats\"\)\.chats\b", "`imsg-sdk chats`"),
        (
            r"\b(read (?:a|the) file|read the database) (with|through) IMessageClient\.from_chat_db.*",
            r"\1 \2 --db PATH",
        ),
        (r"send_many\(\) takes a table, create_chat\(\) makes a group", "`imsg-sdk send-many` takes a list"),
        (
            r"\bname yours: send_many\(frame, target='phone', text='message'\)",
            "name yours: --target phone --text message; commas, semicolons or tabs separate them",
        ),
        (
            r"\bgive the cursor of a watch unchanged, a rowid, an aware datetime or an age such as '7d'",
            "give a cursor as --json printed it, whole",
        ),
        (r"\bgive since= a rowid, a time, or None for the present", "begin with --since, --since-rowid, or now"),
        (r", or at send_status\(\),", ""),
        (r"\berror\.__cause__\.data says (?:why it failed|how)\b", "--debug shows more"),
        (r"\bIMessageClient\.sandbox\(\) has a make-believe one", "--sandbox has a make-believe one"),
        (r", then send its path with client\.call\('send', …\)", " and send it there"),
        (r"\bchats\(\)", "`imsg-sdk chats`"),
        (r"\bparticipants\(\)|\bthe table of participants\b", "`imsg-sdk export participants`"),
        (r"\bmessages\(\)", "`imsg-sdk export messages`"),
        (r"\b(?:doctor|probe)\(\)", "`imsg-sdk doctor`"),
        (r"\bcli_path\b", "--cli-path"),
        (r"\bdb_path\b", "--db"),
        (r"\blimit=None\b", "--limit all"),
        (r", or raise read_timeout_s\b", ""),
        (r"\braise startup_timeout_s\b", "raise probeTimeoutMs in the settings"),
        (r", or several at once as a list\b", ", or --chat several times"),
        (r"(?:see )?stderr_tail of this error(?: holds what it printed| says more)?(?:; )?", ""),
        (r"\berror\.data holds what the program said\b", "--debug shows more"),
    )
)
"""What stands in errors of Python, and what a person at a shell would write; in this order."""


def in_words_of_the_shell(text: str) -> str:
    """Return a remedy with names of the command line for those of Python."""
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    return text
