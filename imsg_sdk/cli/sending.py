"""``send`` and ``send-many``: whom it goes to and what goes out, and only with ``--yes`` it does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imsg_sdk.cli import rows, terminal
from imsg_sdk.cli.endings import ended_by_terminate
from imsg_sdk.cli.lists import read_list, recipient
from imsg_sdk.cli.reading import Commands, new_command, print_frame_as_json, print_table
from imsg_sdk.cli.source import add_source_options, open_client
from imsg_sdk.cli.terminal import Cells, safe
from imsg_sdk.errors import ConfigError, ImsgError
from imsg_sdk.models import SendState

if TYPE_CHECKING:
    import pandas as pd

    from imsg_sdk import IMessageClient
    from imsg_sdk.models import Chat, SendResult

__all__ = ["add_send", "add_send_many"]

_NOTHING_SENT = "nothing was sent: add --yes to send it"
_GONE_OUT = ("observed", "accepted")
_LONGEST_LINE = 200


# ---- send ------------------------------------------------------------------------------------------------------------


def add_send(commands: Commands) -> None:
    """Add the command ``send``."""
    parser = new_command(
        commands,
        "send",
        "show whom a message goes to and what goes out; with --yes, send it",
        '  imsg-sdk send +15551234567 "On my way"\n'
        '  imsg-sdk send 12 "On my way" --yes\n'
        "  imsg-sdk send chat_id:12 --file photo.jpg --yes --json\n"
        '  imsg-sdk send 2 "hello" --sandbox --yes',
    )
    parser.add_argument(
        "target", type=recipient, metavar="TARGET", help="chat id, chat_guid:…, chat_identifier:… or exact handle"
    )
    parser.add_argument("text", nargs="?", metavar="TEXT", help="what to write; - reads it from standard input")
    parser.add_argument("--file", metavar="PATH", help="a file to send, after the text")
    parser.add_argument("--service", choices=("imessage", "sms", "auto"), help="where a handle has several chats")
    parser.add_argument("--yes", action="store_true", help="send it; without, nothing leaves this machine")
    add_source_options(parser)
    parser.set_defaults(run=_send)


def _send(arguments: argparse.Namespace) -> int:
    text = sys.stdin.read().removesuffix("\n") if arguments.text == "-" else arguments.text
    if text is None and arguments.file is None:
        raise ConfigError("there is neither TEXT nor --file", hint='imsg-sdk send 12 "On my way"')
    with ended_by_terminate(), open_client(arguments) as client:
        result = client.send(
            arguments.target, text, file=arguments.file, service=arguments.service, dry_run=not arguments.yes
        )
        chat = _chat_of(client, result)
    if arguments.json:
        known = {name: getattr(result, name) for name in ("chat_id", "guid", "rowid", "service", "transport")}
        rows.write_json({"state": str(result.state), **known, "n_messages": max(len(result.parts), 1)})
    elif arguments.yes:
        seen = "it stands in the chat" if result.state == "observed" else "Messages took it; it was not seen yet"
        print(f"sent to {_whom(chat, arguments.target, result.chat_id)}: {seen}")
    else:
        _show_plan(result, _whom(chat, arguments.target, result.chat_id), text, arguments.file)
    if not arguments.yes:
        print(_NOTHING_SENT, file=sys.stderr)
    return 0


def _chat_of(client: IMessageClient, result: SendResult) -> Chat | None:
    """Return the chat of a message, for showing; a message that went out must be told whatever fails now."""
    if result.chat_id is None:
        return None
    try:
        return client.chat(result.chat_id)
    except ImsgError:
        if result.state == SendState.PLANNED:
            raise
        return None


def _whom(chat: Chat | None, target: int | str, chat_id: int | None) -> str:
    if chat is None:
        return f"chat {chat_id}" if chat_id is not None else f"{safe(str(target))} (a new chat)"
    name = safe(chat.name or chat.identifier or "no name")
    kind = f"group of {chat.n_participants}" if chat.is_group or chat.n_participants > 1 else "direct"
    return f"{name} (chat {chat.chat_id}, {chat.service or 'no service'}, {kind})"


def _show_plan(result: SendResult, whom: str, text: str | None, file: str | None) -> None:
    print(f"to:    {whom}")
    if text:
        print(f"text:  {terminal.fit(safe(text), _LONGEST_LINE)}")
    if file:
        print(f"file:  {safe(file)} ({Path(file).expanduser().stat().st_size:,} bytes)")
    if len(result.parts) > 1:
        print(f"in:    {len(result.parts)} messages")


# ---- send-many -------------------------------------------------------------------------------------------------------


def add_send_many(commands: Commands) -> None:
    """Add the command ``send-many``."""
    parser = new_command(
        commands,
        "send-many",
        "show what a list of messages would do; with --yes, send it, each message once however often it is run",
        "  imsg-sdk send-many invitations.csv\n"
        "  imsg-sdk send-many invitations.csv --yes\n"
        "  imsg-sdk send-many people.csv --target phone --text message --per-minute 5 --yes",
    )
    parser.add_argument("list", type=Path, metavar="FILE", help="CSV in UTF-8 with a line of column names, or .jsonl")
    columns = parser.add_argument_group("columns of the list")
    for name, text in (
        ("target", "whom: a chat id, a target or an exact handle"),
        ("text", "what to write"),
        ("file", "path of a file to send"),
        ("service", "imessage or sms"),
    ):
        columns.add_argument(f"--{name}", default=name, metavar="COLUMN", help=f"{text} (default {name})")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="remembers who got what (default FILE.ledger)")
    parser.add_argument("--per-minute", type=float, default=20, metavar="N", help="most messages a minute (default 20)")
    parser.add_argument("--yes", action="store_true", help="send it; without, nothing leaves this machine")
    add_source_options(parser)
    parser.set_defaults(run=_send_many)


def _send_many(arguments: argparse.Namespace) -> int:
    names = {name: getattr(arguments, name) for name in ("target", "text", "file", "service")}
    messages = read_list(arguments.list, names["target"])
    ledger = arguments.ledger or arguments.list.with_name(f"{arguments.list.name}.ledger")
    with ended_by_terminate(), open_client(arguments) as client:
        frame = client.send_many(
            messages, **names, dry_run=not arguments.yes, ledger=ledger, per_minute=arguments.per_minute
        )
    if arguments.json:
        print_frame_as_json(frame)
    elif not frame.empty:
        print_table(sends_cells(rows.rows_of(frame)))
    return _concluded(frame, is_dry=not arguments.yes)


def sends_cells(sends: Sequence[rows.Row]) -> list[Cells]:
    """Return the columns of the table of a list."""
    return [
        Cells("row", [str(row["row"]) for row in sends], right=True),
        Cells("to", [safe(_recipient(row)) for row in sends], most=28),
        Cells("chat", [str(row["chat_id"] or "") for row in sends], right=True),
        Cells("people", [str(row["n_people"] or "") for row in sends], right=True),
        Cells("parts", [str(row["n_parts"] or "") for row in sends], right=True),
        Cells("state", [_state(row) for row in sends]),
        Cells("problem", [safe(row["problem"] or "") for row in sends], most=10_000, stretch=True),
    ]


def _recipient(row: rows.Row) -> str:
    return str(row["chat_name"] or row["recipient"] or row["target"] or "?")


def _state(row: rows.Row) -> str:
    return f"{row['state']}, before" if row["was_sent_before"] else str(row["state"])


def _concluded(frame: pd.DataFrame, *, is_dry: bool) -> int:
    counts = frame.state.astype(str).value_counts().to_dict()
    told = ", ".join(f"{number} {state}" for state, number in counts.items()) or "an empty list"
    print(f"{told}{'; ' + _NOTHING_SENT if is_dry else ''}", file=sys.stderr)
    good = {"planned", "skipped", *_GONE_OUT}
    return 0 if counts and set(counts) <= good else 1
