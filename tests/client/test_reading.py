"""Every verb, over every kind of program: the same columns, and no row of one missing in another."""

from __future__ import annotations

import itertools
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.client import history, reading
from imsg_sdk.client.targets import find_chat
from imsg_sdk.columns import TABLES
from imsg_sdk.errors import AddressError, InvalidParams, MethodNotFound, NotFound, Unsupported
from imsg_sdk.models import Chat, Message
from imsg_sdk.sandbox.history.demo import demo


def test_every_table_has_its_declared_columns(client: IMessageClient) -> None:
    frames = {
        "messages": client.messages(limit=5),
        "reactions": client.reactions(limit=5),
        "attachments": client.attachments(limit=5),
        "chats": client.chats(3),
        "participants": client.participants(),
    }
    for name, frame in frames.items():
        assert tuple(frame.columns) == TABLES[name].names


def test_no_match_gives_an_empty_frame_of_the_same_types(client: IMessageClient) -> None:
    some, none = client.messages(limit=5), client.messages(since="2200-01-01T00:00:00Z")
    assert len(none) == 0
    assert [dtype.name for dtype in none.dtypes] == [dtype.name for dtype in some.dtypes]


def test_the_whole_history_is_the_same_rows_by_every_road(
    extended: IMessageClient, plain: IMessageClient, legacy: IMessageClient
) -> None:
    by_columns, by_pages, by_command = (set(each.messages(limit=None)["rowid"]) for each in (extended, plain, legacy))
    assert by_pages == by_command
    # A sticker tapback is a message on the wire, whatever it is in truth.
    assert by_columns <= by_pages
    assert len(by_pages - by_columns) <= 2
    assert len(by_columns) > 200


def test_what_a_program_does_not_say_is_na(plain: IMessageClient, extended: IMessageClient) -> None:
    frame = plain.messages(limit=None)
    for name in ("service", "subject", "is_edited", "send_state", "delivered_at", "effect", "event", "n_attachments"):
        assert frame[name].isna().all(), name
    assert extended.messages(limit=None)["service"].notna().all()


