"""Plays, dice and plans: what a history is made of."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsg_sdk.errors import ConfigError
from imsg_sdk.sandbox.dice import Dice, Weighted
from imsg_sdk.sandbox.history import script
from imsg_sdk.sandbox.history.plan import SessionTimes, cut_sessions, share_out
from imsg_sdk.sandbox.history.plays import world
from imsg_sdk.sandbox.history.plays.machines import MACHINES
from imsg_sdk.sandbox.people import cast

NAMES = ["Ann", "Bob", "Cy", "Di", "Ed"]


@pytest.mark.parametrize("kind", ["talk", "group", *MACHINES])
@pytest.mark.parametrize("language", ["en", *world.SCRIPTS])
def test_every_play_is_performed_without_leftovers(language: str, kind: str) -> None:
    dice = Dice(1)
    for play in script.plays(language, kind):
        assert play.roles <= len(NAMES)
        for _ in range(5):
            lines = list(script.perform(play, dice, language, NAMES))
            assert len(lines) == len(play.lines)
            for _, text in lines:
                assert text
                assert not re.search(r"[{}<>|]|##|  |^\s|\s$", text)


def test_a_word_stays_the_same_within_a_play() -> None:
    line = script.Line(0, ("", " and ", " and ", ""), ("city", "city", "city2"))
    play = script.Play("x", (line,), 1)
    texts = [text for _ in range(30) for _, text in script.perform(play, Dice(3), "en", NAMES)]
    assert all(text.split(" and ")[0] == text.split(" and ")[1] for text in texts)


def test_liked_topics_come_more_often() -> None:
    plain = script.repertoire("en", "talk")
    boating = script.repertoire("en", "talk", frozenset({"boat"}))
    assert sum(play.topic == "boat" for play in boating) == 4 * sum(play.topic == "boat" for play in plain)
    assert [len(play.lines) for play in boating] == sorted(len(play.lines) for play in boating)


def test_dice_fall_the_same_on_every_python() -> None:
    dice = Dice(7, "test")
    assert [dice.between(1, 6) for _ in range(12)] == [6, 4, 5, 5, 4, 6, 3, 5, 4, 6, 6, 2]
    assert dice.guid() == "4947DBEC-3AA1-490A-AF72-E5FFA2114DBE"


@given(st.integers(), st.lists(st.integers(), min_size=1, max_size=20), st.integers(0, 25))
def test_sample_gives_different_items(seed: int, items: list[int], count: int) -> None:
    numbered = list(enumerate(items))
    sample = Dice(seed).sample(numbered, count)
    assert len(sample) == len(set(sample)) == min(count, len(items))
    assert set(sample) <= set(numbered)


def test_weights_are_kept() -> None:
    dice = Dice(1)
    coin = Weighted([("often", 9), ("seldom", 1)])
    often = sum(coin.pick(dice) == "often" for _ in range(5000))
    assert 4350 < often < 4650


@given(st.integers(1, 300), st.integers(0, 50_000), st.none() | st.integers(1, 60_000))
def test_rows_are_shared_out_to_the_last(count: int, extra: int, largest: int | None) -> None:
    total = count + extra
    try:
        sizes = share_out(total, count, largest)
    except ConfigError:
        assert largest is not None
        assert largest * count < total or largest > total - (count - 1)
        return
    assert sum(sizes) == total
    assert min(sizes) >= 1
    assert sizes[0] == max(sizes)
    assert largest in (None, sizes[0])


@given(st.integers(1, 500), st.sampled_from(["talk", "group", "code"]))
def test_sessions_hold_all_rows(rows: int, kind: str) -> None:
    sizes = cut_sessions(rows, Dice(rows), kind=kind)
    assert sum(sizes) == rows
    assert min(sizes) >= 1


@given(st.integers(0, 10**9), st.integers(0, 10**8), st.integers(0, 10**8), st.integers(0, 10**8))
def test_moments_lie_in_their_window(start: int, span: int, begin: int, length: int) -> None:
    times = SessionTimes(start, start + span + 1)
    first = min(start + begin, start + span)
    moment = times.draw(Dice(length), times.window(first, first + length))
    assert start <= moment <= start + span
    assert first <= moment


def test_people_differ_and_return() -> None:
    people = cast(400, seed=4)
    assert people == cast(400, seed=4)
    assert len({person.email for person in people}) == 400
    phones = [person.phone for person in people if person.phone]
    assert len(phones) == len(set(phones)) > 200
    assert len({person.language for person in people}) > 10
