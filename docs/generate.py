"""Write the generated parts of the reference pages, between their markers.

Run it after changing columns, settings, errors or the command line: ``python docs/generate.py``.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import get_args, get_type_hints
from unittest.mock import patch

import msgspec

import imsg_sdk
from imsg_sdk import errors, gateway, testing
from imsg_sdk.cli import build_parser, main
from imsg_sdk.columns import GATEWAY_TABLES, SENDS, TABLES
from imsg_sdk.config import ENVIRONMENT, KEYS, ClientConfig, GatewayConfig, load_config
from imsg_sdk.gateway.reasons import Reason, remedy
from imsg_sdk.gateway.state.schema import SCHEMA as STATE_SCHEMA
from imsg_sdk.gateway.state.schema import VERSION as STATE_VERSION
from imsg_sdk.sandbox.command import build_parser as build_sandbox_parser
from imsg_sdk.sandbox.faults.catalogue import describe as describe_faults
from imsg_sdk.server.shell.argv import COMMANDS as SERVER_COMMANDS
from imsg_sdk.server.shell.argv import COMMON
from imsg_sdk.server.shell.help import OWN

DOCS = Path(__file__).resolve().parent


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    return [_row(*head), _row(*("---" for _ in head)), *(_row(*row) for row in rows)]


def columns() -> Iterator[str]:
    """Write every table of frames and its columns."""
    for table in (*TABLES.values(), SENDS, *GATEWAY_TABLES.values()):
        rows = [(f"`{column.name}`", f"`{column.kind.value}`", column.doc) for column in table.columns]
        yield from ("", f"## {table.name}", "", f"{table.row[:1].upper()}{table.row[1:]}.", "")
        yield from _table(("Column", "Type", "Meaning"), rows)


def error_classes() -> Iterator[str]:
    """Write every error, what it is under, and what it means."""
    for name in errors.__all__:
        kind = getattr(errors, name)
        bases = ", ".join(f"`{base.__name__}`" for base in kind.__bases__)
        first, _, rest = (kind.__doc__ or "").strip().partition("\n\n")
        text = re.sub(r"``(.+?)``", r"`\1`", " ".join(first.split()))
        more = re.sub(r"``(.+?)``", r"`\1`", " ".join(rest.split())) if "----" not in rest else ""
        yield from ("", f"### {name}", "", f"Base: {bases}. {text}" + (f" {more}" if more else ""))


def settings() -> Iterator[str]:
    """Write every setting: where it stands, its default and its meaning."""
    defaults = {row.name: row.value for row in load_config({}, environ={}).describe()}
    rows = []
    for key in KEYS:
        places = ", ".join(f"`{place}`" for place in key.places) or "–"
        variable = f"`{ENVIRONMENT[key.field]}`" if key.field in ENVIRONMENT else "–"
        meaning = f"{key.doc}{_choices(key.field)}"
        rows.append((f"`{key.field}`", places, variable, f"`{defaults[key.name]}`", meaning))
    yield ""
    yield from _table(("Keyword", "In the file", "Environment", "Default", "Meaning"), rows)


def _choices(field: str) -> str:
    """Write which words a setting can be, where they are given."""
    hints = {**get_type_hints(ClientConfig), **get_type_hints(GatewayConfig)}
    kinds = [
        kind for kind in (hints[field], *get_args(hints[field])) if inspect.isclass(kind) and issubclass(kind, Enum)
    ]
    return "".join(f" One of {', '.join(f'`{member.value}`' for member in kind)}." for kind in kinds)


def commands() -> Iterator[str]:
    """Write every command, its options and its examples."""
    for name, command, help_text in _subcommands(build_parser()):
        if name == "server":
            yield from _server_commands(help_text)
        elif name == "sandbox":
            yield from _section("imsg-sdk sandbox", build_sandbox_parser("imsg-sdk sandbox")[0], help_text)
        else:
            yield from _section(f"imsg-sdk {name}", command, help_text)


def _subcommands(parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            return [(name, command, helps[name]) for name, command in action.choices.items()]
    return []


def _section(title: str, parser: argparse.ArgumentParser, help_text: str) -> Iterator[str]:
    """Write one command, and those in it."""
    yield from ("", f"## {title}", "", f"{help_text[:1].upper()}{help_text[1:]}.")
    inner = _subcommands(parser)
    shown = [action for action in parser._actions if action.dest != "help"]
    rows = [
        (_option(action), action.help or "") for action in shown if not isinstance(action, argparse._SubParsersAction)
    ]
    if rows:
        yield ""
        yield from _table(("Option", "Meaning"), rows)
    if parser.epilog:
        examples = parser.epilog.removeprefix("examples:\n").strip("\n").splitlines()
        yield from ("", "```sh", *(line.strip() for line in examples), "```")
    for name, command, text in inner:
        yield from _section(f"{title} {name}", command, text)


def _server_commands(help_text: str) -> Iterator[str]:
    """Write what the server takes: the words of ``imsg``, whose options it reads as ``imsg`` does."""
    yield from ("", "## imsg-sdk server", "", f"{help_text[:1].upper()}{help_text[1:]}.", "")
    yield from _table(
        ("Command", "Meaning", "Options"),
        [
            (f"`{command.name}`", command.abstract, ", ".join(f"`{option.names[0]}`" for option in command.options))
            for command in SERVER_COMMANDS.values()
        ],
    )
    yield ""
    yield from _table(
        ("Option of all", "Meaning"), [(f"`{', '.join(each.names)}`", each.help) for each in (*COMMON, *OWN)]
    )
    examples = [example for command in SERVER_COMMANDS.values() for example in command.examples[:1]]
    yield from ("", "```sh", *(example.replace("imsg ", "imsg-sdk server ", 1) for example in examples), "```")


def _option(action: argparse.Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else "{" + ",".join(map(str, action.choices or ())) + "}"
    if not action.option_strings:
        return f"`{name if action.metavar or action.choices else action.dest}`"
    takes_value = action.nargs != 0
    return f"`{', '.join(action.option_strings)}{' ' + name if takes_value else ''}`"


def api() -> Iterator[str]:
    """Write the public names, their methods and what each does."""
    return _public(imsg_sdk)


def gateway_api() -> Iterator[str]:
    """Write the same for the gateway."""
    return _public(gateway)


def rules() -> Iterator[str]:
    """Write the rules in order, and what would let a message past each."""
    rows = [
        (str(number), f"`{rule.name}`", rule.question, _advice(rule.name))
        for number, rule in enumerate(gateway.RULES, 1)
    ]
    yield ""
    yield from _table(("", "Rule", "It asks", "What would change it"), rows)


def faults() -> Iterator[str]:
    """Write every fault of the sandbox: what happens, its options, and where it was seen."""
    for fault in describe_faults():
        meaning, _, source = fault["meaning"].partition("Source:")
        yield from ("", f"### {fault['name']}", "", " ".join(_plain(meaning).split()), "")
        yield f"*Source*: {' '.join(_plain(source).split())}"
        options = [f"`{name}` ({json.dumps(default)})" for name, default in fault["options"].items()]
        strikes = "by itself" if fault["is_deed"] else ", ".join(f"`{each}`" for each in fault["method"]) or "any"
        how_often = "always" if fault["times"] is None else "once" if fault["times"] == 1 else f"{fault['times']} times"
        yield from ("", f"Options: {', '.join(options) or 'none'}. Strikes: {strikes}; {how_often}.")


def testing_api() -> Iterator[str]:
    """Write every public name of the package for tests, with its methods."""
    yield from _public(testing)


_ANY_CHAT = 424242
"""Stands for a chat's number until it is replaced by words."""


