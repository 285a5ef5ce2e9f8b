"""The file in which a world lives besides its ``chat.db``: time, what is to happen, who answers how, what goes wrong.

Everything is changed in turns: one transaction each, one at a time among all processes.  A process that is killed in
the middle leaves the file as it was before the turn.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from imsg_sdk._time import us_to_apple_ns
from imsg_sdk.sandbox.dice import Dice

__all__ = ["Entry", "Event", "State", "Turn", "state_path"]

SECOND_US: Final = 1_000_000
_ROW_US: Final = 1000
"""How far virtual time moves with every row, so that no two are of the same instant."""
_BUSY_S: Final = 30.0
_EVENTS_KEPT: Final = 1000
_TABLES: Final = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE agenda (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, due_us INTEGER NOT NULL, kind TEXT NOT NULL, args TEXT NOT NULL,
    is_background INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX agenda_due ON agenda (due_us, seq);
CREATE TABLE person (id INTEGER PRIMARY KEY AUTOINCREMENT, value TEXT NOT NULL);
CREATE TABLE fault (id INTEGER PRIMARY KEY AUTOINCREMENT, value TEXT NOT NULL);
CREATE TABLE act (id INTEGER PRIMARY KEY AUTOINCREMENT, value TEXT NOT NULL);
CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, value TEXT NOT NULL);
PRAGMA user_version = 1;
"""


def state_path(database: str) -> str:
    """Return where the world of a database lives."""
    return f"{database}.world"


class Entry(msgspec.Struct, frozen=True):
    """Something that is to happen."""

    seq: int
    due_us: int
    kind: str
    args: dict[str, Any]
    is_background: bool = False
    """Goes on without end, so that nobody waits for the last of it."""


class Event(msgspec.Struct, frozen=True):
    """Something that the bridge notices."""

    id: int
    name: str
    at_us: int
    data: dict[str, Any]


class Turn:
    """What one transaction on the world knows of time and chance."""

    def __init__(self, state: State, now_us: int, dice: Dice, *, is_virtual: bool) -> None:
        self.now_us = now_us
        self.dice = dice
        self._state = state
        self._is_virtual = is_virtual

    def stamp_ns(self) -> int:
        """Return the present instant as ``chat.db`` has it; later than the last one given out."""
        if self._is_virtual:
            self.now_us += _ROW_US
        else:
            self.now_us = max(self.now_us + 1, self._state.machine_us())
        return us_to_apple_ns(self.now_us)

    def move_to(self, us: int) -> None:
        """Let it be at least this instant."""
        self.now_us = max(self.now_us, us)


