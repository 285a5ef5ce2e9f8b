"""What cannot be sent is refused before anything is: texts that show nothing, files that are none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsg_sdk import IMessageClient
from imsg_sdk.client.composing import SendOptions, compose, requests
from imsg_sdk.client.outbound import check_file, check_params, check_text, cut
from imsg_sdk.client.plan import run
from imsg_sdk.client.whom import find_addressee
from imsg_sdk.errors import InvalidParams, SendRefused
from imsg_sdk.models import Chat


def deliver(client: IMessageClient, params: dict[str, Any]) -> Any:
    """Send as a gateway does."""
    return run(client._sending[0].deliver(params))


@pytest.mark.parametrize(
    "text", [None, pd.NA, 5, b"x", "", " \n\t", "\u200b\ufeff", "\u2800", "\ufffc", "a\0b", "\ud83d", ["x"]], ids=repr
)
def test_a_text_that_shows_nothing_or_cannot_be_sent_is_refused(scripted: Any, text: Any) -> None:
    with pytest.raises(SendRefused):
        scripted.client.send(3, text)
    assert scripted.asked == []


@pytest.mark.parametrize("text", ["x", " x ", "👍", "\u202eabc", "א", "\n\nfoo", "𝒳"])
def test_a_text_is_sent_as_it_is(text: str) -> None:
    assert check_text(text) == text
    assert compose(text, None, SendOptions()) == [{"text": text}]


@settings(deadline=None)
@given(st.text(min_size=1, max_size=60), st.integers(1, 20))
def test_parts_hold_all_that_can_be_seen_in_order(text: str, limit: int) -> None:
    try:
        check_text(text)
    except SendRefused:
        return
    parts = cut(text, limit=limit, mode="length")
    together = "".join("".join(parts).split())
    assert together == "".join(text.split()) or "\ufeff" in text
    assert all(len(part.encode("utf-16-le")) // 2 <= max(limit, 2) for part in parts)


def test_a_long_text_goes_out_in_order_and_is_told_as_one(scripted: Any) -> None:
    scripted.script({"row": True})
    result = scripted.client.send(3, "a" * 4000 + " " + "b" * 10)
    assert [text[:1] for text in scripted.texts] == ["a", "b"]
    assert [part.rowid for part in result.parts] == [100, 101]
    assert result.rowid == 101


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    good, big, empty, odd = (tmp_path / name for name in ("a b.png", "big.mov", "empty.txt", "a\nb.txt"))
    good.write_bytes(b"x" * 100)
    big.write_bytes(b"x" * 3000)
    empty.touch()
    odd.write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    (tmp_path / "good link").symlink_to(good)
    return {each.name: each for each in tmp_path.iterdir()} | {"folder": tmp_path, "gone": tmp_path / "none"}


@pytest.mark.parametrize("name", ["big.mov", "empty.txt", "a\nb.txt", "pipe", "link", "folder", "gone"])
def test_a_file_that_cannot_be_sent_is_refused_without_its_path(
    scripted: Any, files: dict[str, Any], name: str
) -> None:
    with pytest.raises(SendRefused) as caught:
        scripted.client.send(3, "look", file=files[name], max_file_mb=0.002)
    assert str(files["folder"]) not in str(caught.value)
    assert caught.value.hint
    assert scripted.asked == []


@pytest.mark.parametrize("file", [b"x", 5, "", " ", "a\0b", "https://example.org/cat.png", "~nobody/at/all"], ids=repr)
def test_what_is_no_path_is_refused(scripted: Any, file: Any) -> None:
    with pytest.raises(SendRefused):
        scripted.client.send_file(3, file)
    assert scripted.asked == []


def test_a_file_is_sent_by_its_whole_path_and_found_by_its_name(scripted: Any, files: dict[str, Any]) -> None:
    scripted.script({"row": True, "then": "die"})
    result = scripted.client.send_file(3, files["good link"])
    assert scripted.asked[0]["params"]["file"] == str(files["a b.png"])
    assert (result.state, result.rowid) == ("observed", 100)


def test_a_thread_that_a_program_takes_for_one_person_goes_by_the_bridge_only() -> None:
    def sent(chat: Chat, **options: Any) -> list[dict[str, Any]]:
        return requests(find_addressee(chat, [chat], region="US"), [{"text": "x"}], SendOptions(**options), region="US")

    ada, ben = "+12025550117", "ben@example.org"
    thread = Chat(chat_id=6, identifier=ada, participants=(ada, ben))
    assert sent(thread)[0]["transport"] == "bridge"
    with pytest.raises(SendRefused):
        sent(thread, transport="applescript")
    for chat in (
        Chat(chat_id=6, identifier=ada, participants=(ada,)),
        Chat(chat_id=6, identifier="chat700100200", participants=(ada, ben), is_group=True),
    ):
        assert "transport" not in sent(chat)[0]
        assert sent(chat, transport="applescript")[0]["transport"] == "applescript"


def test_a_gateway_too_writes_to_such_a_thread_by_the_bridge_only(scripted: Any) -> None:
    scripted.client.send(6, "to both")
    deliver(scripted.client, {"chat_id": 6, "text": "again to both"})
    assert [each["params"]["transport"] for each in scripted.asked] == ["bridge", "bridge"]
    with pytest.raises(SendRefused, match="only one of the people"):
        deliver(scripted.client, {"chat_id": 6, "text": "to one", "transport": "applescript"})
    assert len(scripted.asked) == 2


def test_text_and_file_are_two_messages(scripted: Any, files: dict[str, Any]) -> None:
    result = scripted.client.send(3, "look", file=str(files["a b.png"]))
    assert [sorted({"text", "file"} & each["params"].keys()) for each in scripted.asked] == [["text"], ["file"]]
    assert len(result.parts) == 2
    assert scripted.client.send(3, "", file=files["a b.png"]).parts == ()


def test_a_file_of_this_machine_is_not_there_on_another() -> None:
    with pytest.raises(SendRefused) as caught:
        check_file(__file__, host="mac.example.org")
    assert "copy it there" in caught.value.hint


@pytest.mark.parametrize("file", [None, 0, -1, True, "x"])
def test_a_limit_of_size_is_a_number(scripted: Any, file: Any) -> None:
    if file is not None:
        with pytest.raises(InvalidParams):
            scripted.client.send_file(3, __file__, max_file_mb=file)
    assert scripted.asked == []


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"text": "x"},
        {"chat_id": 3},
        {"chat_id": 3, "text": ""},
        {"chat_id": 3, "text": " "},
        {"chat_id": 3, "to": "+12025550117", "text": "x"},
        {"chat_id": "3", "text": "x"},
        {"chat_id": True, "text": "x"},
        {"chat_id": 0, "text": "x"},
        {"to": "", "text": "x"},
        {"chat_guid": 5, "text": "x"},
        {"chat_id": 3, "text": 5},
        {"chat_id": 3, "text": "x", "service": None, "region": 5},
        {"chat_id": 3, "file": ""},
    ],
    ids=repr,
)
def test_params_of_the_wire_are_held_to_the_same(scripted: Any, params: dict[str, Any]) -> None:
    with pytest.raises(SendRefused):
        check_params(params)
    with pytest.raises(SendRefused):
        deliver(scripted.client, params)
    assert scripted.asked == []


def test_a_key_that_the_program_does_not_know_is_never_sent(scripted_of: Any) -> None:
    scripted = scripted_of("legacy")
    with pytest.raises(SendRefused) as caught:
        deliver(scripted.client, {"chat_id": 3, "text": "x", "reply_to": "G"})
    assert "0.12.0" in caught.value.hint
    with pytest.raises(SendRefused):
        deliver(scripted.client, {"chat_id": 3, "text": "x", "colour": "red"})
    assert scripted.asked == []
