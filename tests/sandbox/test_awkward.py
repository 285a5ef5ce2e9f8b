"""The rows that break readers are there when asked for, in chats of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.chatdb.query import Query
from imsg_sdk.sandbox.history.generate import Truth, generate


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Truth]]:
    path = tmp_path_factory.mktemp("awkward") / "chat.db"
    truth: list[Truth] = []
    generate(path, messages=100, awkward=True, system="newest", truth=truth.append)
    return path, truth


CHECKLIST = {
    "text only in the body": "text IS NULL AND attributedBody IS NOT NULL",
    "empty text, filled body": "text = '' AND length(attributedBody) > 100",
    "body of no text": "length(attributedBody) IN (76, 124) AND text IS NULL",
    "body of no bytes": "length(attributedBody) = 0",
    "a text of a million": "length(attributedBody) > 1000000",
    "cut body": "length(attributedBody) = 60",
    "body that is a property list": "substr(attributedBody, 1, 6) = CAST('bplist' AS BLOB)",
    "body in UTF-16": "substr(attributedBody, 1, 2) = X'FFFE'",
    "invalid bytes in text": "instr(CAST(text AS BLOB), X'E9206F') > 0",
    "NUL in text": "instr(CAST(text AS BLOB), X'00') > 0",
    "surrogate in text": "instr(CAST(text AS BLOB), X'EDA0BD') > 0",
    "in no chat": "ROWID NOT IN (SELECT message_id FROM chat_message_join)",
    "in two chats": "ROWID IN (SELECT message_id FROM chat_message_join GROUP BY 1 HAVING count(*) = 2)",
    "in a chat that is gone": "ROWID IN (SELECT message_id FROM chat_message_join WHERE chat_id = 900000000)",
    "recently deleted": "ROWID IN (SELECT message_id FROM chat_recoverable_message_join)",
    "no handle": "handle_id IS NULL",
    "unknown handle": "handle_id = 900000000",
    "guid that is none": "guid = 'not-a-uuid'",
    "no date": "date IS NULL",
    "date zero": "date = 0",
    "date before the epoch": "date < 0",
    "date far ahead": "date > 9000000000000000000",
    "date in seconds": "date BETWEEN 1 AND 1000000000",
    "tapback on nothing": "associated_message_guid = 'p:0/GONE'",
    "tapback on part 12": "associated_message_guid LIKE 'p:12/%'",
    "tapback on a balloon": "associated_message_guid LIKE 'bp:%'",
    "removal without add": "associated_message_type = 3005",
    "emoji tapback without emoji": "associated_message_type = 2006 AND associated_message_emoji IS NULL",
    "sticker tapback": "associated_message_type = 2007",
    "unknown type": "associated_message_type = 5000",
    "edited five times": "length(message_summary_info) > 1500",
    "unknown event": "item_type = 99",
    "no service": "service IS NULL",
    "unknown service": "service = 'Foo'",
    "claims files": "cache_has_attachments = 1 AND ROWID NOT IN (SELECT message_id FROM message_attachment_join)",
}


@pytest.mark.parametrize("row", list(CHECKLIST))
def test_checklist(awkward: tuple[Path, list[Truth]], opened: Any, row: str) -> None:
    path, _ = awkward
    with opened(path) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM message WHERE {CHECKLIST[row]}").fetchone()
    assert count > 0


def test_joins_lead_nowhere(awkward: tuple[Path, list[Truth]], opened: Any) -> None:
    path, _ = awkward
    with opened(path) as connection:
        counts = connection.execute(
            """
            SELECT
              (SELECT count(*) FROM chat_message_join WHERE message_id NOT IN (SELECT ROWID FROM message)),
              (SELECT count(*) FROM chat_message_join WHERE chat_id NOT IN (SELECT ROWID FROM chat)),
              (SELECT count(*) FROM message_attachment_join WHERE attachment_id NOT IN (SELECT ROWID FROM attachment)),
              (SELECT count(*) FROM chat WHERE ROWID IN
                 (SELECT chat_id FROM chat_handle_join GROUP BY chat_id HAVING count(*) = 31)),
              (SELECT count(*) FROM attachment WHERE filename IS NULL),
              (SELECT count(*) FROM attachment WHERE total_bytes = -1),
              (SELECT count(*) FROM message_attachment_join GROUP BY attachment_id HAVING count(*) = 2)
            """
        ).fetchone()
    assert all(counts)


def test_reader_survives_and_hides_what_is_hidden(awkward: tuple[Path, list[Truth]], read_rows: Any) -> None:
    path, truth = awkward
    shown = {row["rowid"] for row in read_rows(path)}
    everything = {row["rowid"] for row in read_rows(path, query=Query(include=["orphaned", "deleted", "reactions"]))}
    deleted = {row.message.rowid for row in truth if row.kind == "deleted"}
    assert deleted
    assert deleted.isdisjoint(shown)
    assert deleted <= everything


def test_normal_chats_stay_as_they_were(tmp_path: Path, opened: Any) -> None:
    def plain_rows(path: Path) -> list[Any]:
        with opened(path) as connection:
            return connection.execute("SELECT * FROM message WHERE ROWID < 90 ORDER BY ROWID").fetchall()  # type: ignore[no-any-return]

    generate(tmp_path / "plain.db", messages=100)
    generate(tmp_path / "awkward.db", messages=100, awkward=True)
    assert plain_rows(tmp_path / "plain.db") == plain_rows(tmp_path / "awkward.db")
