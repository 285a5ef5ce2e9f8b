"""Write the generated parts of the reference pages, between their markers.

Run it after changing columns, settings, errors or the command line: ``python docs/generate.py``.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

import imsg_sdk
from imsg_sdk import errors
from imsg_sdk.cli import build_parser
from imsg_sdk.columns import GATEWAY_TABLES, TABLES
from imsg_sdk.config import ENVIRONMENT, KEYS, load_config
from imsg_sdk.sandbox.command import add_arguments as add_sandbox_arguments

DOCS = Path(__file__).resolve().parent


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    return [_row(*head), _row(*("---" for _ in head)), *(_row(*row) for row in rows)]


def columns() -> Iterator[str]:
    """Write every table of frames and its columns."""
    for table in (*TABLES.values(), *GATEWAY_TABLES.values()):
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
        rows.append((f"`{key.field}`", places, variable, f"`{defaults[key.name]}`", key.doc))
    yield ""
    yield from _table(("Keyword", "In the file", "Environment", "Default", "Meaning"), rows)


def commands() -> Iterator[str]:
    """Write every command, its options and its examples."""
    parser = build_parser()
    choices = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    helps = {choice.dest: choice.help or "" for choice in choices._choices_actions}
    for name, command in choices.choices.items():
        yield from ("", f"## imsg-sdk {name}", "", f"{helps[name][:1].upper()}{helps[name][1:]}.")
        rows = [(_option(action), action.help or "") for action in command._actions if action.dest != "help"]
        if name == "sandbox":
            rows = [(_option(action), action.help or "") for action in sandbox_command()._actions]
        if name != "server":
            yield ""
            yield from _table(("Option", "Meaning"), rows)
        if command.epilog:
            examples = command.epilog.removeprefix("examples:\n").strip("\n").splitlines()
            yield from ("", "```sh", *(line.strip() for line in examples), "```")


def sandbox_command() -> argparse.ArgumentParser:
    """Return the parser of ``sandbox generate``, which the sandbox itself owns."""
    parser = argparse.ArgumentParser(add_help=False)
    add_sandbox_arguments(parser)
    return parser


def _option(action: argparse.Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else "{" + ",".join(map(str, action.choices or ())) + "}"
    if not action.option_strings:
        return f"`{name if action.metavar or action.choices else action.dest}`"
    takes_value = action.nargs != 0
    return f"`{', '.join(action.option_strings)}{' ' + name if takes_value else ''}`"


def api() -> Iterator[str]:
    """Write the public names, their methods and what each does."""
    for name in imsg_sdk.__all__:
        thing = getattr(imsg_sdk, name)
        if name.startswith("_") or _is_alias(thing):
            continue
        title = name if inspect.isclass(thing) else f"{name}{_signature(thing)}"
        yield from ("", f"## {name}", "", f"`{title}`", "", _first_line(thing))
        if inspect.isclass(thing) and issubclass(thing, msgspec.Struct):
            yield from ("", "Fields: " + ", ".join(f"`{field}`" for field in thing.__struct_fields__) + ".")
        elif inspect.isclass(thing) and not issubclass(thing, Exception):
            found = [(each, inspect.getattr_static(thing, each)) for each in dir(thing) if not each.startswith("_")]
            rows = [(f"`{each}{_signature(member)}`", _first_line(member)) for each, member in sorted(found)]
            yield ""
            yield from _table(("Member", "Meaning"), [row for row in rows if row[1]])


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


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "reference/api.md": api,
    "reference/columns.md": columns,
    "reference/errors.md": error_classes,
    "reference/configuration.md": settings,
    "reference/cli.md": commands,
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
