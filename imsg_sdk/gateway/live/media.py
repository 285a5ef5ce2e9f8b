"""Files of replies: paths are taken as they are, addresses are fetched before the send and removed after it."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from imsg_sdk.errors import GatewayError
from imsg_sdk.gateway.live.daemons import call_on_thread

__all__ = ["Media", "MediaError"]

_TIMEOUT_S: Final = 30.0
"""Longest silence of whoever has the file."""
_LONGEST_S: Final = 120.0
"""Longest wait for all of it: a few bytes now and then must not hold up a chat for ever."""
_PIECE: Final = 256 * 1024
_ODD = re.compile(r"[^\w.-]+")


class MediaError(GatewayError):
    """A file of a reply cannot be had."""


class Media:
    """Makes the parameters of a send ready.

    Parameters
    ----------
    most_bytes
        Largest file that is fetched.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes

    @asynccontextmanager
    async def ready(self, params: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
        """Give the parameters with a file that is here for as long as the block runs.

        Raises
        ------
        MediaError
            It cannot be fetched, or is too large.
        """
        source = params.get("file", "")
        if not source.lower().startswith(("http://", "https://")):
            yield params
            return
        with tempfile.TemporaryDirectory(prefix="imsg-media-") as folder:
            try:
                async with asyncio.timeout(_LONGEST_S):
                    path = await call_on_thread(self._fetch, source, Path(folder), time.monotonic() + _LONGEST_S)
            except TimeoutError:
                raise MediaError("Failed to fetch media: timed out") from None
            yield {**params, "file": str(path)}

    def _fetch(self, address: str, folder: Path, deadline: float) -> Path:
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import urlopen

        path = folder / _name_of(address)
        try:
            with urlopen(address, timeout=_TIMEOUT_S) as answer, path.open("wb") as file:
                size = 0
                while piece := answer.read1(_PIECE):
                    size += len(piece)
                    if time.monotonic() > deadline:
                        raise TimeoutError  # nobody waits any more
                    if size > self._most_bytes:
                        raise MediaError(f"Media exceeds {self._most_bytes // 2**20}MB limit")
                    file.write(piece)
        except HTTPError as error:
            error.close()  # it is an open answer, too
            raise MediaError(f"Failed to fetch media: HTTP {error.code}") from None
        except (OSError, ValueError, HTTPException) as error:
            raise MediaError(f"Failed to fetch media: {type(error).__name__}") from None
        return path


def _name_of(address: str) -> str:
    name = _ODD.sub("-", unquote(PurePosixPath(urlsplit(address).path).name))[-100:]
    return name.lstrip(".-") or "file"
