"""A make-believe Messages in a private folder, made by a child process and removed with its client."""

from __future__ import annotations

import os
import sys
from operator import index
from typing import Any, SupportsIndex

import msgspec

from imsg_sdk.errors import BackendExited, UsageError
from imsg_sdk.rpc.commands import IsUnwanted, run_command
from imsg_sdk.rpc.faults import describe_exit, redact

__all__ = ["PrivateSandbox"]

_REMEDIES = {
    "--messages": "ask for more messages, or for preset=None",
    "--people": "a person is at least {'name': …, 'addresses': […]}; a rule has 'do', a list of steps",
}


class PrivateSandbox:
    """One make-believe Messages, made when it is needed.

    Its folder goes with the client, with the process that made it, and by the guard of a child if that
    process is killed.
    """

    def __init__(
        self,
        *,
        seed: SupportsIndex,
        messages: SupportsIndex,
        preset: str | None,
        people: Any = None,
        history: str | os.PathLike[str] | None = None,
        clock: str = "real",
        bridge: bool = True,
    ) -> None:
        try:
            count, number = index(messages), index(seed)
        except TypeError:
            raise UsageError("messages and seed must be whole numbers", hint="messages=5000, seed=1") from None
        if count < 1:
            raise UsageError(
                "a sandbox needs at least one message", hint="messages=5000 takes a moment; preset='empty' begins anew"
            )
        if clock not in ("real", "virtual"):
            raise UsageError("clock must be 'real' or 'virtual'", hint="virtual time moves only when told to")
        self._options = [f"--seed={number}", f"--clock={clock}", "--bridge" if bridge else "--no-bridge"]
        self._options += _past(count, preset, history)
        self._people = None if people is None else _spelled(people)
        self._owner_pid = os.getpid()
        self._is_removed = False
        self.folder = _unused_folder()
        self.path = f"{self.folder}/chat.db"
        self.timeout_s = 30.0 + count / 2000

    def make(self, is_unwanted: IsUnwanted) -> None:
        """Make the world and its database; blocks.

        Raises
        ------
        UsageError
            No world can be made of what was asked for, or there is no folder for it.
        BackendExited
            The generator failed.
        """
        try:
            os.mkdir(self.folder, 0o700)  # noqa: PTH102 - pathlib is not imported for it
        except OSError as error:
            raise UsageError(
                f"no folder can be made for the sandbox: {error.strerror}", hint="TMPDIR must name a folder of yours"
            ) from None
        try:
            self._generate(is_unwanted)
        except BaseException:
            self._remove_folder()
            raise
        if self._is_removed:
            self._remove_folder()

    def _generate(self, is_unwanted: IsUnwanted) -> None:
        argv = [sys.executable, "-m", "imsg_sdk.sandbox", "world", self.path, *self._options]
        if self._people is not None:
            with open(f"{self.folder}/people.json", "wb") as file:  # noqa: PTH123 - pathlib is not imported for it
                file.write(self._people)
            argv.append(f"--people={self.folder}/people.json")
        ending = run_command(argv, timeout_s=self.timeout_s, folder=self.folder, is_unwanted=is_unwanted).ending
        tail = redact(ending.stderr_tail)
        if ending.returncode == 2:
            option, _, reason = tail.rpartition("error: ")[2].removeprefix("argument ").partition(": ")
            hint = _REMEDIES.get(option, "the page on the sandbox says what can be asked for")
            raise UsageError(f"no sandbox can be made: {(reason or option).partition(' (')[0].strip()}", hint=hint)
        if ending.returncode != 0:
            raise BackendExited(
                f"the sandbox generator {describe_exit(ending.returncode)}",
                returncode=ending.returncode,
                stderr_tail=tail,
                hint="is the temporary folder full? stderr_tail of this error says more",
            )

    def remove(self) -> None:
        """Remove the folder; calling it again does nothing."""
        self._is_removed = True
        if os.getpid() == self._owner_pid:
            self._remove_folder()

    def _remove_folder(self) -> None:
        from shutil import rmtree

        rmtree(self.folder, ignore_errors=True)


def _past(count: int, preset: str | None, history: str | os.PathLike[str] | None) -> list[str]:
    """Return the options for what was there before."""
    if preset not in ("demo", "empty", None):
        raise UsageError("preset must be 'demo', 'empty' or None", hint="None invents people")
    if history is not None:
        return [f"--history={os.path.abspath(os.fspath(history))}"]  # noqa: PTH100 - text in, text out
    if preset == "empty":
        return []
    return [f"--messages={count}", *([] if preset is None else [f"--preset={preset}"])]


def _spelled(people: Any) -> bytes:
    """Return the people as the sandbox reads them."""
    if isinstance(people, str | os.PathLike):
        try:
            with open(people, "rb") as file:  # noqa: PTH123 - pathlib is not imported for it
                return file.read()
        except OSError as error:
            raise UsageError(f"people cannot be read: {error.strerror}", hint="a JSON file, or a list") from None
    try:
        return msgspec.json.encode(people)
    except TypeError:
        raise UsageError("people must be a list or a JSON file", hint='[{"name": "Ada", "addresses": […]}]') from None


def _unused_folder() -> str:
    """Return a name nobody uses or can guess; the folder is made where it is needed, or not at all."""
    from secrets import token_hex
    from tempfile import gettempdir

    return f"{os.path.realpath(gettempdir())}/imsg-sandbox-{token_hex(8)}"
