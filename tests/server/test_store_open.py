"""Opening, degrading and failing."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from msgspec import UNSET

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.paths import home as own_home
from imsg_sdk.server.store.store import OpenFailed, Store, StoreError, WatchView


def refuse(path, dialect=Dialect.V1):
    with pytest.raises(OpenFailed) as caught:
        Store.open(str(path), dialect=dialect)
    return caught.value


def test_a_missing_file_is_told_from_one_that_cannot_be_read(tmp_path):
    error = refuse(tmp_path / "none.db")
    assert (error.missing, error.code, error.text) == (True, 14, "unable to open database file (code: 14)")
    assert refuse(tmp_path / "no folder" / "none.db").missing is True
    assert refuse(tmp_path).missing is False


def test_the_newer_program_refuses_links_and_what_is_no_database(db, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(db.path)
    assert refuse(link).missing is False
    text = tmp_path / "text.db"
    text.write_text("hello world, this is no database\n" * 99, encoding="utf-8")
    assert refuse(text).text == "file is not a database (code: 26)"


def test_the_older_program_opens_more_and_fails_later(db, tmp_path, open_store):
    link = tmp_path / "link.db"
    link.symlink_to(db.path)
    db.message("x")
    with_link = Store.open(str(link), dialect=Dialect.LEGACY)
    assert len(with_link.history(1, 9)) == 1
    assert with_link.is_current() is True
    with_link.close()
    text = tmp_path / "text.db"
    text.write_text("hello world, this is no database\n" * 99, encoding="utf-8")
    store = Store.open(str(text), dialect=Dialect.LEGACY)
    with pytest.raises(StoreError, match=r"^file is not a database \(code: 26\)$"):
        store.chats(20)
    store.close()
    assert refuse(tmp_path / "none.db", Dialect.LEGACY).text == "unable to open database file (code: 14)"
    assert refuse(tmp_path, Dialect.LEGACY).text == "disk I/O error (code: 10)"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read a file of any mode")
def test_a_file_without_permission_is_refused(db):
    Path(db.path).chmod(0)
    assert refuse(db.path).code == 14


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a file of any mode")
def test_a_copy_in_a_folder_that_cannot_be_written_opens(make_db, tmp_path):
    source = make_db()
    source.chat()
    source.message("x")
    source.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    folder = tmp_path / "medium"
    folder.mkdir()
    copy = folder / "chat.db"
    copy.write_bytes(Path(source.path).read_bytes())
    folder.chmod(0o500)
    try:
        for dialect in Dialect:
            store = Store.open(str(copy), dialect=dialect)
            assert len(store.history(1, 9)) == 1
            store.close()
    finally:
        folder.chmod(0o700)


def test_an_empty_file_opens_and_every_question_fails(tmp_path):
    path = tmp_path / "empty.db"
    path.touch()
    store = Store.open(str(path), dialect=Dialect.V1)
    assert not any(store.features().values())
    for question in (
        lambda: store.chats(20),
        lambda: store.history(1, 9),
        lambda: store.after(0),
        lambda: store.search("x"),
        store.max_rowid,
    ):
        with pytest.raises(StoreError, match="no such table"):
            question()
    with pytest.raises(StoreError) as caught:
        store.watch_after(0, WatchView())
    assert caught.value.text == "no such table: message (code: 1)"
    assert store.has_attachment_tables is False
    store.close()


def test_a_name_with_special_characters_opens(make_db, tmp_path):
    source = make_db()
    source.chat()
    source.message("x")
    source.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    odd = tmp_path / "what? 100% #1.db"
    odd.write_bytes(Path(source.path).read_bytes())
    store = Store.open(str(odd), dialect=Dialect.V1)
    assert len(store.history(1, 9)) == 1
    store.close()


def test_a_replaced_file_is_noticed(make_db, open_store):
    old, new = make_db(), make_db()
    store = open_store(old)
    assert store.is_current() is True
    Path(new.path).replace(old.path)
    assert store.is_current() is False
    Path(old.path).unlink()
    assert store.is_current() is False


def test_a_closed_store_fails_by_name(db, open_store):
    store = open_store(db)
    store.close()
    with pytest.raises(StoreError):
        store.chats(20)


def test_a_lock_is_named_when_waiting_for_it_ends(make_db, open_store, monkeypatch):
    monkeypatch.setattr("imsg_sdk.server.rows.database._BUSY_TIMEOUT_S", 0.05)
    db = make_db()
    db.sql.execute("PRAGMA journal_mode = DELETE")
    store = open_store(db)
    db.sql.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError) as caught:
        store.history(1, 9)
    assert (caught.value.text, caught.value.code) == ("database is locked (code: 5)", 5)
    assert refuse(db.path).code == 5
    db.sql.execute("COMMIT")
    assert store.history(1, 9) == []


def test_features_follow_the_columns(make_db, open_store):
    everything = open_store(make_db()).features()
    assert all(everything.values())
    bare = make_db(
        "message.is_read",
        "message.schedule_type",
        "message.schedule_state",
        "message.associated_message_type",
        "message.reply_to_guid",
        "message.thread_originator_guid",
        "message.destination_caller_id",
        "chat.account_id",
        "chat.account_login",
        "chat.last_addressed_handle",
        "message.balloon_bundle_id",
    )
    assert open_store(bare).features() == dict.fromkeys(everything, False)
    half = open_store(
        make_db("message.payload_data", "message.schedule_state", "chat.account_id", "message.reply_to_guid")
    )
    assert all(half.features().values())


def test_without_tapback_columns_guids_are_empty_and_nothing_is_hidden(make_db, open_store):
    db = make_db("message.associated_message_type")
    db.chat()
    db.message("root")
    db.message("x", associated_message_guid="p:0/G1", reply_to_guid="G1")
    reply, root = open_store(db).history(1, 9)
    assert (root.guid, root.reactions, reply.guid) == ("", [], "")
    assert (reply.reply_to_guid, reply.reply_to_text) == ("G1", "root")


@pytest.mark.parametrize(
    "column",
    [
        "message.attributedBody",
        "message.destination_caller_id",
        "message.is_audio_message",
        "message.thread_originator_guid",
        "message.thread_originator_part",
        "message.reply_to_guid",
        "message.date_read",
        "message.payload_data",
        "message.message_summary_info",
        "message.schedule_type",
        "attachment.user_info",
        "chat.account_id",
        "message.error",
        "message.date_delivered",
    ],
)
def test_every_optional_column_may_be_missing(make_db, open_store, column):
    from datetime import UTC, datetime

    from imsg_sdk.server.store.zones import find_zone

    db = make_db(column)
    db.chat(account_id="U")
    db.message("x", thread_originator_guid="G1", is_audio_message=1, is_read=1, date_read=5)
    db.attachment(1, "~/a")
    store = open_store(db)
    for dialect in Dialect:
        store = open_store(db, dialect)
        assert [message.text for message in store.history(1, 9, attachments=True)] == ["x"]
        assert len(store.after(0, include_reactions=True).messages) == 1
        assert len(store.search("x")) == len(store.chats(9)) == 1
        assert store.stats(zone=find_zone("UTC"), include_media=True)["total_messages"] == 1
        assert store.send_status("G1", datetime.now(UTC))["service"] == "iMessage"
        assert store.scheduled(9, 0) == []
        assert len(store.watch_after(0, WatchView()).messages) == 1


def test_upper_case_column_names_are_known(make_db, open_store):
    db = make_db()
    db.sql.execute("ALTER TABLE message RENAME COLUMN is_read TO IS_READ")
    assert open_store(db).has_read_state is True


@pytest.mark.parametrize(
    ("environment", "home"), [({"CFFIXED_USER_HOME": "/a", "HOME": "/b"}, "/a"), ({"HOME": "/b"}, "/b")]
)
def test_the_home_of_the_environment(monkeypatch, environment, home):
    monkeypatch.delenv("CFFIXED_USER_HOME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert own_home() == home


def test_many_threads_may_ask_at_once(db, open_store):
    from concurrent.futures import ThreadPoolExecutor

    for number in range(50):
        db.message(f"x{number}")
    store = open_store(db)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: len(store.history(1, 50)), range(40)))
    assert found == [50] * 40


def test_an_answer_is_of_one_moment_though_rows_arrive_meanwhile(db, open_store):
    for _ in range(5):
        db.message("x")
    store = open_store(db)
    with store._snapshot():
        before = store.max_rowid()
        db.message("y")
        assert store.max_rowid() == before
    assert store.max_rowid() == before + 1
    assert isinstance(db.sql, sqlite3.Connection)


def test_optional_keys_are_absent_without_their_columns(make_db, open_store):
    db = make_db("message.destination_caller_id", "message.balloon_bundle_id")
    db.chat()
    db.message("x", sender=None, destination_caller_id="me", balloon_bundle_id="b")
    (message,) = open_store(db).history(1, 1)
    assert (message.sender, message.destination_caller_id, message.balloon_bundle_id) == ("", UNSET, UNSET)
