"""What is outside the process that is killed, and what a scenario is."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, NoReturn


def key_of(text: str) -> str:
    """Return what tells a chunk from the others of its scenario."""
    return text.split()[0][:8]


class World:
    """A log of handlers that ran and messages that went out, line by line, which no end of a process takes back."""

    def __init__(self, folder: Path) -> None:
        self._path = folder.with_name(folder.name + ".log")

    def note(self, *words: object) -> None:
        """Add a line."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, (" ".join(map(str, words)) + "\n").encode())
        os.close(descriptor)

    def lines(self) -> list[list[str]]:
        """Return all lines, in words."""
        return [line.split() for line in self._path.read_text().splitlines()] if self._path.exists() else []

    def handled(self) -> list[tuple[str, int]]:
        """Return which messages handlers were given, and as which attempt."""
        return [(line[1], int(line[2])) for line in self.lines() if line[0] == "handled"]

    def sent(self) -> list[str]:
        """Return the keys of what went out."""
        return [line[1] for line in self.lines() if line[0] == "sent"]


def end_with(function: Callable[[], object]) -> NoReturn:
    """Call a function and end this process, which was forked off for it."""
    code = 1
    try:
        function()
        code = 0
    except Exception:  # noqa: BLE001 - the parent sees the code, a person the trace
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def apart(function: Callable[[], object]) -> None:
    """Call a function in a process of its own, which leaves no thread here."""
    child = os.fork()
    if not child:
        end_with(function)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the process failed: {status}"


class Scenario:
    """Something that lives in a process and goes on where its last life ended."""

    rows: ClassVar[frozenset[int]] = frozenset()
    """Rows that are reported, where that is known before."""
    chunks: ClassVar[tuple[str, ...]]
    """Keys of everything that goes out when nothing is in the way."""

    def prepare(self, folder: Path) -> None:
        """Make the world; called once, before the first life."""

    def rows_in(self, folder: Path) -> frozenset[int]:
        """Return the rows that are reported."""
        return self.rows

    def live(self, folder: Path, reached: Callable[[str], None]) -> None:
        """Live until nothing is left to do, calling `reached` at every step."""
        raise NotImplementedError

    def sent(self, folder: Path) -> list[str]:
        """Return the keys of what the outside has seen going out."""
        return World(folder).sent()
