"""The rows that break readers, one by one."""

from __future__ import annotations

import plistlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk._time import apple_to_us

NS = 10**9
CAP = b"\x04\x0bstreamtyped\x81\xe8\x03"


def summary(**values: Any) -> bytes:
    return plistlib.dumps({"ust": True, "note": "x" * 60} | values, fmt=plistlib.FMT_BINARY)


def test_1_text_only_in_the_body_is_decoded(db: Any, body: Any) -> None:
    row = db.one(db.message(text=None, attributedBody=body("hello")))
    assert (row["text"], row["text_repaired"]) == ("hello", False)


def test_2_empty_texts_are_texts_and_no_text_is_none(db: Any, body: Any) -> None:
    rows = [
        db.message(text="", attributedBody=body("hello")),
        db.message(text=None, attributedBody=body("")),
        db.message(text=None, attributedBody=b""),
        db.message(text="", attributedBody=None),
        db.message(text=None, attributedBody=None),
    ]
    assert [db.one(row)["text"] for row in rows] == ["hello", "", "", "", None]


def test_3_emoji_of_many_parts_are_whole(db: Any, body: Any) -> None:
    text = "👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽 @Anna"
    assert db.one(db.message(text=None, attributedBody=body(text)))["text"] == text


def test_4_and_5_long_texts_are_whole(db: Any, body: Any) -> None:
    for size in (127, 128, 200, 32_767, 32_768, 1_000_000):
        assert db.one(db.message(text=None, attributedBody=body("x" * size)))["text"] == "x" * size


def test_6_text_that_looks_like_the_archive_is_exact(db: Any, body: Any) -> None:
    text = "NSString + NSDictionary ㆄ"
    assert db.one(db.message(text=None, attributedBody=body(text)))["text"] == text


@pytest.mark.parametrize(
    ("damaged", "text"),
    [
        (CAP + b" cut short", None),
        (b"\x00\x01\x02\xff\xfe", None),
        (b"bplist00", None),
        (b"\xff\xfe" + "ciao".encode("utf-16-le"), "ciao"),
    ],
)
def test_7_a_damaged_body_keeps_its_row(db: Any, damaged: bytes, text: str | None) -> None:
    row = db.one(db.message(text=None, attributedBody=damaged))
    assert row["text"] == text
    assert row["text_repaired"] is (text is None)


def test_7_a_damaged_body_beside_a_text_is_not_asked(db: Any) -> None:
    row = db.one(db.message(text="all is well", attributedBody=b"\x00\xff", date_edited=1))
    assert (row["text"], row["text_repaired"]) == ("all is well", False)


def test_8_bad_bytes_in_text_are_repaired_in_that_row_alone(db: Any) -> None:
    bad = db.message(text="x")
    db.sql.execute("UPDATE message SET text = CAST(? AS TEXT) WHERE ROWID = ?", (b"caf\xe9 au lait", bad))
    good = db.message(text="ok")
    rows = {row["rowid"]: row for row in db.read()}
    assert (rows[bad]["text"], rows[bad]["text_repaired"]) == ("caf\ufffd au lait", True)
    assert (rows[good]["text"], rows[good]["text_repaired"]) == ("ok", False)


@pytest.mark.parametrize(
    "text", ["a\0b", "\ufffe\x07\x1b[31m", "\u202egnp.exe", "مرحبا 123 abc שלום", "\ufffc", "\ufffd"]
)
def test_9_10_11_odd_characters_are_kept(db: Any, text: str) -> None:
    row = db.one(db.message(text=text))
    assert (row["text"], row["text_repaired"]) == (text, False)


def test_12_join_rows_to_nothing_change_nothing(db: Any) -> None:
    rowid = db.message(text="here")
    db.insert("chat_message_join", chat_id=1, message_id=999)
    db.insert("chat_message_join", chat_id=77, message_id=rowid)
    db.insert("message_attachment_join", message_id=rowid, attachment_id=55)
    db.insert("chat_handle_join", chat_id=1, handle_id=44)
    (row,) = db.read()
    assert (row["chat_ids"], row["n_attachments"]) == ((1,), 0)
    assert db.read("attachments") == []
    assert [chat["participants"] for chat in db.read("chats")] == [["+15550100"]]


