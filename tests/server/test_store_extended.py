"""What a server started with --extended adds, and that a plain one adds nothing."""

from __future__ import annotations

import json

import msgspec
import pytest
from msgspec import UNSET

from imsg_sdk.chatdb.query import Query
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.store.store import StoreError, WatchView


@pytest.fixture
def history(db):
    db.attachment(db.message("photo", sender="+15550001"), "~/a.png", transfer_name="a.png")
    db.tapback("p:0/G1", 2000)
    db.message("own", is_from_me=1, is_sent=1, is_delivered=1, service="SMS")
    return db


def every_message(store):
    yield from store.history(1, 9, attachments=True)
    yield from store.after(0, attachments=True, include_reactions=True).messages
    yield from store.search("o")
    yield from store.watch_after(0, WatchView(attachments=True)).messages


@pytest.mark.parametrize("dialect", list(Dialect))
def test_x_is_added_and_nothing_else_changes(history, open_store, dialect):
    plain, extended = open_store(history, dialect), open_store(history, dialect, extended=True)
    for one, other in zip(every_message(plain), every_message(extended), strict=True):
        assert one.x is UNSET
        assert isinstance(other.x, dict)
        other.x = UNSET
        for attachment in other.attachments:
            assert attachment.x["rowid"] == 1
            attachment.x = UNSET
        assert one == other
    for one, other in zip(plain.chats(9), extended.chats(9), strict=True):
        assert one.x is UNSET
        assert other.x["n_participants"] == 1
        other.x = UNSET
        assert one == other


def test_x_says_what_the_keys_leave_out_or_say_wrongly(history, open_store):
    own, photo = open_store(history, extended=True).history(1, 9)
    assert (own.sender, own.x["sender"], own.x["service"], own.x["send_state"]) == (
        "+15550001",
        None,
        "SMS",
        "delivered",
    )
    assert "sender" not in photo.x
    assert (photo.x["kind"], photo.x["created_at"]) == ("message", 1_738_307_260_000_000)
    assert [(each["type"], each["part"]) for each in photo.x["reactions"]] == [("love", 0)]
    assert [each["guid"] for each in photo.x["attachments"]] == ["A1"]


def test_x_travels_as_json(history, open_store):
    store = open_store(history, extended=True)
    decoded = json.loads(msgspec.json.encode(store.history(1, 9, attachments=True)))
    assert decoded[1]["attachments"][0]["x"]["rowid"] == 1


def test_pages_come_from_the_one_schema(history, open_store):
    store = open_store(history, extended=True)
    first, cursor = store.page("messages", Query(), None, 1)
    second, end = store.page("messages", Query(), cursor, 5)
    assert [first.columns["rowid"], second.columns["rowid"], end] == [[1], [3], None]
    with pytest.raises(ValueError, match="no table"):
        store.page("nope", Query(), None, 1)
    with pytest.raises(ValueError, match="cursor"):
        store.page("messages", Query(), "nonsense", 1)


def test_a_file_replaced_before_the_first_page_is_noticed(make_db, open_store, history):
    store = open_store(history, extended=True)
    other = make_db()
    other.chat()
    other.sql.close()
    from pathlib import Path

    Path(other.path).replace(history.path)
    with pytest.raises(StoreError):
        store.page("messages", Query(), None, 1)
    assert len(open_store(make_db()).chats(9)) == 0
