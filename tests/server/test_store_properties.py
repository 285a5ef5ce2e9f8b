"""Properties that hold on any small database: no page size and no limit changes what is seen."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imsg_sdk.server.store.store import WatchView

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["plain", "link", "preview", "other preview", "tapback", "sticker"]),
        st.sampled_from([(1,), (2,), (1, 2), (2, 1), ()]),
        st.sampled_from([0, 1, 4, 6]),
        st.booleans(),
    ),
    min_size=1,
    max_size=14,
)
RUN = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
LINK = "https://example.com/a"


def fill(make_db, rows):
    db = make_db()
    db.chat()
    db.chat("+15550002")
    second = 0
    for kind, chats, step, is_from_me in rows:
        second += step
        where = {"chat": chats, "at": second, "is_from_me": int(is_from_me), "is_read": 0}
        match kind:
            case "plain":
                db.message("plain", **where)
            case "link":
                db.message(f"see {LINK} and https://other.example", **where)
            case "preview":
                db.preview(LINK, **where)
            case "other preview":
                db.preview("https://other.example", **where)
            case "tapback":
                db.tapback("p:0/G1", 2000, **where)
            case "sticker":
                db.tapback("p:0/G1", 2007, "sticker", **where)
    return db


def said(messages):
    return [(each.id, each.chat_id, getattr(each.url_preview, "id", None)) for each in messages]


@RUN
@given(rows=ROWS, limit=st.integers(1, 6), include=st.booleans())
def test_pages_of_any_size_hold_the_same_messages(make_db, open_store, rows, limit, include):
    store = open_store(fill(make_db, rows))
    whole = store.after(0, limit=500, include_reactions=include)
    assert whole.has_more is False
    found, cursor, has_more = [], 0, True
    while has_more:
        page = store.after(cursor, limit=limit, include_reactions=include)
        assert page.next_rowid > cursor or not page.has_more
        found += page.messages
        cursor, has_more = page.next_rowid, page.has_more
    if include:
        # A sticker between a text and its preview parts them, but only where all three are read together.
        assert [each[:2] for each in said(found)] == [each[:2] for each in said(whole.messages)]
    else:
        assert said(found) == said(whole.messages)
    assert cursor == whole.next_rowid


@RUN
@given(rows=ROWS, limit=st.integers(1, 8))
def test_a_limit_keeps_the_newest_of_the_whole_history(make_db, open_store, rows, limit):
    store = open_store(fill(make_db, rows))
    for chat in (1, 2):
        whole = store.history(chat, 500)
        assert said(store.history(chat, limit)) == said(whole[:limit])
        assert sorted(said(whole)) == sorted(said(store.after(0, chat_id=chat, limit=500).messages))


@RUN
@given(rows=ROWS)
def test_what_is_counted_is_what_is_shown(make_db, open_store, rows):
    db = fill(make_db, rows)
    store = open_store(db)
    hidden = {row for (row,) in db.sql.execute("SELECT ROWID FROM message WHERE associated_message_type = 2000")}
    for chat in store.chats(9):
        assert chat.unread_count == sum(
            1
            for each in store.after(0, chat_id=chat.id, limit=500, include_reactions=True).messages
            if not each.is_from_me
        )
    assert not {each.id for each in store.after(0, limit=500).messages} & hidden


@RUN
@given(rows=ROWS, limit=st.integers(1, 5))
def test_a_watch_sees_every_row_once_whatever_the_batch(make_db, open_store, rows, limit):
    store = open_store(fill(make_db, rows))
    expected = [each for each in said(store.after(0, limit=500).messages) if each[1]]
    view, cursor, more, found, holes = WatchView(), -1, True, [], []
    while more:
        page = store.watch_after(cursor, view, limit)
        assert page.cursor > cursor or not page.more
        found += said(page.messages)
        holes += page.unlinked
        cursor, more = page.cursor, page.more
    shown = {each[:2] for each in found}
    assert len(shown) == len(found)
    assert shown <= {each[:2] for each in expected}
    missing = [each for each in expected if each[:2] not in shown]
    texts = {each.id: each.text for each in store.after(0, limit=500).messages}
    assert all(texts[rowid].startswith("https://") for rowid, _, _ in missing)
    assert holes == store.unlinked_rows(-1, view)
