"""A small Messages database, made row by row, and a small encoder of bodies."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pandas.testing import assert_frame_equal

from imsg_sdk import read_chat_db
from imsg_sdk.chatdb.packing import rows_of
from imsg_sdk.chatdb.query import Query
from imsg_sdk.chatdb.reader import ChatDb
from imsg_sdk.columns import TABLES
from imsg_sdk.errors import DatabaseUnavailable

NS = 10**9
HEADER = b"\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@\x84\x84\x84"
IMMUTABLE = b"\x12NSAttributedString\x00\x84\x84\x08NSObject\x00\x85\x92\x84\x84\x84\x08NSString\x01\x94"
MUTABLE = (
    b"\x19NSMutableAttributedString\x00\x84\x84\x12NSAttributedString\x00\x84\x84\x08NSObject\x00\x85"
    b"\x92\x84\x84\x84\x0fNSMutableString\x01\x84\x84\x08NSString\x01\x95"
)
MESSAGE = """
    ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL, text TEXT, handle_id INTEGER DEFAULT 0,
    subject TEXT, attributedBody BLOB, service TEXT, error INTEGER DEFAULT 0, date INTEGER, date_read INTEGER,
    date_delivered INTEGER, is_delivered INTEGER DEFAULT 0, is_from_me INTEGER DEFAULT 0, is_read INTEGER DEFAULT 0,
    is_sent INTEGER DEFAULT 0, cache_has_attachments INTEGER DEFAULT 0, is_audio_message INTEGER DEFAULT 0,
    item_type INTEGER DEFAULT 0, other_handle INTEGER DEFAULT 0, group_title TEXT, group_action_type INTEGER DEFAULT 0,
    share_status INTEGER DEFAULT 0, associated_message_guid TEXT, associated_message_type INTEGER DEFAULT 0,
    balloon_bundle_id TEXT, payload_data BLOB, expressive_send_style_id TEXT, message_summary_info BLOB,
    destination_caller_id TEXT, reply_to_guid TEXT, is_spam INTEGER DEFAULT 0, thread_originator_guid TEXT,
    thread_originator_part TEXT, date_retracted INTEGER, date_edited INTEGER, part_count INTEGER,
    associated_message_emoji TEXT, schedule_type INTEGER DEFAULT 0, schedule_state INTEGER DEFAULT 0
"""
SCHEMA = {
    "message": MESSAGE,
    "chat": "ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL, style INTEGER, chat_identifier TEXT,"
    " service_name TEXT, room_name TEXT, account_id TEXT, account_login TEXT, last_addressed_handle TEXT,"
    " display_name TEXT, group_id TEXT, is_archived INTEGER DEFAULT 0, is_filtered INTEGER DEFAULT 0",
    "handle": "ROWID INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, country TEXT, service TEXT NOT NULL,"
    " person_centric_id TEXT, UNIQUE (id, service)",
    "chat_message_join": "chat_id INTEGER, message_id INTEGER, message_date INTEGER DEFAULT 0,"
    " PRIMARY KEY (chat_id, message_id)",
    "chat_handle_join": "chat_id INTEGER, handle_id INTEGER, UNIQUE (chat_id, handle_id)",
    "attachment": "ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL, created_date INTEGER DEFAULT 0,"
    " filename TEXT, uti TEXT, mime_type TEXT, transfer_state INTEGER DEFAULT 0, is_outgoing INTEGER DEFAULT 0,"
    " user_info BLOB, transfer_name TEXT, total_bytes INTEGER DEFAULT 0, is_sticker INTEGER DEFAULT 0",
    "message_attachment_join": "message_id INTEGER, attachment_id INTEGER, UNIQUE (message_id, attachment_id)",
    "chat_recoverable_message_join": "chat_id INTEGER, message_id INTEGER, delete_date INTEGER,"
    " PRIMARY KEY (chat_id, message_id)",
}


def length_of(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    return b"\x81" + size.to_bytes(2, "little") if size < 0x8000 else b"\x82" + size.to_bytes(4, "little")


def body(text: str | bytes, *, mutable: bool = False, attributes: dict[str, str] | None = None) -> bytes:
    """Encode a body as Apple does: one run, its part number, and text attributes if any."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    units = len(raw.decode("utf-8", "replace").encode("utf-16-le", "surrogatepass")) // 2
    archive = HEADER + (MUTABLE if mutable else IMMUTABLE) + b"\x84\x01+" + length_of(len(raw)) + raw + b"\x86"
    if not units:
        return archive + b"\x86"
    extra = attributes or {}
    archive += b"\x84\x02iI\x01" + length_of(units) + b"\x92\x84\x84\x84\x0cNSDictionary\x00"
    archive += (b"\x95" if mutable else b"\x94") + b"\x84\x01i" + bytes([1 + len(extra)])
    pairs = b""
    for key, value in extra.items():
        pairs += b"\x92" + _string(key, mutable) + b"\x92" + _string(value, mutable)
    number = b"\x84\x84\x84\x08NSNumber\x00\x84\x84\x07NSValue\x00" + (b"\x95" if mutable else b"\x94")
    part = b"\x92" + _string("__kIMMessagePartAttributeName", mutable)
    kind = b"\x84\x01*\x84" + (b"\x9b" if mutable else b"\x99") * 2
    return archive + pairs + part + b"\x92" + number + kind + b"\x00\x86\x86\x86"