def _advice(name: str) -> str:
    found = remedy(Reason(name), chat_id=_ANY_CHAT) if name in {str(reason) for reason in Reason} else None
    return (found or "–").replace(f"chat_id:{_ANY_CHAT}", "chat_id:…").replace(f'"{_ANY_CHAT}"', '"<chat id>"')


def _public(holder: ModuleType) -> Iterator[str]:
    for name in holder.__all__:
        thing = getattr(holder, name)
        if name.startswith("_") or _is_alias(thing):
            continue
        title = name if inspect.isclass(thing) else f"{name}{_signature(thing)}"
        yield from ("", f"## {name}", "", f"`{title}`", "", _first_line(thing))
        if inspect.isclass(thing) and issubclass(thing, Enum):
            yield from ("", "Values: " + ", ".join(f"`{member.value}`" for member in thing) + ".")
        elif inspect.isclass(thing) and not issubclass(thing, Exception):
            if issubclass(thing, msgspec.Struct):
                yield from ("", "Fields: " + ", ".join(f"`{field}`" for field in thing.__struct_fields__) + ".")
            rows = list(_members(thing))
            if rows:
                yield ""
                yield from _table(("Member", "Meaning"), rows)


def _members(kind: type) -> Iterator[tuple[str, ...]]:
    """Give what a class can do, apart from the fields of a record."""
    fields = getattr(kind, "__struct_fields__", ())
    for name in sorted(each for each in dir(kind) if not each.startswith("_") and each not in fields):
        member = inspect.getattr_static(kind, name)
        if text := _first_line(member):
            yield f"`{name}{_signature(member)}`", text


