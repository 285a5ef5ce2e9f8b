"""The way in: which reader takes a file, Arrow's or the plain one."""

from __future__ import annotations

from typing import Any, Self

from imsg_sdk.chatdb.index import Index
from imsg_sdk.chatdb.messages import MessageReader
from imsg_sdk.chatdb.snapshot import Readers
from imsg_sdk.frames.arrow.index import ArrowIndex
from imsg_sdk.frames.arrow.messages import ArrowReader
from imsg_sdk.frames.arrow.source import FAILURES, ArrowSource

__all__ = ["ArrowRoads"]


class ArrowRoads:
    """The readers of one file; a context manager."""

    def __init__(self, source: ArrowSource) -> None:
        self._source = source
        self._is_taken = False

    @classmethod
    def open(cls, path: str) -> Self | None:
        """Open a file; None where the driver cannot."""
        source = ArrowSource.open(path)
        return None if source is None else cls(source)

    @property
    def readers(self) -> Readers:
        """Return what reads the file through Arrow wherever that is possible."""
        return Readers(self._index, self._messages)

    def _index(self, *arguments: Any) -> Index:
        # A second index is asked for when the file has changed, and the source goes on seeing it as it was.
        if self._is_taken:
            self._source.give_up()
        self._is_taken = True
        if self._source.is_usable():
            try:
                return ArrowIndex(self._source, *arguments)
            except FAILURES:
                self._source.give_up()
        return Index(*arguments)

    def _messages(self, *arguments: Any) -> MessageReader:
        return ArrowReader(self._source, *arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._source.close()
