"""The store against the recordings of 0.13.1 and 0.14.1, reading methods and watched rows."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, datetime

import msgspec
import pytest

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.requests.bounds import parse_bound
from imsg_sdk.server.store.store import Store, WatchView
from imsg_sdk.server.store.zones import find_zone

DIALECTS = {"0.13.1": Dialect.LEGACY, "0.14.1": Dialect.V1}
NOW_NS = 800_000_000 * 10**9
TYPES = {
    "chat_id": int,
    "limit": int,
    "since_rowid": int,
    "participants": list,
    "start": str,
    "end": str,
    "attachments": bool,
    "include_reactions": bool,
    "include_media": bool,
    "unread_only": bool,
    "unreadOnly": bool,
}


def is_plain(params):
    """Return whether nothing is left to the coercions, which are the server's business."""
    has_types = all(type(value) is TYPES.get(name, type(value)) for name, value in params.items())
    return has_types and 0 < params.get("limit", 1) < 2**63


def bound(params, name):
    return parse_bound(params[name]) if name in params else None


def ask(store, method, params):
    """Return what the store answers, in the form of the wire; None for methods of the server."""
    flags = {name: params.get(name, False) for name in ("attachments", "include_reactions")}
    match method:
        case "chats.list":
            unread_only = params.get("unread_only", params.get("unreadOnly", False))
            found = {"chats": store.chats(params.get("limit", 20), unread_only=unread_only)}
        case "messages.history":
            found = {
                "messages": store.history(
                    params["chat_id"],
                    params.get("limit", 50),
                    participants=params.get("participants", []),
                    start_ns=bound(params, "start"),
                    end_ns=bound(params, "end"),
                    attachments=flags["attachments"],
                )
            }
        case "messages.after":
            found = store.after(
                params["since_rowid"], chat_id=params.get("chat_id"), limit=params.get("limit", 100), **flags
            )
        case "messages.search":
            is_exact = params.get("match") == "exact"
            found = {"messages": store.search(params["query"], exact=is_exact, limit=params.get("limit", 50))}
        case "messages.stats":
            zone = find_zone(params.get("time_zone", "UTC"))
            found = store.stats(
                chat_id=params.get("chat_id"), include_media=params.get("include_media", False), zone=zone
            )
        case "messages.scheduled":
            found = {"messages": store.scheduled(params.get("limit", 50), NOW_NS)}
        case "message.send_status":
            found = store.send_status(str(params["guid"]).strip(), datetime.now(UTC))
        case _:
            return None
    return json.loads(msgspec.json.encode(found))


def text(value):
    return json.dumps(value, sort_keys=True)


def loose(value):
    """Return a value without the clock and without an order of lists."""
    if isinstance(value, dict):
        return {name: loose(each) for name, each in value.items() if name != "checked_at"}
    return sorted((loose(each) for each in value), key=text) if isinstance(value, list) else value


def dates(messages):
    return [message.get("created_at") or message.get("scheduled_at") for message in messages]


def assert_alike(recorded, ours):
    """Compare two results; rows of one date may change places, and a limit may keep any of them."""
    real, found = recorded.get("messages"), ours.get("messages")
    if real is None:
        assert loose(recorded) == loose(ours)
        return
    assert dates(real) == dates(found)
    real_rows, our_rows = (Counter(map(text, map(loose, rows))) for rows in (real, found))
    odd = [json.loads(each) for each in (real_rows - our_rows) + (our_rows - real_rows)]
    assert [each for each in odd if each.get("created_at") != dates(real)[-1]] == []
    assert {**recorded, "messages": 0} == {**ours, "messages": 0}


def recordings(golden, name, version):
    with gzip.open(golden / "imsg" / f"{name}.{version}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


@pytest.fixture(params=["minimal", "monterey", "sequoia", "awkward"])
def name(request):
    return request.param


@pytest.fixture(params=["0.13.1", "0.14.1"])
def version(request):
    return request.param


@pytest.fixture
def store(golden, name, version):
    opened = Store.open(str(golden / f"{name}.db"), dialect=DIALECTS[version], home="/Users/me")
    yield opened
    opened.close()


def test_every_recorded_answer_is_given(golden, name, version, store):
    compared = 0
    for recording in recordings(golden, name, version):
        if recording["kind"] != "rpc" or not isinstance(recording["request"].get("params", {}), dict):
            continue
        answer, params = recording["lines"][0] if recording["lines"] else None, recording["request"].get("params", {})
        if not isinstance(answer, dict) or "result" not in answer or not is_plain(params):
            continue
        ours = ask(store, recording["request"]["method"], params)
        if ours is not None:
            assert_alike(answer["result"], ours)
            compared += 1
    assert compared > 200


def test_every_watched_row_is_seen(golden, name, version, store):
    for recording in recordings(golden, name, version):
        if recording["kind"] != "watch":
            continue
        params = recording["params"]
        view = WatchView(
            chat_id=params.get("chat_id"),
            include_reactions=params.get("include_reactions", False),
            attachments=params.get("attachments", False),
            participants=tuple(params.get("participants", ())),
            start_ns=bound(params, "start"),
            end_ns=bound(params, "end"),
        )
        cursor, more, ours = params.get("since_rowid") or store.max_rowid(), True, []
        while more:
            page = store.watch_after(cursor, view)
            cursor, more = page.cursor, page.more
            ours += json.loads(msgspec.json.encode(page.messages))
        real = [line["params"]["message"] for line in recording["lines"] if line.get("method") == "message"]
        assert list(map(loose, ours)) == list(map(loose, real))
