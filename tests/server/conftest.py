"""A builder of small Messages databases, row by row, and stores opened on them."""

from __future__ import annotations

import json
import os
import queue
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.store.store import Store

_MESSAGE = {
    "guid": "TEXT UNIQUE NOT NULL",
    "text": "TEXT",
    "handle_id": "INTEGER DEFAULT 0",
    "attributedBody": "BLOB",
    "service": "TEXT",
    "date": "INTEGER",
    "date_read": "INTEGER",
    "date_delivered": "INTEGER",
    "is_from_me": "INTEGER DEFAULT 0",
    "is_read": "INTEGER DEFAULT 0",
    "is_sent": "INTEGER DEFAULT 0",
    "is_delivered": "INTEGER DEFAULT 0",
    "is_finished": "INTEGER DEFAULT 0",
    "error": "INTEGER DEFAULT 0",
    "item_type": "INTEGER DEFAULT 0",
    "is_audio_message": "INTEGER DEFAULT 0",
    "cache_has_attachments": "INTEGER DEFAULT 0",
    "associated_message_guid": "TEXT",
    "associated_message_type": "INTEGER DEFAULT 0",
    "balloon_bundle_id": "TEXT",
    "payload_data": "BLOB",
    "message_summary_info": "BLOB",
    "destination_caller_id": "TEXT",
    "reply_to_guid": "TEXT",
    "thread_originator_guid": "TEXT",
    "thread_originator_part": "TEXT",
    "schedule_type": "INTEGER DEFAULT 0",
    "schedule_state": "INTEGER DEFAULT 0",
}
_CHAT = {
    "guid": "TEXT UNIQUE NOT NULL",
    "style": "INTEGER",
    "chat_identifier": "TEXT",
    "service_name": "TEXT",
    "display_name": "TEXT",
    "account_id": "TEXT",
    "account_login": "TEXT",
    "last_addressed_handle": "TEXT",
}
_ATTACHMENT = {
    "guid": "TEXT UNIQUE NOT NULL",
    "created_date": "INTEGER DEFAULT 0",
    "filename": "TEXT",
    "uti": "TEXT",
    "mime_type": "TEXT",
    "user_info": "BLOB",
    "transfer_name": "TEXT",
    "total_bytes": "INTEGER DEFAULT 0",
    "is_sticker": "INTEGER DEFAULT 0",
}
_JOINS = """
CREATE TABLE handle (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, country TEXT, service TEXT NOT NULL,
    uncanonicalized_id TEXT, person_centric_id TEXT, UNIQUE (id, service));
CREATE TABLE chat_handle_join (chat_id INTEGER, handle_id INTEGER, UNIQUE (chat_id, handle_id));
CREATE TABLE message_attachment_join (message_id INTEGER, attachment_id INTEGER, UNIQUE (message_id, attachment_id));
CREATE INDEX message_idx_date ON message (date);
CREATE INDEX chat_message_join_idx_message_id_only ON chat_message_join (message_id);
"""
START = 760_000_000
"""Seconds since 2001 of the first message of a test: 2025-01-31T07:06:40Z."""
URL_BALLOON = "com.apple.messages.URLBalloonProvider"
POLL_BALLOON = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.messages.Polls"


def ns(seconds: float) -> int:
    """Return the stored date of a moment `seconds` after the start."""
    return START * 10**9 + round(seconds * 1000) * 10**6


def typedstream(text: str) -> bytes:
    """Return an ``attributedBody`` that holds `text` in one run."""
    raw = text.encode()
    if len(raw) < 0x80:
        length = bytes([len(raw)])
    elif len(raw) < 0x8000:
        length = b"\x81" + len(raw).to_bytes(2, "little")
    else:
        length = b"\x82" + len(raw).to_bytes(4, "little")
    head = b"\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@\x84\x84\x84\x12NSAttributedString\x00\x84\x84\x08NSObject\x00\x85"
    return head + b"\x92\x84\x84\x84\x08NSString\x01\x94\x84\x01+" + length + raw + b"\x86\x84\x02iI\x01\x01\x92\x86"