def test_13_a_message_in_no_chat_comes_when_asked_for(db: Any) -> None:
    db.message(text="in")
    lost = db.message(None, text="out")
    nowhere = db.message(99, text="in a chat that is gone")
    assert [row["text"] for row in db.read()] == ["in"]
    found = {row["rowid"]: row for row in db.read(include=["orphaned"])}
    assert len(found) == 3
    for rowid in (lost, nowhere):
        assert (found[rowid]["chat_id"], found[rowid]["chat_ids"], found[rowid]["is_group"]) == (None, (), None)


def test_14_a_message_in_two_chats_is_one_row(db: Any) -> None:
    second = db.chat("chat42", style=43, name="Team")
    rowid = db.message((second, 1), text="both")
    (row,) = db.read()
    assert (row["rowid"], row["chat_id"], row["chat_ids"], row["is_group"]) == (rowid, 1, (1, second), False)
    assert [row["rowid"] for row in db.read(chat_ids=[second])] == [rowid]


def test_15_a_recently_deleted_message_comes_when_asked_for(db: Any) -> None:
    rowid = db.message(None, text="bin")
    when = 710_000_000 * NS
    db.insert("chat_recoverable_message_join", chat_id=1, message_id=rowid, delete_date=when)
    assert db.read() == []
    assert db.read(include=["orphaned"]) == []
    (row,) = db.read(include=["deleted"])
    assert (row["chat_id"], row["chat_name"], row["deleted_at"]) == (1, "+15550100", apple_to_us(when))
    assert [row["rowid"] for row in db.read(include=["deleted"], chat_ids=[1])] == [rowid]


def test_16_guids_may_repeat_and_look_like_anything(make_db: Any) -> None:
    merged = make_db(message="ROWID INTEGER PRIMARY KEY, guid TEXT, text TEXT, handle_id INTEGER, date INTEGER,"
                     " is_from_me INTEGER DEFAULT 0, service TEXT, associated_message_guid TEXT,"
                     " associated_message_type INTEGER")  # fmt: skip
    merged.chat()
    first = merged.message(guid="same", text="a")
    second = merged.message(guid="same", text="b")
    merged.message(guid="lower-case", text="c")
    merged.message(guid="t", associated_message_guid="p:0/same", associated_message_type=2000)
    rows = {row["rowid"]: row for row in merged.read()}
    assert [row["text"] for row in rows.values()] == ["a", "b", "c"]
    assert [row["message_rowid"] for row in merged.read("reactions")] == [first]
    assert (rows[first]["n_reactions"], rows[second]["n_reactions"]) == (1, 0)


@pytest.mark.parametrize("handle", [None, 0, 999, "junk"])
def test_17_an_unknown_handle_is_an_unknown_sender(db: Any, handle: Any) -> None:
    row = db.one(db.message(text="who", handle_id=handle))
    assert (row["sender"], row["is_from_me"]) == (None, False)


def test_17_an_own_message_has_no_sender_whatever_its_handle(db: Any) -> None:
    row = db.one(db.message(text="me", handle_id=1, is_from_me=1))
    assert (row["sender"], row["is_from_me"]) == (None, True)


@pytest.mark.parametrize(
    "date",
    [0, None, -86_400 * NS, 2_808_604_800 * NS, 758_505_158, -5, "soon", 2**63 - 1, -(2**63) + 2000, 10**12, 10**12 - 1,
     300_000_000_000, 758_505_158.5, 757_382_430_123_456_789, -757_382_430_123_456_789],
)  # fmt: skip
def test_18_and_19_every_date_follows_the_rule_value_by_value(db: Any, date: Any) -> None:
    row = db.one(db.message(text="when", date=date, is_from_me=1, date_delivered=date, date_edited=date))
    expected = apple_to_us(date)
    assert row["created_at"] == expected
    assert row["delivered_at"] == expected


def test_20_a_table_without_newer_columns_and_in_any_order_is_read(make_db: Any, body: Any) -> None:
    old = make_db(
        message="is_from_me INTEGER, attributedBody BLOB, Guid TEXT, date INTEGER, TEXT TEXT,"
        " rowid INTEGER PRIMARY KEY",
        chat_recoverable_message_join=None,
        attachment=None,
        chat_handle_join=None,
    )
    old.chat()
    old.sql.execute("INSERT INTO message VALUES (0, ?, 'G', ?, NULL, 5)", (body("hi"), 700_000_000))
    old.sql.execute("INSERT INTO chat_message_join VALUES (1, 5, 0)")
    (row,) = old.read()
    known = {name: value for name, value in row.items() if value not in (None, 0)}
    assert known == {
        "rowid": 5,
        "guid": "G",
        "chat_id": 1,
        "chat_ids": (1,),
        "chat_identifier": "+15550100",
        "chat_name": "+15550100",
        "kind": "message",
        "text": "hi",
        "created_at": apple_to_us(700_000_000),
    }
    for unknown in (
        "is_read",
        "send_state",
        "is_edited",
        "is_unsent",
        "is_audio",
        "is_spam",
        "is_scheduled",
        "service",
    ):
        assert row[unknown] is None
    assert old.read("chats")[0]["last_message_at"] == apple_to_us(700_000_000)


