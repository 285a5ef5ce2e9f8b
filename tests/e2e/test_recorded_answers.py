"""The client reads everything that any known version has said, and makes the same frames of the same content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from recordings import load

from imsg_sdk import IMessageClient
from imsg_sdk.client import records
from imsg_sdk.errors import BackendExited, RemoteError

DATABASES = ("sequoia", "monterey", "minimal", "awkward")
VERSIONS = ("0.9.0", "0.13.1", "0.14.1")
Recorded = Callable[[str], Path]
Replayed = Callable[..., Path]

every_recording = pytest.mark.parametrize("database", DATABASES)
every_version = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
def client_of(replayed: Replayed) -> Iterator[Callable[..., IMessageClient]]:
    """Return a client of a program of one version."""
    made: list[IMessageClient] = []

    def make(database: str, version: str) -> IMessageClient:
        made.append(IMessageClient(cli_path=str(replayed(database, version)), db_path=f"{database}.db"))
        return made[-1]

    yield make
    for client in made:
        client.close()


def requests(folder: Path, database: str, version: str) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Yield method, params and answer of every request a client can make."""
    for record in load(folder, database, version)["rpc"]:
        request, line = record["request"], record["lines"][0]
        params = request.get("params", {})
        if isinstance(params, dict) and isinstance(line, dict) and request.get("jsonrpc") == "2.0":
            yield request["method"], params, line


@every_version
@every_recording
def test_every_recorded_answer_comes_through(
    database: str, version: str, recorded: Recorded, client_of: Callable[..., IMessageClient]
) -> None:
    client = client_of(database, version)
    asked = 0
    for method, params, line in requests(recorded(database), database, version):
        asked += 1
        assert ask(client, method, params) == outcome(line), (method, params)
    assert asked > 500


def ask(client: IMessageClient, method: str, params: dict[str, Any]) -> Any:
    """Return what the client makes of an answer, in the terms of :func:`outcome`."""
    try:
        return without_number(client.call(method, params))
    except RemoteError as error:
        return error.code, error.data


def outcome(line: dict[str, Any]) -> Any:
    """Return the result that was recorded, or code and data of the error."""
    if "error" in line:
        return line["error"]["code"], line["error"].get("data")
    return without_number(line["result"])


def without_number(result: Any) -> Any:
    """A subscription's number counts those of one process; the recording was made by several."""
    return {**result, "subscription": 0} if isinstance(result, dict) and "subscription" in result else result


@every_version
@every_recording
def test_every_recorded_object_becomes_a_record(database: str, version: str, recorded: Recorded) -> None:
    decoded = 0
    for method, _, line in requests(recorded(database), database, version):
        if isinstance(result := line.get("result"), dict):
            decoded += decode(method, result)
    for watch in load(recorded(database), database, version)["watch"]:
        for line in watch["lines"]:
            if line.get("method") == "message":
                params = msgspec.json.encode(line["params"])
                message = records.decode_notification(params, attachments=True, reactions=True)
                assert message.rowid == line["params"]["message"]["id"]
                assert message.extra == {}
                decoded += 1
    assert decoded > 3000


def decode(method: str, result: dict[str, Any]) -> int:
    """Decode one result as the client does; return how many records it held."""
    raw = msgspec.json.encode(result)
    if method in ("messages.history", "messages.after", "messages.search"):
        found, next_rowid, has_more = records.decode_page(raw, attachments=True)
        assert [message.rowid for message in found] == [each["id"] for each in result["messages"]]
        assert not any(message.extra for message in found)
        assert (next_rowid, has_more) == (result.get("next_rowid", 0), result.get("has_more", False))
        return len(found)
    if method == "chats.list":
        chats = records.decode_chats(raw)
        assert [chat.chat_id for chat in chats] == [each["id"] for each in result["chats"]]
        assert not any(chat.extra for chat in chats)
        return len(chats)
    if method == "messages.scheduled":
        return len(records.decode_scheduled(raw))
    if method == "message.send_status":
        assert records.decode_send_status(raw).send_state == result["send_state"]
        return 1
    if method == "messages.stats":
        records.decode_stats(raw)
        return 1
    return 0


@every_recording
def test_two_versions_that_say_the_same_give_equal_frames(
    database: str, client_of: Callable[..., IMessageClient]
) -> None:
    """0.13.1 and 0.14.1 answer histories alike; one is read by its command, the other by RPC."""
    old, new = client_of(database, "0.13.1"), client_of(database, "0.14.1")
    # One database is enough for the children, since each table costs the old program a command per chat.
    for table in ("messages", "attachments") if database == "minimal" else ("messages",):
        frames = [getattr(client, table)(limit=None) for client in (old, new)]
        assert_frame_equal(*map(settled, frames))
        assert table != "messages" or len(frames[0]) > 300
    said = ["chat_id", "guid", "identifier", "name", "service", "is_group", "participants", "last_message_at"]
    assert_frame_equal(old.chats(limit=None)[said], new.chats(limit=None)[said])


def settled(frame: pd.DataFrame) -> pd.DataFrame:
    """Put rows of one date in one order; which comes first is free."""
    keys = [name for name in ("message_rowid", "rowid", "filename") if name in frame]
    return frame.sort_values(keys, kind="stable", ignore_index=True)


@every_recording
def test_the_oldest_version_gives_the_same_texts_people_and_dates(
    database: str, client_of: Callable[..., IMessageClient]
) -> None:
    """0.9.0 shows link previews as rows of their own and lacks later keys; what it does say is the same."""
    old = client_of(database, "0.9.0").messages(limit=None).set_index("rowid").sort_index()
    new = client_of(database, "0.14.1").messages(limit=None).set_index("rowid").sort_index()
    previews = set(new["url_preview_guid"].dropna())
    extra = old.loc[old.index.difference(new.index)]
    assert set(new.index) <= set(old.index)
    assert set(extra["guid"]) <= previews or "balloon_bundle_id" not in old or len(extra) <= 40
    said = ["guid", "chat_id", "sender", "is_from_me", "text", "created_at", "thread_originator_guid"]
    assert_frame_equal(old.loc[new.index, said], new[said], check_categorical=False)
    never_sent = ["is_read", "read_at", "balloon_bundle_id", "url_preview_guid", "service", "is_edited", "send_state"]
    assert old[never_sent].isna().all(axis=None)


def test_a_program_that_crashes_on_a_request_is_started_again(client_of: Callable[..., IMessageClient]) -> None:
    client = client_of("minimal", "0.14.1")
    deadly = {"chat_id": 1, "limit": 5, "start": "0001-01-01T00:00:00Z"}
    with pytest.raises((BackendExited, ValueError)):
        client.call("messages.history", deadly)
    assert len(client.chats(limit=3)) == 3
