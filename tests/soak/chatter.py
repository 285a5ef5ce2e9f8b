"""A time of chatter in a sandbox, watched by a client whose programs are killed again and again.

Each message has to be handed out once, in the order of rows but for those whose chat is joined late.
"""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from imsg_sdk import Message, Watch
from imsg_sdk.client.watching import opening
from imsg_sdk.client.watching.feed import Timing
from imsg_sdk.errors import DatabaseUnavailable, ServerBusy, TransportError
from imsg_sdk.testing import Sandbox

__all__ = ["Report", "live_through"]

log = logging.getLogger("soak")

ADDRESSES = [f"+1555000{number:04}" for number in range(1001, 1013)]
STEP_S = 900.0
# A day lasts seconds here, so that waits are tenths of one.
QUICK = Timing(check_s=0.1, grace_s=0.1, real_grace_s=0.2, first_look_s=0.02, longest_look_s=0.2, settle_s=0.02)
WAIT_S = 30.0
CALM = 8
LATE = {"v1": 0.03, "legacy": 0.0}
"""How many rows are linked late.  An old program knows no rows: a watch of it looks for them among the newest, and what
is new becomes old here in less time than it takes to start a program again."""
WAYS = ("kill", "kill", "kill", "notification", "answer", "subscribe", "client", "watch", "all")
FAULTS: dict[str, dict[str, Any]] = {
    "notification": {"method": "message", "point": "answer", "signal": 9},
    "answer": {"method": ["messages.*", "chats.list"], "point": "answer", "signal": 9},
    "subscribe": {"method": "watch.subscribe", "point": "answered", "signal": 9},
}
"""Deaths that come from inside, in the middle of what the child writes."""

WEATHER: tuple[tuple[str, dict[str, Any]], ...] = (
    ("silent_watch", {}),
    ("repeated_notification", {"times": 3}),
    ("watch_error", {}),
    ("watch_overflow", {}),
    ("partial_line", {"method": "message", "pieces": 5}),
    ("garbage_line", {"method": "message", "kind": "cut"}),
    ("garbage_line", {"kind": "stranger", "times": 3}),
    ("refused", {"method": "watch.subscribe"}),
    ("early_notification", {"times": 1}),
    ("database_locked", {"times": 1}),
    ("database_rotated", {"is_silent": True}),
    ("database_replaced", {"is_silent": True}),
)
"""What may go wrong besides, without changing the order in which messages can be known."""


@dataclass
class Report:
    """What became of it."""

    n_messages: int = 0
    n_late: int = 0
    n_killed: int = 0
    n_restarts: int = 0
    n_healed: int = 0
    seconds: float = 0.0
    missing: list[int] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    out_of_order: list[int] = field(default_factory=list)
    ways: Counter[str] = field(default_factory=Counter)

    @property
    def is_flawless(self) -> bool:
        """Whether every message came once and in order."""
        return not (self.missing or self.repeated or self.out_of_order)

    def __str__(self) -> str:
        ways = ", ".join(f"{count} × {way}" for way, count in sorted(self.ways.items()))
        lines = [
            f"{self.n_messages:,} messages, {self.n_late} of them linked late; {self.seconds:.0f} s",
            f"{self.n_killed} deaths ({ways}), {self.n_restarts} restarts seen, {self.n_healed} rows found by looking",
            f"missing {self.missing[:20]}, repeated {len(self.repeated)}, out of order {self.out_of_order[:20]}",
        ]
        return "\n".join(lines)