def test_22_edits_are_told_from_either_sign(db: Any, body: Any) -> None:
    versions = [{"d": 700_000_000.0 + step, "t": body(f"v{step}")} for step in range(6)]
    by_summary = db.message(text=None, attributedBody=body("v5"), message_summary_info=summary(ec={"10": versions}))
    by_date = db.message(text="now", date_edited=700_000_100 * NS)
    broken = db.message(text="now", date_edited=700_000_100 * NS, message_summary_info=b"bplist00" + b"\xff" * 80)
    stale = db.message(text="old", attributedBody=body("new"), date_edited=700_000_100 * NS)
    rows = {row["rowid"]: row for row in db.read()}
    assert all(rows[rowid]["is_edited"] for rowid in (by_summary, by_date, broken, stale))
    assert rows[by_summary]["edited_at"] == apple_to_us(700_000_005)
    assert rows[stale]["text"] == "new"
    edits = db.read("edits")
    assert [(row["part"], row["version"], row["text"]) for row in edits] == [(10, n, f"v{n}") for n in range(6)]
    assert edits[5]["edited_at"] == apple_to_us(700_000_005)


def test_23_a_message_taken_back_is_told_from_one_that_lost_a_part(db: Any, body: Any) -> None:
    ranges = {"0": {"lo": 0, "le": 4}, "1": {"lo": 4, "le": 4}}
    whole = db.message(text=None, message_summary_info=summary(otr=ranges, rp=[0, 1]), date_edited=700_000_100 * NS)
    partly = db.message(text="rest", message_summary_info=summary(otr=ranges, rp=[1]), date_retracted=700_000_100 * NS)
    no_ranges = db.message(text=None, message_summary_info=summary(rp=[0]))
    rows = {row["rowid"]: row for row in db.read()}
    assert [rows[rowid]["is_unsent"] for rowid in (whole, partly, no_ranges)] == [True, False, True]
    assert [rows[rowid]["is_edited"] for rowid in (whole, partly, no_ranges)] == [False, False, False]
    assert rows[whole]["unsent_at"] == rows[partly]["unsent_at"] == apple_to_us(700_000_100 * NS)
    taken = [(row["message_rowid"], row["part"], row["version"], row["is_unsent"]) for row in db.read("edits")]
    assert taken == [
        (whole, 0, None, True),
        (whole, 1, None, True),
        (partly, 1, None, True),
        (no_ranges, 0, None, True),
    ]


def test_24_groups_have_names_or_identifiers_and_people_who_left(db: Any) -> None:
    unnamed = db.chat("chat7", style=43, name="")
    named = db.chat("chat8", style=43, name="Lobster 🦞\nSquad")
    people = [db.handle(f"+1555020{n:02d}") for n in range(31)]
    for person in people[1:]:
        db.insert("chat_handle_join", chat_id=named, handle_id=person)
    gone = db.message(named, text="bye", handle_id=people[0])
    quiet = db.message(unnamed, text="hm")
    rows = {row["rowid"]: row for row in db.read()}
    assert (rows[gone]["sender"], rows[gone]["chat_name"], rows[gone]["is_group"]) == (
        "+155502000",
        "Lobster 🦞\nSquad",
        True,
    )
    assert (rows[quiet]["chat_name"], rows[quiet]["is_group"]) == ("chat7", True)
    chats = {row["chat_id"]: row for row in db.read("chats")}
    assert chats[named]["n_participants"] == 30
    assert chats[named]["participants"] == sorted(chats[named]["participants"])
    assert [row["handle"] for row in db.read("participants", chat_ids=[named])] == chats[named]["participants"]


