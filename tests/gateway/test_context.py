"""What a handler gets: every field, under the names of the reference."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from imsg_sdk.config import GatewayConfig, GroupConfig, GroupPolicy, SessionScope
from imsg_sdk.gateway import Context, HistoryEntry, Policy, decide, gather_facts
from imsg_sdk.gateway.attachments import DEFAULT_ROOTS, is_inside
from imsg_sdk.gateway.context import build_context, envelope
from imsg_sdk.gateway.conversation import lane_of
from imsg_sdk.gateway.inbound import MalformedMessage, read_message
from imsg_sdk.models import Attachment, Message
from imsg_sdk.wire import WireAttachment, WireMessage

Maker = Callable[..., Policy]
ANN = "+15550004444"
OPEN: dict[str, Any] = {"allowFrom": ["*"], "groupPolicy": "open", "groupAllowFrom": []}
PNG = {"original_path": "/a/1.png", "mime_type": "image/png", "missing": True}
MOV = {"original_path": "/a/2.mov", "mime_type": "video/quicktime", "missing": False}


def context_of(message: dict[str, Any] | Message, policy: Policy, **more: Any) -> Context:
    record = read_message(message)
    facts = gather_facts(record, policy)
    return build_context(record, decide(record, policy, facts), facts, policy, **more)


def dm(**more: Any) -> dict[str, Any]:
    return {"id": 5, "chat_id": 7, "sender": ANN, "text": "hey", "is_group": False, **more}


def group(**more: Any) -> dict[str, Any]:
    return dm(**{"chat_id": 42, "is_group": True, "chat_name": "Lobster Squad", **more})


def test_a_direct_message_has_these_fields(make_policy: Maker) -> None:
    context = context_of(dm(created_at="2026-01-05T10:11:12.345Z", sender=" +1 555 000 4444 "), make_policy(**OPEN))
    assert context.to_dict() == {
        "Body": "[iMessage +15550004444 id:+1 555 000 4444 2026-01-05T10:11Z] hey",
        "From": "imessage:+1 555 000 4444",
        "To": "chat_id:7",
        "ChatType": "direct",
        "SenderName": "+1 555 000 4444",
        "SenderId": "+1 555 000 4444",
        "Surface": "imessage",
        "MessageSid": "5",
        "Timestamp": 1767607872345,
        "WasMentioned": True,
        "CommandAuthorized": True,
    }
    assert context.session_key == "main"
    assert context.last_route is not None
    assert context.last_route.to_dict() == {"session": "main", "channel": "imessage", "to": "chat_id:7"}


def test_a_group_message_has_these_fields(make_policy: Maker) -> None:
    context = context_of(group(id=0, participants=["+1555", "", None, "a@b.c"]), make_policy(**OPEN))
    assert context.to_dict() == {
        "Body": "[iMessage Lobster Squad id:42] hey",
        "From": "group:42",
        "To": "chat_id:42",
        "ChatType": "group",
        "GroupSubject": "Lobster Squad",
        "GroupMembers": "+1555, a@b.c",
        "SenderName": ANN,
        "SenderId": ANN,
        "Surface": "imessage",
        "WasMentioned": False,
        "CommandAuthorized": True,
    }
    assert (context.session_key, context.last_route) == ("imessage:group:42", None)


@pytest.mark.parametrize(
    ("message", "body"),
    [
        (dm(sender="user@EXAMPLE.com"), "[iMessage user@example.com id:user@EXAMPLE.com] hey"),
        (dm(sender="AMAZON"), "[iMessage amazon id:AMAZON] hey"),
        (dm(sender="VERIFY-1"), "[iMessage +1 id:VERIFY-1] hey"),
        (dm(text=" two\nlines "), f"[iMessage {ANN} id:{ANN}] two\nlines"),
        (dm(created_at="1970-01-01T00:00:00Z"), f"[iMessage {ANN} id:{ANN}] hey"),
        (dm(created_at="nonsense"), f"[iMessage {ANN} id:{ANN}] hey"),
        (group(chat_name=None), "[iMessage iMessage Group id:42] hey"),
        (group(chat_name=""), "[iMessage iMessage Group id:42] hey"),
        (group(chat_name=" "), "[iMessage id:42] hey"),
    ],
)
def test_bodies_are_those_of_the_reference(message: dict[str, Any], body: str, make_policy: Maker) -> None:
    assert context_of(message, make_policy(**OPEN)).body == body


def test_an_envelope_shows_utc_minutes_of_any_year() -> None:
    assert envelope("x", -1, "b") == "[iMessage x 1969-12-31T23:59Z] b"
    assert envelope(None, -62135596800000, "b") == "[iMessage 0001-01-01T00:00Z] b"
    assert envelope("x", 1e300, "b") == "[iMessage x] b"


@pytest.mark.parametrize(
    ("included", "attachments", "text", "path"),
    [
        (False, [MOV], "<media:attachment>", None),
        (True, [PNG], "<media:attachment>", None),
        (True, [PNG, {"original_path": "", "mime_type": "image/gif"}, MOV], "<media:video>", "/a/2.mov"),
        (True, [{"original_path": "/a/x", "mime_type": None}], "<media:attachment>", "/a/x"),
        (True, [{"original_path": "/a/x", "mime_type": "application/pdf"}], "<media:document>", "/a/x"),
    ],
)
def test_a_message_without_text_has_a_placeholder(
    included: bool, attachments: list[Any], text: str, path: str | None, make_policy: Maker
) -> None:
    context = context_of(dm(text="\ufffc", attachments=attachments), make_policy(includeAttachments=included, **OPEN))
    assert context.text == text
    assert context.to_dict().get("MediaPath") == context.to_dict().get("MediaUrl") == path


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("/Users/me/Library/Messages/Attachments/aa/1.heic", True),
        ("/Users/me/Library/Messages/Attachments", False),
        ("/Users/me/Library/Messages/Attachments/../secret", False),
        ("/Users/a/b/Library/Messages/Attachments/x", False),
        ("/Users/me//Library/./Messages/Attachments/x/../y", True),
        ("~/Library/Messages/Attachments/x", False),
        ("/../Users/me/Library/Messages/Attachments/x", True),
        ("/Users/me/Library/Messages/Attachments/a\0b", False),
        ("relative.png", False),
    ],
)
def test_files_lie_below_a_root_by_whole_names(path: str, inside: bool) -> None:
    assert is_inside(path, DEFAULT_ROOTS) is inside


def test_files_outside_of_the_roots_are_left_out_and_said(make_policy: Maker) -> None:
    policy = make_policy(includeAttachments=True, **OPEN)
    one = context_of(dm(text="", attachments=[MOV]), policy, roots=DEFAULT_ROOTS)
    assert one.text == "<media:video>"
    assert one.body.endswith("<media:video>\n[imessage attachment unavailable]")
    assert (one.attachments, one.refused_attachments, one.to_dict().get("MediaPath")) == ((), 1, None)
    two = context_of(dm(attachments=[MOV, PNG]), policy, roots=DEFAULT_ROOTS)
    assert two.body.endswith("hey\n[imessage 2 attachments unavailable]")


def test_a_quoted_message_comes_along(make_policy: Maker) -> None:
    message = dm(reply_to_text="Boat at six", reply_to_guid="G", reply_to_sender="+1")
    context = context_of(message, make_policy(**OPEN))
    fields = context.to_dict()
    assert [fields[name] for name in ("ReplyToId", "ReplyToBody", "ReplyToSender")] == ["G", "Boat at six", "+1"]
    quoted = context_of(dm(reply_to_text="Boat"), make_policy(options={"quotes_in_body": True}, **OPEN))
    assert quoted.body.endswith("hey\n\n[Replying to unknown sender]\nBoat\n[/Replying]")
    assert context_of(dm(reply_to_text=" "), make_policy(**OPEN)).reply_to is None


def test_unanswered_messages_come_along(make_policy: Maker) -> None:
    past = [HistoryEntry("+1", "one", 1767607872345, "3"), HistoryEntry("a@b.c", "two")]
    context = context_of(group(), make_policy(**OPEN), history=past)
    assert context.body.splitlines() == [
        "[Chat messages since your last reply - for context]",
        "[iMessage Lobster Squad id:42 2026-01-05T10:11Z] +1: one [id:3]",
        "[iMessage Lobster Squad id:42] a@b.c: two",
        "",
        "[Current message - respond to this]",
        "[iMessage Lobster Squad id:42] hey",
    ]
    assert context.text == "hey"
    assert [entry["text"] for entry in context.to_dict()["InboundHistory"]] == ["one", "two"]


def test_one_session_can_hold_everything_and_groups_pass_settings_on() -> None:
    config = GatewayConfig(
        session_scope=SessionScope.GLOBAL,
        group_policy=GroupPolicy.OPEN,
        groups={"*": GroupConfig(extra={"systemPrompt": "be kind"})},
    )
    context = context_of(group(), Policy(config))
    assert context.session_key == "global"
    assert context.group == {"systemPrompt": "be kind"}


def test_reprs_hold_no_private_text(make_policy: Maker) -> None:
    context = context_of(dm(text="secret words", reply_to_text="more secrets"), make_policy(**OPEN))
    shown = repr(context) + repr(context.reply_to) + repr(context.last_route) + repr(HistoryEntry("x", "secret"))
    assert "secret" not in shown
    assert ANN not in shown


def test_records_and_wire_structs_are_read_too(make_policy: Maker) -> None:
    wire = WireMessage(
        id=5, chat_id=42, guid="G", sender=ANN, is_from_me=False, text="", created_at="2026-01-05T10:11:12.345Z",
        attachments=[
            WireAttachment(
                filename="f", transfer_name="t", uti="u", mime_type="image/png", total_bytes=1, is_sticker=False,
                original_path="/a.png", missing=False,
            )
        ],
        reactions=[], chat_identifier="chat1", chat_guid="g", chat_name="chat1", participants=[], is_group=True,
    )  # fmt: skip
    message = read_message(wire)
    assert (message.attachments[0].path, message.attachments[0].mime_type) == ("/a.png", "image/png")
    assert message.chat_name == "chat1"
    record = Message(rowid=5, chat_id=42, chat_identifier="chat1", chat_name="chat1", is_group=True, sender=ANN)
    assert read_message(record).chat_name == ""
    assert read_message(Message(rowid=1)) == Message(rowid=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "5"},
        {"chat_id": True},
        {"chat_id": 1.5},
        {"sender": 7},
        {"text": ["x"]},
        {"is_group": 1},
        {"participants": "x"},
        {"attachments": {}},
        {"attachments": [{"original_path": 7}]},
    ],
)
def test_a_field_of_another_type_is_malformed_and_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage) as caught:
        read_message(dm(**wrong))
    assert str(caught.value).split()[0] in {*wrong, "original_path"}


def test_dates_without_a_zone_are_local_and_days_are_utc() -> None:
    assert read_message(dm(created_at="2026-01-05")).created_at == datetime(2026, 1, 5, tzinfo=UTC)
    local = datetime(2026, 1, 5, 10).astimezone(UTC)
    assert read_message(dm(created_at="2026-01-05T10:00:00")).created_at == local
    assert read_message(dm(created_at="2026-01-05T10:00:00-08:00")).created_at == datetime(2026, 1, 5, 18, tzinfo=UTC)
    assert read_message(dm(chat_id=7.0)).chat_id == 7


def test_a_lane_is_the_chat_else_the_sender() -> None:
    assert lane_of(Message(rowid=1, chat_id=7, sender="x")) == "chat_id:7"
    assert lane_of(Message(rowid=1, chat_id=0, sender=" x ")) == "imessage:x"


def test_attachments_of_a_record_count_even_where_only_their_number_is_known(make_policy: Maker) -> None:
    message = Message(rowid=1, chat_id=7, sender=ANN, n_attachments=1)
    assert context_of(message, make_policy(**OPEN)).text == "<media:attachment>"
    here = Attachment(message_rowid=1, path="/a.png", mime_type="image/png", is_missing=False)
    shown = Message(rowid=1, chat_id=7, sender=ANN, attachments=(here,))
    assert context_of(shown, make_policy(includeAttachments=True, **OPEN)).text == "<media:image>"
