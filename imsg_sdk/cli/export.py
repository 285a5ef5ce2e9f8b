"""``export``: a whole table into a file, or into a pipe."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imsg_sdk.cli import reading, rows
from imsg_sdk.cli.files import file_at
from imsg_sdk.cli.source import add_source_options, open_client

if TYPE_CHECKING:
    import pandas as pd

    from imsg_sdk import IMessageClient

__all__ = ["add"]

TABLES = ("messages", "chats", "participants", "attachments", "reactions", "edits")
FORMATS = ("csv", "jsonl")


def add(commands: reading.Commands) -> None:
    """Add the command ``export``."""
    parser = reading.new_command(
        commands,
        "export",
        "write a whole table as CSV or JSON lines",
        "  imsg-sdk export messages --out messages.csv\n"
        "  imsg-sdk export messages --since 365d --format jsonl | gzip > year.jsonl.gz\n"
        "  imsg-sdk export attachments --db chat.db --out files.csv --spreadsheet",
    )
    parser.add_argument("table", choices=TABLES, help="what to write")
    parser.add_argument("--out", default="-", metavar="FILE", help="where to; - is standard output (default)")
    parser.add_argument("--format", choices=FORMATS, help="default: by the name of the file, else csv")
    parser.add_argument(
        "--spreadsheet", action="store_true", help="CSV that is safe to open in Excel: no text runs as a formula"
    )
    reading.add_filters(parser, limit=None)
    add_source_options(parser)
    parser.set_defaults(run=_export, refuse=parser.error)


def _export(arguments: argparse.Namespace) -> int:
    _check_filters(arguments)
    chosen = arguments.format or _format_of(arguments)
    if arguments.spreadsheet and chosen != "csv":
        arguments.refuse("--spreadsheet is for CSV")
    with open_client(arguments) as client:
        frame = _read(client, arguments)
    if arguments.out == "-":
        sys.stdout.flush()
        _write(frame, sys.stdout.buffer, chosen, arguments)
        return 0
    with file_at(Path(arguments.out)) as file:
        _write(frame, file, chosen, arguments)
    if arguments.json:
        rows.write_json({"table": arguments.table, "rows": len(frame), "format": chosen, "path": arguments.out})
    else:
        print(f"{len(frame):,} {arguments.table} → {arguments.out}", file=sys.stderr)
    return 0


_FILTERS = {"chats": ("limit",), "participants": ("chat",)}
"""Of the filters, those that a table takes; the others take all."""


def _check_filters(arguments: argparse.Namespace) -> None:
    taken = _FILTERS.get(arguments.table)
    given = [name for name, value in reading.filters_of(arguments).items() if value is not None]
    if taken is not None and not set(given) <= set(taken):
        arguments.refuse(f"of the filters, export {arguments.table} takes only --{taken[0]}")


def _format_of(arguments: argparse.Namespace) -> str:
    if arguments.out == "-":
        return "jsonl" if arguments.json else "csv"
    suffix = Path(arguments.out).suffix.lower()
    if suffix in (".jsonl", ".ndjson", ".json"):
        return "jsonl"
    if suffix not in ("", ".csv", ".txt"):
        arguments.refuse(f"a name that ends in {suffix} says neither csv nor jsonl: add --format")
    return "csv"


def _read(client: IMessageClient, arguments: argparse.Namespace) -> pd.DataFrame:
    if arguments.table == "chats":
        return client.chats(limit=arguments.limit)
    if arguments.table == "participants":
        return client.participants(arguments.chat)
    read: Any = getattr(client, arguments.table)
    frame: pd.DataFrame = read(**reading.filters_of(arguments))
    return frame


def _write(frame: pd.DataFrame, sink: Any, chosen: str, arguments: argparse.Namespace) -> None:
    from imsg_sdk.frames.export import write_csv, write_jsonl

    if chosen == "jsonl":
        write_jsonl(frame, sink)
    else:
        write_csv(frame, sink, spreadsheet=arguments.spreadsheet)