def test_25_attachments_are_listed_whatever_state_they_are_in(db: Any, body: Any, tmp_path: Path) -> None:
    there = tmp_path / "a~b" / "photo.heic"
    there.parent.mkdir()
    there.write_bytes(b"x")
    rowid = db.message(text="\ufffc" * 5)
    other = db.message(text="no slot")
    first = db.attachment(rowid, filename=str(there), total_bytes=-1, mime_type=None)
    db.attachment(rowid, filename=None)
    inside = "/Library/Messages/Attachments/../x/y.pluginPayloadAttachment"
    db.attachment(rowid, filename="~" + inside, created_date=700_000_000)
    db.attachment(other, filename=str(tmp_path))
    db.attachment(other, filename="nul\0byte")
    db.insert("message_attachment_join", message_id=other, attachment_id=first)
    rows = db.read("attachments")
    assert [(row["message_rowid"], row["is_missing"]) for row in rows] == [
        (rowid, False), (rowid, True), (rowid, True), (other, False), (other, True), (other, True),
    ]  # fmt: skip
    assert rows[0]["total_bytes"] == -1
    assert rows[0]["path"] == str(there)
    assert rows[1]["path"] is None
    assert rows[2]["path"] == str(Path.home()) + inside
    assert rows[2]["created_at"] == apple_to_us(700_000_000)
    assert [row["n_attachments"] for row in db.read()] == [3, 3]


def test_attachments_stand_in_the_order_of_the_body(db: Any, body: Any) -> None:
    rowid = db.message(text=None)
    for name in ("at_2_X", "at_0_X", "at_1_X"):
        db.attachment(rowid, guid=name)
    text = body("\ufffc", attributes={"a": "at_0_X", "b": "at_1_X", "c": "at_2_X"})
    db.sql.execute("UPDATE message SET attributedBody = ? WHERE ROWID = ?", (text, rowid))
    assert [row["guid"] for row in db.read("attachments")] == ["at_0_X", "at_1_X", "at_2_X"]


def test_a_voice_message_says_its_transcription(db: Any, body: Any) -> None:
    info = plistlib.dumps({"audio-transcription": "see you at eight"}, fmt=plistlib.FMT_BINARY)
    by_file = db.message(text="\ufffc", is_audio_message=1)
    db.attachment(by_file, user_info=info)
    by_body = db.message(
        text="\ufffc", is_audio_message=1, attributedBody=body("\ufffc", attributes={"IMAudioTranscription": "or nine"})
    )
    silent = db.message(text="\ufffc", is_audio_message=1)
    no_voice = db.message(text="a file")
    db.attachment(no_voice, user_info=info)
    rows = {row["rowid"]: row for row in db.read()}
    texts = [rows[rowid]["text"] for rowid in (by_file, by_body, silent, no_voice)]
    assert texts == ["see you at eight", "or nine", "\ufffc", "a file"]
    assert [rows[rowid]["is_audio"] for rowid in (by_file, by_body, silent, no_voice)] == [True, True, True, False]
    assert db.read("attachments")[0]["transcription"] == "see you at eight"


@pytest.mark.parametrize(
    ("columns", "event", "person", "title"),
    [
        ({"item_type": 1, "other_handle": 2, "handle_id": 1}, "participant_added", "+15550199", None),
        ({"item_type": 1, "other_handle": 1, "handle_id": 1}, "number_changed", "+15550100", None),
        ({"item_type": 1, "group_action_type": 1, "other_handle": 2}, "participant_removed", "+15550199", None),
        ({"item_type": 2, "group_title": "New"}, "renamed", None, "New"),
        ({"item_type": 2}, "renamed", None, None),
        ({"item_type": 3, "handle_id": 1}, "left", "+15550100", None),
        ({"item_type": 3, "group_action_type": 1}, "photo_set", None, None),
        ({"item_type": 3, "group_action_type": 2}, "photo_removed", None, None),
        ({"item_type": 3, "group_action_type": 4}, "background_set", None, None),
        ({"item_type": 3, "group_action_type": 6}, "background_removed", None, None),
        ({"item_type": 4}, "location_started", None, None),
        ({"item_type": 4, "share_status": 1}, "location_stopped", None, None),
        ({"item_type": 5}, "audio_kept", None, None),
        ({"item_type": 6}, "shareplay", None, None),
        ({"item_type": 9}, "unknown", None, None),
    ],
)
def test_events_say_what_happened_to_whom(
    db: Any, columns: dict[str, Any], event: str, person: str | None, title: str | None
) -> None:
    db.handle("+15550199")
    row = db.one(db.message(text=None, **columns))
    assert (row["kind"], row["event"], row["event_person"], row["event_title"]) == ("event", event, person, title)
    assert row["text"] is None


