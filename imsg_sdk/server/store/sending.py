"""What became of a message, and which wait to be sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from imsg_sdk._time import iso_ms
from imsg_sdk.chatdb.imsg_text import decode_body
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.rows.database import Database
from imsg_sdk.server.rows.directory import Directory
from imsg_sdk.server.rows.instants import stored_date, wire_date

__all__ = ["scheduled", "send_status"]

_FLAGS: Final = (
    "is_sent",
    "is_delivered",
    "is_finished",
    "is_delayed",
    "is_prepared",
    "is_pending_satellite_send",
    "was_downgraded",
)


def send_status(db: Database, guid: str, now: datetime, dialect: Dialect) -> dict[str, Any]:
    """Return the result of ``message.send_status``; a guid that is not there is pending."""
    result: dict[str, Any] = {
        "ok": True,
        "guid": guid,
        "send_state": "pending",
        "service": None,
        "checked_at": iso_ms(now),
        "status_fields": None,
    }
    columns = [db.column(name, "0") for name in ("error", "date_delivered", "date_read", *_FLAGS)]
    # The older programs look a guid up as it is spelled.
    collation = " COLLATE NOCASE" if dialect is Dialect.V1 else ""
    rows = db.rows(
        f"SELECT {db.column('guid', repr(''))}, {db.column('service')}, {', '.join(columns)} FROM message m"
        f" WHERE {db.column('guid', repr(''))} = ?{collation} ORDER BY m.ROWID DESC LIMIT 1",
        (guid,),
    )
    if not rows:
        return result
    stored, service, error, delivered, read, *flags = rows[0]
    fields: dict[str, Any] = {name: bool(value) for name, value in zip(_FLAGS, flags, strict=True)}
    fields["error"] = error if isinstance(error, int) else 0
    fields["date_delivered"] = _date(delivered)
    fields["date_read"] = _date(read)
    result["guid"] = stored
    result["service"] = service or None
    result["send_state"] = _state(fields)
    result["status_fields"] = fields
    if fields["date_delivered"]:
        result["delivered_at"] = fields["date_delivered"]
    return result


def scheduled(db: Database, directory: Directory, limit: int, now_ns: int) -> list[dict[str, Any]]:
    """Return the messages of ``messages.scheduled``, once for each chat."""
    kind, state = db.column("schedule_type", "0"), db.column("schedule_state", "0")
    rows = db.rows(
        f"SELECT m.ROWID, {db.column('guid', repr(''))}, cmj.chat_id, m.text, {db.column('attributedBody')},"
        f" m.service, m.date, {kind}, {state}"
        " FROM message m JOIN chat_message_join cmj ON cmj.message_id = m.ROWID"
        f" WHERE m.is_from_me = 1 AND (ifnull({kind}, 0) != 0 OR ifnull({state}, 0) != 0) AND m.date >= ?"
        " ORDER BY m.date, m.ROWID LIMIT ?",
        (now_ns, min(limit, 2**63 - 1)),
    )
    return [_scheduled(directory, *row) for row in rows]


def _scheduled(
    directory: Directory,
    rowid: int,
    guid: Any,
    chat_id: int,
    text: Any,
    body: Any,
    service: Any,
    date: Any,
    kind: Any,
    state: Any,
) -> dict[str, Any]:
    chat = directory.chat(chat_id)
    words = text.partition("\0")[0] if isinstance(text, str) else ""
    if not words and isinstance(body, bytes):
        words = decode_body(body)
    return {
        "id": rowid,
        "guid": guid or "",
        "chat_id": chat_id,
        "chat_identifier": chat.identifier,
        "chat_guid": chat.guid,
        "chat_name": chat.name,
        "text": words,
        "service": service or "",
        "scheduled_at": wire_date(stored_date(date)),
        "schedule_type": kind or 0,
        "schedule_state": state or 0,
    }


def _date(value: Any) -> str | None:
    return wire_date(value) if isinstance(value, int) and value > 0 else None


def _state(fields: dict[str, Any]) -> str:
    if fields["error"]:
        return "failed"
    if fields["is_delivered"] or fields["date_delivered"]:
        return "delivered"
    return "sent" if fields["is_sent"] else "pending"