class State:
    """The file, opened when first used."""

    def __init__(self, database: str) -> None:
        self.path = state_path(database)
        self.lock = threading.RLock()
        """Held while anything is read or changed.  Whoever keeps something of the world must not take another first."""
        self._connection: sqlite3.Connection | None = None
        self._turn: Turn | None = None

    @classmethod
    def create(cls, database: str, settings: Mapping[str, Any]) -> State:
        """Make a new world file in place of an older one."""
        path = Path(state_path(database))
        for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            name.unlink(missing_ok=True)
        partial = path.with_name(f"{path.name}.partial")
        partial.unlink(missing_ok=True)
        with sqlite3.connect(partial, isolation_level=None) as connection:
            connection.executescript(f"BEGIN; {_TABLES}")
            rows = [(name, json.dumps(value)) for name, value in settings.items()]
            connection.executemany("INSERT INTO setting VALUES (?, ?)", rows)
            connection.execute("COMMIT")
        connection.close()
        partial.replace(path)
        return cls(database)

    @property
    def exists(self) -> bool:
        """Whether there is such a file."""
        return Path(self.path).exists()

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            uri = f"{Path(self.path).absolute().as_uri()}?mode=rw"
            self._connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_S
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            # Survives the death of any process; a crash of the machine ends the sandbox anyway.
            self._connection.execute("PRAGMA synchronous = OFF")
        return self._connection

    # time and turns

    @property
    def is_virtual(self) -> bool:
        """Whether time stands still but for what moves it."""
        return bool(self.get("clock", "virtual") == "virtual")

    def machine_us(self) -> int:
        """Return the time of the machine, moved by as much as this world was."""
        return time.time_ns() // 1000 + int(self.get("offset_us", 0))

    def now_us(self) -> int:
        """Return the present instant in Unix microseconds."""
        with self.lock:
            if self._turn is not None:
                return self._turn.now_us
            now = int(self.get("now_us", 0))
            return now if self.is_virtual else max(now, self.machine_us())

    @contextmanager
    def turn(self, entry: Entry | None = None) -> Iterator[Turn]:
        """Change the world; inside another turn this belongs to that one.

        With `entry` chance falls by that entry, so that one carried out twice falls alike.
        """
        with self.lock:
            if self._turn is not None:
                yield self._turn
                return
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                turn = self._turn = self._begin(entry)
                yield turn
                self._put_time(turn)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                if entry is None:
                    # Rows may have been written: no other turn may throw the same guids.
                    connection.execute("UPDATE setting SET value = value + 1 WHERE name = 'turns'")
                raise
            finally:
                self._turn = None

    def _begin(self, entry: Entry | None) -> Turn:
        now, number = self.now_us(), int(self.get("turns", 0)) + 1
        if entry is None:
            self._put("turns", number)
        purpose = f"turn/{number}" if entry is None else f"entry/{entry.seq}"
        return Turn(self, now, Dice(int(self.get("seed", 0)), purpose), is_virtual=self.is_virtual)

    def _put_time(self, turn: Turn) -> None:
        self._put("now_us", turn.now_us)
        if not self.is_virtual and (ahead := turn.now_us - self.machine_us()) > SECOND_US:
            self._put("offset_us", int(self.get("offset_us", 0)) + ahead)

    # settings

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting."""
        with self.lock:
            row = self._opened().execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])

    def put(self, name: str, value: Any) -> None:
        """Change a setting."""
        with self.turn():
            self._put(name, value)

    def _put(self, name: str, value: Any) -> None:
        self._opened().execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, json.dumps(value)))

    def version_of_all(self) -> int:
        """Return a number that changes whenever the file does, by whichever process."""
        with self.lock:
            connection = self._opened()
            return int(connection.execute("PRAGMA data_version").fetchone()[0]) * 1_000_003 + connection.total_changes

    # the agenda

    def enter(self, due_us: int, kind: str, args: Mapping[str, Any], *, is_background: bool = False) -> int:
        """Let something happen at an instant; return its number."""
        with self.turn():
            cursor = self._opened().execute(
                "INSERT INTO agenda (due_us, kind, args, is_background) VALUES (?, ?, ?, ?)",
                (due_us, kind, json.dumps(args), int(is_background)),
            )
            return int(cursor.lastrowid or 0)

    def next_entry(self, until_us: int | None = None) -> Entry | None:
        """Return what happens next, if it is due at `until_us`."""
        entry = next(iter(self.entries(1)), None)
        return None if entry is None or (until_us is not None and entry.due_us > until_us) else entry

    def take(self, entry: Entry) -> bool:
        """Strike an entry off, within a turn; return false where another process was quicker."""
        cursor = self._opened().execute("DELETE FROM agenda WHERE seq = ?", (entry.seq,))
        return cursor.rowcount == 1

    def entries(self, limit: int = -1) -> list[Entry]:
        """Return all that is to happen, or the first of it, in its order."""
        with self.lock:
            rows = self._opened().execute(
                "SELECT seq, due_us, kind, args, is_background FROM agenda ORDER BY due_us, seq LIMIT ?", (limit,)
            )
            return [Entry(row[0], row[1], row[2], json.loads(row[3]), bool(row[4])) for row in rows]

    @property
    def is_idle(self) -> bool:
        """Whether nothing is to happen but what goes on without end."""
        with self.lock:
            query = "SELECT 1 FROM agenda WHERE NOT is_background LIMIT 1"
            return self._opened().execute(query).fetchone() is None

    # lists

    def add(self, table: str, value: Mapping[str, Any]) -> int:
        """Add to the list of people, faults, acts or events; return its number."""
        with self.turn():
            cursor = self._opened().execute(f"INSERT INTO {table} (value) VALUES (?)", (json.dumps(value),))
            return int(cursor.lastrowid or 0)

    def listed(self, table: str, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """Return a list with the numbers of its items, from behind one of them on."""
        with self.lock:
            rows = self._opened().execute(f"SELECT id, value FROM {table} WHERE id > ? ORDER BY id", (after,))
            return [(row[0], json.loads(row[1])) for row in rows]

    def replace(self, table: str, number: int, value: Mapping[str, Any]) -> None:
        """Change one item of a list."""
        with self.turn():
            self._opened().execute(f"UPDATE {table} SET value = ? WHERE id = ?", (json.dumps(value), number))

    def remove(self, table: str, number: int | None = None) -> None:
        """Remove one item of a list, or all."""
        with self.turn():
            self._opened().execute(f"DELETE FROM {table} WHERE ?1 IS NULL OR id = ?1", (number,))

    def happen(self, name: str, data: Mapping[str, Any]) -> None:
        """Let the bridge notice something."""
        with self.turn() as turn:
            number = self.add("event", {"name": name, "at_us": turn.now_us, "data": dict(data)})
            if number % _EVENTS_KEPT == 0:
                self._opened().execute("DELETE FROM event WHERE id <= ?", (number - _EVENTS_KEPT,))

    def events(self, after: int) -> list[Event]:
        """Return what the bridge noticed since the event of a number."""
        return [
            Event(number, value["name"], value["at_us"], value["data"]) for number, value in self.listed("event", after)
        ]

    def last_event(self) -> int:
        """Return the number of the newest event."""
        with self.lock:
            return int(self._opened().execute("SELECT ifnull(max(id), 0) FROM event").fetchone()[0])
