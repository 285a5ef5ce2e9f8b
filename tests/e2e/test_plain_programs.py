"""What a program that is not ours leaves out or says otherwise: every difference counted and explained.

The truth is what :func:`read_chat_db` finds in the file.  Against it stand the frames that a client makes of
our server without ``--extended``, which says what imsg 0.14.1 (v1) or 0.13.1 (legacy) says.
"""

from __future__ import annotations

import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from imsg_sdk import IMessageClient, read_chat_db
from imsg_sdk.columns import MESSAGES

NEVER_SENT = {
    *("kind", "text_repaired", "subject", "service", "effect", "is_audio", "is_spam", "is_scheduled", "deleted_at"),
    *("send_state", "send_error", "delivered_at", "is_edited", "edited_at", "is_unsent", "unsent_at"),
    *("event", "event_person", "event_title"),
}
"""Columns of which no program says a word; links and polls alone show what kind of row they are."""

ROWS = {
    "sequoia": {"a sticker of old systems is a row of its own": 1},
    "monterey": {"a sticker of old systems is a row of its own": 1},
    "minimal": {},
    "awkward": {"a sticker of old systems is a row of its own": 1},
}
TEXTS = {
    "sequoia": {"a byte of the length stays in front of a long text": 3, "an empty text is not told from none": 1},
    "monterey": {"a byte of the length stays in front of a long text": 1, "an empty text is not told from none": 1},
    "minimal": {"an empty text is not told from none": 1},
    "awkward": {
        "a byte of the length stays in front of a long text": 1,
        "an empty text is not told from none": 1,
        "a text ends at NUL": 1,
        "a body that is none is shown as it is": 2,
    },
}
REACTIONS = {
    "sequoia": {"on a balloon": 25, "a sticker": 2, "replaced by a newer one": 4},
    "monterey": {"on a balloon": 24, "a sticker": 2, "replaced by a newer one": 3},
    "minimal": {},
    "awkward": {"on a balloon": 6, "a sticker": 2, "taken back on a balloon": 1},
}


class Case(NamedTuple):
    """One cell on which the two disagree, and the row as it is stored."""

    truth: Any
    plain: Any
    stored: dict[str, Any]


Rule = tuple[str, Callable[[Case], bool]]

TEXT_RULES: tuple[Rule, ...] = (
    ("an empty text is not told from none", lambda case: case.truth == "" and case.plain is None),
    (
        "a byte of the length stays in front of a long text",
        lambda case: (
            case.plain is not None
            and case.plain[1:] == case.truth
            and len((case.truth or "").encode()) >= 8192
            and not case.stored["text"]
        ),
    ),
    ("a text ends at NUL", lambda case: "\0" in (case.truth or "") and case.plain == case.truth.split("\0")[0]),
    (
        "a body that is none is shown as it is",
        lambda case: case.truth is None and not case.stored["text"] and case.stored["attributedBody"] is not None,
    ),
)


def is_rounded(case: Case) -> bool:
    """The wire has milliseconds."""
    return case.plain is not None and case.truth is not None and abs(case.plain - case.truth) <= pd.Timedelta("1ms")


def is_small(case: Case, column: str) -> bool:
    """Seconds of the oldest systems are taken for nanoseconds, nothing for the beginning of 2001, text for either."""
    value = case.stored.get(column)
    return not isinstance(value, int) or abs(value) < 10**12


OTHER_RULES: dict[str, tuple[Rule, ...]] = {
    "sender": (
        (
            "the owner's own address stands in for an unknown sender",
            lambda case: case.truth is None and case.plain == case.stored["destination_caller_id"],
        ),
    ),
    "created_at": (
        ("milliseconds", is_rounded),
        ("seconds, none or text", lambda case: is_small(case, "date")),
    ),
    "is_read": (("only inbound rows say it", lambda case: case.plain is None and bool(case.stored["is_from_me"])),),
    "read_at": (
        ("milliseconds", is_rounded),
        ("only inbound rows say it", lambda case: case.plain is None and bool(case.stored["is_from_me"])),
        ("only a row that is read says it", lambda case: case.plain is None and not case.stored.get("is_read")),
        ("seconds", lambda case: is_small(case, "date_read")),
        ("a date before 2001 is none", lambda case: case.plain is None and case.stored["date_read"] < 0),
    ),
    "thread_originator_part": (
        ("the first part goes without saying", lambda case: case.plain is None and case.truth == 0),
    ),
    "n_reactions": (("explained by the reactions themselves", lambda _: True),),
}


class Pair(NamedTuple):
    """The same history as it is and as a plain program tells it."""

    truth: pd.DataFrame
    plain: pd.DataFrame
    true_reactions: pd.DataFrame
    plain_reactions: pd.DataFrame | None
    stored: dict[int, dict[str, Any]]


