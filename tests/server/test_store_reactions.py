"""Tapbacks that stand on a message: the replay of what was added and removed."""

from __future__ import annotations

import pytest

from imsg_sdk.server.rows.reactions import custom_emoji


def standing(store):
    message = store.history(1, 99)[-1]
    return [(each.type, each.emoji, each.sender, each.is_from_me) for each in message.reactions]


@pytest.fixture
def target(db):
    db.message("target")
    return db


def test_the_six_kinds_have_their_names_and_emoji(target, open_store):
    for kind in range(2000, 2006):
        target.tapback("p:0/G1", kind)
    assert [each[:2] for each in standing(open_store(target))] == [
        ("love", "\u2764\ufe0f"),
        ("like", "\U0001f44d"),
        ("dislike", "\U0001f44e"),
        ("laugh", "\U0001f602"),
        ("emphasis", "\u203c\ufe0f"),
        ("question", "\u2753"),
    ]


@pytest.mark.parametrize("prefix", ["p:0/", "p:12/", "", "anything/else/"])
def test_a_tapback_finds_its_message_behind_the_last_slash(target, open_store, prefix):
    target.tapback(prefix + "G1", 2001)
    assert [each[0] for each in standing(open_store(target))] == ["like"]


@pytest.mark.parametrize("guid", ["bp:G1", "p:0/G11", "p:0/g1", "p:0/", "G1/"])
def test_other_spellings_find_nothing(target, open_store, guid):
    target.tapback(guid, 2001)
    assert standing(open_store(target)) == []


def test_one_person_may_hold_several_kinds(target, open_store):
    target.tapback("p:0/G1", 2000)
    target.tapback("p:0/G1", 2001)
    assert [each[0] for each in standing(open_store(target))] == ["love", "like"]


def test_the_same_again_takes_the_old_place_with_new_id_and_date(target, open_store):
    target.tapback("p:0/G1", 2000)
    target.tapback("p:0/G1", 2001)
    again = target.tapback("p:0/G1", 2000)
    reactions = open_store(target).history(1, 9)[-1].reactions
    assert [(each.type, each.id) for each in reactions] == [("love", again), ("like", 3)]


def test_a_removal_takes_away_that_of_the_same_person_only(target, open_store):
    target.tapback("p:0/G1", 2000)
    target.tapback("p:0/G1", 2000, sender="a@b.org")
    target.tapback("p:0/G1", 2000, sender=None, is_from_me=1)
    target.tapback("p:0/G1", 3000, sender="a@b.org")
    assert [each[2:] for each in standing(open_store(target))] == [("+15550001", False), ("", True)]


def test_a_removal_of_nothing_does_nothing(target, open_store):
    target.tapback("p:0/G1", 3004)
    target.tapback("p:0/G1", 2004)
    assert [each[0] for each in standing(open_store(target))] == ["emphasis"]


def test_the_order_is_that_of_dates_then_rows(target, open_store):
    target.tapback("p:0/G1", 3000, at=500)
    target.tapback("p:0/G1", 2000, at=400)
    target.tapback("p:0/G1", 2001, at=600)
    target.tapback("p:0/G1", 3001, at=600)
    assert standing(open_store(target)) == []


def test_a_custom_emoji_is_read_from_the_sentence_or_the_body(target, open_store):
    target.tapback("p:0/G1", 2006, "Reacted 🎉 to “target”")
    target.tapback("p:0/G1", 2006, None, body="Reacted 👨‍👩‍👧‍👦 to “target”")
    target.tapback("p:0/G1", 2006, "no such thing")
    assert [each[:2] for each in standing(open_store(target))] == [("custom", "🎉"), ("custom", "👨‍👩‍👧‍👦")]


def test_a_custom_removal_without_an_emoji_takes_the_first_custom_one(target, open_store):
    target.tapback("p:0/G1", 2006, "Reacted 🎉 to “target”")
    target.tapback("p:0/G1", 2006, "Reacted 🥳 to “target”")
    target.tapback("p:0/G1", 3006, "Removed a reaction")
    assert [each[1] for each in standing(open_store(target))] == ["🥳"]
    target.tapback("p:0/G1", 3006, "Removed 🥳")
    assert standing(open_store(target)) == []


def test_stickers_and_odd_types_change_nothing(target, open_store):
    target.tapback("p:0/G1", 2000)
    for kind in (1000, 2007, 2999, 3007):
        target.tapback("p:0/G1", kind)
    assert [each[0] for each in standing(open_store(target))] == ["love"]


def test_a_tapback_counts_from_any_chat_and_from_none(target, open_store):
    target.chat("+15550002")
    target.tapback("p:0/G1", 2000, chat=2)
    target.tapback("p:0/G1", 2001, chat=None)
    assert len(standing(open_store(target))) == 2


@pytest.mark.parametrize(
    ("text", "emoji"),
    [
        ("Reacted 🎉 to “Hello”", "🎉"),
        ("Reacted two words to “Hello”", "two words"),
        ("Reagierte mit 👍🏽 auf „Hallo“", "👍🏽"),
        ("room 7 please", "7"),
        ("# first", "#"),
        ("© 2025", "©"),
        ("Reacted  to 🎉", "🎉"),
        ("Reacted 🎉", "🎉"),
        ("plain", None),
        ("", None),
    ],
)
def test_the_emoji_of_a_sentence(text, emoji):
    assert custom_emoji(text) == emoji


def test_a_few_messages_and_many_find_the_same_tapbacks(db, open_store):
    for number in range(1, 13):
        db.message(f"m{number}", guid=f"T{number}")
    for number in range(1, 13):
        db.tapback(f"p:0/T{number}", 2000 + number % 6, sender=f"+1555{number:04d}")
        db.tapback(f"T{number}", 2006, f"Reacted 🎉 to “m{number}”")
    everything = {message.id: message.reactions for message in open_store(db).history(1, 12)}
    few = open_store(db)
    for rowid, reactions in everything.items():
        assert few.after(rowid - 1, limit=1).messages[0].reactions == reactions
        assert len(reactions) == 2
    assert {message.id: message.reactions for message in few.history(1, 12)} == everything


def test_a_guid_that_holds_a_slash_is_matched_in_full(db, open_store):
    for guid in ("a/b", "b", "x/b"):
        db.message(guid, guid=guid)
    db.tapback("p:0/a/b", 2000)
    db.tapback("a/b", 2001, sender="a@b.org")
    store = open_store(db)
    types = {message.guid: [each.type for each in message.reactions] for message in store.history(1, 9)}
    assert types == {"a/b": ["love", "like"], "b": ["love", "like"], "x/b": []}


def test_the_emoji_of_a_sentence_is_a_whole_character():
    assert custom_emoji("Reagierte mit 👩‍👩‍👧 auf „x“") == "👩‍👩‍👧"
    assert custom_emoji("no such thing") is None
