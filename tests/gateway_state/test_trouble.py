"""A state that cannot be used is refused with the remedy, and what was kept before is not lost."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.errors import JournalError, UsageError
from imsg_sdk.gateway import Decision
from imsg_sdk.gateway.state import Journal, OutboxState, StateReader, state_folder
from imsg_sdk.models import Message

Row = Callable[..., Message]
Open = Callable[..., Journal]
HOLDER = Path(__file__).with_name("holder.py")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# The folder and its files.


def test_nobody_else_can_read_the_state(tmp_path: Path, clock: Any, row: Row) -> None:
    before = os.umask(0)
    try:
        folder = state_folder(tmp_path / "a" / "b")
        with Journal.open(folder, identity="1", clock=clock) as journal:
            journal.arrive([row(1)], "c")
            modes = {each.name: mode(each) for each in folder.iterdir()}
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert modes == dict.fromkeys(["gateway-default.db", "gateway-default.db-shm", "gateway-default.db-wal"], 0o600)


def test_a_folder_that_others_can_read_is_closed_to_them(open_journal: Open, folder: Path) -> None:
    open_journal().close()
    (folder / "gateway-default.db").chmod(0o644)
    folder.chmod(0o755)
    assert state_folder(folder) == folder
    open_journal()
    assert (mode(folder), mode(folder / "gateway-default.db")) == (0o700, 0o600)


def test_a_folder_with_other_things_is_not_taken_from_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "letter.txt").touch()
    with pytest.raises(JournalError, match="others can read") as caught:
        state_folder(tmp_path)
    assert "folder of its own" in caught.value.hint
    assert mode(tmp_path) == 0o755


def test_windows_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(UsageError, match="Unix"):
        state_folder(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(JournalError, match="cannot be used"):
            state_folder(path)


@pytest.fixture
def locked() -> Iterator[Path]:
    """Return a folder that may be read and not written, even where the tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = os.geteuid()
        if before == 0:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        try:
            folder.chmod(0o500)
            yield folder
        finally:
            folder.chmod(0o700)
            os.seteuid(before)


def test_a_folder_that_cannot_be_written_is_refused(locked: Path) -> None:
    with pytest.raises(JournalError, match="cannot be read and written") as caught:
        state_folder(locked)
    assert "chmod" in caught.value.hint
    with pytest.raises(JournalError, match="cannot be used"):
        state_folder(locked / "below")


def test_the_folder_may_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMSG_SDK_STATE_DIR", str(tmp_path / "named"))
    assert state_folder() == tmp_path / "named"
    monkeypatch.delenv("IMSG_SDK_STATE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home" / "state"))
    assert (tmp_path / "home") in state_folder().parents


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("elsewhere"), os.mkfifo])
def test_only_a_plain_file_is_opened(open_journal: Open, folder: Path, make: Callable[[Path], None]) -> None:
    make(folder / "gateway-default.db")
    with pytest.raises(JournalError, match=r"gateway-default\.db"):
        open_journal()


@pytest.mark.parametrize(("account", "name"), [("Default", "default"), ("../x y", "---x-y"), ("", "default")])
def test_no_account_leads_out_of_the_folder(open_journal: Open, folder: Path, account: str, name: str) -> None:
    open_journal(account=account)
    assert (folder / f"gateway-{name}.db").is_file()


# The file itself.


def test_a_state_belongs_to_one_database(open_journal: Open, row: Row) -> None:
    journal = open_journal()
    journal.arrive([row(1)], "c")
    journal.close()
    with pytest.raises(JournalError, match="another Messages database") as caught:
        open_journal(identity="database 2")
    assert "another state folder" in caught.value.hint
    assert "database 1" not in str(caught.value)
    assert open_journal().cursor == "c"


def test_a_start_that_came_to_nothing_binds_a_state_to_nothing(open_journal: Open) -> None:
    open_journal().close()
    journal = open_journal(identity="database 2")
    journal.move_cursor("c")
    journal.close()
    with pytest.raises(JournalError, match="another Messages database"):
        open_journal()


