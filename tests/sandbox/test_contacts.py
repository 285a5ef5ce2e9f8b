"""The sandbox has an address book, so that chats have names as on a Mac with Contacts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from imsg_sdk import IMessageClient


@pytest.fixture(scope="module")
def client() -> Iterator[IMessageClient]:
    with IMessageClient.sandbox(seed=1, messages=800, clock="virtual") as client:
        yield client


def test_people_are_called_by_their_names_and_keep_their_handles(client: IMessageClient) -> None:
    chats = client.chats()
    nora = chats[chats["name"] == "Nora Finch"].iloc[0]
    assert nora["contact_name"] == "Nora Finch"
    assert nora["identifier"] == "+447700900118"
    assert chats.loc[chats["is_group"], "contact_name"].isna().all()
    assert client.probe().contacts_available


def test_a_name_of_the_address_book_names_a_chat_for_reading(client: IMessageClient) -> None:
    nora = client.chat("nora finch")
    assert (nora.name, nora.identifier) == ("Nora Finch", "+447700900118")
    assert len(client.messages("Nora Finch")) > 0


def test_one_person_with_two_chats_is_asked_for_by_id(client: IMessageClient) -> None:
    chats = client.chats()
    twice = chats[chats["name"].duplicated(keep=False)]
    with pytest.raises(ValueError, match=f"chat_id:{twice['chat_id'].iloc[0]}"):
        client.chat(twice["name"].iloc[0])


def test_an_old_program_tells_the_same_names() -> None:
    with IMessageClient.sandbox(seed=1, messages=800, clock="virtual", dialect="legacy") as client:
        assert "Nora Finch" in set(client.chats()["name"])
