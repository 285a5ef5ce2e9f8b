"""Link previews: one send of a link can make two rows, a text and its preview.  Pure.

The rule is the one of `imsg` 0.11.1 and later, so that both count the same messages: a preview folds into
the last other row of its chat before it, if that is the text it was made from.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

__all__ = ["URL_BALLOON", "Candidate", "Run", "folds", "runs_of"]

URL_BALLOON: Final = "com.apple.messages.URLBalloonProvider"
_WITHIN_US: Final = 5_000_000
_SCHEMES: Final = ("http://", "https://", "www.")


class Candidate(NamedTuple):
    """What folding looks at: a text row or a preview row."""

    rowid: int
    guid: str | None
    has_balloon: bool
    is_from_me: bool
    sender: str | None
    handle_id: int | None
    created_at: int | None
    text: str | None


class Run(NamedTuple):
    """The previews that follow one row of a chat with nothing but tapbacks between."""

    text_rowid: int
    previews: list[int]


def runs_of(
    chats: Sequence[int], messages: Sequence[int], previews: Iterable[int], tapbacks: Container[int]
) -> list[Run]:
    """Find the runs of previews in the links of messages to chats, ordered by both.

    `previews` are positions in the links, ascending: previews are few, so each looks back for its text
    instead of all links being walked.
    """
    runs: list[Run] = []
    run: Run | None = None
    last = -1
    for at in previews:
        before = at - 1
        while before > last and chats[before] == chats[at] and messages[before] in tapbacks:
            before -= 1
        if before < 0 or chats[before] != chats[at]:
            run = None
        elif before > last:
            run = Run(int(messages[before]), [])
            runs.append(run)
        # Else the preview before this one is all that stands between: its run goes on.
        if run is not None:
            run.previews.append(int(messages[at]))
        last = at
    return runs


def folds(run: Run, rows: Mapping[int, Candidate]) -> list[int]:
    """Return the previews of a run that fold into its text; one that does not fit cuts off the later ones."""
    text = rows.get(run.text_rowid)
    if text is None or text.has_balloon or not text.text:
        return []
    folded = []
    for rowid in run.previews:
        if not _fits(rows[rowid], text):
            break
        folded.append(rowid)
    return folded


def _fits(preview: Candidate, text: Candidate) -> bool:
    if preview.is_from_me != text.is_from_me or preview.sender != text.sender:
        return False
    if None not in (preview.handle_id, text.handle_id) and preview.handle_id != text.handle_id:
        return False
    if preview.created_at is None or text.created_at is None:
        return False
    if not 0 <= preview.created_at - text.created_at <= _WITHIN_US:
        return False
    link = (preview.text or "").strip().casefold()
    if not link.startswith(_SCHEMES):
        return False
    whole = (text.text or "").casefold()
    return link in whole or link.strip("/") in whole
