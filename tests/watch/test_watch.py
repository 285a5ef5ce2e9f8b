"""A watch hands out what arrives, each message once, in the order of rows, and can go on from its cursor."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.errors import AddressError, ClientClosed, CursorMismatch, InvalidParams


def test_a_message_is_handed_out_as_it_arrives(db: Any, every_client: IMessageClient, reading: Any) -> None:
    with every_client.watch() as watch:
        assert watch.get(0) is None
        rowid = db.message("hello", chat=2, sender="+15550002")
        message = reading.next_of(watch)
        assert (message.rowid, message.text, message.chat_id, message.sender) == (rowid, "hello", 2, "+15550002")
        reading.until(watch, lambda status: status.is_live)
        assert watch.status().last_rowid == rowid


def test_what_arrives_before_the_first_look_is_not_lost(db: Any, client: IMessageClient, reading: Any) -> None:
    with client.watch() as watch:
        expected = [db.message(f"new {number}") for number in range(5)]
        assert reading.rows(watch, 5) == expected


def test_everything_comes_in_the_order_of_rows(db: Any, client: IMessageClient, reading: Any) -> None:
    db.message("older than the rest", at=-100_000)
    with client.watch(since=0) as watch:
        assert reading.rows(watch, 21) == list(range(1, 22))
        reading.nothing_more(watch)
        assert watch.status().duplicates == 0


def test_a_rowid_is_where_to_start(db: Any, client: IMessageClient, reading: Any) -> None:
    with client.watch(since=17) as watch:
        assert reading.rows(watch, 3) == [18, 19, 20]
        assert reading.rows(client.watch(since=19), 1) == [20]


def test_a_time_is_where_to_start(db: Any, client: IMessageClient, reading: Any) -> None:
    dates = {message.rowid: message.created_at for message in client.iter_messages()}
    db.message("of long ago, written now", at=-5_000)
    with client.watch(since=dates[15]) as watch:
        assert reading.rows(watch, 6) == [15, 16, 17, 18, 19, 20]
        reading.until(watch, lambda status: status.is_live)
        db.message("of long ago, arrived now", at=-5_000)
        rowid = db.message("of now", at=100_000)
        assert reading.rows(watch, 1) == [rowid]
    with client.watch(since="2s") as watch:
        reading.nothing_more(watch)
        assert reading.rows(watch, 0) == []


def test_a_watch_goes_on_from_its_cursor(db: Any, every_client: IMessageClient, reading: Any) -> None:
    with every_client.watch(since=15) as watch:
        assert reading.rows(watch, 2) == [16, 17]
        cursor = watch.cursor
    db.message("while nobody watched")
    with every_client.watch(since=cursor) as watch:
        assert reading.rows(watch, 4) == [18, 19, 20, 21]
        reading.nothing_more(watch)


def test_the_past_ends_at_a_row(db: Any, client: IMessageClient, reading: Any) -> None:
    with client.watch() as watch:
        assert watch.boundary_rowid == 20
    with client.watch(since=15) as watch:
        assert reading.rows(watch, 5) == [16, 17, 18, 19, 20]
        reading.until(watch, lambda status: status.is_live)
        db.message("present")
        assert reading.next_of(watch).rowid > (watch.boundary_rowid or 99) == 20


def test_a_cursor_works_in_another_client_and_dialect(
    db: Any, client: IMessageClient, client_of: Callable[..., IMessageClient], reading: Any
) -> None:
    with client.watch(since=18) as watch:
        assert reading.rows(watch, 1) == [19]
        cursor = watch.cursor
    for kind in ("v1", "extended legacy"):
        with client_of(db, kind).watch(since=cursor) as watch:
            assert reading.rows(watch, 1) == [20]


def test_a_cursor_of_the_present_holds_before_any_message(db: Any, client: IMessageClient, reading: Any) -> None:
    with client.watch() as watch:
        cursor = watch.cursor
    rowid = db.message("later")
    with client.watch(since=cursor) as watch:
        assert reading.rows(watch, 1) == [rowid]


def test_a_cursor_of_another_database_is_refused(
    db: Any,
    every_client: IMessageClient,
    make_db: Callable[..., Any],
    client_of: Callable[..., IMessageClient],
    reading: Any,
) -> None:
    other = make_db()
    other.sql.execute("UPDATE message SET guid = 'H' || ROWID")
    with client_of(other).watch(since=10) as watch:
        reading.rows(watch, 2)
        cursor = watch.cursor
    with pytest.raises(CursorMismatch) as caught:
        every_client.watch(since=cursor)
    assert caught.value.hint
    longer = make_db(40)
    with client_of(longer).watch() as watch:
        beyond = watch.cursor
    with pytest.raises(CursorMismatch):
        every_client.watch(since=beyond)


def test_a_cursor_survives_the_deletion_of_its_row(db: Any, client: IMessageClient, reading: Any) -> None:
    with client.watch(since=12) as watch:
        assert reading.rows(watch, 6) == [13, 14, 15, 16, 17, 18]
        cursor = watch.cursor
    db.sql.execute("DELETE FROM message WHERE ROWID BETWEEN 17 AND 18")
    db.sql.execute("DELETE FROM chat_message_join WHERE message_id BETWEEN 17 AND 18")
    with client.watch(since=cursor) as watch:
        assert reading.rows(watch, 2) == [19, 20]


def test_the_cursor_stands_behind_what_was_handed_out(db: Any, client: IMessageClient, reading: Any) -> None:
    with client.watch(since=0) as watch:
        assert len(watch.get_many(3, 10)) == 3
        assert watch.status().waiting >= 0
        with client.watch(since=watch.cursor) as again:
            assert reading.rows(again, 2) == [4, 5]


def test_the_cursor_moves_over_what_the_filter_leaves_out(db: Any, client: IMessageClient, reading: Any) -> None:
    with client.watch(1, since=0) as watch:
        assert reading.rows(watch, 10) == list(range(1, 21, 2))
        reading.nothing_more(watch)
        cursor = watch.cursor
    with client.watch(since=cursor) as watch:
        reading.nothing_more(watch)
        rowid = db.message("next", chat=2)
        assert reading.rows(watch, 1) == [rowid]


@pytest.mark.parametrize("since", ["w1.x", "w1.", "x", "w2.WzFd", -1, True, 1.5, datetime(2025, 1, 1), "w1.W10"])
def test_what_is_no_place_is_refused(db: Any, client_of: Callable[..., IMessageClient], since: Any) -> None:
    with pytest.raises(InvalidParams) as caught:
        client_of(db).watch(since=since)
    assert isinstance(caught.value, ValueError)


def test_other_arguments_are_checked(db: Any, client_of: Callable[..., IMessageClient]) -> None:
    client = client_of(db)
    with pytest.raises(AddressError):
        client.watch("+15559999")
    wrong: list[dict[str, Any]] = [
        {"patience_s": 0},
        {"from_me": 1},
        {"participants": [""]},
        {"include_reactions": "yes"},
    ]
    for arguments in wrong:
        with pytest.raises(InvalidParams):
            client.watch(**arguments)
    with client.watch() as watch:
        for call in (lambda: watch.get(-1), lambda: watch.get_many(0), lambda: watch.get("1")):  # type: ignore[arg-type]
            with pytest.raises(InvalidParams):
                call()


def test_filters_choose(db: Any, client: IMessageClient, reading: Any) -> None:
    with (
        client.watch(2) as in_chat,
        client.watch(from_me=True) as mine,
        client.watch(participants="+15550009") as theirs,
        client.watch([1, 2], from_me=False) as others,
    ):
        db.message("one", chat=1)
        db.message("two", chat=2, sender="+15550002")
        db.message("mine", chat=1, is_from_me=1)
        db.message("new person", chat=2, sender="+15550009")
        assert [reading.next_of(in_chat).text for _ in range(2)] == ["two", "new person"]
        assert reading.next_of(mine).text == "mine"
        assert reading.next_of(theirs).text == "new person"
        assert [reading.next_of(others).text for _ in range(3)] == ["one", "two", "new person"]
        for watch in (in_chat, mine, theirs, others):
            reading.nothing_more(watch)


def test_tapbacks_come_only_where_they_are_asked_for(db: Any, every_client: IMessageClient, reading: Any) -> None:
    with every_client.watch() as plain, every_client.watch(include_reactions=True) as all_of_it:
        tapback = db.tapback("p:0/G1", 2000, at=reading.just_now())
        after = db.message("after")
        assert reading.rows(plain, 1) == [after]
        event = reading.next_of(all_of_it)
        assert event.rowid == tapback
        assert event.is_reaction
        assert event.reacted_to_guid == "G1"
        assert reading.rows(all_of_it, 1) == [after]


def test_old_tapbacks_are_not_news(db: Any, client: IMessageClient, reading: Any) -> None:
    db.tapback("p:0/G1", 2000)
    with client.watch(include_reactions=True) as watch:
        reading.nothing_more(watch)
        rowid = db.tapback("p:0/G2", 2001, at=reading.just_now())
        assert reading.rows(watch, 1) == [rowid]


def test_attachments_come_with_their_message(db: Any, client: IMessageClient, reading: Any) -> None:
    with client.watch() as watch, client.watch(attachments=False) as without:
        db.sql.execute("BEGIN")
        rowid = db.message("\ufffc")
        db.attachment(rowid, "~/Library/Messages/Attachments/a.png", mime_type="image/png")
        db.sql.execute("COMMIT")
        message = reading.next_of(watch)
        assert [each.mime_type for each in message.attachments] == ["image/png"]
        assert reading.next_of(without).rowid == rowid


def test_a_message_of_two_chats_comes_once(db: Any, every_client: IMessageClient, reading: Any) -> None:
    with every_client.watch() as watch, every_client.watch(2) as in_second:
        db.sql.execute("BEGIN")
        rowid = db.message("both", chat=(1, 2))
        db.sql.execute("COMMIT")
        last = db.message("last", chat=2)
        assert reading.rows(watch, 2) == [rowid, last]
        assert reading.rows(in_second, 2) == [rowid, last]


def test_a_row_that_is_linked_late_comes_when_it_can(db: Any, every_client: IMessageClient, reading: Any) -> None:
    with every_client.watch() as watch:
        late = db.message("late", chat=None)
        after = db.message("after")
        assert reading.rows(watch, 1) == [after]
        assert watch.status().open_holes == 1
        db.link(late, 1)
        assert reading.rows(watch, 1) == [late]
        assert watch.status().open_holes == 0
        reading.nothing_more(watch)


@pytest.mark.usefixtures("quick")
def test_a_cursor_remembers_rows_that_were_not_linked(db: Any, client: IMessageClient, reading: Any) -> None:
    with client.watch() as watch:
        late = db.message("late", chat=None)
        after = db.message("after")
        assert reading.rows(watch, 1) == [after]
        cursor = watch.cursor
    db.link(late, 2)
    with client.watch(since=cursor) as watch:
        assert reading.rows(watch, 1) == [late]
        reading.nothing_more(watch)
        with client.watch(since=watch.cursor) as again:
            reading.nothing_more(again)


def test_many_watches_share_a_child(db: Any, client: IMessageClient, reading: Any) -> None:
    watches = [client.watch() for _ in range(8)]
    rowid = db.message("for all")
    assert [reading.rows(watch, 1) for watch in watches] == [[rowid]] * 8
    assert client._core.pool.n_children <= 2
    for watch in watches:
        watch.close()


def test_records_show_no_text(db: Any, client_of: Callable[..., IMessageClient], reading: Any) -> None:
    with client_of(db).watch() as watch:
        db.message("secret words")
        message = reading.next_of(watch)
        for shown in (repr(watch), repr(watch.status()), repr(message)):
            assert "secret" not in shown
        with pytest.raises(TypeError):
            pickle.dumps(watch)


def test_iteration_ends_with_the_watch(db: Any, client: IMessageClient) -> None:
    with client.watch(since=0) as watch:
        found = []
        for message in watch:
            found.append(message.rowid)
            if message.rowid == 20:
                watch.close()
        assert found == list(range(1, 21))
    with pytest.raises(ClientClosed):
        watch.get(0)
    watch.close()


def test_closing_wakes_who_waits(db: Any, client_of: Callable[..., IMessageClient]) -> None:
    client = client_of(db)
    watch = client.watch()
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(watch.get) for _ in range(2)]
        begun = time.monotonic()
        watch.close()
        assert [each.exception(5) or each.result(5) for each in waiting if not each.exception(5)] in (
            [],
            [None],
            [None] * 2,
        )
        assert time.monotonic() - begun < 5
    other = client.watch()
    client.close()
    with pytest.raises(ClientClosed):
        other.get(5)


def test_threads_share_a_watch(db: Any, client_of: Callable[..., IMessageClient]) -> None:
    with client_of(db).watch() as watch:
        barrier = threading.Barrier(4)

        def take() -> list[int]:
            barrier.wait(5)
            found = []
            while (message := watch.get(1.0)) is not None:
                found.append(message.rowid)
            return found

        with ThreadPoolExecutor(3) as pool:
            takers = [pool.submit(take) for _ in range(3)]
            barrier.wait(5)
            expected = [db.message(f"new {number}") for number in range(30)]
            found = [rowid for taker in takers for rowid in taker.result(20)]
    assert sorted(found) == expected


def test_an_age_before_the_first_row_takes_everything(db: Any, client: IMessageClient, reading: Any) -> None:
    with client.watch(since=timedelta(days=20_000)) as watch:
        assert reading.rows(watch, 20) == list(range(1, 21))
    with client.watch(since=datetime.now(UTC)) as watch:
        reading.nothing_more(watch)


def test_an_empty_database_can_be_watched(
    make_db: Callable[..., Any], client_of: Callable[..., IMessageClient], reading: Any
) -> None:
    for kind in ("extended", "legacy"):
        empty = make_db(0)
        with client_of(empty, kind).watch() as watch:
            cursor = watch.cursor
            assert reading.rows(watch, 0) == []
            first = empty.message("first")
            assert reading.rows(watch, 1) == [first]
        with client_of(empty, kind).watch(since=cursor) as watch:
            assert reading.rows(watch, 1) == [first]
