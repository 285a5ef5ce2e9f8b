"""``imsg-sdk send`` and ``send-many`` show what they would do, and do it with ``--yes`` only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.cli.app import main
from imsg_sdk.cli.lists import read_list

COMMAND = str(Path(sys.executable).with_name("imsg-sdk"))


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMSG_SDK", "COLUMNS"))}
    environment = {**kept, "PYTHONUTF8": "1", "COLUMNS": "120"}
    return subprocess.run(
        [COMMAND, *arguments], input=stdin, capture_output=True, encoding="utf-8", timeout=60, env=environment
    )


def program(scripted: Any) -> list[str]:
    """Return options that make a command use the scripted program, through a file that starts it."""
    path = scripted.folder / "imsg"
    words = " ".join(f"'{word}'" for word in scripted.client._core.pool.backend.program)
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return ["--cli-path", str(path)]


def test_it_shows_whom_and_what_and_sends_nothing(scripted: Any) -> None:
    done = run("send", "3", "hello\x1b[31m", *program(scripted))
    assert done.returncode == 0
    assert "to:    +12025550117 (chat 3, iMessage, direct)" in done.stdout
    assert "\x1b" not in done.stdout
    assert "nothing was sent" in done.stderr
    assert scripted.asked == []


def test_it_sends_with_yes_and_tells_what_is_known(scripted: Any) -> None:
    done = run("send", "(202) 555-0117", "-", "--yes", "--json", *program(scripted), stdin="two\nlines\n")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["state"], told["rowid"], told["chat_id"], told["n_messages"]) == ("observed", 100, 3, 1)
    assert scripted.texts == ["two\nlines"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["Mum", "hello"], 1, "names are never looked up"),
        (["3"], 2, "neither TEXT nor --file"),
        (["3", "--file", "/no/such/file"], 1, "no file at that path"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_said(scripted: Any, arguments: list[str], code: int, said: str) -> None:
    done = run("send", *arguments, "--yes", *program(scripted))
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert scripted.asked == []


def test_a_send_that_fails_is_a_failure_that_says_why(scripted: Any) -> None:
    data = {"disposition": "not_started", "retry_safe": True, "operation": "send", "detail": "…"}
    scripted.script({"then": {"code": -32603, "message": "Delivery failed before dispatch", "data": data}})
    done = run("send", "3", "hello", "--yes", *program(scripted))
    assert done.returncode == 1
    assert "not sent" in done.stderr
    assert "hello" not in done.stderr
    assert scripted.texts == ["hello"]


def test_a_message_that_went_out_is_told_whatever_fails_afterwards(scripted: Any) -> None:
    scripted.script({"row": True, "chats": "gone"})
    done = run("send", "3", "hello", "--yes", *program(scripted))
    assert (done.returncode, done.stdout) == (0, "sent to chat 3: it stands in the chat\n"), done.stderr
    assert scripted.texts == ["hello"]


def test_an_interrupt_tells_that_a_message_was_under_way(scripted: Any) -> None:
    scripted.script({"then": "hang"})
    command = [COMMAND, "send", "3", "hello", "--yes", *program(scripted)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:
        scripted.wait_until_asked()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "it may have been carried out" in said
    assert "hello" not in said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"])
def test_a_list_that_is_ended_early_tells_how_far_it_came(scripted: Any, number: int, code: int) -> None:
    scripted.script({"row": True}, {"then": "hang"})
    path = scripted.folder / "people.csv"
    path.write_text("target,text\n3,one\n4,two\n3,three\n", encoding="utf-8")
    command = [COMMAND, "send-many", str(path), "--yes", "--per-minute", "60000", *program(scripted)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:
        scripted.wait_until_asked(2)
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert process.returncode == code
    assert "1 of 3 messages were sent; the same list with the same ledger goes on" in said
    assert "send was under way" in said
    assert "Traceback" not in said


def test_settings_of_the_file_say_how_a_text_is_cut(scripted: Any) -> None:
    path = scripted.folder / "settings.json"
    path.write_text('{"channels": {"imessage": {"textChunkLimit": 5}}}', encoding="utf-8")
    done = run("send", "3", "hello world", "--yes", "--config", str(path), *program(scripted))
    assert done.returncode == 0, done.stderr
    assert scripted.texts == ["hello", "world"]


def test_a_list_is_shown_then_sent_once(scripted: Any) -> None:
    path = scripted.folder / "people.csv"
    path.write_text("\ufefftarget,text\n3,one\n+12025550118,two\n", encoding="utf-8")
    options = [str(path), "--per-minute", "60000", *program(scripted)]
    shown = run("send-many", *options)
    assert (shown.returncode, scripted.asked) == (0, [])
    assert "2 planned; nothing was sent" in shown.stderr
    for _ in range(2):
        done = run("send-many", *options, "--yes", "--json")
        assert done.returncode == 0, done.stderr
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert [row["state"] for row in rows] == ["observed", "observed"]
    assert [row["was_sent_before"] for row in rows] == [True, True]
    assert scripted.texts == ["one", "two"]
    assert (scripted.folder / "people.csv.ledger").exists()


def test_zeros_before_a_number_are_never_cut_off(scripted: Any) -> None:
    """Findings of a newcomer: 011, where a dial code was meant, went to the group with the id 11."""
    assert run("send", "03", "hello", "--yes", *program(scripted)).returncode == 1
    path = scripted.folder / "people.csv"
    path.write_text("target,text\n03,one\n07700900118,two\n447700900118,three\n", encoding="utf-8")
    done = run("send-many", str(path), "--yes", "--json", *program(scripted))
    assert done.returncode == 1
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["state"] for row in rows] == ["refused"] * 3
    assert "begins with 0" in rows[0]["problem"]
    assert "+" in rows[1]["problem"]
    assert "needs its +" in rows[2]["problem"]
    assert scripted.asked == []


def test_a_list_with_rows_that_cannot_be_sent_is_a_failure(scripted: Any) -> None:
    path = scripted.folder / "people.jsonl"
    path.write_text('{"who": "Mum", "what": "x"}\n{"who": 3, "what": "hello"}\n', encoding="utf-8")
    done = run("send-many", str(path), "--target", "who", "--text", "what", "--yes", *program(scripted))
    assert done.returncode == 1
    assert "1 refused" in done.stderr
    assert scripted.texts == ["hello"]
    assert run("send-many", str(scripted.folder / "none.csv"), *program(scripted)).returncode == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("latin.csv", b"target,text\n3,h\xe9\n", "latin.csv is not in UTF-8\n  \u2192 save it"),
        ("sheet.csv", "target,text\n3,hello".encode("utf-16"), "is not in UTF-8"),
        ("comma.csv", b"target,text\n3,one\n3,Hello, you\n", "has 3 cells in line 3, but 2 columns"),
        ("quote.csv", b'target,text\n3,"one\n4,two\n', "is no CSV at line 3"),
        ("twice.csv", b"target,text,text\n3,one,two\n", "two columns of the name 'text'"),
        ("empty.csv", b"", "is empty"),
        ("README.md", b"# imsg_sdk\n\nRead.\n", "--target phone --text message; commas, semicolons"),
        ("broken.jsonl", b'{"target": 3, "text": "one"}\n{"target"\n', "no JSON object in line 2"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value[:10] else "",
)
def test_a_list_that_is_not_surely_read_as_it_was_meant_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["send-many", str(path), "--sandbox", "--yes"]) == 1
    out, err = capsys.readouterr()
    assert said in err
    assert (out, err.count("\n") <= 2, "two" in err.replace("two columns", "")) == ("", True, False)
    assert not path.with_name(f"{name}.ledger").exists()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_list_is_read_as_sheets_of_all_countries_write_it(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "sheet.csv"
    rows = [["target", "text", "note"], ["3", '"a, b; c\td\u2028e"', ""], ["", "", ""], ["+12025550117", "x"]]
    path.write_text("\r\n".join(separator.join(row) for row in rows), encoding="utf-8-sig", newline="")
    assert read_list(path, "target") == [
        {"target": 3, "text": "a, b; c\td\u2028e", "note": None},
        {"target": "+12025550117", "text": "x"},
    ]
