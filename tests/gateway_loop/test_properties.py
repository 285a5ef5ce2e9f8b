"""Whatever comes in, in whatever order, with restarts in between: the answer goes to its own chat, and once."""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imsg_sdk.errors import SendFailed, SendUncertain
from imsg_sdk.gateway import Gateway

SETTINGS: dict[str, Any] = {
    "imessage": {
        "allowFrom": ["+1", "chat_id:3", "me@x.org"],
        "groupPolicy": "open",
        "reactionNotifications": "all",
        "textChunkLimit": 12,
        "limits": {"burst": 0},
    },
    "messages": {"inbound": {"debounceMs": 1}, "groupChat": {"mentionPatterns": ["bot"]}},
}
SENDERS = ("+1", "+2", "chat_id:4", "sms:+3", "me@x.org", "", None)
CHATS = (0, 1, 2, 3, None)

rows = st.fixed_dictionaries(
    {
        "sender": st.sampled_from(SENDERS),
        "chat_id": st.sampled_from(CHATS),
        "text": st.sampled_from(("hey bot", "chat_id:9", "/status", "", None, "echo")),
        "is_group": st.booleans(),
        "is_from_me": st.sampled_from((False, False, True)),
        "is_reaction": st.sampled_from((False, False, False, True)),
        "chat_identifier": st.sampled_from((None, "+1", "chat_id:8")),
        "destination_caller_id": st.sampled_from((None, "+1")),
        "chat_guid": st.sampled_from((None, "iMessage;-;+7")),
    },
)
repeat = st.tuples(st.just("repeat"), st.integers(0, 20))
restart = st.just(("restart", None))
trouble = st.tuples(st.just("trouble"), st.sampled_from((SendFailed("no"), SendUncertain("who knows"))))
step = st.one_of(st.tuples(st.just("row"), rows), st.tuples(st.just("row"), rows), repeat, restart, trouble)


def handler(context: Any) -> list[Any]:
    number = context.message.rowid
    if context.is_group:
        return [f"<{number}>"]
    # A handler that tries to write to others: only its words are taken.
    return [
        {"text": f"<{number}>", "chat_id": 66, "to": "+66", "chat_guid": "x", "replyToId": "y"},
        f"<{number}> more words than fit",
    ]


@pytest.mark.timeout(120)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(step, min_size=1, max_size=12))
def test_no_sequence_of_inputs_makes_it_write_to_another_chat(
    steps: list[tuple[str, Any]], make_program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as folder, monkeypatch.context() as patch:
        patch.setenv("IMSG_SDK_STATE_DIR", folder)
        program = make_program(folder)
        with contextlib.ExitStack() as stack:
            gateway = begin(stack, program, folder)
            for kind, what in steps:
                if kind == "row":
                    program.receive(**what)
                elif kind == "repeat" and program.rows:
                    program.rows.append(program.rows[what % len(program.rows)])
                elif kind == "trouble":
                    program.results.append(what)
                elif kind == "restart":
                    stack.pop_all().close()
                    gateway = begin(stack, program, folder)
            if program.rows:
                gateway.drain(5, through=max(row.rowid for row in program.rows))
            decided = {row.message_rowid: row for row in gateway._reader().decisions()}
        check(program, decided)


def begin(stack: contextlib.ExitStack, program: Any, folder: str) -> Gateway:
    options = {"client": program, "clock": program.clock, "state_dir": Path(folder) / "state"}
    gateway = Gateway(SETTINGS, handler=handler, **options)
    gateway.on_reaction(handler)
    stack.enter_context(gateway)
    return gateway


def check(program: Any, decided: dict[int, Any]) -> None:
    by_rowid = {row.rowid: row for row in program.rows}
    said: Counter[str] = Counter()
    for send in program.sends:
        number = int(send["text"].partition("<")[2].partition(">")[0]) if "<" in send["text"] else None
        if number is None:
            continue  # a further chunk of a longer text
        said[send["text"]] += 1
        row = by_rowid[number]
        where = {name: send[name] for name in ("chat_id", "chat_guid", "chat_identifier", "to") if name in send}
        assert where == ({"chat_id": row.chat_id} if row.chat_id else {"to": row.sender or row.chat_identifier})
        assert decided[number].dispatched
        assert not row.is_reaction
        assert not row.is_from_me or row.chat_identifier == row.destination_caller_id == "+1"
    assert max(said.values(), default=0) <= 1
    assert set(decided) == set(by_rowid)
