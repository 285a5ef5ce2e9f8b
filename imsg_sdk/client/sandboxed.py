"""A make-believe history in a private folder, made by a child process and removed with its client."""

from __future__ import annotations

import os
import sys
from operator import index
from typing import SupportsIndex

from imsg_sdk.errors import BackendExited, UsageError
from imsg_sdk.rpc.commands import IsUnwanted, run_command
from imsg_sdk.rpc.faults import describe_exit, redact

__all__ = ["PrivateSandbox"]


class PrivateSandbox:
    """One generated database, made when it is needed.

    Its folder goes with the client, with the process that made it, and by the guard of a child if that
    process is killed.
    """

    def __init__(self, *, seed: SupportsIndex, messages: SupportsIndex, preset: str | None) -> None:
        try:
            count, number = index(messages), index(seed)
        except TypeError:
            raise UsageError("messages and seed must be whole numbers", hint="messages=5000, seed=1") from None
        if count < 1:
            raise UsageError("a sandbox needs at least one message", hint="messages=5000 takes a moment")
        self._options = [f"--messages={count}", f"--seed={number}"]
        if preset is not None:
            if preset != "demo":
                raise UsageError("preset must be 'demo' or None", hint="None invents people")
            self._options.append("--preset=demo")
        self._owner_pid = os.getpid()
        self._is_removed = False
        self.folder = _unused_folder()
        self.path = f"{self.folder}/chat.db"
        self.timeout_s = 30.0 + count / 2000

    def make(self, is_unwanted: IsUnwanted) -> None:
        """Generate the database; blocks.

        Raises
        ------
        UsageError
            No history can be made of the numbers, or there is no folder for it.
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
        argv = [sys.executable, "-m", "imsg_sdk.sandbox", "generate", self.path, *self._options]
        ending = run_command(argv, timeout_s=self.timeout_s, folder=self.folder, is_unwanted=is_unwanted).ending
        tail = redact(ending.stderr_tail)
        if ending.returncode == 2:
            reason = tail.rpartition("error: ")[2].removeprefix("argument --messages: ").partition(" (")[0].strip()
            raise UsageError(f"no sandbox can be made: {reason}", hint="ask for more messages, or for preset=None")
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


def _unused_folder() -> str:
    """Return a name nobody uses or can guess; the folder is made where it is needed, or not at all."""
    from secrets import token_hex
    from tempfile import gettempdir

    return f"{os.path.realpath(gettempdir())}/imsg-sandbox-{token_hex(8)}"
