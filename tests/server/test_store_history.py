"""``messages.history``: order, filters, limit, and the objects it gives."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from imsg_sdk.server.dialect import Dialect


def ids(messages):
    return [message.id for message in messages]


def test_newest_comes_first_and_rows_of_one_date_by_row(db, open_store):
    old = db.message("old", at=0)
    first, second = db.message("a", at=9), db.message("b", at=9)
    assert ids(open_store(db).history(1, 50)) == [second, first, old]


def test_limit_counts_from_the_newest(db, open_store):
    rows = [db.message(str(number)) for number in range(5)]
    store = open_store(db)
    assert ids(store.history(1, 2)) == rows[:-3:-1]
    assert store.history(1, 0) == []


def test_unknown_chat_is_empty(db, open_store):
    db.message("x")
    assert open_store(db).history(99, 50) == []


def test_hidden_types_are_those_from_2000_to_3006(db, open_store):
    shown = [db.message("m", associated_message_type=kind) for kind in (None, 0, 2, 3, 1000, 1999, 3007, 4000)]
    for kind in (2000, 2006, 2007, 2999, 3000, 3006):
        db.message("t", associated_message_type=kind, associated_message_guid="p:0/G1")
    assert sorted(ids(open_store(db).history(1, 50))) == shown


def test_filters_come_before_the_limit(db, open_store):
    wanted = db.message("mine", sender="a@b.org")
    for _ in range(5):
        db.message("other")
    assert ids(open_store(db).history(1, 1, participants=["A@B.ORG"])) == [wanted]


def test_participants_fall_back_to_the_own_address(db, open_store):
    own = db.message("own", sender=None, is_from_me=1, destination_caller_id="me@x.org")
    db.message("with handle", destination_caller_id="me@x.org")
    assert ids(open_store(db).history(1, 50, participants=["me@x.org"])) == [own]


def test_participants_fold_ascii_letters_only(db, open_store):
    db.message("x", sender="É@x.org")
    assert open_store(db).history(1, 50, participants=["é@x.org"]) == []


def test_start_is_inclusive_and_end_exclusive(db, open_store):
    rows = [db.message(str(second), at=second) for second in range(4)]
    date = dict(db.sql.execute("SELECT ROWID, date FROM message"))
    store = open_store(db)
    assert ids(store.history(1, 50, start_ns=date[rows[1]], end_ns=date[rows[3]])) == [rows[2], rows[1]]


def test_a_plain_inbound_message_has_these_keys_only(db, open_store):
    db.sql.execute("UPDATE chat SET display_name = NULL")
    db.message("hello", at=1.5, is_read=1, date_read=db_date(2))
    (message,) = open_store(db).history(1, 1)
    assert {
        name: getattr(message, name) for name in message.__struct_fields__ if getattr(message, name) is not UNSET
    } == {
        "id": 1,
        "chat_id": 1,
        "guid": "G1",
        "sender": "+15550001",
        "is_from_me": False,
        "text": "hello",
        "created_at": "2025-01-31T07:06:41.500Z",
        "attachments": [],
        "reactions": [],
        "chat_identifier": "+15550001",
        "chat_guid": "iMessage;-;+15550001",
        "chat_name": "+15550001",
        "participants": ["+15550001"],
        "is_group": False,
        "is_read": True,
        "date_read": "2025-01-31T07:06:42.000Z",
    }


def db_date(seconds):
    return (760_000_000 + seconds) * 10**9


def test_read_state_is_said_of_inbound_rows_only(db, open_store):
    db.message("own", is_from_me=1, is_read=1, date_read=db_date(9))
    db.message("null", is_read=None)
    db.message("unread", is_read=0, date_read=db_date(9))
    db.message("read at no date", is_read=1, date_read=0)
    found = {message.text: (message.is_read, message.date_read) for message in open_store(db).history(1, 9)}
    assert found == {
        "own": (UNSET, UNSET),
        "null": (UNSET, UNSET),
        "unread": (False, UNSET),
        "read at no date": (True, UNSET),
    }


def test_an_empty_display_name_stays_empty(db, open_store):
    db.message("x")
    assert open_store(db).history(1, 1)[0].chat_name == ""


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        (None, "2001-01-01T00:00:00.000Z"),
        ("soon", "2001-01-01T00:00:00.000Z"),
        (0, "2001-01-01T00:00:00.000Z"),
        (-1_500_000_000, "2000-12-31T23:59:58.500Z"),
        (760_000_000, "2001-01-01T00:00:00.760Z"),
        (400_000, "2001-01-01T00:00:00.000Z"),
        (600_000, "2001-01-01T00:00:00.001Z"),
        (1_999_600_000, "2001-01-01T00:00:02.000Z"),
        (9_223_372_036_854_775_807, "2293-04-11T23:47:16.855Z"),
        (-9_223_372_036_854_775_808, "1708-09-22T00:12:43.145Z"),
    ],
)
def test_dates_are_nanoseconds_rounded_to_milliseconds(db, open_store, stored, written):
    db.message("x", date=stored)
    assert open_store(db).history(1, 1)[0].created_at == written


def test_reply_keys_come_from_the_column_before_the_association(db, open_store):
    db.message("root", sender="a@b.org")
    db.message("one", associated_message_guid="p:0/G1")
    db.message("two", associated_message_guid="p:0/G9", reply_to_guid="p:3/G1")
    found = {message.text: message for message in open_store(db).history(1, 9)}
    assert found["one"].reply_to_guid == found["two"].reply_to_guid == "G1"
    assert (found["two"].reply_to_text, found["two"].reply_to_sender) == ("root", "a@b.org")


def test_the_thread_is_looked_up_before_the_reply(db, open_store):
    db.message("thread")
    db.message("reply")
    db.message("x", thread_originator_guid="G1", thread_originator_part="0:0:6", reply_to_guid="G2")
    db.message("y", thread_originator_guid="gone", reply_to_guid="G2")
    y, x, *_ = open_store(db).history(1, 9)
    assert (x.thread_originator_guid, x.thread_originator_part, x.reply_to_text) == ("G1", "0:0:6", "thread")
    assert (y.thread_originator_guid, y.reply_to_text) == ("gone", "reply")


def test_a_reply_to_nothing_has_no_parent(db, open_store):
    db.message("x", reply_to_guid="gone")
    (message,) = open_store(db).history(1, 9)
    assert message.reply_to_guid == "gone"
    assert message.reply_to_text is message.reply_to_sender is UNSET


def test_balloon_parts_keep_their_prefix(db, open_store):
    db.message("x", associated_message_guid="bp:G7")
    db.message("y", associated_message_guid="p:0/")
    y, x = open_store(db).history(1, 9)
    assert (x.reply_to_guid, y.reply_to_guid) == ("bp:G7", "p:0/")


def test_own_address_is_the_sender_where_there_is_no_handle(db, open_store):
    db.message("own", sender=None, is_from_me=1, destination_caller_id="me@x.org")
    db.message("nobody", sender=None)
    nobody, own = open_store(db).history(1, 9)
    assert (own.sender, own.destination_caller_id, nobody.sender) == ("me@x.org", "me@x.org", "")


def test_attachments_come_when_asked_for(db, open_store, tmp_path):
    there = tmp_path / "photo.png"
    there.write_bytes(b"x")
    rowid = db.message("\ufffc")
    db.attachment(rowid, str(there), uti="public.png", mime_type="image/png", transfer_name="photo.png", total_bytes=7)
    db.attachment(rowid, "~/Library/none.caf", is_sticker=1, total_bytes=None)
    db.attachment(rowid, str(tmp_path))
    db.attachment(rowid)
    store = open_store(db)
    assert store.history(1, 1)[0].attachments == []
    found = [
        (each.filename, each.original_path, each.missing, each.total_bytes, each.is_sticker)
        for each in store.history(1, 1, attachments=True)[0].attachments
    ]
    assert found == [
        (str(there), str(there), False, 7, False),
        ("~/Library/none.caf", "/Users/me/Library/none.caf", True, 0, True),
        (str(tmp_path), str(tmp_path), True, 0, False),
        ("", "", True, 0, False),
    ]


def test_a_change_by_another_process_is_seen_at_once(db, open_store):
    db.message("x")
    store = open_store(db)
    assert store.history(1, 1)[0].chat_name == ""
    db.sql.execute("UPDATE chat SET display_name = 'Crew'")
    db.tapback("p:0/G1", 2000)
    (message,) = store.history(1, 1)
    assert (message.chat_name, [each.type for each in message.reactions]) == ("Crew", ["love"])


def test_both_dialects_give_equal_messages(db, open_store):
    db.message("one")
    db.message(None, body="two", reply_to_guid="G1")
    db.tapback("p:0/G1", 2001)
    assert open_store(db, Dialect.V1).history(1, 9) == open_store(db, Dialect.LEGACY).history(1, 9)


def test_bad_bytes_are_replaced_and_a_nul_ends_the_text(db, open_store):
    db.sql.execute("INSERT INTO message (guid, text, date) VALUES ('B', CAST(x'666f6fff626172' AS TEXT), 5000000000)")
    db.sql.execute("INSERT INTO message (guid, text, date) VALUES ('N', 'embed' || char(0) || 'ded', 4000000000)")
    db.sql.execute("INSERT INTO chat_message_join SELECT 1, ROWID, date FROM message")
    assert [message.text for message in open_store(db).history(1, 9)] == ["foo\ufffdbar", "embed"]
