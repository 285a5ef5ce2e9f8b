"""The recordings: where they are, how they are read, and the folder they were made in."""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
from comparator import Dates

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
DATABASES = ("sequoia", "monterey", "minimal", "awkward")
DIALECTS = {"0.13.1": "legacy", "0.14.1": "v1"}


def golden() -> Path | None:
    """Return the folder of the recordings, or None where it is not at hand."""
    folder = Path(os.environ.get("IMSG_SDK_GOLDEN") or ROOT.parent / "shared" / "golden")
    return folder if (folder / "imsg").is_dir() else None


def source(database: str) -> Path | None:
    """Return the folder that holds this database: the recordings, else what the repository carries of them."""
    if (folder := golden()) is not None:
        return folder
    return FIXTURES if any((FIXTURES / "imsg").glob(f"{database}.*")) else None


def load(folder: Path, database: str, version: str) -> dict[str, list[dict[str, Any]]]:
    """Return the records of one file by kind, in order."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for suffix, opener in ((".gz", gzip.open), (".xz", lzma.open)):
        path = folder / "imsg" / f"{database}.{version}.jsonl{suffix}"
        if path.is_file():
            with opener(path) as lines:
                for line in lines:
                    record = msgspec.json.decode(line)
                    kinds.setdefault(record["kind"], []).append(record)
    return kinds


def lay_out(folder: Path, target: Path) -> Path:
    """Copy the databases into `target` and make the broken ones beside them, as they were for the recording."""
    for path in folder.glob("*.db"):
        shutil.copyfile(path, target / path.name)
    whole = target / "sequoia.db"
    if whole.is_file():
        data, broken = whole.read_bytes(), target / "broken"
        broken.mkdir()
        (broken / "empty.db").touch()
        (broken / "text.db").write_text("this is not a database, only a few words\n" * 40, encoding="utf-8")
        (broken / "cut.db").write_bytes(data[: len(data) // 3])
        (broken / "header_only.db").write_bytes(data[:100])
        with sqlite3.connect(broken / "no_tables.db") as connection:
            connection.execute("CREATE TABLE other (a)")
        connection.close()
    return target


def read_dates(path: Path) -> Dates:
    """Return the stored dates of messages and chats, for the rules about equal dates."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    connection.text_factory = bytes
    try:
        messages = dict(connection.execute("SELECT ROWID, date FROM message"))
        columns = [row[1] for row in connection.execute("PRAGMA table_info(chat_message_join)")]
        stored = b"message_date" in columns
        chats = dict(
            connection.execute(
                f"SELECT j.chat_id, MAX({'j.message_date' if stored else 'm.date'}) FROM chat_message_join j "
                "LEFT JOIN message m ON m.ROWID = j.message_id GROUP BY 1"
            )
        )
    finally:
        connection.close()
    return Dates(messages, chats)
