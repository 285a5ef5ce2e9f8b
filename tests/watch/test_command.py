"""``imsg-sdk watch`` prints what arrives, keeps its place in a file, and ends cleanly in every way."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

COMMAND = str(Path(sys.executable).with_name("imsg-sdk"))


class Command:
    """A running ``imsg-sdk watch``; its lines are read by a thread, and every wait is bounded."""

    def __init__(self, *arguments: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("IMSG_SDK")}
        self.process = subprocess.Popen(
            [COMMAND, "watch", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**environment, "TZ": "Europe/Paris", "PYTHONUTF8": "1"},
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def line(self) -> str:
        """Return the next line."""
        line = self._lines.get(timeout=20)
        assert line is not None, self.end()
        return line

    def end(self) -> tuple[int, list[str], str]:
        """Wait for the end; return exit code, lines that were not read, and what it said beside them."""
        code = self.process.wait(20)
        self._reader.join(10)
        rest = []
        while (line := self._lines.get(timeout=1)) is not None:
            rest.append(line)
        assert self.process.stderr is not None
        assert self.process.stdout is not None
        self.process.stdout.close()
        with self.process.stderr as stderr:
            return code, rest, stderr.read()


@pytest.fixture
def start(db: Any) -> Iterator[Callable[..., Command]]:
    """Return a function that starts the command over `db`."""
    running: list[Command] = []

    def start(*arguments: str) -> Command:
        running.append(Command("--db", db.path, *arguments))
        return running[-1]

    yield start
    for command in running:
        command.process.kill()
        command.process.wait(10)
        command._reader.join(10)
        for stream in (command.process.stdout, command.process.stderr):
            assert stream is not None
            stream.close()


def test_messages_are_printed_as_they_arrive(db: Any, start: Callable[..., Command], reading: Any) -> None:
    db.sql.execute("UPDATE chat SET display_name = 'A \x1b[31mgroup' WHERE ROWID = 2")
    command = start("--since-rowid", "18", "--limit", "4")
    assert command.line().endswith("  +15550001  old 18")
    assert command.line().endswith("A \\x1b[31mgroup  +15550001  old 19")
    db.message("hello\nworld", at=0, sender="+15550001")
    db.message("mine", at=0, is_from_me=1)
    assert command.line() == "2025-01-31 08:06:40  +15550001  +15550001  hello ⏎ world"
    assert command.line() == "2025-01-31 08:06:40  +15550001  me  mine"
    assert command.end() == (0, [], "")


def test_json_lines_carry_their_cursor(db: Any, start: Callable[..., Command]) -> None:
    first = start("--json", "--since-rowid", "17", "--limit", "2")
    lines = [json.loads(first.line()) for _ in range(2)]
    assert [line["rowid"] for line in lines] == [18, 19]
    assert lines[0]["text"] == "old 17"
    assert lines[0]["created_at"].endswith("Z")
    assert first.end()[0] == 0
    again = start("--json", "--since-cursor", lines[0]["cursor"], "--idle", "0.5")
    code, rest, said = again.end()
    assert (code, said) == (0, "")
    assert [json.loads(line)["rowid"] for line in rest] == [19, 20]


def test_a_file_keeps_the_place(db: Any, start: Callable[..., Command], tmp_path: Path) -> None:
    place = tmp_path / "cursor"
    assert start("--cursor-file", str(place), "--idle", "0.3").end() == (0, [], "")
    assert place.stat().st_mode & 0o777 == 0o600
    db.message("while nobody watched")
    code, lines, _ = start("--cursor-file", str(place), "--since-rowid", "0", "--idle", "0.3").end()
    assert code == 0
    assert [line.rpartition("  ")[2] for line in lines] == ["while nobody watched"]
    assert start("--cursor-file", str(place), "--idle", "0.3").end() == (0, [], "")
    assert [path.name for path in tmp_path.iterdir() if "cursor" in path.name] == ["cursor"]


def test_a_file_that_cannot_keep_the_place_is_said_at_once(
    db: Any, start: Callable[..., Command], tmp_path: Path
) -> None:
    place = tmp_path / "cursor"
    for content in ("nonsense", "7d"):
        place.write_text(content, encoding="ascii")
        code, lines, said = start("--cursor-file", str(place)).end()
        assert (code, lines) == (2, [])
        assert f"{place} holds no cursor" in said
    assert place.read_text(encoding="ascii") == "7d"
    for path, what in ((tmp_path / "none" / "cursor", "a folder that is not there"), (tmp_path, "is a folder")):
        code, lines, said = start("--cursor-file", str(path), "--idle", "1").end()
        assert (code, lines) == (2, [])
        assert f"{path} " in said
        assert what in said
        assert ".new" not in said


def test_a_place_in_another_database_is_told_with_the_name_of_the_file(
    db: Any, start: Callable[..., Command], tmp_path: Path
) -> None:
    place = tmp_path / "cursor"
    assert start("--cursor-file", str(place), "--idle", "0.3").end()[0] == 0
    db.sql.execute("UPDATE message SET guid = guid || '-other'")
    kept = place.read_text(encoding="ascii")
    code, lines, said = start("--cursor-file", str(place), "--idle", "0.3").end()
    assert (code, lines) == (1, [])
    assert f"delete {place} to begin anew" in said
    assert "since=" not in said
    assert place.read_text(encoding="ascii") == kept
    said = start("--since-cursor", kept.strip(), "--idle", "0.3").end()[2]
    assert "--since-rowid" in said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_with_its_place_kept(
    db: Any, start: Callable[..., Command], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    place = tmp_path / "cursor"
    command = start("--cursor-file", str(place), "--since-rowid", "18")
    first, last = command.line(), command.line()
    command.process.send_signal(number)
    assert command.end() == (code, [], "")
    code, repeated, said = start("--cursor-file", str(place), "--idle", "0.3").end()
    assert (code, said) == (0, "")
    # What the signal met while it was printed may come again.
    assert repeated in ([], [last], [first, last])


def test_a_kill_repeats_at_most_what_was_being_printed(db: Any, start: Callable[..., Command], tmp_path: Path) -> None:
    place = tmp_path / "cursor"
    command = start("--json", "--cursor-file", str(place), "--since-rowid", "10")
    seen = [json.loads(command.line())["rowid"] for _ in range(5)]
    command.process.kill()
    seen += [json.loads(line)["rowid"] for line in command.end()[1]]
    rest = start("--json", "--cursor-file", str(place), "--since-rowid", "10", "--idle", "0.3").end()[1]
    seen += [json.loads(line)["rowid"] for line in rest]
    assert sorted(set(seen)) == list(range(11, 21))


def test_it_ends_when_its_reader_goes_away(db: Any) -> None:
    command = subprocess.Popen(
        [COMMAND, "watch", "--db", db.path, "--since-rowid", "19"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert command.stdout is not None
    assert command.stderr is not None
    assert command.stdout.readline()
    command.stdout.close()
    assert command.wait(20) == 0
    with command.stderr as stderr:
        assert stderr.read() == b""


def test_wrong_use_is_told(db: Any, start: Callable[..., Command]) -> None:
    for arguments in (["--since-rowid", "-1"], ["--idle", "0"], ["--since", "2h", "--since-rowid", "1"]):
        code, lines, said = start(*arguments).end()
        assert (code, lines) == (2, [])
        assert "--" in said
    code, _, said = start("--chat", "+15559999").end()
    assert code == 1
    assert "no chat" in said


def test_in_the_sandbox_people_write_by_themselves() -> None:
    command = Command("--sandbox", "--limit", "1")
    try:
        code, lines, said = command.end()
    finally:
        command.process.kill()
        command._reader.join(10)
    assert (code, len(lines)) == (0, 1), said
