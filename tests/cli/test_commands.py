"""The commands, run as a person or a program runs them."""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

import imsg_sdk
from imsg_sdk.cli import terminal
from imsg_sdk.cli.hints import in_words_of_the_shell
from imsg_sdk.columns import CHATS, MESSAGES, REACTIONS

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[bytes]]

ALONE = ("demo", "doctor", "chats", "messages", "search", "watch", "send", "send-many", "export")
COMMANDS = (*ALONE, "gateway", "pairing", "sandbox", "server")


def json_lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


# help


def test_help_names_every_command_and_gives_examples(run: Run) -> None:
    done = run("--help")
    assert done.returncode == 0
    assert all(re.search(rf"^    {name}\s", done.stdout, re.MULTILINE) for name in COMMANDS)
    assert "examples:" in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        *(*ALONE, "sandbox generate", "gateway run", "gateway call", "gateway decide", "gateway erase"),
        *("pairing list", "pairing approve", "pairing revoke"),
    ],
)
def test_every_command_has_examples_and_json(run: Run, command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout
    assert "--json" in done.stdout


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version").stdout == f"imsg-sdk {imsg_sdk.__version__}\n"


def test_help_loads_neither_pandas_nor_a_client() -> None:
    code = "import sys, imsg_sdk.cli as cli; cli.build_parser(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30).stdout.split()
    assert not {"pandas", "numpy", "asyncio", "phonenumbers", "json5", "regex", "imsg_sdk.client"} & set(loaded)


# demo


def test_the_demo_shows_a_history_within_half_a_minute(run: Run) -> None:
    begun = time.monotonic()
    done = run("demo")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begun < 30
    for title in ("Chats", "A conversation", "When", "Who", "Tapbacks", "Looking for", "Next"):
        assert f"\n{title}" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_the_demo_fits_a_terminal_of_80_columns(run: Run) -> None:
    done = run("demo", COLUMNS="80")
    assert [line for line in done.stdout.splitlines() if terminal.width(line) > 80] == []


def test_the_demo_is_data_too(run: Run) -> None:
    done = run("demo", "--json", "--messages", "500")
    page = json.loads(done.stdout)
    assert page["history"]["messages"] > 100
    assert max(chat["last_message_at"] for chat in page["chats"]) < "2027", "scheduled ones were said by nobody yet"
    assert set(page) == {
        *("history", "chats", "conversation", "hours", "people", "tapbacks", "search", "columns"),
    }


def test_the_demo_can_be_small_but_not_too_small(run: Run) -> None:
    small = run("demo", "--messages", "60")
    assert (small.returncode, small.stderr) == (0, "")
    tiny = run("demo", "--messages", "1")
    assert (tiny.returncode, tiny.stdout) == (2, "")
    assert "→" in tiny.stderr


# reading


def test_chats_are_a_table_or_json_lines(run: Run, database: Path) -> None:
    table = run("chats", "--db", str(database))
    assert table.returncode == 0
    assert table.stdout.splitlines()[0].split()[:5] == ["id", "chat", "people", "service", "unread"]
    assert "last message, local time" in table.stdout.splitlines()[0]
    rows = json_lines(run("chats", "--db", str(database), "--json", "--limit", "all").stdout)
    assert list(rows[0]) == list(CHATS.names)
    assert len(rows) > len(json_lines(run("chats", "--db", str(database), "--json", "--limit", "2").stdout)) == 2


def test_messages_are_a_table_or_json_lines(run: Run, database: Path) -> None:
    table = run("messages", "--db", str(database), "--limit", "5")
    assert table.returncode == 0
    assert len(table.stdout.splitlines()) == 7
    rows = json_lines(run("messages", "--db", str(database), "--json", "--limit", "5").stdout)
    assert [list(row) for row in rows] == [list(MESSAGES.names)] * 5


def test_filters_choose_messages(run: Run, database: Path) -> None:
    def rowids(*filters: str) -> set[object]:
        done = run("messages", "--db", str(database), "--json", "--limit", "all", *filters)
        assert done.returncode == 0, done.stderr
        return {row["rowid"] for row in json_lines(done.stdout)}

    everything = rowids()
    assert rowids("--from-me") | rowids("--from-others") == everything
    assert rowids("--from-me") & rowids("--from-others") == set()
    assert rowids("--since", "2025-06-01") | rowids("--until", "2025-06-01") == everything
    assert 0 < len(rowids("--chat", "1")) < len(everything)
    assert rowids("--chat", "chat_id:1") == rowids("--chat", "1")


def test_search_finds_and_says_when_there_is_nothing(run: Run, database: Path) -> None:
    found = run("search", "the", "--db", str(database), "--limit", "3")
    assert found.returncode == 0
    assert len(found.stdout.splitlines()) == 3
    nothing = run("search", "no such words anywhere", "--db", str(database))
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "nothing found" in nothing.stderr
    assert run("search", "no such words anywhere", "--db", str(database), "--json").returncode == 1


def test_a_sandbox_needs_no_file(run: Run) -> None:
    done = run("chats", "--sandbox", "--seed", "5", "--json", "--limit", "1")
    assert len(json_lines(done.stdout)) == 1


def test_doctor_goes_step_by_step(run: Run, database: Path) -> None:
    good = run("doctor", "--db", str(database), "--json")
    assert (good.returncode, json.loads(good.stdout)["ok"]) == (0, True)
    bad = run("doctor")
    assert bad.returncode == 1
    assert "✗ program" in bad.stdout
    assert "→" in bad.stdout


def test_the_server_is_at_hand(run: Run, database: Path) -> None:
    done = run("server", "chats", "--db", str(database), "--limit", "2", "--json")
    assert done.returncode == 0
    assert all("identifier" in chat for chat in json_lines(done.stdout))


def test_a_history_can_be_made(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "made.db"
    made = run("sandbox", "generate", str(path), "--messages", "50", "--json")
    assert json.loads(made.stdout)["messages"] == 50
    again = run("sandbox", "generate", str(path), "--messages", "50")
    assert again.returncode == 2
    assert "--force" in again.stderr


# export


def test_export_writes_csv_to_a_pipe(run: Run, database: Path) -> None:
    done = run("export", "messages", "--db", str(database), "--limit", "20")
    rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
    assert len(rows) == 20
    assert list(rows[0]) == list(MESSAGES.names)


def test_export_takes_the_format_from_the_name(run: Run, database: Path, tmp_path: Path) -> None:
    path = tmp_path / "taps.jsonl"
    done = run("export", "reactions", "--db", str(database), "--out", str(path), "--json")
    summary = json.loads(done.stdout)
    lines = json_lines(path.read_text(encoding="utf-8"))
    assert summary == {"table": "reactions", "rows": len(lines), "format": "jsonl", "path": str(path)}
    assert list(lines[0]) == list(REACTIONS.names)


@pytest.mark.parametrize("table", ["messages", "chats", "participants", "attachments", "reactions", "edits"])
def test_every_table_can_be_exported(run: Run, database: Path, tmp_path: Path, table: str) -> None:
    path = tmp_path / "table.csv"
    done = run("export", table, "--db", str(database), "--out", str(path))
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip().endswith(f"{table} → {path}")
    assert list(tmp_path.iterdir()) == [path]


def test_export_into_a_missing_folder_fails_and_leaves_nothing(run: Run, database: Path, tmp_path: Path) -> None:
    done = run("export", "chats", "--db", str(database), "--out", str(tmp_path / "none" / "x.csv"))
    assert done.returncode == 1
    assert done.stderr.startswith("imsg-sdk: No such file or directory")
    assert "Traceback" not in done.stderr


def test_an_export_is_private_and_keeps_the_mode_of_what_it_replaces(run: Run, database: Path, tmp_path: Path) -> None:
    path = tmp_path / "chats.csv"
    for mode in (0o600, 0o640):
        assert run("export", "chats", "--db", str(database), "--out", str(path)).returncode == 0
        assert stat.S_IMODE(path.stat().st_mode) == (0o600 if mode == 0o600 else 0o640)
        path.chmod(0o640)


def test_an_export_goes_through_a_link(run: Run, database: Path, tmp_path: Path) -> None:
    (tmp_path / "target.csv").write_text("old", encoding="utf-8")
    link = tmp_path / "link.csv"
    link.symlink_to("target.csv")
    assert run("export", "chats", "--db", str(database), "--out", str(link)).returncode == 0
    assert link.is_symlink()
    assert (tmp_path / "target.csv").read_text(encoding="utf-8").startswith("chat_id,")


def test_an_export_into_a_named_pipe_reaches_its_reader(run: Run, database: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        assert run("export", "chats", "--db", str(database), "--out", str(pipe)).returncode == 0
        assert reader.communicate(timeout=10)[0].startswith(b"chat_id,")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_format_that_nobody_named_is_refused(run: Run, database: Path, tmp_path: Path) -> None:
    done = run("export", "chats", "--db", str(database), "--out", str(tmp_path / "chats.xlsx"))
    assert done.returncode == 2
    assert "--format" in done.stderr
    assert list(tmp_path.iterdir()) == []


# times


def test_times_come_out_in_the_zone_they_are_given_in(run: Run, database: Path) -> None:
    newest = run("messages", "--db", str(database), "--limit", "1", TZ="Asia/Tokyo").stdout.splitlines()[-1][:16]
    day = newest[:10]
    rows = run("messages", "--db", str(database), "--since", day, "--limit", "all", TZ="Asia/Tokyo").stdout
    assert newest in rows
    assert all(line.startswith(day) for line in rows.splitlines()[2:])
    assert run("messages", "--db", str(database), "--limit", "1").stdout.splitlines()[-1][:16] != newest


# mistakes


@pytest.mark.parametrize(
    "arguments",
    [
        "chats --sandbox --db x.db",
        "messages --sandbox --config x.json5",
        "doctor --sandbox --cli-path x",
        "chats --seed 3",
        "gateway run --observe --seed 3",
    ],
)
def test_options_that_would_be_ignored_are_refused(run: Run, arguments: str) -> None:
    done = run(*arguments.split())
    assert done.returncode == 2
    assert "--sandbox" in done.stderr


def test_a_search_can_be_narrowed_down(run: Run, database: Path) -> None:
    def found(*more: str) -> list[dict[str, object]]:
        return json_lines(run("search", "e", "--db", str(database), "--limit", "all", "--json", *more).stdout)

    everything = found()
    chat = everything[0]["chat_id"]
    here = found("--chat", str(chat))
    assert here
    assert [row["rowid"] for row in here] == [row["rowid"] for row in everything if row["chat_id"] == chat]
    middle = str(everything[len(everything) // 2]["created_at"])
    late = found("--since", middle)
    assert [row["rowid"] for row in late] == [row["rowid"] for row in everything if str(row["created_at"]) >= middle]


def test_tables_call_people_by_the_names_that_the_program_knows(run: Run) -> None:
    assert "Nora Finch" in run("chats", "--sandbox", "--limit", "all").stdout
    done = run("messages", "--sandbox", "--chat", "nora finch", "--from-others", "--limit", "3")
    assert [line.split()[2:4] for line in done.stdout.splitlines()[2:]] == [["Nora", "Finch"]] * 3


def test_a_chat_can_be_called_by_its_name(run: Run, database: Path) -> None:
    chats = json_lines(run("chats", "--db", str(database), "--json", "--limit", "all").stdout)
    group = next(chat for chat in chats if chat["is_group"])
    rows = json_lines(run("messages", "--db", str(database), "--chat", group["name"].lower(), "--json").stdout)
    assert {row["chat_id"] for row in rows} == {group["chat_id"]}


def test_several_chats_can_be_named(run: Run, database: Path) -> None:
    rows = json_lines(run("messages", "--db", str(database), "--chat", "1", "--chat", "2", "--json").stdout)
    assert {row["chat_id"] for row in rows} == {1, 2}


@pytest.mark.parametrize("command", ["messages --until 2001-01-02", "search zzzzzz"])
def test_nothing_found_is_exit_code_1_and_said_on_stderr(run: Run, database: Path, command: str) -> None:
    done = run(*command.split(), "--db", str(database))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() in ("no messages", "nothing found")


def test_doctor_says_what_helps_without_a_mac(run: Run) -> None:
    if sys.platform == "darwin":
        pytest.skip("this is a Mac")
    done = run("doctor")
    assert done.returncode == 1
    assert "--sandbox" in done.stdout
    assert not PYTHON_WORDS.search(done.stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "nope",
        "messages --since yesterday",
        "messages --chat chat_id:abc",
        "messages --limit 0",
        "messages --lim 5",
        "chats --seed x",
        "export",
        "export people",
        "export chats --since 7d",
        "export messages --sandbox --format jsonl --spreadsheet",
        "search",
        "messages --text",
    ],
)
def test_wrong_use_is_exit_code_2_and_two_lines(run: Run, arguments: str) -> None:
    done = run(*arguments.split())
    assert done.returncode == 2
    said, where = done.stderr.splitlines()
    assert said.startswith("imsg-sdk")
    assert re.fullmatch(r"  → imsg-sdk( \w+)? --help shows how it is used", where)
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ("mesages", "messages"),
        ("messages --limt 3", "--limit"),
        ("messages --form=x", "--from"),
        ("sandbox generat", "generate"),
        ("sandbox generate x.db --mesages 3", "--messages"),
        ("export mesages", "messages"),
    ],
)
def test_a_slip_of_the_finger_is_met_with_the_nearest_name(run: Run, arguments: str, meant: str) -> None:
    done = run(*arguments.split())
    assert done.returncode == 2
    assert f"did you mean {meant}?" in done.stderr


def test_the_package_can_be_run_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "imsg_sdk", "--version"], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout.split()[0]) == (0, "imsg-sdk")


