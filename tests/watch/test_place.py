"""Where a watch stands, without any child: cursors, holes that grow old, and rows that are given back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsg_sdk import Message
from imsg_sdk.client.watching.cursor import Anchor, Anchors, Cursor, decode_cursor, encode_cursor
from imsg_sdk.client.watching.holes import Holes
from imsg_sdk.client.watching.place import Place
from imsg_sdk.client.watching.wanted import Wanted
from imsg_sdk.errors import InvalidParams

START = datetime(2026, 3, 1, tzinfo=UTC)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


def place_of(clock: Clock, wanted: Wanted | None = None) -> Place:
    place = Place(wanted or Wanted(), Holes(first_look_s=1.0, longest_look_s=60.0), clock)
    place.begin(100)
    return place


def message(rowid: int, *, chat_id: int | None = 1, **fields: object) -> Message:
    chat_ids = () if chat_id is None else (chat_id,)
    return Message(rowid=rowid, guid=f"G{rowid}", chat_id=chat_id, chat_ids=chat_ids, created_at=START, **fields)  # type: ignore[arg-type]


numbers = st.integers(0, 2**53)
anchors = st.builds(Anchor, numbers, st.text(max_size=40), numbers, st.none() | numbers)


@given(
    st.builds(
        Cursor,
        numbers,
        st.lists(anchors, max_size=6).map(tuple),
        st.lists(st.tuples(numbers, numbers, numbers, numbers), max_size=9).map(tuple),
        st.none() | st.tuples(numbers, numbers),
    )
)
def test_a_cursor_is_read_as_it_was_written(cursor: Cursor) -> None:
    text = encode_cursor(cursor)
    assert text.isascii()
    assert not set(text) & set(" \n/+=\"'")
    assert decode_cursor(text) == cursor


@given(st.text(max_size=30) | st.text(max_size=30).map("w1.".__add__))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidParams):
        decode_cursor(text)


def test_a_hole_is_looked_at_ever_more_rarely_and_forgotten_after_a_day() -> None:
    clock = Clock()
    place = place_of(clock)
    place.take(message(101, chat_id=None))
    place.take(message(102))
    looks = []
    for second in range(90_000):
        clock.seconds = float(second)
        place.holes.expire(place.now_s())
        if place.holes.due(clock.monotonic()):
            looks.append(second)
            place.holes.looked(101, clock.monotonic())
    assert looks[:7] == [1, 3, 7, 15, 31, 63, 123]
    assert looks[-1] <= 86_400
    assert len(place.holes) == 0
    assert place.cursor().holes == ()


def test_a_late_row_stays_in_the_cursor_until_it_is_handed_out() -> None:
    place = place_of(Clock())
    place.take(message(101, chat_id=None))
    place.take(message(102))
    assert [each.rowid for each in place.hand_out(9)] == [102]
    place.take(message(101))
    place.take(message(103))
    cursor = place.cursor()
    assert (cursor.rowid, [hole[0] for hole in cursor.holes]) == (102, [101])
    assert [each.rowid for each in place.hand_out(1)] == [101]
    assert place.cursor().holes == ()
    assert place.cursor().rowid == 102
    assert [each.rowid for each in place.hand_out(1)] == [103]


def test_what_was_given_back_is_handed_out_again() -> None:
    place = place_of(Clock())
    for rowid in range(101, 106):
        place.take(message(rowid))
    assert [each.rowid for each in place.hand_out(2)] == [101, 102]
    handed = place.hand_out(2)
    place.give_back(handed)
    place.give_back(handed)
    assert (place.cursor().rowid, place.n_handed_out) == (102, 2)
    assert [each.rowid for each in place.hand_out(9)] == [103, 104, 105]


def test_a_row_read_again_after_an_interrupt_is_not_handed_out_again() -> None:
    place = place_of(Clock())
    place.take(message(101))
    place.position = 100  # as if the interrupt had come between two instructions
    place.take(message(101))
    place.take(message(102))
    assert [each.rowid for each in place.hand_out(9)] == [101, 102]
    place.take(message(101))
    place.take(message(103, chat_id=1))
    assert [each.rowid for each in place.hand_out(9)] == [103]


def test_a_guid_is_handed_out_once() -> None:
    place = place_of(Clock())
    place.take(message(101))
    place.take(Message(rowid=105, guid="G101", chat_id=1, chat_ids=(1,)))
    assert [each.rowid for each in place.hand_out(9)] == [101]
    assert place.n_duplicates == 1
    assert place.cursor().rowid == 105


def test_copies_of_two_chats_are_one_message_of_both() -> None:
    place = place_of(Clock(), Wanted(chat_ids=frozenset({2, 3})))
    place.take(message(101, chat_id=3))
    place.take(message(101, chat_id=2))
    place.take(message(102, chat_id=1))
    place.take(message(102, chat_id=2))
    found = place.hand_out(9)
    assert [(each.rowid, each.chat_id, each.chat_ids) for each in found] == [(101, 2, (2, 3)), (102, 2, (2,))]


def test_anchors_reach_back_beyond_the_newest_rows() -> None:
    kept = Anchors()
    for rowid in range(1, 301):
        kept.add(message(rowid))
    assert [anchor.rowid for anchor in kept.kept()] == [300, 299, 298, 257, 193, 129]
    again = Anchors(kept.kept())
    assert again.kept() == kept.kept()
