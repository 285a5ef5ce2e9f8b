"""A small file that remembers what a list of messages has come to, so that nobody gets one twice.

One line of JSON for each step, written and synced before the step is taken: what a ``kill -9`` leaves is what was
done.  It holds no text, no handle and no path, only digests under a salt of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from imsg_sdk.errors import UsageError
from imsg_sdk.models import SendState

__all__ = ["Memory", "SendLedger"]

VERSION: Final = 1
ATTEMPTING: Final = "attempting"


class Memory(msgspec.Struct, omit_defaults=True):
    """What is remembered of one part of one message."""

    key: str
    part: int
    of: int
    state: str
    """``attempting``, or what it came to."""
    before: int | None = None
    """A row that was there before; None where the history could not be looked into."""
    attempt: str | None = None
    guid: str | None = None
    rowid: int | None = None
    chat_id: int | None = None
    safe: bool = False
    """It is proven that nothing went out."""

    @property
    def may_be_sent(self) -> bool:
        """Whether it can be sent without anybody getting it twice."""
        return self.safe or self.state in (SendState.REFUSED, SendState.PLANNED)


class _Head(msgspec.Struct, kw_only=True):
    send_ledger: int
    salt: str


_head = msgspec.json.Decoder(_Head)
_line = msgspec.json.Decoder(Memory)


class SendLedger:
    """An open ledger, held by this process alone.

    Parameters
    ----------
    path
        The file; it is made where there is none.

    Raises
    ------
    UsageError
        It is no ledger, cannot be opened, or is held by another run.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()
        self._memories: dict[str, dict[int, Memory]] = {}
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(f"the ledger cannot be opened: {error.strerror}", hint="give the path of a file") from None
        try:
            self._hold()
            self._read()
        except BaseException:
            os.close(self._fd)
            raise

    def _hold(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError("another run holds this ledger", hint="wait until it has ended") from None

    def _read(self) -> None:
        with open(self._fd, "rb", closefd=False) as file:
            content = file.read()
        if not content:
            self._salt = token_hex(16)
            self._write(_Head(send_ledger=VERSION, salt=self._salt))
            return
        first, *lines = content.split(b"\n")
        try:
            head = _head.decode(first)
        except msgspec.DecodeError:
            raise UsageError("the file is no ledger of sends", hint="give another path; a new file is made") from None
        if head.send_ledger != VERSION:
            raise UsageError("the ledger is of a newer version", hint="update imsg-sdk")
        self._salt = head.salt
        for line in lines:
            self._take(line)
        if lines and lines[-1]:
            self._append(b"\n")  # the last step was cut off while it was written, so it was not taken

    def _take(self, line: bytes) -> None:
        try:
            memory = _line.decode(line)
        except msgspec.DecodeError:
            return
        self._keep(memory)

    def _keep(self, memory: Memory) -> None:
        self._memories.setdefault(memory.key, {})[memory.part] = memory

    def key(self, *parts: str) -> str:
        """Return the digest under which something is remembered."""
        content = "\0".join(f"{len(part)}:{part}" for part in parts)
        return hmac.new(self._salt.encode(), content.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]

    def recall(self, key: str) -> dict[int, Memory]:
        """Return what is remembered of the parts of a message."""
        return dict(self._memories.get(key, {}))

    @property
    def guids(self) -> frozenset[str]:
        """Return the guids of all messages that are known to have gone out."""
        parts = (each for known in self._memories.values() for each in known.values())
        return frozenset(each.guid for each in parts if each.guid is not None)

    def note(self, memory: Memory) -> None:
        """Remember a step; it is on the disk when this returns."""
        self._write(memory)
        self._keep(memory)

    def _write(self, line: Any) -> None:
        self._append(msgspec.json.encode(line) + b"\n")

    def _append(self, data: bytes) -> None:
        try:
            # One call: a process that is killed has written the whole line or none of it.
            if os.write(self._fd, data) != len(data):
                raise UsageError("the ledger cannot be written: the disk is full", hint="make room and run it again")
            os.fsync(self._fd)
        except OSError as error:
            raise UsageError(f"the ledger cannot be written: {error.strerror}", hint="is the disk full?") from None

    def close(self) -> None:
        """Let go of the file; calling it again does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SendLedger, {len(self._memories)} messages>"
