"""``watch``: messages as they arrive, a line each, from where the last run stopped."""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imsg_sdk.cli import rows
from imsg_sdk.cli.endings import ended_by_terminate
from imsg_sdk.cli.files import file_at
from imsg_sdk.cli.reading import Commands, add_chat_and_writer, count, new_command
from imsg_sdk.cli.source import add_source_options, open_client
from imsg_sdk.cli.terminal import Style, safe
from imsg_sdk.errors import ConfigError, CursorMismatch, InvalidParams
from imsg_sdk.jsonlines import on_one_line

if TYPE_CHECKING:
    from imsg_sdk import IMessageClient, Message, Watch

__all__ = ["add_watch"]

_TURN_S = 1.0
"""How often an idle watch looks whether its reader is still there."""
_CHATTER = {"others": "friendly", "chatter": [{"every": [2, 8]}]}
"""People of a make-believe history who write by themselves, or there would be nothing to watch."""
_AT_ONCE = 100
_KEEP_S = 0.2


def add_watch(commands: Commands) -> None:
    """Add the command ``watch``."""
    parser = new_command(
        commands,
        "watch",
        "show messages as they arrive, until Ctrl-C",
        "  imsg-sdk watch\n"
        "  imsg-sdk watch --chat +15551234567 --from-others\n"
        "  imsg-sdk watch --json --cursor-file ~/.imsg-cursor | while read -r line; do …; done\n"
        "  imsg-sdk watch --cursor-file ~/.imsg-cursor --idle 2  # what came since the last time",
    )
    _add_choice(parser)
    _add_start(parser)
    parser.add_argument("--limit", type=count, metavar="N", help="end after N messages")
    parser.add_argument("--idle", type=_seconds, metavar="SECONDS", help="end when nothing came for so long")
    add_source_options(parser)
    parser.set_defaults(run=_watch)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which messages")
    add_chat_and_writer(group)
    group.add_argument("--reactions", action="store_true", help="tapbacks too")


def _add_start(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where to start (default: now)")
    start = group.add_mutually_exclusive_group()
    start.add_argument("--since", type=rows.instant, metavar="TIME", help="messages of then and later: 2026-03-01, 2h")
    start.add_argument(
        "--since-rowid", type=_rowid, metavar="N", help="messages behind this row; 0 is before the first"
    )
    start.add_argument(
        "--since-cursor", metavar="CURSOR", help="behind the message that --json printed this cursor with"
    )
    group.add_argument(
        "--cursor-file",
        type=Path,
        metavar="FILE",
        help="go on from the cursor in this file, and keep it there; the options above count while there is none",
    )


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(text)) < 1e9:
            return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")


