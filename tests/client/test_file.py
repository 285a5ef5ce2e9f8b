"""`read_chat_db` means and refuses the same arguments as the client does."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from imsg_sdk import IMessageClient, read_chat_db
from imsg_sdk.errors import AddressError, ConfigError, ImsgError, InvalidParams, UsageError


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"limit": -1}, "above 0"),
        ({"limit": "5"}, "above 0"),
        ({"since": "x"}, "ISO 8601"),
        ({"since": datetime(2026, 1, 1)}, "time zone"),
        ({"since": date(2026, 1, 1)}, "not date"),
        ({"until": np.datetime64("2026-01-01")}, "not datetime64"),
        ({"since": timedelta(days=10**6)}, "year 1"),
        ({"since": "2026-11-01T00:00:00Z", "until": "2026-10-01T00:00:00Z"}, "later than until"),
        ({"from_me": "yes"}, "True, False or None"),
        ({"text": ""}, "blank"),
        ({"text": 5}, "must be text"),
        ({"include": "everything"}, "orphaned, deleted, reactions"),
        ({"participants": [""]}, "handles"),
        ({"participants": 5}, "handles"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_both_roads(
    extended: IMessageClient, database: Path, arguments: dict[str, object], text: str
) -> None:
    with pytest.raises(InvalidParams, match=text):
        read_chat_db(database, **arguments)  # type: ignore[arg-type]
    with pytest.raises(InvalidParams, match=text):
        extended.messages(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("chat_ids", [["a"], "1", [1.5], [True], 2**64])
def test_ids_of_chats_are_whole_numbers(database: Path, chat_ids: object) -> None:
    with pytest.raises(InvalidParams, match="chat_ids must be whole numbers"):
        read_chat_db(database, chat_ids=chat_ids)  # type: ignore[arg-type]


def test_an_unknown_chat_is_an_error_and_not_an_empty_frame(database: Path) -> None:
    with pytest.raises(AddressError, match="9999"):
        read_chat_db(database, chat_ids=[1, 9999])


def test_chats_are_given_as_one_id_or_as_a_column(database: Path) -> None:
    whole = read_chat_db(database)
    one = whole.messages["chat_id"].value_counts().index[0]
    found = read_chat_db(database, chat_ids=one).messages
    assert len(found) > 0
    assert len(read_chat_db(database, chat_ids=pd.Series([one])).messages) == len(found)


def test_an_unknown_region_is_an_error(database: Path) -> None:
    with pytest.raises(ImsgError, match="ZZ"):
        read_chat_db(database, participants="+15550100142", region="ZZ")


def test_an_age_may_be_a_timedelta(extended: IMessageClient, database: Path) -> None:
    newest = read_chat_db(database).messages["created_at"].max()
    age = pd.Timestamp.now("UTC") - newest + timedelta(days=30)
    found = read_chat_db(database, since=age).messages
    assert 0 < len(found) < len(read_chat_db(database).messages)
    assert extended.messages(since=age.to_pytimedelta(), limit=None)["rowid"].tolist() == found["rowid"].tolist()


def test_one_name_of_hidden_rows_is_no_list_of_letters(database: Path) -> None:
    with_reactions = read_chat_db(database, include="reactions").messages
    assert len(with_reactions) > len(read_chat_db(database).messages)


@pytest.mark.parametrize("path", [5, "", b"", "a\0b", None])
def test_what_is_no_path_is_refused(path: object) -> None:
    with pytest.raises(InvalidParams, match="path"):
        read_chat_db(path)  # type: ignore[arg-type]


@pytest.mark.parametrize("tables", [5, [5], "nothing", ["messages", "nothing"]])
def test_unknown_tables_are_refused(tables: object) -> None:
    with pytest.raises(InvalidParams, match="no table is named"):
        read_chat_db("chat.db", tables=tables)  # type: ignore[arg-type]


@pytest.mark.parametrize("region", ["ZZ", "Germany", ""])
def test_an_unknown_region_is_refused_before_anything_is_read(region: str, database: Path) -> None:
    with pytest.raises(AddressError, match="region"):
        read_chat_db(database, region=region)
    with pytest.raises(ConfigError, match="region"):
        IMessageClient.from_chat_db(database, region=region or "??")


def test_a_region_may_be_written_in_small_letters(database: Path) -> None:
    assert read_chat_db(database, region="gb").chats.equals(read_chat_db(database, region="GB").chats)
    with IMessageClient.from_chat_db(database, region="gb") as client:
        assert client.config.region == "gb"


def test_a_sandbox_that_is_too_small_says_so_in_words_of_python() -> None:
    with IMessageClient.sandbox(messages=1, preset=None) as client:
        assert len(client.messages()) == 1
    with pytest.raises(UsageError, match="3 messages cannot fill") as caught, IMessageClient.sandbox(messages=3):
        pass
    assert "--" not in str(caught.value)
