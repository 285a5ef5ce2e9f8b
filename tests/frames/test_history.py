"""A file becomes six frames that fit each other, without a child process."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from imsg_sdk import read_chat_db
from imsg_sdk.columns import TABLES
from imsg_sdk.errors import DatabaseUnavailable, UsageError
from imsg_sdk.frames import dtypes
from imsg_sdk.frames.history import History
from imsg_sdk.sandbox.history.generate import generate

GOLDEN = ["minimal.db", "monterey.db", "sequoia.db", "awkward.db"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small fictional history under a name that an URI must escape."""
    path = tmp_path_factory.mktemp("history") / "chat #1 100%?.db"
    generate(path, seed=3, messages=2000)
    return path


@pytest.fixture(scope="module")
def history(path: Path) -> History:
    """Return what the file holds."""
    return read_chat_db(path)


def test_every_frame_has_the_declared_dtypes(history: History) -> None:
    for name, table in TABLES.items():
        frame = getattr(history, name)
        assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == dtypes(table)
        assert isinstance(frame.index, pd.RangeIndex)


@pytest.mark.parametrize("name", GOLDEN)
def test_every_recorded_database_gives_the_same_dtypes(golden: Path, name: str) -> None:
    history = read_chat_db(golden / name)
    assert len(history.messages) > 0
    for table in TABLES.values():
        frame = getattr(history, table.name)
        assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == dtypes(table)


def test_messages_are_oldest_first_and_one_row_each(history: History) -> None:
    messages = history.messages
    assert messages["rowid"].is_unique
    assert messages["created_at"].dropna().is_monotonic_increasing
    assert len(messages) > 1000


def test_children_join_back_on_their_message(history: History) -> None:
    rowids = set(history.messages["rowid"])
    for name, count in (("reactions", "n_reactions"), ("attachments", "n_attachments")):
        children = getattr(history, name)
        assert set(children["message_rowid"]) <= rowids
        counted = history.messages.set_index("rowid")[count]
        found = children.groupby("message_rowid").size()
        assert counted[counted > 0].astype("int64").sort_index().to_dict() == found.to_dict()
    assert set(history.edits["message_rowid"]) <= rowids
    assert set(history.participants["chat_id"]) <= set(history.chats["chat_id"])


def test_only_the_tables_asked_for_are_read(path: Path, history: History) -> None:
    some = read_chat_db(path, tables=["chats", "messages"])
    assert_frame_equal(some.messages, history.messages)
    assert_frame_equal(some.chats, history.chats)
    with pytest.raises(UsageError, match="reactions"):
        _ = some.reactions


def test_an_unknown_table_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="calls"):
        read_chat_db(tmp_path / "nothing.db", tables=["calls"])


def test_a_choice_of_time_holds_for_messages_and_their_children(path: Path, history: History) -> None:
    days = history.messages["created_at"].dropna()
    since, until = days.iloc[len(days) // 3].to_pydatetime(), days.iloc[2 * len(days) // 3].to_pydatetime()
    some = read_chat_db(path, since=since, until=until.isoformat())
    inside = days[(days >= since) & (days < until)]
    assert some.messages["created_at"].tolist() == inside.tolist()
    assert set(some.reactions["message_rowid"]) <= set(some.messages["rowid"])
    theirs = history.reactions[history.reactions["message_rowid"].isin(some.messages["rowid"])]
    assert_frame_equal(some.reactions, theirs.reset_index(drop=True), check_categorical=False)


def test_a_limit_counts_from_the_newest(path: Path, history: History) -> None:
    some = read_chat_db(path, limit=10).messages
    assert some["rowid"].tolist() == history.messages["rowid"].tail(10).tolist()


def test_a_choice_that_nothing_meets_gives_empty_frames(path: Path) -> None:
    none = read_chat_db(path, since=datetime(9000, 1, 1, tzinfo=UTC))
    for name in ("messages", "reactions", "attachments", "edits"):
        frame = getattr(none, name)
        assert len(frame) == 0
        assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == dtypes(TABLES[name])


def test_a_time_without_a_zone_is_refused_with_its_name(path: Path) -> None:
    with pytest.raises(ValueError, match="until"):
        read_chat_db(path, until=datetime(2026, 1, 1))


def test_a_missing_file_has_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        read_chat_db(tmp_path / "nothing.db")


def test_reading_leaves_the_file_and_its_folder_alone(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "chat.db"
    shutil.copy(path, copy)
    before = copy.read_bytes()
    names = {each.name for each in tmp_path.iterdir()}
    read_chat_db(copy)
    assert copy.read_bytes() == before
    assert {each.name for each in tmp_path.iterdir()} - names <= {"chat.db-wal", "chat.db-shm"}


def test_a_repr_counts_and_shows_no_private_text(history: History) -> None:
    shown = repr(history) + history._repr_html_()
    assert f"{len(history.messages):,} messages" in repr(history)
    private = [*history.messages["text"].dropna().unique()[:200], *history.participants["handle"].unique()]
    assert not [text for text in private if len(text) > 5 and text in shown]


def test_a_history_cannot_be_changed(history: History) -> None:
    with pytest.raises(AttributeError):
        history.messages = history.reactions  # type: ignore[misc]


def test_the_repr_spans_what_was_said_and_not_what_waits_to_be_sent(tmp_path: Path) -> None:
    generate(tmp_path / "chat.db", messages=600)
    assert "2036" not in repr(read_chat_db(tmp_path / "chat.db"))
