"""When a fault strikes, without a process."""

from __future__ import annotations

import pytest
from msgspec import ValidationError

from imsg_sdk.sandbox.faults.catalogue import FAULTS, describe, read_fault
from imsg_sdk.sandbox.faults.when import Count, Event, When, strike


def struck(when: When, events: int) -> list[int]:
    count = Count()
    return [number for number in range(1, events + 1) if strike(when, count, "seed")]


def test_the_first_events_pass_and_then_as_many_are_struck_as_wanted() -> None:
    assert struck(When(after=2, times=1), 9) == [3]
    assert struck(When(after=2, times=3), 9) == [3, 4, 5]
    assert struck(When(after=1, every=3, times=None), 9) == [2, 5, 8]
    assert struck(When(times=0), 9) == []


def test_chance_falls_by_the_seed() -> None:
    when = When(chance=0.3, times=None)
    first = struck(when, 200)

    assert first == struck(when, 200)
    assert 30 < len(first) < 90


def test_an_event_fits_by_method_params_text_and_chat() -> None:
    event = Event("messages.after", {"limit": 5}, "good morning", 7)

    assert When().fits(event)
    assert When(method="messages.*", params={"limit": 5}, text="good", chat=7).fits(event)
    assert When(method=["chats.list", "messages.after"]).fits(event)
    assert not When(method="messages").fits(event)
    assert not When(params={"limit": 6}).fits(event)
    assert not When(params={"since_rowid": None}).fits(event)
    assert not When(text="evening").fits(event)
    assert not When(chat=8).fits(event)
    assert not When().fits(event, ("send",))


def test_the_greeting_is_struck_only_by_name() -> None:
    assert not When().fits(Event("initialize"))
    assert When(method="initialize").fits(Event("initialize"))


def test_a_fault_is_on_between_its_instants() -> None:
    when = When(in_s=10, for_s=5)

    assert [when.is_on(second * 1_000_000, since_us=0) for second in (9, 10, 14, 15)] == [False, True, True, False]


def test_every_fault_says_what_it_is_and_where_it_comes_from() -> None:
    assert len(describe()) == len(FAULTS)
    for each in describe():
        assert "Source:" in each["meaning"], each["name"]


def test_wrong_options_name_themselves() -> None:
    with pytest.raises(ValueError, match="no fault is called meteor"):
        read_fault("meteor", {})
    for slip, meant in (("uncertain", "uncertain_delivery"), ("exti", "exit")):
        with pytest.raises(ValueError, match=f"did you mean {meant}"):
            read_fault(slip, {})
    with pytest.raises(ValidationError, match="point is request or done or answer"):
        read_fault("exit", {"point": "somewhere"})
    with pytest.raises(ValidationError, match=r"speed.*options are after, chance"):
        read_fault("slow", {"speed": 3})
    with pytest.raises(ValidationError, match="every is 1 or more"):
        read_fault("slow", {"every": 0})
