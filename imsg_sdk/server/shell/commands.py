"""The commands that are run once: JSON objects line by line, or text for people."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any, Final, NamedTuple

import msgspec

from imsg_sdk._time import us_to_apple_ns
from imsg_sdk.server.dialect import PROGRAM_VERSIONS, Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.methods.mutations import Mutations
from imsg_sdk.server.methods.reads import Reads
from imsg_sdk.server.methods.watcher import Watcher
from imsg_sdk.server.paths import home
from imsg_sdk.server.requests import tables
from imsg_sdk.server.requests.bounds import read_bound, stored_bound
from imsg_sdk.server.requests.envelope import Request
from imsg_sdk.server.requests.output import Writer
from imsg_sdk.server.senders import NoMessages, Senders
from imsg_sdk.server.shell.argv import COMMANDS, Invocation, UsageError
from imsg_sdk.server.shell.help import BRIDGE_HINT, permission_banner, status_text
from imsg_sdk.server.source import DatabaseFile
from imsg_sdk.server.store.store import OpenFailed, Store, StoreError, WatchView
from imsg_sdk.wire import WireAttachment, WireMessage

__all__ = ["run"]

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_encode: Final = msgspec.json.Encoder().encode


class _Job(NamedTuple):
    """One command to run: what was asked for, on which file."""

    asked: Invocation
    path: str
    writer: Writer
    senders: Senders

    @property
    def wants_json(self) -> bool:
        """Whether objects are wanted instead of text."""
        return self.asked.flag("json")

    def source(self) -> DatabaseFile:
        """Return the file for parts that open it themselves."""
        return DatabaseFile(self.path, dialect=self.asked.dialect, extended=self.asked.extended, home=home())

    def store(self) -> Store:
        """Open the file."""
        return Store.open(self.path, dialect=self.asked.dialect, extended=self.asked.extended, home=home())


def run(asked: Invocation, path: str, writer: Writer, senders: Senders | None = None) -> int:
    """Run the command and return its exit status; without `senders` there is no Messages.

    Raises
    ------
    UsageError
        It failed; the text is for the standard output, and the status is 1.
    """
    command = COMMANDS[asked.command or ""]
    job = _Job(asked, path, writer, senders or NoMessages(asked.dialect))
    _require(command.name, asked)
    try:
        for lines in _COMMANDS[command.name](job):
            writer.write(lines)
    except RpcError as error:
        raise UsageError(error.data if isinstance(error.data, str) else error.data["detail"]) from None
    except OpenFailed as failed:
        raise UsageError(failed.text + permission_banner(path)) from None
    except StoreError as failed:
        raise UsageError(failed.text) from None
    return 0


def _require(name: str, asked: Invocation) -> None:
    for option in COMMANDS[name].options:
        is_number = option.key == "chat-id"
        value = asked.integer(option.key) if is_number else asked.text(option.key)
        if option.is_required and value in (None, ""):
            raise UsageError(f"Missing required option: --{option.key}")


def _chats(job: _Job) -> Iterator[bytes]:
    limit = job.asked.integer("limit", 20) or 0
    with closing(job.store()) as store:
        unread_only = job.asked.flag("unread-only")
        if unread_only and not store.has_read_state:
            raise UsageError(tables.NO_READ_STATE)
        chats = store.chats(limit, unread_only=unread_only, full=True) if limit > 0 else []
    if job.wants_json:
        yield _json_lines(chats)
    else:
        yield _text_lines(f"[{chat.id}] {chat.name} ({chat.identifier}) last={chat.last_message_at}" for chat in chats)


def _group(job: _Job) -> Iterator[bytes]:
    chat_id = job.asked.integer("chat-id") or 0
    with closing(job.store()) as store:
        group = store.group(chat_id)
    if group is None:
        raise UsageError(f"Chat not found: {chat_id}")
    if job.wants_json:
        yield _json_lines([group])
        return
    values = msgspec.to_builtins(group)
    keys = ("id", "identifier", "guid", "name", "service", "account_id", "account_login", "last_addressed_handle")
    lines = [f"{key}: {values[key]}" for key in keys if key in values]
    lines += [f"is_group: {str(group.is_group).lower()}", "participants:"]
    yield _text_lines([*lines, *(f"  - {handle}" for handle in group.participants)])


def _history(job: _Job) -> Iterator[bytes]:
    limit = job.asked.integer("limit", 50) or 0
    start, end = (stored_bound(job.asked.text(key), job.asked.dialect) for key in ("start", "end"))
    with closing(job.store()) as store:
        messages = (
            store.history(
                job.asked.integer("chat-id") or 0,
                limit,
                participants=job.asked.texts("participants"),
                start_ns=start,
                end_ns=end,
                attachments=job.wants_json or job.asked.flag("attachments"),
            )
            if limit > 0
            else []
        )
    yield _messages(job, messages)


def _search(job: _Job) -> Iterator[bytes]:
    match = job.asked.text("match") or "contains"
    if match not in ("contains", "exact"):
        raise UsageError("Invalid value for option: --match")
    limit = job.asked.integer("limit", 50) or 0
    with closing(job.store()) as store:
        found = store.search(job.asked.text("query") or "", exact=match == "exact", limit=limit) if limit > 0 else []
    yield _messages(job, found)


def _watch(job: _Job) -> Iterator[bytes]:
    asked = job.asked
    view = WatchView(
        chat_id=asked.integer("chat-id"),
        include_reactions=asked.flag("reactions"),
        attachments=job.wants_json or asked.flag("attachments"),
        participants=tuple(asked.texts("participants")),
        start_ns=read_bound(asked.text("start"), asked.dialect),
        end_ns=read_bound(asked.text("end"), asked.dialect),
    )
    debounce_s = _duration(asked.text("debounce"))
    job.store().close()  # one that cannot be opened has its own text
    printer = _Printer(job)
    watcher = Watcher(job.source(), printer)
    watcher.start(watcher.open(view, asked.integer("since-rowid"), debounce_s))
    printer.ended.wait()
    yield f"{printer.reason}\n".encode()
    raise SystemExit(1)


def _duration(text: str | None) -> float:
    if text is None:
        return 0.0
    number = text.rstrip("smh")
    unit = text[len(number) :]
    if unit not in _UNITS or not number.replace(".", "", 1).isdecimal() or not number.isascii():
        raise UsageError("Invalid value for option: --debounce")
    return float(number) * _UNITS[unit]


class _Printer:
    """Prints what the one subscription of ``watch`` sees."""

    def __init__(self, job: _Job) -> None:
        self._job = job
        self.ended = threading.Event()
        self.reason = ""

    def messages(self, number: int, messages: list[WireMessage]) -> None:
        self._job.writer.write(_messages(self._job, messages))

    def failed(self, number: int, text: str) -> None:
        self.reason = text
        self.ended.set()


def _stats(job: _Job) -> Iterator[bytes]:
    from imsg_sdk.server.shell.stats_text import stats_lines

    asked = job.asked
    if asked.text("chat-id") is not None and asked.integer("chat-id") is None:
        raise UsageError("Invalid value for option: --chat-id")
    params = {"chat_id": asked.integer("chat-id"), "time_zone": asked.text("time-zone")}
    given = {key: value for key, value in params.items() if value is not None}
    job.store().close()
    with closing(job.source()) as source:
        reads = Reads(source, dialect=asked.dialect, extended=False, senders=job.senders)
        request = Request(1, "messages.stats", given | {"include_media": asked.flag("media")})
        result = reads.call(request)
    yield _json_lines([result]) if job.wants_json else _text_lines(stats_lines(result))


def _scheduled(job: _Job) -> Iterator[bytes]:
    asked = job.asked
    if not asked.arguments:
        raise UsageError("Missing argument: action")
    if asked.arguments[0] != "list":
        raise UsageError("Invalid value for option: --action")
    limit = asked.integer("limit", 50 if asked.text("limit") is None else 0) or 0
    if limit <= 0:
        raise UsageError("Invalid value for option: --limit")
    with closing(job.store()) as store:
        if not store.has_schedule:
            raise UsageError(tables.NO_SCHEDULE)
        waiting = store.scheduled(limit, us_to_apple_ns(time.time_ns() // 1000))
    if job.wants_json:
        yield _json_lines(waiting)
    else:
        yield _text_lines(f"{one['scheduled_at']} {one['guid']} [{one['chat_id']}] {one['text']}" for one in waiting)


def _send(job: _Job) -> Iterator[bytes]:
    asked = job.asked
    keys = ("to", "chat-id", "chat-identifier", "chat-guid", "text", "file", "service", "region")
    params: dict[str, Any] = {key.replace("-", "_"): asked.text(key) for key in keys if asked.text(key) is not None}
    if "chat_id" in params:
        params["chat_id"] = asked.integer("chat-id")
    if not any(params.get(key) for key in ("to", "chat_id", "chat_identifier", "chat_guid")):
        raise UsageError("Missing required option: --to")
    source = job.source()
    if asked.dialect is Dialect.LEGACY:
        source.open_first()
    with closing(source):
        Mutations(source, dialect=asked.dialect, senders=job.senders).call(Request(1, "send", params))
    yield _json_lines([{"status": "sent"}]) if job.wants_json else b"sent\n"


def _status(job: _Job) -> Iterator[bytes]:
    if not job.wants_json:
        yield status_text(job.asked.dialect).encode()
        return
    answer = {
        "version": PROGRAM_VERSIONS[job.asked.dialect],
        "basic_features": True,
        "advanced_features": False,
        "typing_indicators": False,
        "read_receipts": False,
        "sip": "unknown",
        "message": BRIDGE_HINT,
        "bridge_version": 0,
        "v2_ready": False,
        "selectors": {},
        "rpc_methods": tables.SUPPORTED[job.asked.dialect],
    }
    yield _json_lines([answer])


_COMMANDS: Final[dict[str, Callable[[_Job], Iterator[bytes]]]] = {
    "chats": _chats,
    "group": _group,
    "history": _history,
    "search": _search,
    "watch": _watch,
    "stats": _stats,
    "scheduled": _scheduled,
    "send": _send,
    "status": _status,
}


def _messages(job: _Job, messages: list[WireMessage]) -> bytes:
    if job.wants_json:
        return _json_lines(messages).replace(b"/", b"\\/")
    return _text_lines(line for message in messages for line in _message_lines(job, message))


def _message_lines(job: _Job, message: WireMessage) -> Iterator[str]:
    direction = "sent" if message.is_from_me else "recv"
    text = message.text if isinstance(message.poll, msgspec.UnsetType) else _poll_text(message.poll, message.sender)
    yield f"{message.created_at} [{direction}] {message.sender}: {text}"
    if job.asked.flag("attachments"):
        yield from map(_attachment_line, message.attachments)


def _attachment_line(file: WireAttachment) -> str:
    name = file.transfer_name or file.filename or "unnamed"
    missing = " missing" if file.missing else ""
    return f"  attachment: {name} ({file.mime_type or file.uti or 'unknown'}, {file.total_bytes} bytes{missing})"


def _poll_text(poll: dict[str, Any], sender: str) -> str:
    match poll["kind"]:
        case "created":
            options = " / ".join(option["text"] for option in poll.get("options", ()))
            return f"[poll created] {poll.get('question') or 'poll'}: {options}"
        case "vote":
            votes = poll.get("votes", ())
            if not votes:
                return "[poll vote] no options selected"
            chosen = ", ".join(vote.get("option_text") or vote["option_id"] for vote in votes)
            return f"[poll vote] {votes[0].get('participant') or sender} selected {chosen}"
    return "[poll unknown]"


def _json_lines(objects: Iterable[Any]) -> bytes:
    return b"".join(_encode(one) + b"\n" for one in objects)


def _text_lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
