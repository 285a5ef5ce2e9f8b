"""The tables of Messages from OS X 10.8 to macOS 27, as data: a column knows the system that brought it.

Triggers are left out: some call functions that only Apple registers, and the writer sets what the others would.
"""

from __future__ import annotations

import sqlite3

import msgspec

__all__ = ["SYSTEMS", "System", "columns", "create_indexes", "create_tables", "find_system"]


class System(msgspec.Struct, frozen=True):
    """One release of macOS as far as its Messages database goes."""

    name: str
    rank: int
    """Grows with age of the system: the second number of 10.8–10.15, then on by one (macOS 11 is 16)."""
    ends: str
    """Day on which a fictional history of this system ends by default."""
    client_version: int = 0

    def has(self, rank: int) -> bool:
        """Return true if this system is at least that one."""
        return self.rank >= rank


MINIMAL, MOUNTAIN_LION, YOSEMITE, SIERRA, HIGH_SIERRA, MOJAVE = 0, 8, 10, 12, 13, 14
CATALINA, BIG_SUR, MONTEREY, VENTURA, SONOMA, SEQUOIA, TAHOE, NEWEST = 15, 16, 17, 18, 19, 20, 21, 22

SYSTEMS = {
    system.name: system
    for system in (
        System("minimal", MINIMAL, "2026-10-31"),
        System("mountain-lion", MOUNTAIN_LION, "2013-09-30", 5017),
        System("yosemite", YOSEMITE, "2015-08-31", 8008),
        System("sierra", SIERRA, "2017-08-31", 10010),
        System("high-sierra", HIGH_SIERRA, "2018-08-31", 11016),
        System("mojave", MOJAVE, "2019-08-31", 12004),
        System("catalina", CATALINA, "2020-09-30", 13015),
        System("big-sur", BIG_SUR, "2021-09-30", 14006),
        System("monterey", MONTEREY, "2022-09-30", 15005),
        System("ventura", VENTURA, "2023-08-31", 16000),
        System("sonoma", SONOMA, "2024-08-31", 17003),
        System("sequoia", SEQUOIA, "2026-10-31", 18026),
        System("tahoe", TAHOE, "2026-10-31", 19002),
        System("newest", NEWEST, "2026-10-31", 20001),
    )
}
"""Systems by name, oldest first; ``minimal`` holds what a reader may not do without."""

_DECLARATIONS = {
    "T": "TEXT",
    "I": "INTEGER",
    "F": "INTEGER DEFAULT 0",
    "B": "BLOB",
    "K": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "N": "TEXT NOT NULL",
    "U": "TEXT UNIQUE NOT NULL",
    "Z": "INTEGER NOT NULL DEFAULT 0",
}

