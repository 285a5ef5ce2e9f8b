"""``python -m imsg_sdk.server``: the imsg-compatible child."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from imsg_sdk.server.dialect import PROGRAM_VERSIONS, Dialect
from imsg_sdk.server.paths import expand_home, home
from imsg_sdk.server.requests.output import Writer, claim_stdout
from imsg_sdk.server.shell.argv import COMMANDS, Invocation, UsageError, read_argv

if TYPE_CHECKING:
    from imsg_sdk.server.source import DatabaseFile

__all__ = ["main", "opens"]

Own = Callable[[Invocation, str, Writer], int]
"""Runs a command on the database at a path; returns the exit status."""


def main(words: list[str] | None = None, own: Mapping[str, Own] | None = None, *, version: str | None = None) -> int:
    """Run one command and return its exit status.

    A world behind the server brings its `own` of some commands, and may say another `version`.
    """
    if sys.platform == "win32":
        sys.stderr.write("imsg_sdk.server needs macOS or Linux; on Windows use imsg_sdk.read_chat_db.\n")
        return 2
    for name in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(name, signal.SIG_DFL)  # as in the real program: it ends at once
    logging.basicConfig(format="%(name)s: %(message)s")  # to the standard error
    writer = claim_stdout()
    words = sys.argv[1:] if words is None else words
    try:
        invocation = read_argv(words)
        if invocation.wants != "run":
            return _inform(invocation, writer, version)
        path = expand_home(invocation.text("db") or f"{home()}/Library/Messages/chat.db")
        if (command := (own or _OWN).get(invocation.command or "")) is not None:
            return command(invocation, path, writer)
        from imsg_sdk.server.shell.commands import run

        return run(invocation, path, writer)
    except UsageError as error:
        text = f"{error}\n"
        if "requires a subcommand" in text:
            from imsg_sdk.server.shell.help import root_help

            text += root_help(Dialect.V1)
        writer.write(text.encode())
        return 1


def _inform(invocation: Invocation, writer: Writer, version: str | None) -> int:
    if invocation.wants == "version":
        text = (version or PROGRAM_VERSIONS[invocation.dialect]) + "\n"
    else:
        from imsg_sdk.server.shell import help as pages

        name = invocation.command
        text = pages.root_help(invocation.dialect) if name is None else pages.command_help(COMMANDS[name])
    writer.write(text.encode())
    return 0


def _rpc(invocation: Invocation, path: str, writer: Writer) -> int:
    from imsg_sdk.server.app import RpcServer
    from imsg_sdk.server.source import DatabaseFile

    dialect, extended = invocation.dialect, invocation.extended
    source = DatabaseFile(path, dialect=dialect, extended=extended, home=home())
    if not opens(source, writer, dialect):
        return 1
    RpcServer(source, writer, dialect=dialect, extended=extended).serve(0)
    source.close()
    return 0


def opens(source: DatabaseFile, writer: Writer, dialect: Dialect) -> bool:
    """Open the file if the older dialect is spoken; where that fails, answer everything with the reason.

    Returns
    -------
    bool
        Whether there is anything left to serve.
    """
    from imsg_sdk.server.app import serve_failure
    from imsg_sdk.server.store.store import OpenFailed

    if dialect is Dialect.LEGACY:
        try:
            source.open_first()
        except OpenFailed as failed:
            from imsg_sdk.server.shell.help import permission_banner

            banner = permission_banner(source.path) if failed.code in (14, 23) else ""
            serve_failure(0, writer, failed.text + banner)
            return False
    return True


_OWN: Final[Mapping[str, Own]] = {"rpc": _rpc}


if __name__ == "__main__":
    sys.exit(main())
