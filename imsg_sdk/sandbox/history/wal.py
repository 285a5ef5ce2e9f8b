"""Leave a database as one finds it while Messages runs: the newest rows only in the write-ahead log."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

__all__ = ["leave_in_log"]

_JOINS = ("chat_message_join", "message_attachment_join")


def leave_in_log(path: Path, rows: int) -> None:
    """Move the newest `rows` messages of a database out of its main file into its ``-wal``."""
    connection = sqlite3.connect(path, isolation_level=None)
    kept = path.with_name(path.name + ".kept")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.text_factory = bytes
        first = connection.execute(
            "SELECT min(ROWID) FROM (SELECT ROWID FROM message ORDER BY ROWID DESC LIMIT ?)", (rows,)
        ).fetchone()[0]
        tables = {"message": "ROWID", **dict.fromkeys(_JOINS, "message_id")}
        taken = {
            table: connection.execute(f"SELECT * FROM {table} WHERE {key} >= ?", (first,)).fetchall()
            for table, key in tables.items()
        }
        connection.execute("BEGIN")
        for table, key in tables.items():
            connection.execute(f"DELETE FROM {table} WHERE {key} >= ?", (first,))
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("BEGIN")
        for table, lines in taken.items():
            _insert(connection, table, lines)
        connection.execute("COMMIT")
        # The last connection to close would empty the log, so both files are copied while it is open.
        shutil.copyfile(path, kept)
        shutil.copyfile(f"{path}-wal", f"{kept}-wal")
    finally:
        connection.close()
    kept.replace(path)
    Path(f"{kept}-wal").replace(f"{path}-wal")


def _insert(connection: sqlite3.Connection, table: str, lines: list[tuple[object, ...]]) -> None:
    kinds = [str(row[2], "ascii") for row in connection.execute(f"PRAGMA table_info({table})")]
    # Texts were read as bytes, since some are not text to any driver.
    slots = ", ".join("CAST(? AS TEXT)" if kind.startswith("TEXT") else "?" for kind in kinds)
    connection.executemany(f"INSERT INTO {table} VALUES ({slots})", lines)
