"""Statistics as text.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["stats_lines"]


def stats_lines(stats: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of ``imsg stats``."""
    total, sent, received = stats["total_messages"], stats["sent_messages"], stats["received_messages"]
    yield f"Messages: {total} ({sent} sent, {received} received)"
    yield f"Time zone: {stats['time_zone']}"
    yield "By chat:"
    for chat in stats["chats"]:
        yield f"  {chat['chat_id']} {chat['name']}: {chat['message_count']} ({chat['service']})"
    for title, rows, key in (
        ("sender", "senders", "handle"),
        ("service", "services", "service"),
        ("date", "dates", "date"),
    ):
        yield f"By {title}:"
        yield from (f"  {row[key]}: {row['message_count']}" for row in stats[rows])
    if (media := stats.get("media")) is not None:
        yield from _media_lines(media)


def _media_lines(media: dict[str, Any]) -> Iterator[str]:
    yield f"Media: {media['total_attachments']} ({media['total_bytes']} bytes)"
    yield "By media type:"
    for row in media["types"]:
        yield f"  {row['uti']} {row['mime_type']}: {row['attachment_count']} ({row['total_bytes']} bytes)"
    yield "Media by chat:"
    for row in media["chats"]:
        yield f"  {row['chat_id']} {row['name']}: {row['attachment_count']} ({row['total_bytes']} bytes)"
