"""How many messages a second are decided: facts with one mention pattern, and the rules.

Run it by hand: ``python tests/gateway/bench_decide.py``.  It prints the best of several rounds.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import UTC, datetime

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
ROUNDS = 7


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


def main() -> None:
    policy = Policy(load_config(CONFIG, environ={}).gateway)
    messages = made(20_000)
    reasons = Counter(str(decide(each, policy, gather_facts(each, policy)).reason) for each in messages)
    best_s = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for message in messages:
            decide(message, policy, gather_facts(message, policy))
        best_s = min(best_s, time.perf_counter() - start)
    print(f"{len(messages) / best_s:,.0f} decisions a second, {best_s / len(messages) * 1e6:.2f} µs each")
    print(dict(reasons))


if __name__ == "__main__":
    main()
