"""Pages of help: the first line and the shape are those of ``imsg``, the words are ours."""

from __future__ import annotations

from imsg_sdk.server.dialect import PROGRAM_VERSIONS, Dialect
from imsg_sdk.server.shell.argv import COMMANDS, COMMON, Command, Option

__all__ = ["OWN", "command_help", "permission_banner", "root_help", "status_text"]

OWN = (
    Option(("--dialect",), "value", "v1 (answers as imsg 0.14.1, the default) or legacy (as 0.13.1)"),
    Option(("--extended",), "nothing", "add what the wire of imsg leaves out, for our own client"),
)


def root_help(dialect: Dialect) -> str:
    """Return the page that lists the commands."""
    lines = [f"imsg {PROGRAM_VERSIONS[dialect]}", "An imsg-compatible server over a Messages database, read-only", ""]
    lines += ["Usage:", "  imsg <command> [options]", "", "Commands:"]
    lines += [f"  {command.name}\t{command.abstract}" for command in COMMANDS.values()]
    return "\n".join([*lines, "", "`imsg <command> --help` tells more.", ""])


def command_help(command: Command) -> str:
    """Return the page of one command."""
    argument = f" <{command.argument}>" if command.argument else ""
    lines = [f"imsg {command.name}", command.abstract, "", "Usage:", f"  imsg {command.name}{argument} [options]"]
    lines += ["", "Options:", *(_option_line(option) for option in (*command.options, *COMMON, *OWN))]
    lines += ["", "Examples:", *(f"  {example}" for example in command.examples), ""]
    return "\n".join(lines)


def _option_line(option: Option) -> str:
    value = {"value": " <value>", "values": " <value>...", "nothing": ""}[option.takes]
    return f"  {', '.join(option.names)}{value}\t{option.help}"


def permission_banner(path: str) -> str:
    """Return what is said when the database cannot be opened, with the words that clients look for."""
    return "\n".join(
        [
            "",
            "",
            "⚠️  Permission Error: the Messages database is out of reach",
            "",
            f"{path} is missing, or this process lacks Full Disk Access.",
            "",
            "What helps on a Mac:",
            "1. In System Settings, open Privacy & Security, then Full Disk Access",
            "2. Add the app that starts this program: terminal, editor, agent",
            "3. Add Terminal too, if that app is another one",
            "4. Switch entries off and on again after an update of that app",
            "5. Start that app anew and try again",
            "",
            "Apple's own page: https://support.apple.com/guide/mac-help/mchlccb25729/mac",
            "",
        ]
    )


BRIDGE_HINT = "\n".join(
    [
        "imsg-bridge-helper.dylib not found. There is no Messages behind this server.",
        "Reading and watching work; typing indicators, read receipts and everything else",
        "that goes through Messages needs the real imsg on a Mac.",
    ]
)


def status_text(dialect: Dialect) -> str:
    """Return the page of ``imsg status``."""
    return "\n".join(
        [
            "imsg Status Report",
            "==================",
            "",
            f"Version: {PROGRAM_VERSIONS[dialect]} (imsg-compatible server)",
            "Reading and watching: available",
            "Sending, typing, read receipts: not available",
            "",
            BRIDGE_HINT,
            "",
        ]
    )
