"""A gateway over a make-believe Messages, with chatter, children that are killed, and restarts; nothing said twice.

    python tests/soak/gateway.py                 # a minute
    python tests/soak/gateway.py --seconds 600 --seed 7

Every message that came in is answered once in its own chat, or its answer is reported as not sent or as uncertain.
Exit code 1 if that does not hold.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from imsg_sdk.gateway import Context, Gateway
from imsg_sdk.testing import Sandbox

SETTINGS: dict[str, Any] = {
    "imessage": {"allowFrom": ["*"], "dmPolicy": "open", "groupPolicy": "disabled", "limits": {"burst": 0}}
}
PEOPLE = tuple(f"+1555000{number:04d}" for number in range(8))
LAST_WAIT_S = 120.0


class Soak:
    """One run: what came in, how many lives and deaths."""

    def __init__(self, box: Sandbox, folder: Path, seed: int) -> None:
        self.box, self.folder, self.dice = box, folder, random.Random(seed)
        self.client = box.client(settle_timeout_s=1.0)
        self.wanted: Counter[tuple[str | None, int | None]] = Counter()
        self.last_rowid = self.lives = self.kills = self.number = 0
        self.gateway = self.begin()

    def begin(self) -> Gateway:
        """Start a gateway on the state of the one before."""
        self.lives += 1
        gateway = Gateway(SETTINGS, client=self.client, handler=answer, state_dir=self.folder)
        gateway.start()
        return gateway

    def receive(self) -> None:
        """Let somebody write."""
        self.number += 1
        arrival = self.box.receive(self.dice.choice(PEOPLE), f"message {self.number}")
        self.wanted[f"re: message {self.number}", arrival.chat_id] += 1
        self.last_rowid = max(self.last_rowid, arrival.rowid)

    def step(self) -> None:
        """Let a moment pass."""
        for _ in range(self.dice.randint(1, 4)):
            self.receive()
        chance = self.dice.random()
        if chance < 0.1:
            self.kills += self.box.kill_child(self.client, self.dice.choice(["watch", "send", "read"]))
        elif chance < 0.14:
            self.gateway.stop()
            self.receive()
            self.gateway = self.begin()
        time.sleep(self.dice.random() * 0.15)

    def settle(self) -> bool:
        """Wait for the rest, print what became of everything, and tell whether it holds."""
        self.gateway.drain(LAST_WAIT_S, through=self.last_rowid)
        sent = Counter((each.text, each.chat_id) for each in self.box.sent())
        states = Counter(self.gateway.outbox()["state"].tolist())
        unsent = sum(count for state, count in states.items() if state not in ("observed", "accepted"))
        missing, extra = (self.wanted - sent).total(), (sent - self.wanted).total()
        print(f"{self.number} messages, {self.lives} lives, {self.kills} children killed")
        print(f"answers: {dict(states)}; {missing} not seen, {extra} too many")
        self.gateway.stop()
        return extra == 0 and missing <= unsent


def answer(context: Context) -> str:
    """Answer what was said."""
    return f"re: {context.text}"


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long messages come in")
    parser.add_argument("--seed", type=int, default=1, help="which run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Sandbox(clock="real") as box:
        os.environ["IMSG_SDK_STATE_DIR"] = folder
        soak = Soak(box, Path(folder) / "state", options.seed)
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            soak.step()
        return 0 if soak.settle() else 1


if __name__ == "__main__":
    sys.exit(main())