def test_a_newer_version_is_not_touched(open_journal: Open, folder: Path) -> None:
    open_journal().close()
    path = folder / "gateway-default.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JournalError, match="version 99") as caught:
        open_journal()
    assert "update" in caught.value.hint
    with pytest.raises(JournalError, match="version 99"):
        list(StateReader(folder).decisions())


@pytest.mark.parametrize("version", [0, 1])
def test_a_database_of_something_else_is_not_touched(open_journal: Open, folder: Path, version: int) -> None:
    path = folder / "gateway-default.db"
    connection = sqlite3.connect(path)
    connection.executescript(f"CREATE TABLE diary (text); PRAGMA user_version = {version}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="something else"):
        open_journal()
    assert path.read_bytes() == before


def test_what_is_no_database_is_refused(open_journal: Open, folder: Path) -> None:
    (folder / "gateway-default.db").write_text("dear diary, " * 1000, encoding="utf-8")
    with pytest.raises(JournalError) as caught:
        open_journal()
    assert "move the file away" in caught.value.hint
    with pytest.raises(JournalError):
        list(StateReader(folder).outbox())


def test_a_damaged_file_is_refused(open_journal: Open, folder: Path, row: Row) -> None:
    journal = open_journal()
    journal.arrive([row(number) for number in range(1, 400)], "c")
    journal.close()
    path = folder / "gateway-default.db"
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(JournalError) as caught:
        open_journal()
    assert "move the file away" in caught.value.hint


def test_durability_is_one_of_two_words(open_journal: Open) -> None:
    full = open_journal(durability="full")
    assert full.store.execute("PRAGMA synchronous").fetchone() == (2,)
    with pytest.raises(UsageError, match="durability"):
        open_journal(durability="none")


# In the middle of the work.


def test_on_a_full_disk_nothing_is_lost_and_work_goes_on_when_there_is_room(
    journal: Journal, row: Row, dispatched: Decision
) -> None:
    (entry,) = journal.arrive([row(1)], "c1")
    journal.begin(entry, dispatched)
    (chunk,) = journal.plan(entry, [[{"text": "hi", "chat_id": 7}]])
    pages = journal.store.execute("PRAGMA page_count").fetchone()[0]
    journal.store.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalError, match="full") as caught:
        journal.arrive([row(number, text="x" * 4000) for number in range(2, 30)], "c2")
    assert "free some space" in caught.value.hint
    assert journal.cursor == "c1"
    assert journal.unfinished().planned == (chunk,)
    journal.store.execute("PRAGMA max_page_count = 100000")
    assert len(journal.arrive([row(number, text="x" * 4000) for number in range(2, 30)], "c2")) == 28
    journal.attempting(chunk)
    assert journal.settle(chunk, OutboxState.OBSERVED)


def test_what_was_acknowledged_before_the_disk_was_full_is_there(folder: Path, tmp_path: Path, clock: Any) -> None:
    done = subprocess.run(
        [sys.executable, str(HOLDER), str(folder), "database 1", str(tmp_path / "leases"), "full"],
        input="",
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    acknowledged, cursor, hint = done.stdout.split(maxsplit=2)
    assert int(acknowledged) > 10
    assert cursor == acknowledged
    assert "free some space" in hint
    with Journal.open(folder, identity="database 1", clock=clock) as journal:
        assert journal.cursor == acknowledged
        assert len(journal.unfinished().undecided) == int(acknowledged)


def test_a_file_that_cannot_be_written_says_so(journal: Journal, row: Row) -> None:
    journal.store.execute("PRAGMA query_only = ON")
    with pytest.raises(JournalError) as caught:
        journal.arrive([row(1)], "c")
    assert "writable" in caught.value.hint


def test_a_file_that_another_process_holds_says_so(journal: Journal, folder: Path, row: Row) -> None:
    other = sqlite3.connect(folder / "gateway-default.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal.store.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(JournalError) as caught:
        journal.arrive([row(1)], "c")
    assert "another process" in caught.value.hint
    other.execute("ROLLBACK")
    other.close()
    assert len(journal.arrive([row(1)], "c")) == 1
