"""The tables of the state file, and its version.  Public: other programs may read them.

What people wrote stands in ``inbound_content`` and ``outbox_content`` only, so that forgetting it leaves the decisions
alone.  Times are microseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from typing import Final

__all__ = ["APPLICATION_ID", "SCHEMA", "VERSION"]

VERSION: Final = 1
APPLICATION_ID: Final = 0x696D7367
"""Tells the file from any other database."""

SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE inbound (
    id INTEGER PRIMARY KEY,
    guid TEXT,
    message_rowid INTEGER NOT NULL,
    chat_id INTEGER,
    sender TEXT,
    is_group INTEGER,
    is_from_me INTEGER NOT NULL,
    created_us INTEGER,
    arrived_us INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    repeats INTEGER NOT NULL DEFAULT 0,
    dispatched INTEGER,
    rule TEXT,
    reason TEXT,
    detail TEXT,
    decided_group INTEGER,
    was_mentioned INTEGER,
    command_authorized INTEGER,
    error TEXT,
    decided_us INTEGER,
    finished_us INTEGER
);
CREATE INDEX inbound_guid ON inbound (guid) WHERE guid IS NOT NULL;
CREATE INDEX inbound_rowid ON inbound (message_rowid);
CREATE INDEX inbound_open ON inbound (id) WHERE state <> 'finished';
CREATE TABLE inbound_content (id INTEGER PRIMARY KEY, message BLOB NOT NULL);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    entry_id INTEGER,
    chat_id INTEGER,
    reply INTEGER NOT NULL,
    part INTEGER NOT NULL,
    state TEXT NOT NULL,
    guid TEXT,
    message_rowid INTEGER,
    detail TEXT,
    attempt_id TEXT,
    after_rowid INTEGER,
    planned_us INTEGER NOT NULL,
    attempted_us INTEGER,
    settled_us INTEGER
);
CREATE INDEX outbox_open ON outbox (id) WHERE state IN ('planned', 'attempting');
CREATE INDEX outbox_entry ON outbox (entry_id);
CREATE INDEX outbox_guid ON outbox (guid) WHERE guid IS NOT NULL;
CREATE INDEX outbox_rowid ON outbox (message_rowid) WHERE message_rowid IS NOT NULL;
CREATE TABLE outbox_content (id INTEGER PRIMARY KEY, params BLOB NOT NULL);
CREATE TABLE route (session TEXT PRIMARY KEY, channel TEXT NOT NULL, target TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pairing_request (
    handle TEXT PRIMARY KEY,
    code TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    seen_us INTEGER NOT NULL,
    chat_id INTEGER
) WITHOUT ROWID;
CREATE TABLE pairing_approved (handle TEXT PRIMARY KEY, approved_us INTEGER NOT NULL) WITHOUT ROWID;
"""
