"""``messages.stats`` and its time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from imsg_sdk.server.store.zones import find_zone

LINK = "https://example.com/a"
GMT = find_zone("UTC")


def test_totals_senders_services_and_days(db, open_store):
    db.chat("chat7", display_name="Crew", service_name=None)
    db.message("a", at=0)
    db.message("b", at=0, sender="a@b.org", service="SMS")
    db.message("c", at=86_400, sender=None, is_from_me=1, service=None)
    db.message("d", at=86_400, chat=2, sender=None, destination_caller_id="me@x.org", service="")
    assert open_store(db).stats(zone=GMT) == {
        "total_messages": 4,
        "sent_messages": 1,
        "received_messages": 3,
        "time_zone": "GMT",
        "chats": [
            {"chat_id": 1, "identifier": "+15550001", "name": "+15550001", "service": "iMessage", "message_count": 3},
            {"chat_id": 2, "identifier": "chat7", "name": "Crew", "service": "unknown", "message_count": 1},
        ],
        "senders": [
            {"handle": "+15550001", "message_count": 1},
            {"handle": "a@b.org", "message_count": 1},
            {"handle": "me@x.org", "message_count": 1},
        ],
        "services": [
            {"service": "unknown", "message_count": 2},
            {"service": "SMS", "message_count": 1},
            {"service": "iMessage", "message_count": 1},
        ],
        "dates": [{"date": "2025-01-31", "message_count": 2}, {"date": "2025-02-01", "message_count": 2}],
    }


def test_the_fourteen_tapbacks_are_not_counted_but_other_types_are(db, open_store):
    for kind in (None, 0, 2000, 2006, 2007, 2999, 3000, 3006, 3007, 4000):
        db.message("x", associated_message_type=kind, associated_message_guid="p:0/G1")
    assert open_store(db).stats(zone=GMT)["total_messages"] == 6


def test_a_message_of_two_chats_counts_once_in_all_and_once_in_each(db, open_store):
    db.chat("+15550002")
    db.message("x", chat=(1, 2))
    db.message("x", chat=None)
    db.sql.execute("INSERT INTO chat_message_join VALUES (99, 2, 0)")
    found = open_store(db).stats(zone=GMT)
    assert (found["total_messages"], [chat["message_count"] for chat in found["chats"]]) == (1, [1, 1])


def test_a_folded_preview_is_not_counted(db, open_store):
    db.message(LINK)
    db.preview(LINK)
    db.preview("https://other.example")
    assert open_store(db).stats(zone=GMT)["total_messages"] == 2


def test_a_sticker_tapback_between_breaks_the_pair_here(db, open_store):
    db.message(LINK, at=0)
    db.tapback("p:0/G1", 2007, at=1)
    db.preview(LINK, at=2)
    store = open_store(db)
    assert store.stats(zone=GMT)["total_messages"] == 3
    assert len(store.history(1, 9)) == 1


def test_a_preview_counts_in_the_chat_that_does_not_fold_it(db, open_store):
    db.chat("+15550002")
    db.message(LINK, chat=1, at=0)
    db.preview(LINK, chat=(1, 2), at=1)
    found = open_store(db).stats(zone=GMT)
    assert found["total_messages"] == 2
    assert {chat["chat_id"]: chat["message_count"] for chat in found["chats"]} == {1: 1, 2: 1}


def test_one_chat_alone(db, open_store):
    db.chat("+15550002")
    db.message("x", chat=1)
    db.message("x", chat=2)
    found = open_store(db).stats(chat_id=2, zone=GMT)
    assert (found["total_messages"], [chat["chat_id"] for chat in found["chats"]]) == (1, [2])


def test_media_counts_each_attachment_once(db, open_store):
    db.chat("+15550002")
    shared = db.attachment(db.message("x", chat=(1, 2)), uti="public.png", mime_type="image/png", total_bytes=5)
    db.sql.execute("INSERT INTO message_attachment_join VALUES (?, ?)", (db.message("x"), shared))
    db.attachment(db.message("x"), uti="public.png", mime_type="image/png", total_bytes=-4)
    db.attachment(db.tapback("p:0/G1", 2000), uti="public.png", total_bytes=9)
    db.attachment(db.message("x", chat=None), total_bytes=9)
    db.attachment(db.message("x"), total_bytes=None)
    media = open_store(db).stats(include_media=True, zone=GMT)["media"]
    assert media == {
        "total_attachments": 3,
        "total_bytes": 5,
        "types": [
            {"uti": "public.png", "mime_type": "image/png", "attachment_count": 2, "total_bytes": 5},
            {"uti": "unknown", "mime_type": "unknown", "attachment_count": 1, "total_bytes": 0},
        ],
        "chats": [
            {"chat_id": 1, "identifier": "+15550001", "name": "+15550001", "attachment_count": 3, "total_bytes": 5},
            {"chat_id": 2, "identifier": "+15550002", "name": "+15550002", "attachment_count": 1, "total_bytes": 5},
        ],
    }


def test_days_are_those_of_the_zone(db, open_store):
    db.message("x", at=0)  # 2025-01-31T07:06:40Z
    store = open_store(db)
    days = [store.stats(zone=find_zone(name))["dates"][0]["date"] for name in ("America/Los_Angeles", "Asia/Kathmandu")]
    assert days == ["2025-01-30", "2025-01-31"]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("UTC", "GMT"),
        ("GMT", "GMT"),
        ("GMT+3", "GMT+0300"),
        ("GMT-0530", "GMT-0530"),
        ("GMT+0", "GMT"),
        ("EST", "EST"),
        ("PST8PDT", "PST8PDT"),
        ("Etc/GMT-1", "Etc/GMT-1"),
        ("Europe/Vienna", "Europe/Vienna"),
        ("+03:00", None),
        ("europe/vienna", None),
        ("GMT+19", None),
        ("GMT+1:75", None),
        ("../etc/passwd", None),
        ("", None),
        (" ", None),
    ],
)
def test_zones_are_named_as_the_platform_names_them(name, answer):
    zone = find_zone(name)
    assert (zone.name if zone else None) == answer


def test_an_offset_is_applied():
    instant = datetime(2025, 1, 31, tzinfo=UTC)
    assert find_zone("GMT-0530").tz.utcoffset(instant) == -timedelta(hours=5, minutes=30)


@pytest.mark.parametrize(
    ("tz", "answer"), [("UTC", "GMT"), (":Etc/UTC", "GMT"), ("Europe/Vienna", "Europe/Vienna"), ("Nope/Zone", "GMT")]
)
def test_the_zone_of_the_machine(monkeypatch, tz, answer):
    monkeypatch.setenv("TZ", tz)
    assert find_zone(None).name == answer