PAIRS = [*((name, "v1") for name in ROWS), ("minimal", "legacy"), ("awkward", "legacy")]
"""The dialects tell histories alike, as the recordings prove; a legacy one is read by a command per chat."""


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def pair(
    request: pytest.FixtureRequest, recorded: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Pair]:
    """Read one database both ways."""
    database, dialect = request.param
    path = tmp_path_factory.mktemp("plain") / f"{database}.db"
    path.write_bytes((recorded(database) / path.name).read_bytes())
    history = read_chat_db(path)
    program = [sys.executable, "-m", "imsg_sdk.server", "--dialect", dialect]
    with IMessageClient(cli_path=program, db_path=str(path)) as client:
        plain = client.messages(limit=None)
        reactions = client.reactions(limit=None) if dialect == "v1" else None
    truth = history.messages.set_index("rowid", drop=False)
    return database, Pair(truth, plain.set_index("rowid", drop=False), history.reactions, reactions, stored_rows(path))


def stored_rows(path: Path) -> dict[int, dict[str, Any]]:
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    rows = {row["id"]: dict(row) for row in connection.execute("SELECT ROWID AS id, * FROM message")}
    connection.close()
    return rows


def cases(pair: Pair, column: str) -> Iterator[Case]:
    """Yield the cells of a column on which both have a row and disagree."""
    common = pair.truth.index.intersection(pair.plain.index)
    truth, plain = (frame.loc[common, column].astype(object) for frame in (pair.truth, pair.plain))
    for rowid, true, said in zip(common, truth, plain, strict=True):
        one, other = (None if not isinstance(value, tuple) and pd.isna(value) else value for value in (true, said))
        if one != other:
            yield Case(one, other, pair.stored[rowid])


def explain(found: Iterator[Case], rules: tuple[Rule, ...]) -> Counter[str]:
    """Count cases by the first reason that fits; one without a reason fails."""
    counts: Counter[str] = Counter()
    for case in found:
        reason = next((reason for reason, fits in rules if fits(case)), None)
        assert reason is not None, f"unexplained: {case.truth!r:.80} is told as {case.plain!r:.80}"
        counts[reason] += 1
    return counts


def test_every_row_that_differs_has_a_reason(pair: tuple[str, Pair]) -> None:
    database, both = pair
    counts: Counter[str] = Counter()
    assert both.plain.index.is_unique
    assert list(both.truth.index.difference(both.plain.index)) == []
    for rowid in both.plain.index.difference(both.truth.index):
        assert both.stored[rowid]["associated_message_type"] == 1000
        counts["a sticker of old systems is a row of its own"] += 1
    assert counts == ROWS[database]


def test_every_text_that_differs_has_a_reason(pair: tuple[str, Pair]) -> None:
    database, both = pair
    assert explain(cases(both, "text"), TEXT_RULES) == TEXTS[database]


@pytest.mark.parametrize("column", [name for name in MESSAGES.names if name not in {"rowid", "text"}])
def test_every_other_cell_that_differs_has_a_reason(pair: tuple[str, Pair], column: str) -> None:
    _, both = pair
    said = both.plain[column]
    if column in NEVER_SENT:
        # Not sent is NA, never a guess; a link or a poll shows itself.
        said = said[~said.isin(["link", "poll", "poll_vote", "app"])] if column == "kind" else said
        assert said.isna().all()
    elif not said.isna().all():
        explain(cases(both, column), OTHER_RULES.get(column, ()))


def test_every_reaction_that_differs_has_a_reason(pair: tuple[str, Pair]) -> None:
    database, both = pair
    if both.plain_reactions is None:
        pytest.skip("proven with the other dialect, which tells them alike")
    counts: Counter[str] = Counter()
    keys = ["message_rowid", "rowid"]
    merged = both.true_reactions.merge(both.plain_reactions, on=keys, how="outer", indicator="side")
    for row in merged[merged["side"] != "both"].itertuples():
        tapback = both.stored[row.rowid]
        if row.side == "right_only":
            counts[why_gone(both, tapback)] += 1
        elif tapback["associated_message_type"] in (1000, 2007):
            counts["a sticker"] += 1
        else:
            assert tapback["associated_message_guid"].startswith("bp:")
            counts["on a balloon"] += 1
    assert counts == REACTIONS[database]
    shared = merged[merged["side"] == "both"]
    for column in ("type", "emoji", "is_from_me"):
        assert (shared[f"{column}_x"].astype(object) == shared[f"{column}_y"].astype(object)).all()


def why_gone(both: Pair, tapback: dict[str, Any]) -> str:
    """Say why a tapback stands no longer: a person has one on a part, and the newest row decides."""
    target = tapback["associated_message_guid"].rpartition("/")[2]
    person = (bool(tapback["is_from_me"]), tapback["is_from_me"] or tapback["handle_id"])
    newest = max(
        (
            row
            for row in both.stored.values()
            if (row["associated_message_guid"] or "").endswith(target)
            and 2000 <= row["associated_message_type"] <= 3006
            and (bool(row["is_from_me"]), row["is_from_me"] or row["handle_id"]) == person
        ),
        key=lambda row: (row["date"], row["id"]),
    )
    assert newest["id"] != tapback["id"]
    if newest["associated_message_type"] < 3000:
        return "replaced by a newer one"
    assert newest["associated_message_guid"].startswith("bp:")
    return "taken back on a balloon"
