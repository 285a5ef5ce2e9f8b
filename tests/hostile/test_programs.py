"""Programs that are missing, wrong, or behave badly: each is a named error with a remedy, and nothing hangs."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.errors import (
    BackendExited,
    BackendNotFound,
    ImsgError,
    ProtocolError,
    RequestTimeout,
    ServerBusy,
    StartupTimeout,
    UsageError,
)

ClientOf = Callable[..., IMessageClient]


def remedy(error: ImsgError) -> str:
    assert error.hint
    assert error.hint in str(error)
    return error.hint


def test_a_missing_program_is_named_with_the_ways_out() -> None:
    client = IMessageClient(cli_path="no-such-imsg-anywhere")
    with pytest.raises(BackendNotFound, match="no-such-imsg-anywhere") as caught:
        client.chats()
    assert "from_chat_db" in remedy(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_a_file_that_is_no_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "imsg"
    path.write_text("not a program", encoding="utf-8")
    with pytest.raises(BackendNotFound) as caught:
        IMessageClient(cli_path=path).connect()
    assert "executable" in remedy(caught.value)


def test_another_program_called_imsg_is_never_spoken_to(client_of: ClientOf) -> None:
    with pytest.raises(BackendNotFound, match="not imsg") as caught:
        client_of("another_program").connect()
    assert "cli_path" in remedy(caught.value)


def test_a_program_that_does_not_even_help_is_given_up(client_of: ClientOf) -> None:
    with pytest.raises(StartupTimeout) as caught:
        client_of("never_helps", startup_timeout_s=0.5).connect()
    remedy(caught.value)


def test_a_program_that_exits_at_once_says_how(client_of: ClientOf) -> None:
    with pytest.raises(BackendExited) as caught:
        client_of("exits_at_once").chats()
    assert caught.value.returncode == 3
    assert "cannot read ~/Library" in caught.value.stderr_tail
    assert "jane" not in str(caught.value) + caught.value.stderr_tail
    remedy(caught.value)


def test_a_program_that_exits_at_once_is_not_started_in_a_loop(client_of: ClientOf) -> None:
    client = client_of("exits_at_once")
    begun = time.monotonic()
    for _ in range(3):
        with pytest.raises(BackendExited):
            client.chats()
    assert time.monotonic() - begun >= 0.1 + 0.2  # two restarts, each after a pause twice as long


def test_garbage_is_noticed_before_the_timeout(client_of: ClientOf) -> None:
    with pytest.raises(ProtocolError) as caught:
        client_of("prints_garbage", startup_timeout_s=30).chats()
    assert "doctor" in remedy(caught.value)


def test_a_program_that_never_answers_is_given_up(client_of: ClientOf) -> None:
    with pytest.raises(StartupTimeout) as caught:
        client_of("never_answers", startup_timeout_s=0.5).chats()
    assert "startup_timeout_s" in remedy(caught.value)
    assert isinstance(caught.value, TimeoutError)


def test_a_flood_on_stderr_stops_nothing(client_of: ClientOf) -> None:
    assert client_of("floods_stderr").call("status") == {"version": "0.14.1"}


def test_a_line_of_64_megabytes_is_taken(client_of: ClientOf) -> None:
    assert len(client_of("long_line").call("status")["text"]) == 64 << 20


def test_a_line_beyond_the_limit_ends_the_program_and_names_both(client_of: ClientOf) -> None:
    client = client_of("long_line", max_line_bytes=1 << 20)
    with pytest.raises(BackendExited, match="1,048,576") as caught:
        client.call("status")
    assert "limit" in remedy(caught.value)


def test_closing_ends_a_program_that_ignores_everything(client_of: ClientOf) -> None:
    client = client_of("ignores_everything", close_timeout_s=0.3)
    client.connect()
    session = client._core.pool.latest
    assert session is not None
    pid = session.connection._transport.pid  # type: ignore[attr-defined]
    begun = time.monotonic()
    client.close()
    assert time.monotonic() - begun < 5
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_program_that_closes_its_output_has_ended(client_of: ClientOf) -> None:
    client = client_of("closes_its_output")
    client.connect()
    with pytest.raises(BackendExited) as caught:
        client.call("status", timeout_s=20)
    remedy(caught.value)


def test_a_request_that_ends_the_program_is_never_sent_again(client_of: ClientOf, tmp_path: Path) -> None:
    notes = tmp_path / "requests"
    client = client_of("dies_on_large_pages", str(notes))
    deadly = {"chat_id": 1, "limit": 500}
    for _ in range(3):
        with pytest.raises(BackendExited, match=r"messages\.history") as caught:
            client.call("messages.history", deadly)
        assert "same request" in remedy(caught.value)
    assert client.call("messages.history", {**deadly, "limit": 50})["messages"] == []
    sent = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    assert sent.count(["messages.history", deadly]) == 1


def test_a_page_that_ends_the_program_is_asked_for_in_smaller_ones(client_of: ClientOf, tmp_path: Path) -> None:
    from imsg_sdk.client.filters import Filter
    from imsg_sdk.client.plan import run
    from imsg_sdk.client.reading import read_chat

    notes = tmp_path / "requests"
    client = client_of("dies_on_large_pages", str(notes))
    assert run(read_chat(client._core, 1, Filter())) == []
    sent = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    limits = [params["limit"] for method, params in sent if method == "messages.history"]
    assert limits == [4000, 1000, 250, 62]


def test_a_late_answer_is_dropped_and_the_next_call_works(client_of: ClientOf) -> None:
    client = client_of("answers_late")
    with pytest.raises(RequestTimeout) as caught:
        client.call("slow", timeout_s=0.2)
    assert "read_timeout_s" in remedy(caught.value)
    assert isinstance(caught.value, TimeoutError)
    assert client.call("status")["to"] == "status"


def test_a_busy_server_is_asked_again_and_not_for_ever(client_of: ClientOf) -> None:
    client = client_of("is_busy")
    assert client.call("status")["tries"] == 3
    with pytest.raises(ServerBusy) as caught:
        client.call("always")
    remedy(caught.value)


@pytest.mark.parametrize("kind", ["invalid utf-8", "half a surrogate pair", "too deep", "a number"])
def test_an_answer_that_cannot_be_read_is_named(client_of: ClientOf, kind: str) -> None:
    client = client_of("odd_answers")
    with pytest.raises(ProtocolError, match="JSON") as caught:
        client.call(kind)
    assert remedy(caught.value)
    assert client.call("nothing") is None
    assert client.chats().empty


def test_what_a_program_prints_is_told_to_nobody(client_of: ClientOf, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of("tells_secrets")
    shown = [repr(client.doctor())]
    for ask in (client.chats, lambda: client.search("x"), lambda: client.call("other"), lambda: client.call("end")):
        with pytest.raises(ImsgError) as caught:
            ask()
        shown += [*traceback.format_exception(caught.value), repr(caught.value)]
        assert "555" not in getattr(caught.value, "stderr_tail", "")
    shown += [record.getMessage() for record in caplog.records]
    assert not [each for each in shown if "meet me" in each or "555" in each]


def test_a_newer_program_is_used_with_one_warning(client_of: ClientOf) -> None:
    client = client_of("is_newer")
    with pytest.warns(UserWarning, match=r"0\.99\.0 is newer than 0\.14\.1"):
        chats = client.chats()
    assert chats["chat_id"].tolist() == [1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (message,) = client.iter_messages(1)
    assert (message.rowid, message.text, message.extra) == (5, "hi", {"mood": 7})
    assert client.chat(1).extra == {"mood": "fine"}


def test_windows_is_refused_once_and_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    for make in (IMessageClient, lambda: IMessageClient.from_chat_db("chat.db"), IMessageClient.sandbox):
        with pytest.raises(UsageError) as caught:
            make()
        assert "read_chat_db" in remedy(caught.value)


@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("another_program", "genuine"),
        ("exits_at_once", "start"),
        ("prints_garbage", "start"),
    ],
)
def test_the_doctor_names_the_step_that_fails(client_of: ClientOf, name: str, failed: str) -> None:
    report = client_of(name).doctor()
    states = {step.name: step.state for step in report.steps}
    assert not report.ok
    assert states[failed] == "failed"
    assert states["bridge"] == "skipped"
    assert all(step.remedy for step in report.steps if step.state == "failed")
    assert "✗" in repr(report)
    assert "✗" in report._repr_html_()


def test_the_doctor_goes_on_after_a_missing_program() -> None:
    report = IMessageClient(cli_path="no-such-imsg-anywhere").doctor()
    assert [step.state for step in report.steps] == ["failed", *["skipped"] * 6]
    assert report.to_dict()["ok"] is False
