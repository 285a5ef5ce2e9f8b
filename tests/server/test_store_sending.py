"""``message.send_status`` and ``messages.scheduled``."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from imsg_sdk.server.dialect import Dialect

NOW = datetime(2026, 3, 4, 18, 22, 5, 120_500, tzinfo=UTC)
DATE_NS = 760_000_000 * 10**9


def test_an_unknown_guid_is_pending(db, open_store):
    assert open_store(db).send_status("nope", NOW) == {
        "ok": True,
        "guid": "nope",
        "send_state": "pending",
        "service": None,
        "checked_at": "2026-03-04T18:22:05.120Z",
        "status_fields": None,
    }


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        ({}, "pending"),
        ({"is_finished": 1}, "pending"),
        ({"is_sent": 1}, "sent"),
        ({"is_sent": 1, "is_delivered": 1}, "delivered"),
        ({"date_delivered": DATE_NS}, "delivered"),
        ({"is_sent": 1, "is_delivered": 1, "error": 22}, "failed"),
    ],
)
def test_the_state_of_a_row(db, open_store, columns, state):
    db.message("x", is_from_me=1, **columns)
    found = open_store(db).send_status("G1", NOW)
    assert found["send_state"] == state
    assert ("delivered_at" in found) == ("date_delivered" in columns)


def test_the_fields_of_a_row(db, open_store):
    db.message("x", is_sent=1, date_delivered=DATE_NS, date_read=0, error=0, service="")
    found = open_store(db).send_status("G1", NOW)
    assert (found["service"], found["delivered_at"]) == (None, "2025-01-31T07:06:40.000Z")
    assert found["status_fields"] == {
        "is_sent": True,
        "is_delivered": False,
        "is_finished": False,
        "is_delayed": False,
        "is_prepared": False,
        "is_pending_satellite_send": False,
        "was_downgraded": False,
        "error": 0,
        "date_delivered": "2025-01-31T07:06:40.000Z",
        "date_read": None,
    }


def test_the_newer_program_ignores_case_and_takes_the_last_row(make_db, open_store):
    db = make_db()
    db.message("x", chat=None, guid="AbC", error=1)
    db.message("y", chat=None, guid="aBc")
    found = open_store(db).send_status("abc", NOW)
    assert (found["guid"], found["send_state"]) == ("aBc", "pending")
    legacy = open_store(db, Dialect.LEGACY)
    assert legacy.send_status("abc", NOW)["service"] is None
    assert legacy.send_status("AbC", NOW)["send_state"] == "failed"
    assert open_store(db).guid_exists("ABC") is True
    assert open_store(db).guid_exists("ABCD") is False


def test_scheduled_are_own_linked_future_rows_by_date(db, open_store):
    db.chat("chat7", display_name=None)
    now = DATE_NS
    db.message("late", at=90, is_from_me=1, schedule_type=2, schedule_state=1)
    db.message(None, body="soon", at=60, is_from_me=1, schedule_state=3, chat=(1, 2))
    db.message("now", at=0, is_from_me=1, schedule_type=2)
    db.message("past", at=-1, is_from_me=1, schedule_type=2)
    db.message("inbound", at=60, schedule_type=2)
    db.message("plain", at=60, is_from_me=1)
    db.message("nowhere", at=60, is_from_me=1, schedule_type=2, chat=None)
    store = open_store(db)
    found = store.scheduled(9, now)
    assert [(each["text"], each["chat_id"]) for each in found] == [("now", 1), ("soon", 1), ("soon", 2), ("late", 1)]
    assert found[2] == {
        "id": 2,
        "guid": "G2",
        "chat_id": 2,
        "chat_identifier": "chat7",
        "chat_guid": "iMessage;+;chat7",
        "chat_name": "chat7",
        "text": "soon",
        "service": "iMessage",
        "scheduled_at": "2025-01-31T07:07:40.000Z",
        "schedule_type": 0,
        "schedule_state": 3,
    }
    assert len(store.scheduled(2, now)) == 2
    assert store.has_schedule is True


def test_a_message_is_found_with_its_chats(db, open_store):
    db.chat("+15550002")
    db.message("x", chat=(2, 1))
    db.message("y", chat=None)
    store = open_store(db)
    assert [store.message_chats(guid) for guid in ("G1", "G2", "G3")] == [[1, 2], [], None]
    assert store.max_rowid() == 2
