"""Who wrote it: one person is found by every spelling of a handle, and nobody is never found in silence."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import AsyncIMessageClient, IMessageClient, read_chat_db
from imsg_sdk.addressing import Handle
from imsg_sdk.errors import AddressError

Read = Callable[..., Any]


def spelled(handle: str) -> dict[str, Any]:
    """Return ways to write an American number."""
    national = handle.removeprefix("+1")
    return {
        "stored": handle,
        "in a list": [handle],
        "handle": Handle(handle),
        "spaced": f"+1 {national[:3]} {national[3:6]} {national[6:]}",
        "national": f"({national[:3]}) {national[3:6]}-{national[6:]}",
        "service": f"imessage:{handle}",
        "twice": (handle, national),
    }


@pytest.fixture(params=["file", "extended", "plain", "legacy"])
def read(request: pytest.FixtureRequest, database: Path) -> Read:
    """Return a function that reads messages by one road or the other."""
    if request.param == "file":
        return lambda **options: read_chat_db(database, tables="messages", **options).messages
    client: IMessageClient = request.getfixturevalue(request.param)
    return lambda **options: client.messages(limit=None, **options)


def somebody(read: Read) -> str:
    senders = read()["sender"]
    return str(senders[senders.str.fullmatch(r"\+1555\d{7}").fillna(False)].value_counts().index[0])


def test_a_person_is_found_by_every_spelling_of_a_number(read: Read) -> None:
    person = somebody(read)
    whole = read()
    expected = whole[whole["sender"] == person]["rowid"].tolist()
    assert expected
    for name, value in spelled(person).items():
        assert read(participants=value)["rowid"].tolist() == expected, name


@pytest.mark.parametrize("person", ["+49 30 1234567", "nobody@example.com", "Nora Finch"])
def test_a_person_in_no_chat_is_an_error_and_not_an_empty_frame(read: Read, person: str) -> None:
    with pytest.raises(AddressError) as caught:
        read(participants=[somebody(read), person])
    assert "participants" in caught.value.hint
    assert person not in str(caught.value)


def test_every_verb_knows_people_by_the_same_rule(client: IMessageClient, extended: IMessageClient) -> None:
    person = somebody(lambda: client.messages(limit=None))
    national = spelled(person)["national"]
    rowids = set(client.messages(participants=person, limit=None)["rowid"])
    assert {each.rowid for each in client.iter_messages(participants=national)} == rowids
    assert set(client.reactions(participants=national, limit=None)["message_rowid"]) <= rowids
    assert set(client.attachments(participants=national, limit=None)["message_rowid"]) <= rowids
    assert set(extended.edits(participants=national, limit=None)["message_rowid"]) <= rowids


def test_a_national_number_is_one_of_the_region(database: Path, tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    path.write_bytes(database.read_bytes())
    person = somebody(lambda: read_chat_db(path).messages)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE handle SET id = '+447700900118' WHERE id = ?", (person,))
        connection.execute("UPDATE chat SET chat_identifier = '+447700900118' WHERE chat_identifier = ?", (person,))
    expected = read_chat_db(path, participants="+44 7700 900118").messages["rowid"].tolist()
    assert expected
    assert read_chat_db(path, participants=["07700 900118"], region="GB").messages["rowid"].tolist() == expected
    with IMessageClient.from_chat_db(path, region="GB") as client:
        assert client.messages(participants="07700 900118", limit=None)["rowid"].tolist() == expected
    with pytest.raises(AddressError):
        read_chat_db(path, participants=["07700 900118"], region="US")


def test_one_who_left_every_chat_is_still_known_by_what_was_written(database: Path, tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    path.write_bytes(database.read_bytes())
    person = somebody(lambda: read_chat_db(path).messages)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "DELETE FROM chat_handle_join WHERE handle_id IN (SELECT ROWID FROM handle WHERE id = ?)", (person,)
        )
        connection.execute("UPDATE chat SET chat_identifier = 'left' WHERE chat_identifier = ?", (person,))
    national = spelled(person)["national"]
    expected = read_chat_db(path, participants=national).messages["rowid"].tolist()
    assert expected
    with IMessageClient.from_chat_db(path) as client:
        assert client.messages(participants=national, limit=None)["rowid"].tolist() == expected


def test_the_async_client_knows_people_by_the_same_rule(database: Path) -> None:
    async def find() -> tuple[set[str | None], str]:
        async with AsyncIMessageClient.from_chat_db(database) as client:
            person = next(m.sender for m in await client.messages(limit=None) if (m.sender or "").startswith("+1555"))
            found = await client.messages(participants=spelled(person or "")["national"], limit=None)
            with pytest.raises(AddressError):
                await client.messages(participants="nobody@example.com")
            return {message.sender for message in found}, person or ""

    senders, person = asyncio.run(find())
    assert senders == {person}


def test_a_name_among_the_handles_is_told_apart_from_a_wrong_number(database: Path) -> None:
    with pytest.raises(AddressError, match="not names"):
        read_chat_db(database, participants=["Nora Finch"])
    with pytest.raises(AddressError, match="another country"):
        read_chat_db(database, participants=["07700 900118"])
