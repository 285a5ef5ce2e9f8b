"""Files that commands write: whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["file_at"]


@contextlib.contextmanager
def file_at(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place only when it is whole; what is no file, such as a pipe, is written to.

    A new file is private, since it holds private text; one that is replaced keeps its permissions.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as device:
            yield device
        return
    path = path.resolve()  # a link goes on pointing where it did
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            yield file
        partial.chmod(mode)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