def _rowid(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is no row: a whole number of at least 0")
    return int(text)


def _watch(arguments: argparse.Namespace) -> int:
    kept = None if arguments.cursor_file is None else _read_cursor(arguments.cursor_file)
    try:
        with (
            ended_by_terminate(),
            open_client(arguments, people=_CHATTER) as client,
            _opened(client, arguments, kept) as watch,
        ):
            if sys.stderr.isatty() and not arguments.json:
                print("watching; Ctrl-C ends it", file=sys.stderr)
            return _Printer(watch, arguments).run()
    except CursorMismatch as error:
        if kept is not None:
            error.hint = f"delete {arguments.cursor_file} to begin anew, or name another --cursor-file"
        raise


def _opened(client: IMessageClient, arguments: argparse.Namespace, kept: str | None) -> Watch:
    since = arguments.since_cursor or arguments.since
    if arguments.since_rowid is not None:
        since = arguments.since_rowid
    return client.watch(
        arguments.chat,
        since=kept or since,
        participants=arguments.participants,
        from_me=arguments.from_me,
        include_reactions=arguments.reactions,
    )


def _read_cursor(path: Path) -> str | None:
    """Return the cursor in a file, None while there is none; that it can be kept there is seen before anything else.

    Raises
    ------
    ConfigError
        The file holds something else, or has no place.
    """
    from imsg_sdk.client.watching.cursor import decode_cursor

    place = path.expanduser()
    if place.is_dir() or not Path(os.path.realpath(place)).parent.is_dir():
        what = "is a folder" if place.is_dir() else "lies in a folder that is not there"
        raise ConfigError(f"{path} {what}", path="--cursor-file", hint="name a file in a folder that is there")
    try:
        text = place.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    try:
        if text:
            decode_cursor(text)
    except InvalidParams:
        hint = "delete it to begin anew, or name another file"
        raise ConfigError(f"{path} holds no cursor", path="--cursor-file", hint=hint) from None
    return text or None


class _Printer:
    """Prints what comes and keeps the cursor behind what is printed."""

    def __init__(self, watch: Watch, arguments: argparse.Namespace) -> None:
        self._watch = watch
        self._options = arguments
        self._style = Style.of(sys.stdout)
        self._left: int | None = arguments.limit
        self._printed = watch.cursor
        self._kept: str | None = None
        self._told: str | None = None

    def run(self) -> int:
        """Print until the limit, the end of patience, or the end of the reader."""
        try:
            return self._run()
        finally:
            self._keep()

    def _run(self) -> int:
        heard = kept = time.monotonic()
        while self._left is None or self._left > 0:
            at_once = _AT_ONCE if self._left is None else min(self._left, _AT_ONCE)
            # A line of JSON has its own cursor, so those come one by one.
            messages = self._watch.get_many(1 if self._options.json else at_once, self._turn_s(heard))
            now = time.monotonic()
            if messages:
                heard = now
                self._print(messages)
            elif _is_reader_gone():
                return 0
            self._printed = self._watch.cursor
            if not messages or now - kept >= _KEEP_S:
                self._keep()
                kept = now
            self._tell_of_trouble()
            if self._options.idle is not None and now - heard >= self._options.idle:
                return 0
        return 0

    def _turn_s(self, heard: float) -> float:
        idle = self._options.idle
        return _TURN_S if idle is None else min(max(heard + idle - time.monotonic(), 0.001), _TURN_S)

    def _print(self, messages: list[Message]) -> None:
        for message in messages:
            row = _row(message)
            print(_json_line(row, self._watch.cursor) if self._options.json else self._line(message, row))
        sys.stdout.flush()
        if self._left is not None:
            self._left -= len(messages)

    def _line(self, message: Message, row: dict[str, Any]) -> str:
        chat = "" if self._options.chat and len(self._options.chat) == 1 else message.chat_name or ""
        name = "me" if message.is_from_me else message.sender_name or message.sender or "unknown"
        head = [rows.local_time(message.created_at, "%Y-%m-%d %H:%M:%S"), *([safe(chat)] if chat else []), safe(name)]
        return self._style.dim("  ".join(head) + "  ") + rows.said(row)

    def _keep(self) -> None:
        path: Path | None = self._options.cursor_file
        if path is not None and self._printed != self._kept:
            with file_at(path.expanduser()) as file:
                file.write(f"{self._printed}\n".encode("ascii"))
            self._kept = self._printed

    def _tell_of_trouble(self) -> None:
        status = self._watch.status()
        error = None if status.failing_since is None else status.last_error
        if error is not None and error != self._told:
            print(f"imsg-sdk: {error}; trying again", file=sys.stderr)
        self._told = error


def _row(message: Message) -> dict[str, Any]:
    from imsg_sdk.columns import MESSAGES

    return {column.name: getattr(message, column.name) for column in MESSAGES.columns}


def _json_line(row: dict[str, Any], cursor: str) -> str:
    """Return a message as ``messages --json`` prints it, and its cursor."""
    import msgspec

    values = {name: _plain(value) for name, value in row.items()}
    return on_one_line(msgspec.json.encode({**values, "cursor": cursor}).decode())


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value


def _is_reader_gone() -> bool:
    """Tell whether nobody reads the pipe any more, which printing alone would show too late."""
    if not hasattr(select, "poll"):
        return False
    waiting = select.poll()
    try:
        waiting.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):
        return False
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in waiting.poll(0))
