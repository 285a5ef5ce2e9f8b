"""A send that may have gone out is looked up, never repeated, and reported for what it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.client.plan import run
from imsg_sdk.errors import (
    BackendExited,
    ClientClosed,
    InvalidParams,
    PermissionDenied,
    RequestTimeout,
    SendError,
    SendFailed,
    SendRefused,
    SendUncertain,
)


def deliver(client: IMessageClient, params: dict[str, Any]) -> Any:
    """Send as a gateway does."""
    return run(client._sending[0].deliver(params))


def settle(client: IMessageClient, params: dict[str, Any], **options: Any) -> Any:
    """Look for a send of somebody who died."""
    return run(client._sending[0].settle(params, **options))


DELIVERY = {"transport": "applescript", "operation": "send", "detail": "…"}


def error(code: int, data: Any = None) -> dict[str, Any]:
    return {"code": code, "message": "…", "data": data}


def delivery(code: int, disposition: str, retry_safe: bool = False) -> dict[str, Any]:
    return error(code, {**DELIVERY, "disposition": disposition, "retry_safe": retry_safe})


OPEN = [
    "die",
    "hang",
    "garbage",
    delivery(-32001, "may_have_completed"),
    delivery(-32001, "still_in_flight"),
    delivery(-32603, "may_have_completed"),
    delivery(-32603, "not_started", retry_safe=False),
    error(-32603, "AppleScript failed: a thing of which nobody can tell how far it came"),
    error(-32603),
    error(-32099, "a code of the future"),
]
"""Endings that leave open whether the message went out."""


@pytest.mark.parametrize("then", OPEN, ids=str)
def test_what_may_have_gone_out_is_uncertain_and_sent_once(scripted: Any, then: Any) -> None:
    scripted.script({"then": then})
    with pytest.raises(SendUncertain) as caught:
        scripted.client.send(3, "hello")
    assert not caught.value.retry_safe
    assert caught.value.target == "chat 3"
    assert scripted.texts == ["hello"]


@pytest.mark.parametrize("then", OPEN, ids=str)
def test_what_stands_in_the_history_is_observed_however_its_send_ended(scripted: Any, then: Any) -> None:
    scripted.script({"row": True, "then": then})
    result = scripted.client.send(3, "hello")
    assert (result.state, result.guid, result.rowid, result.chat_id) == ("observed", "ROW-100", 100, 3)
    assert scripted.texts == ["hello"]


@pytest.mark.parametrize("then", ["die", "hang"])
def test_an_old_program_that_dies_or_hangs_leaves_it_open(scripted_of: Callable[[str], Any], then: str) -> None:
    scripted = scripted_of("legacy")
    scripted.script({"then": then}, {"row": True, "then": then})
    with pytest.raises(SendUncertain):
        scripted.client.send(3, "hello")
    assert scripted.client.send(3, "hello").state == "observed"
    assert scripted.texts == ["hello", "hello"]


SAFE = [
    (delivery(-32603, "not_started", retry_safe=True), SendFailed),
    (error(-32000, "outstanding request limit exceeded"), SendFailed),
    (error(-32002, {"path": "…", "detail": "…", "retryable": True}), SendFailed),
    (error(-32603, "AppleScript failed: Not authorized to send Apple events to Messages. (-1743)"), SendFailed),
    (error(-32603, "unable to open database file (code: 14)\n\n⚠️  Permission Error"), SendFailed),
    (error(-32602, "invalid service"), SendRefused),
    (error(-32601, "send"), SendRefused),
    (error(-32003, {"detail": "…", "retryable": True}), SendRefused),
    (
        error(-32603, "AppleScript failed: Sending requires Messages.app automation and is only supported on macOS."),
        SendRefused,
    ),
]


@pytest.mark.parametrize(("then", "kind"), SAFE, ids=str)
def test_what_proves_that_nothing_went_out_is_told_apart(either: Any, then: Any, kind: type[SendError]) -> None:
    either.script({"then": then})
    with pytest.raises(kind) as caught:
        either.client.send(3, "hello")
    assert caught.value.retry_safe is (kind is SendFailed)
    assert either.texts == ["hello"]


def test_a_failure_inside_messages_is_no_proof(scripted_of: Callable[[str], Any]) -> None:
    scripted = scripted_of("legacy")
    scripted.script({"then": error(-32603, "Dylib error: it did not work")})
    with pytest.raises(SendFailed) as caught:
        scripted.client.send(3, "hello")
    assert not caught.value.retry_safe


def test_the_cause_is_what_the_program_said(scripted: Any) -> None:
    for then, kind in ((error(-32602, "…"), InvalidParams), ("die", BackendExited), ("hang", RequestTimeout)):
        scripted.script({"then": then})
        with pytest.raises(SendError) as caught:
            scripted.client.send(3, "hello")
        assert isinstance(caught.value.__cause__, kind)


def test_a_refusal_by_macos_names_the_remedy(scripted: Any) -> None:
    scripted.script({"then": error(-32603, "AppleScript failed: Not authorized to send Apple events. (-1743)")})
    with pytest.raises(SendFailed) as caught:
        scripted.client.send(3, "hello")
    assert isinstance(caught.value.__cause__, PermissionDenied)
    assert "Automation" in caught.value.hint


def test_a_lane_that_is_blocked_is_left_for_a_new_child(scripted: Any) -> None:
    scripted.script({"then": delivery(-32004, "still_in_flight")}, {"row": True})
    assert scripted.client.send(3, "hello").state == "observed"
    assert scripted.texts == ["hello", "hello"]  # the first was refused unread


def test_a_lane_that_stays_blocked_fails_safely(scripted: Any) -> None:
    scripted.script({"then": delivery(-32004, "still_in_flight")})
    with pytest.raises(SendFailed) as caught:
        scripted.client.send(3, "hello")
    assert caught.value.retry_safe
    assert len(scripted.asked) == 2


def test_an_answer_that_denies_is_no_success(either: Any) -> None:
    either.script({"then": "ok", "result": {"ok": False}})
    with pytest.raises(SendUncertain):
        either.client.send(3, "hello")


def test_a_bare_ok_is_looked_up(either: Any) -> None:
    either.script({"row": True}, {"row": False})
    first, second = either.client.send(3, "hello"), either.client.send(3, "hello")
    assert (first.state, first.rowid) == ("observed", 100)
    assert (second.state, second.rowid, second.guid) == ("accepted", None, None)


def test_ids_that_the_program_tells_are_kept(scripted: Any) -> None:
    scripted.script(
        {"result": {"id": 7, "guid": "G", "transport": "bridge", "service": "iMessage"}}, {"result": {"guid": "H"}}
    )
    first, second = scripted.client.send(3, "hello"), scripted.client.send(3, "hello")
    assert (first.state, first.rowid, first.guid, first.transport) == ("observed", 7, "G", "bridge")
    assert (second.state, second.rowid, second.guid) == ("accepted", None, "H")


def test_an_older_message_of_the_same_text_is_not_taken_for_the_new_one(either: Any) -> None:
    either.script({"row": True}, {"then": error(-32001, {**DELIVERY, "disposition": "may_have_completed"})})
    either.client.send(3, "ok")
    with pytest.raises(SendUncertain):
        either.client.send(3, "ok")


def test_an_old_message_that_came_late_is_not_taken_for_the_new_one(either: Any) -> None:
    old = [{"id": 900, "chat_id": 3, "text": "ok"}]  # the newest row, and by its date the oldest
    either.remember(*old, *({"id": 100 + number, "chat_id": 3, "text": "more"} for number in range(60)))
    either.script({"then": error(-32001, {**DELIVERY, "disposition": "may_have_completed"})})
    with pytest.raises(SendUncertain):
        either.client.send(3, "ok")


def test_a_chat_id_that_has_come_to_mean_another_chat_is_refused(scripted: Any) -> None:
    scripted.remember({"id": 100, "chat_id": 3, "chat_guid": "iMessage;-;+12025550118"})
    with pytest.raises(SendRefused) as caught:
        scripted.client.send(3, "hello")
    assert "stands for another chat" in caught.value.message
    assert scripted.asked == []


def test_equal_messages_at_once_are_each_found_once(either: Any) -> None:
    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda: results.append(either.client.send(3, "ok")), daemon=True) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(result.rowid for result in results) == [100, 101, 102, 103]
    assert len(either.texts) == 4


def test_a_message_behind_one_that_hangs_is_sent_by_a_new_child(scripted: Any) -> None:
    scripted.script({"then": "hang"}, {"row": True})
    outcome: list[Any] = []

    def first() -> None:
        try:
            scripted.client.send(3, "first")
        except SendUncertain as caught:
            outcome.append(caught)

    thread = threading.Thread(target=first, daemon=True)
    thread.start()
    scripted.wait_until_asked()
    result = scripted.client.send(4, "second")
    thread.join(20)
    assert len(outcome) == 1
    assert (result.state, result.chat_id) == ("observed", 4)
    assert scripted.texts == ["first", "second"]


def test_a_child_that_is_gone_before_the_send_costs_nothing(scripted: Any) -> None:
    scripted.script({"row": True})
    scripted.client.send(3, "one")
    pool = scripted.client._core.pool
    for connection in [connection for slot in pool._slots.values() for connection in slot.connections]:
        connection._transport.kill()
        connection._transport._ended.wait(5)
    assert scripted.client.send(3, "two").state == "observed"
    assert scripted.texts == ["one", "two"]


def test_a_client_that_is_closed_during_a_send_leaves_it_open(scripted: Any) -> None:
    scripted.client._sending[0]._send_timeout_s = 30
    scripted.script({"then": "hang"})
    outcome: list[BaseException] = []

    def send() -> None:
        try:
            scripted.client.send(3, "hello")
        except SendError as caught:
            outcome.append(caught)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    scripted.wait_until_asked()
    scripted.client.close()
    thread.join(20)
    assert isinstance(outcome[0], SendUncertain)


def test_a_closed_client_sends_nothing(scripted: Any) -> None:
    scripted.client.close()
    with pytest.raises(ClientClosed):
        scripted.client.send(3, "hello")
    assert scripted.asked == []


def test_parts_that_went_out_are_reported_with_the_one_that_did_not(scripted: Any) -> None:
    scripted.script({"row": True}, {"then": delivery(-32603, "not_started", retry_safe=True)})
    with pytest.raises(SendFailed) as caught:
        scripted.client.send(3, "a" * 4000 + " " + "b" * 3000 + " " + "c" * 2000)
    assert [part.rowid for part in caught.value.sent] == [100]
    assert not caught.value.retry_safe  # the whole would repeat the first part
    assert len(scripted.asked) == 2


def test_no_log_holds_what_was_sent_or_to_whom(scripted: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "imsg_sdk")
    scripted.script({"row": True}, {"then": "die"})
    scripted.client.send("+12025550117", "the code is 4711")
    with pytest.raises(SendUncertain):
        scripted.client.send("+12025550118", "the code is 4711")
    assert "4711" not in caplog.text
    assert "5550117" not in caplog.text
    assert caplog.records


@pytest.mark.parametrize("code", [-32602, -32603, -32000])
def test_no_error_holds_a_handle_that_the_program_repeats(either: Any, code: int) -> None:
    either.script({"then": error(code, "Invalid chat target: +12025550117, ada@example.org")})
    with pytest.raises(SendError) as caught:
        either.client.send(3, "hello")
    assert "555" not in str(caught.value)
    assert "ada@" not in str(caught.value)


def test_a_crashed_send_is_settled_from_the_history(scripted: Any) -> None:
    params = {"chat_id": 3, "text": "hello"}
    scripted.script({"row": True})
    client = scripted.client
    sent = deliver(client, {"chat_id": 3, "text": "other"})
    assert settle(client, params, after_rowid=sent.rowid) is None
    first = deliver(client, params)
    client._sending[0]._claims._taken.clear()  # another process did it
    found = settle(client, params, after_rowid=sent.rowid)
    assert (found.state, found.guid) == ("observed", first.guid)
    client._sending[0]._claims._taken.clear()
    assert settle(client, params, after_rowid=sent.rowid, claimed={first.guid}) is None
