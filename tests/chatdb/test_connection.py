"""Opening: every way a file can refuse, and what the error says."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.chatdb import connection as opening
from imsg_sdk.chatdb.reader import ChatDb
from imsg_sdk.errors import DatabaseUnavailable, PermissionDenied

NOBODY = 65534
needs_another_user = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody with fewer rights"
)


def refusal(path: Path) -> DatabaseUnavailable | PermissionDenied:
    with pytest.raises((DatabaseUnavailable, PermissionDenied)) as failure:
        ChatDb.open(path)
    assert failure.value.hint
    return failure.value


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "there is no file" in refusal(tmp_path / "chat.db").message
    assert "there is no file" in refusal(tmp_path / "nul\0").message
    assert not list(tmp_path.iterdir())


def test_a_folder_is_told_from_a_file(tmp_path: Path) -> None:
    failure = refusal(tmp_path)
    assert "is a folder" in failure.message
    assert "chat.db" in failure.hint


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    """Opening it would wait for whoever writes into it."""
    path = tmp_path / "chat.db"
    os.mkfifo(path)
    assert "no regular file" in refusal(path).message


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\1" * 84])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "chat.db"
    path.write_bytes(content)
    assert isinstance(refusal(path), DatabaseUnavailable)


def test_a_database_without_messages_is_refused(tmp_path: Path, make_db: Any) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    assert "no table message" in refusal(empty).message
    assert "no column date" in refusal(make_db(message="ROWID INTEGER PRIMARY KEY, guid TEXT").path).message


def test_a_database_cut_short_is_refused(tmp_path: Path, db: Any) -> None:
    for _ in range(300):
        db.message(text="x" * 300)
    cut = tmp_path / "cut.db"
    content = db.path.read_bytes()
    cut.write_bytes(content[: len(content) // 3])
    with pytest.raises(DatabaseUnavailable) as failure, ChatDb.open(cut) as reader:
        list(reader.read("messages"))
    assert "damaged" in failure.value.message


def test_a_locked_database_is_refused_after_a_while(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_S", 0.05)
    db.sql.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.sql.execute("BEGIN EXCLUSIVE")
    assert "locked" in refusal(db.path).message
    db.sql.execute("COMMIT")


@pytest.mark.parametrize("name", ["50%.db", "a?b.db", "a#b.db", "räum ☂.db", "a&mode=rwc.db"])
def test_any_file_name_opens_that_file(tmp_path: Path, db: Any, name: str) -> None:
    db.message(text="x")
    shutil.copy(db.path, tmp_path / name)
    with ChatDb.open(tmp_path / name) as reader:
        assert sum(batch.rows for batch in reader.read("messages")) == 1
    assert not (tmp_path / "a").exists()


def test_rows_in_the_log_are_read_and_nothing_is_written(db: Any) -> None:
    db.sql.execute("PRAGMA journal_mode = WAL")
    db.message(text="in the log")
    before = db.path.read_bytes()
    with ChatDb.open(db.path) as reader:
        assert sum(batch.rows for batch in reader.read("messages")) == 1
        with pytest.raises(DatabaseUnavailable):
            reader._connection.rows("DELETE FROM message")
    assert db.path.read_bytes() == before


def test_errors_repeat_no_text_of_messages(db: Any) -> None:
    with ChatDb.open(db.path) as reader, pytest.raises(DatabaseUnavailable) as failure:
        reader._connection.rows("SELECT 'a secret' FROM nowhere")
    assert "secret" not in str(failure.value)


def test_a_reading_left_unfinished_may_outlive_the_file(db: Any) -> None:
    db.message(text="x")
    with ChatDb.open(db.path) as reader:
        batches = reader.read_tables(["chats", "messages"])
        next(batches)
    reader.close()
    batches.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Yield a folder every user may look into; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Run a block as a user without rights."""
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def count_as_nobody(path: Path) -> int:
    with as_nobody(), ChatDb.open(path) as reader:
        return sum(batch.rows for batch in reader.read("messages"))


@needs_another_user
def test_a_file_one_may_not_read_is_a_permission(open_folder: Path, db: Any) -> None:
    copy = Path(shutil.copy(db.path, open_folder / "chat.db"))
    copy.chmod(0o600)
    with as_nobody():
        assert isinstance(refusal(copy), PermissionDenied)
    inner = open_folder / "closed"
    inner.mkdir(mode=0o700)
    shutil.copy(db.path, inner / "chat.db")
    with as_nobody():
        assert isinstance(refusal(inner / "chat.db"), PermissionDenied)


@needs_another_user
def test_a_read_only_folder_does_not_matter_with_or_without_a_log(open_folder: Path, db: Any) -> None:
    db.sql.execute("PRAGMA journal_mode = WAL")
    db.message(text="one")
    db.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    target = open_folder / "chat.db"
    shutil.copy(db.path, target)
    target.chmod(0o644)
    assert count_as_nobody(target) == 1
    db.message(text="two")
    for suffix in ("", "-wal"):
        shutil.copy(f"{db.path}{suffix}", f"{target}{suffix}")
        Path(f"{target}{suffix}").chmod(0o644)
    assert count_as_nobody(target) == 2


def test_the_golden_databases_open_where_they_lie(golden: Path) -> None:
    for path in sorted(golden.glob("*.db")):
        with ChatDb.open(path) as reader:
            assert sum(batch.rows for batch in reader.read("messages")) > 0


def test_reading_goes_on_where_the_schema_is_that_of_sqlite_alone(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE message (ROWID INTEGER PRIMARY KEY, guid STRING, date INTEGER, is_from_me INTEGER)")
        raw.execute("INSERT INTO message VALUES (1, '12345', 0, 0)")
    raw.close()
    with ChatDb.open(path) as reader:
        assert [batch.rows for batch in reader.read("messages")] == [0]
        assert reader.columns_of([1])[1]["guid"] == "12345"
        assert [batch.rows for batch in reader.read("chats")] == [0]
