"""A watch goes on, and misses nothing, when children die, fall silent, lie or hang, and files are exchanged."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.client.watching import feed, listening, sources
from imsg_sdk.errors import BackendExited, CursorMismatch, DatabaseUnavailable, TransportError

pytestmark = pytest.mark.usefixtures("quick")

DIALECTS = [{}, {"legacy": True}]


def both_chats(db: Any, text: str = "both") -> int:
    """Write a message that belongs to two chats."""
    db.sql.execute("BEGIN")
    rowid: int = db.message(text, chat=(1, 2))
    db.sql.execute("COMMIT")
    return rowid


# ---- children that end ---------------------------------------------------------------------------------------------


def test_a_killed_child_is_replaced_and_nothing_is_missed(db: Any, client: IMessageClient, reading: Any) -> None:
    with client.watch() as watch:
        before = db.message("before")
        assert reading.rows(watch, 1) == [before]
        reading.until(watch, lambda status: status.is_live)
        for number in range(3):
            reading.kill(client)
            rowid = db.message(f"after {number}")
            assert reading.rows(watch, 1) == [rowid]
        status = watch.status()
        assert status.restarts == 3
        assert status.failing_since is None
        assert status.last_error is not None
        assert "SIGKILL" in status.last_error
        reading.nothing_more(watch)


def test_a_child_killed_while_catching_up_loses_and_repeats_nothing(
    make_db: Callable[..., Any], client_of: Callable[..., IMessageClient], reading: Any
) -> None:
    db = make_db(3000)
    for kind in ("v1", "extended legacy"):
        client = client_of(db, kind)
        with client.watch(since=0) as watch:
            found = []
            while len(found) < 3000:
                if len(found) % 3 == 0 and watch.status().restarts < 3:
                    reading.kill(client)
                found += [message.rowid for message in watch.get_many(400, reading.wait_s)]
            assert found == list(range(1, 3001))
            assert watch.status().restarts == 3


def test_a_line_that_is_cut_off_comes_whole_from_the_next_child(
    db: Any, odd: Callable[..., IMessageClient], reading: Any, tmp_path: Path
) -> None:
    trigger = tmp_path / "dies"
    with odd(db, dies=trigger).watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        trigger.touch()
        rowid = db.message("half of it is written")
        assert reading.rows(watch, 1) == [rowid]
        assert watch.status().restarts == 1


def test_a_page_that_kills_the_program_is_never_asked_for_again(
    make_db: Callable[..., Any], odd: Callable[..., IMessageClient], reading: Any, tmp_path: Path
) -> None:
    db = make_db(10)
    both = both_chats(db)
    for number in range(600):
        db.message(f"more {number}")
    log = tmp_path / "log"
    client = odd(db, dies_on_pages=True, rows_a_poll=100, log=log)
    with client.watch(since=0) as watch:
        assert reading.rows(watch, 611) == list(range(1, 612))
        assert watch.status().restarts == 1
        assert watch.status().last_error is not None
    pages = [
        json.dumps(params, sort_keys=True)
        for method, params in map(json.loads, log.read_text(encoding="utf-8").splitlines())
        if method == "messages.after" and params["limit"] > 1
    ]
    assert len(pages) == len(set(pages))
    with client.watch(since=both - 1) as watch:
        assert reading.rows(watch, 2) == [both, both + 1]


def test_a_page_that_never_moves_on_is_passed_by_subscription(
    make_db: Callable[..., Any],
    odd: Callable[..., IMessageClient],
    reading: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed, "MAX_AFTER_ROWS", 1)
    db = make_db(3)
    both_chats(db)
    db.message("after both")
    with odd(db, dies_on_pages=True).watch(since=0) as watch:
        assert reading.rows(watch, 5) == [1, 2, 3, 4, 5]
        assert watch.status().restarts == 0


def test_the_present_is_found_beside_messages_of_two_chats(
    make_db: Callable[..., Any], odd: Callable[..., IMessageClient], reading: Any
) -> None:
    db = make_db(0)
    for _ in range(300):
        both_chats(db)
    with odd(db, dies_on_pages=True).watch() as watch:
        cursor = watch.cursor
        rowid = both_chats(db)
        assert reading.rows(watch, 1) == [rowid]
        assert watch.status().restarts == 0
    with odd(db, dies_on_pages=True).watch(since=cursor) as watch:
        assert reading.rows(watch, 1) == [rowid]


def test_a_child_that_cannot_start_again_is_an_error_after_patience(
    db: Any, client_of_program: Callable[..., IMessageClient], reading: Any, tmp_path: Path
) -> None:
    program = tmp_path / "imsg"
    broken = tmp_path / "broken"
    program.write_text(
        f'#!/bin/sh\n[ -e {broken} ] && exit 7\nexec {sys.executable} -m imsg_sdk.server "$@"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    client = client_of_program([str(program)], db.path)
    with client.watch(patience_s=0.3) as watch:
        broken.touch()
        reading.kill(client)
        with pytest.raises(TransportError) as caught:
            watch.get(reading.wait_s)
        assert isinstance(caught.value, BackendExited)
        assert watch.status().state == "recovering"
        assert watch.status().failing_since is not None
        broken.unlink()
        rowid = db.message("it works again")
        assert reading.rows(watch, 1) == [rowid]
        assert watch.status().failing_since is None


# ---- subscriptions that fail -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_silent_subscription_is_found_out(
    db: Any, odd: Callable[..., IMessageClient], reading: Any, tmp_path: Path, dialect: dict[str, bool]
) -> None:
    silent = tmp_path / "silent"
    with odd(db, silent=silent, **dialect).watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        silent.touch()
        rowid = db.message("unreported", at=100_000)
        if dialect:
            # Nothing but a report of its own tells this program's rows.
            reading.until(watch, lambda status: status.resubscribed > 0)
            silent.unlink()
        assert reading.rows(watch, 1) == [rowid]
        assert watch.status().resubscribed >= 1
        assert not dialect or watch.status().restarts >= 1
        silent.unlink(missing_ok=True)
        rowid = db.message("reported", at=100_060)
        assert reading.rows(watch, 1) == [rowid]
        assert watch.status().silent_since is None or not dialect


def test_a_child_that_stays_silent_is_replaced(
    db: Any, odd: Callable[..., IMessageClient], reading: Any, tmp_path: Path
) -> None:
    silent = tmp_path / "silent"
    silent.touch()
    with odd(db, silent=silent).watch() as watch:
        for number in range(4):
            rowid = db.message(f"unreported {number}")
            assert reading.rows(watch, 1) == [rowid]
        status = watch.status()
        assert status.restarts >= 1
        assert status.healed >= 3
        assert status.silent_since is not None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_error_notification_is_followed_by_a_new_subscription(
    db: Any, odd: Callable[..., IMessageClient], reading: Any, tmp_path: Path, dialect: dict[str, bool]
) -> None:
    fails = tmp_path / "fails"
    with odd(db, fails=fails, **dialect).watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        fails.write_text("database is locked (code: 5) +15550100200", encoding="utf-8")
        rowid = db.message("not reported by the first")
        assert reading.rows(watch, 1) == [rowid]
        error = watch.status().last_error
        assert error is not None
        assert error.startswith("DatabaseUnavailable")
        assert "locked" in error
        assert "+1555" not in error


def test_an_overflow_of_the_program_is_caught_up_with(
    db: Any, odd: Callable[..., IMessageClient], reading: Any, tmp_path: Path
) -> None:
    overflows = tmp_path / "overflows"
    with odd(db, overflows=overflows).watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        overflows.touch()
        expected = [db.message(f"one of many {number}") for number in range(30)]
        assert reading.rows(watch, 30) == expected
        reading.nothing_more(watch)
        assert watch.status().restarts == 0


@pytest.mark.parametrize("kind", ["v1", "legacy"])
def test_a_slow_reader_holds_little_and_misses_nothing(
    make_db: Callable[..., Any],
    client_of: Callable[..., IMessageClient],
    reading: Any,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setattr(feed, "_HELD", 20)
    db = make_db()
    with client_of(db, kind).watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        expected = [db.message(f"burst {number}") for number in range(300)]
        found = []
        while len(found) < 300:
            message = reading.next_of(watch)
            found.append(message.rowid)
            assert watch.status().waiting <= 20 + 500
        assert found == expected
        assert watch.status().duplicates <= 300


def test_a_program_that_reports_a_hundred_rows_a_look_is_asked_again(
    make_db: Callable[..., Any], odd: Callable[..., IMessageClient], reading: Any
) -> None:
    db = make_db(450)
    begun = time.monotonic()
    with odd(db, legacy=True, rows_a_poll=100).watch(since=0) as watch:
        assert reading.rows(watch, 450) == list(range(1, 451))
    assert time.monotonic() - begun < 15, "waiting for its own looks would take longer"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_comes_twice_is_handed_out_once(
    db: Any, odd: Callable[..., IMessageClient], reading: Any, dialect: dict[str, bool]
) -> None:
    with odd(db, twice=True, garbage=True, **dialect).watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        expected = [db.message(f"new {number}") for number in range(5)]
        assert reading.rows(watch, 5) == expected
        reading.nothing_more(watch)
        assert watch.status().duplicates >= 4


def test_a_child_that_hangs_is_replaced(
    db: Any,
    odd: Callable[..., IMessageClient],
    reading: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources, "_ASK_S", 0.3)
    hangs = tmp_path / "hangs"
    with odd(db, hangs=hangs, silent=hangs).watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        hangs.touch()
        rowid = db.message("into a hanging child")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(watch.get, reading.wait_s)
            while watch.status().last_error is None:
                assert not waiting.done()
                time.sleep(0)
            hangs.unlink()
            message = waiting.result(reading.wait_s)
        assert message is not None
        assert message.rowid == rowid
        assert watch.status().restarts >= 1


# ---- rows that are linked late -----------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_row_that_the_program_never_reports_is_found(
    db: Any, odd: Callable[..., IMessageClient], reading: Any, dialect: dict[str, bool]
) -> None:
    with odd(db, never_reports_late=True, **dialect).watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        late = [db.message("late", chat=None), db.message("later", chat=None)]
        after = db.message("after")
        assert reading.rows(watch, 1) == [after]
        assert watch.status().open_holes == 2
        cursor = watch.cursor
        db.link(late[1], 2)
        assert reading.rows(watch, 1) == [late[1]]
        db.link(late[0], 1)
        assert reading.rows(watch, 1) == [late[0]]
        status = watch.status()
        assert (status.open_holes, status.healed) == (0, 2)
    with odd(db, never_reports_late=True, **dialect).watch(since=cursor) as watch:
        assert sorted(reading.rows(watch, 2)) == late
        reading.nothing_more(watch)


def test_a_late_row_of_two_chats_is_found(db: Any, odd: Callable[..., IMessageClient], reading: Any) -> None:
    with odd(db, never_reports_late=True, dies_on_pages=True).watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        late = db.message("late", chat=None)
        after = db.message("after")
        assert reading.rows(watch, 1) == [after]
        db.sql.execute("BEGIN")
        db.link(late, 1)
        db.link(late, 2)
        db.sql.execute("COMMIT")
        assert reading.rows(watch, 1) == [late]
        assert watch.status().restarts == 0


def test_an_unlinked_row_at_the_end_is_no_silence(db: Any, odd: Callable[..., IMessageClient], reading: Any) -> None:
    with odd(db, never_reports_late=True).watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        late = db.message("late", chat=None)
        reading.until(watch, lambda status: status.open_holes == 1)
        assert watch.status().resubscribed == 0
        db.link(late, 1)
        assert reading.rows(watch, 1) == [late]


def test_rows_of_a_gap_that_are_gone_are_forgotten(db: Any, client: IMessageClient, reading: Any) -> None:
    with client.watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        db.sql.execute("BEGIN")
        for number in range(5):
            db.message(f"gone {number}")
        db.sql.execute("DELETE FROM message WHERE ROWID > 20")
        last = db.message("last")
        db.sql.execute("COMMIT")
        assert reading.rows(watch, 1) == [last]
        if client._core.pool.latest.profile.has("messages.after"):  # type: ignore[union-attr]
            reading.until(watch, lambda status: status.open_holes == 0)


def test_only_so_many_holes_are_remembered(db: Any, client_of: Callable[..., IMessageClient], reading: Any) -> None:
    with client_of(db, "v1").watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        db.sql.execute("BEGIN")
        for _ in range(400):
            db.message("never linked", chat=None)
        last = db.message("last")
        db.sql.execute("COMMIT")
        assert reading.rows(watch, 1) == [last]
        assert 0 < watch.status().open_holes <= 256
        assert len(watch.cursor) < 16_000


# ---- databases that change --------------------------------------------------------------------


def copy_of(db: Any, path: Path) -> None:
    """Write what a database holds into another file."""
    with contextlib.closing(sqlite3.connect(path)) as target:
        db.sql.backup(target)


def exchange(db: Any, new: Path) -> None:
    """Put another file in the place of a database, as a restored backup is put there."""
    for suffix in ("-wal", "-shm"):
        Path(db.path + suffix).unlink(missing_ok=True)
    new.replace(db.path)


@pytest.mark.parametrize("kind", ["extended", "v1", "legacy"])
def test_a_copy_in_the_place_of_the_database_is_followed(
    db: Any, client_of: Callable[..., IMessageClient], reading: Any, tmp_path: Path, kind: str
) -> None:
    with client_of(db, kind).watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        copy_of(db, tmp_path / "copy.db")
        exchange(db, tmp_path / "copy.db")
        with contextlib.closing(sqlite3.connect(db.path)) as sql, sql:
            sql.execute("INSERT INTO message (guid, text, handle_id, date) VALUES ('N', 'new file', 1, 1)")
            sql.execute("INSERT INTO chat_message_join (chat_id, message_id) VALUES (1, 21)")
        assert reading.next_of(watch).text == "new file"


@pytest.mark.parametrize("kind", ["extended", "v1", "legacy"])
def test_another_database_in_its_place_is_an_error(
    db: Any, make_db: Callable[..., Any], client_of: Callable[..., IMessageClient], reading: Any, kind: str
) -> None:
    other = make_db(40)
    other.sql.execute("UPDATE message SET guid = 'H' || ROWID")
    other.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with client_of(db, kind).watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        exchange(db, Path(shutil.copyfile(other.path, other.path + ".copy")))
        with pytest.raises(CursorMismatch):
            watch.get(reading.wait_s)
        with pytest.raises(CursorMismatch):
            watch.get(reading.wait_s)


@pytest.mark.parametrize("kind", ["extended", "v1", "legacy"])
def test_an_older_state_of_the_database_in_its_place_is_an_error(
    db: Any, client_of: Callable[..., IMessageClient], reading: Any, tmp_path: Path, kind: str
) -> None:
    copy_of(db, tmp_path / "backup.db")
    with client_of(db, kind).watch() as watch:
        last = [db.message(f"lost {number}") for number in range(5)][-1]
        assert reading.rows(watch, 5)[-1] == last
        cursor = watch.cursor
        exchange(db, tmp_path / "backup.db")
        with contextlib.closing(sqlite3.connect(db.path)) as sql, sql:
            (date,) = sql.execute("SELECT max(date) + 86400000000000 FROM message").fetchone()
            values = ("R", "a row with the number of another", date)
            rowid = sql.execute(
                "INSERT INTO message (guid, text, handle_id, date) VALUES (?, ?, 1, ?)", values
            ).lastrowid
            sql.execute("INSERT INTO chat_message_join VALUES (1, ?, ?)", (rowid, date))
        assert rowid < last
        with pytest.raises(CursorMismatch):
            watch.get(reading.wait_s)
    with pytest.raises(CursorMismatch):
        client_of(db, kind).watch(since=cursor)


def test_a_database_that_is_gone_for_a_while_is_waited_for(
    db: Any, client_of: Callable[..., IMessageClient], reading: Any, tmp_path: Path
) -> None:
    with client_of(db, "v1").watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        db.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        Path(db.path).rename(tmp_path / "away.db")
        reading.until(watch, lambda status: status.failing_since is not None)
        assert watch.status().state == "recovering"
        (tmp_path / "away.db").rename(db.path)
        rowid = db.message("back again")
        assert reading.rows(watch, 1) == [rowid]
        assert watch.status().failing_since is None


def test_a_missing_database_is_an_error_at_once(
    db: Any, client_of: Callable[..., IMessageClient], tmp_path: Path
) -> None:
    db.path = str(tmp_path / "missing.db")
    for kind in ("v1", "legacy"):
        with pytest.raises(DatabaseUnavailable):
            client_of(db, kind).watch()


def test_a_rotated_log_is_followed(db: Any, client: IMessageClient, reading: Any) -> None:
    with client.watch() as watch:
        first = db.message("before")
        assert reading.rows(watch, 1) == [first]
        db.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        second = db.message("after")
        assert reading.rows(watch, 1) == [second]


def test_an_exclusive_lock_is_outlived(db: Any, client_of: Callable[..., IMessageClient], reading: Any) -> None:
    db.sql.execute("PRAGMA journal_mode = DELETE")
    with client_of(db, "v1").watch() as watch:
        reading.until(watch, lambda status: status.is_live)
        rowid = db.message("before the lock")
        db.sql.execute("BEGIN EXCLUSIVE")
        watch.get(0.2)
        db.sql.execute("COMMIT")
        last = db.message("after the lock")
        seen = [watch.status().last_rowid] if watch.status().last_rowid else []
        while (seen[-1:] or [0]) != [last]:
            seen.append(reading.next_of(watch).rowid)
        assert seen == [rowid, last]


def test_timing_constants_are_those_of_real_programs() -> None:
    assert listening._POLL_ROWS == 100
    assert feed.Timing().real_grace_s > 9.5
