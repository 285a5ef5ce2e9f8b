"""Requests, answers and notifications, without a process."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from imsg_sdk.errors import (
    BackendExited,
    ClientClosed,
    DatabaseUnavailable,
    InvalidParams,
    MethodNotFound,
    NotFound,
    PermissionDenied,
    ProtocolError,
    RemoteError,
    ServerBusy,
    Unsupported,
)
from imsg_sdk.rpc.transport import Ending

if TYPE_CHECKING:
    from conftest import Wire


def test_a_request_is_one_json_line_with_documented_members(wire: Wire) -> None:
    wire.connection.request("chats.list", {"limit": 3})
    line = wire.transport.sent.get(timeout=5)
    assert line.endswith(b"\n")
    assert json.loads(line) == {"jsonrpc": "2.0", "id": 1, "method": "chats.list", "params": {"limit": 3}}


def test_answers_out_of_order_find_their_requests(wire: Wire) -> None:
    first, second = (wire.connection.request("status", {}) for _ in range(2))
    wire.answers(2, "second")
    wire.answers(1, "first")
    assert bytes(first.result(5)) == b'"first"'
    assert bytes(second.result(5)) == b'"second"'


@pytest.mark.parametrize("request_id", [99, "1", None, 1.5, 0])
def test_an_answer_to_no_request_is_dropped(wire: Wire, request_id: object) -> None:
    pending = wire.connection.request("status", {})
    wire.answers(request_id, "nobody asked")
    assert not pending.done()
    wire.answers(1, "asked")
    assert bytes(pending.result(5)) == b'"asked"'


def test_a_second_answer_to_one_request_is_dropped(wire: Wire) -> None:
    pending = wire.connection.request("status", {})
    wire.answers(1, "first")
    wire.answers(1, "again")
    assert bytes(pending.result(5)) == b'"first"'


@pytest.mark.parametrize(
    "line", [b"hello", b"[]", b"17", b"{", b"\xff\xfe", b'{"id":1}', b'{"id":[1],"result":1}', b" \r"]
)
def test_a_line_that_is_no_message_is_dropped(wire: Wire, line: bytes) -> None:
    pending = wire.connection.request("status", {})
    wire.transport.receive(line)
    wire.answers(1, "fine")
    assert bytes(pending.result(5)) == b'"fine"'


def test_nothing_but_garbage_ends_the_connection(wire: Wire) -> None:
    pending = wire.connection.request("initialize", {})
    for _ in range(40):
        wire.transport.receive(b"Welcome to another program")
    with pytest.raises(ProtocolError) as caught:
        pending.result(5)
    assert "doctor" in caught.value.hint
    assert wire.transport.is_closed


def test_garbage_between_answers_ends_nothing(wire: Wire) -> None:
    wire.connection.request("status", {})
    wire.answers(1, 1)
    for _ in range(100):
        wire.transport.receive(b"chatter")
    pending = wire.connection.request("status", {})
    wire.answers(2, 2)
    assert bytes(pending.result(5)) == b"2"


@pytest.mark.parametrize("result", [b'"\\ud800"', b"[" * 100_000 + b"]" * 100_000, b"{,}"])
def test_an_answer_that_cannot_be_read_fails_its_request_at_once(wire: Wire, result: bytes) -> None:
    pending = wire.connection.request("messages.history", {})
    wire.transport.receive(b'{"jsonrpc":"2.0","id":1,"result":' + result + b"}")
    with pytest.raises(ProtocolError, match=r"messages\.history"):
        pending.result(5)
    again = wire.connection.request("status", {})
    wire.answers(2, 2)
    assert bytes(again.result(5)) == b"2"


def test_an_answer_that_cannot_be_read_fails_nobody_among_several(wire: Wire) -> None:
    pending = [wire.connection.request("status", {}) for _ in range(2)]
    wire.transport.receive(b'{"jsonrpc":"2.0","id":1,"result":{,}}')
    wire.answers(2, 2)
    assert bytes(pending[1].result(5)) == b"2"
    assert not pending[0].done()


def test_an_answer_of_32_megabytes_arrives_whole(wire: Wire) -> None:
    pending = wire.connection.request("messages.history", {})
    wire.answers(1, "x" * (32 << 20))
    assert len(pending.result(5)) == (32 << 20) + 2


def test_the_end_fails_what_is_pending_and_says_how_it_ended(wire: Wire) -> None:
    pending = wire.connection.request("status", {})
    wire.transport.end(Ending(returncode=3, stderr_tail="mail me@example.com or +1 555 0100 200\n"))
    with pytest.raises(BackendExited) as caught:
        pending.result(5)
    assert caught.value.returncode == 3
    assert "example" not in caught.value.stderr_tail
    assert "0100" not in caught.value.stderr_tail
    with pytest.raises(BackendExited):
        wire.connection.request("status", {})


def test_the_end_names_the_signal() -> None:
    from imsg_sdk.rpc.faults import describe_exit

    assert describe_exit(-4) == "was ended by SIGILL"
    assert describe_exit(0) == "ended with exit status 0"
    assert describe_exit(None) == "ended"


def test_a_line_that_is_too_long_names_the_limit_and_the_remedy(wire: Wire) -> None:
    pending = wire.connection.request("status", {})
    wire.transport.end(Ending(returncode=-9, reason="line too long", max_line_bytes=1024))
    with pytest.raises(BackendExited, match="1,024") as caught:
        pending.result(5)
    assert "limit" in caught.value.hint


def test_each_waiting_caller_gets_an_error_of_its_own(wire: Wire) -> None:
    pendings = [wire.connection.request("status", {}) for _ in range(3)]
    wire.transport.end(Ending(returncode=1))
    errors = [pending.exception(5) for pending in pendings]
    assert len({id(error) for error in errors}) == 3


def test_a_late_answer_after_forgetting_is_dropped(wire: Wire) -> None:
    late = wire.connection.request("status", {})
    wire.connection.forget(late)
    wire.answers(1, "late")
    assert late.cancelled()
    pending = wire.connection.request("status", {})
    wire.answers(2, "next")
    assert bytes(pending.result(5)) == b'"next"'


def test_closing_fails_what_is_waited_for(wire: Wire) -> None:
    pending = wire.connection.request("status", {})
    begun = threading.Event()
    caught: list[BaseException | None] = []

    def wait() -> None:
        begun.set()
        caught.append(pending.exception(5))

    waiter = threading.Thread(target=wait)
    waiter.start()
    begun.wait(5)
    wire.connection.close(ClientClosed("closed"))
    waiter.join(5)
    assert isinstance(caught[0], ClientClosed)


def test_no_more_requests_are_out_than_the_server_takes(make_wire: type[Wire]) -> None:
    wire = make_wire(max_outstanding=2)
    pendings = [wire.connection.request("status", {}) for _ in range(4)]
    assert [wire.sent()["id"], wire.sent()["id"]] == [1, 2]
    assert wire.transport.sent.empty()
    wire.answers(1, 1)
    assert wire.sent()["id"] == 3
    wire.connection.forget(pendings[3])
    wire.answers(2, 2)
    wire.answers(3, 3)
    assert wire.transport.sent.empty(), "a forgotten request that waited is never sent"


def test_a_forgotten_request_counts_until_it_is_answered(make_wire: type[Wire]) -> None:
    wire = make_wire(max_outstanding=1)
    wire.connection.forget(wire.connection.request("status", {}))
    assert wire.sent()["id"] == 1
    wire.connection.request("status", {})
    assert wire.transport.sent.empty()
    wire.answers(1, 1)
    assert wire.sent()["id"] == 2


def test_an_error_without_id_belongs_to_the_only_request(wire: Wire) -> None:
    pending = wire.connection.request("status", {})
    wire.says(error={"code": -32603, "message": "write failed"})
    assert isinstance(pending.exception(5), RemoteError)


def test_an_error_without_id_belongs_to_nobody_among_several(wire: Wire) -> None:
    pendings = [wire.connection.request("status", {}) for _ in range(2)]
    wire.says(id=None, error={"code": -32603, "message": "write failed"})
    assert not any(pending.done() for pending in pendings)


def test_half_of_a_surrogate_pair_is_refused_before_it_is_sent(wire: Wire) -> None:
    with pytest.raises(ValueError, match="surrogate"):
        wire.connection.request("messages.search", {"query": "\ud83d"})
    assert wire.transport.sent.empty()


# ---- notifications ------------------------------------------------------------------------------------------------


def notify(wire: Wire, number: int, **more: object) -> None:
    wire.says(method="message", params={"subscription": number, **more})


def test_notifications_before_the_subscribe_answer_are_kept(wire: Wire) -> None:
    notify(wire, 7, message={"id": 1})
    notify(wire, 8, message={"id": 2})
    notify(wire, 7, message={"id": 3})
    subscription = wire.connection.subscribe(7)
    notify(wire, 7, message={"id": 4})
    found = [json.loads(bytes(subscription.get(5).params))["message"]["id"] for _ in range(3)]  # type: ignore[union-attr]
    assert found == [1, 3, 4]


def test_a_subscription_ends_with_its_connection(wire: Wire) -> None:
    subscription = wire.connection.subscribe(1)
    notify(wire, 1)
    wire.transport.end(Ending(returncode=0))
    assert subscription.get(5) is not None
    with pytest.raises(BackendExited):
        subscription.get(5)


def test_a_full_subscription_ends_and_says_so(wire: Wire) -> None:
    subscription = wire.connection.subscribe(1, max_held=2)
    for _ in range(5):
        notify(wire, 1)
    assert [subscription.get(5) is None for _ in range(3)] == [False, False, True]
    assert subscription.has_overflowed


def test_waiting_for_a_notification_is_bounded(wire: Wire) -> None:
    with pytest.raises(TimeoutError):
        wire.connection.subscribe(1).get(0.01)


def test_an_ended_subscription_takes_nothing_more(wire: Wire) -> None:
    subscription = wire.connection.subscribe(1)
    wire.connection.unsubscribe(1)
    notify(wire, 1)
    assert subscription.get(5) is None


def test_notifications_that_name_no_subscription_are_dropped(wire: Wire) -> None:
    wire.says(method="message", params={"subscription": "x"})
    wire.says(method="message", params=[1])
    wire.says(method="message")
    pending = wire.connection.request("status", {})
    wire.answers(1, 1)
    assert pending.result(5)


# ---- errors -------------------------------------------------------------------------------------------------------

BANNER = "authorization denied (code: 23)\n\nPermission Error: …\nFull Disk Access …"


@pytest.mark.parametrize(
    ("code", "message", "data", "expected"),
    [
        (-32601, "Method not found", "chats.get", MethodNotFound),
        (-32602, "Invalid params", "limit must be a positive integer", InvalidParams),
        (-32602, "Invalid params", "chat_id 9 does not exist", NotFound),
        (-32602, "Invalid params", "unknown chat_id 9", NotFound),
        (-32602, "Invalid params", "scheduled messages are unavailable because this …", Unsupported),
        (-32603, "Internal error", "Invalid ISO8601 date: x", InvalidParams),
        (-32603, "Internal error", BANNER, PermissionDenied),
        (-32603, "Internal error", "unable to open database file (code: 14)\nPermission Error", DatabaseUnavailable),
        (
            -32603,
            "Internal error",
            "The operation could not be completed. (SQLite.Result error 0.)",
            DatabaseUnavailable,
        ),
        (
            -32603,
            "Internal error",
            "handles.check requires bridge transport (Messages.app must be injected)",
            Unsupported,
        ),
        (-32603, "Internal error", None, RemoteError),
        (-32000, "Server busy", "outstanding request limit exceeded", ServerBusy),
        (-32002, "Database unavailable", {"path": "/x", "detail": "… does not exist. …"}, DatabaseUnavailable),
        (-32002, "Database unavailable", {"detail": "could not be opened"}, DatabaseUnavailable),
        (-32003, "Bridge unavailable", {"detail": "The bridge is not started."}, Unsupported),
        (-32099, "New", [1, 2], RemoteError),
    ],
)
def test_an_error_answer_becomes_its_class(
    wire: Wire, code: int, message: str, data: object, expected: type[RemoteError]
) -> None:
    pending = wire.connection.request("chats.list", {})
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    wire.says(id=1, error=error)
    caught = pending.exception(5)
    assert type(caught) is expected
    assert (caught.code, caught.data) == (code, data)  # type: ignore[union-attr]


def test_an_error_without_code_and_message_is_still_an_error(wire: Wire) -> None:
    pending = wire.connection.request("chats.list", {})
    wire.says(id=1, error={})
    assert type(pending.exception(5)) is RemoteError
