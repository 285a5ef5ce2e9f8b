"""``python -m imsg_sdk.sandbox generate``: what it makes, and what it refuses in which words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.sandbox.__main__ import main


def test_summary_in_words(tmp_path: Path, capsys: Any) -> None:
    assert main(["generate", str(tmp_path / "chat.db"), "--messages", "300", "--people", "5", "--groups", "1"]) == 0
    said = capsys.readouterr().out
    assert "300 messages in" in said
    assert "message" in said.splitlines()[1]


def test_summary_as_json(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "chat.db"
    options = ["--messages", "300", "--system", "tahoe", "--no-wal", "--body-only", "0.5", "--largest-chat", "0.3"]
    assert main(["generate", str(path), "--json", *options]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["path"], facts["messages"], facts["largest_chat"]) == (str(path), 300, 90)
    assert path.read_bytes()[18] == 1


def test_preset_of_the_demo(tmp_path: Path, capsys: Any) -> None:
    options = ["--preset", "demo", "--messages", "600", "--attachments-dir", str(tmp_path / "files"), "--json"]
    assert main(["generate", str(tmp_path / "chat.db"), *options]) == 0
    assert json.loads(capsys.readouterr().out)["messages"] == 600
    assert any((tmp_path / "files").rglob("*.HEIC"))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--messages", "0"], "--messages"),
        (["--messages", "many"], "--messages"),
        (["--people", "0"], "--people"),
        (["--body-only", "2"], "--body-only"),
        (["--largest-chat", "-1"], "--largest-chat"),
        (["--system", "windows"], "--system"),
        (["--start", "yesterday"], "--start"),
        (["--start", "2030-01-01", "--end", "2020-01-01"], "--end"),
        (["--preset", "nothing"], "--preset"),
    ],
)
def test_wrong_number_names_its_option(tmp_path: Path, capsys: Any, options: list[str], named: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["generate", str(tmp_path / "chat.db"), *options])
    assert ended.value.code == 2
    assert f"argument {named}:" in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_existing_file_needs_force(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "chat.db"
    path.touch()
    with pytest.raises(SystemExit) as ended:
        main(["generate", str(path)])
    assert ended.value.code == 2
    assert "--force" in capsys.readouterr().err
    assert main(["generate", str(path), "--messages", "20", "--force"]) == 0


def test_missing_folder_is_said(tmp_path: Path, capsys: Any) -> None:
    assert main(["generate", str(tmp_path / "nowhere" / "chat.db"), "--messages", "20"]) == 1
    assert "no such folder" in capsys.readouterr().err


def test_folder_in_the_way_is_said(tmp_path: Path, capsys: Any) -> None:
    assert main(["generate", str(tmp_path), "--messages", "20", "--force"]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_a_file_that_is_there_is_named_once_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chat.db"
    path.touch()
    with pytest.raises(SystemExit) as caught:
        main(["generate", str(path)])
    assert caught.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("chat.db exists: choose another name, or replace it with --force")


@pytest.mark.parametrize("program", ["imsg_sdk.sandbox", "imsg_sdk sandbox"])
def test_the_commands_of_imsg_work_in_a_world(tmp_path: Path, program: str) -> None:
    def run(*words: str) -> str:
        argv = [sys.executable, "-m", *program.split(), *words]
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout

    path = str(tmp_path / "chat.db")
    run("world", path)
    run("send", "--db", path, "--to", "+447700900118", "--text", "hello")

    assert "hello" in run("history", "--db", path, "--chat-id", "1")