# "since | column:declaration …", in the order of a fresh database.  A rank with a tilde stands only in
# databases that were upgraded from an older system.
_LAYERS = {
    "message": """
        0  | ROWID:K guid:U text:T
        8  | replace:F service_center:T
        0  | handle_id:F
        8  | subject:T country:T
        0  | attributedBody:B
        8  | version:F type:F
        0  | service:T
        8  | account:T account_guid:T error:F
        0  | date:I date_read:I
        8  | date_delivered:I is_delivered:F is_finished:F is_emote:F
        0  | is_from_me:F
        8  | is_empty:F is_delayed:F is_auto_reply:F is_prepared:F
        0  | is_read:F
        8  | is_system_message:F is_sent:F has_dd_results:F is_service_message:F is_forward:F
        8  | was_downgraded:F is_archive:F
        0  | cache_has_attachments:F
        8  | cache_roomnames:T was_data_detected:F was_deduplicated:F
        10 | is_audio_message:F is_played:F date_played:I item_type:F other_handle:F group_title:T
        10 | group_action_type:F share_status:F share_direction:F is_expirable:F expire_state:F
        10 | message_action_type:F message_source:F
        12 | associated_message_guid:T associated_message_type:F balloon_bundle_id:T payload_data:B
        12 | expressive_send_style_id:T associated_message_range_location:F associated_message_range_length:F
        12 | time_expressive_send_played:I message_summary_info:B
        13 | ck_sync_state:F ck_record_id:T ck_record_change_tag:T destination_caller_id:T
        ~14| sr_ck_sync_state:F sr_ck_record_id:T sr_ck_record_change_tag:T
        15 | is_corrupt:F reply_to_guid:T sort_id:I is_spam:F has_unseen_mention:F
        15 | thread_originator_guid:T thread_originator_part:T
        17 | syndication_ranges:T synced_syndication_ranges:T was_delivered_quietly:F did_notify_recipient:F
        18 | date_retracted:I date_edited:I was_detonated:F part_count:I is_stewie:F
        19 | is_sos:F is_critical:F bia_reference_id:T
        18 | is_kt_verified:F
        19 | fallback_hash:T
        20 | associated_message_emoji:T is_pending_satellite_send:F needs_relay:F schedule_type:F schedule_state:F
        20 | sent_or_received_off_grid:F date_recovered:I
        21 | is_time_sensitive:F ck_chat_id:T
        22 | index_state:F filter_action:F filter_sub_action:F is_preview_sent:F is_preview_delivered:F
        22 | date_preview_sent:I date_preview_delivered:I date_updated:I retry_count:I
    """,
    "chat": """
        0  | ROWID:K guid:U style:I
        8  | state:I account_id:T properties:B
        0  | chat_identifier:T service_name:T
        8  | room_name:T account_login:T is_archived:F last_addressed_handle:T
        0  | display_name:T
        10 | group_id:T
        12 | is_filtered:F successful_query:I
        13 | engram_id:T server_change_token:T ck_sync_state:F original_group_id:T last_read_message_timestamp:F
        ~14| sr_server_change_token:T sr_ck_sync_state:F sr_cloudkit_record_id:T
        14 | cloudkit_record_id:T last_addressed_sim_id:T is_blackholed:F
        17 | syndication_date:F syndication_type:F
        18 | is_recovered:F
        19 | is_deleting_incoming_messages:F
        21 | is_pending_review:F
    """,
    "handle": """
        0  | ROWID:K id:N country:T service:N uncanonicalized_id:T
        14 | person_centric_id:T
    """,
    "attachment": """
        0  | ROWID:K guid:U created_date:F
        8  | start_date:F
        0  | filename:T uti:T mime_type:T
        8  | transfer_state:F is_outgoing:F user_info:B
        0  | transfer_name:T total_bytes:F is_sticker:F
        12 | sticker_user_info:B attribution_info:B hide_attachment:F
        13 | ck_sync_state:F ck_server_change_token_blob:B ck_record_id:T original_guid:U
        ~14| sr_ck_record_id:T sr_ck_sync_state:F sr_ck_server_change_token_blob:B
        17 | is_commsafety_sensitive:F
        20 | emoji_image_content_identifier:T emoji_image_short_description:T preview_generation_state:F
        22 | preflight_info:B sensitivity_analysis:F
    """,
    "chat_message_join": """
        0  | chat_id:I message_id:I
        13 | message_date:F
        22 | index_state:Z filter_action:Z filter_sub_action:Z
    """,
    "chat_handle_join": "0 | chat_id:I handle_id:I",
    "message_attachment_join": "0 | message_id:I attachment_id:I",
    "deleted_messages": "0 | ROWID:K guid:N",
    "_SqliteDatabaseProperties": "8 | key:T value:T",
    "sync_deleted_messages": "13 | ROWID:K guid:N recordID:T",
    "sync_deleted_attachments": "13 | ROWID:K guid:N recordID:T",
    "sync_deleted_chats": "13 | ROWID:K guid:N recordID:T timestamp:I",
    "kvtable": "14 | ROWID:K key:U value:B",
    "message_processing_task": "13 | ROWID:K guid:N task_flags:I",
    "chat_recoverable_message_join": "18 | chat_id:I message_id:I delete_date:I ck_sync_state:F",
    "recoverable_message_part": "18 | chat_id:I message_id:I part_index:I delete_date:I part_text:B ck_sync_state:F",
    "unsynced_removed_recoverable_messages": "18 | ROWID:K chat_guid:N message_guid:N part_index:I",
    "scheduled_messages_pending_cloudkit_delete": "20 | ROWID:K guid:N recordID:T",
    "chat_lookup": "21 | identifier:T domain:T chat:I priority:F",
    "chat_service": "21 | service:T chat:I",
    "persistent_tasks": "21 | ROWID:K guid:T flag:I lane:I reason:I",
}

_CONSTRAINTS = {
    "handle": "UNIQUE (id, service)",
    "chat_message_join": "PRIMARY KEY (chat_id, message_id)",
    "chat_handle_join": "UNIQUE (chat_id, handle_id)",
    "message_attachment_join": "UNIQUE (message_id, attachment_id)",
    "_SqliteDatabaseProperties": "UNIQUE (key)",
    "chat_recoverable_message_join": "PRIMARY KEY (chat_id, message_id), CHECK (delete_date != 0)",
    "recoverable_message_part": "PRIMARY KEY (chat_id, message_id, part_index), CHECK (delete_date != 0)",
    "chat_lookup": "UNIQUE (identifier, domain)",
    "chat_service": "UNIQUE (service, chat)",
}