class _Life:
    """One run."""

    def __init__(self, sandbox: Sandbox, kills: int, seed: int, client_options: dict[str, Any], weather: int) -> None:
        self.weather = weather
        self.sandbox = sandbox
        self.dice = random.Random(seed)
        self.report = Report()
        self.seen: list[tuple[int, str]] = []
        self.kills_left = kills
        self.options = client_options
        self.first_rowid = 0
        self.first_rowid = max(self.expected())
        self.client = sandbox.client(**client_options)
        self.watch: Watch = self.client.watch()
        self.late: set[str] = set()
        self.over = threading.Event()

    # ---- the world --------------------------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Let time pass, in steps, beside the reader."""
        try:
            left = seconds
            while left > 0 and not self.over.is_set():
                step = min(left, STEP_S)
                self.sandbox.advance(step)
                left -= step
            (fault,) = (each for each in self.sandbox.call("sandbox.state")["faults"] if each["name"] == "late_link")
            self.late = set(fault.get("notes", {}).get("guids", ()))
            self.sandbox.clear_faults()
            self.sandbox.advance(120)  # the last of those that are linked late
        finally:
            self.over.set()

    # ---- the reader -------------------------------------------------------------------------------------------------

    def read(self, messages_to_come: float) -> None:
        """Read until time is over and everything is there; kill programs on the way."""
        points = self.dice.sample(range(1, int(messages_to_come * 0.8)), self.kills_left)
        points.sort()
        gusts = sorted(self.dice.sample(range(1, int(messages_to_come * 0.8)), self.weather))
        heard_at = time.monotonic()
        while True:
            for message in self.watch.get_many(self.dice.randint(1, 60), timeout=0.05):
                self.take(message)
                heard_at = time.monotonic()
            if gusts and len(self.seen) >= gusts[0] and self.is_calm():
                del gusts[0]
                name, options = self.dice.choice(WEATHER)
                self.sandbox.fault(name, **options)
                self.report.ways[name] += 1
            if points and len(self.seen) >= points[0] and self.kill(self.dice.choice(WAYS)):
                del points[0]
            if self.over.is_set():
                if len(self.seen) >= len(self.expected()) or time.monotonic() - heard_at > WAIT_S:
                    break
                log.info("%s, %s", self.watch.status(), self.watch.status().last_error)
        for message in self.watch.get_many(1000, timeout=0.3):
            self.take(message)

    def is_calm(self) -> bool:
        """Return whether most of the weather struck; a watch waits longer from one failure to the next."""
        return sum(not each["fired"] for each in self.sandbox.faults()) < CALM

    def take(self, message: Message) -> None:
        """Keep what was handed out."""
        self.seen.append((message.rowid, message.guid))

    def kill(self, way: str) -> bool:
        """Kill something, one way or another; return whether there was something to kill."""
        if way in FAULTS:
            self.sandbox.fault("exit", **FAULTS[way])
        elif way == "client":
            cursor = self.watch.cursor
            self.note()
            self.sandbox.kill_child(self.client)
            self.client.close()
            self.client = self.sandbox.client(**self.options)
            self.watch = self.opened(cursor)
        elif way == "watch":
            cursor = self.watch.cursor
            self.note()
            self.sandbox.kill_child(self.client)
            self.watch.close()
            self.watch = self.opened(cursor)
        elif way == "all":
            self.sandbox.kill_child(self.client, "read")
            self.sandbox.kill_child(self.client, "watch")
        elif not self.sandbox.kill_child(self.client, "watch"):
            return False  # it is not up yet
        self.report.n_killed += 1
        self.report.ways[way] += 1
        return True

    def opened(self, cursor: str) -> Watch:
        """Go on from a cursor; what goes wrong before the place is proven is an error, and may be repeated."""
        while True:
            try:
                return self.client.watch(since=cursor)
            except (TransportError, DatabaseUnavailable, ServerBusy) as error:
                log.info("once more: %s", error)

    def note(self) -> None:
        """Keep what a watch says of itself before it is closed."""
        status = self.watch.status()
        self.report.n_restarts += status.restarts
        self.report.n_healed += status.healed

    # ---- the outcome ------------------------------------------------------------------------------------------------

    def expected(self) -> dict[int, str]:
        """Return the rows that are messages in a chat."""
        with closing(sqlite3.connect(f"file:{self.sandbox.db_path}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "SELECT m.ROWID, m.guid FROM message m WHERE m.ROWID > ? AND EXISTS"
                " (SELECT 1 FROM chat_message_join j WHERE j.message_id = m.ROWID)",
                (self.first_rowid,),
            )
            return dict(rows)

    def judge(self) -> Report:
        """Compare what was seen with what there is."""
        late, expected, report = self.late, self.expected(), self.report
        self.note()
        counts = Counter(guid for _, guid in self.seen)
        report.n_messages, report.n_late = len(expected), len(late)
        report.missing = sorted(rowid for rowid, guid in expected.items() if not counts[guid])
        report.repeated = [guid for guid, count in counts.items() if count > 1]
        last = 0
        for rowid, guid in self.seen:
            if guid in late:
                continue
            if rowid < last:
                report.out_of_order.append(rowid)
            last = max(last, rowid)
        return report


def live_through(
    *,
    days: float,
    kills: int,
    seed: int,
    dialect: str = "v1",
    extended: bool = False,
    weather: int = 0,
    every_s: float = 1200.0,
) -> Report:
    """Let people chat for so many days, kill programs so often, and report what a watch made of it.

    Parameters
    ----------
    days
        How long, in the time of the sandbox.
    kills
        How many deaths.
    seed
        Decides who says what, and what is killed when (as far as real time lets it).
    dialect, extended
        What kind of program.
    weather
        How often something else goes wrong.
    every_s
        How many seconds lie between two messages of a person.
    """
    begun = time.monotonic()
    people = [
        {"name": f"Person {number}", "addresses": [address], "chatter": [{"every": [every_s * 0.5, every_s * 1.5]}]}
        for number, address in enumerate(ADDRESSES)
    ]
    chats = [{"addresses": [address]} for address in ADDRESSES] + [{"addresses": ADDRESSES[:4], "name": "Lunch"}]
    cast = {"people": people, "chats": chats, "chatter": [{"every": every_s, "chat": len(chats)}]}
    with Sandbox(seed=seed, people=cast, dialect=dialect) as sandbox, patch.object(opening, "Timing", lambda: QUICK):
        for address in ADDRESSES:
            sandbox.receive(address, "hello")
        sandbox.fault("late_link", chance=LATE[dialect], times=None)
        life = _Life(sandbox, kills, seed, {"extended": extended}, weather)
        timekeeper = threading.Thread(target=life.pass_time, args=(days * 86_400,), name="timekeeper")
        timekeeper.start()
        try:
            life.read(days * 86_400 / every_s * (len(ADDRESSES) + 1))
        finally:
            life.over.set()
            timekeeper.join()
        report = life.judge()
        life.watch.close()
    report.seconds = time.monotonic() - begun
    return report
