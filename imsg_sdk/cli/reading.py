"""``chats``, ``messages`` and ``search``: what is there, as a table or as JSON lines."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imsg_sdk.cli import rows, terminal
from imsg_sdk.cli.source import add_source_options, open_client
from imsg_sdk.cli.terminal import Cells, Style, safe

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["add_chat_and_writer", "add_chats", "add_filters", "add_messages", "add_search", "filters_of"]

Commands = Any
"""What ``add_subparsers`` returns; argparse has no public name for it."""


def new_command(commands: Commands, name: str, text: str, examples: str) -> argparse.ArgumentParser:
    """Add a command with its help, examples and ``--json``."""
    parser = _added(commands, name, text, examples)
    parser.add_argument("--json", action="store_true", help="JSON for programs, one object per line")
    return parser


def new_group(commands: Commands, name: str, text: str, examples: str) -> Commands:
    """Add a command that has commands of its own, and return what takes these."""
    parser = _added(commands, name, text, examples)
    return parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND", title="commands")


def _added(commands: Commands, name: str, text: str, examples: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=f"{text[:1].upper()}{text[1:]}.",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def count(text: str) -> int | None:
    """Read a number of rows on the command line; ``all`` is every one."""
    if text == "all":
        return None
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number above 0 nor all")
    return int(text)


def words(text: str) -> str:
    """Read what to look for on the command line."""
    if not text.strip():
        raise argparse.ArgumentTypeError("there is nothing to look for")
    return text


def add_chat_and_writer(group: argparse._ArgumentGroup) -> None:
    """Add the options that choose messages by where they stand and who wrote them."""
    group.add_argument(
        "--chat",
        type=rows.target,
        action="append",
        metavar="TARGET",
        help="chat id, name, guid or handle, as the table of chats shows them; repeatable",
    )
    group.add_argument("--from", dest="participants", action="append", metavar="HANDLE", help="written by; repeatable")
    mine = group.add_mutually_exclusive_group()
    mine.add_argument("--from-me", action="store_true", default=None, help="own messages only")
    mine.add_argument("--from-others", dest="from_me", action="store_false", help="other people's messages only")


def add_filters(parser: argparse.ArgumentParser, *, limit: int | None, by_text: bool = True) -> None:
    """Add the options that choose messages."""
    group = parser.add_argument_group(
        "which messages", "times without a zone are those of this machine, as in the tables (TZ sets the zone)"
    )
    add_chat_and_writer(group)
    group.add_argument("--since", type=rows.instant, metavar="TIME", help="from then on: 2026-03-01, or an age: 7d")
    group.add_argument("--until", type=rows.instant, metavar="TIME", help="before then")
    if by_text:
        group.add_argument("--text", type=words, metavar="WORDS", help="that hold these words, in any case")
    group.add_argument(
        "--limit", type=count, default=limit, metavar="N", help=f"the newest N, or all (default {limit or 'all'})"
    )


def filters_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the filters as keywords of the client's methods."""
    names = ("since", "until", "participants", "from_me", "text", "limit")
    return {"chat": arguments.chat, **{name: getattr(arguments, name) for name in names}}


def print_frame_as_json(frame: pd.DataFrame) -> None:
    """Print a frame as JSON lines in UTF-8, whatever the terminal's encoding."""
    from imsg_sdk.frames.export import write_jsonl

    sys.stdout.flush()
    write_jsonl(frame, sys.stdout.buffer)


def print_table(columns: Sequence[Cells]) -> None:
    """Print a table as wide as the terminal."""
    style, total = Style.of(sys.stdout), terminal.columns_of(sys.stdout)
    print("\n".join(terminal.table(columns, style=style, total=total)))


def found(frame: pd.DataFrame, nothing: str) -> int:
    """Return the exit code of an answer, and say on stderr where it is empty."""
    if not frame.empty:
        return 0
    print(nothing, file=sys.stderr)
    return 1


# chats


def add_chats(commands: Commands) -> None:
    """Add the command ``chats``."""
    parser = new_command(
        commands,
        "chats",
        "list chats, the most recent first; exit code 1 if there is none",
        "  imsg-sdk chats --limit 10\n  imsg-sdk chats --unread --json\n  imsg-sdk chats --db ~/copy/chat.db",
    )
    parser.add_argument("--limit", type=count, default=30, metavar="N", help="at most N, or all (default 30)")
    parser.add_argument("--unread", action="store_true", help="only chats with unread messages")
    add_source_options(parser)
    parser.set_defaults(run=_chats)


def _chats(arguments: argparse.Namespace) -> int:
    with open_client(arguments) as client:
        frame = client.chats(limit=arguments.limit, unread_only=arguments.unread)
    if arguments.json:
        print_frame_as_json(frame)
    elif not frame.empty:
        print_table(chat_cells(rows.rows_of(frame)))
    return found(frame, "no chats")


