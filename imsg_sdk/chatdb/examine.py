"""What is wrong with a file that a program could not read as a Messages database; never waits for a lock."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from os import R_OK, access
from pathlib import Path

from imsg_sdk.chatdb.connection import check_file, connect, primary_code, unavailable
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.errors import DatabaseUnavailable, PermissionDenied

__all__ = ["examine"]


def examine(path: str) -> DatabaseUnavailable | PermissionDenied | None:
    """Return the error that names the file and what it is instead of a Messages database, or None."""
    try:
        check_file(Path(path))
        with closing(connect(path, path, "mode=ro", timeout_s=0)) as connection:
            Schema.probe(connection)
    except (DatabaseUnavailable, PermissionDenied) as error:
        return error
    except sqlite3.Error as error:
        cannot_open = primary_code(error) == sqlite3.SQLITE_CANTOPEN
        # In a folder where nothing can be written, SQLite refuses files that may well be read.
        return None if cannot_open and access(path, R_OK) else unavailable(error, path)
    return None
