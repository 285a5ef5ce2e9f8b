"""The commands that are run once, as real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.server.shell.stats_text import stats_lines

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(db: Any) -> Run:
    """Return a function that runs a command on the database and returns status and output."""

    def command(*words: str, path: str | None = db.path) -> tuple[int, str]:
        where = [] if path is None else ["--db", path]
        done = subprocess.run(
            [sys.executable, "-m", "imsg_sdk.server", *words, *where],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
            env={**os.environ, "CFFIXED_USER_HOME": "/Users/me", "TZ": "UTC"},
        )
        assert done.stderr == b""
        return done.returncode, done.stdout.decode()

    return command


def objects(result: tuple[int, str]) -> list[Any]:
    assert result[0] == 0, result
    return [json.loads(line) for line in result[1].splitlines()]


def test_chats_as_objects_and_as_text(run: Run, db: Any) -> None:
    db.message("hi", at=0)
    (chat,) = objects(run("chats", "--json"))
    assert (chat["identifier"], chat["guid"]) == ("+15550001", "iMessage;-;+15550001")
    assert run("chats") == (0, "[1]  (+15550001) last=2025-01-31T07:06:40.000Z\n")
    assert objects(run("chats", "-j", "--limit", "0")) == objects(run("chats", "-j", "--limit", "-1")) == []
    assert len(objects(run("chats", "-j", "--limit", "x"))) == 1


def test_group_is_found_or_not(run: Run, db: Any) -> None:
    chat = db.chat("chat9", people=["b@x.org", "a@x.org"], display_name="Crew/1")
    status, text = run("group", "--chat-id", str(chat), "--json")
    assert json.loads(text)["participants"] == ["a@x.org", "b@x.org"]
    assert "Crew/1" in text  # this command leaves slashes alone
    status, text = run("group", "--chat-id", str(chat))
    assert status == 0
    assert text.splitlines()[-4:] == ["is_group: true", "participants:", "  - a@x.org", "  - b@x.org"]
    assert run("group", "--chat-id", "99") == (1, "Chat not found: 99\n")
    assert run("group") == (1, "Missing required option: --chat-id\n")


def test_history_newest_first_with_attachments_and_bounds(run: Run, db: Any) -> None:
    first = db.message("a/b")
    second = db.message("two", is_from_me=1)
    db.attachment(first, "~/f.jpg", transfer_name="f.jpg", mime_type="image/jpeg", total_bytes=9)
    status, text = run("history", "--chat-id", "1", "--json")
    assert status == 0
    assert "a\\/b" in text
    assert [json.loads(line)["id"] for line in text.splitlines()] == [second, first]
    assert json.loads(text.splitlines()[1])["attachments"][0]["original_path"] == "/Users/me/f.jpg"
    lines = run("history", "--chat-id", "1", "--attachments")[1].splitlines()
    assert lines[0] == "2025-01-31T07:08:40.000Z [sent] +15550001: two"
    assert lines[2] == "  attachment: f.jpg (image/jpeg, 9 bytes missing)"
    bounded = run("history", "--chat-id", "1", "--json", "--start", "2025-01-31T07:08:00Z")
    assert [one["id"] for one in objects(bounded)] == [second]
    assert run("history", "--chat-id", "1", "--start", "nope") == (1, "Invalid ISO8601 date: nope\n")
    assert run("history", "--chat-id", "1", "--limit", "0") == run("history", "--chat-id", "9") == (0, "")


def test_search_with_its_matches(run: Run, db: Any) -> None:
    db.message("Dinner at six")
    db.message("dinner")
    assert len(objects(run("search", "--query", "DINNER", "--json"))) == 2
    assert len(objects(run("search", "--query", "dinner", "--match", "exact", "--json"))) == 1
    assert run("search", "--query", "x", "--match", "EXACT") == (1, "Invalid value for option: --match\n")
    assert run("search", "--query", "") == run("search") == (1, "Missing required option: --query\n")
    assert run("search", "--query", "dinner", "--limit", "0") == run("search", "--query", " ") == (0, "")


def test_statistics_as_object_and_as_text(run: Run, db: Any) -> None:
    db.message("hi")
    (stats,) = objects(run("stats", "--json"))
    assert (stats["total_messages"], stats["time_zone"]) == (1, "GMT")
    status, text = run("stats", "--media", "--chat-id", "1")
    assert status == 0
    assert text.startswith("Messages: 1 (0 sent, 1 received)\nTime zone: GMT\nBy chat:\n  1 +15550001: 1 (iMessage)\n")
    assert run("stats", "--chat-id", "x") == (1, "Invalid value for option: --chat-id\n")
    assert run("stats", "--chat-id", "77") == (1, "chat_id 77 does not exist\n")
    assert run("stats", "--time-zone", "Nope/Zone") == (1, "invalid IANA time zone: Nope/Zone\n")


def test_media_statistics_as_text() -> None:
    row = {"attachment_count": 1, "total_bytes": 5}
    media = {
        "total_attachments": 1,
        "total_bytes": 5,
        "types": [{"uti": "public.png", "mime_type": "image/png", **row}],
        "chats": [{"chat_id": 1, "identifier": "a", "name": "n", **row}],
    }
    stats = {
        "total_messages": 0,
        "sent_messages": 0,
        "received_messages": 0,
        "time_zone": "GMT",
        "chats": [],
        "senders": [],
        "services": [],
        "dates": [],
        "media": media,
    }
    assert list(stats_lines(stats))[-5:] == [
        "Media: 1 (5 bytes)",
        "By media type:",
        "  public.png image/png: 1 (5 bytes)",
        "Media by chat:",
        "  1 n: 1 (5 bytes)",
    ]


def test_scheduled_messages(run: Run, db: Any) -> None:
    db.message("soon", is_from_me=1, schedule_type=2, schedule_state=1, date=2 * 10**18)
    (one,) = objects(run("scheduled", "list", "--json"))
    assert one["text"] == "soon"
    assert run("scheduled", "list")[1] == f"{one['scheduled_at']} {one['guid']} [1] soon\n"
    assert run("scheduled") == (1, "Missing argument: action\n")
    assert run("scheduled", "drop") == (1, "Invalid value for option: --action\n")
    assert run("scheduled", "list", "--limit", "0") == (1, "Invalid value for option: --limit\n")


def test_poll_rows_are_told_in_words(run: Run, db: Any) -> None:
    balloon = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.messages.Polls"
    options = [{"optionIdentifier": "O1", "text": "One"}, {"optionIdentifier": "O2", "text": "Two"}]
    payload = json.dumps({"item": {"title": "Which?", "orderedPollOptions": options}}).encode()
    db.message(None, guid="P", balloon_bundle_id=balloon, payload_data=payload)
    for votes in ([{"voteOptionIdentifier": "O2", "participantHandle": "a@x.org"}], []):
        vote = json.dumps({"item": {"votes": votes}}).encode()
        db.message(
            None,
            associated_message_guid="P",
            associated_message_type=4000,
            balloon_bundle_id=balloon,
            payload_data=vote,
        )
    db.message(None, balloon_bundle_id=balloon, payload_data=b"?")
    texts = [line.partition(": ")[2] for line in run("history", "--chat-id", "1")[1].splitlines()]
    assert texts == [
        "[poll unknown]",
        "[poll vote] no options selected",
        "[poll vote] a@x.org selected Two",
        "[poll created] Which?: One / Two",
    ]


@pytest.mark.parametrize("dialect", ["v1", "legacy"])
def test_sending_needs_a_mac(run: Run, dialect: str) -> None:
    own = ("--dialect", dialect)
    refusal = "AppleScript failed: Sending requires Messages.app automation and is only supported on macOS.\n"
    assert run("send", "--to", "+15550001", "--text", "hi", *own) == (1, refusal)
    assert run("send", "--chat-id", "1", "--text", "hi", "--json", *own) == (1, refusal)
    assert run("send", *own) == (1, "Missing required option: --to\n")


def test_name_as_recipient_is_refused_before_sending(run: Run) -> None:
    text = "Invalid chat target: Contacts access is unavailable; specify a phone number or email instead.\n"
    assert run("send", "--to", "Ada", "--text", "hi") == (1, text)


def test_status_in_both_forms(run: Run) -> None:
    (status,) = objects(run("status", "--json"))
    assert (status["version"], status["basic_features"], status["v2_ready"]) == ("0.14.1", True, False)
    assert status["rpc_methods"][0] == "initialize"
    assert objects(run("status", "--json", "--dialect", "legacy"))[0]["version"] == "0.13.1"
    assert run("status")[1].startswith("imsg Status Report\n")


def test_help_and_version(run: Run) -> None:
    assert run("--version", path=None) == (0, "0.14.1\n")
    assert run("-V", "--dialect", "legacy", path=None) == (0, "0.13.1\n")
    assert run("rpc", "--help")[1].startswith("imsg rpc\n")
    assert run(path=None)[1].startswith("imsg 0.14.1\n")
    status, text = run("--foo", path=None)
    assert (status, text.splitlines()[:2]) == (1, ["Command 'imsg' requires a subcommand", "imsg 0.14.1"])


def test_database_out_of_reach_is_explained(run: Run, tmp_path: Path) -> None:
    missing = str(tmp_path / "none.db")
    for words in (("chats",), ("history", "--chat-id", "1"), ("stats",), ("watch",), ("search", "--query", "x")):
        status, text = run(*words, path=missing)
        assert status == 1
        assert text.startswith("unable to open database file (code: 14)\n")
        assert all(token in text for token in ("Permission Error", missing, "Full Disk Access"))


def test_default_database_is_in_the_home(run: Run) -> None:
    assert "/Users/me/Library/Messages/chat.db" in run("chats", path=None)[1]


def test_watch_prints_messages_as_they_arrive(db: Any) -> None:
    first = db.message("one")
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "imsg_sdk.server",
            "watch",
            "--db",
            db.path,
            "--json",
            "--since-rowid",
            "-1",
            "--debounce",
            "1ms",
        ],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["id"] == first
        second = db.message("two")
        assert json.loads(process.stdout.readline())["id"] == second
        process.terminate()


def test_watch_ends_with_the_reason(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    assert run("watch", path=str(empty)) == (1, "no such table: message (code: 1)\n")
    for text in ("1m30s", "x", "5d", "ms", "-1s"):
        assert run("watch", f"--debounce={text}") == (1, "Invalid value for option: --debounce\n")
