"""Where a command reads from: a file, a make-believe history, or the program on this Mac."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imsg_sdk import IMessageClient

__all__ = ["add_source_options", "check_source_options", "open_client"]

NO_MAC = "no Mac at hand? --db PATH reads a copy of chat.db, --sandbox makes a fictional history"


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where to read from."""
    group = parser.add_argument_group("where to read from (default: imsg on this Mac)")
    group.add_argument("--db", metavar="PATH", help="a chat.db; alone it is read by our own server, on any machine")
    group.add_argument("--sandbox", action="store_true", help="a fictional history, made for this call")
    group.add_argument("--seed", type=int, metavar="N", help="with --sandbox: which fictional history (default 1)")
    group.add_argument("--cli-path", metavar="PROGRAM", help="the imsg to start: a name on PATH or a path")
    group.add_argument("--config", metavar="FILE", help="a settings file (JSON5)")


def check_source_options(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Refuse options that name two sources: one of them would be ignored."""
    others = [name for name in ("db", "cli_path", "config") if getattr(arguments, name, None) is not None]
    if getattr(arguments, "sandbox", False) and others:
        parser.error(f"--sandbox makes a history of its own: leave out --{others[0].replace('_', '-')}")
    sandboxes = [getattr(arguments, name) for name in ("sandbox", "in_sandbox") if hasattr(arguments, name)]
    if getattr(arguments, "seed", None) is not None and sandboxes and not any(sandboxes):
        parser.error("--seed chooses a fictional history: add --sandbox")


def open_client(arguments: argparse.Namespace, *, people: dict[str, Any] | None = None) -> IMessageClient:
    """Return the client that the options ask for; `people` are those of a make-believe history."""
    from imsg_sdk import IMessageClient
    from imsg_sdk.config import load_config

    if arguments.sandbox:
        return IMessageClient.sandbox(seed=1 if arguments.seed is None else arguments.seed, people=people)
    if arguments.db is not None and arguments.cli_path is None and arguments.config is None:
        return IMessageClient.from_chat_db(arguments.db)
    return IMessageClient(load_config(arguments.config, cli_path=arguments.cli_path, db_path=arguments.db))