def chat_cells(chats: Sequence[rows.Row]) -> list[Cells]:
    """Return the columns of the table of chats."""
    return [
        Cells("id", [str(chat["chat_id"]) for chat in chats], right=True),
        Cells("chat", [str(chat["name"] or chat["identifier"] or "") for chat in chats], stretch=True),
        Cells("people", [str(chat["n_participants"]) for chat in chats], right=True),
        Cells("service", [str(chat["service"] or "") for chat in chats]),
        Cells("unread", [str(chat["unread_count"] or "") for chat in chats], right=True),
        Cells("last message, local time", [rows.local_time(chat["last_message_at"]) for chat in chats]),
    ]


# messages


def add_messages(commands: Commands) -> None:
    """Add the command ``messages``."""
    parser = new_command(
        commands,
        "messages",
        "show messages, oldest first; exit code 1 if there is none",
        "  imsg-sdk messages --limit 20\n"
        "  imsg-sdk messages --chat +15551234567 --since 7d\n"
        "  imsg-sdk messages --chat chat_id:12 --text train --limit all --json",
    )
    add_filters(parser, limit=50)
    add_source_options(parser)
    parser.set_defaults(run=_messages)


def _messages(arguments: argparse.Namespace) -> int:
    with open_client(arguments) as client:
        frame = client.messages(**filters_of(arguments))
        names = {} if arguments.json or frame.empty else rows.names_of(client.chats())
    if arguments.json:
        print_frame_as_json(frame)
    elif not frame.empty:
        print_table(message_cells(rows.rows_of(frame), names))
    return found(frame, "no messages")


def message_cells(messages: Sequence[rows.Row], names: Mapping[str, str]) -> list[Cells]:
    """Return the columns of a table of messages; the chat is named only where there are several."""
    identifiers = [str(message["chat_identifier"] or "") for message in messages]
    chats = [
        names.get(identifier) or str(message["chat_name"] or identifier)
        for identifier, message in zip(identifiers, messages, strict=True)
    ]
    return [
        Cells("local time", [rows.local_time(message["created_at"]) for message in messages]),
        *([Cells("chat", chats, most=22)] if len(set(chats)) > 1 else []),
        Cells("from", [rows.who(message, names) for message in messages], most=22),
        Cells("text", [rows.said(message, names) for message in messages], most=10_000, stretch=True),
    ]


# search


def add_search(commands: Commands) -> None:
    """Add the command ``search``."""
    parser = new_command(
        commands,
        "search",
        "find messages by their text; exit code 1 if there is none",
        "  imsg-sdk search train\n"
        '  imsg-sdk search "good night" --limit 5 --json\n'
        '  imsg-sdk search train --chat "Sunday lunch" --since 90d\n'
        "  imsg-sdk search train --sandbox",
    )
    parser.add_argument("text", type=words, metavar="TEXT", help="what to look for, in any case")
    add_filters(parser, limit=50, by_text=False)
    add_source_options(parser)
    parser.set_defaults(run=_search)


def _search(arguments: argparse.Namespace) -> int:
    with open_client(arguments) as client:
        wanted = filters_of(arguments)
        if all(wanted[name] is None for name in wanted if name not in ("text", "limit")):
            frame = client.search(arguments.text, limit=arguments.limit)
        else:
            frame = client.messages(**wanted)
        names = {} if arguments.json or frame.empty else rows.names_of(client.chats())
    if arguments.json:
        print_frame_as_json(frame)
    elif not frame.empty:
        print("\n".join(hit_lines(rows.rows_of(frame), arguments.text, style=Style.of(sys.stdout), names=names)))
    return found(frame, "nothing found")


def hit_lines(hits: Sequence[rows.Row], text: str, *, style: Style, names: dict[str, str] | None = None) -> list[str]:
    """Return one line per hit: when, who, and the text around the place."""
    columns = terminal.columns_of(sys.stdout)
    lines = []
    for hit in hits:
        head = f"{rows.local_time(hit['created_at'])}  {terminal.pad(safe(rows.who(hit, names)), 16)}  "
        lines.append(style.dim(head) + marked(rows.said(hit, names), text, columns - terminal.width(head), style))
    return lines


def marked(said: str, text: str, room: int, style: Style) -> str:
    """Cut `said` to `room` around the first place of `text`, and mark the place."""
    place = re.search(re.escape(safe(text)), said, re.IGNORECASE)
    if place is None:
        return terminal.fit(said, room)
    lead = max(0, place.start() - max(room // 3, 8)) if terminal.width(said) > room else 0
    before = ("…" if lead else "") + said[lead : place.start()]
    rest = terminal.fit(said[place.end() :], max(room - terminal.width(before) - terminal.width(place[0]), 1))
    return before + style.bold(style.yellow(place[0])) + rest
