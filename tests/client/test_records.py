"""What a program says becomes a record; what it does not say is None; what we do not know is kept."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

import imsg_sdk
from imsg_sdk import IMessageClient, columns, models, read_chat_db
from imsg_sdk.client import history, records
from imsg_sdk.columns import Batch, Packed
from imsg_sdk.errors import ProtocolError

MESSAGE: dict[str, Any] = {
    "id": 7,
    "chat_id": 2,
    "guid": "G",
    "sender": "+15550100200",
    "is_from_me": False,
    "text": "hi",
    "created_at": "2026-03-01T08:00:00.123Z",
    "attachments": [],
    "reactions": [],
    "chat_identifier": "+15550100200",
    "chat_guid": "iMessage;-;+15550100200",
    "chat_name": "",
    "participants": ["+15550100200"],
    "is_group": False,
}
REACTION = {
    "id": 8,
    "type": "love",
    "emoji": "❤️",
    "sender": "",
    "is_from_me": True,
    "created_at": "2026-03-01T08:00:01.000Z",
}
FILE = {
    "filename": "~/a.jpg",
    "transfer_name": "a.jpg",
    "uti": "public.jpeg",
    "mime_type": "",
    "total_bytes": 5,
    "is_sticker": False,
    "original_path": "/Users/me/a.jpg",
    "missing": True,
}


def decoded(**more: Any) -> models.Message:
    raw = msgspec.json.encode({"messages": [{**MESSAGE, **more}]})
    (message,) = records.decode_messages(raw, attachments=True)
    return message


def test_every_field_of_a_plain_message() -> None:
    message = decoded()
    assert message == models.Message(
        rowid=7,
        guid="G",
        chat_id=2,
        chat_ids=(2,),
        chat_identifier="+15550100200",
        chat_name="+15550100200",
        is_group=False,
        sender="+15550100200",
        text="hi",
        created_at=datetime(2026, 3, 1, 8, 0, 0, 123000, UTC),
        n_attachments=0,
        n_reactions=0,
        chat_guid="iMessage;-;+15550100200",
        participants=("+15550100200",),
    )
    assert message.kind is None, "a row without any mark may be a message or an event"


def test_the_other_side_is_not_the_sender_of_an_own_message() -> None:
    assert decoded(is_from_me=True).sender is None


def test_a_message_in_no_chat_has_no_chat() -> None:
    message = decoded(chat_id=0, chat_identifier="", chat_guid="", chat_name="", participants=[])
    assert (message.chat_id, message.chat_ids, message.is_group, message.chat_name) == (None, (), None, None)


@pytest.mark.parametrize("text", ["2001-01-01T00:00:00.000Z", "", "not a date"])
def test_a_date_that_the_database_does_not_have_is_none(text: str) -> None:
    assert decoded(created_at=text).created_at is None


def test_lists_that_were_not_asked_for_have_no_number() -> None:
    raw = msgspec.json.encode({"messages": [MESSAGE]})
    (message,) = records.decode_messages(raw, reactions=False)
    assert (message.n_attachments, message.n_reactions) == (None, None)


def test_children_become_records_that_know_their_message() -> None:
    message = decoded(reactions=[REACTION], attachments=[{**FILE, "converted_path": "/tmp/a.png"}])
    (reaction,), (file,) = message.reactions, message.attachments
    assert (reaction.message_rowid, reaction.rowid, reaction.type, reaction.sender) == (7, 8, "love", None)
    assert (file.message_rowid, file.path, file.mime_type, file.is_missing) == (7, "/Users/me/a.jpg", None, True)
    assert file.extra == {"converted_path": "/tmp/a.png"}
    assert (message.n_reactions, message.n_attachments) == (1, 1)


def test_rare_keys_are_read() -> None:
    preview = {"id": 9, "guid": "P", "balloon_bundle_id": "b", "created_at": "2026-03-01T08:00:00.123Z"}
    message = decoded(
        thread_originator_guid="T",
        thread_originator_part="1:0:12",
        reply_to_guid="R",
        is_read=True,
        date_read="2026-03-02T08:00:00.000Z",
        url_preview=preview,
        is_reaction=True,
        reaction_type="love",
    )
    assert (message.thread_originator_guid, message.thread_originator_part, message.reply_to_guid) == ("T", 1, "R")
    assert message.read_at == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert message.url_preview_guid == "P"
    assert (message.is_reaction, message.reaction_type) == (True, "love")
    assert decoded(thread_originator_part="bp:x").thread_originator_part is None


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({"balloon_bundle_id": "com.apple.messages.URLBalloonProvider"}, "link"),
        ({"balloon_bundle_id": "com.example.game"}, "app"),
        ({"poll": {"kind": "created"}}, "poll"),
        ({"poll": {"kind": "created", "original_guid": "O"}}, "poll_update"),
        ({"poll": {"kind": "vote"}}, "poll_vote"),
        ({"poll": {"kind": "unknown"}}, None),
    ],
)
def test_a_kind_is_what_the_keys_prove(keys: dict[str, Any], kind: str | None) -> None:
    assert decoded(**keys).kind == kind


def test_a_poll_keeps_what_the_record_has_no_field_for() -> None:
    poll = decoded(
        poll={
            "kind": "created",
            "poll_guid": "G",
            "question": "Where?",
            "options": [{"id": "a", "text": "Here"}],
            "votes": [{"option_id": "a", "participant": "+15550100200"}],
            "creator": "+15550100200",
        }
    ).poll
    assert poll is not None
    assert (poll.question, poll.options, poll.votes) == ("Where?", (("a", "Here"),), (("a", "+15550100200"),))
    assert poll.extra == {"creator": "+15550100200"}


def test_the_keys_of_our_own_server_win() -> None:
    message = decoded(
        reactions=[REACTION],
        x={
            "created_at": 1_735_689_620_123_456,
            "service": "iMessage",
            "chat_ids": [2, 5],
            "kind": "event",
            "reactions": [{"message_rowid": 7, "rowid": 8, "type": "sticker", "is_from_me": False, "created_at": 0}],
            "attachments": [{"message_rowid": 7, "rowid": 3, "is_sticker": False, "is_missing": True}],
            "later": 1,
        },
    )
    assert message.created_at == datetime(2025, 1, 1, 0, 0, 20, 123456, UTC)
    assert (message.service, message.chat_ids, message.kind) == ("iMessage", (2, 5), "event")
    assert message.reactions[0].type == "sticker"
    assert message.reactions[0].created_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert message.attachments[0].rowid == 3
    assert message.extra == {"later": 1}


# ---- older and newer programs -------------------------------------------------------------------------------------


def test_unknown_keys_are_kept_at_every_level() -> None:
    message = decoded(mood=1, reactions=[{**REACTION, "weight": 2}], attachments=[{**FILE, "color": 3}])
    assert message.extra == {"mood": 1}
    assert message.reactions[0].extra == {"weight": 2}
    assert message.attachments[0].extra == {"color": 3}
    assert message.text == "hi"


def test_missing_keys_are_empty() -> None:
    raw = msgspec.json.encode({"messages": [{"id": 1}]})
    (message,) = records.decode_messages(raw)
    assert (message.rowid, message.text, message.chat_id, message.participants) == (1, None, None, ())


def test_null_counts_as_missing() -> None:
    assert decoded(sender=None, reply_to_guid=None).sender is None


def test_the_documented_names_of_attachments_are_read_too() -> None:
    file = {**FILE, "byte_size": 99, "path": "/elsewhere"}
    del file["total_bytes"], file["original_path"]
    (found,) = decoded(attachments=[file]).attachments
    assert (found.total_bytes, found.path) == (99, "/elsewhere")


def test_a_newer_answer_may_hold_more_beside_its_list() -> None:
    raw = msgspec.json.encode({"messages": [MESSAGE], "next_rowid": 9, "has_more": True, "took_ms": 3})
    found, next_rowid, has_more = records.decode_page(raw)
    assert (len(found), next_rowid, has_more) == (1, 9, True)


def test_chats_of_an_old_program_have_what_it_says() -> None:
    old = {"id": 1, "identifier": "chat9", "name": "", "service": "iMessage", "last_message_at": ""}
    (chat,) = records.decode_chats(msgspec.json.encode({"chats": [{**old, "later": 1}]}))
    assert (chat.chat_id, chat.name, chat.n_participants, chat.unread_count) == (1, "chat9", 0, None)
    assert chat.extra == {"later": 1}


def test_a_chat_is_named_by_its_name_then_its_contact_then_its_identifier() -> None:
    chat = {
        "id": 1,
        "identifier": "+15550100200",
        "guid": "",
        "service": "",
        "last_message_at": "",
        "participants": [],
        "is_group": False,
    }
    named = [{"name": "Choir"}, {"name": "+15550100200", "contact_name": "Ada"}, {"name": ""}]
    found = records.decode_chats(msgspec.json.encode({"chats": [{**chat, **each} for each in named]}))
    assert [each.name for each in found] == ["Choir", "Ada", "+15550100200"]
    assert found[0].guid is None


@pytest.mark.parametrize(
    "answer",
    [{"messages": [1]}, {"messages": 1}, {}, [], {"messages": [{"id": "x"}]}, {"messages": [{"id": 1, "text": 2}]}],
)
def test_an_answer_of_another_shape_is_a_named_error_without_its_content(answer: object) -> None:
    with pytest.raises(ProtocolError) as caught:
        records.decode_messages(msgspec.json.encode(answer))
    assert caught.value.hint


def test_a_broken_line_of_a_command_is_a_named_error() -> None:
    with pytest.raises(ProtocolError):
        records.decode_message_line(b'{"id": 3, "text": "cut o')


def test_a_line_of_the_command_and_a_notification_are_messages_too() -> None:
    assert records.decode_message_line(msgspec.json.encode(MESSAGE)).rowid == 7
    assert records.decode_message_line(msgspec.json.encode({"id": 3})).rowid == 3
    for more in ({}, {"later": 1}):
        raw = msgspec.json.encode({"subscription": 1, "message": MESSAGE, **more})
        assert records.decode_notification(raw, attachments=False, reactions=False).rowid == 7


def test_single_answers() -> None:
    status = {"ok": True, "guid": "G", "send_state": "sent", "service": None, "status_fields": {"error": 0}}
    found = records.decode_send_status(msgspec.json.encode(status))
    assert (found.send_state, found.service, found.extra) == ("sent", None, {"status_fields": {"error": 0}})
    waiting = {"id": 1, "guid": "G", "chat_id": 0, "chat_name": "", "scheduled_at": "2090-01-01T00:00:00.000Z"}
    (scheduled,) = records.decode_scheduled(msgspec.json.encode({"messages": [waiting]}))
    assert (scheduled.chat_id, scheduled.scheduled_at) == (None, datetime(2090, 1, 1, tzinfo=UTC))
    stats = records.decode_stats(msgspec.json.encode({"total_messages": 3, "later": 1}))
    assert (stats.total_messages, stats.extra) == (3, {"later": 1})


# ---- batches ------------------------------------------------------------------------------------------------------


def test_batches_become_the_same_records_however_they_are_packed() -> None:
    plain: dict[str, list[Any] | Packed] = {
        "rowid": [1, 2, 3],
        "is_from_me": [True, True, True],
        "chat_ids": [[4], [4], []],
        "service": ["SMS", None, "SMS"],
        "created_at": [0, None, None],
        "subject": [None, "s", None],
    }
    packed = {
        **plain,
        "is_from_me": Packed([True]),
        "chat_ids": Packed([[4], []], codes=[0, 0, 1]),
        "service": Packed(["SMS"], codes=[0, -1, 0]),
        "subject": Packed(["s"], at=[1]),
    }
    one, other = (history.records_of(Batch("messages", 3, columns)) for columns in (plain, packed))
    assert one == other
    assert (one[0].chat_ids, one[0].created_at) == ((4,), datetime(1970, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("table", columns.TABLES.values(), ids=lambda table: table.name)
def test_every_column_has_a_field_of_its_name(table: columns.Table) -> None:
    kind = {"reactions": "Reaction", "participants": "Participant"}.get(
        table.name, table.name.removesuffix("s").title()
    )
    fields = getattr(models, kind).__struct_fields__
    assert set(table.names) <= set(fields)


PRIVATE: dict[str, Any] = {
    "text": "secret",
    "name": "secret",
    "contact_name": "secret",
    "chat_name": "secret",
    "sender": "secret",
    "handle": "secret",
    "identifier": "secret",
    "path": "secret",
    "filename": "secret",
    "transfer_name": "secret",
    "transcription": "secret",
    "question": "secret",
    "options": (("1", "secret"),),
    "votes": (("1", "secret"),),
    "participants": ("secret",),
    "senders": ({"sender": "secret"},),
    "extra": {"key": "secret"},
}


@pytest.mark.parametrize("name", [name for name in models.__all__ if issubclass(getattr(models, name), msgspec.Struct)])
def test_a_repr_shows_no_private_text(name: str) -> None:
    kind = getattr(models, name)
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.name in PRIVATE:
            values[field.name] = PRIVATE[field.name]
        elif field.required:
            values[field.name] = 1 if field.type is int else "word"
    record = kind(**values)
    assert repr(record).startswith(f"<{name}")
    assert "secret" not in repr(record) + str(record.__rich_repr__())


def test_a_repr_counts_one_as_one() -> None:
    assert repr(models.Chat(chat_id=1, n_participants=1)) == "<Chat 1, direct, 1 participant>"
    assert repr(models.Chat(chat_id=1, is_group=True, n_participants=3)) == "<Chat 1, group, 3 participants>"


def test_what_signatures_name_can_be_imported_for_annotations() -> None:
    names = {"ChatLike", "Targets", "TimeLike", "People", "ProgressOption", "ImsgError"}
    assert names <= set(imsg_sdk.__all__)
    assert all(getattr(imsg_sdk, name) is not None for name in imsg_sdk.__all__)
    for method in (IMessageClient.messages, IMessageClient.chat, read_chat_db):
        named = " ".join(
            each.annotation for name, each in inspect.signature(method).parameters.items() if name != "self"
        )
        assert "history." not in named
        assert set(re.findall(r"[A-Z]\w+", named)) <= names | {"None", "Iterable", "PathLike", "SupportsIndex"}