class DatabaseBuilder:
    """Writes rows that are committed at once; leaves out the columns named in `without`."""

    def __init__(self, path: Path, without: Iterable[str] = ()) -> None:
        self.path = str(path)
        self.sql = sqlite3.connect(path, isolation_level=None)
        self.sql.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF")
        self.without = frozenset(without)
        for table, columns in (("message", _MESSAGE), ("chat", _CHAT), ("attachment", _ATTACHMENT)):
            kept = [f"{name} {kind}" for name, kind in columns.items() if f"{table}.{name}" not in self.without]
            self.sql.execute(f"CREATE TABLE {table} (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, {', '.join(kept)})")
        date = "" if "chat_message_join.message_date" in self.without else "message_date INTEGER DEFAULT 0, "
        columns = f"chat_id INTEGER, message_id INTEGER, {date}PRIMARY KEY (chat_id, message_id)"
        self.sql.execute(f"CREATE TABLE chat_message_join ({columns})")
        self.sql.executescript(_JOINS)
        self._seconds = 0.0

    def insert(self, table: str, values: dict[str, Any]) -> int:
        """Add a row, without the columns that this schema lacks."""
        kept = {name: value for name, value in values.items() if f"{table}.{name}" not in self.without}
        marks = ", ".join("?" * len(kept))
        cursor = self.sql.execute(f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({marks})", list(kept.values()))
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def handle(self, name: str, service: str = "iMessage") -> int:
        """Return the row of a handle, made on first use."""
        found = self.sql.execute("SELECT ROWID FROM handle WHERE id = ? AND service = ?", (name, service)).fetchone()
        return found[0] if found else self.insert("handle", {"id": name, "service": service})

    def chat(self, identifier: str = "+15550001", *, people: Iterable[str] | None = None, **columns: Any) -> int:
        """Add a chat; a direct one with its identifier as the only person, unless told otherwise."""
        is_group = identifier.startswith("chat")
        values = {
            "guid": f"iMessage;{'+' if is_group else '-'};{identifier}",
            "style": 43 if is_group else 45,
            "chat_identifier": identifier,
            "service_name": "iMessage",
            "display_name": "",
        }
        chat_id = self.insert("chat", values | columns)
        for name in (identifier,) if people is None else people:
            self.sql.execute("INSERT INTO chat_handle_join VALUES (?, ?)", (chat_id, self.handle(name)))
        return chat_id

    def message(
        self,
        text: str | None = None,
        *,
        chat: int | tuple[int, ...] | None = 1,
        sender: str | None = "+15550001",
        at: float | None = None,
        body: bytes | str | None = None,
        **columns: Any,
    ) -> int:
        """Add a message a minute after the one before; its guid is ``G`` and the row id."""
        self._seconds = self._seconds + 60 if at is None else at
        number = (self.sql.execute("SELECT seq FROM sqlite_sequence WHERE name = 'message'").fetchone() or (0,))[0] + 1
        values = {
            "guid": f"G{number}",
            "text": text,
            "handle_id": self.handle(sender) if sender else 0,
            "attributedBody": typedstream(body) if isinstance(body, str) else body,
            "service": "iMessage",
            "date": ns(self._seconds),
        }
        rowid = self.insert("message", values | columns)
        for chat_id in () if chat is None else (chat,) if isinstance(chat, int) else chat:
            self.link(rowid, chat_id)
        return rowid

    def link(self, rowid: int, chat: int) -> None:
        """Put a message into a chat."""
        date = self.sql.execute("SELECT date FROM message WHERE ROWID = ?", (rowid,)).fetchone()[0]
        self.insert("chat_message_join", {"chat_id": chat, "message_id": rowid, "message_date": date})

    def unlock_links(self) -> None:
        """Let a chat hold a message more than once, which some tables do."""
        self.sql.executescript(
            "CREATE TABLE links AS SELECT * FROM chat_message_join; DROP TABLE chat_message_join;"
            "ALTER TABLE links RENAME TO chat_message_join"
        )

    def tapback(self, target: str, kind: int, text: str = "Loved “…”", **columns: Any) -> int:
        """Add a tapback row; `target` is written as it is."""
        return self.message(text, associated_message_guid=target, associated_message_type=kind, **columns)

    def preview(self, link: str, **columns: Any) -> int:
        """Add a link preview two seconds after the row before it."""
        at = columns.pop("at", self._seconds + 2)
        return self.message(link, at=at, balloon_bundle_id=URL_BALLOON, **columns)

    def attachment(self, message: int, filename: str | None = None, **columns: Any) -> int:
        """Add an attachment to a message."""
        count = self.sql.execute("SELECT count(*) FROM attachment").fetchone()[0]
        rowid = self.insert("attachment", {"guid": f"A{count + 1}", "filename": filename} | columns)
        self.sql.execute("INSERT INTO message_attachment_join VALUES (?, ?)", (message, rowid))
        return rowid


@pytest.fixture
def make_db(tmp_path: Path) -> Iterator[Callable[..., DatabaseBuilder]]:
    """Return a maker of empty databases; its arguments name columns to leave out, such as ``message.is_read``."""
    made: list[DatabaseBuilder] = []

    def make(*without: str) -> DatabaseBuilder:
        builder = DatabaseBuilder(tmp_path / f"chat{len(made)}.db", without)
        made.append(builder)
        return builder

    yield make
    for builder in made:
        builder.sql.close()


@pytest.fixture
def db(make_db: Callable[..., DatabaseBuilder]) -> DatabaseBuilder:
    """Return a database with every column and one direct chat, number 1."""
    builder = make_db()
    builder.chat()
    return builder


@pytest.fixture
def open_store() -> Iterator[Callable[..., Store]]:
    """Return a function that opens a builder's file, as 0.14.1 unless told otherwise."""
    opened: list[Store] = []

    def open_one(builder: DatabaseBuilder, dialect: Dialect = Dialect.V1, **options: Any) -> Store:
        store = Store.open(builder.path, dialect=dialect, home="/Users/me", **options)
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        store.close()


class ServerChild:
    """A real server child; its lines are read by a thread, and every wait is bounded."""

    def __init__(self, *argv: str, env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "imsg_sdk.server", *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
        )
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._held: list[dict[str, Any]] = []
        self._end: tuple[int, str] | None = None
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def write(self, *lines: dict[str, Any] | str) -> None:
        """Write lines at once."""
        assert self.process.stdin is not None
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def next_line(self, timeout_s: float = 5.0) -> dict[str, Any]:
        """Return the next line, whatever it is."""
        line = self._held.pop(0) if self._held else self._lines.get(timeout=timeout_s)
        assert line is not None, "the child has ended"
        return line

    def ask(self, method: str, params: dict[str, Any] | None = None, id_: int | str = 1) -> dict[str, Any]:
        """Make a request and return its answer; what else arrives is kept for `next_line`."""
        self.write({"jsonrpc": "2.0", "id": id_, "method": method, "params": params or {}})
        held: list[dict[str, Any]] = []
        while (line := self.next_line()).get("id") != id_:
            held.append(line)
        self._held = held + self._held
        return line

    def subscribe(self, **params: Any) -> int:
        """Subscribe and return the number."""
        return int(self.ask("watch.subscribe", params, "subscribe")["result"]["subscription"])

    def next_message(self, timeout_s: float = 5.0) -> dict[str, Any]:
        """Return the message that the next notification brings."""
        line = self.next_line(timeout_s)
        assert line["method"] == "message", line
        return dict(line["params"]["message"])

    def end_input(self) -> None:
        """Close its input."""
        assert self.process.stdin is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()

    def rest(self, timeout_s: float = 5.0) -> list[dict[str, Any]]:
        """End its input and return every line that is left."""
        self.end_input()
        lines = list(self._held)
        while (line := self._lines.get(timeout=timeout_s)) is not None:
            lines.append(line)
        return lines

    def close(self) -> tuple[int, str]:
        """End it and return its exit status and what it wrote to the standard error."""
        if self._end is not None:
            return self._end
        self.end_input()
        try:
            status = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait(timeout=5)
        self._reader.join(timeout=5)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        with self.process.stderr as stderr:
            self._end = status, stderr.read().decode()
        return self._end


@pytest.fixture
def start_server() -> Iterator[Callable[..., ServerChild]]:
    """Return a function that starts ``rpc`` on a file; at the end none is left and none has complained."""
    children: list[ServerChild] = []

    def start(db: str | Path, *argv: str, env: dict[str, str] | None = None) -> ServerChild:
        child = ServerChild("rpc", "--db", str(db), *argv, env=env)
        children.append(child)
        return child

    yield start
    for child in children:
        _, complaints = child.close()
        assert complaints == ""