def _is_alias(thing: object) -> bool:
    """Tell whether a public name is a type for annotations, which the page explains itself."""
    return not inspect.isclass(thing) and not inspect.isfunction(thing)


def _first_line(thing: object) -> str:
    text = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    return _plain(text)


def _plain(text: str) -> str:
    return re.sub(r"``(.+?)``", r"`\1`", re.sub(r":\w+:`~?(?:[\w.]+\.)?(.+?)`", r"`\1`", text))


def _signature(thing: object) -> str:
    function = getattr(thing, "__func__", thing)
    if not inspect.isfunction(function):
        return ""
    shown = []
    kinds = list(inspect.signature(function).parameters.values())
    starred = False
    for each in kinds:
        if each.name in ("self", "cls"):
            continue
        if each.kind is each.KEYWORD_ONLY and not starred:
            shown.append("*")
            starred = True
        text = f"**{each.name}" if each.kind is each.VAR_KEYWORD else each.name
        shown.append(text if each.default is each.empty else f"{text}={each.default!r}")
    return f"({', '.join(shown)})"


def state_file() -> Iterator[str]:
    """Write the tables of a gateway's state file."""
    yield from ("", f"Version {STATE_VERSION}:", "", "```sql", *STATE_SCHEMA.strip().splitlines(), "```", "")


def demo() -> Iterator[str]:
    """Write the beginning of what ``imsg-sdk demo`` prints, with the times it took when it was measured."""
    told = io.StringIO()
    with patch.dict(os.environ, COLUMNS="96"), contextlib.redirect_stdout(told):
        main(["demo"])
    page = told.getvalue().strip().partition("\n\nWho ")[0]
    page = re.sub(r"made in [\d.]+ s, (.*) in [\d.]+ s", r"made in 0.4 s, \1 in 0.7 s", page)
    yield from ("```text", *page.splitlines(), "…", "```")


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "../README.md": demo,
    "explanation/policy.md": rules,
    "reference/gateway.md": gateway_api,
    "reference/api.md": api,
    "reference/columns.md": columns,
    "reference/errors.md": error_classes,
    "reference/configuration.md": settings,
    "reference/cli.md": commands,
    "reference/state.md": state_file,
    "reference/faults.md": faults,
    "reference/testing.md": testing_api,
}

_MARKED = re.compile(r"(<!-- generated by docs/generate\.py -->\n).*?(\n<!-- end -->)", re.DOTALL)


def page(name: str) -> str:
    """Return a page as it should be."""
    text = (DOCS / name).read_text(encoding="utf-8")
    body = "\n".join(PARTS[name]())
    return _MARKED.sub(lambda match: match[1] + body + "\n" + match[2], text)


if __name__ == "__main__":
    for each in PARTS:
        (DOCS / each).write_text(page(each), encoding="utf-8")
