"""The words of ``python -m imsg_sdk.sandbox generate`` and ``… world``: fictional histories, and worlds beside them."""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imsg_sdk.errors import ConfigError
from imsg_sdk.sandbox.history import demo
from imsg_sdk.sandbox.history.generate import Summary, generate
from imsg_sdk.sandbox.schema import SYSTEMS

if TYPE_CHECKING:
    from imsg_sdk.sandbox.world.state import State

_EXAMPLES = """examples:
  {prog} generate chat.db
  {prog} generate big.db --messages 1000000 --largest-chat 0.02 --body-only 0.9
  {prog} generate old.db --system monterey --awkward
  {prog} generate demo.db --preset demo --attachments-dir files
"""
_ROOT_EXAMPLES = """examples:
  {prog} world chat.db --preset demo
  {prog} rpc --db chat.db
  {prog} send --db chat.db --to +447700900118 --text hello
  {prog} history --db chat.db --chat-id 1
"""
_WORLD_EXAMPLES = """examples:
  {prog} world chat.db --clock real
  {prog} world chat.db --preset demo --seed 7
  {prog} world chat.db --people people.json --no-bridge
  {prog} world chat.db --fault '{{"name": "exit", "method": "messages.after", "times": null}}'
"""


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write it like 2024-01-31") from None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``generate``; the package's own command has the same."""
    parser.add_argument("path", help="the database to make")
    parser.add_argument("--messages", type=int, metavar="N", help="rows to make, tapbacks included (5000; demo: 4000)")
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="another seed gives another history (0)")
    parser.add_argument("--preset", choices=["demo"], help="the history of the demo: few people, good stories")
    parser.add_argument("--people", type=int, metavar="N", help="people to write with one by one")
    parser.add_argument("--groups", type=int, metavar="N", help="group chats")
    parser.add_argument("--body-only", type=float, metavar="SHARE", help="texts that stand in the body only (0.3)")
    parser.add_argument("--largest-chat", type=float, metavar="SHARE|N", help="size of the largest chat")
    parser.add_argument("--start", type=_day, metavar="DATE", help="first day, such as 2024-01-31")
    parser.add_argument("--end", type=_day, metavar="DATE", help="last day")
    parser.add_argument(
        "--system", metavar="NAME", help=f"whose tables to make (sequoia; demo: tahoe): {', '.join(SYSTEMS)}"
    )
    parser.add_argument("--upgraded", action="store_true", help="with columns left over from older systems")
    parser.add_argument("--awkward", action="store_true", help="add chats full of rows that break readers")
    parser.add_argument("--attachments-dir", metavar="DIR", help="put small real files there")
    parser.add_argument("--no-wal", action="store_true", help="leave the file with a rollback journal")
    parser.add_argument("--in-wal", type=int, metavar="N", help="leave the newest N rows in the -wal file only")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Make the history that the arguments describe; return the exit code."""
    given = {
        name: value
        for name, value in vars(arguments).items()
        if name in _OPTIONS and value is not None and value is not False
    }
    if arguments.no_wal:
        given["wal"] = False
    try:
        if arguments.preset == "demo":
            given = {"seed": demo.SEED, "messages": demo.MESSAGES, "system": demo.SYSTEM, **given}
            given["chats"] = demo.circle(given["seed"])
        summary = generate(arguments.path, progress=_show if sys.stderr.isatty() else None, **given)
    except FileExistsError:
        parser.error(f"{Path(arguments.path).name} exists: choose another name, or replace it with --force")
    except (ConfigError, OSError, sqlite3.Error) as error:
        return _failed(error, arguments.path, parser)
    _report(summary, as_json=arguments.json)
    return 0


def _failed(error: ConfigError | OSError | sqlite3.Error, path: str, parser: argparse.ArgumentParser) -> int:
    """Say why nothing was made; return the exit code."""
    if isinstance(error, ConfigError):
        parser.error(f"argument --{error.path.replace('_', '-')}: {error.message} ({error.hint or 'see --help'})")
    reason = error.strerror if isinstance(error, OSError) else error
    sys.stderr.write(f"{parser.prog}: cannot write {path}: {reason}\n")
    return 1


def add_world_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``world``."""
    parser.add_argument("path", help="the database that the world is made beside")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another seed lets chance fall otherwise (0)")
    parser.add_argument("--people", metavar="FILE", help="a JSON file that says who is there and how they answer")
    parser.add_argument("--clock", choices=["virtual", "real"], default="virtual", help="what moves time (virtual)")
    parser.add_argument("--bridge", action=argparse.BooleanOptionalAction, default=True, help="is there a bridge (yes)")
    past = parser.add_mutually_exclusive_group()
    past.add_argument("--messages", type=int, metavar="N", help="make a history of so many rows first (demo: 4000)")
    past.add_argument("--history", metavar="FILE", help="begin with a copy of this database")
    parser.add_argument("--preset", choices=["demo"], help="the history of the demo")
    parser.add_argument("--system", metavar="NAME", help="whose tables a new database gets (demo and empty: tahoe)")
    parser.add_argument("--force", action="store_true", help="in place of the world that there is")
    parser.add_argument(
        "--fault", action="append", metavar="FAULT", help="what goes wrong: a name, or JSON of name and options"
    )


