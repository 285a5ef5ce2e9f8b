"""``imsg-sdk gateway``: call, run and decide."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.cli import main
from imsg_sdk.gateway import rehearse

OPEN = {"imessage": {"allowFrom": ["*"], "dmPolicy": "open"}, "messages": {"responsePrefix": "P"}}
MESSAGE = {"id": 5, "chat_id": 7, "sender": "+1555", "text": "hey\u2028you", "is_group": False}
COMMAND = str(Path(sys.executable).with_name("imsg-sdk"))
WAIT_S = 30.0


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMSG_SDK_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("IMSG_SDK_CONFIG", raising=False)
    return tmp_path / "state"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.json5"
    path.write_text(json.dumps(OPEN), encoding="utf-8")
    return path


def lines(path: Path, *values: object) -> str:
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), encoding="utf-8")
    return str(path)


# call


def called(capsys: Any, *arguments: str) -> tuple[int, Any]:
    code = main(["gateway", "call", *arguments])
    out, err = capsys.readouterr()
    return code, json.loads(out) if code == 0 else err.strip()


def test_the_status_of_a_gateway_that_never_ran(capsys: Any, settings: Path) -> None:
    code, answer = called(capsys, "providers.status", "--config", str(settings))
    assert code == 0
    assert list(answer) == ["ts", "imessage"]
    assert answer["imessage"] == {
        "configured": True, "running": False, "lastStartAt": None, "lastStopAt": None, "lastError": None,
        "cliPath": None, "dbPath": None, "lastProbeAt": None,
    }  # fmt: skip


def test_asking_for_the_status_makes_no_state(capsys: Any, settings: Path, tmp_path: Path) -> None:
    code, _ = called(capsys, "providers.status", "--config", str(settings), "--state-dir", str(tmp_path / "none"))
    assert code == 0
    assert not (tmp_path / "none").exists()


def test_the_status_without_settings_and_with_the_gateway_switched_off(capsys: Any, tmp_path: Path) -> None:
    _, answer = called(capsys, "providers.status", "--params", '{"probe":true}')
    assert answer["imessage"]["configured"] is False
    assert answer["imessage"]["lastError"] == "not configured"
    assert "probe" not in answer["imessage"]
    off = lines(tmp_path / "off.json", {"imessage": {"enabled": False}})
    _, answer = called(capsys, "providers.status", "--config", off)
    assert answer["imessage"]["lastError"] == "disabled"


def test_a_probe_says_what_is_wrong(capsys: Any, tmp_path: Path) -> None:
    gone = lines(tmp_path / "gone.json", {"imessage": {"cliPath": "/nowhere/imsg"}})
    code, answer = called(capsys, "providers.status", "--config", gone, "--params", '{"probe":true,"timeoutMs":50}')
    assert code == 0
    assert answer["imessage"]["probe"] == {"ok": False, "error": "imsg not found (/nowhere/imsg)"}
    assert answer["imessage"]["lastProbeAt"] >= answer["ts"] - 60_000


def test_a_probe_of_a_program_that_works(capsys: Any, tmp_path: Path) -> None:
    from imsg_sdk.sandbox.history.generate import generate

    database = tmp_path / "chat.db"
    generate(database, seed=1, messages=20)
    program = tmp_path / "imsg"
    program.write_text(
        f'#!/bin/sh\n[ "$2" = --help ] && echo "imsg rpc" && exit 0\nexec {sys.executable} -m imsg_sdk.server "$@"\n'
    )
    program.chmod(0o755)
    config = lines(tmp_path / "works.json", {"imessage": {"cliPath": str(program), "dbPath": str(database)}})
    code, answer = called(capsys, "providers.status", "--config", config, "--params", '{"probe":true}')
    assert code == 0
    assert answer["imessage"]["probe"] == {"ok": True}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["providers.status", "--params", '{"probe":1}'], "/probe must be boolean"),
        (["providers.status", "--params", '{"timeoutMs":-1}'], "/timeoutMs must be integer >= 0"),
        (["providers.status", "--params", '{"more":1}'], "unexpected property 'more'"),
        (["providers.status", "--params", "[]"], "must be object"),
        (["providers.status", "--params", "{"], "--params is not JSON"),
        (["nothing"], "unknown method: nothing"),
    ],
)
def test_a_wrong_call_fails_in_the_words_of_the_reference(capsys: Any, arguments: list[str], text: str) -> None:
    code, error = called(capsys, *arguments)
    assert code == 1
    assert error.startswith("Gateway call failed: ")
    assert text in error


def test_the_status_of_a_gateway_that_runs_and_of_one_that_was_stopped(
    capsys: Any, make_gateway: Any, program: Any, state: Path, settings: Path
) -> None:
    arguments = ["providers.status", "--config", str(settings), "--state-dir", str(state)]
    with make_gateway(cli_path="imsg-of-mine") as gateway:
        gateway.drain(through=program.receive())
        _, answer = called(capsys, *arguments)
        assert answer["imessage"]["running"] is True
    _, answer = called(capsys, *arguments)
    assert answer["imessage"] | {"lastStartAt": 0, "lastStopAt": 0} == {
        "configured": True, "running": False, "lastStartAt": 0, "lastStopAt": 0, "lastError": None,
        "cliPath": "imsg-of-mine", "dbPath": None, "lastProbeAt": None,
    }  # fmt: skip
    assert answer["imessage"]["lastStopAt"] >= answer["imessage"]["lastStartAt"] > 1_600_000_000_000


# decide


def test_decide_prints_what_a_rehearsal_gives(capsys: Any, settings: Path, tmp_path: Path) -> None:
    messages = [MESSAGE, {**MESSAGE, "id": 6, "is_from_me": True}, {"message": {**MESSAGE, "id": 7}}, {"id": 8}]
    replies = [[{"text": "a"}, {"text": "b"}], None, "c"]
    files = ["--messages", lines(tmp_path / "m.jsonl", *messages), "--replies", lines(tmp_path / "r.jsonl", *replies)]
    code = main(["gateway", "decide", "--config", str(settings), *files])
    found = [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]
    assert code == 0
    assert [(each["id"], each["dispatched"], each["reason"]) for each in found] == [
        (5, True, None), (6, False, "from_me"), (7, True, None), (8, False, "no_sender"),
    ]  # fmt: skip
    assert [[send["text"] for send in each["sends"]] for each in found] == [["P a", "P b"], [], ["P c"], []]
    [alone] = rehearse(OPEN, [MESSAGE])
    assert {**found[0], "sends": []} == alone.to_dict()


def test_decide_reads_the_rows_that_the_other_commands_write(capsys: Any, settings: Path, tmp_path: Path) -> None:
    assert main(["messages", "--sandbox", "--json", "--limit", "60"]) == 0
    path = tmp_path / "rows.jsonl"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    assert main(["gateway", "decide", "--config", str(settings), "--messages", str(path)]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]
    assert [each["id"] for each in found] == [row["rowid"] for row in rows]
    assert [each["reason"] == "from_me" for each in found] == [row["is_from_me"] for row in rows]
    assert any(each["dispatched"] for each in found)

    broken = lines(path, {**rows[0], "is_from_me": "no"})
    assert main(["gateway", "decide", "--config", str(settings), "--messages", broken]) == 1
    assert "is_from_me" in capsys.readouterr().err


def test_decide_names_the_line_that_is_wrong(capsys: Any, settings: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"id": 1}\n{"id": ', encoding="utf-8")
    assert main(["gateway", "decide", "--config", str(settings), "--messages", str(path)]) == 1
    told = capsys.readouterr().err
    assert f"line 2 of {path} is not JSON" in told
    assert "one JSON object a line" in told
    path.write_bytes('{"id": 1}\n'.encode("utf-16"))
    assert main(["gateway", "decide", "--config", str(settings), "--messages", str(path)]) == 1
    assert f"{path} is not UTF-8 from byte 0 on" in capsys.readouterr().err


# run


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (None, "no handler is named"),
        ("bot", "names no handler"),
        ("no_such_module:answer", "there is no module no_such_module"),
        ("json:no_such_function", "has no function no_such_function"),
    ],
)
def test_a_handler_that_cannot_be_found_is_wrong_use(
    capsys: Any, settings: Path, handler: str | None, text: str
) -> None:
    named = [] if handler is None else ["--handler", handler]
    assert main(["gateway", "run", "--config", str(settings), *named]) == 2
    assert text in capsys.readouterr().err


@pytest.fixture
def bot(tmp_path: Path, settings: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "bot.py").write_text("def answer(context):\n    return 'hello'\n", encoding="utf-8")
    argv = ["gateway", "run", "--config", str(settings), "--handler", "bot:answer", "--sandbox", "--seed", "3"]
    process = subprocess.Popen(
        [COMMAND, *argv],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def test_it_runs_until_it_is_terminated_and_says_what_it_did(bot: subprocess.Popen[str]) -> None:
    assert bot.stderr is not None
    said = []
    for line in bot.stderr:
        said.append(line)
        if "runs, mode live" in line:
            break
    bot.send_signal(signal.SIGTERM)
    _, rest = bot.communicate(timeout=WAIT_S)
    assert bot.returncode == 0, "".join(said) + rest
    assert "gateway default: stopped, mode live" in rest
