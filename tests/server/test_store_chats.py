"""``chats.list``, ``group`` and looking chats up."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from imsg_sdk.server.dialect import Dialect

LINK = "https://example.com/a"


def said(chat):
    return {name: getattr(chat, name) for name in chat.__struct_fields__ if getattr(chat, name) is not UNSET}


def test_chats_come_by_last_activity_tapbacks_included(db, open_store):
    db.chat("+15550002")
    db.chat("+15550003")
    db.message("x", chat=1, at=5)
    db.message("x", chat=2, at=9)
    assert [chat.id for chat in open_store(db).chats(20)] == [2, 1]
    db.tapback("p:0/G1", 2000, chat=1, at=12)
    assert [chat.id for chat in open_store(db).chats(20)] == [1, 2]


def test_chats_of_one_date_come_by_row_descending(db, open_store):
    db.chat("+15550002")
    db.message("x", chat=(1, 2))
    assert [chat.id for chat in open_store(db).chats(20)] == [2, 1]


def test_without_join_dates_those_of_messages_count(make_db, open_store):
    db = make_db("chat_message_join.message_date")
    db.chat()
    db.message("x", at=1)
    assert open_store(db).chats(20)[0].last_message_at == "2025-01-31T07:06:41.000Z"


def test_the_newer_object_names_accounts_and_leaves_out_what_is_empty(make_db, open_store):
    db = make_db()
    db.chat("chat7", guid="", people=["b@x.org", "+1", "a@x.org"], display_name="Crew", account_login="E:me")
    db.message("x", at=0)
    (chat,) = open_store(db).chats(20)
    assert said(chat) == {
        "id": 1,
        "identifier": "chat7",
        "name": "Crew",
        "display_name": "Crew",
        "service": "iMessage",
        "last_message_at": "2025-01-31T07:06:40.000Z",
        "participants": ["+1", "a@x.org", "b@x.org"],
        "is_group": False,
        "account_login": "E:me",
        "unread_count": 1,
    }


def test_the_older_object_has_always_a_guid_and_no_accounts(make_db, open_store):
    db = make_db()
    db.chat("x", guid="", account_id="U", account_login="E:me", last_addressed_handle="me")
    db.message("x")
    store = open_store(db, Dialect.LEGACY)
    keys = {
        "id",
        "identifier",
        "guid",
        "name",
        "service",
        "last_message_at",
        "participants",
        "is_group",
        "unread_count",
    }
    assert set(said(store.chats(20)[0])) == keys
    assert set(said(store.chats(20, full=True)[0])) == keys - {"guid"} | {
        "display_name",
        "account_id",
        "account_login",
        "last_addressed_handle",
    }


@pytest.mark.parametrize(("stored", "name"), [(None, "chat7"), ("", ""), ("Crew", "Crew")])
def test_only_a_missing_name_falls_back_to_the_identifier(make_db, open_store, stored, name):
    db = make_db()
    db.chat("chat7", display_name=stored, people=[])
    db.message("x")
    (chat,) = open_store(db).chats(20)
    assert (chat.name, chat.display_name, chat.is_group) == (name, name, True)


def test_handles_of_two_services_are_one_participant(make_db, open_store):
    db = make_db()
    db.chat("x", people=["+1"])
    db.sql.execute("INSERT INTO chat_handle_join VALUES (1, ?)", (db.handle("+1", "SMS"),))
    db.message("x")
    assert open_store(db).chats(1)[0].participants == ["+1"]


def test_unread_counts_inbound_rows_tapbacks_included(db, open_store):
    db.message("x", is_read=0)
    db.tapback("p:0/G1", 2000, is_read=0)
    db.message("x", is_read=1)
    db.message("x", is_read=None)
    db.message("x", is_read=0, is_from_me=1)
    assert open_store(db).chats(20)[0].unread_count == 2


@pytest.mark.parametrize(("text_read", "preview_read", "count"), [(0, 0, 1), (1, 0, 0), (0, 1, 1), (1, 1, 0)])
def test_a_preview_counts_as_its_text(db, open_store, text_read, preview_read, count):
    db.message(LINK, is_read=text_read)
    db.preview(LINK, is_read=preview_read)
    store = open_store(db)
    assert store.chats(20)[0].unread_count == count
    assert len(store.chats(20, unread_only=True)) == (count > 0)


def test_the_limit_of_unread_only_counts_chats_that_pass(db, open_store):
    for number in range(2, 7):
        db.chat(f"+1555000{number}")
        db.message("x", chat=number, is_read=number % 2)
    store = open_store(db)
    assert [chat.id for chat in store.chats(2, unread_only=True)] == [6, 4]
    assert [chat.id for chat in store.chats(9, unread_only=True)] == [6, 4, 2]
    assert store.chats(0) == []


def test_without_a_read_state_nothing_is_counted(make_db, open_store):
    db = make_db("message.is_read", "message.date_read")
    db.chat()
    db.message("x")
    store = open_store(db)
    assert store.chats(20)[0].unread_count is UNSET
    assert store.has_read_state is False
    assert store.history(1, 1)[0].is_read is UNSET


def test_a_chat_without_messages_and_a_dangling_link_are_not_listed(db, open_store):
    db.chat("+15550002")
    db.message("x", chat=1)
    db.sql.execute("INSERT INTO chat_message_join VALUES (77, 1, 5)")
    assert [chat.id for chat in open_store(db).chats(20)] == [1]


def test_a_group_is_told_by_its_id(db, open_store):
    db.chat("chat7", people=["+1"], display_name="Crew", account_id="U")
    store = open_store(db)
    assert said(store.group(2)) == {
        "id": 2,
        "identifier": "chat7",
        "guid": "iMessage;+;chat7",
        "name": "Crew",
        "service": "iMessage",
        "is_group": True,
        "participants": ["+1"],
        "account_id": "U",
    }
    assert store.group(99) is None
    assert (store.chat_exists(2), store.chat_exists(99), store.chat_target(99)) == (True, False, None)


def test_a_chat_is_found_by_the_first_candidate_that_equals_guid_or_identifier(db, open_store):
    db.chat("chat7", guid="any;+;chat7", service_name=None)
    store = open_store(db)
    assert store.find_chat("nope", "chat7", "+15550001").chat_id == 2
    assert store.find_chat("any;+;chat7").service == ""
    assert store.find_chat("", "CHAT7") is None
    assert store.chat_target(1).guid == "iMessage;-;+15550001"


def test_a_preview_that_a_chat_holds_twice_counts_once(db, open_store):
    db.message("https://example.com")
    db.preview("https://example.com")
    db.message("hello")
    db.unlock_links()
    db.sql.execute("INSERT INTO chat_message_join SELECT * FROM chat_message_join")
    assert [chat.unread_count for chat in open_store(db).chats(9)] == [2]
