"""Methods that change something, on a machine without Messages: every refusal, word for word."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import BRIDGE_DETAIL, MISSING_DETAIL, OPAQUE_SQL, RpcError
from imsg_sdk.server.methods.mutations import Mutations
from imsg_sdk.server.requests.envelope import Request
from imsg_sdk.server.senders import NoMessages, Operation
from imsg_sdk.server.source import DatabaseFile

APPLESCRIPT = "AppleScript failed: Sending requires Messages.app automation and is only supported on macOS."
LAUNCH = "Failed to launch Messages.app: Messages.app is only available on macOS."
TYPING = "Typing indicator failed: Typing indicators require Messages.app/IMCore and are only supported on macOS."
NO_LOCK = "The bridge ready lock is absent. Run imsg launch explicitly before retrying."
ONE_SELECTOR = "exactly one of chat_id, chat_identifier, or chat_guid is required"
NEED_SELECTOR = "chat_guid, chat_identifier, or chat_id is required"
UUID = "6F9619FF-8B86-D011-B42D-00C04FC964FF"

Ask = Callable[..., RpcError]


@pytest.fixture
def ask(db: Any) -> Iterator[Ask]:
    """Return a function that makes a request on a small database and returns its refusal."""
    db.chat("chat2", people=["a@x.org"], service_name="SMS", guid="SMS;+;chat2")
    db.message("hello")
    sources: list[DatabaseFile] = []

    def request(method: str, params: dict[str, Any], dialect: Dialect = Dialect.V1, path: str = db.path) -> RpcError:
        source = DatabaseFile(path, dialect=dialect)
        sources.append(source)
        mutations = Mutations(source, dialect=dialect, senders=NoMessages(dialect))
        with pytest.raises(RpcError) as caught:
            mutations.call(Request(1, method, params))
        return caught.value

    yield request
    for source in sources:
        source.close()


TEXTS = [
    ("send", {"chat_id": 1, "bogus": 1}, "unknown send param: bogus"),
    ("send", {"to": "+1555", "text": 5, "attempt_id": "x"}, "text must be a string"),
    ("send", {"to": "+1555", "text": "a", "attempt_id": UUID}, "attempt_id is only supported by send.tracked"),
    ("send", {"to": "+1555", "text": "a", "formatting": [1]}, "formatting must be an array of objects"),
    ("send", {"to": "+1555", "text": "a", "service": "iMessage"}, "invalid service"),
    ("send", {"to": "+1555", "text": "a", "transport": "pigeon"}, "invalid transport"),
    ("send", {"to": "+1555", "text": "a", "replyTo": 5}, "replyTo must be a string"),
    ("send", {"to": "+1555", "chat_id": None, "text": "a"}, "use to or exactly one chat selector; not both"),
    ("send", {"to": "", "text": "a"}, "to must be a non-empty string"),
    ("send", {"text": "a"}, ONE_SELECTOR),
    ("send", {"chat_id": 1, "chat_guid": "x", "text": "a"}, ONE_SELECTOR),
    ("send", {"chat_id": 0, "text": "a"}, "chat_id must be a positive integer"),
    ("send", {"chat_guid": "", "text": "a"}, "chat_guid must be a non-empty string"),
    (
        "send",
        {"to": "Ada", "text": ""},
        "Invalid chat target: Contacts access is unavailable; specify a phone number or email instead.",
    ),
    ("send", {"to": "+1555", "text": ""}, "text or file is required"),
    ("send", {"chat_id": 99, "text": "a"}, "unknown chat_id 99"),
    (
        "send",
        {"to": "+1555", "text": "a", "transport": "Bridge"},
        "bridge transport requires an existing chat target",
    ),
    (
        "send",
        {"chat_id": 1, "text": "a", "reply_to": "G"},
        "reply_to requires bridge transport; AppleScript fallback cannot send threaded replies",
    ),
    ("send.tracked", {"to": "+1555", "text": "a"}, "attempt_id must be a UUID"),
    (
        "send.tracked",
        {"to": "+1555", "text": "a", "file": "f", "attempt_id": UUID},
        "send.tracked supports exactly one text message",
    ),
    (
        "send.tracked",
        {"to": "+1555", "text": "a", "transport": "applescript", "attempt_id": UUID},
        "send.tracked requires bridge transport",
    ),
    (
        "send.tracked",
        {"chat_id": 1, "text": "a", "attempt_id": UUID},
        "bridge transport requires an existing chat target",
    ),
    ("send.rich", {"text": "a"}, ONE_SELECTOR),
    ("send.rich", {"chat_id": 1, "path": ""}, "file must be a non-empty string"),
    ("send.rich", {"chat_id": 1, "url": "u", "effect": "e"}, "effect is not supported with url"),
    ("send.rich", {"chat_guid": "iMessage;-;no", "url": "u"}, "rich links require an existing chat"),
    ("send.rich", {"chat_id": 2, "url": "u"}, "rich links require an iMessage chat"),
    ("send.attachment", {"chat_id": 1}, "file is required"),
    ("send.attachment", {"chat_id": 1, "file": "f", "part_index": -1}, "part_index must be a non-negative integer"),
    ("send.attachment", {"chat_id": 1, "file": "f", "part_index": 0}, "part_index requires reply_to"),
    ("send.multipart", {"chat_id": 1}, "parts is required"),
    ("send.multipart", {"chat_id": 1, "parts": []}, "parts must contain between 1 and 20 text parts"),
    ("send.multipart", {"chat_id": 1, "parts": [{"file": "f"}]}, "file parts are not supported"),
    ("send.multipart", {"chat_id": 1, "parts": [{"text": "a"}, {"x": 1}]}, "unknown send.multipart parts[1] param: x"),
    ("send.multipart", {"chat_id": 1, "parts": [{"text": ""}]}, "parts[0].text must be a non-empty string"),
    ("send.sticker", {"file": "f"}, ONE_SELECTOR),
    ("send.sticker", {"chat_id": 1}, "file is required"),
    (
        "send.sticker",
        {"chat_id": 1, "file": "f", "part_index": -2},
        "target part must be non-negative (received -2)",
    ),
    (
        "send.sticker",
        {"chat_id": 1, "file": "f", "part_index": 0},
        "target part requires --attach-to / attach_to",
    ),
    ("send.sticker", {"chat_id": 1, "file": "f", "attach_to": "p:x/G"}, "malformed sticker target: p:x/G"),
    ("send.sticker", {"chat_id": 2, "file": "f"}, "stickers require an iMessage chat"),
    (
        "send.sticker",
        {"chat_id": 1, "file": "f", "attach_to": "p:0/none"},
        "sticker target does not belong to the selected chat",
    ),
    ("tapback", {"chat_id": 1}, "message_id or message_guid is required"),
    ("tapback", {"chat_id": 1, "message": "G", "kind": " "}, "reaction, kind, or emoji is required"),
    ("tapback", {"message": "G", "kind": "wow"}, ONE_SELECTOR),
    (
        "tapback",
        {"chat_id": 1, "message": "G", "emoji": "🎉"},
        "unsupported tapback reaction 🎉; use love, like, dislike, laugh, emphasize, or question",
    ),
    ("message.edit", {"chat_id": 1, "message_id": "G"}, "text is required"),
    ("message.unsend", {"chat_id": 1}, "message_id or message_guid is required"),
    ("message.delete", {"chat_id": 1, "message_id": "G", "part_index": 0}, "unknown message.delete param: part_index"),
    ("chats.create", {}, "addresses is required (non-empty array of phone/email)"),
    ("chats.create", {"addresses": ["a"], "service": "SMS"}, "service must be iMessage"),
    ("chats.create", {"addresses": ["a"], "chat_id": 1}, "unknown chats.create param: chat_id"),
    ("chats.delete", {"chat_id": 99}, "unknown chat_id 99"),
    ("group.rename", {"chat_id": 1}, "name is required"),
    ("group.addParticipant", {"chat_id": 1}, "address is required"),
    ("typing", {}, ONE_SELECTOR),
    ("typing", {"to": "+1555", "service": "rcs"}, "rcs"),
    ("read", {"to": "+1555", "chat_id": 1}, "use to or exactly one chat selector; not both"),
    ("handles.check", {}, "address is required"),
    ("handles.check", {"address": "a", "alias_type": "fax"}, "alias_type must be phone or email"),
    ("handles.check", {"address": "a", "service": "SMS"}, "handles.check only supports service iMessage"),
    ("poll.send", {"chat_id": 1}, "question is required"),
    ("messages.poll.send", {"x": 1}, "unknown poll.send param: x"),
    ("poll.send", {"chat_id": 1, "question": "Q"}, "options is required"),
    ("poll.send", {"chat_id": 1, "question": "Q", "options": ["a", " "]}, "at least two poll options are required"),
    (
        "poll.send",
        {"chat_id": 1, "question": "Q", "options": ["a", "b"], "comment": "c", "suppress_comment": True},
        "comment cannot be combined with suppress_comment: true",
    ),
    ("poll.vote", {"chat_id": 1}, "poll_guid is required"),
    ("poll.vote", {"chat_id": 1, "poll_guid": "G"}, "one of option_id, option_index, or option is required"),
    (
        "poll.vote",
        {"chat_id": 1, "poll_guid": "G", "option": "a", "option_index": 1},
        "choose exactly one of option_id, option_index, or option",
    ),
    ("polls.unvote", {"chat_id": 1, "poll_guid": "G", "option_id": "1"}, "poll G not found or not decodable"),
]


@pytest.mark.parametrize(("method", "params", "text"), TEXTS)
def test_strict_dialect_refuses_params_in_its_words(ask: Ask, method: str, params: dict[str, Any], text: str) -> None:
    error = ask(method, params)
    assert (error.code, error.data) == (-32602, text)


LEGACY_TEXTS = [
    ("send", {"to": "+1555", "text": "a", "service": "rcs"}, "invalid service"),
    ("send", {"to": "+1555", "chat_id": 1, "text": "a"}, "use to or chat_*; not both"),
    ("send", {"chat_id": "abc", "text": "a"}, "to is required for direct sends"),
    ("send", {"chat_guid": "", "text": "a"}, "to is required for direct sends"),
    ("send", {"to": "+1555"}, "text or file is required"),
    ("send", {"chat_id": 0, "text": "a"}, "unknown chat_id 0"),
    ("send", {"to": "+1555", "text": "a", "transport": "bridge"}, "bridge transport requires an existing chat target"),
    ("tapback", {}, NEED_SELECTOR),
    ("tapback", {"chat_id": 1, "message_id": "G"}, "reaction, kind, or emoji is required"),
    ("group.rename", {}, NEED_SELECTOR),
    ("typing", {}, "to is required"),
    ("typing", {"to": "+1555", "service": "rcs"}, "rcs"),
    ("read", {"to": "+1555", "chat_id": 1}, "use to or chat_*; not both"),
    ("poll.vote", {"chat_id": 1, "poll_guid": "G", "option_index": 1}, "option_id is required"),
    ("send.sticker", {"chat_id": 1}, "file is required"),
]


@pytest.mark.parametrize(("method", "params", "text"), LEGACY_TEXTS)
def test_older_dialect_refuses_params_in_its_words(ask: Ask, method: str, params: dict[str, Any], text: str) -> None:
    error = ask(method, params, Dialect.LEGACY)
    assert (error.code, error.data) == (-32602, text)


BRIDGED = [
    ("send.rich", {"chat_id": 1}, "send-message"),
    ("send.multipart", {"chat_id": 1, "parts": [{"text": "a"}]}, "send-multipart"),
    ("tapback", {"chat_id": 1, "message_id": "G", "reaction": "REMOVE-heart"}, "send-reaction"),
    ("message.edit", {"chat_guid": "any", "message_id": "G", "text": ""}, "edit-message"),
    ("message.unsend", {"chat_id": 1, "message_id": "G"}, "unsend-message"),
    ("message.delete", {"chat_id": 1, "message_id": "G"}, "delete-message"),
    ("message.notifyAnyways", {"chat_id": 1, "message_id": "G"}, "notify-anyways"),
    ("chats.create", {"addresses": ["a"], "service": "IMESSAGE"}, "create-chat"),
    ("chats.delete", {"chat_identifier": "x"}, "delete-chat"),
    ("chats.markUnread", {"chat_id": 1}, "mark-chat-unread"),
    ("group.rename", {"chat_id": 2, "name": ""}, "set-display-name"),
    ("group.setIcon", {"chat_id": 2}, "update-group-photo"),
    ("group.addParticipant", {"chat_id": 2, "address": "a"}, "add-participant"),
    ("group.removeParticipant", {"chat_id": 2, "address": "a"}, "remove-participant"),
    ("group.leave", {"chat_id": 2}, "leave-chat"),
    ("poll.send", {"chat_id": 1, "question": "Q", "options": ["a", "b"]}, "send-poll"),
    ("contacts.shareContactCard", {"chat_id": 1}, "share-nickname"),
    ("send", {"chat_id": 1, "text": "a", "transport": "bridge", "reply_to": "G"}, "send-message"),
    ("send", {"to": "+15550001", "text": "a", "transport": "bridge"}, "send-message"),
]


@pytest.mark.parametrize(("method", "params", "verb"), BRIDGED)
def test_valid_bridge_request_provably_never_started(ask: Ask, method: str, params: dict[str, Any], verb: str) -> None:
    error = ask(method, params)
    assert (error.code, error.message) == (-32603, "Delivery failed before dispatch")
    assert error.data == {
        "retry_safe": True,
        "disposition": "not_started",
        "transport": "bridge_v2",
        "operation": verb,
        "detail": NO_LOCK,
    }
    if method == "send.multipart":
        return
    older = ask(method, params, Dialect.LEGACY)
    assert (older.code, older.data) == (-32603, LAUNCH)


@pytest.mark.parametrize(
    ("method", "params", "operation", "detail"),
    [
        (
            "read",
            {"to": "+1555"},
            "read",
            f"The bridge request could not be published: {LAUNCH}",
        ),
        (
            "send",
            {"chat_id": 1, "text": "a", "file": "f", "transport": "bridge"},
            "send-attachment",
            "Bridge capability inspection failed before the send was published.",
        ),
        (
            "send",
            {"chat_id": 1, "file": "/nowhere/f", "transport": "bridge"},
            "send-attachment",
            "The attachment could not be staged before bridge dispatch.",
        ),
        (
            "send.rich",
            {"chat_id": 1, "file": "f"},
            "send-attachment",
            "Bridge capability inspection failed before the send was published.",
        ),
        (
            "send.tracked",
            {"chat_id": 1, "text": "a", "transport": "bridge", "attempt_id": UUID},
            "send-message",
            "Bridge capability inspection failed before the tracked send was published.",
        ),
    ],
)
def test_other_reasons_why_nothing_was_sent(
    ask: Ask, method: str, params: dict[str, Any], operation: str, detail: str
) -> None:
    data = ask(method, params).data
    assert isinstance(data, dict)
    assert (data["operation"], data["detail"]) == (operation, detail)


def test_reused_attempt_is_refused_in_any_case(ask: Ask, db: Any) -> None:
    db.message("sent", guid=UUID)
    params = {"chat_id": 1, "text": "a", "transport": "bridge", "attempt_id": UUID.lower()}
    data = ask("send.tracked", params).data
    assert isinstance(data, dict)
    assert data["detail"] == "attempt_id already identifies a message; choose a new UUID"


@pytest.mark.parametrize(
    ("method", "params", "text"),
    [
        ("send", {"to": "+1555", "text": "a"}, APPLESCRIPT),
        ("send", {"to": " ", "text": " "}, APPLESCRIPT),
        ("send", {"chat_identifier": "nobody", "file": "/nowhere"}, APPLESCRIPT),
        ("typing", {"chat_id": 1, "service": "rcs"}, TYPING),
        ("send.sticker", {"chat_id": 1, "file": "f", "attach_to": "p:0/G1"}, "sticker preparation requires macOS"),
    ],
)
def test_what_needs_a_mac_says_so_in_both_dialects(ask: Ask, method: str, params: dict[str, Any], text: str) -> None:
    for dialect in Dialect:
        error = ask(method, params, dialect)
        assert (error.code, error.message, error.data) == (-32603, "Internal error", text)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("handles.check", {"address": "a@x.org", "alias_type": "EMAIL"}),
        ("contacts.shouldShareContact", {"chat_id": 1}),
        ("send.rich", {"chat_id": 1, "url": "https://x.org"}),
    ],
)
def test_reading_bridge_call_says_that_the_bridge_is_down(ask: Ask, method: str, params: dict[str, Any]) -> None:
    error = ask(method, params)
    assert (error.code, error.data) == (-32003, {"detail": BRIDGE_DETAIL, "retryable": True})


def test_missing_attachment_is_named_with_the_path_that_was_looked_at(ask: Ask, tmp_path: Path) -> None:
    for path, seen in (
        ("/nowhere/f", "/nowhere/f"),
        ("/tmp/f", "/private/tmp/f"),
        ("/tmpx", "/tmpx"),
        ("a" * 5000,) * 2,
    ):
        error = ask("send.attachment", {"chat_id": 1, "file": path})
        assert error.data == f"AppleScript failed: Attachment not found at {seen}"


def test_attachment_that_exists_is_not_copied_anywhere(ask: Ask, db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(db.path).parent / "home"
    home.mkdir()
    (home / "f.txt").write_text("hi", encoding="utf-8")
    monkeypatch.setenv("CFFIXED_USER_HOME", str(home))
    monkeypatch.setattr("imsg_sdk.server.senders._LINKED", ())
    data = ask("send.attachment", {"chat_id": 1, "file": "~/f.txt"}).data
    assert isinstance(data, dict)
    assert data["operation"] == "send-attachment"
    assert [file.name for file in home.iterdir()] == ["f.txt"]


def test_without_a_database_only_a_chat_id_is_unavailable(ask: Ask, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.db")
    assert ask("send", {"to": "+1555", "text": "a"}, path=missing).data == APPLESCRIPT
    assert ask("typing", {"chat_guid": "x"}, path=missing).data == TYPING
    error = ask("send", {"chat_id": 1, "text": "a"}, path=missing)
    assert (error.code, error.data) == (-32002, {"path": missing, "detail": MISSING_DETAIL, "retryable": True})


def test_database_without_tables_fails_the_lookup(ask: Ask, tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    for dialect in Dialect:
        assert ask("send", {"to": "+1555", "text": "a"}, dialect, str(empty)).data == OPAQUE_SQL


def test_chat_without_identifier_and_guid_cannot_be_addressed(ask: Ask, db: Any) -> None:
    chat = db.chat("", people=[], guid="")
    assert ask("send", {"chat_id": chat, "text": "a"}).data == "missing chat identifier or guid"
    assert ask("group.leave", {"chat_id": chat}).data == "could not resolve chat GUID for chat target"


class Recorder:
    """A sender that keeps what it is asked for."""

    bridge: dict[str, Any] = {"ready": True}  # noqa: RUF012
    supported: tuple[str, ...] = ()
    has_bridge = False
    methods = ("send",)

    def __init__(self) -> None:
        self.done: list[Operation] = []

    def follow_events(self, number: int, buffer_limit: int) -> None:
        raise AssertionError("there is no bridge")

    def perform(self, operation: Operation) -> dict[str, Any]:
        """Take it."""
        self.done.append(operation)
        return {"ok": True}


@pytest.fixture
def poll(db: Any) -> str:
    """Return the guid of a poll with the options one and two, of which the owner chose two."""
    options = [{"optionIdentifier": f"O{number}", "text": text} for number, text in ((1, "One"), (2, "Two"))]
    balloon = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.messages.Polls"
    payload = json.dumps({"item": {"title": "Q", "orderedPollOptions": options}}).encode()
    db.message(None, guid="POLL", balloon_bundle_id=balloon, payload_data=payload)
    vote = json.dumps({"item": {"votes": [{"voteOptionIdentifier": "O2"}]}}).encode()
    db.message(
        None,
        is_from_me=1,
        associated_message_guid="POLL",
        associated_message_type=4000,
        balloon_bundle_id=balloon,
        payload_data=vote,
    )
    return "POLL"


@pytest.mark.parametrize(
    ("method", "choice", "text"),
    [
        ("poll.vote", {"option_id": "X"}, "option_id X is not an option of poll POLL"),
        ("poll.vote", {"option_index": 3}, "option_index 3 out of range (1...2)"),
        ("poll.vote", {"option": "Three"}, 'option "Three" (available: One, Two)'),
        ("poll.unvote", {"option_index": 1}, "option_id O1 is not currently selected"),
    ],
)
def test_vote_is_checked_against_the_poll(ask: Ask, poll: str, method: str, choice: dict[str, Any], text: str) -> None:
    assert ask(method, {"chat_id": 1, "poll_guid": poll, **choice}).data == text


def test_sender_gets_values_by_their_documented_names(db: Any, poll: str) -> None:
    sender = Recorder()
    source = DatabaseFile(db.path, dialect=Dialect.V1)
    mutations = Mutations(source, dialect=Dialect.V1, senders=sender)
    assert mutations.call(Request(1, "tapback", {"chat_id": 1, "message": "G", "emoji": "👍", "remove": True})) == {
        "ok": True
    }
    mutations.call(Request(1, "messages.poll.vote", {"chat_id": 1, "pollGuid": poll, "option": "one"}))
    mutations.call(Request(1, "send", {"to": "+15550001", "text": "hi"}))
    source.close()
    tapback, vote, sent = sender.done
    assert (tapback.verb, tapback.values["reaction"], tapback.target.chat_guid) == (
        "send-reaction",
        "remove-like",
        "iMessage;-;+15550001",
    )
    assert (vote.method, vote.values["option_id"], vote.values["option_text"]) == ("poll.vote", "O1", "One")
    assert (sent.target.to, sent.target.is_known_chat, sent.values["transport"]) == ("+15550001", True, "auto")
