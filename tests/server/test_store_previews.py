"""Link previews: when a preview row folds into the text row before it, and where that shows."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from imsg_sdk.server.rows.reader import RowReader
from imsg_sdk.server.store.zones import find_zone

LINK = "https://example.com/a"


def shown(messages):
    return [(message.id, message.url_preview.id if message.url_preview is not UNSET else None) for message in messages]


def test_a_preview_folds_into_the_row_before(db, open_store):
    text, preview = db.message(f"look {LINK}"), db.preview(LINK)
    (message,) = open_store(db).history(1, 9)
    assert shown([message]) == [(text, preview)]
    assert (message.url_preview.guid, message.url_preview.created_at) == ("G2", "2025-01-31T07:07:42.000Z")


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("HTTPS://EXAMPLE.COM/A", LINK),
        (LINK, f"  {LINK}\n"),
        (LINK, LINK + "/"),
        ("see www.example.com now", "WWW.example.com"),
        ("http://STRASSE.example", "http://straße.example"),
    ],
)
def test_case_white_space_and_an_ending_slash_do_not_matter(db, open_store, text, link):
    expected = [(db.message(text), db.preview(link))]
    assert shown(open_store(db).history(1, 9)) == expected


@pytest.mark.parametrize(
    ("text", "link"), [("example.com", "example.com"), ("other", LINK), (LINK, ""), (LINK, "https://example.com/b")]
)
def test_a_preview_of_another_text_stays(db, open_store, text, link):
    rows = db.message(text), db.preview(link)
    assert shown(open_store(db).history(1, 9)) == [(rows[1], None), (rows[0], None)]


@pytest.mark.parametrize(("seconds", "folds"), [(0, True), (5, True), (5.001, False), (-0.001, False)])
def test_it_must_follow_within_five_seconds(db, open_store, seconds, folds):
    db.message(LINK, at=100)
    db.preview(LINK, at=100 + seconds)
    assert len(open_store(db).history(1, 9)) == (1 if folds else 2)


@pytest.mark.parametrize(
    "columns",
    [
        {"is_from_me": 1},
        {"sender": "a@b.org"},
        {"sender": None, "destination_caller_id": "+15550001"},
    ],
)
def test_direction_sender_and_handle_must_agree(db, open_store, columns):
    db.message(LINK)
    db.preview(LINK, **columns)
    assert len(open_store(db).history(1, 9)) == 2


def test_a_missing_handle_is_not_compared(db, open_store):
    db.message(LINK, destination_caller_id="+15550001")
    db.preview(LINK, handle_id=None, destination_caller_id="+15550001")
    assert len(open_store(db).history(1, 9)) == 1


def test_tapbacks_between_do_not_matter_but_other_rows_do(db, open_store):
    db.message(LINK, at=0)
    db.tapback("p:0/G1", 2000, at=1)
    db.preview(LINK, at=2)
    assert len(open_store(db).history(1, 9)) == 1
    db.message(LINK, at=10)
    db.message("between", at=11)
    db.preview(LINK, at=12)
    assert len(open_store(db).history(1, 9)) == 4


def test_rows_of_another_chat_do_not_part_them(db, open_store):
    db.chat("+15550002")
    text = db.message(LINK, at=0)
    db.message("elsewhere", chat=2, at=1)
    preview = db.preview(LINK, at=2)
    assert shown(open_store(db).history(1, 9)) == [(text, preview)]


def test_a_run_of_previews_shows_the_last_one(db, open_store):
    text = db.message(f"{LINK} and https://example.com/b")
    db.preview(LINK)
    last = db.preview("https://example.com/b", at=db._seconds + 1)
    assert shown(open_store(db).history(1, 9)) == [(text, last)]


def test_a_preview_that_does_not_fit_cuts_off_the_later_ones(db, open_store):
    text = db.message(LINK, at=0)
    first = db.preview(LINK, at=1)
    strange = db.preview("https://other.example", at=2)
    late = db.preview(LINK, at=3)
    assert shown(open_store(db).history(1, 9)) == [(late, None), (strange, None), (text, first)]


def test_the_limit_counts_folded_messages(db, open_store):
    for number in range(6):
        db.message(f"{LINK}{number}")
        db.preview(f"{LINK}{number}")
    store = open_store(db)
    for limit in range(1, 7):
        assert shown(store.history(1, limit)) == [(row, row + 1) for row in range(11, 11 - 2 * limit, -2)]


def test_a_text_outside_the_filter_leaves_its_preview_alone(db, open_store):
    db.message(LINK, at=0)
    preview = db.preview(LINK, at=2)
    date = db.sql.execute("SELECT date FROM message WHERE ROWID = ?", (preview,)).fetchone()[0]
    store = open_store(db)
    assert shown(store.history(1, 9, start_ns=date)) == [(preview, None)]
    assert shown(store.history(1, 9, end_ns=date)) == [(1, None)]


def test_bodies_fold_like_texts(db, open_store):
    text = db.message(None, body=LINK)
    preview = db.preview(None, body=LINK)
    assert shown(open_store(db).history(1, 9)) == [(text, preview)]


def test_without_the_column_every_row_stands_for_itself(make_db, open_store):
    db = make_db("message.balloon_bundle_id")
    db.chat()
    db.message(LINK)
    db.preview(LINK)
    store = open_store(db)
    assert shown(store.history(1, 9)) == [(2, None), (1, None)]
    assert store.after(0, limit=1).next_rowid == 1


def test_a_run_longer_than_the_first_look_folds_as_a_whole(db, open_store):
    text = db.message(f"{LINK} and more", at=0)
    previews = [db.preview(LINK, at=0.1 * number) for number in range(1, 40)]
    store = open_store(db)
    assert shown(store.history(1, 9)) == [(text, previews[-1])]
    assert store.stats(zone=find_zone("UTC"))["total_messages"] == 1
    assert [chat.unread_count for chat in store.chats(9)] == [1]
    assert shown(store.search("example.com")) == [(text, previews[-1])]


def test_what_is_remembered_of_a_run_does_not_outlive_a_commit(db, open_store):
    text, preview = db.message(LINK, at=0), db.preview(LINK, at=1)
    store = open_store(db)
    assert shown(store.history(1, 9)) == [(text, preview)]
    db.sql.execute("UPDATE message SET text = 'edited' WHERE ROWID = ?", (text,))
    assert shown(store.history(1, 9)) == [(preview, None), (text, None)]


@pytest.mark.parametrize("gap_s", [0.0, 60.0])
def test_a_chat_of_links_alone_is_not_read_over_and_over(db, open_store, monkeypatch, gap_s):
    rows = [db.preview(LINK, at=gap_s * number) for number in range(300)]
    read, decoded = RowReader.read, []

    def counted(*args, **options):
        found = read(*args, **options)
        decoded.extend(found)
        return found

    monkeypatch.setattr(RowReader, "read", counted)
    assert shown(open_store(db).history(1, 999)) == [(row, None) for row in reversed(rows)]
    assert len(decoded) < 10 * len(rows)