def test_small_pages_give_what_one_large_page_gives(plain: IMessageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = plain.messages(limit=None, attachments=True)
    monkeypatch.setattr(reading, "PAGE_ROWS", 7)
    paged = plain.messages(limit=None, attachments=True)
    undated = whole["created_at"].isna()
    dated = paged[paged["created_at"].notna()].reset_index(drop=True)
    pd.testing.assert_frame_equal(dated, whole[~undated].reset_index(drop=True), check_categorical=False)


def test_small_pages_hold_messages_without_a_date(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apple stores 0 where it knows no date; a whole page of them is no end."""
    path = tmp_path / "chat.db"
    path.write_bytes(database.read_bytes())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE message SET date = 0 WHERE ROWID IN"
            " (SELECT message_id FROM chat_message_join WHERE chat_id = 1 ORDER BY message_id LIMIT 20)"
        )
    with IMessageClient(cli_path=[sys.executable, "-m", "imsg_sdk.server"], db_path=path) as client:
        whole = client.messages(1, limit=None)
        monkeypatch.setattr(reading, "PAGE_ROWS", 7)
        assert client.messages(1, limit=None)["rowid"].tolist() == whole["rowid"].tolist()
        assert whole["created_at"].isna().sum() > 7


def test_a_limit_counts_from_the_newest_over_all_chats(client: IMessageClient) -> None:
    whole, newest = client.messages(limit=None), client.messages(limit=30)
    assert len(newest) == 30
    assert newest["created_at"].tolist() == whole["created_at"].tolist()[-30:]


def test_one_chat_and_several_hold_their_own_messages_only(client: IMessageClient) -> None:
    first, second = client.chats(2)["chat_id"]
    one = client.messages(first, limit=None)
    assert len(one) > 0
    assert all(first in ids for ids in one["chat_ids"])
    several = client.messages(client.chats(2)["chat_id"], limit=None)
    assert several.equals(client.messages([first, second], limit=None))
    assert set(one["rowid"]) < set(several["rowid"])


def test_filters_mean_the_same_everywhere(client: IMessageClient) -> None:
    whole = client.messages(limit=None)
    middle = whole["created_at"].dropna().iloc[len(whole) // 2].to_pydatetime()
    person = whole["sender"].value_counts().index[0]
    expected = {
        "since": whole[whole["created_at"] >= middle],
        "until": whole[whole["created_at"] < middle],
        "from_me": whole[whole["is_from_me"]],
        "participants": whole[whole["sender"] == person],
        "text": whole[whole["text"].str.casefold().str.contains("the", regex=False).fillna(False).astype(bool)],
    }
    values = {"since": middle, "until": middle, "from_me": True, "participants": person, "text": "THE"}
    for name, value in values.items():
        found = client.messages(limit=None, **{name: value})
        assert found["rowid"].tolist() == expected[name]["rowid"].tolist(), name
        assert len(found) > 0, name


def test_a_limit_holds_after_filters(client: IMessageClient) -> None:
    own = client.messages(limit=None, from_me=True)
    assert client.messages(limit=5, from_me=True)["rowid"].tolist() == own["rowid"].tolist()[-5:]


def test_children_belong_to_the_messages_of_the_same_arguments(client: IMessageClient) -> None:
    rowids = set(client.messages(1, limit=50)["rowid"])
    assert set(client.reactions(1, limit=50)["message_rowid"]) <= rowids
    assert set(client.attachments(1, limit=50)["message_rowid"]) <= rowids


def test_iteration_gives_every_message_once(client: IMessageClient) -> None:
    found = list(client.iter_messages())
    assert all(type(message) is Message for message in found)
    assert max(Counter(message.rowid for message in found).values()) == 1
    assert {message.rowid for message in found} == set(client.messages(limit=None)["rowid"])


def test_iteration_over_pages_is_in_the_order_of_rows(
    extended: IMessageClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_PIECE_ROWS", 50)
    found = list(extended.iter_messages(attachments=True))
    assert [message.rowid for message in found] == sorted(extended.messages(limit=None)["rowid"])
    for kind, frame in (
        ("reactions", extended.reactions(limit=None)),
        ("attachments", extended.attachments(limit=None)),
    ):
        pairs = {(message.rowid, child.rowid) for message in found for child in getattr(message, kind)}
        assert pairs == set(zip(frame["message_rowid"], frame["rowid"], strict=True))


def test_iteration_over_chats_is_in_the_order_of_chats(plain: IMessageClient) -> None:
    chats = plain.chats()["chat_id"].tolist()
    found = list(plain.iter_messages())
    seen = list(dict.fromkeys(message.chat_id for message in found))
    assert seen == [chat for chat in chats if chat in seen]
    for _, group in groupby(found, key=lambda message: message.chat_id):
        dates = [message.created_at for message in group if message.created_at]
        assert dates == sorted(dates)


def test_iteration_with_a_limit_gives_the_newest(client: IMessageClient) -> None:
    assert [message.rowid for message in client.iter_messages(limit=9)] == client.messages(limit=9)["rowid"].tolist()
    some = client.chats()["chat_id"].tolist()[:2]
    rowids = {message.rowid for message in client.iter_messages(some, from_me=False)}
    assert rowids == set(client.messages(some, from_me=False, limit=None)["rowid"])


def test_an_iteration_may_be_left(client: IMessageClient) -> None:
    assert next(client.iter_messages()).rowid
    assert len(client.chats(1)) == 1


def test_a_message_is_found_by_its_guid_with_its_children(client: IMessageClient) -> None:
    row = client.messages(limit=None).query("n_reactions > 0").iloc[-1]
    message = client.message(row["guid"])
    assert (message.rowid, len(message.reactions)) == (row["rowid"], row["n_reactions"])
    with pytest.raises(NotFound):
        client.message("no such guid")


def test_search_finds_what_a_text_filter_finds(client: IMessageClient) -> None:
    found = client.search("the", limit=None)
    assert len(found) > 0
    assert set(found["rowid"]) <= set(client.messages(text="the", limit=None)["rowid"])
    assert len(client.search("the", limit=2)) == 2
    text = found["text"].iloc[-1]
    assert text in client.search(text, exact=True)["text"].tolist()


def test_a_blank_search_is_refused(client: IMessageClient) -> None:
    with pytest.raises(InvalidParams):
        client.search("  ")


def test_statistics_count_what_there_is(client: IMessageClient) -> None:
    stats = client.stats()
    assert stats.total_messages == stats.sent_messages + stats.received_messages > 200
    one = client.stats(1, include_media=True, time_zone="Europe/Vienna")
    assert 0 < one.total_messages < stats.total_messages
    assert one.time_zone == "Europe/Vienna"
    assert one.media is not None


def test_the_status_of_an_unknown_message_is_pending(client: IMessageClient) -> None:
    assert client.send_status("no such guid").send_state == "pending"


def test_scheduled_messages_are_records_or_unsupported(client: IMessageClient) -> None:
    # monterey knows no schedule
    with pytest.raises(Unsupported) as caught:
        client.scheduled()
    assert "older system" in caught.value.hint


def test_unread_chats_have_unread_messages(client: IMessageClient) -> None:
    unread = client.chats(unread_only=True)
    assert (unread["unread_count"] > 0).all()
    whole = client.chats()
    assert len(unread) == (whole["unread_count"] > 0).sum()


def test_chats_come_most_recent_first(client: IMessageClient) -> None:
    chats = client.chats()
    assert chats["last_message_at"].dropna().is_monotonic_decreasing
    assert client.chats(4)["chat_id"].tolist() == chats["chat_id"].tolist()[:4]


def test_edits_need_our_own_server(plain: IMessageClient, extended: IMessageClient) -> None:
    assert tuple(extended.edits(limit=None).columns) == TABLES["edits"].names
    with pytest.raises(Unsupported) as caught:
        plain.edits()
    assert "from_chat_db" in caught.value.hint


def test_hidden_rows_need_our_own_server(plain: IMessageClient, extended: IMessageClient) -> None:
    assert len(extended.messages(limit=None, include="reactions")) > len(extended.messages(limit=None))
    with pytest.raises(Unsupported):
        plain.messages(include="reactions")
    with pytest.raises(InvalidParams, match="orphaned"):
        extended.messages(include="everything")


def test_progress_is_told_how_much_is_done(client: IMessageClient) -> None:
    told: list[tuple[int, int | None]] = []
    frame = client.messages(limit=None, progress=lambda done, total: told.append((done, total)))
    counts = [done for done, _ in told]
    assert counts == sorted(counts)
    assert counts[-1] >= len(frame)


# ---- targets ------------------------------------------------------------------------------------------------------


def test_one_chat_is_found_by_every_name_of_it(client: IMessageClient) -> None:
    chats = client.chats()
    direct = chats[~chats["is_group"] & ~chats["identifier"].duplicated(keep=False) & chats["guid"].notna()]
    row = direct[direct["identifier"].str.startswith("+1555")].iloc[0]
    national = row["identifier"].removeprefix("+1")
    spelled = f"({national[:3]}) {national[3:6]}-{national[6:]}"
    for target in (
        row["chat_id"],
        int(row["chat_id"]),
        client.chat(int(row["chat_id"])),
        f"chat_id:{row['chat_id']}",
        row["guid"],
        f"chat_guid:{row['guid']}",
        f"chat_identifier:{row['identifier']}",
        row["identifier"],
        spelled,
    ):
        assert client.chat(target).chat_id == row["chat_id"], target


@pytest.mark.parametrize("target", [99_999, "chat_id:99999", "+49 30 123456", "chat_guid:nothing"])
def test_a_target_that_names_no_chat_says_how_to_find_one(client: IMessageClient, target: int | str) -> None:
    with pytest.raises(AddressError) as caught:
        client.messages(target)
    assert "chats()" in caught.value.hint
    assert "123456" not in str(caught.value)


def test_a_target_that_names_several_chats_lists_them(client: IMessageClient) -> None:
    chats = client.chats()
    twice = chats[~chats["is_group"] & chats["identifier"].duplicated(keep=False)]
    if twice.empty:
        pytest.skip("no person has two chats here")
    with pytest.raises(AddressError) as caught:
        client.chat(twice["identifier"].iloc[0])
    assert "as a list" in caught.value.hint


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"since": datetime(2026, 1, 1)}, "time zone"),
        ({"since": "yesterday"}, "ISO 8601"),
        ({"until": "2026-01-01"}, "time zone"),
        ({"limit": 0}, "above 0"),
        ({"limit": -1}, "above 0"),
        ({"limit": True}, "above 0"),
        ({"since": "999999999w"}, "year 1"),
        ({"participants": ""}, "handles"),
        ({"participants": 5}, "handles"),
        ({"from_me": "yes"}, "True, False or None"),
        ({"text": 5}, "must be text"),
        ({"text": "\ud800"}, "cannot be sent"),
        ({"include": "secret"}, "orphaned, deleted, reactions"),
        ({"include": None}, "orphaned, deleted, reactions"),
        ({"progress": "yes"}, "a function"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(
    extended: IMessageClient, arguments: dict[str, object], text: str
) -> None:
    with pytest.raises(InvalidParams, match=text) as caught:
        extended.messages(**arguments)  # type: ignore[arg-type]
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda client: client.search(5), "text must be text"),
        (lambda client: client.search("a\0b"), "cannot be sent"),
        (lambda client: client.message(None), "guid must be text"),
        (lambda client: client.message(" "), "guid is blank"),
        (lambda client: client.send_status(""), "guid is blank"),
        (lambda client: client.stats(time_zone=5), "time_zone must be text"),
        (lambda client: client.chats("5"), "above 0"),
        (lambda client: client.scheduled(0), "above 0"),
        (lambda client: client.call(5), "method must be text"),
        (lambda client: client.call("chats.list", [1]), "params a dict"),
        (lambda client: client.call("chats.list", {"limit": object()}), "JSON"),
        (lambda client: client.call("chats.list", timeout_s="5"), "seconds above 0"),
        (lambda client: client.call("chats.list", timeout_s=float("nan")), "seconds above 0"),
        (lambda client: next(client.iter_messages(limit=0)), "above 0"),
    ],
)
def test_every_verb_refuses_what_cannot_be_meant(
    plain: IMessageClient, call: Callable[[Any], object], text: str
) -> None:
    with pytest.raises(InvalidParams, match=text):
        call(plain)
    assert len(plain.chats(1)) == 1


def test_a_flag_out_of_a_frame_is_a_flag(client: IMessageClient) -> None:
    own = client.messages(1, limit=None)["is_from_me"].iloc[0]
    assert client.messages(1, from_me=own)["is_from_me"].eq(own).all()


def test_dates_that_would_end_a_real_program_are_harmless(client: IMessageClient) -> None:
    whole = client.messages(1, limit=None)
    early = datetime(1, 1, 1, tzinfo=UTC)
    late = datetime(9999, 12, 31, tzinfo=UTC)
    dated = whole[whole["created_at"].notna()]
    assert len(client.messages(1, limit=None, since=early, until=late)) == len(dated)
    assert len(client.messages(1, limit=None, since=late - timedelta(days=1))) == 0


def test_the_escape_hatch_sends_what_it_is_given(plain: IMessageClient) -> None:
    assert plain.call("chats.list", {"limit": 1})["chats"][0]["id"] > 0
    with pytest.raises(MethodNotFound):
        plain.call("chats.paint")
    with pytest.raises(InvalidParams):
        plain.call("chats.list", {"limit": 0})


def test_probe_tells_what_the_program_is(client: IMessageClient, database: Path) -> None:
    found = client.probe()
    assert found.version in ("0.14.1", "0.13.1")
    assert found.generation == ("v1" if found.version == "0.14.1" else "legacy")
    assert found.to_dict()["is_extended"] is found.is_extended


def test_the_doctor_finds_nothing_wrong(client: IMessageClient) -> None:
    report = client.doctor()
    assert report.ok, report
    assert [step.name for step in report.steps] == [
        "program",
        "genuine",
        "start",
        "version",
        "protocol",
        "database",
        "bridge",
    ]


# ---- names of chats -----------------------------------------------------------------------------------------------


def chats_named(*names: str | None, identifiers: Sequence[str] = ()) -> list[Chat]:
    return [
        Chat(chat_id=number, name=name, identifier=identifier, is_group=not identifier, n_participants=3)
        for number, (name, identifier) in enumerate(itertools.zip_longest(names, identifiers), 1)
    ]


@pytest.mark.parametrize("text", ["Sunday lunch", "sunday LUNCH", "  Sunday   lunch "])
def test_a_name_that_one_chat_has_names_it_for_reading(text: str) -> None:
    chats = chats_named("Boat crew", "Sunday lunch")
    assert find_chat(text, chats, region="US").chat_id == 2


def test_a_name_that_several_chats_have_lists_their_ids_and_no_whole_handle() -> None:
    chats = chats_named("Mum", "Mum", identifiers=["+15550100200", "mum@example.org"])
    with pytest.raises(AddressError) as caught:
        find_chat("mum", chats, region="US")
    assert "chat_id:1" in caught.value.message
    assert "chat_id:2" in caught.value.message
    assert not any(text in str(caught.value) for text in ("+15550100200", "mum@example.org"))


def test_the_name_of_a_contact_will_do_beside_that_of_the_chat() -> None:
    chat = Chat(chat_id=4, name="+15550100200", identifier="+15550100200", contact_name="Nora Finch")
    assert find_chat("nora finch", [chat], region="US") is chat


@pytest.mark.parametrize("slip", ["Sunday lnch", "sunday", "Lunch"])
def test_a_slip_in_a_name_is_told_with_the_chat_that_may_be_meant(slip: str) -> None:
    with pytest.raises(AddressError) as caught:
        find_chat(slip, chats_named("Boat crew", "Sunday lunch"), region="US")
    assert caught.value.hint.startswith("chat_id:2 (")
    assert "unday" not in str(caught.value)  # errors stand in logs; names are for the table


def test_an_id_that_no_chat_has_is_told_as_an_id() -> None:
    """Findings of a newcomer: 999 was called a phone number."""
    for target in (999, "999", "chat_id:999"):
        with pytest.raises(AddressError, match="no chat has the id 999"):
            find_chat(target, chats_named("Boat crew"), region="US")


def test_digits_are_a_chat_id_or_a_handle_and_never_guessed() -> None:
    chats = chats_named("one", "two", "262966", identifiers=["+15550100200", "+15550100201", "2"])
    assert find_chat("1", chats, region="US").chat_id == 1
    assert find_chat("3", chats, region="US").chat_id == 3
    with pytest.raises(AddressError, match="chat_id:2") as caught:
        find_chat("2", chats, region="US")
    assert "chat_id:3" in caught.value.message


def test_reading_calls_take_names(tmp_path: Path) -> None:
    demo(tmp_path / "chat.db", seed=3, messages=600)
    with IMessageClient.from_chat_db(tmp_path / "chat.db") as client:
        chats = client.chats()
        name = str(chats.loc[chats["is_group"], "name"].iloc[0])
        chat = client.chat(name)
        assert chat.name == name
        assert set(client.messages(name)["chat_id"]) == {chat.chat_id}
        assert client.stats(name).total_messages == client.stats(chat.chat_id).total_messages
        assert client.messages(str(chat.chat_id)).equals(client.messages(chat.chat_id))
