"""What each mutating method does to a world, in both dialects."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

OWN, NORA, TOM = "+447700900001", "+447700900118", "tom.okafor@example.org"
LANDLINE = "+442079460018"
PEOPLE = {
    "accounts": [OWN, "robin.marlowe@example.com"],
    "people": [
        {"name": "Nora Finch", "addresses": [NORA]},
        {"name": "Tom Okafor", "addresses": [TOM]},
        {"name": "Mill Lane Dental", "addresses": [LANDLINE], "imessage": False},
    ],
    "chats": [{"addresses": [NORA]}, {"addresses": [NORA, TOM], "name": "Boat"}, {"addresses": [LANDLINE]}],
}
DIRECT, GROUP, SMS = 1, 2, 3


@pytest.fixture(params=["v1", "legacy"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(worlds: Callable[..., Path]) -> Path:
    return worlds(PEOPLE)


@pytest.fixture
def one(world: Path, child: Callable[..., Any], dialect: str) -> Any:
    return child(world, "--dialect", dialect)


def rows(path: Path, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(sql, parameters)]


def row(path: Path, guid: str) -> dict[str, Any]:
    (found,) = rows(
        path,
        "SELECT m.*, j.chat_id FROM message m LEFT JOIN chat_message_join j ON j.message_id = m.ROWID WHERE guid = ?",
        guid,
    )
    return found


def newest(path: Path, count: int = 1) -> list[dict[str, Any]]:
    found = rows(path, "SELECT * FROM message ORDER BY ROWID DESC LIMIT ?", count)
    return found[::-1]


def text_of(one: Any, guid: str, chat_id: int = DIRECT) -> str:
    messages = one.ask("messages.history", chat_id=chat_id, limit=50)["messages"]
    return next(str(message["text"]) for message in messages if message["guid"] == guid)


def refusal(dialect: str, operation: str, detail: str) -> dict[str, Any]:
    if dialect == "legacy":
        return {"code": -32603, "message": "Internal error", "data": f"Dylib error: {detail}"}
    data = {"retry_safe": True, "disposition": "not_started", "transport": "bridge_v2", "operation": operation}
    return {"code": -32603, "message": "Delivery failed before dispatch", "data": {**data, "detail": detail}}


# ---- send ----------------------------------------------------------------------------------------------------------


def test_every_spelling_of_a_target_reaches_the_same_chat(one: Any, world: Path) -> None:
    for target in ({"to": NORA}, {"chat_id": DIRECT}, {"chat_guid": f"any;-;{NORA}"}, {"chat_identifier": NORA}):
        result = one.ask("send", text="hello", **target)
        assert (result["ok"], result["transport"], result["service"]) == (True, "bridge", "iMessage")
        assert result["guid"] == result["message_id"]
        assert row(world, result["guid"])["chat_id"] == DIRECT
        assert "id" not in result


def test_plain_sending_names_the_row_only_where_it_is_found_again(one: Any, world: Path, dialect: str) -> None:
    results = [one.ask("send", to=NORA, text=f"number {n}", transport="applescript") for n in range(12)]
    assert {result["transport"] for result in results} == {"applescript"}
    for result, stored in zip(results, newest(world, 12), strict=True):
        if dialect == "v1" or stored["text"] is not None:
            assert (result["id"], result["guid"]) == (stored["ROWID"], stored["guid"])
        else:
            assert result.keys() & {"id", "guid", "message_id"} == set()
    if dialect == "legacy":
        assert 0 < sum("id" in result for result in results) < 12


def test_a_number_is_read_in_its_region(one: Any, world: Path) -> None:
    one.ask("send", to="(020) 7946 0018", text="open on Monday?", region="GB", service="sms")
    assert rows(world, "SELECT h.id FROM message m JOIN handle h ON h.ROWID = m.handle_id") == [{"id": LANDLINE}]


def test_whoever_is_not_on_imessage_gets_an_sms(one: Any, world: Path) -> None:
    one.ask("send", to=LANDLINE, text="open on Monday?")
    assert [(sent["service"], sent["error"]) for sent in newest(world)] == [("SMS", 0)]


def test_an_imessage_to_somebody_without_it_fails_later(one: Any, world: Path) -> None:
    one.ask("send", to=LANDLINE, text="open?", service="imessage", transport="applescript")
    sent = newest(world)[0]
    assert (sent["error"], sent["is_sent"]) == (22, 0)
    assert one.ask("message.send_status", guid=sent["guid"])["send_state"] == "failed"
    one.ask("sandbox.people", add=[{"name": "Nora", "addresses": [NORA], "imessage": False}])
    assert row(world, one.ask("send", to=NORA, text="still blue?")["guid"])["error"] == 22
    one.ask("sandbox.run_until_idle")
    assert one.ask("message.send_status", guid=sent["guid"])["send_state"] == "failed"


def test_sms_is_not_fallen_back_to_where_that_is_forbidden(worlds: Callable[..., Path], child: Any) -> None:
    world = worlds({"people": PEOPLE["people"]})
    one = child(world)
    one.ask("send", to=LANDLINE, text="open?", allow_sms_fallback=False)
    assert [(sent["service"], sent["error"]) for sent in newest(world)] == [("iMessage", 22)]


def test_a_file_and_a_text_are_two_messages_without_the_bridge_and_one_with_it(
    one: Any, world: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "boat.png"
    picture.write_bytes(b"\x89PNG")
    one.ask("send", to=NORA, text="look", file=str(picture), transport="applescript")
    first, second = newest(world, 2)
    assert (first["cache_has_attachments"], second["cache_has_attachments"]) == (0, 1)
    one.ask("send", to=NORA, text="look again", file=str(picture))
    (message,) = one.ask("messages.history", chat_id=DIRECT, limit=1, attachments=True)["messages"]
    (attachment,) = message["attachments"]
    assert (attachment["transfer_name"], attachment["mime_type"]) == ("boat.png", "image/png")
    assert Path(attachment["original_path"]).read_bytes() == b"\x89PNG"
    assert "look again" in message["text"]


def test_a_missing_file_is_refused_and_nothing_is_sent(one: Any, world: Path, tmp_path: Path) -> None:
    error = one.refuse("send", to=NORA, text="look", file=str(tmp_path / "no.png"), transport="applescript")
    assert error["code"] == -32603
    assert error["data"].startswith("AppleScript failed: Attachment not found at ")
    assert one.refuse("send.attachment", chat_id=DIRECT, file=str(tmp_path / "no.png"))["code"] == -32603
    assert rows(world, "SELECT 1 FROM message") == []


def test_a_reply_belongs_to_the_thread_of_what_it_answers(one: Any, world: Path) -> None:
    first = one.ask("sandbox.receive", **{"from": NORA, "text": "which day?"})["guid"]
    second = one.ask("send", to=NORA, text="Sunday", reply_to=first)["guid"]
    third = one.ask("send", chat_id=DIRECT, text="or Monday", reply_to=second)["guid"]
    assert [row(world, guid)["thread_originator_guid"] for guid in (second, third)] == [first, first]
    assert row(world, second)["thread_originator_part"] == "0:0:10"


def test_a_group_is_written_to_by_its_guid(one: Any, world: Path) -> None:
    guid = rows(world, "SELECT guid FROM chat WHERE ROWID = ?", GROUP)[0]["guid"]
    sent = one.ask("send", chat_guid=guid, text="Sunday?")
    stored = row(world, sent["guid"])
    assert (stored["chat_id"], stored["handle_id"]) == (GROUP, 0)
    assert stored["cache_roomnames"] == guid.rpartition(";")[2]


def test_a_message_to_oneself_is_a_pair_of_rows(one: Any, world: Path) -> None:
    one.ask("send", to=OWN, text="note")
    one.ask("sandbox.run_until_idle")
    pair = newest(world, 2)
    assert [stored["is_from_me"] for stored in pair] == [1, 0]
    assert pair[0]["guid"] != pair[1]["guid"]
    assert {text_of(one, stored["guid"], chat_id=4) for stored in pair} == {"note"}


def test_a_chat_is_written_to_from_the_address_it_is_about(worlds: Callable[..., Path], child: Any) -> None:
    own = "robin.marlowe@example.com"
    world = worlds({**PEOPLE, "chats": [{"addresses": [TOM], "account": own}]})
    one = child(world)
    one.ask("send", to=TOM, text="from the other one")
    one.ask("sandbox.receive", **{"from": NORA, "text": "to the other one", "to": own})
    assert [stored["destination_caller_id"] for stored in newest(world, 2)] == [own, own]


def test_one_person_may_be_written_to_by_sms_and_by_imessage(worlds: Callable[..., Path], child: Any) -> None:
    world = worlds([{"name": "Nora", "addresses": [NORA]}], system="sequoia")
    one = child(world)
    one.ask("send", to=NORA, text="blue")
    one.ask("send", to=NORA, text="green", service="sms", transport="applescript")
    assert [chat["guid"] for chat in rows(world, "SELECT guid FROM chat ORDER BY ROWID")] == [
        f"iMessage;-;{NORA}",
        f"SMS;-;{NORA}",
    ]
    assert [stored["service"] for stored in newest(world, 2)] == ["iMessage", "SMS"]


def test_a_thread_of_several_people_is_no_group_on_the_wire(one: Any) -> None:
    chat = one.ask("sandbox.chat", addresses=[NORA, TOM], is_thread=True)
    sent = one.ask("send", chat_id=chat["chat_id"], text="hello both")
    (message,) = one.ask("messages.history", chat_id=chat["chat_id"])["messages"]
    assert (message["guid"], message["is_group"], len(message["participants"])) == (sent["guid"], False, 2)


# ---- the bridge's ways to send -------------------------------------------------------------------------------------


def test_rich_sending_has_effects_subjects_styles_and_links(one: Any, world: Path, dialect: str) -> None:
    effect = "com.apple.messages.effect.CKConfettiEffect"
    styles = [{"start": 0, "length": 5, "styles": ["bold"]}]
    sent = one.ask(
        "send.rich", chat_id=DIRECT, text="happy birthday", effect_id=effect, subject="!", text_formatting=styles
    )
    assert sent.keys() == {"ok", "guid", "message_id"}
    stored = row(world, sent["guid"])
    assert (stored["expressive_send_style_id"], stored["subject"]) == (effect, "!")
    if dialect == "v1":
        link = one.ask("send.rich", chat_id=DIRECT, url="https://example.com/boat")
        assert row(world, link["guid"])["balloon_bundle_id"] == "com.apple.messages.URLBalloonProvider"


def test_a_voice_message_is_marked_as_one(one: Any, world: Path, tmp_path: Path) -> None:
    voice = tmp_path / "voice.caf"
    voice.write_bytes(b"caff")
    sent = one.ask("send.attachment", chat_id=DIRECT, file=str(voice), audio=True)
    assert row(world, sent["guid"])["is_audio_message"] == 1


def test_a_sticker_lies_on_its_message(one: Any, world: Path, tmp_path: Path) -> None:
    sticker = tmp_path / "cat.png"
    sticker.write_bytes(b"\x89PNG")
    target = one.ask("send", to=NORA, text="cat?")["guid"]
    sent = one.ask("send.sticker", chat_id=DIRECT, file=str(sticker), attach_to=target)
    stored = row(world, sent["guid"])
    assert (stored["associated_message_type"], stored["associated_message_guid"]) == (1000, f"p:0/{target}")
    assert sent["transfer_guid"]


def test_parts_are_one_message(world: Path, child: Any) -> None:
    one = child(world)
    bold = [{"start": 0, "length": 3, "styles": ["bold"]}]
    parts = [{"text": "one "}, {"text": "two", "text_formatting": bold}]
    sent = one.ask("send.multipart", chat_id=DIRECT, parts=parts)
    stored = row(world, sent["guid"])
    assert (sent["id"], sent["parts_count"], stored["part_count"]) == (stored["ROWID"], 2, 2)
    assert text_of(one, sent["guid"]) == "one two"
    assert b"__kIMTextBoldAttributeName" in stored["attributedBody"]


def test_a_tracked_message_has_the_id_that_was_asked_for(world: Path, child: Any) -> None:
    one = child(world)
    attempt = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"
    sent = one.ask("send.tracked", chat_id=DIRECT, text="once", attempt_id=attempt)
    assert (sent["attempt_id"], sent["guid"]) == (attempt, attempt.upper())
    again = one.refuse("send.tracked", chat_id=DIRECT, text="once", attempt_id=attempt.upper())
    assert again["data"]["detail"] == "attempt_id already identifies a message; choose a new UUID"
    assert len(rows(world, "SELECT 1 FROM message")) == 1


# ---- acting on messages --------------------------------------------------------------------------------------------


def test_a_tapback_replaces_the_one_before_and_can_be_taken_back(one: Any, world: Path) -> None:
    guid = one.ask("sandbox.receive", **{"from": NORA, "text": "boat is ready"})["guid"]
    assert one.ask("tapback", chat_id=DIRECT, message_id=guid, reaction="heart") == {"ok": True, "reaction": "love"}
    assert one.ask("tapback", chat_id=DIRECT, message_id=guid, reaction="haha")["reaction"] == "laugh"
    kinds = "SELECT associated_message_type AS kind FROM message WHERE associated_message_guid = ?"
    assert rows(world, kinds, f"p:0/{guid}") == [{"kind": 2003}]
    (message,) = one.ask("messages.history", chat_id=DIRECT)["messages"]
    assert [(each["type"], each["is_from_me"]) for each in message["reactions"]] == [("laugh", True)]
    one.ask("tapback", chat_id=DIRECT, message_id=guid, reaction="laugh", remove=True)
    assert rows(world, kinds, f"p:0/{guid}") == [{"kind": 3003}]
    assert one.ask("messages.history", chat_id=DIRECT)["messages"][0]["reactions"] == []


def test_a_message_can_be_edited_five_times_in_a_quarter_of_an_hour(one: Any, dialect: str) -> None:
    guid = one.ask("send", to=NORA, text="zero")["guid"]
    for number in range(5):
        assert one.ask("message.edit", chat_id=DIRECT, message_id=guid, text=f"edit {number}") == {"ok": True}
    assert text_of(one, guid) == "edit 4"
    refused = one.refuse("message.edit", chat_id=DIRECT, message_id=guid, text="six")
    assert refused == refusal(dialect, "edit-message", "Message was edited too often")
    late = one.ask("send", to=NORA, text="late")["guid"]
    one.ask("sandbox.advance", seconds=901)
    refused = one.refuse("message.edit", chat_id=DIRECT, message_id=late, text="later")
    assert refused == refusal(dialect, "edit-message", "Message is too old to be edited")


def test_a_message_can_be_taken_back_for_two_minutes(one: Any, world: Path, dialect: str) -> None:
    guid = one.ask("send", to=NORA, text="oops")["guid"]
    assert one.ask("message.unsend", chat_id=DIRECT, message_id=guid) == {"ok": True}
    stored = row(world, guid)
    assert (stored["text"], stored["attributedBody"], stored["is_empty"]) == (None, None, 1)
    late = one.ask("send", to=NORA, text="too late")["guid"]
    one.ask("sandbox.advance", seconds=121)
    refused = one.refuse("message.unsend", chat_id=DIRECT, message_id=late)
    assert refused == refusal(dialect, "unsend-message", "Message is too old to be unsent")


def test_only_own_messages_can_be_changed(one: Any, dialect: str) -> None:
    guid = one.ask("sandbox.receive", **{"from": NORA, "text": "mine"})["guid"]
    refused = one.refuse("message.edit", chat_id=DIRECT, message_id=guid, text="yours")
    assert refused == refusal(dialect, "edit-message", "Message was not sent by this account")
    refused = one.refuse("message.unsend", chat_id=GROUP, message_id=guid)
    assert refused == refusal(dialect, "unsend-message", "Message not found")


def test_a_deleted_message_is_in_no_chat(one: Any, world: Path) -> None:
    guid = one.ask("sandbox.receive", **{"from": NORA, "text": "spam"})["guid"]
    assert one.ask("message.delete", chat_id=DIRECT, message_id=guid) == {"ok": True}
    assert row(world, guid)["chat_id"] is None
    assert one.ask("messages.history", chat_id=DIRECT)["messages"] == []


def test_somebody_can_be_notified_all_the_same(one: Any, world: Path) -> None:
    guid = one.ask("send", to=NORA, text="urgent")["guid"]
    assert one.ask("message.notifyAnyways", chat_id=DIRECT, message_id=guid) == {"ok": True}
    assert row(world, guid)["did_notify_recipient"] == 1


def test_typing_and_reading_work_towards_anybody(one: Any) -> None:
    for method in ("typing", "read"):
        assert one.ask(method, to=NORA) == {"ok": True}
        assert one.ask(method, chat_id=GROUP) == {"ok": True}
        assert one.ask(method, to="+15555550123") == {"ok": True}


# ---- chats ---------------------------------------------------------------------------------------------------------


def test_a_group_is_made_with_a_name_and_a_first_message(one: Any, world: Path) -> None:
    made = one.ask("chats.create", addresses=[TOM, "+15555550123"], name="Sunday", text="who comes?")
    (chat,) = rows(world, "SELECT * FROM chat WHERE guid = ?", made["chat_guid"])
    assert (chat["display_name"], chat["style"], made["service"]) == ("Sunday", 43, "iMessage")
    assert text_of(one, made["message_guid"], chat["ROWID"]) == "who comes?"
    assert "message_guid" not in one.ask("chats.create", addresses=[NORA])


def test_groups_are_renamed_joined_left_and_given_pictures(one: Any, world: Path, tmp_path: Path) -> None:
    icon = tmp_path / "icon.png"
    icon.write_bytes(b"\x89PNG")
    assert one.ask("group.rename", chat_id=GROUP, name="Crew") == {"ok": True}
    assert one.ask("group.setIcon", chat_id=GROUP, file=str(icon)) == {"ok": True}
    assert one.ask("group.addParticipant", chat_id=GROUP, address="+15555550123") == {"ok": True}
    assert one.ask("group.removeParticipant", chat_id=GROUP, address=TOM) == {"ok": True}
    assert one.ask("group.leave", chat_id=GROUP) == {"ok": True}
    events = [(event["item_type"], event["group_action_type"]) for event in newest(world, 5)]
    assert events == [(2, 0), (3, 1), (1, 0), (1, 1), (3, 0)]
    members = "SELECT h.id FROM chat_handle_join j JOIN handle h ON h.ROWID = j.handle_id WHERE chat_id = ? ORDER BY 1"
    assert [member["id"] for member in rows(world, members, GROUP)] == ["+15555550123", NORA]


def test_who_is_not_in_a_group_cannot_be_removed(one: Any, dialect: str) -> None:
    refused = one.refuse("group.removeParticipant", chat_id=GROUP, address="+15555550123")
    assert refused == refusal(dialect, "remove-participant", "Participant not found")
    refused = one.refuse("group.rename", chat_id=DIRECT, name="x")
    assert refused == refusal(dialect, "set-display-name", "Chat is not a group")


def test_a_chat_can_be_marked_unread_and_deleted(one: Any, world: Path) -> None:
    one.ask("sandbox.receive", **{"from": NORA, "text": "hello"})
    one.ask("read", to=NORA)
    assert newest(world)[0]["is_read"] == 1
    assert one.ask("chats.markUnread", chat_id=DIRECT) == {"ok": True}
    assert newest(world)[0]["is_read"] == 0
    assert one.ask("chats.delete", chat_id=DIRECT) == {"ok": True}
    assert one.ask("messages.history", chat_id=DIRECT)["messages"] == []


# ---- polls, people, events -----------------------------------------------------------------------------------------


def test_a_poll_is_asked_voted_in_and_unvoted(one: Any, dialect: str) -> None:
    asked = one.ask("poll.send", chat_id=GROUP, question="When?", options=["Saturday", " Sunday "])
    assert asked["event"] == "imessage.poll.created"
    (message,) = one.ask("messages.history", chat_id=GROUP)["messages"]
    assert message["poll"]["question"] == "When?"
    options = {option["text"]: option["id"] for option in message["poll"]["options"]}
    assert list(options) == ["Saturday", "Sunday"]
    target = {"chat_id": GROUP, "poll_guid": asked["guid"], "option_id": options["Sunday"]}
    voted = one.ask("poll.vote", **target)
    assert (voted["event"], voted["option_id"]) == ("imessage.poll.voted", options["Sunday"])
    taken = one.ask("polls.unvote", **target)
    assert (taken["event"], taken["remaining_option_ids"]) == ("imessage.poll.unvoted", [])
    if dialect == "v1":
        refused = one.refuse("poll.unvote", **target)
        assert refused["data"] == f"option_id {options['Sunday']} is not currently selected"


def test_it_is_known_who_is_on_imessage(one: Any) -> None:
    found = one.ask("handles.check", address=NORA)
    assert (found["available"], found["id_status"], found["alias_type"]) == (True, 1, "phone")
    assert one.ask("handles.check", address=LANDLINE)["available"] is False
    assert one.ask("handles.check", address=TOM)["alias_type"] == "email"


def test_a_card_can_be_shared(one: Any) -> None:
    assert one.ask("contacts.shouldShareContact", chat_id=DIRECT)["ok"] is True
    assert one.ask("contacts.shareContactCard", chat_id=DIRECT)["ok"] is True


# ---- what there is not ---------------------------------------------------------------------------------------------

_ON_THE_BRIDGE = {
    "send.rich": {"text": "x"},
    "tapback": {"message_id": "G", "reaction": "love"},
    "message.edit": {"message_id": "G", "text": "x"},
    "message.unsend": {"message_id": "G"},
    "group.rename": {"name": "x"},
    "chats.markUnread": {},
    "poll.send": {"question": "?", "options": ["a", "b"]},
}


def test_without_a_bridge_only_plain_sending_works(one: Any, dialect: str) -> None:
    one.ask("sandbox.switch", bridge=False)
    for method, params in _ON_THE_BRIDGE.items():
        error = one.refuse(method, chat_id=GROUP, **params)
        if dialect == "v1":
            lock = "The bridge ready lock is absent. Run imsg launch explicitly before retrying."
            assert (error["code"], error["data"]["detail"], error["data"]["retry_safe"]) == (-32603, lock, True)
            report = one.ask("status")
            assert (report["bridge"]["ready"], method in report["methods"]) == (False, False)
            assert method in report["supported_methods"]
            assert "send" in report["methods"]
        else:
            assert error["data"].startswith("imsg bridge not ready: ")
    assert one.ask("send", to=NORA, text="plain")["transport"] == "applescript"
    one.ask("sandbox.switch", bridge=True)
    assert one.ask("send", to=NORA, text="rich again")["transport"] == "bridge"


def test_a_reply_needs_the_bridge(world: Path, child: Any) -> None:
    one = child(world)
    guid = one.ask("send", to=NORA, text="first")["guid"]
    one.ask("sandbox.switch", bridge=False)
    error = one.refuse("send", to=NORA, text="second", reply_to=guid)
    assert error["data"] == "reply_to requires bridge transport; AppleScript fallback cannot send threaded replies"
    assert one.refuse("bridge.events.subscribe")["message"] == "Bridge events unavailable"
    assert one.refuse("handles.check", address=NORA)["code"] == -32003
    assert one.refuse("typing", to=NORA)["data"].startswith("Typing indicator failed: ")
    assert one.refuse("read", to=NORA)["data"]["retry_safe"] is True


def test_without_automation_nothing_is_sent(one: Any, world: Path) -> None:
    one.ask("sandbox.switch", bridge=False, automation=False)
    error = one.refuse("send", to=NORA, text="hello")
    assert error["data"] == "AppleScript failed: Not authorized to send Apple events to Messages. (-1743)"
    assert rows(world, "SELECT 1 FROM message") == []


def test_without_messages_it_answers_as_the_plain_server_does(one: Any, dialect: str) -> None:
    one.ask("sandbox.switch", messages=False)
    error = one.refuse("send", to=NORA, text="hello")
    assert error["data"] == (
        "AppleScript failed: Sending requires Messages.app automation and is only supported on macOS."
    )
    if dialect == "v1":
        assert "send" not in one.ask("status")["supported_methods"]


def test_methods_can_be_missing(one: Any) -> None:
    one.ask("sandbox.switch", without=["tapback"])
    error = one.refuse("tapback", chat_id=DIRECT, message_id="G", reaction="love")
    assert error == {"code": -32601, "message": "Method not found", "data": "tapback"}
    one.ask("sandbox.switch", without=[], methods=["chats.list"])
    assert one.refuse("send", to=NORA, text="x")["code"] == -32601
    assert one.ask("chats.list") == {"chats": []}


def test_an_old_program_has_less_and_says_less(world: Path, child: Any) -> None:
    old = child(world, "--dialect", "legacy", "--as", "0.9.0")
    for method, params in {
        "poll.send": {"chat_id": GROUP, "question": "?", "options": ["a", "b"]},
        "handles.check": {"address": NORA},
        "message.send_status": {"guid": "G"},
        "messages.stats": {},
        "send.sticker": {"chat_id": DIRECT, "file": "x"},
    }.items():
        assert old.refuse(method, **params)["code"] == -32601
    guid = old.ask("send", to=NORA, text="first")
    assert guid.keys() == {"ok", "transport", "guid"}
    old.ask("send", to=NORA, text="unthreaded", reply_to=guid["guid"])
    assert newest(world)[0]["thread_originator_guid"] is None
    assert old.ask("chats.create", addresses=[NORA, TOM], text="hello").keys() == {"ok", "chat_guid"}
    oldest = child(world, "--dialect", "legacy", "--as", "0.5.0")
    assert oldest.ask("send", to=NORA, text="hi") == {"ok": True}
    assert oldest.refuse("typing", to=NORA)["code"] == -32601


def test_a_switch_that_is_none_is_refused(one: Any) -> None:
    assert one.refuse("sandbox.switch", bridges=True)["code"] == -32602
    assert one.refuse("sandbox.switch", bridge="yes")["code"] == -32602
    assert one.refuse("sandbox.shake")["code"] == -32601
    assert one.refuse("sandbox.now", then=1)["data"] == "unknown sandbox.now param: then"
    assert one.refuse("sandbox.clear_faults", number=1)["data"] == "unknown sandbox.clear_faults param: number"
    assert one.refuse("sandbox.switch", body_only=7)["data"].endswith("at `$.body_only`")
    assert one.refuse("sandbox.receive", text="from nobody")["code"] == -32602


def test_a_picture_stays_where_its_words_are_edited(one: Any, world: Path, tmp_path: Path) -> None:
    picture = tmp_path / "boat.png"
    picture.write_bytes(b"\x89PNG")
    guid = one.ask("send", to=NORA, text="teh boat", file=str(picture))["guid"]
    assert one.ask("message.edit", chat_id=DIRECT, message_id=guid, text="the boat") == {"ok": True}
    (message,) = one.ask("messages.history", chat_id=DIRECT, attachments=True)["messages"]
    assert message["text"].endswith("the boat")
    assert len(message["attachments"]) == 1
    assert row(world, guid)["text"] == "\ufffcthe boat"


def test_a_file_is_looked_for_before_the_bridge(one: Any, tmp_path: Path, dialect: str) -> None:
    one.ask("sandbox.switch", bridge=False)
    (tmp_path / "there.png").write_bytes(b"\x89PNG")
    error = one.refuse("send.attachment", chat_id=DIRECT, file=str(tmp_path / "not.png"))
    assert error["data"].startswith("AppleScript failed: Attachment not found at ")
    error = one.refuse("send.attachment", chat_id=DIRECT, file=str(tmp_path / "there.png"))
    assert "ridge" in (error["data"] if dialect == "legacy" else error["data"]["detail"])
