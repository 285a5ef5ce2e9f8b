"""``python -m imsg_sdk.sandbox``: make fictional histories."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from imsg_sdk.sandbox.generate import generate
from imsg_sdk.sandbox.schema import SYSTEMS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m imsg_sdk.sandbox", description="Make-believe Messages.")
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("generate", help="write a fictional history into a new database")
    make.add_argument("path")
    make.add_argument("--messages", type=int, default=5000)
    make.add_argument("--seed", type=int, default=0)
    make.add_argument("--people", type=int)
    make.add_argument("--groups", type=int)
    make.add_argument("--body-only", type=float, default=0.3)
    make.add_argument("--largest-chat", type=float)
    make.add_argument("--system", choices=list(SYSTEMS), default="sequoia")
    make.add_argument("--force", action="store_true")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    summary = generate(
        arguments.path,
        seed=arguments.seed,
        messages=arguments.messages,
        people=arguments.people,
        groups=arguments.groups,
        body_only=arguments.body_only,
        largest_chat=arguments.largest_chat,
        system=arguments.system,
        force=arguments.force,
    )
    sys.stdout.write(f"{summary.messages} messages, {summary.chats} chats\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
