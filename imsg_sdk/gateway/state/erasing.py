"""Forgetting a person: what they wrote, and every place where their handle stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from imsg_sdk._time import Clock, to_us
from imsg_sdk.addressing import normalize_handle
from imsg_sdk.errors import AddressError
from imsg_sdk.gateway.reasons import Reason
from imsg_sdk.gateway.state import content
from imsg_sdk.gateway.state.store import Store

__all__ = ["erase", "erase_beside"]

IsPerson = Callable[[str | None], bool]


def erase_beside(folder: Path, account: str, handle: str, clock: Clock) -> int:
    """Remove a person from the state of an account, whether or not a gateway runs; see :func:`erase`.

    Raises
    ------
    JournalError
        The state file cannot be opened or written.
    AddressError
        `handle` is blank.
    """
    store = Store.open(folder, account)
    try:
        return erase(store, handle, to_us(clock.now()))
    finally:
        store.close()


def erase(store: Store, handle: str, now_us: int) -> int:
    """Remove a person from the state file; return in how many places they stood.

    The file is cleaned in one transaction, its log at once after it.
    """
    if not normalize_handle(handle):
        raise AddressError("a blank handle is nobody's", hint="give the number or address of the person")
    is_person = content.same_person(handle)
    with store as connection:
        entries = _of_person(store, is_person)
        chunks = _chunks(store, entries, is_person)
        for number in entries:
            connection.execute("DELETE FROM inbound_content WHERE id = ?", (number,))
            connection.execute("UPDATE inbound SET sender = NULL, detail = NULL, error = NULL WHERE id = ?", (number,))
            connection.execute(
                "UPDATE inbound SET state = 'finished', dispatched = 0, rule = ?1, reason = ?1, finished_us = ?2, "
                "decided_us = coalesce(decided_us, ?2) WHERE id = ?3 AND state <> 'finished'",
                (str(Reason.ERASED), now_us, number),
            )
        for number in chunks:
            connection.execute("DELETE FROM outbox_content WHERE id = ?", (number,))
            connection.execute(
                "UPDATE outbox SET detail = NULL, settled_us = coalesce(settled_us, ?), state = CASE state "
                "WHEN 'planned' THEN 'skipped' WHEN 'attempting' THEN 'uncertain' ELSE state END WHERE id = ?",
                (now_us, number),
            )
        contacts = _forget_contacts(store, is_person)
    store.forget_log()
    return len(entries) + len(chunks) + contacts


def _of_person(store: Store, is_person: IsPerson) -> list[int]:
    """Return the entries of a person, and take their handle out of those of others."""
    connection = store.connection
    senders = [sender for (sender,) in connection.execute("SELECT DISTINCT sender FROM inbound") if is_person(sender)]
    found = {
        number
        for sender in senders
        for (number,) in connection.execute("SELECT id FROM inbound WHERE sender = ?", (sender,))
    }
    rewritten: list[tuple[Any, ...]] = []
    for number, packed in connection.execute("SELECT id, message FROM inbound_content"):
        message = content.unpack(packed, ())
        if content.concerns(message, is_person):
            found.add(number)
        elif content.mentions(message, is_person):
            rewritten.append((content.pack(content.without(message, is_person)), number))
    connection.executemany("UPDATE inbound_content SET message = ? WHERE id = ?", rewritten)
    return sorted(found)


def _chunks(store: Store, entries: list[int], is_person: IsPerson) -> list[int]:
    """Return the chunks that answer these entries or go to this person."""
    connection = store.connection
    found = {
        number
        for entry in entries
        for (number,) in connection.execute("SELECT id FROM outbox WHERE entry_id = ?", (entry,))
    }
    for number, packed in connection.execute("SELECT id, params FROM outbox_content"):
        params = msgspec.json.decode(packed)
        names = (params.get("to"), params.get("chat_identifier"), str(params.get("chat_guid") or "").rpartition(";")[2])
        if any(isinstance(each, str) and each and is_person(each) for each in names):
            found.add(number)
    return sorted(found)


def _forget_contacts(store: Store, is_person: IsPerson) -> int:
    connection = store.connection
    forgotten = 0
    for table, name in (("pairing_request", "handle"), ("pairing_approved", "handle"), ("route", "target")):
        gone = [(each,) for (each,) in connection.execute(f"SELECT {name} FROM {table}") if is_person(each)]
        connection.executemany(f"DELETE FROM {table} WHERE {name} = ?", gone)
        forgotten += len(gone)
    return forgotten
