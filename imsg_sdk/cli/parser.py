"""Wrong use of the command line: one line that says what is meant, one that says where to look."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

__all__ = ["Parser"]

WRONG_USE = 2

_CHOICE = re.compile(
    r"(?:argument (?P<name>[^:]+): )?invalid choice: '?(?P<value>.*?)'? \(choose from (?P<choices>.*)\)"
)
_WORDS = (
    (re.compile("^argument "), ""),
    (re.compile("invalid int value: (.*)"), r"\1 is no whole number"),
    (re.compile("invalid float value: (.*)"), r"\1 is no number"),
    (re.compile("expected (one|at least one) argument"), r"\1 value must follow"),
    (re.compile("not allowed with argument "), "cannot go with "),
)
_MISSING = re.compile(r"the following arguments are required: (?P<names>.*)")


class Parser(argparse.ArgumentParser):
    """A parser that is strict and brief, and knows the nearest name of what it does not know."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **keywords})

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Return what was given; refuse what is not known where it belongs."""
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            parser = self.chosen(found)
            parser.error(_unknown(unknown, parser))
        return found

    def error(self, message: str) -> NoReturn:
        """Say what is wrong on standard error, and end."""
        commands = [name for action in _commands(self) for name in action.choices]
        sys.stderr.write(f"{self.prog}: {_plain(message, commands)}\n  → {self.prog} --help shows how it is used\n")
        raise SystemExit(WRONG_USE)

    @property
    def inner(self) -> dict[str, Parser]:
        """Return the parsers of the commands of this command, by name."""
        return {name: parser for action in _commands(self) for name, parser in action.choices.items()}

    def chosen(self, found: argparse.Namespace) -> Parser:
        """Return the parser of the command that was chosen, of the innermost where one has commands of its own."""
        parser = self
        while commands := _commands(parser):
            name = getattr(found, commands[0].dest, None)
            if name not in commands[0].choices:
                break
            parser = commands[0].choices[name]
        return parser


def _commands(parser: argparse.ArgumentParser) -> list[argparse._SubParsersAction[Parser]]:
    return [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]


def _unknown(words: list[str], parser: argparse.ArgumentParser) -> str:
    word = words[0].partition("=")[0]
    if not word.startswith("-"):
        return f"{word!r} is one word too many"
    known = [name for action in parser._actions for name in action.option_strings]
    return f"there is no option {word}{_nearest(word, known)}"


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""


def _plain(message: str, commands: list[str]) -> str:
    """Return a message of argparse in words for people."""
    if match := _CHOICE.fullmatch(message):
        names = [name.strip("'") for name in match["choices"].split(", ")]
        what = "command" if match["name"] in ("COMMAND", None) else match["name"]
        near = _nearest(match["value"], names) or f"; choose from {', '.join(names)}"
        return f"there is no {what} {match['value']}{near}"
    if match := _MISSING.fullmatch(message):
        return f"name a command: {', '.join(commands)}" if commands else f"{match['names']} is missing"
    for pattern, words in _WORDS:
        message = pattern.sub(words, message)
    return message
