"""Counting messages: ``messages.stats``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from math import floor
from typing import Any, Final

from imsg_sdk.chatdb.imsg_text import strip_blank
from imsg_sdk.server.rows.database import Database, Row
from imsg_sdk.server.rows.directory import Directory
from imsg_sdk.server.rows.instants import seconds, stored_date
from imsg_sdk.server.rows.previews import PreviewFinder
from imsg_sdk.server.rows.reader import URL_BALLOON, RowReader
from imsg_sdk.server.store.zones import Zone

__all__ = ["Statistics"]

_UNKNOWN: Final = "unknown"


class Statistics:
    """Counts the messages that are linked to a chat, tapbacks and folded link previews aside."""

    def __init__(self, database: Database, directory: Directory, reader: RowReader, finder: PreviewFinder) -> None:
        self._db = database
        self._directory = directory
        self._reader = reader
        self._finder = finder

    def count(self, *, chat_id: int | None, include_media: bool, zone: Zone) -> dict[str, Any]:
        """Return the result of ``messages.stats``."""
        links = self._links(chat_id)
        folded = self._folded(chat_id)
        in_chats: Counter[int] = Counter()
        messages: dict[int, Row] = {}
        for link in links:
            rowid, chat = link[0], link[1]
            if (rowid, chat) not in folded:
                in_chats[chat] += 1
                messages.setdefault(rowid, link)
        result = self._totals(messages.values(), zone)
        result["chats"] = [
            self._chat(chat, service=True) | {"message_count": count} for chat, count in _ranked(in_chats)
        ]
        if include_media:
            result["media"] = self._media(chat_id)
        return result

    def _links(self, chat_id: int | None) -> list[Row]:
        """Return a row per message and chat, the lowest chat first."""
        destination = self._db.column("destination_caller_id")
        where, parameters = self._where(chat_id)
        rows = self._db.rows(
            f"SELECT m.ROWID, cmj.chat_id, m.handle_id, m.date, m.is_from_me, m.service, {destination}"
            " FROM message m JOIN chat_message_join cmj ON cmj.message_id = m.ROWID"
            " JOIN chat c ON c.ROWID = cmj.chat_id"
            f" {where} ORDER BY m.ROWID, cmj.chat_id",
            parameters,
        )
        return [row for at, row in enumerate(rows) if not at or row[:2] != rows[at - 1][:2]]

    def _where(self, chat_id: int | None) -> tuple[str, tuple[int, ...]]:
        conditions = ["1"]
        if self._reader.has_reactions:
            kind = "m.associated_message_type"
            conditions.append(
                f"({kind} IS NULL OR ({kind} NOT BETWEEN 2000 AND 2006 AND {kind} NOT BETWEEN 3000 AND 3006))"
            )
        if chat_id is not None:
            conditions.append("cmj.chat_id = ?")
        return "WHERE " + " AND ".join(conditions), () if chat_id is None else (chat_id,)

    def _folded(self, chat_id: int | None) -> set[tuple[int, int]]:
        if not self._reader.has_balloons:
            return set()
        where, parameters = self._where(chat_id)
        previews = self._reader.read(
            f"JOIN chat_message_join cmj ON cmj.message_id = m.ROWID {where} AND m.balloon_bundle_id = '{URL_BALLOON}'"
            " ORDER BY m.ROWID",
            parameters,
            chat="cmj.chat_id",
        )
        return {(row.rowid, row.chat_id) for row in previews if self._finder.text_row(row) is not None}

    def _totals(self, messages: Iterable[Row], zone: Zone) -> dict[str, Any]:
        handles = self._directory.handles()
        sent = received = 0
        senders: Counter[str] = Counter()
        services: Counter[str] = Counter()
        days: Counter[int] = Counter()
        for _, _, handle_id, date, is_from_me, service, destination in messages:
            if is_from_me:
                sent += 1
            else:
                received += 1
                senders[handles.get(handle_id) or _text(destination)] += 1
            services[service] += 1
            days[floor(seconds(stored_date(date)))] += 1
        return {
            "total_messages": sent + received,
            "sent_messages": sent,
            "received_messages": received,
            "time_zone": zone.name,
            "senders": [{"handle": name, "message_count": count} for name, count in _ranked(_named(senders))],
            "services": [{"service": name, "message_count": count} for name, count in _ranked(_named(services))],
            "dates": [{"date": day, "message_count": count} for day, count in sorted(_by_day(days, zone.tz).items())],
        }

    def _chat(self, chat_id: int, *, service: bool = False) -> dict[str, Any]:
        chat = self._directory.chat(chat_id)
        name = strip_blank(chat.display_name) and chat.display_name
        entry: dict[str, Any] = {
            "chat_id": chat_id,
            "identifier": chat.identifier,
            "name": name or chat.identifier or _UNKNOWN,
        }
        if service:
            entry["service"] = chat.service if strip_blank(chat.service) else _UNKNOWN
        return entry

    def _media(self, chat_id: int | None) -> dict[str, Any]:
        where, parameters = self._where(chat_id)
        rows = self._db.rows(
            "SELECT DISTINCT a.ROWID, cmj.chat_id, a.uti, a.mime_type, max(ifnull(a.total_bytes, 0), 0)"
            " FROM attachment a JOIN message_attachment_join maj ON maj.attachment_id = a.ROWID"
            " JOIN message m ON m.ROWID = maj.message_id JOIN chat_message_join cmj ON cmj.message_id = m.ROWID"
            f" JOIN chat c ON c.ROWID = cmj.chat_id {where}",
            parameters,
        )
        files = {row[0]: row for row in rows}
        types = _sizes(((_name(uti), _name(mime_type)), size) for _, _, uti, mime_type, size in files.values())
        chats = _sizes((chat, size) for _, chat, _, _, size in rows)
        return {
            "total_attachments": len(files),
            "total_bytes": sum(_size(row[4]) for row in files.values()),
            "types": [
                {"uti": uti, "mime_type": mime_type, "attachment_count": count, "total_bytes": size}
                for (uti, mime_type), (count, size) in types
            ],
            "chats": [
                self._chat(chat) | {"attachment_count": count, "total_bytes": size} for chat, (count, size) in chats
            ],
        }


def _ranked(counts: Mapping[Any, int]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _named(counts: Mapping[Any, int]) -> Counter[str]:
    named: Counter[str] = Counter()
    for value, count in counts.items():
        named[_name(value)] += count
    return named


def _name(value: Any) -> str:
    return value if isinstance(value, str) and strip_blank(value) else _UNKNOWN


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _size(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _by_day(instants: Mapping[int, int], tz: tzinfo) -> Counter[str]:
    days: Counter[str] = Counter()
    for instant, count in instants.items():
        days[datetime.fromtimestamp(instant, tz).date().isoformat()] += count
    return days


def _sizes(items: Iterable[tuple[Any, Any]]) -> list[tuple[Any, tuple[int, int]]]:
    """Count items and add up their sizes, most first, then largest, then by name."""
    sums: dict[Any, tuple[int, int]] = {}
    for key, size in items:
        count, total = sums.get(key, (0, 0))
        sums[key] = count + 1, total + _size(size)
    return sorted(sums.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
