"""Replies: what is said, what is not, and that it goes nowhere but to where the message came from."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsg_sdk.addressing import Target, TargetKind
from imsg_sdk.config import SendTransport
from imsg_sdk.errors import HandlerError
from imsg_sdk.gateway import Reply, rehearse
from imsg_sdk.gateway.replies import ReplySettings, plan_replies, read_replies

CHAT = Target(chat_id=7)


def sends(returned: object, **settings: Any) -> list[dict[str, Any]]:
    plans = plan_replies(read_replies(returned), CHAT, ReplySettings(**settings))
    return [
        {key: value for key, value in send.items() if key not in ("service", "region", "chat_id")}
        for plan in plans
        for send in plan
    ]


@pytest.mark.parametrize(
    ("returned", "settings", "expected"),
    [
        (None, {}, []),
        ("hi", {}, ["hi"]),
        (["t", {"text": "b"}, Reply(text="f")], {"prefix": "PFX"}, ["PFX t", "PFX b", "PFX f"]),
        ("aaaa bbbb cccc dddd", {"prefix": "P", "chunk_limit": 10}, ["P aaaa", "bbbb cccc", "dddd"]),
        (["  ", " NO_REPLY\n", "HEARTBEAT_OK", {}, {"text": None}], {}, []),
        (["HEARTBEAT_OK  a   b\nc", " x HEARTBEAT_OK y ", "no_reply"], {}, ["a b c", "x HEARTBEAT_OK y", "no_reply"]),
        ("HEARTBEAT_OK HEARTBEAT_OK x HEARTBEAT_OK", {}, ["x"]),
        ("\n hi \n", {}, ["\n hi \n"]),
        (["PFXalready", " lead"], {"prefix": "PFX"}, ["PFXalready", "PFX  lead"]),
        ({"text": "cap", "mediaUrls": [], "mediaUrl": "/b.jpg"}, {}, ["cap"]),
        ({"text": "hi", "replyToId": "abc", "mediaUrl": ""}, {}, ["hi"]),
    ],
)
def test_texts_are_said_as_the_reference_says_them(
    returned: object, settings: dict[str, Any], expected: list[str]
) -> None:
    assert sends(returned, **settings) == [{"text": text} for text in expected]


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (
            {"text": "cap", "mediaUrls": ["/a.jpg", "/b.jpg"]},
            [{"text": "PFX cap", "file": "/a.jpg"}, {"file": "/b.jpg"}],
        ),
        ({"text": " ", "mediaUrl": " file:///a.jpg "}, [{"file": "/a.jpg"}]),
        ({"text": "HEARTBEAT_OK", "mediaUrl": "/a.jpg"}, [{"file": "/a.jpg"}]),
        ({"text": "NO_REPLY", "mediaUrl": "/a.jpg"}, [{"text": "PFX NO_REPLY", "file": "/a.jpg"}]),
        ({"mediaUrl": "/a.jpg", "mediaUrls": []}, []),
        ({"mediaUrl": "  ", "text": "words"}, [{"text": "PFX words"}]),
        ({"mediaUrl": "  "}, []),
        (PurePosixPath("/a/b.png"), [{"file": "/a/b.png"}]),
        (Reply(text="x" * 5000, media=("/a",)), [{"text": "PFX " + "x" * 5000, "file": "/a"}]),
    ],
)
def test_files_go_alone_or_with_the_caption(returned: object, expected: list[dict[str, Any]]) -> None:
    assert sends(returned, prefix="PFX") == expected


@pytest.mark.parametrize("wrong", [7, b"x", {"text": 7}, {"mediaUrl": 7}, {"mediaUrls": "x"}, {"mediaUrls": [7]}, {1}])
def test_anything_else_is_the_handlers_error(wrong: object) -> None:
    with pytest.raises(HandlerError):
        list(read_replies(wrong))


def test_a_failing_reply_takes_no_other_with_it() -> None:
    plans = plan_replies(read_replies(["aaaaa bbbbb", "c"]), CHAT, ReplySettings(chunk_limit=5))
    assert [[send["text"] for send in plan] for plan in plans] == [["aaaaa", "bbbbb"], ["c"]]


def test_a_transport_is_asked_for_only_when_set() -> None:
    [[send]] = plan_replies([Reply(text="x")], CHAT, ReplySettings(transport=SendTransport.BRIDGE))
    assert send == {"text": "x", "service": "auto", "region": "US", "transport": "bridge", "chat_id": 7}
    assert [kind for kind in TargetKind if kind in send] == ["chat_id"]


@pytest.mark.parametrize(
    ("message", "target"),
    [
        ({"chat_id": 7, "sender": "chat_id:5"}, {"service": "sms", "chat_id": 7}),
        ({"chat_id": None, "sender": " +15550004444 "}, {"service": "imessage", "to": "+15550004444"}),
        ({"chat_id": 0, "sender": "sms:+1555"}, {"service": "imessage", "to": "sms:+1555"}),
        ({"chat_id": 0, "sender": "chat_id:5", "chat_guid": "g"}, {"service": "imessage", "to": "chat_id:5"}),
    ],
)
def test_the_reply_goes_to_the_chat_of_the_message(message: dict[str, Any], target: dict[str, Any]) -> None:
    config = {"imessage": {"dmPolicy": "open", "allowFrom": ["*"], "service": "sms", "region": "GB"}}
    [outcome] = rehearse(config, [{"text": "hi", **message}], lambda context: "ok")
    assert outcome.to_dict()["sends"] == [{"text": "ok", "region": "GB", **target}]


handles = st.sampled_from(["+1555", "chat_id:5", "group:9", "sms:x", "imessage:chat_guid:g", "a@b.c", ""]) | st.text(
    max_size=9
)
wire = st.fixed_dictionaries(
    {
        "chat_id": st.one_of(st.none(), st.integers(-3, 9)),
        "sender": handles,
        "text": st.text(max_size=9),
        "is_group": st.booleans(),
        "chat_guid": st.sampled_from([None, "g"]),
        "reply_to_text": st.one_of(st.none(), st.text(max_size=9)),
    }
)


@given(st.lists(wire, max_size=6), st.text(max_size=20))
def test_no_sequence_of_messages_makes_it_send_to_another_chat(messages: list[dict[str, Any]], reply: str) -> None:
    config = {
        "imessage": {
            "allowFrom": ["*"],
            "groupPolicy": "open",
            "groupAllowFrom": ["*"],
            "textChunkLimit": 3,
            "historyLimit": 2,
        }
    }
    payloads = [reply, {"text": reply, "chat_id": 99, "to": "chat_id:99", "mediaUrl": "chat_id:99"}]
    for message, outcome in zip(messages, rehearse(config, messages, lambda context: payloads), strict=True):
        for send in outcome.sends:
            target = {key: value for key, value in send.items() if key == "to" or key.startswith("chat_")}
            if message["chat_id"]:
                assert target == {"chat_id": message["chat_id"]}
            else:
                assert list(target) == ["to"]
                assert target["to"] in message["sender"]
                assert send["service"] == "imessage"