def test_a_settings_file_that_cannot_be_read_is_named(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "settings.json5"
    path.write_text("{imessage: {cliPath: }}", encoding="utf-8")
    done = run("chats", "--config", str(path))
    assert done.returncode == 2
    assert f"{path} is not JSON5: line 1" in done.stderr
    assert "<string>" not in done.stderr


def test_remedies_speak_of_commands_and_options(run: Run, database: Path) -> None:
    done = run("messages", "--db", str(database), "--chat", "nobody at all")
    assert "`imsg-sdk chats` lists" in done.stderr
    assert "()" not in done.stderr


PYTHON_WORDS = re.compile(r"\b\w+\(\)|\b(cli_path|db_path|stderr_tail|read_timeout_s|from_chat_db|\w+=None)\b")
SPOKEN_FROM = ("rpc", "chatdb", "config", "arguments.py", "addressing.py", "client/core.py", "client/pool.py")


def test_no_remedy_is_left_in_words_of_python() -> None:
    """Names of Python that are not translated would send a person at a shell to look for them in vain."""
    package = Path(imsg_sdk.__file__).parent
    files = [
        file for name in SPOKEN_FROM for file in ([package / name] if "." in name else (package / name).glob("*.py"))
    ]
    hints = [
        node.value
        for file in files
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.keyword) and call.arg == "hint"
        for node in ast.walk(call.value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert len(hints) > 40
    assert [hint for hint in hints if PYTHON_WORDS.search(in_words_of_the_shell(hint))] == []


def test_looking_for_nothing_is_wrong_use(run: Run) -> None:
    assert run("search", " ").returncode == 2
    assert run("messages", "--text", "").returncode == 2


def test_a_wrong_setting_is_wrong_use_and_names_the_nearest(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "settings.json5"
    path.write_text("{imessage: {cliPaht: 'x'}}", encoding="utf-8")
    done = run("chats", "--config", str(path))
    assert done.returncode == 2
    assert "imessage.cliPaht" in done.stderr
    assert "did you mean cliPath?" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    ["chats --cli-path no-such-program", "chats --db /no/such/chat.db", "messages --sandbox --chat +15550009999"],
)
def test_a_failure_is_one_message_and_its_remedy(run: Run, arguments: str) -> None:
    done = run(*arguments.split())
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("imsg-sdk: ")
    assert "\n  → " in done.stderr
    assert "Traceback" not in done.stderr


def test_without_imsg_the_other_ways_are_named(run: Run) -> None:
    done = run("chats")
    assert "--db" in done.stderr
    assert "--sandbox" in done.stderr


def test_debug_shows_where_an_error_came_from(run: Run) -> None:
    done = run("chats", "--db", "/no/such/chat.db", "--debug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


# terminals and pipes


@pytest.mark.parametrize("command", ["messages", "search owned"])
def test_no_message_reaches_the_terminal_raw(run: Run, hostile_database: Path, command: str) -> None:
    done = run(*command.split(), "--db", str(hostile_database))
    assert "\\x1b]0;owned\\x07" in done.stdout
    shown = done.stdout.replace("\n", "")
    assert [char for char in shown if unicodedata.category(char) == "Cc" or char == "\u202e"] == []


def test_a_terminal_that_cannot_say_it_gets_escapes(run: Run, database: Path) -> None:
    done = run("demo", "--messages", "300", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


def test_json_is_utf_8_whatever_the_terminal_says(run: Run, database: Path) -> None:
    done = run("chats", "--db", str(database), "--json", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert json_lines(done.stdout)


def test_a_reader_that_leaves_is_no_failure(start: Start, database: Path) -> None:
    process = start("export", "messages", "--db", str(database))
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(timeout=20) == 0


def test_an_interrupt_ends_quietly(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(30)  # a fresh interpreter, twice
        program = tmp_path / "imsg"
        program.write_text(
            f"#!{sys.executable}\nimport socket, sys\nsocket.create_connection({door.getsockname()!r}).recv(1)\n",
            encoding="utf-8",
        )
        program.chmod(0o755)
        process = start("chats", "--cli-path", str(program))
        visitor, _ = door.accept()
        with visitor:
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout, stderr) == (130, b"", b"")
