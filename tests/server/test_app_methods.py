"""Reading methods: what is checked before the database, and what after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import MISSING_DETAIL, RpcError
from imsg_sdk.server.methods.reads import Reads
from imsg_sdk.server.requests.envelope import Request
from imsg_sdk.server.senders import NoMessages
from imsg_sdk.server.source import DatabaseFile

Ask = Callable[..., Any]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Return a function that calls a method on a file and gives its result, or code and data of its error."""
    sources: list[DatabaseFile] = []

    def call(path: str, method: str, params: dict[str, Any] | None = None, **options: Any) -> Any:
        dialect = options.pop("dialect", Dialect.V1)
        source = DatabaseFile(path, dialect=dialect)
        sources.append(source)
        reads = Reads(source, dialect=dialect, extended=False, senders=NoMessages(dialect))
        try:
            return reads.call(Request(1, method, params or {}, **options))
        except RpcError as error:
            return error.code, error.data

    yield call
    for source in sources:
        source.close()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("chats.list", {}),
        ("messages.history", {"chat_id": 1, "start": "nope"}),
        ("messages.search", {"query": "x"}),
        ("messages.after", {"since_rowid": 0, "include_reactions": "nope"}),
        ("messages.stats", {"chat_id": 0, "time_zone": "nope"}),
        ("messages.scheduled", {}),
        ("message.send_status", {"guid": "x"}),
    ],
)
def test_missing_database_comes_before_what_only_it_can_decide(
    ask: Ask, tmp_path: Any, method: str, params: dict[str, Any]
) -> None:
    path = str(tmp_path / "none.db")
    assert ask(path, method, params) == (-32002, {"path": path, "detail": MISSING_DETAIL, "retryable": True})


@pytest.mark.parametrize(
    ("method", "params", "text"),
    [
        ("chats.list", {"limit": 0}, "limit must be a positive integer"),
        ("messages.after", {"since_rowid": 0, "nope": 1}, "unknown messages.after param: nope"),
        ("messages.after", {}, "since_rowid must be a non-negative integer"),
        ("messages.stats", {"time_zone": 5}, "time_zone must be a string"),
        ("message.send_status", {}, "guid is required"),
        ("status", {"probe": True}, "unknown status param: probe"),
    ],
)
def test_wrong_params_come_before_a_missing_database(
    ask: Ask, tmp_path: Any, method: str, params: dict[str, Any], text: str
) -> None:
    assert ask(str(tmp_path / "none.db"), method, params) == (-32602, text)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"chat_id": -3, "time_zone": "nope"}, "chat_id must be a positive rowid (received -3)"),
        ({"chat_id": 99, "time_zone": "nope"}, "invalid IANA time zone: nope"),
        ({"chat_id": 99, "include_media": True}, "chat_id 99 does not exist"),
        ({"include_media": True}, "media statistics are unavailable because attachment tables are missing"),
    ],
)
def test_faults_of_statistics_have_an_order(ask: Ask, db: Any, params: dict[str, Any], text: str) -> None:
    db.sql.executescript("DROP TABLE attachment; DROP TABLE message_attachment_join")
    assert ask(db.path, "messages.stats", params) == (-32602, text)


def test_schema_without_a_column_cannot_answer(ask: Ask, make_db: Any) -> None:
    poor = make_db("message.is_read", "message.schedule_type", "message.schedule_state")
    poor.chat()
    poor.message("hi")
    unread = "unread_only is unavailable because this Messages database has no read-state column"
    assert ask(poor.path, "chats.list", {"unread_only": True}) == (-32602, unread)
    scheduled = "scheduled messages are unavailable because this Messages database has no schedule columns"
    assert ask(poor.path, "messages.scheduled") == (-32602, scheduled)
    status = ask(poor.path, "status")
    assert status["database"]["features"]["scheduled_messages"] is False
    assert "messages.scheduled" not in status["methods"]
    assert "messages.scheduled" in status["supported_methods"]


def test_reactions_of_a_page_are_judged_last(ask: Ask, db: Any) -> None:
    db.message("hi")
    refusal = ask(db.path, "messages.after", {"since_rowid": 0, "include_reactions": "yes"})
    assert refusal == (-32602, "include_reactions must be a boolean")
    page = ask(db.path, "messages.after", {"since_rowid": 0, "include_reactions": True})
    assert ([message.id for message in page.messages], page.next_rowid, page.has_more) == ([1], 1, False)


def test_results_have_their_names(ask: Ask, db: Any) -> None:
    db.message("hello")
    assert [m.text for m in ask(db.path, "messages.search", {"query": "HELL"})["messages"]] == ["hello"]
    assert ask(db.path, "messages.search", {"query": "hell", "match": "exact"}) == {"messages": []}
    assert ask(db.path, "messages.stats", {"chat_id": 1, "time_zone": "UTC"})["total_messages"] == 1
    assert ask(db.path, "message.send_status", {"guid": " G1 "})["guid"] == "G1"
    assert ask(db.path, "messages.scheduled", {"limit": 2**62}) == {"messages": []}


def test_older_dialect_was_strict_in_two_methods_already(ask: Ask, db: Any) -> None:
    def old(method: str, params: dict[str, Any], **options: Any) -> Any:
        return ask(db.path, method, params, dialect=Dialect.LEGACY, **options)

    assert old("messages.stats", {"chat_id": "x"}) == (-32602, "chat_id must be an integer")
    assert old("messages.stats", {"bogus": 1}) == (-32602, "unknown messages.stats param: bogus")
    assert old("messages.stats", {}, has_object=False) == (-32602, "messages.stats params must be an object")
    for limit in ("x", 0, -1, 2.0, True, None):
        assert old("messages.scheduled", {"limit": limit}) == (-32602, "limit must be a positive integer")
    assert old("chats.list", {"limit": -5, "bogus": 1})["chats"] == []


def test_older_dialect_counts_a_small_limit_as_one(ask: Ask, db: Any) -> None:
    for text in ("one", "two"):
        db.message(text)
    for limit in (0, -1, 1e30):
        found = ask(db.path, "messages.history", {"chat_id": "1", "limit": limit}, dialect=Dialect.LEGACY)
        assert [message.text for message in found["messages"]] == ["two"]
