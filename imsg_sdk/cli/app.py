"""The command line: ``imsg-sdk``.  Every command has ``--json`` and examples.

Exit codes: 0 done, 1 failed or a negative answer, 2 wrong use, 130 interrupted.  pandas and the client are
imported by the commands that need them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from imsg_sdk import __version__
from imsg_sdk.cli import demo, doctor, export, gateway, pairing, reading, sending, watching
from imsg_sdk.cli.hints import in_words_of_the_shell
from imsg_sdk.cli.parser import Parser
from imsg_sdk.cli.source import NO_MAC, check_source_options
from imsg_sdk.errors import BackendExited, BackendNotFound, ConfigError, ImsgError

__all__ = ["build_parser", "main"]

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
_LINES_SAID = 3

_EXAMPLES = """
examples:
  imsg-sdk demo                                  see it work, with a fictional history
  imsg-sdk doctor                                what works on this Mac, and what to do about the rest
  imsg-sdk chats                                 your chats, the most recent first
  imsg-sdk messages --chat +15551234567 --since 7d
  imsg-sdk search "train" --sandbox
  imsg-sdk export messages --db chat.db --out messages.csv
  imsg-sdk send 12 "On my way"                   whom and what; --yes sends it
  imsg-sdk gateway run --sandbox --config gateway.json5 --handler bot:answer

exit codes: 0 done, 1 failed or a negative answer, 2 wrong use
"""


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="imsg-sdk",
        description="Apple Messages through imsg: read, send, and answer.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"imsg-sdk {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    for add in (
        demo.add,
        doctor.add,
        reading.add_chats,
        reading.add_messages,
        reading.add_search,
        watching.add_watch,
        sending.add_send,
        sending.add_send_many,
        export.add,
        gateway.add,
        pairing.add,
    ):
        add(commands)
    for name, text in _HANDED_OVER.items():
        commands.add_parser(name, help=text, add_help=False)
    for command in commands.choices.values():
        command.add_argument("--debug", action="store_true", help="show where an error came from")
        for inner in command.inner.values():
            # Sets nothing where it is not given, so that it may stand before the inner command too.
            inner.add_argument(
                "--debug", action="store_true", default=argparse.SUPPRESS, help="show where an error came from"
            )
    return parser


_HANDED_OVER = {
    "server": "answer as imsg does, over any chat.db: server rpc --db PATH",
    "sandbox": "make a fictional history (sandbox generate PATH), or a world of people who answer",
}


def _hand_over(name: str, argv: list[str]) -> int:
    if name == "server":
        from imsg_sdk.server.__main__ import main as serve

        return serve(argv)
    from imsg_sdk.server.shell.argv import COMMANDS

    if argv and argv[0] in COMMANDS:
        from imsg_sdk.sandbox.__main__ import main as live

        return live(argv)
    from imsg_sdk.sandbox.command import main as sandbox

    return sandbox(argv, prog="imsg-sdk sandbox", kind=Parser)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        if given and given[0] in _HANDED_OVER:
            return _hand_over(given[0], given[1:])
        _be_printable(sys.stdout, sys.stderr)
        parser = build_parser()
        arguments = parser.parse_args(given)
        check_source_options(parser.chosen(arguments), arguments)
        code = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        _tell_end("interrupted", error)
        return INTERRUPTED
    except SystemExit as error:
        _tell_end("ended", error)
        raise
    except BrokenPipeError:
        # The reader has seen enough.  Python would flush stdout once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return code


def _tell_end(how: str, error: BaseException) -> None:
    for note in _notes(error):
        print(f"imsg-sdk: {how}: {note}", file=sys.stderr)


def _be_printable(*streams: Any) -> None:
    """Let a stream that cannot say a character escape it instead of failing."""
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _run(arguments: argparse.Namespace) -> int:
    try:
        code: int = arguments.run(arguments)
    except BrokenPipeError:
        raise
    except (ImsgError, OSError) as error:
        if arguments.debug:
            raise
        print(_told(error), file=sys.stderr)
        return WRONG_USE if isinstance(error, ConfigError) else FAILED
    return code


def _notes(error: BaseException) -> list[str]:
    """Return what was noted of an error on its way, such as that a message may have gone out."""
    return list(getattr(error, "__notes__", ()))


def _told(error: ImsgError | OSError) -> str:
    if isinstance(error, ImsgError):
        remedies = [in_words_of_the_shell(error.hint)]
        if isinstance(error, BackendExited):
            remedies += [f"it said: {line}" for line in error.stderr_tail.splitlines()[-_LINES_SAID:]]
        if isinstance(error, BackendNotFound):
            remedies.append(NO_MAC)
        return "\n  → ".join([f"imsg-sdk: {error.message}", *_notes(error), *filter(None, remedies)])
    return f"imsg-sdk: {error.strerror or error}" + (f": {error.filename}" if error.filename else "")
