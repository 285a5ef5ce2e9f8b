"""How soon a watch hands out what is committed, and how fast it reads what it missed."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import quantiles
from typing import Any

from measure import Bench, Figure

from imsg_sdk import IMessageClient, Watch

ROUNDS = 400
PAUSE_S = 0.02
"""Between two messages, so that each finds an idle machine."""
CAUGHT_UP_ROWS = 100_000


def latency(bench: Bench) -> Iterator[Figure]:
    """From the commit in the database to the record in the hands of who waits for it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chat.db"
        shutil.copyfile(bench.path, path)
        for name, dialect in [("v1", "v1"), ("legacy", "legacy")]:
            found = _latencies(path, dialect)
            cuts = quantiles(found, n=100)
            yield Figure(f"commit → record in watch(), p50, {name}", cuts[49], "ms", 10.0)
            yield Figure(
                f"commit → record in watch(), p99, {name}", cuts[98], "ms", 50.0, note=f"most {max(found):.1f}"
            )


def _latencies(path: Path, dialect: str) -> list[float]:
    with (
        IMessageClient.from_chat_db(path, dialect=dialect) as client,
        client.watch() as watch,
        closing(sqlite3.connect(path, isolation_level=None)) as sql,
    ):
        sql.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        watch.get(1.0)
        writer = _Writer(sql)
        found = []
        for _ in range(ROUNDS):
            taken: list[float] = []
            waiting = threading.Thread(target=_wait, args=(watch, taken))
            waiting.start()
            time.sleep(PAUSE_S)
            committed = writer.write()
            waiting.join(10)
            found.append((taken[0] - committed) * 1000)
    return found


def _wait(watch: Watch, taken: list[float]) -> None:
    if watch.get(10) is not None:
        taken.append(time.perf_counter())


class _Writer:
    """Writes messages as the newest one is."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self._sql = sql
        self._sql.row_factory = sqlite3.Row
        row: Any = sql.execute(
            "SELECT m.*, j.chat_id AS chat FROM message m JOIN chat_message_join j ON j.message_id = m.ROWID"
            " WHERE m.associated_message_type = 0 AND m.item_type = 0 ORDER BY m.ROWID DESC LIMIT 1"
        ).fetchone()
        self._row = {name: row[name] for name in row.keys() if name not in ("chat", "ROWID")}  # noqa: SIM118
        self._chat = row["chat"]
        self._count = 0

    def write(self) -> float:
        """Commit one message; return when that began."""
        self._count += 1
        values = {**self._row, "guid": f"BENCH-{time.time_ns()}-{self._count}", "date": self._row["date"] + self._count}
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        self._sql.execute("BEGIN")
        rowid = self._sql.execute(f"INSERT INTO message ({names}) VALUES ({marks})", list(values.values())).lastrowid
        self._sql.execute("INSERT INTO chat_message_join (chat_id, message_id) VALUES (?, ?)", (self._chat, rowid))
        committed = time.perf_counter()
        self._sql.execute("COMMIT")
        return committed


def catching_up(bench: Bench) -> Iterator[Figure]:
    """Messages a second of a watch that was away, records and cursor included."""
    with closing(sqlite3.connect(bench.path)) as sql:
        last = sql.execute("SELECT max(ROWID) FROM message").fetchone()[0]
    since = max(last - CAUGHT_UP_ROWS, 0)
    for name, options in [("v1", {}), ("legacy", {"dialect": "legacy"})]:
        started = time.perf_counter()
        count = 0
        with IMessageClient.from_chat_db(bench.path, **options) as client, client.watch(since=since) as watch:
            while found := watch.get_many(500, 2.0):
                count += len(found)
                finished = time.perf_counter()
                assert watch.cursor
        seconds = finished - started
        yield Figure(
            f"catching up {last - since:,} rows, {name}", count / seconds, "messages/s", note=f"{seconds:.1f} s"
        )
