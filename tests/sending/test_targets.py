"""A message goes to exactly the one who was meant, or to nobody."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsg_sdk.addressing import Handle, Service, Target, lookup_key
from imsg_sdk.client.whom import find_addressee, is_direct, person
from imsg_sdk.errors import AddressError
from imsg_sdk.models import Chat, CreatedChat, Message, Participant


def chat(number: int, identifier: str, *people: str, service: str = "iMessage", is_group: bool = False) -> Chat:
    people = people or (identifier,)
    sign = "+" if is_group else "-"
    return Chat(
        chat_id=number,
        guid=f"{service};{sign};{identifier}#{number}",
        identifier=identifier,
        service=service,
        is_group=is_group,
        participants=tuple(people),
        n_participants=len(people),
    )


ADA, BEN, CAM = "+12025550117", "+12025550118", "cam@example.org"
CHATS = [
    chat(1, ADA),
    chat(2, BEN),
    chat(3, BEN, service="SMS"),
    chat(4, CAM),
    chat(5, "chat700100200", ADA, BEN, is_group=True),
    chat(6, "+12025550119", "+12025550119", ADA),  # several people, though the program calls it no group
    chat(7, "262966", service="SMS"),
    chat(8, "Parcelo", service="SMS"),
    chat(9, "+12025550120", ADA),
    chat(10, "1234", service="SMS"),
    chat(1234, "zoe@example.org"),
]


def sent_to(target: Any, **options: Any) -> dict[str, Any]:
    return find_addressee(target, CHATS, region="US", **options).params


@pytest.mark.parametrize(
    ("target", "params"),
    [
        (1, {"chat_id": 1}),
        (np.int64(5), {"chat_id": 5}),
        ("chat_id:5", {"chat_id": 5}),
        ("chat_guid:iMessage;+;chat700100200#5", {"chat_id": 5}),
        ("iMessage;+;chat700100200#5", {"chat_id": 5}),
        ("chat_identifier:chat700100200", {"chat_id": 5}),
        ("chat700100200", {"chat_id": 5}),
        (ADA, {"chat_id": 1}),
        ("(202) 555-0117", {"chat_id": 1}),
        ("2025550117", {"chat_id": 1}),
        ("CAM@example.org", {"chat_id": 4}),
        (Handle(CAM), {"chat_id": 4}),
        (Target(chat_id=6), {"chat_id": 6}),
        ("chat_identifier:+12025550119", {"chat_id": 6}),
        ("sms:+12025550118", {"chat_id": 3}),
        ("262966", {"chat_id": 7}),
        ("Parcelo", {"chat_id": 8}),
        ("+12025550155", {"to": "+12025550155"}),
        ("202-555-0155", {"to": "+12025550155"}),
        ("\u202a+1 (202) 555-0155\u202c", {"to": "+12025550155"}),
        ("new@example.org", {"to": "new@example.org"}),
        ("sms:55555", {"to": "55555"}),
        ("sms:1234", {"chat_id": 10}),
        (1234, {"chat_id": 1234}),
        (CHATS[4], {"chat_id": 5}),
        (Message(rowid=9, chat_id=5, chat_guid=CHATS[4].guid, sender=ADA), {"chat_id": 5}),
        (Message(rowid=9, chat_id=2, chat_ids=(2, 3), sender=BEN), {"chat_id": 2}),  # one person, two services
        (Message(rowid=9, chat_id=5, chat_ids=(5,), sender=ADA), {"chat_id": 5}),
        (CreatedChat(guid="iMessage;+;new"), {"chat_guid": "iMessage;+;new"}),
    ],
    ids=str,
)
def test_what_names_one_chat_or_person_is_taken(target: Any, params: dict[str, Any]) -> None:
    assert sent_to(target) == params


@pytest.mark.parametrize(
    "target",
    [
        BEN,  # two chats
        99,
        0,
        -1,
        2**63,
        True,
        None,
        1.0,
        float("nan"),
        pd.NA,
        "",
        "  ",
        "Ada",
        "Mum",
        "7",
        "55555",
        "1; rm",
        "05",
        "chat_id:05",
        "group:05",
        "chat_id:5x",
        "chat_id:",
        "chat_id:5 and more",
        "chat_guid:nope",
        "chat_identifier:nope",
        "+12025550119",  # the thread of several people
        "(202) 555-0119",
        "sms:2025550119",
        "+12025550120",  # a chat of this name, with somebody else in it
        "mailto:new@example.org",
        "1234",  # a chat id and a short code
        f"{ADA},{BEN}",
        f"{ADA} {BEN}",
        f"{ADA};{CAM}",
        f"{CAM} {CAM}",
        "+1202",
        "555-0117",
        "+1202555011712345678",
        "call +12025550117",
        "ada@",
        "@example.org",
        "a b@example.org",
        "http://example.org",
        [ADA],
        (1, 2),
        {ADA},
        pd.Series([1]),
        pd.DataFrame({"chat_id": [1]}),
        {"chat_id": 1},
        b"+12025550117",
        Participant(chat_id=5, handle=ADA),
        Message(rowid=9, sender=ADA),
        Message(rowid=9, chat_id=5, chat_guid="of another database"),
        Message(rowid=9, chat_id=99),
        Message(rowid=9, chat_id=1, chat_ids=(1, 5), sender=ADA),
        Message(rowid=9, chat_id=5, chat_ids=(5, 6), sender=ADA),
        Chat(chat_id=5, guid="of another database"),
        Chat(chat_id=5, identifier=ADA),
    ],
    ids=repr,
)
def test_what_may_mean_another_is_refused(target: Any) -> None:
    with pytest.raises(AddressError):
        sent_to(target)


@pytest.mark.parametrize("target", [447700900118, "chat_id:447700900118", 7700900118])
def test_a_number_that_lost_its_plus_is_told_from_a_chat_id(target: Any) -> None:
    """A sheet of addresses makes a number of a phone number; that it is no chat id is only half of the help."""
    with pytest.raises(AddressError) as caught:
        sent_to(target)
    assert "needs its +" in (caught.value.hint or "")
    assert "900118" not in caught.value.message


def test_zeros_before_a_number_make_it_no_chat_id() -> None:
    with pytest.raises(AddressError) as caught:
        sent_to("05")
    assert (caught.value.message, "chat_id:5" in (caught.value.hint or "")) == (
        "05 is no chat id, since it begins with 0",
        True,
    )
    assert sent_to("sms:05") == {"to": "05"}


def test_a_person_with_two_chats_is_told_apart_by_the_service() -> None:
    with pytest.raises(AddressError) as caught:
        sent_to(BEN)
    assert "2 (iMessage), 3 (SMS)" in caught.value.message
    assert BEN not in str(caught.value)
    assert sent_to(BEN, service=Service.SMS) == {"chat_id": 3}
    assert sent_to(BEN, service=Service.IMESSAGE) == {"chat_id": 2}


def test_a_number_that_is_no_target_is_not_shown() -> None:
    with pytest.raises(AddressError) as caught:
        sent_to(12025550117.0)
    assert "555" not in str(caught.value)


def test_a_service_that_a_chat_does_not_have_is_refused() -> None:
    with pytest.raises(AddressError):
        sent_to(1, service=Service.SMS)
    assert sent_to(ADA, service=Service.SMS) == {"to": ADA}  # a chat by SMS is a new one


def test_a_chat_by_sms_goes_out_by_sms() -> None:
    assert find_addressee(3, CHATS, region="US").service is Service.SMS
    assert find_addressee(1, CHATS, region="US").service is None


@pytest.mark.parametrize("handle", ["chat_id:5", "Mum", "262966", f"{ADA},{CAM}", 5, None, ""])
def test_a_person_is_named_by_one_exact_handle(handle: Any) -> None:
    with pytest.raises(AddressError):
        person(handle, region="US")


# ---- whatever is asked for ---------------------------------------------------------------------------------------

numbers = st.integers(2012000000, 9899999999).map(lambda number: f"+1{number}")
mails = st.from_regex(r"[a-z]{1,6}@[a-z]{1,6}\.org", fullmatch=True)
handles = numbers | mails
chats = st.lists(
    st.tuples(
        st.lists(handles, min_size=1, max_size=3, unique=True), st.sampled_from(["iMessage", "SMS"]), st.booleans()
    ),
    max_size=6,
).map(
    lambda drawn: [
        chat(
            index,
            f"chat{index}" if is_group else people[0],
            *people,
            service=service,
            is_group=is_group,
        )
        for index, (people, service, is_group) in enumerate(drawn, 1)
    ]
)


def spellings(handle: str) -> st.SearchStrategy[str]:
    if "@" in handle:
        return st.sampled_from([handle, handle.upper(), f" {handle} ", f"imessage:{handle}"])
    national = f"({handle[2:5]}) {handle[5:8]}-{handle[8:]}"
    return st.sampled_from([handle, national, f"+1 {national}", f"\u202a{handle}\u202c", f"auto:{handle}"])


@settings(deadline=None)
@given(st.data(), chats)
def test_the_target_that_is_sent_to_is_the_one_that_was_asked_for(data: st.DataObject, there: list[Chat]) -> None:
    everybody = sorted({each for one in there for each in one.participants})
    handle = data.draw(st.sampled_from(everybody) | handles if everybody else handles)
    asked = data.draw(spellings(handle))
    try:
        found = find_addressee(asked, there, region="US")
    except AddressError:
        return
    if "to" in found.params:
        reached: tuple[str, ...] = (found.params["to"],)
    else:
        reached = next(each for each in there if each.chat_id == found.params["chat_id"]).participants
    assert [lookup_key(each) for each in reached] == [lookup_key(handle)]


@settings(deadline=None)
@given(chats)
def test_every_chat_is_reached_by_its_own_names_alone(there: list[Chat]) -> None:
    for each in there:
        for target in (each.chat_id, f"chat_id:{each.chat_id}", f"chat_guid:{each.guid}", each.guid, each):
            assert find_addressee(target, there, region="US").params == {"chat_id": each.chat_id}


@settings(deadline=None)
@given(chats, st.text(max_size=20))
def test_no_text_reaches_several_people_unless_it_is_the_name_of_their_chat(there: list[Chat], text: str) -> None:
    try:
        found = find_addressee(text, there, region="US")
    except AddressError:
        return
    if found.chat is not None and not is_direct(found.chat):
        assert text.strip() in (found.chat.guid, found.chat.identifier) or "chat" in text.lower()
