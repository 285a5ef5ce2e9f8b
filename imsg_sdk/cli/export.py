"""``export``: a whole table into a file, or into a pipe."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imsg_sdk.cli import reading, rows
from imsg_sdk.cli.source import add_source_options, open_client

if TYPE_CHECKING:
    import pandas as pd

    from imsg_sdk import IMessageClient

__all__ = ["add"]

TABLES = ("messages", "chats", "attachments", "reactions")
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
    filters = reading.filters_of(arguments)
    if arguments.table == "chats" and any(value is not None for name, value in filters.items() if name != "limit"):
        arguments.refuse("of the filters, export chats takes only --limit")
    chosen = arguments.format or _format_of(arguments.out, as_json=arguments.json)
    with open_client(arguments) as client:
        frame = _read(client, arguments)
    if arguments.out == "-":
        sys.stdout.flush()
        _write(frame, sys.stdout.buffer, chosen, arguments)
        return 0
    path = Path(arguments.out)
    partial = path.with_name(f"{path.name}.partial")
    try:
        _write(frame, partial, chosen, arguments)
        partial.replace(path)  # a reader never sees half a file, nor does an interrupt leave one
    finally:
        partial.unlink(missing_ok=True)
    if arguments.json:
        rows.write_json({"table": arguments.table, "rows": len(frame), "format": chosen, "path": str(path)})
    else:
        print(f"{len(frame):,} {arguments.table} → {path}", file=sys.stderr)
    return 0


def _format_of(name: str, *, as_json: bool) -> str:
    if name == "-":
        return "jsonl" if as_json else "csv"
    return "jsonl" if Path(name).suffix.lower() in (".jsonl", ".ndjson", ".json") else "csv"


def _read(client: IMessageClient, arguments: argparse.Namespace) -> pd.DataFrame:
    if arguments.table == "chats":
        return client.chats(limit=arguments.limit)
    read: Any = getattr(client, arguments.table)
    frame: pd.DataFrame = read(**reading.filters_of(arguments))
    return frame


def _write(frame: pd.DataFrame, sink: Any, chosen: str, arguments: argparse.Namespace) -> None:
    from imsg_sdk.frames.export import write_csv, write_jsonl

    if chosen == "jsonl":
        write_jsonl(frame, sink)
    else:
        write_csv(frame, sink, spreadsheet=arguments.spreadsheet)