POLLS = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.messages.Polls"
APP = "com.apple.messages.MSMessageExtensionBalloonPlugin:TEAM:com.example.game"


@pytest.mark.parametrize(
    ("balloon", "association", "kind"),
    [
        (None, 0, "message"),
        (None, None, "message"),
        ("", 0, "message"),
        ("com.apple.messages.URLBalloonProvider", 0, "link"),
        (APP, 0, "app"),
        (APP, 3, "app"),
        (POLLS, 0, "poll"),
        (POLLS, 2, "poll_update"),
        (POLLS, 4000, "poll_vote"),
        (None, 4000, "poll_vote"),
        (None, 2, "message"),
        (None, 5000, "unknown"),
    ],
)
def test_kinds_follow_association_and_app(db: Any, balloon: str | None, association: int | None, kind: str) -> None:
    row = db.one(db.message(text="x", balloon_bundle_id=balloon, associated_message_type=association))
    assert (row["kind"], row["balloon_bundle_id"]) == (kind, balloon or None)


@pytest.mark.parametrize(
    ("columns", "state", "error"),
    [
        ({"is_sent": 1, "is_delivered": 1, "error": 22}, "failed", 22),
        ({"is_sent": 1, "is_delivered": 1}, "delivered", None),
        ({"is_sent": 1, "date_delivered": 700_000_000 * NS}, "delivered", None),
        ({"is_sent": 1}, "sent", None),
        ({}, "pending", None),
    ],
)
def test_own_messages_have_a_state_and_others_none(
    db: Any, columns: dict[str, Any], state: str, error: int | None
) -> None:
    own = db.one(db.message(text="x", is_from_me=1, **columns))
    assert (own["send_state"], own["send_error"]) == (state, error)
    assert db.one(db.message(text="x", **columns))["send_state"] is None


def test_reading_means_us_if_inbound_and_them_if_own(db: Any) -> None:
    when = 700_000_500 * NS
    states = [
        db.one(db.message(text="x", is_read=1, date_read=when)),
        db.one(db.message(text="x", is_read=0)),
        db.one(db.message(text="x", is_read=None)),
        db.one(db.message(text="x", is_from_me=1, is_read=0, date_read=when)),
        db.one(db.message(text="x", is_from_me=1, is_read=1, date_read=0)),
    ]
    assert [row["is_read"] for row in states] == [True, False, None, True, False]
    assert states[3]["read_at"] == apple_to_us(when)


def test_scheduled_replies_effects_subjects_and_spam_are_told(db: Any) -> None:
    later = db.one(db.message(text="x", is_from_me=1, schedule_type=2, schedule_state=2))
    assert later["is_scheduled"] is True
    reply = db.one(
        db.message(text="x", thread_originator_guid="M1", thread_originator_part="2:0:11", subject="Re", is_spam=1)
    )
    assert (reply["thread_originator_guid"], reply["thread_originator_part"]) == ("M1", 2)
    assert (reply["subject"], reply["is_spam"], reply["is_scheduled"]) == ("Re", True, False)
    style = "com.apple.messages.effect.CKHappyBirthdayEffect"
    assert db.one(db.message(text="x", expressive_send_style_id=style))["effect"] == "balloons"
    assert db.one(db.message(text="x", expressive_send_style_id="com.example.new"))["effect"] == "com.example.new"


@pytest.mark.parametrize("service", ["iMessage", "SMS", "RCS", "rcs", "Foo", None])
def test_services_are_kept_as_they_are(db: Any, service: str | None) -> None:
    assert db.one(db.message(text="x", service=service))["service"] == service


def test_a_database_in_utf16_is_read(tmp_path: Path, make_db: Any) -> None:
    source = make_db()
    source.chat()
    source.message(text="größe 🎉")
    target = tmp_path / "utf16.db"
    copy = sqlite3.connect(target)
    copy.execute("PRAGMA encoding = 'UTF-16le'")
    copy.executescript("".join(line for line in source.sql.iterdump() if "sqlite_sequence" not in line))
    copy.close()
    source.path = target
    (row,) = source.read()
    assert (row["text"], row["chat_name"]) == ("größe 🎉", "+15550100")


def test_empty_tables_give_empty_batches(make_db: Any) -> None:
    empty = make_db()
    for table in ("messages", "reactions", "attachments", "chats", "participants", "edits"):
        assert empty.read(table) == []