def _string(text: str, mutable: bool) -> bytes:
    """Encode an NSString by references to its class and to the type of its bytes."""
    raw = text.encode()
    reference = b"\x84\x98\x98" if mutable else b"\x84\x96\x96"
    return reference + length_of(len(raw)) + raw + b"\x86"


class Builder:
    """Writes rows; unset columns keep their defaults."""

    def __init__(self, path: Path, schema: dict[str, str]) -> None:
        self.path = path
        self.sql = sqlite3.connect(path, isolation_level=None)
        self.sql.execute("PRAGMA synchronous = OFF")
        for name, columns in schema.items():
            self.sql.execute(f"CREATE TABLE {name} ({columns})")
        self._tick = 700_000_000 * NS
        self._count = 0

    def insert(self, table: str, **values: Any) -> int:
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        return self.sql.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values())).lastrowid or 0

    def chat(self, identifier: str = "+15550100", *, style: int = 45, name: str | None = None, **values: Any) -> int:
        guid = values.pop("guid", f"any;{chr(style)};{identifier}")
        return self.insert(
            "chat",
            guid=guid,
            style=style,
            chat_identifier=identifier,
            display_name=name,
            service_name="iMessage",
            **values,
        )

    def handle(self, name: str = "+15550100", service: str = "iMessage", **values: Any) -> int:
        return self.insert("handle", id=name, service=service, **values)

    def message(self, chat: int | tuple[int, ...] | None = 1, **values: Any) -> int:
        self._count += 1
        self._tick += 60 * NS
        row = {"guid": f"M{self._count}", "date": self._tick, "service": "iMessage"} | values
        rowid = self.insert("message", **row)
        for one in (chat,) if isinstance(chat, int) else chat or ():
            self.insert("chat_message_join", chat_id=one, message_id=rowid)
        return rowid

    def attachment(self, message: int, **values: Any) -> int:
        self._count += 1
        rowid = self.insert("attachment", **({"guid": f"A{self._count}"} | values))
        self.insert("message_attachment_join", message_id=message, attachment_id=rowid)
        return rowid

    def read(self, table: str = "messages", query: Query | None = None, **filters: Any) -> list[dict[str, Any]]:
        """Read the file back as rows; every column is there."""
        with ChatDb.open(self.path) as db:
            return as_rows(table, db.read(table, query or Query(**filters)))

    def one(self, rowid: int, **filters: Any) -> dict[str, Any]:
        (row,) = self.read(rowids=[rowid], **filters)
        return row


def as_rows(table: str, batches: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for batch in batches:
        columns = {name: rows_of(column, batch.rows) for name, column in batch.columns.items()}
        rows += [
            {name: columns[name][number] if name in columns else None for name in TABLES[table].names}
            for number in range(batch.rows)
        ]
    return rows


def assert_arrow_agrees(path: Path) -> None:
    """Read a file through Arrow too, where that is installed: no odd row may look different there."""
    if find_spec("pyarrow") is None:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imsg_sdk.frames.arrow.messages._SMALL", 0)
        for include in ((), ("orphaned", "deleted", "reactions")):
            patch.setattr("imsg_sdk.frames.history._WORTH_ARROW_BYTES", 2**60)
            try:
                plain = read_chat_db(path, include=include)
            except DatabaseUnavailable:
                return
            patch.setattr("imsg_sdk.frames.history._WORTH_ARROW_BYTES", 0)
            for name, frame in read_chat_db(path, include=include).frames.items():
                assert_frame_equal(frame, plain.frames[name])


@pytest.fixture
def make_db(tmp_path: Path) -> Any:
    """Return a function that makes a database; ``schema`` replaces tables, None leaves one out."""
    made: list[Builder] = []

    def make(**schema: str | None) -> Builder:
        tables = {name: columns for name, columns in (SCHEMA | schema).items() if columns is not None}
        made.append(Builder(tmp_path / f"chat{len(made)}.db", tables))
        return made[-1]

    yield make
    for builder in made:
        builder.sql.close()
        assert_arrow_agrees(builder.path)


@pytest.fixture
def db(make_db: Callable[..., Builder]) -> Builder:
    """Return a database with one direct chat (1) and its handle (1)."""
    builder = make_db()
    builder.chat()
    builder.handle()
    builder.insert("chat_handle_join", chat_id=1, handle_id=1)
    return builder


@pytest.fixture(scope="session", name="body")
def body_fixture() -> Any:
    return body


@pytest.fixture(scope="session", name="as_rows")
def as_rows_fixture() -> Any:
    return as_rows


@pytest.fixture(scope="session")
def make_shared() -> Callable[[Path], Builder]:
    """Return a function that makes a history to be shared by the examples of one test."""

    def make(path: Path) -> Builder:
        builder = Builder(path, SCHEMA)
        builder.chat()
        builder.chat("chat9", style=43, name="Team")
        for number in range(10):
            date = (700_000_000 + number * 100) * (1 if number == 3 else NS)
            builder.message(2 if number >= 8 else 1, text=f"Straße {number}", date=date, is_from_me=number % 2)
        return builder

    return make
