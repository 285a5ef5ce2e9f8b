"""Only what a program documents is sent to it, in a form that it survives."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from imsg_sdk.errors import Unsupported
from imsg_sdk.rpc.profiles import METHODS, Generation, Profile, clamp_iso, parse_version

LEGACY_OLD = Profile(generation=Generation.LEGACY, version=(0, 9, 0))
LEGACY_NEW = Profile(generation=Generation.LEGACY, version=(0, 13, 1))
V1 = Profile(generation=Generation.V1, version=(0, 14, 1))
OURS = Profile(generation=Generation.V1, version=(0, 14, 1), extended=True)


def test_params_that_are_none_are_left_out() -> None:
    assert V1.params("messages.history", chat_id=1, limit=None) == {"chat_id": 1}


@pytest.mark.parametrize(
    ("profile", "method", "has"),
    [
        (LEGACY_OLD, "chats.list", True),
        (LEGACY_OLD, "message.send_status", False),
        (LEGACY_OLD, "messages.stats", False),
        (LEGACY_NEW, "messages.stats", True),
        (LEGACY_NEW, "messages.after", False),
        (V1, "messages.after", True),
        (V1, "x.messages", False),
        (OURS, "x.messages", True),
        (V1, "chats.get", False),
    ],
)
def test_a_method_is_there_from_its_version_on(profile: Profile, method: str, has: bool) -> None:
    assert profile.has(method) is has


def test_a_method_that_came_later_names_the_version_to_update_to() -> None:
    with pytest.raises(Unsupported) as caught:
        LEGACY_NEW.params("messages.search", query="x")
    assert "0.14.0" in caught.value.hint


def test_a_key_that_an_old_program_would_ignore_is_never_sent() -> None:
    with pytest.raises(Unsupported) as caught:
        LEGACY_OLD.params("chats.list", unread_only=True)
    assert "0.13.0" in caught.value.hint
    assert LEGACY_NEW.params("chats.list", unread_only=True) == {"unread_only": True}


def test_a_key_that_nobody_documents_is_never_sent() -> None:
    with pytest.raises(Unsupported):
        V1.params("chats.list", colour="red")


def test_a_program_without_version_counts_as_the_oldest_of_its_generation() -> None:
    unknown = Profile(generation=Generation.LEGACY)
    assert not unknown.has("messages.stats")
    assert not unknown.has_fast_history
    assert Profile(generation=Generation.V1).has("messages.after")


def test_a_newer_program_is_noticed() -> None:
    assert Profile(generation=Generation.V1, version=(0, 15, 3)).is_newer_than_known
    assert not Profile(generation=Generation.V1, version=(0, 14, 9)).is_newer_than_known
    assert not Profile(generation=Generation.V1).is_newer_than_known


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("0.14.1", (0, 14, 1)),
        ("v0.13", (0, 13, 0)),
        (" 1.2.3-beta\n", (1, 2, 3)),
        ("", None),
        ("imsg", None),
        ("9" * 5000, None),
    ],
)
def test_versions_are_read_from_texts(text: str, version: tuple[int, int, int] | None) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 3, 1, 8, 0, 0, 123456, UTC), "2026-03-01T08:00:00.123Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "1708-09-23T00:00:00.000Z"),
        (datetime(9999, 12, 31, tzinfo=UTC), "2293-04-11T00:00:00.000Z"),
    ],
)
def test_dates_are_moved_into_the_range_that_programs_survive(instant: datetime, text: str) -> None:
    assert clamp_iso(instant) == text


def test_every_method_of_the_table_reads_only() -> None:
    assert not any(name.startswith(("send", "tapback", "typing", "read", "poll")) for name in METHODS)
