"""A make-believe history in a private folder, made by a child process and removed with its client."""

from __future__ import annotations

import os
import sys

from imsg_sdk.errors import BackendExited, UsageError
from imsg_sdk.rpc.commands import run_command
from imsg_sdk.rpc.faults import describe_exit, redact

__all__ = ["PrivateSandbox"]


class PrivateSandbox:
    """One generated database.  The folder is made at once, the database when it is needed."""

    def __init__(self, *, seed: int, messages: int, preset: str | None) -> None:
        if messages < 1:
            raise UsageError("a sandbox needs at least one message", hint="messages=5000 takes a moment")
        self._options = ["--messages", str(messages), "--seed", str(seed)]
        if preset is not None:
            self._options += ["--preset", preset]
        self._owner_pid = os.getpid()
        from tempfile import mkdtemp

        self._folder = mkdtemp(prefix="imsg-sandbox-")
        self.path = f"{self._folder}/chat.db"
        self.timeout_s = 30.0 + messages / 2000

    def make(self) -> None:
        """Generate the database; blocks.

        Raises
        ------
        BackendExited
            The generator failed.
        """
        if os.path.exists(self.path):  # noqa: PTH110 - pathlib is not imported for it
            return
        argv = [sys.executable, "-m", "imsg_sdk.sandbox", "generate", self.path, *self._options]
        output = run_command(argv, timeout_s=self.timeout_s)
        if output.ending.returncode == 2:
            raise UsageError(
                "no history can be made of these numbers", hint=redact(output.ending.stderr_tail).splitlines()[-1]
            )
        if output.ending.returncode != 0:
            raise BackendExited(
                f"the sandbox generator {describe_exit(output.ending.returncode)}",
                returncode=output.ending.returncode,
                stderr_tail=redact(output.ending.stderr_tail),
                hint="is the temporary folder full? stderr_tail of this error says more",
            )

    def remove(self) -> None:
        """Remove the folder; calling it again does nothing."""
        if os.getpid() == self._owner_pid:
            from shutil import rmtree

            rmtree(self._folder, ignore_errors=True)
