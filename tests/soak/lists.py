"""Lists of messages whose run is killed at any moment, again and again, until all of it is done.

    python tests/soak/lists.py                         # about two minutes
    python tests/soak/lists.py --rows 50 --kills 10
    python tests/soak/lists.py --dialect legacy --seed 7

Exits with 1 if anybody got a message twice, or got none and was not reported.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from imsg_sdk.testing import Sandbox

RUN = """
import json, sys
from imsg_sdk import IMessageClient
from imsg_sdk.rpc.backends import our_server
path, dialect, ledger, rows = json.loads(sys.argv[1])
backend = our_server(path, dialect=dialect, extended=False, module="imsg_sdk.sandbox")
with IMessageClient._over(backend, None, close_timeout_s=0.2) as client:
    print("ready", flush=True)
    frame = client.send_many(rows, ledger=ledger, dry_run=False, per_minute=None)
print(frame[["state"]].to_json(orient="values"))
"""
LONGEST_RUN_S = 300


def people(count: int) -> list[str]:
    """Return numbers of so many people."""
    return [f"+1555000{number:04d}" for number in range(1000, 1000 + count)]


def run(arguments: str, life_s: float | None) -> str | None:
    """Run a list in a process of its own; kill it after `life_s`.  Return what it printed, None if it was killed."""
    command = [sys.executable, "-c", RUN, arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the client is connected
        try:
            return process.communicate(timeout=life_s or LONGEST_RUN_S)[0]
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return None


def main() -> int:
    """Run it and print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dialect", choices=["v1", "legacy"], default="v1")
    given = parser.parse_args()
    dice = random.Random(given.seed)
    handles = people(20)
    rows = [{"target": dice.choice(handles), "text": f"row {number}"} for number in range(given.rows)]
    with TemporaryDirectory() as folder, Sandbox(dialect=given.dialect) as box:
        for handle in handles[::2]:  # half of them are known, the others get a chat by the first message
            box.receive(handle, "hello")
        ledger = str(Path(folder) / "list.ledger")
        arguments = json.dumps([box.db_path, given.dialect, ledger, rows])
        killed = 0
        begun = time.monotonic()
        said = None
        while said is None:
            life_s = dice.uniform(0.1, 1.5) if killed < given.kills else None
            said = run(arguments, life_s)
            killed += said is None
        sent = Counter(each.text for each in box.sent() if each.rowid is not None)
    told = [state for (state,) in json.loads(said)]
    states = Counter(told)
    twice = [text for text, times in sent.items() if times > 1]
    missing = [state for row, state in zip(rows, told, strict=True) if not sent[row["text"]]]
    silent = [state for state in missing if state != "uncertain"]
    seconds = time.monotonic() - begun
    print(f"{given.rows} rows, {killed} runs killed, {seconds:.0f} s: {dict(states)}")
    print(f"sent {sum(sent.values())}, twice {len(twice)}, left out without a word {len(silent)}")
    return 1 if twice or silent else 0


if __name__ == "__main__":
    sys.exit(main())