# "since: index ON table(columns) [WHERE …]"; skipped where a column is missing.
_INDEXES = """
    0  message_idx_date ON message(date)
    0  message_idx_handle ON message(handle_id, date)
    8  message_idx_handle_id ON message(handle_id)
    8  message_idx_is_read ON message(is_read, is_from_me, is_finished)
    10 message_idx_isRead_isFromMe_itemType ON message(is_read, is_from_me, item_type)
    8  message_idx_failed ON message(is_finished, is_from_me, error)
    12 message_idx_is_sent_is_from_me_error ON message(is_sent, is_from_me, error)
    8  message_idx_cache_has_attachments ON message(cache_has_attachments)
    10 message_idx_other_handle ON message(other_handle)
    8  message_idx_was_downgraded ON message(was_downgraded)
    10 message_idx_expire_state ON message(expire_state)
    16 message_idx_thread_originator_guid ON message(thread_originator_guid)
    12 message_idx_associated_message2 ON message(associated_message_guid) WHERE associated_message_guid IS NOT NULL
    14 message_idx_undelivered_one_to_one_imessage ON message(cache_roomnames, service, is_sent, is_delivered, \
        was_downgraded, item_type) WHERE cache_roomnames IS NULL AND service IN ('iMessage', 'RCS') AND is_sent = 1 \
        AND is_delivered = 0 AND was_downgraded = 0 AND item_type = 0
    20 message_idx_schedule_state ON message(schedule_state)
    20 message_idx_is_scheduled_message ON message(schedule_type) WHERE schedule_type = 2
    20 message_idx_is_pending_satellite_message ON message(is_pending_satellite_send) \
        WHERE is_pending_satellite_send = 1
    20 message_idx_fallback_hash ON message(fallback_hash) WHERE fallback_hash IS NOT NULL
    21 message_idx_is_time_sensitive ON message(is_time_sensitive) WHERE is_time_sensitive = 1
    8  chat_idx_chat_identifier ON chat(chat_identifier)
    8  chat_idx_chat_identifier_service_name ON chat(chat_identifier, service_name)
    8  chat_idx_chat_room_name_service_name ON chat(room_name, service_name)
    10 chat_idx_group_id ON chat(group_id)
    8  chat_idx_is_archived ON chat(is_archived)
    13 chat_message_join_idx_message_date_id_chat_id ON chat_message_join(chat_id, message_date, message_id)
    0  chat_message_join_idx_chat_id ON chat_message_join(chat_id)
    0  chat_message_join_idx_message_id_only ON chat_message_join(message_id)
    0  chat_handle_join_idx_handle_id ON chat_handle_join(handle_id)
    0  message_attachment_join_idx_message_id ON message_attachment_join(message_id)
    0  message_attachment_join_idx_attachment_id ON message_attachment_join(attachment_id)
    12 attachment_idx_is_sticker ON attachment(is_sticker)
    14 attachment_idx_purged_attachments_v2 ON attachment(is_sticker, transfer_state) WHERE transfer_state = 0
    18 chat_recoverable_message_join_message_id_idx ON chat_recoverable_message_join(message_id)
"""


def find_system(name: str) -> System:
    """Return the system of this name.

    Raises
    ------
    ValueError
        No such system; the text lists those there are.
    """
    try:
        return SYSTEMS[name]
    except KeyError:
        raise ValueError(f"no system {name!r}; known are {', '.join(SYSTEMS)}") from None


def columns(table: str, system: System, *, upgraded: bool = False) -> dict[str, str]:
    """Return the columns of a table and their declarations, in order; empty where the system lacks the table."""
    found: dict[str, str] = {}
    for line in _LAYERS[table].strip().splitlines():
        since, _, names = line.partition("|")
        only_upgraded = since.strip().startswith("~")
        if not system.has(int(since.strip().lstrip("~"))) or (only_upgraded and not upgraded):
            continue
        for name, _, code in (item.partition(":") for item in names.split()):
            found[name] = _DECLARATIONS[code]
    return found


def create_tables(connection: sqlite3.Connection, system: System, *, upgraded: bool = False) -> None:
    """Create every table that the system has.

    Parameters
    ----------
    upgraded
        As in a database that came along from macOS 10.14 or 11: with the ``sr_`` columns of that time.
    """
    for table in _LAYERS:
        parts = [f"{name} {kind}" for name, kind in columns(table, system, upgraded=upgraded).items()]
        if not parts:
            continue
        if constraint := _CONSTRAINTS.get(table):
            parts.append(constraint)
        connection.execute(f"CREATE TABLE {table} ({', '.join(parts)})")
    if system.client_version:
        connection.execute(
            "INSERT INTO _SqliteDatabaseProperties (key, value) VALUES ('_ClientVersion', ?)",
            (str(system.client_version),),
        )
        connection.execute(f"PRAGMA user_version = {system.client_version}")


def create_indexes(connection: sqlite3.Connection, system: System) -> None:
    """Create the indexes that the system has; after loading, since that is several times faster."""
    for line in _INDEXES.strip().splitlines():
        since, _, definition = line.strip().partition(" ")
        if system.has(int(since)):
            connection.execute(f"CREATE INDEX {' '.join(definition.split())}")
