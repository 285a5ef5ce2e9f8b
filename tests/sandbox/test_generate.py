"""Fictional histories: the same on every machine, with what was asked for."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.errors import ConfigError
from imsg_sdk.sandbox.history.demo import demo
from imsg_sdk.sandbox.history.generate import generate


def content_hash(path: Path, opened: Any) -> str:
    """Hash everything a database holds, schema included."""
    digest = hashlib.sha256()
    with opened(path) as connection:
        connection.text_factory = bytes
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"):
            for row in connection.execute(f"SELECT rowid, * FROM {table.decode()} ORDER BY rowid"):
                digest.update(repr(row).encode())
        for row in connection.execute("SELECT sql FROM sqlite_master ORDER BY name"):
            digest.update(repr(row).encode())
    return digest.hexdigest()


def make_elsewhere(path: Path, *arguments: str, hash_seed: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "imsg_sdk.sandbox", "generate", str(path), *arguments],
        check=True,
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )


def test_same_seed_gives_the_same_rows_in_any_process(tmp_path: Path, opened: Any) -> None:
    options = ("--messages", "2500", "--seed", "5", "--system", "tahoe", "--awkward")
    for hash_seed in ("0", "77"):
        make_elsewhere(tmp_path / f"{hash_seed}.db", *options, hash_seed=hash_seed)
    generate(tmp_path / "here.db", messages=2500, seed=5, system="tahoe", awkward=True)
    assert len({content_hash(path, opened) for path in tmp_path.glob("*.db")}) == 1


def test_rows_of_a_seed_are_those_of_every_release(tmp_path: Path, opened: Any) -> None:
    """A change of the content is a change that people notice: the new hash goes here on purpose."""
    generate(tmp_path / "chat.db", messages=400, seed=42)
    with opened(tmp_path / "chat.db") as connection:
        rows = connection.execute("SELECT guid, text, attributedBody, date, payload_data FROM message").fetchall()
    assert hashlib.sha256(repr(rows).encode()).hexdigest()[:16] == "0bf5429c31f03152"


def test_another_seed_gives_another_history(tmp_path: Path, opened: Any) -> None:
    for seed in (1, 2):
        generate(tmp_path / f"{seed}.db", messages=300, seed=seed)
    assert content_hash(tmp_path / "1.db", opened) != content_hash(tmp_path / "2.db", opened)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20, 100, 501, 2345])
def test_as_many_messages_as_asked_for(tmp_path: Path, opened: Any, count: int) -> None:
    summary = generate(tmp_path / "chat.db", messages=count)
    with opened(tmp_path / "chat.db") as connection:
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (count,)
    assert summary.messages == count == sum(summary.kinds.values())


@pytest.mark.parametrize(("asked", "rows"), [(0.02, 120), (0.4, 2400), (777, 777)])
def test_largest_chat_is_met_exactly(tmp_path: Path, opened: Any, asked: float, rows: int) -> None:
    summary = generate(tmp_path / "chat.db", messages=6000, largest_chat=asked)
    with opened(tmp_path / "chat.db") as connection:
        (largest,) = connection.execute(
            "SELECT max(n) FROM (SELECT count(*) AS n FROM chat_message_join GROUP BY chat_id)"
        ).fetchone()
    assert largest == summary.largest_chat == rows


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_share_of_body_only_rows(tmp_path: Path, opened: Any, share: float) -> None:
    generate(tmp_path / "chat.db", messages=4000, body_only=share)
    with opened(tmp_path / "chat.db") as connection:
        (found,) = connection.execute(
            "SELECT avg(text IS NULL) FROM message WHERE (text IS NOT NULL OR attributedBody IS NOT NULL)"
        ).fetchone()
    assert found == pytest.approx(share, abs=0.02)


def test_history_lies_between_its_days(tmp_path: Path, opened: Any) -> None:
    summary = generate(tmp_path / "chat.db", messages=800, start=date(2025, 3, 1), end=date(2025, 3, 9))
    assert (summary.first.isoformat(), summary.last.isoformat()) == (
        "2025-03-01T00:00:00+00:00",
        "2025-03-10T00:00:00+00:00",
    )
    with opened(tmp_path / "chat.db") as connection:
        days = connection.execute(
            "SELECT date(min(date) / 1000000000 + 978307200, 'unixepoch'), "
            "date(max(date) / 1000000000 + 978307200, 'unixepoch') FROM message WHERE schedule_type = 0"
        ).fetchone()
    assert days[0] == "2025-03-01"
    assert days[1] in ("2025-03-09", "2025-03-10")  # the last conversation may go on past midnight


def test_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError):
        generate(path, messages=10)
    assert path.read_text(encoding="utf-8") == "mine"
    generate(path, messages=10, force=True)
    assert path.read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("messages", 0),
        ("people", 0),
        ("people", 51),
        ("groups", -1),
        ("body_only", 1.5),
        ("largest_chat", 0),
        ("largest_chat", 51),
        ("largest_chat", 1),
        ("in_wal", -1),
        ("system", "windows"),
        ("end", date(1999, 1, 1)),
    ],
)
def test_impossible_wish_names_the_option_and_leaves_no_file(tmp_path: Path, option: str, value: Any) -> None:
    wishes: dict[str, Any] = {"messages": 50, "start": date(2020, 1, 1), option: value}
    with pytest.raises(ConfigError) as raised:
        generate(tmp_path / "chat.db", **wishes)
    assert raised.value.path == option
    assert list(tmp_path.iterdir()) == []


def test_failure_half_way_leaves_no_file(tmp_path: Path) -> None:
    def give_up(done: int, wanted: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "chat.db", messages=500, progress=give_up)
    assert list(tmp_path.iterdir()) == []


def test_progress_ends_at_the_number_asked_for(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    generate(tmp_path / "chat.db", messages=700, progress=lambda done, wanted: seen.append((done, wanted)))
    assert seen[-1] == (700, 700)
    assert seen == sorted(seen)


def test_demo_is_a_small_circle_with_names(tmp_path: Path, read_rows: Any) -> None:
    summary = demo(tmp_path / "chat.db")
    assert summary.messages == 4000
    assert summary.names["+447700900118"] == "Nora Finch"
    chats = read_rows(tmp_path / "chat.db", "chats")
    assert {"Sunday lunch", "Boat crew ⛵️", "Book club (we read half)"} <= {chat["name"] for chat in chats}
    assert 12 <= len(chats) <= 28
    assert {"poll", "voice", "link", "edited", "unsent", "event", "tapback", "scheduled"} <= set(summary.kinds)


def test_scheduled_messages_still_wait_years_after_the_history_was_made_up(tmp_path: Path, opened: Any) -> None:
    generate(tmp_path / "chat.db", messages=600)
    with opened(tmp_path / "chat.db") as connection:
        days = connection.execute(
            "SELECT date(date / 1000000000 + 978307200, 'unixepoch') FROM message WHERE schedule_type = 2"
        ).fetchall()
    assert len(days) == 3
    assert min(days) > ("2036",)
