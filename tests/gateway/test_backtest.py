"""The back-test: the rules of the gateway over a history, two policies side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from imsg_sdk import read_chat_db
from imsg_sdk.config import load_config
from imsg_sdk.gateway import Policy, backtest, decide, gather_facts
from imsg_sdk.models import Message

OPEN: dict[str, Any] = {
    "imessage": {"allowFrom": ["*"], "groupPolicy": "open"},
    "messages": {"groupChat": {"mentionPatterns": [r"\bthe\b"]}},
}
CLOSED: dict[str, Any] = {"imessage": {"allowFrom": ["+15555550034"], "groupAllowFrom": ["chat_id:5"]}}
GATED: dict[str, Any] = {**OPEN, "commands": {"useAccessGroups": True}}


@pytest.mark.parametrize("config", [OPEN, CLOSED, GATED])
@pytest.mark.parametrize("name", ["sequoia.db", "minimal.db"])
def test_every_row_is_decided_as_the_gateway_would(golden: Path, name: str, config: dict[str, Any]) -> None:
    frame = read_chat_db(golden / name).messages
    policy = Policy(load_config(config, environ={}).gateway)
    result = backtest(frame, policy)
    for row, dispatched, reason in zip(
        frame.itertuples(index=False), result["dispatched"], result["reason"], strict=True
    ):
        values = {
            key: None if pd.isna(getattr(row, key)) else getattr(row, key)
            for key in ("rowid", "chat_id", "chat_identifier", "is_group", "sender", "is_from_me", "text")
        }
        message = Message(n_attachments=None if pd.isna(row.n_attachments) else row.n_attachments, **values)
        decision = decide(message, policy, gather_facts(message, policy))
        assert dispatched == decision.dispatched
        assert (None if pd.isna(reason) else reason) == decision.reason


def test_two_policies_stand_side_by_side(golden: Path) -> None:
    frame = read_chat_db(golden / "sequoia.db").messages
    result = backtest(frame.iloc[::-1], OPEN, CLOSED)
    assert result.index.equals(frame.index[::-1])
    assert result["rowid"].tolist() == frame["rowid"].tolist()[::-1]
    alone = backtest(frame, CLOSED).iloc[::-1]
    assert result["other_dispatched"].tolist() == alone["dispatched"].tolist()
    lost = result[result["change"] == "lost"]
    assert lost["dispatched"].all()
    assert not lost["other_dispatched"].any()
    assert set(result["change"].dtype.categories) == {"same", "gained", "lost"}


def test_chat_guids_need_the_chats(golden: Path) -> None:
    history = read_chat_db(golden / "sequoia.db")
    by_guid = history.chats.dropna(subset=["guid"])
    chat = by_guid[~by_guid["is_group"]].iloc[0]
    config = {"imessage": {"allowFrom": [f"chat_guid:{chat['guid']}"]}}
    with pytest.warns(UserWarning, match="chats="):
        assert not backtest(history.messages, config)["dispatched"].any()
    answered = backtest(history.messages, config, chats=history.chats).query("dispatched")
    assert set(answered["chat_id"]) == {chat["chat_id"]}


def test_an_empty_history_and_a_lean_frame_work() -> None:
    lean = pd.DataFrame({"sender": ["+1555", None], "text": ["hi", "hi"], "is_from_me": [False, True]})
    assert backtest(lean, OPEN)["reason"].astype(object).fillna("").tolist() == ["", "from_me"]
    empty = backtest(lean.iloc[:0], OPEN, CLOSED)
    assert len(empty) == 0
    assert {"dispatched", "reason", "change"} <= set(empty.columns)
