"""Which program to run: the real ``imsg``, our own server, or either on another machine.

Two other packages install a command named ``imsg``, so a program is proven before it is trusted: the first
line of its ``rpc --help`` names what it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import msgspec

from imsg_sdk.errors import BackendNotFound, StartupTimeout, UsageError
from imsg_sdk.rpc.commands import IsUnwanted, never, run_command
from imsg_sdk.rpc.profiles import parse_version
from imsg_sdk.rpc.transport import spawn_error

__all__ = ["Backend", "find_imsg", "imsg_backend", "locate", "our_server", "prove", "refuse_windows", "ssh_backend"]

PROOF = "imsg rpc"
_ELSEWHERE = ("/opt/homebrew/bin", "/usr/local/bin")
_NOT_IMSG = "another program of that name is installed; give cli_path the path of the one from github.com/openclaw/imsg"


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """How to run one program.  ``wrap`` turns an argv into the one to start here."""

    name: str
    program: tuple[str, ...]
    db_path: str | None = None
    options: tuple[str, ...] = ()
    is_ours: bool = False
    host: str | None = None
    ssh: tuple[str, ...] = ()
    env: dict[str, str] = {}
    folder: str | None = None
    """A folder of ours, to be removed if this process is killed."""

    def argv(self, command: str, *arguments: str, with_database: bool = True) -> list[str]:
        """Return the argv of one of the program's commands."""
        database = ("--db", self.db_path) if self.db_path is not None and with_database else ()
        inner = [*self.program, command, *arguments, *database, *self.options]
        return self._wrapped(inner)

    def bare_argv(self, *arguments: str) -> list[str]:
        """Return the argv of the program with nothing but `arguments`."""
        return self._wrapped([*self.program, *arguments])

    def _wrapped(self, inner: list[str]) -> list[str]:
        if self.host is None:
            return inner
        # sshd hands one text to a shell on the other side, so each word is quoted for it.
        return [*self.ssh, self.host, "exec " + " ".join(map(_quote, inner))]


def _quote(word: str) -> str:
    """Quote a word for a shell, leaving a leading ``~/`` to it."""
    import shlex

    return f"~/{shlex.quote(word[2:])}" if word.startswith("~/") else shlex.quote(word)


def refuse_windows() -> None:
    """Raise where child processes cannot be run as this package needs them.

    Raises
    ------
    UsageError
        This is Windows.
    """
    if sys.platform == "win32":
        raise UsageError(
            "a client needs a Unix system: imsg runs on macOS and Linux",
            hint="on Windows, read a copy of the database with imsg_sdk.read_chat_db(path)",
        )


def imsg_backend(cli_path: str | Sequence[str] = "imsg", db_path: str | None = None) -> Backend:
    """Return the backend of an installed ``imsg``; finding and proving it comes at the start."""
    program = (cli_path,) if isinstance(cli_path, str) else tuple(cli_path)
    return Backend(name="imsg", program=program, db_path=None if db_path is None else _real(db_path))


def our_server(
    db_path: str,
    *,
    dialect: str = "v1",
    extended: bool = True,
    folder: str | None = None,
    module: str = "imsg_sdk.server",
    version: str | None = None,
) -> Backend:
    """Return the backend of this package's own server over a database file.

    `module` may bring a world, which may speak as an older `version`.

    Raises
    ------
    UsageError
        `dialect` is none that the server speaks, or `version` none of that dialect.
    """
    if dialect not in ("v1", "legacy"):
        raise UsageError("dialect must be 'v1' or 'legacy'", hint="v1 is imsg 0.14 and later, legacy what came before")
    if version is not None:
        _check_version(version, dialect)
    # An older program has no methods of ours.
    own = ("--extended",) if version is None and extended else ()
    options = (
        *(() if dialect == "v1" else ("--dialect", dialect)),
        *own,
        *(() if version is None else ("--as", version)),
    )
    return Backend(
        name=module,
        program=(sys.executable, "-m", module),
        db_path=_real(db_path),
        options=options,
        is_ours=True,
        folder=folder,
    )


def _check_version(version: str, dialect: str) -> None:
    read = parse_version(version)
    if read is None or not (0, 3, 0) <= read < (0, 15, 0) or (read >= (0, 14, 0)) != (dialect == "v1"):
        hint = "0.14.0 and 0.14.1 are dialect='v1', 0.3.0 to 0.13.4 dialect='legacy'"
        raise UsageError(f"there is no version {version!r} of that dialect", hint=hint)


def _real(path: str) -> str:
    """Return a path without symbolic links, which imsg 0.14 refuses to open."""
    return os.path.realpath(os.path.expanduser(path))  # noqa: PTH111 - text in, text out


def ssh_backend(
    host: str, *, cli_path: str = "imsg", db_path: str | None = None, ssh: Sequence[str] = ("ssh",)
) -> Backend:
    """Return the backend of an ``imsg`` on another machine.

    Raises
    ------
    UsageError
        `host` is no name, or begins with a dash, which ssh would read as an option.
    """
    if not isinstance(host, str) or not host or host.startswith("-"):
        raise UsageError("host must be a host name or user@host", hint="as you would write it after ssh")
    options = ("-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3")
    return Backend(
        name=f"imsg on {host.rpartition('@')[2]}",
        program=(cli_path,),
        db_path=db_path,
        host=host,
        ssh=(*ssh, *options),
    )


def find_imsg(program: str) -> str:
    """Return the path of a program on PATH, or where Homebrew puts it.

    Raises
    ------
    BackendNotFound
        There is none.
    """
    from shutil import which

    expanded = os.path.expanduser(program)  # noqa: PTH111 - text in, text out
    found = which(expanded) or which(expanded, path=os.pathsep.join(_ELSEWHERE))
    if found is None:
        exists = os.path.exists(expanded)  # noqa: PTH110
        raise spawn_error(PermissionError(13, "it is not executable") if exists else FileNotFoundError(), program)
    return found


def locate(backend: Backend) -> Backend:
    """Return the backend with the full path of its program, where that is ours to find."""
    if backend.host is not None or backend.is_ours:
        return backend
    return msgspec.structs.replace(backend, program=(find_imsg(backend.program[0]), *backend.program[1:]))


def prove(backend: Backend, *, timeout_s: float, is_unwanted: IsUnwanted = never) -> None:
    """Make sure that the program is imsg, by the first line of ``imsg rpc --help``.

    Raises
    ------
    BackendNotFound
        It is another program.
    StartupTimeout
        It did not answer.
    """
    if backend.is_ours:
        return
    try:
        output = run_command(backend.bare_argv("rpc", "--help"), timeout_s=timeout_s, is_unwanted=is_unwanted)
    except StartupTimeout:
        raise StartupTimeout(
            f"{backend.name} did not answer `rpc --help` within {timeout_s:g} s", hint=_NOT_IMSG
        ) from None
    if output.ending.returncode == 255 and backend.host is not None:
        raise BackendNotFound(
            "ssh cannot reach the host", hint="try `ssh HOST true` in a terminal; keys must be set up"
        )
    first = output.first_line
    if first != PROOF.encode():
        raise BackendNotFound(f"the program {os.path.basename(backend.program[0])!r} is not imsg", hint=_NOT_IMSG)  # noqa: PTH119
