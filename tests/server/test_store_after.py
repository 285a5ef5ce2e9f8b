"""``messages.after``: pages in physical order, and the frontier between them."""

from __future__ import annotations

import pytest
from msgspec import UNSET

LINK = "https://example.com/a"


def ids(page):
    return [message.id for message in page.messages]


def drain(store, limit, **options):
    """Read every page and return the ids; the frontier must move on every page."""
    found, cursor = [], 0
    for _ in range(1000):
        page = store.after(cursor, limit=limit, **options)
        found += ids(page)
        assert page.has_more is False or page.next_rowid > cursor
        cursor = page.next_rowid
        if not page.has_more:
            return found
    raise AssertionError("the pages never end")


def test_rows_come_in_physical_order_whatever_their_date(db, open_store):
    rows = [db.message("x", at=at) for at in (9, 3, 7)]
    page = open_store(db).after(0)
    assert (ids(page), page.next_rowid, page.has_more) == (rows, rows[-1], False)


def test_the_frontier_is_the_row_before_the_next_visible_one(db, open_store):
    for _ in range(2):
        db.message("x")
    preview_text = db.message(LINK)
    db.preview(LINK)
    after = db.message("y")
    store = open_store(db)
    page = store.after(0, limit=3)
    assert (ids(page), page.next_rowid, page.has_more) == ([1, 2, preview_text], after - 1, True)
    assert ids(store.after(page.next_rowid)) == [after]


@pytest.mark.parametrize("since", [99, 2**53, 2**63 - 1])
def test_nothing_behind_the_cursor_leaves_it_where_it_is(db, open_store, since):
    db.message("x")
    store = open_store(db)
    page = store.after(since)
    assert (page.messages, page.next_rowid, page.has_more) == ([], since, False)
    assert store.after(0, chat_id=99).next_rowid == 0


def test_tapbacks_are_left_out_and_do_not_move_the_frontier_at_the_end(db, open_store):
    row = db.message("x")
    tapback = db.tapback("p:0/G1", 2000)
    store = open_store(db)
    page = store.after(0)
    assert (ids(page), page.next_rowid) == ([row], row)
    page = store.after(0, include_reactions=True)
    assert (ids(page), page.next_rowid) == ([row, tapback], tapback)


def test_reactions_hang_on_their_message_in_either_case(db, open_store):
    db.message("x")
    db.tapback("p:0/G1", 2000)
    store = open_store(db)
    for include in (False, True):
        first = store.after(0, include_reactions=include).messages[0]
        assert [each.type for each in first.reactions] == ["love"]


def test_a_row_without_a_chat_has_chat_0_and_empty_chat_fields(db, open_store):
    db.message("lost", chat=None)
    (message,) = open_store(db).after(0).messages
    assert (message.chat_id, message.chat_identifier, message.chat_guid, message.chat_name) == (0, "", "", "")
    assert (message.participants, message.is_group) == ([], False)


def test_a_chat_sees_its_own_rows_only(db, open_store):
    db.chat("+15550002")
    db.message("x", chat=None)
    db.message("one", chat=1)
    two = db.message("two", chat=2)
    both = db.message("both", chat=(1, 2))
    page = open_store(db).after(0, chat_id=2)
    assert (ids(page), {message.chat_id for message in page.messages}) == ([two, both], {2})


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 100])
def test_a_message_of_two_chats_comes_once_per_chat_and_stops_no_page(db, open_store, limit):
    db.chat("+15550002")
    db.chat("+15550003")
    expected = []
    for chat in (1, (1, 2), 2, (1, 2, 3), (2, 3), 1):
        rowid = db.message("x", chat=chat)
        expected += [rowid] * (1 if isinstance(chat, int) else len(chat))
    assert drain(open_store(db), limit) == expected


def test_copies_that_do_not_fit_wait_for_the_next_page(db, open_store):
    db.chat("+15550002")
    one, both = db.message("one"), db.message("both", chat=(1, 2))
    store = open_store(db)
    page = store.after(0, limit=2)
    assert (ids(page), page.next_rowid, page.has_more) == ([one], one, True)
    page = store.after(one, limit=2)
    assert (ids(page), page.next_rowid, page.has_more) == ([both, both], both, False)


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
def test_every_page_size_gives_the_same_messages(db, open_store, limit):
    for number in range(12):
        db.message(f"{LINK}{number}")
        if number % 2:
            db.preview(f"{LINK}{number}")
        if number % 3 == 0:
            db.tapback("p:0/G1", 2000)
    store = open_store(db)
    everything = store.after(0, limit=500).messages
    assert drain(store, limit) == [message.id for message in everything]
    assert len(everything) == 12


def test_a_preview_behind_the_page_end_shows_on_its_text(db, open_store):
    text = db.message(LINK, at=0)
    preview = db.preview(LINK, at=1)
    db.tapback("p:0/G1", 2000, at=2)
    last = db.preview(LINK, at=3)
    db.message("next")
    page = open_store(db).after(0, limit=1)
    (message,) = page.messages
    assert (message.id, message.url_preview.id, page.next_rowid) == (text, last, last)
    assert preview < last


def test_a_preview_whose_text_lies_on_an_earlier_page_is_consumed(db, open_store):
    text = db.message(LINK)
    preview = db.preview(LINK)
    page = open_store(db).after(text)
    assert (page.messages, page.next_rowid, page.has_more) == ([], preview, False)


def test_a_sticker_tapback_shown_parts_a_text_from_its_preview(db, open_store):
    text = db.message(LINK, at=0)
    sticker = db.tapback("p:0/G1", 2007, "￼", at=1)
    preview = db.preview(LINK, at=2)
    store = open_store(db)
    assert [message.url_preview.id for message in store.after(0).messages] == [preview]
    shown = store.after(0, include_reactions=True).messages
    assert [(message.id, message.url_preview) for message in shown] == [(text, UNSET), (sticker, UNSET)]


def test_a_preview_without_a_chat_stays(db, open_store):
    db.message(LINK, chat=None)
    db.preview(LINK, chat=None)
    assert len(open_store(db).after(0).messages) == 2


def test_attachments_come_when_asked_for(db, open_store):
    db.attachment(db.message("x"), "~/a")
    store = open_store(db)
    assert store.after(0).messages[0].attachments == []
    assert store.after(0, attachments=True).messages[0].attachments[0].original_path == "/Users/me/a"


def test_tapback_events_name_what_they_sit_on(db, open_store):
    db.message("x")
    db.tapback("p:0/G1", 2003, reply_to_guid="G1", thread_originator_guid="G1", thread_originator_part="0:0:1")
    db.tapback("bp:G1", 3006, "Removed a reaction")
    db.tapback("p:0/G1", 2007, "sticker")
    _, laugh, removed, sticker = open_store(db).after(0, include_reactions=True).messages
    assert (laugh.is_reaction, laugh.reaction_type, laugh.reaction_emoji) == (True, "laugh", "\U0001f602")
    assert (laugh.is_reaction_add, laugh.reacted_to_guid) == (True, "G1")
    assert laugh.reply_to_guid is laugh.thread_originator_guid is laugh.reply_to_text is UNSET
    assert laugh.thread_originator_part is UNSET
    assert (removed.is_reaction_add, removed.reaction_type, removed.reacted_to_guid) == (False, UNSET, "bp:G1")
    assert (sticker.is_reaction, sticker.reply_to_guid) == (UNSET, "G1")
