"""From what the other side says or does to an error of ours, with the remedy.  Pure; no I/O.

No text of an answer is repeated unless it is known to be the program's own words about our request.
"""

from __future__ import annotations

import re
import signal
from typing import Any

from imsg_sdk.errors import (
    BackendExited,
    DatabaseUnavailable,
    InvalidParams,
    MethodNotFound,
    NotFound,
    PermissionDenied,
    RemoteError,
    ServerBusy,
    Unsupported,
)
from imsg_sdk.rpc import protocol
from imsg_sdk.rpc.transport import Ending

__all__ = ["ENDED_FROM_OUTSIDE", "exited_error", "redact", "remote_error"]

FULL_DISK_ACCESS = (
    "grant Full Disk Access to the program that runs Python (the terminal, the editor or the Jupyter app): "
    "System Settings, Privacy & Security, Full Disk Access; then start it again"
)
_COPY_AGAIN = "copy it again with `sqlite3 chat.db '.backup copy.db'`, which is safe while Messages runs"
_SMALLER = "ask for fewer rows at once: a smaller limit, or a shorter time"
ENDED_FROM_OUTSIDE = frozenset({-1, -2, -9, -15})
"""Exit statuses of HUP, INT, KILL and TERM: somebody ended the child; it did not fall."""
_TAIL_LINES = 20
_TAIL_CHARACTERS = 2000

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_NUMBER = re.compile(r"\+?\d[\d ().-]{6,}\d")
_HOME = re.compile(r"(/Users|/home)/[^/\s'\":]+")


def redact(text: str) -> str:
    """Return the last lines of a program's own chatter without addresses, numbers and home folders."""
    tail = "\n".join(text.splitlines()[-_TAIL_LINES:])[-_TAIL_CHARACTERS:]
    return _HOME.sub("~", _NUMBER.sub("…", _EMAIL.sub("…@…", tail)))


def exited_error(name: str, ending: Ending) -> BackendExited:
    """Say how a child ended."""
    tail = redact(ending.stderr_tail)
    if ending.reason == "line too long":
        message = f"{name} was ended: one line was longer than {ending.max_line_bytes or 0:,} bytes"
        hint = _SMALLER
    elif ending.reason:
        message = f"{name} was ended: {ending.reason}"
        hint = "doctor() checks the program step by step"
    else:
        message = f"{name} {describe_exit(ending.returncode)}"
        hint = _exit_hint(ending.returncode, tail)
    return BackendExited(message, returncode=ending.returncode, stderr_tail=tail, hint=hint)


def _exit_hint(returncode: int | None, tail: str) -> str:
    if returncode in ENDED_FROM_OUTSIDE:
        who = "another program, or a system without memory," if returncode == -signal.SIGKILL else "another program"
        return f"{who} ended it; a reading call can be repeated and starts it again"
    look = "see stderr_tail of this error; " if tail.strip() else ""
    return f"{look}doctor() checks the program step by step"


def describe_exit(returncode: int | None) -> str:
    """Say in words what an exit status means."""
    if returncode is None:
        return "ended"
    if returncode >= 0:
        return f"ended with exit status {returncode}"
    try:
        return f"was ended by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was ended by signal {-returncode}"


def remote_error(method: str, body: protocol.ErrorBody) -> RemoteError:
    """Choose the error class for an error answer."""
    detail = _detail(body.data)
    kind, message, hint = _classify(method, body.code, body.message, detail)
    return kind(message, code=body.code, data=body.data, hint=hint)


def _detail(data: Any) -> str:
    if isinstance(data, dict):
        data = data.get("detail")
    return data if isinstance(data, str) else ""


_Choice = tuple[type[RemoteError], str, str]

_DATABASE_GONE = (
    "does not exist",
    "unable to open database file",
    "file is not a database",
    "no such table",
    "disk I/O error",
)


def _classify(method: str, code: int, title: str, detail: str) -> _Choice:
    if code == protocol.METHOD_NOT_FOUND:
        return (
            MethodNotFound,
            f"the program does not know {method}",
            "probe() lists what it knows; a newer imsg may know more",
        )
    if code == protocol.SERVER_BUSY:
        return ServerBusy, f"{method}: {detail or title}", "try again in a moment"
    if code == protocol.DATABASE_UNAVAILABLE:
        return _database(detail)
    if code == protocol.BRIDGE_UNAVAILABLE:
        return (
            Unsupported,
            f"{method} needs the bridge, which does not run",
            "start it with `imsg launch` (see doctor())",
        )
    if code == protocol.INVALID_PARAMS:
        return _invalid(method, detail or title)
    if code == protocol.INTERNAL_ERROR:
        return _internal(method, title, detail)
    return RemoteError, f"{method}: {title} ({code})", ""


def _invalid(method: str, detail: str) -> _Choice:
    if "poll." in method:  # its words repeat those of the poll
        return InvalidParams, f"{method}: the program refuses the poll or the option", "error.data holds its words"
    if re.search(r"\b(does not exist|not found|unknown chat_id)\b", detail, re.IGNORECASE):
        return NotFound, f"{method}: {detail}", "chats() lists what there is"
    if "unavailable because" in detail:
        return Unsupported, f"{method}: {detail}", "this database is of an older system"
    return InvalidParams, f"{method}: {detail}", ""


def _database(detail: str) -> _Choice:
    if "does not exist" in detail:
        return (
            DatabaseUnavailable,
            "there is no Messages database at that path",
            "check db_path; on a Mac it is ~/Library/Messages/chat.db once Messages was used",
        )
    return (
        DatabaseUnavailable,
        "the Messages database cannot be opened",
        f"check that db_path is a chat.db; on a Mac, {FULL_DISK_ACCESS}",
    )


def _internal(method: str, title: str, detail: str) -> _Choice:
    first = detail.partition("\n")[0]
    if "authorization denied" in first:
        return PermissionDenied, "macOS refuses access to the Messages database", FULL_DISK_ACCESS
    if "database disk image is malformed" in first:
        return DatabaseUnavailable, "the Messages database is damaged or cut short", _COPY_AGAIN
    if "Permission Error" in detail or any(text in first for text in _DATABASE_GONE):
        # The old program prints one and the same banner for a missing file and a forbidden one.
        return (
            DatabaseUnavailable,
            "the Messages database cannot be opened",
            f"check that db_path is there and is a chat.db; on a Mac, {FULL_DISK_ACCESS}",
        )
    if "SQLite.Result error" in detail or "database is locked" in first:
        return (
            DatabaseUnavailable,
            f"{method}: the database did not answer the query",
            "it may be locked, or not be a Messages database; try again, then doctor()",
        )
    if first.startswith("Invalid ISO8601 date"):
        return InvalidParams, f"{method}: a date was not understood", "give an aware datetime or ISO 8601 with a zone"
    if "Not authorized to send Apple events" in detail or "(-1743)" in detail:
        return (
            PermissionDenied,
            "macOS does not let this program control Messages",
            "allow it in System Settings, Privacy & Security, Automation",
        )
    if "requires bridge" in detail or "bridge not ready" in detail:
        return (
            Unsupported,
            f"{method} needs the bridge, which does not run",
            "start it with `imsg launch` (see doctor())",
        )
    return RemoteError, f"{method}: {title}", "error.data holds what the program said"