def run_world(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Make the world that the arguments describe; return the exit code."""
    from imsg_sdk.sandbox.world.make import copy_history, make_world, read_cast, refuse_another

    try:
        cast = read_cast(arguments.people) if arguments.people else None
        if not arguments.force:
            refuse_another(arguments.path)
        if arguments.history:
            copy_history(arguments.history, arguments.path)
        state = make_world(
            arguments.path,
            seed=arguments.seed,
            clock=arguments.clock,
            bridge=arguments.bridge,
            people=cast,
            names=_past(arguments),
            languages=demo.languages() if arguments.preset == "demo" else None,
            system=arguments.system or demo.SYSTEM,
        )
        with contextlib.closing(state):
            _switch_on(state, arguments.fault or ())
    except FileExistsError as error:
        parser.error(str(error))
    except (ConfigError, OSError, sqlite3.Error) as error:
        return _failed(error, arguments.path, parser)
    program = parser.prog.removesuffix(" world")
    sys.stdout.write(f"a world beside {arguments.path}; it is served by: {program} rpc --db {arguments.path}\n")
    return 0


def _switch_on(state: State, faults: Sequence[str]) -> None:
    if faults:
        from imsg_sdk.sandbox.faults.listed import switch_on_all

        try:
            switch_on_all(state, faults)
        except ValueError as error:
            raise ConfigError(str(error), path="fault") from None


def _past(arguments: argparse.Namespace) -> Mapping[str, str] | None:
    """Make the history that a world goes on from, if one is wanted; return the names in it."""
    given: dict[str, Any] = {"seed": arguments.seed}
    if arguments.system:
        given["system"] = arguments.system
    if arguments.preset == "demo":
        given = {"messages": demo.MESSAGES, "system": demo.SYSTEM, "chats": demo.circle(arguments.seed), **given}
    if arguments.messages is not None:
        given["messages"] = arguments.messages
    if "messages" not in given:
        return None
    try:
        return generate(arguments.path, **given).names
    except FileExistsError:
        name = Path(arguments.path).name
        raise FileExistsError(f"{name} exists: leave out --messages and --preset to go on from it") from None


_OPTIONS = frozenset(
    (
        *("seed", "messages", "people", "groups", "body_only", "largest_chat", "start", "end"),
        *("system", "upgraded", "awkward", "attachments_dir", "in_wal", "force"),
    )
)


def _show(done: int, wanted: int) -> None:
    end = "\r\x1b[K" if done >= wanted else ""
    sys.stderr.write(f"\r{done:,} of {wanted:,}{end}")


def _report(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        facts = {"path": str(summary.path), "messages": summary.messages, "chats": summary.chats}
        facts |= {"largest_chat": summary.largest_chat, "kinds": dict(summary.kinds)}
        sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
        return
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(summary.kinds.items(), key=lambda item: -item[1]))
    sys.stdout.write(
        f"{summary.path}: {summary.messages:,} messages in {summary.chats} chats, "
        f"{summary.largest_chat:,} in the largest\n{kinds}\n"
    )


def build_parser(
    prog: str, kind: type[argparse.ArgumentParser] = argparse.ArgumentParser
) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser of all commands, and that of each; `kind` is the class of parsers to make."""
    parser = kind(
        prog=prog,
        description="Make-believe Messages. The commands of imsg (rpc, send, history, …) work in a world as well.",
        epilog=_ROOT_EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    make = commands.add_parser(
        "generate",
        help="write a fictional history into a new database",
        description="Write a fictional history into a new database. The same arguments give the same rows.",
        epilog=_EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(make)
    world = commands.add_parser(
        "world",
        help="make a world beside a database: people who answer, and a clock",
        description="Make a world beside a database, and the database where there is none.",
        epilog=_WORLD_EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_world_arguments(world)
    return parser, {"generate": make, "world": world}


def main(
    argv: Sequence[str] | None = None,
    *,
    prog: str = "python -m imsg_sdk.sandbox",
    kind: type[argparse.ArgumentParser] = argparse.ArgumentParser,
) -> int:
    """Run the command line; return the exit code."""
    parser, commands = build_parser(prog, kind)
    arguments = parser.parse_args(argv)
    carry_out = run_world if arguments.command == "world" else run
    return carry_out(arguments, commands[arguments.command])
