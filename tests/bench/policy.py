"""The rules alone: decisions with their facts and one mention pattern, and a history under two policies."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from measure import Bench, Figure

from imsg_sdk.config import load_config
from imsg_sdk.gateway import Policy, decide, gather_facts
from imsg_sdk.models import Message

CONFIG = {
    "imessage": {
        "allowFrom": [f"+1555000{n:04}" for n in range(50)],
        "groupPolicy": "open",
        "groups": {"*": {"requireMention": True}},
    },
    "messages": {"groupChat": {"mentionPatterns": [r"\b@?samantha\b"]}},
}
WORDS = "are we still on for tonight or not I could bring the salad and some bread then"
ROWS = 1_000_000
OTHER = {"imessage": {"allowFrom": ["*"], "dmPolicy": "open", "groupPolicy": "open"}}


def made(count: int) -> list[Message]:
    """Return messages of groups and people; about one in ten is answered."""
    chance = random.Random(5)
    words = WORDS.split()
    messages = []
    for rowid in range(1, count + 1):
        text = " ".join(chance.choices(words, k=chance.randint(2, 14)))
        if chance.random() < 0.05:
            text = f"Samantha, {text}"
        messages.append(
            Message(
                rowid=rowid,
                chat_id=chance.randint(1, 40),
                sender=f"+1555000{chance.randint(0, 400):04}",
                is_group=chance.random() < 0.7,
                text=text,
                created_at=datetime(2026, 1, 5, tzinfo=UTC),
            )
        )
    return messages


def decisions(bench: Bench) -> Iterator[Figure]:
    """Facts and decision of one message after the other; the best of the rounds."""
    policy = Policy(load_config(CONFIG, environ={}).gateway)
    messages = made(20_000)
    best_s = float("inf")
    for _ in range(bench.rounds):
        started = time.perf_counter()
        for message in messages:
            decide(message, policy, gather_facts(message, policy))
        best_s = min(best_s, time.perf_counter() - started)
    yield Figure("decisions with their facts", len(messages) / best_s, "messages/s", 150_000, more_is_better=True)


def back_test(bench: Bench) -> Iterator[Figure]:
    """A million rows side by side under two policies."""
    import pandas as pd

    from imsg_sdk import read_chat_db
    from imsg_sdk.gateway import backtest

    frame = read_chat_db(bench.path).messages
    frame = pd.concat([frame] * (ROWS // len(frame) + 1), ignore_index=True).iloc[:ROWS]
    started = time.perf_counter()
    backtest(frame, CONFIG, OTHER)
    seconds = time.perf_counter() - started
    yield Figure("back-test of a million rows, two policies", seconds, "s", 10, note="one round")
