"""A dictionary with a layer that can be taken off again.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

__all__ = ["Layered"]

_K = TypeVar("_K")
_V = TypeVar("_V")
_NOTHING: Final[Any] = object()


class Layered(dict[_K, _V]):
    """What is known of old rows, and over it what is known of recent ones.

    A plain dictionary to readers, since they look up every row of a history.
    """

    def __init__(self, base: Mapping[_K, _V] | Iterable[tuple[_K, _V]]) -> None:
        super().__init__(base)
        self._covered: dict[_K, Any] = {}

    def cover(self, layer: Mapping[_K, _V]) -> None:
        """Put `layer` over the base, in place of the layer before."""
        for key, value in self._covered.items():
            if value is _NOTHING:
                del self[key]
            else:
                self[key] = value
        self._covered = {key: self.get(key, _NOTHING) for key in layer}
        self.update(layer)
