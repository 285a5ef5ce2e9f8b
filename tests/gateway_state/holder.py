"""A process that holds a lease and a journal, and does what it is told on its command line.

python holder.py FOLDER IDENTITY LEASES hold|fork|full
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from imsg_sdk._time import SystemClock
from imsg_sdk.errors import ForkedProcess, GatewayAlreadyRunning, JournalError
from imsg_sdk.gateway.state import Journal, Lease
from imsg_sdk.models import Message


def main() -> None:
    folder, identity, leases, what = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4]
    try:
        Lease.acquire(folder, identity=identity, clock=SystemClock(), leases=leases)
    except GatewayAlreadyRunning:
        _say("refused")
        return
    journal = Journal.open(folder, identity=identity, clock=SystemClock())
    if what == "full":
        _fill(journal)
    elif what == "fork" and not os.fork():
        _be_forked(journal)
    else:
        _say("held", os.getpid())
    sys.stdin.read()


def _say(*words: object) -> None:
    # In one piece: two processes may speak at once.
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def _fill(journal: Journal) -> None:
    """Write until the disk is full, as far as this process may see; tell what was acknowledged."""
    import resource

    limit = journal.store.path.with_name(journal.store.path.name + "-wal").stat().st_size + 1_000_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    rowid = 0
    while True:
        rowid += 1
        try:
            journal.arrive([Message(rowid=rowid, guid=f"G{rowid}", text="x" * 5000)], str(rowid))
        except JournalError as error:
            _say(rowid - 1, journal.cursor, error.hint)
            return


def _be_forked(journal: Journal) -> None:
    try:
        journal.move_cursor("of the child")
    except ForkedProcess:
        _say("refused", os.getpid())


if __name__ == "__main__":
    main()
