"""What a subscription sees: batches, filters, link previews and rows without a chat."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from imsg_sdk.server.store.store import WatchView

LINK = "https://example.com/a"


def ids(page):
    return [message.id for message in page.messages]


def drain(store, view, cursor=-1, limit=100):
    found, holes = [], []
    for _ in range(1000):
        page = store.watch_after(cursor, view, limit)
        found += page.messages
        holes += page.unlinked
        assert page.cursor > cursor or not page.more
        cursor = page.cursor
        if not page.more:
            return found, holes, cursor
    raise AssertionError("the batches never end")


def test_rows_behind_the_cursor_in_order_and_tapbacks_left_out(db, open_store):
    db.message("a", at=9)
    db.tapback("p:0/G1", 2000, at=1)
    last = db.message("b", at=3)
    store = open_store(db)
    page = store.watch_after(0, WatchView())
    assert (ids(page), page.cursor, page.more, page.unlinked) == ([1, 3], last, False, [])
    page = store.watch_after(last, WatchView())
    assert (ids(page), page.cursor) == ([], last)


def test_reactions_fill_and_appear_only_when_asked_for(db, open_store):
    db.message("a")
    db.tapback("p:0/G1", 2000)
    store = open_store(db)
    assert store.watch_after(0, WatchView()).messages[0].reactions == []
    first, event = store.watch_after(0, WatchView(include_reactions=True)).messages
    assert ([each.type for each in first.reactions], event.is_reaction) == (["love"], True)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_every_batch_size_shows_every_row_and_every_copy(db, open_store, limit):
    db.chat("+15550002")
    expected = []
    for chats in ((1,), (1, 2), (2,), (1, 2), (1, 2), (1,)):
        rowid = db.message("x", chat=chats)
        expected += [(rowid, chat) for chat in chats]
    found, holes, _ = drain(open_store(db), WatchView(), limit=limit)
    assert ([(message.id, message.chat_id) for message in found], holes) == (expected, [])


def test_a_row_without_a_chat_holds_nothing_back(db, open_store):
    for chat in (1, None, 1, None, None, 1):
        db.message("x", chat=chat)
    store = open_store(db)
    found, holes, cursor = drain(store, WatchView())
    assert ([message.id for message in found], holes, cursor) == ([1, 3, 6], [2, 4, 5], 6)
    assert store.unlinked_rows(2, WatchView()) == [4, 5]


def test_a_row_linked_late_is_seen_when_asked_for(db, open_store):
    db.chat("+15550002")
    for _ in range(4):
        db.message("x", chat=None)
    store = open_store(db)
    db.link(1, 1)
    db.link(2, 2)
    db.sql.execute("DELETE FROM message WHERE ROWID = 3")
    page = store.watch_rows([1, 2, 3, 4], WatchView())
    assert (ids(page), page.unlinked) == ([1, 2], [4])
    page = store.watch_rows([1, 2, 3, 4], WatchView(chat_id=2))
    assert (ids(page), page.unlinked) == ([2], [4])
    assert store.watch_rows([], WatchView()).messages == []


def test_a_chat_sees_its_rows_and_hears_of_rows_without_a_chat(db, open_store):
    db.chat("+15550002")
    for chat in (1, 2, None, 2, 1):
        db.message("x", chat=chat)
    store = open_store(db)
    page = store.watch_after(0, WatchView(chat_id=2))
    assert (ids(page), page.cursor, page.unlinked, page.more) == ([2, 4], 5, [3], False)
    found, holes, _ = drain(store, WatchView(chat_id=2), limit=1)
    assert ([message.id for message in found], holes) == ([2, 4], [3])
    assert ids(store.watch_after(0, WatchView(chat_id=99))) == []


def test_filters_look_at_the_decoded_message(db, open_store):
    db.message("a", sender="É@x.org", at=0)
    db.message("b", at=10)
    db.message("c", sender=None, is_from_me=1, destination_caller_id="me@x.org", at=20)
    store = open_store(db)
    date = dict(db.sql.execute("SELECT ROWID, date FROM message"))
    assert ids(store.watch_after(0, WatchView(participants=("é@X.org", "ME@x.org")))) == [1, 3]
    page = store.watch_after(0, WatchView(start_ns=date[2], end_ns=date[3]))
    assert (ids(page), page.cursor) == ([2], 3)


def test_a_link_and_its_preview_in_one_batch_are_one_message(db, open_store):
    text, preview = db.message(LINK), db.preview(LINK)
    page = open_store(db).watch_after(0, WatchView())
    assert ([(message.id, message.url_preview.id) for message in page.messages], page.cursor) == (
        [(text, preview)],
        preview,
    )


def test_a_preview_that_comes_later_is_suppressed(db, open_store):
    db.message(LINK)
    store = open_store(db)
    assert store.watch_after(0, WatchView()).messages[0].url_preview is UNSET
    preview = db.preview(LINK)
    page = store.watch_after(1, WatchView())
    assert (page.messages, page.cursor) == ([], preview)


@pytest.mark.parametrize(("seconds", "shown"), [(90, 1), (90.001, 2), (-300, 1), (-601, 1), (601, 2)])
def test_the_same_preview_again_within_ninety_seconds_is_skipped(db, open_store, seconds, shown):
    db.message("between", at=0)
    db.preview(LINK, at=1000)
    db.message("between", at=0)
    db.preview(LINK, at=1000 + seconds)
    found, _, _ = drain(open_store(db), WatchView())
    assert len([message for message in found if message.text == LINK]) == shown


def test_each_preview_shown_or_skipped_begins_the_time_anew(db, open_store):
    for second in (0, 60, 120, 180):
        db.message("between", at=-1000)
        db.preview(LINK, at=second)
    found, _, _ = drain(open_store(db), WatchView(), limit=3)
    assert len([message for message in found if message.text == LINK]) == 1


@pytest.mark.parametrize("columns", [{"sender": "a@b.org"}, {"is_from_me": 1}, {"chat": 2}])
def test_previews_of_others_do_not_count_as_the_same(db, open_store, columns):
    db.chat("+15550002")
    db.message("between", at=-1000, chat=(1, 2))
    db.preview(LINK, at=0)
    db.message("between", at=-1000, chat=(1, 2))
    db.preview(LINK, at=1, **columns)
    found, _, _ = drain(open_store(db), WatchView())
    assert len([message for message in found if message.text == LINK]) == 2


def test_each_subscription_has_its_own_memory(db, open_store):
    db.preview(LINK)
    store = open_store(db)
    for _ in range(2):
        assert len(store.watch_after(0, WatchView()).messages) == 1


def test_a_preview_without_text_is_never_a_repetition(db, open_store):
    for _ in range(2):
        db.message("between", at=-1000)
        db.preview("")
    found, _, _ = drain(open_store(db), WatchView())
    assert len(found) == 4


def test_a_commit_changes_the_data_version(db, open_store):
    store = open_store(db)
    before = store.data_version()
    assert store.data_version() == before
    db.message("x")
    assert store.data_version() != before


def test_late_rows_fold_by_what_lies_between_them_in_the_chat(db, open_store):
    text = db.message(LINK, chat=None, at=0)
    between = db.message("between", at=1)
    preview = db.preview(LINK, chat=None, at=2)
    last = db.preview(LINK, chat=None, at=3)
    store = open_store(db)
    for rowid in (text, preview, last):
        db.link(rowid, 1)
    found = store.watch_rows([text, preview, last], WatchView()).messages
    assert [(message.id, message.url_preview) for message in found] == [(text, UNSET), (preview, UNSET)]
    db.sql.execute("DELETE FROM message WHERE ROWID = ?", (between,))
    (message,) = store.watch_rows([text, preview, last], WatchView()).messages
    assert (message.id, message.url_preview.id) == (text, last)


def test_rows_without_a_chat_in_a_row_are_passed_in_one_step(db, open_store):
    for chat in (None, None, None, 1, None):
        db.message("x", chat=chat)
    page = open_store(db).watch_after(0, WatchView())
    assert (ids(page), page.unlinked, page.cursor, page.more) == ([], [1, 2, 3], 3, True)
