"""``python -m imsg_sdk.sandbox rpc``: the server of the package with a world behind it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from imsg_sdk.errors import ConfigError
from imsg_sdk.sandbox.faults.part import Faults
from imsg_sdk.sandbox.world.agenda import Agenda
from imsg_sdk.sandbox.world.contacts import tell_names
from imsg_sdk.sandbox.world.control import DEEDS, Control
from imsg_sdk.sandbox.world.events import Feed
from imsg_sdk.sandbox.world.ledger import Ledger, refuse_real
from imsg_sdk.sandbox.world.program import Program, read_version, tell_status
from imsg_sdk.sandbox.world.sender import WorldSenders
from imsg_sdk.sandbox.world.state import State
from imsg_sdk.sandbox.world.world import Kind, World
from imsg_sdk.server.__main__ import main as run
from imsg_sdk.server.__main__ import opens
from imsg_sdk.server.app import RpcServer
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.extension import Extension, Handled, Next
from imsg_sdk.server.paths import home
from imsg_sdk.server.requests.envelope import Request, notification_line
from imsg_sdk.server.requests.output import Writer
from imsg_sdk.server.shell.argv import Invocation
from imsg_sdk.server.source import DatabaseFile

if TYPE_CHECKING:
    from imsg_sdk.sandbox.world.answers import Answers

__all__ = ["Parts", "SandboxExtension", "main", "serve"]

_OWN: Final = "sandbox."


class Parts(NamedTuple):
    """All that a process of the sandbox is made of, for what goes wrong in it."""

    dialect: Dialect
    world: World
    agenda: Agenda
    senders: WorldSenders
    control: Control
    writer: Writer
    source: DatabaseFile


class SandboxExtension(Extension):
    """Answers ``sandbox.…`` and lets faults change everything else."""

    def __init__(self, parts: Parts, program: Program, faults: Faults) -> None:
        self._parts = parts
        self._program = program
        self._faults = faults
        self._feed = Feed(parts.world.state, self._tell)
        parts.senders.following = self._feed.follow

    def call(self, request: Request, go_on: Next) -> Handled:
        """Answer `request`."""
        if request.method.startswith(_OWN):
            return self._parts.control.call(request.method, request.params), None
        if request.method == "watch.unsubscribe":
            self._feed.stop(request.params.get("subscription", 0))
        world, faults = self._parts.world, self._faults
        return self._program.call(
            request, lambda heard: tell_names(world, heard, lambda each: faults.call(each, go_on))
        )

    def notify(self, number: int, method: str, params: list[Any]) -> list[Any]:
        """Return what is left of some notifications."""
        return self._faults.notify(number, method, params)

    def _tell(self, number: int, method: str, params: list[Any]) -> None:
        kept = self.notify(number, method, params)
        self._parts.writer.write(b"".join(notification_line(method, each) for each in kept))

    def now_us(self) -> int:
        """Return the time of the world."""
        return self._parts.world.state.now_us()

    def end_of_input(self) -> None:
        """Let go of whoever waits for time to pass."""
        self._parts.agenda.close()
        self._feed.close()


def main(words: list[str]) -> int:
    """Run one command as ``imsg`` does; return the exit status.

    Besides the options of the server, ``--as VERSION`` says which ``imsg`` it is, and ``--fault`` what goes wrong:
    a name, or an object of name and options in JSON; it may be repeated.
    """
    words, versions = _own_option(words, "--as")
    words, faults = _own_option(words, "--fault")
    version = versions[-1] if versions else None

    def rpc(invocation: Invocation, path: str, writer: Writer) -> int:
        refuse_real(path)
        _make_if_missing(path)
        if faults:
            from imsg_sdk.sandbox.faults.listed import switch_on_all

            with contextlib.closing(State(path)) as state:
                switch_on_all(state, faults)
        served = serve(path, writer, dialect=invocation.dialect, extended=invocation.extended, version=version)
        return 0 if served else 1

    def status(invocation: Invocation, path: str, writer: Writer) -> int:
        state = State(path)
        tell_status(writer, Program(state if state.exists else None, invocation.dialect, version), invocation)
        return 0

    try:
        return run(words, {"rpc": rpc, "status": status, "send": _send}, version=version)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _send(invocation: Invocation, path: str, writer: Writer) -> int:
    from imsg_sdk.server.shell.commands import run as run_command

    refuse_real(path)
    _make_if_missing(path)
    with contextlib.closing(State(path)) as state, contextlib.closing(Ledger(path)) as ledger:
        world = World(state, ledger)
        _enliven(world)
        return run_command(invocation, path, writer, WorldSenders(world, invocation.dialect))


def _make_if_missing(path: str) -> None:
    """Make a world where there is none; of children that start together, one makes it and the others wait."""
    if State(path).exists:
        return
    import fcntl  # not on Windows, where this package runs no children

    from imsg_sdk.sandbox.world.make import make_world

    if not (parent := Path(path).absolute().parent).is_dir():
        raise ConfigError("no such folder", path="db")
    folder = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if not State(path).exists:
            make_world(path).close()
    finally:
        os.close(folder)


def _own_option(words: list[str], name: str) -> tuple[list[str], list[str]]:
    """Take an option and its values out of the words."""
    values = []
    while name in words[:-1]:
        place = words.index(name)
        values.append(words[place + 1])
        words = words[:place] + words[place + 2 :]
    return words, values


def serve(path: str, writer: Writer, *, dialect: Dialect, extended: bool, version: str | None = None) -> bool:
    """Serve one client until its input ends; the world must be there.

    Returns
    -------
    bool
        Whether the database could be opened.

    Raises
    ------
    ValueError
        There is no such version of that dialect.
    """
    if version is not None:
        read_version(version, dialect)
    world = World(State(path), Ledger(path))
    answers = _enliven(world)
    agenda = Agenda(world)
    world.changed = agenda.look
    source = DatabaseFile(path, dialect=dialect, extended=extended, home=home())
    if not opens(source, writer, dialect):
        return False
    senders = WorldSenders(world, dialect)
    control = Control(world, agenda, answers)
    parts = Parts(dialect, world, agenda, senders, control, writer, source)
    extension = SandboxExtension(parts, Program(world.state, dialect, version), Faults(parts))
    agenda.start()
    RpcServer(source, writer, dialect=dialect, extended=extended, senders=senders, extension=extension).serve(0)
    agenda.close()
    source.close()
    world.ledger.close()
    world.state.close()
    return True


def _send_scheduled(world: World, args: dict[str, Any]) -> dict[str, Any]:
    from imsg_sdk.sandbox.world.scheduled import send_scheduled

    return send_scheduled(world, args)


def _enliven(world: World) -> Callable[[], Answers]:
    """Let people hear and act; what that takes is loaded when it is first needed, for most processes only read."""

    @cache
    def answers() -> Answers:
        from imsg_sdk.sandbox.world.answers import Answers

        return Answers(world)

    def deed(kind: str) -> Kind:
        def do(world: World, args: dict[str, Any]) -> dict[str, Any]:
            from imsg_sdk.sandbox.world.deeds import DEEDS as KINDS

            return KINDS[kind](world, args)

        return do

    world.hearing = lambda heard: answers().hear(heard)
    world.kinds |= {kind: deed(kind) for kind in DEEDS}
    world.kinds["chatter"] = lambda world, args: answers().chat(world, args)
    world.kinds["scheduled"] = _send_scheduled
    return answers
