"""The two generations of ``imsg`` that the server can be."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["PROGRAM_VERSIONS", "Dialect"]


class Dialect(StrEnum):
    """Which generation of the protocol is spoken: strict v1, or the forgiving one before it."""

    V1 = "v1"
    LEGACY = "legacy"


PROGRAM_VERSIONS: Final = {Dialect.V1: "0.14.1", Dialect.LEGACY: "0.13.1"}
