"""The way in: which reader takes a file, through Arrow or the plain one."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from imsg_sdk.chatdb.connection import Connection
from imsg_sdk.chatdb.index import Index
from imsg_sdk.chatdb.messages import MessageReader
from imsg_sdk.chatdb.snapshot import Readers
from imsg_sdk.frames.arrow.index import ArrowIndex
from imsg_sdk.frames.arrow.messages import ArrowReader
from imsg_sdk.frames.arrow.source import RowSource, Source, Unfit

__all__ = ["ArrowRoads"]


class ArrowRoads:
    """The readers of one file; a context manager."""

    def __init__(self, path: str) -> None:
        self._stack = ExitStack()
        self._driver = _driver(path)
        if self._driver is not None:
            self._stack.callback(self._driver.close)
        self._source: Source | None = None

    @property
    def readers(self) -> Readers:
        """Return what reads the file through Arrow wherever that is possible."""
        return Readers(self._index, self._messages)

    def _index(self, connection: Connection, *arguments: Any) -> Index:
        # A second index is asked for when the file has changed, and the driver goes on seeing it as it was.
        driver, self._driver = self._driver, None
        self._source = driver if driver is not None and driver.is_usable() else RowSource(connection)
        try:
            return ArrowIndex(self._source, connection, *arguments)
        except Unfit:
            self._source.give_up()
            return Index(connection, *arguments)

    def _messages(self, *arguments: Any) -> MessageReader:
        return MessageReader(*arguments) if self._source is None else ArrowReader(self._source, *arguments)

    def __enter__(self) -> ArrowRoads:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()


def _driver(path: str) -> Any:
    """Return a connection of the ADBC driver, None where it is not installed or cannot open the file."""
    try:
        from imsg_sdk.frames.arrow.driver import DriverSource  # optional, and worth half of the time
    except ImportError:
        return None
    return DriverSource.open(path)
