"""``messages.search``: what is found, and in which order."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from imsg_sdk.server.dialect import Dialect

LINK = "https://example.com/a"


def texts(messages):
    return [message.text for message in messages]


def test_newest_first_and_never_attachments_or_reactions(db, open_store):
    db.message("an apple", at=0)
    db.attachment(db.message("apples", at=9), "~/a")
    db.tapback("p:0/G2", 2000, "Loved “apples”")
    found = open_store(db).search("apple")
    assert texts(found) == ["apples", "an apple"]
    assert all(message.attachments == [] == message.reactions for message in found)


def test_the_query_is_trimmed_and_the_text_is_not(db, open_store):
    db.message(" ok ")
    db.message("ok")
    store = open_store(db)
    assert texts(store.search("\n ok\u00a0", exact=True)) == ["ok"]
    assert texts(store.search(" ok ")) == ["ok", " ok "]
    assert store.search("  \n") == []


def test_column_text_is_matched_by_sql_first_and_so_folds_ascii_only(db, open_store):
    db.message("Äpfel", body="Äpfel")
    db.message(None, body="Äpfel")
    store = open_store(db)
    assert [message.id for message in store.search("ÄPFEL")] == [2, 1]
    assert [message.id for message in store.search("äpfel")] == [2]
    assert [message.id for message in store.search("äPFEL", exact=True)] == [2]


@pytest.mark.parametrize("query", ["STRASSE", "straße", "strasse"])
def test_bodies_fold_in_full(db, open_store, query):
    db.message(None, body="Straße")
    store = open_store(db)
    assert len(store.search(query)) == len(store.search(query, exact=True)) == 1


def test_canonically_equal_forms_match_in_bodies(db, open_store):
    db.message(None, body="caf\u00e9")
    store = open_store(db)
    assert len(store.search("cafe\u0301")) == 1
    assert store.search("cafe") == []


@pytest.mark.parametrize(
    ("query", "found"), [("100%", 1), ("a_b", 1), ("c\\d", 1), ("%", 1), ("_", 1), ("*", 0), ("'", 0)]
)
def test_wildcards_stand_for_themselves(db, open_store, query, found):
    for text in ("100% sure", "a_b", "c\\d", "plain"):
        db.message(text)
    assert len(open_store(db).search(query)) == found


def test_tapbacks_are_hidden(db, open_store):
    db.message("apple")
    for kind in (2000, 2007, 3006):
        db.tapback("p:0/G1", kind, "Loved “apple”")
    db.tapback("p:0/G1", 1000, "apple sticker")
    assert texts(open_store(db).search("apple")) == ["apple sticker", "apple"]


def test_a_message_of_two_chats_comes_twice_and_one_of_none_with_chat_0(db, open_store):
    db.chat("+15550002")
    db.message("apple", chat=(1, 2))
    db.message("apple", chat=None)
    found = open_store(db).search("apple")
    assert sorted((message.id, message.chat_id) for message in found) == [(1, 1), (1, 2), (2, 0)]


def test_the_limit_counts_what_is_shown(db, open_store):
    for number in range(5):
        db.message(f"{LINK}{number}")
        db.preview(f"{LINK}{number}")
    store = open_store(db)
    assert [message.id for message in store.search("example", limit=3)] == [9, 7, 5]
    assert [message.id for message in store.search("example", limit=99)] == [9, 7, 5, 3, 1]
    assert store.search("example", limit=0) == []


def test_a_text_that_matches_shows_its_preview_whether_that_matches_or_not(db, open_store):
    db.message(f"look {LINK}")
    preview = db.preview(LINK)
    store = open_store(db)
    for query in ("look", "example"):
        (message,) = store.search(query)
        assert (message.id, message.url_preview.id) == (1, preview)


def test_a_preview_whose_text_does_not_match_stays(db, open_store):
    db.message(f"look {LINK}")
    preview = db.preview(LINK)
    (message,) = open_store(db).search(LINK, exact=True)
    assert (message.id, message.url_preview) == (preview, UNSET)


def test_a_transcription_is_found_on_a_row_without_text_only(db, open_store):
    import plistlib

    info = plistlib.dumps({"audio-transcription": "buy apples"})
    db.attachment(db.message(None, body="\ufffc", is_audio_message=1), "a.caf", user_info=info)
    db.attachment(db.message("\ufffc", is_audio_message=1), "b.caf", user_info=info)
    assert [message.id for message in open_store(db).search("apples")] == [1]


def test_without_bodies_only_the_column_is_searched(make_db, open_store):
    db = make_db("message.attributedBody")
    db.chat()
    db.message("apple")
    assert len(open_store(db).search("apple")) == 1


def test_the_older_program_searches_the_column_only(db, open_store):
    db.message("an APPLE")
    db.message(None, body="apple")
    db.tapback("p:0/G1", 2000, "Loved “apple”")
    store = open_store(db, Dialect.LEGACY)
    assert [message.id for message in store.search("apple")] == [1]
    assert [message.id for message in store.search("AN apple", exact=True)] == [1]


def test_a_preview_that_a_chat_holds_twice_folds_once(db, open_store):
    text = db.message("https://example.com")
    preview = db.preview("https://example.com")
    db.unlock_links()
    db.sql.execute("INSERT INTO chat_message_join SELECT * FROM chat_message_join")
    (message,) = open_store(db).search("example")
    assert (message.id, message.url_preview.id) == (text, preview)
