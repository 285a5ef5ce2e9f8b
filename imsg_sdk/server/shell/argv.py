"""The command line of ``imsg``, and two options of our own.  Pure: a list of words in, what to do out.

``--dialect v1|legacy`` and ``--extended`` may stand anywhere; all other words are read as ``imsg`` reads them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.requests.integers import parse_integer

__all__ = ["COMMANDS", "COMMON", "Command", "Invocation", "Option", "UsageError", "read_argv"]


class UsageError(Exception):
    """The words make no sense; the text is what is printed."""


class Option(NamedTuple):
    """One option: its spellings, how many words follow it, and what it is for."""

    names: tuple[str, ...]
    takes: str
    """``value``, ``values`` or ``nothing``."""
    help: str
    is_required: bool = False

    @property
    def key(self) -> str:
        """The spelling that stands for all."""
        return self.names[0].lstrip("-")


class Command(NamedTuple):
    """One subcommand."""

    name: str
    abstract: str
    options: tuple[Option, ...] = ()
    examples: tuple[str, ...] = ()
    argument: str | None = None


class Invocation(NamedTuple):
    """What is to be done: ``command`` with ``values``, or a page of help, or the version."""

    command: str | None
    values: dict[str, str | list[str] | bool]
    arguments: list[str]
    dialect: Dialect = Dialect.V1
    extended: bool = False
    wants: str = "run"
    """``run``, ``help`` or ``version``."""

    def text(self, key: str) -> str | None:
        """Return the value of an option, None if it was not given."""
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def flag(self, key: str) -> bool:
        """Return whether an option without a value was given."""
        return bool(self.values.get(key, False))

    def integer(self, key: str, default: int | None = None) -> int | None:
        """Return a whole number; one that cannot be read counts as not given."""
        number = parse_integer(self.text(key) or "")
        return default if number is None else number

    def texts(self, key: str) -> list[str]:
        """Return the values of an option that takes several, comma-separated ones taken apart."""
        value = self.values.get(key)
        words = value if isinstance(value, list) else []
        return [part for word in words for part in map(str.strip, word.split(",")) if part]


def _value(name: str, text: str, *, required: bool = False) -> Option:
    return Option((f"--{name}",), "value", text, required)


def _flag(name: str, text: str) -> Option:
    return Option((f"--{name}",), "nothing", text)


COMMON: Final = (
    _value("db", "the Messages database; ~/Library/Messages/chat.db unless given"),
    Option(("--log-level", "--logLevel"), "value", "taken and ignored, as there is no log"),
    Option(("--verbose", "-v"), "nothing", "taken and ignored, as there is no log"),
    Option(("--json", "-j", "--json-output", "--jsonOutput"), "nothing", "one JSON object a line"),
)
_CHAT: Final = _value("chat-id", "row id of the chat, as `chats` lists it")
_CHAT_REQUIRED: Final = _CHAT._replace(is_required=True)
_FILTERS: Final = (
    Option(("--participants",), "values", "only messages of these handles"),
    _value("start", "only from this instant on (ISO 8601)"),
    _value("end", "only before this instant (ISO 8601)"),
    _flag("attachments", "show attachments in text output"),
    _flag("convert-attachments", "taken and ignored: files are never converted"),
)

COMMANDS: Final = {
    command.name: command
    for command in (
        Command(
            "chats",
            "The chats with the latest activity",
            (_value("limit", "how many (20)"), _flag("unread-only", "only chats with unread messages")),
            ("imsg chats --limit 5", "imsg chats --json"),
        ),
        Command(
            "stats",
            "Numbers of messages by chat, sender, service and day",
            (_CHAT, _value("time-zone", "IANA name; days are counted there"), _flag("media", "count attachments too")),
            ("imsg stats --json", "imsg stats --chat-id 1 --media"),
        ),
        Command("group", "One chat and who is in it", (_CHAT_REQUIRED,), ("imsg group --chat-id 1 --json",)),
        Command(
            "history",
            "Messages of one chat, newest first",
            (_CHAT_REQUIRED, _value("limit", "how many (50)"), *_FILTERS),
            ("imsg history --chat-id 1 --limit 10", "imsg history --chat-id 1 --start 2026-01-01T00:00:00Z --json"),
        ),
        Command(
            "watch",
            "Messages as they arrive",
            (
                _CHAT,
                _value("since-rowid", "begin behind this row"),
                _value("debounce", "wait this long for more, such as 250ms"),
                *_FILTERS,
                _flag("reactions", "tapbacks as messages of their own"),
                _flag("bb-events", "taken and ignored: there is no bridge"),
            ),
            ("imsg watch --json", "imsg watch --chat-id 1 --since-rowid 1000"),
        ),
        Command(
            "search",
            "Messages with a text",
            (
                _value("query", "the text", required=True),
                _value("match", "contains (the default) or exact"),
                _value("limit", "how many (50)"),
            ),
            ("imsg search --query dinner", "imsg search --query ok --match exact --json"),
        ),
        Command(
            "send",
            "Send a message; needs Messages, so here it only says that",
            (
                _value("to", "phone number or e-mail address"),
                _CHAT,
                _value("chat-identifier", "identifier of the chat"),
                _value("chat-guid", "guid of the chat"),
                _value("text", "the text"),
                _value("file", "a file to attach"),
                _value("service", "auto, imessage or sms"),
                _value("region", "for numbers without a country (US)"),
            ),
            ("imsg send --to +15555550123 --text hello",),
        ),
        Command(
            "scheduled", "Messages that wait to be sent", (_value("limit", "how many (50)"),),
            ("imsg scheduled list --json",), argument="action",
        ),
        Command("status", "What works here", (), ("imsg status --json",)),
        Command("rpc", "JSON-RPC over standard input and output", (), ("imsg rpc", "imsg rpc --db chat.db")),
    )
}  # fmt: skip


def read_argv(words: list[str]) -> Invocation:
    """Read the words after the program's name.

    Raises
    ------
    UsageError
        With the one line that the real program prints.
    """
    dialect, extended, rest = _own_options(words)
    wants = "run"
    if "--version" in rest or "-V" in rest:
        wants = "version"
    elif not rest or "--help" in rest or "-h" in rest:
        wants = "help"
    if wants != "run":
        name = rest[0] if rest and rest[0] in COMMANDS else None
        return Invocation(name, {}, [], dialect, extended, wants)
    if rest[0].startswith("-"):
        raise UsageError("Command 'imsg' requires a subcommand")
    if rest[0] not in COMMANDS:
        raise UsageError(f"Unknown subcommand '{rest[0]}' for command 'imsg'")
    values, arguments = _options(COMMANDS[rest[0]], rest[1:])
    return Invocation(rest[0], values, arguments, dialect, extended)


def _own_options(words: list[str]) -> tuple[Dialect, bool, list[str]]:
    dialect, extended, rest = Dialect.V1, False, []
    source = iter(words)
    for word in source:
        if word == "--extended":
            extended = True
        elif word == "--dialect" or word.startswith("--dialect="):
            value = word.partition("=")[2] if "=" in word else next(source, "")
            if value not in set(Dialect):
                raise UsageError("Invalid value for option: --dialect")
            dialect = Dialect(value)
        else:
            rest.append(word)
    return dialect, extended, rest


def _options(command: Command, words: list[str]) -> tuple[dict[str, str | list[str] | bool], list[str]]:
    known = {name: option for option in (*COMMON, *command.options) for name in option.names}
    values: dict[str, str | list[str] | bool] = {}
    arguments: list[str] = []
    index = 0
    while index < len(words):
        word, equals, inline = words[index].partition("=")
        index += 1
        if not word.startswith("-") or word == "-":
            arguments.append(words[index - 1])
            continue
        option = known.get(word)
        if option is None:
            raise UsageError(f"Unknown option {word}")
        if option.takes == "nothing":
            values[option.key] = True
            continue
        taken = [inline] if equals else _following(words, index, known, many=option.takes == "values")
        if not taken:
            raise UsageError(f"Missing value for option {word}")
        index += 0 if equals else len(taken)
        values[option.key] = taken if option.takes == "values" else taken[0]
    if arguments[0 if command.argument is None else 1 :]:
        raise UsageError(f"Unexpected argument: {arguments[0 if command.argument is None else 1]}")
    return values, arguments


def _following(words: list[str], index: int, known: dict[str, Option], *, many: bool) -> list[str]:
    """Return the words that belong to an option; a negative number is one, another option is not."""
    taken: list[str] = []
    for word in words[index:]:
        if word.partition("=")[0] in known or word.startswith("--") or (taken and not many):
            break
        taken.append(word)
    return taken
