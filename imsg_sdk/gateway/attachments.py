"""Files of a message: which one counts, what kind it is, and whether it lies where files may lie.  No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from imsg_sdk.config.settings import ClientConfig, GatewayConfig
from imsg_sdk.models import Attachment

__all__ = ["DEFAULT_ROOTS", "configured_roots", "is_inside", "media_kind", "placeholder", "usable"]

DEFAULT_ROOTS: Final[tuple[str, ...]] = ("/Users/*/Library/Messages/Attachments",)
"""Where Messages keeps its files; ``*`` stands for one whole name."""

UNKNOWN: Final = "unknown"
_KINDS: Final = (("image/", "image"), ("audio/", "audio"), ("video/", "video"), ("application/", "document"))


def media_kind(mime_type: str | None) -> str:
    """Return image, audio, video, document or unknown."""
    return next((kind for prefix, kind in _KINDS if (mime_type or "").startswith(prefix)), UNKNOWN)


def usable(attachments: Iterable[Attachment]) -> Attachment | None:
    """Return the first attachment that has a path and is there."""
    return next((each for each in attachments if each.path and not each.is_missing), None)


def placeholder(chosen: Attachment | None) -> str:
    """Return what stands for a message without text: the kind of the usable attachment, where it is known."""
    kind = media_kind(chosen.mime_type) if chosen is not None else UNKNOWN
    return f"<media:{'attachment' if kind == UNKNOWN else kind}>"


def configured_roots(gateway: GatewayConfig, client: ClientConfig) -> tuple[str, ...]:
    """Return the folders that the settings allow beside :data:`DEFAULT_ROOTS`, where the program runs."""
    if client.remote_host is not None:
        return (*gateway.remote_attachment_roots, *gateway.attachment_roots)
    return gateway.attachment_roots


def is_inside(path: str, roots: Iterable[str]) -> bool:
    """Tell whether an absolute path lies below one of `roots`, by its words alone.

    ``.`` and ``..`` are resolved first, without looking at the disk: whoever opens the file checks its real path
    again.
    """
    segments = _segments(path)
    if segments is None:
        return False
    for root in roots:
        wanted = _segments(root)
        if wanted and len(segments) > len(wanted):
            pairs = zip(wanted, segments, strict=False)
            if all(name in ("*", segment) for name, segment in pairs):
                return True
    return False


def _segments(path: str) -> list[str] | None:
    if not path.startswith("/") or "\0" in path:
        return None
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if segments:
                segments.pop()
        elif segment not in ("", "."):
            segments.append(segment)
    return segments
