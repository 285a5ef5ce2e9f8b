"""Fictional histories look like real ones: every reader sees what was meant, in the shares that people produce."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.sandbox.history.awkward import NOWHERE
from imsg_sdk.sandbox.history.generate import Summary, Truth, generate
from imsg_sdk.sandbox.schema import SYSTEMS

Large = tuple[Path, Summary, list[Truth]]


@pytest.mark.parametrize("system", list(SYSTEMS))
def test_every_message_reads_as_it_was_meant(tmp_path: Path, read_rows: Any, system: str) -> None:
    truth: list[Truth] = []
    generate(tmp_path / "chat.db", messages=1500, seed=3, system=system, awkward=True, truth=truth.append)
    rows = {row["rowid"]: row for row in read_rows(tmp_path / "chat.db")}
    shown = [row for row in truth if row.message.rowid in rows and row.kind != "damaged"]
    assert [(row.kind, row.text) for row in shown] == [(row.kind, rows[row.message.rowid]["text"]) for row in shown]
    # Left out are tapbacks, previews that belong to a text, and what is in no chat that exists.
    hidden = [row for row in truth if row.message.rowid not in rows and row.kind not in ("tapback", "link")]
    assert all(set(row.chat_ids) <= {NOWHERE} for row in hidden)


def test_kinds_are_recognised(large: Large, read_rows: Any) -> None:
    path, _, truth = large
    rows = {row["rowid"]: row for row in read_rows(path)}
    expected = {"app": "app", "event": "event", "poll": "poll", "poll_vote": "poll_vote", "poll_update": "poll_update"}
    for row in truth:
        if row.kind in expected and row.chat_ids:
            assert rows[row.message.rowid]["kind"] == expected[row.kind]
    flags = {"edited": "is_edited", "unsent": "is_unsent", "scheduled": "is_scheduled", "voice": "is_audio"}
    for kind, flag in flags.items():
        meant = {row.message.rowid for row in truth if row.kind == kind and row.chat_ids}
        assert meant
        assert all(rows[rowid][flag] for rowid in meant)


def test_shares_are_those_of_people(large: Large, opened: Any) -> None:
    path, _, _ = large
    bounds = {
        "is_from_me = 1": (0.34, 0.48),
        "associated_message_type BETWEEN 2000 AND 3007": (0.07, 0.12),
        "thread_originator_guid IS NOT NULL": (0.02, 0.05),
        "date_edited > 0": (0.004, 0.015),
        "date_retracted > 0": (0.0005, 0.004),
        "cache_has_attachments = 1": (0.06, 0.11),
        "balloon_bundle_id LIKE '%URLBalloonProvider'": (0.01, 0.04),
        "expressive_send_style_id IS NOT NULL": (0.001, 0.008),
        "text IS NULL AND attributedBody IS NULL": (0.001, 0.02),
        "service = 'iMessage'": (0.8, 0.95),
        "is_from_me = 0 AND is_read = 0": (0.01, 0.08),
        "is_audio_message = 1": (0.001, 0.01),
        "item_type != 0": (0.0005, 0.005),
        "error != 0": (0.0002, 0.003),
    }
    with opened(path) as connection:
        shares = {
            condition: connection.execute(f"SELECT avg(ifnull({condition}, 0)) FROM message").fetchone()[0]
            for condition in bounds
        }
    assert {name: share for name, share in shares.items() if not bounds[name][0] <= share <= bounds[name][1]} == {}


def test_texts_have_the_lengths_and_scripts_of_people(large: Large) -> None:
    _, _, truth = large
    texts = [row.text for row in truth if row.text and row.kind != "tapback"]
    lengths = sorted(map(len, texts))
    assert 18 <= lengths[len(lengths) // 2] <= 32
    assert 150 <= lengths[len(lengths) * 99 // 100] <= 600
    everything = "".join(texts)
    scripts = (
        "[ぁ-ん]",
        "[ا-ي]",
        "[א-ת]",
        "[а-я]",
        "[가-힣]",
        "[अ-ह]",
        "[α-ω]",
        "[äöüß]",
        "\u200d",
        "[🇦-🇿]",
        "[🏻-🏿]",
    )
    assert [script for script in scripts if not re.search(script, everything)] == []


def test_people_write_by_day(large: Large) -> None:
    _, _, truth = large
    hours = Counter(row.message.date // 1_000_000_000 % 86_400 // 3600 for row in truth if row.message.date)
    by_night = sum(hours[hour] for hour in range(6))
    assert by_night / len(truth) < 0.06
    assert max(hours, key=lambda hour: hours[hour]) in range(9, 23)


def test_chats_are_a_few_busy_ones_and_many_quiet_ones(large: Large, opened: Any) -> None:
    path, summary, _ = large
    with opened(path) as connection:
        sizes = [n for (n,) in connection.execute("SELECT count(*) FROM chat_message_join GROUP BY chat_id")]
        styles = dict(connection.execute("SELECT style, count(*) FROM chat GROUP BY style"))
        names = {name for (name,) in connection.execute("SELECT display_name FROM chat WHERE style = 43")}
        services = {name for (name,) in connection.execute("SELECT service_name FROM chat")}
        people = connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM handle GROUP BY person_centric_id HAVING count(*) > 1)"
        ).fetchone()[0]
    assert 0.1 <= max(sizes) / summary.messages <= 0.3
    assert 0.4 <= sum(size < 20 for size in sizes) / len(sizes) <= 0.8
    assert styles[43] >= 10
    assert None in names
    assert services == {"iMessage", "SMS", "RCS"}
    assert people >= 1


def test_arrival_is_not_always_in_order_and_rowids_have_gaps(large: Large, opened: Any) -> None:
    path, _, _ = large
    with opened(path) as connection:
        rows = connection.execute("SELECT ROWID, date FROM message ORDER BY ROWID").fetchall()
    assert any(later[1] < earlier[1] for earlier, later in pairwise(rows))
    assert rows[-1][0] > len(rows)
    orderly = sum(later[1] >= earlier[1] for earlier, later in pairwise(rows))
    assert orderly / len(rows) > 0.97


def test_caches_agree_with_the_joins_as_triggers_would_have_it(large: Large, opened: Any) -> None:
    path, _, _ = large
    with opened(path) as connection:
        counts = connection.execute(
            """
            SELECT
              (SELECT count(*) FROM message WHERE cache_has_attachments
                 != (ROWID IN (SELECT message_id FROM message_attachment_join))),
              (SELECT count(*) FROM chat_message_join j JOIN message m ON m.ROWID = j.message_id
                 WHERE m.date != j.message_date),
              (SELECT count(*) FROM chat_message_join j JOIN message m ON m.ROWID = j.message_id
                 JOIN chat c ON c.ROWID = j.chat_id WHERE c.room_name IS NOT m.cache_roomnames AND c.style = 43),
              (SELECT count(*) FROM message WHERE handle_id NOT IN (SELECT ROWID FROM handle) AND handle_id != 0),
              (SELECT count(*) FROM attachment WHERE original_guid IS NULL OR created_date > 1000000000000)
            """
        ).fetchone()
    assert counts == (0, 0, 0, 0, 0)


def test_previews_fold_into_the_text_before_them(large: Large, read_rows: Any) -> None:
    path, _, truth = large
    folded = [row for row in read_rows(path) if row["url_preview_guid"]]
    assert len(folded) > 50
    previews = {row.message.guid for row in truth if row.kind == "link"}
    assert {row["url_preview_guid"] for row in folded} <= previews


def test_versions_of_an_edited_message_end_in_its_text(large: Large, read_rows: Any) -> None:
    path, _, truth = large
    edits = read_rows(path, "edits")
    for row in truth:
        if row.kind == "edited" and row.chat_ids:
            versions = sorted(
                (edit["version"], edit["text"]) for edit in edits if edit["message_rowid"] == row.message.rowid
            )
            assert len(versions) >= 2
            assert versions[-1][1] == row.text != versions[0][1]


def test_phone_numbers_belong_to_nobody(large: Large, opened: Any) -> None:
    path, _, _ = large
    fictional = re.compile(
        r"\+1\d{3}55501\d\d|\+447700900\d{3}|\+4420794600\d\d|\+3532091\d{5}|\+614915701\d\d|\+3363998\d{4}|"
        r"\+493023125\d{3}|\+46701740\d{3}|.+@(.+\.)?example\.(com|org|net)|\d{5,6}|urn:biz:.+|"
        r"[A-Z][a-z]+( [A-Z][a-z]+)*"
    )
    with opened(path) as connection:
        handles = [row[0] for row in connection.execute("SELECT id FROM handle")]
    assert [handle for handle in handles if not fictional.fullmatch(handle)] == []
