"""The ledger of a list: what it remembers survives, what it holds tells nobody anything."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from imsg_sdk.client.send_ledger import ATTEMPTING, Memory, SendLedger
from imsg_sdk.errors import UsageError


def test_what_was_noted_is_there_in_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "list.ledger"
    with SendLedger(path) as ledger:
        key = ledger.key("person:+12025550117", "hello")
        ledger.note(Memory(key, 0, 2, ATTEMPTING, before=5, attempt="A"))
        ledger.note(Memory(key, 0, 2, "observed", guid="G", rowid=6))
        ledger.note(Memory(key, 1, 2, ATTEMPTING))
    with SendLedger(path) as ledger:
        assert ledger.key("person:+12025550117", "hello") == key
        assert [memory.state for memory in ledger.recall(key).values()] == ["observed", ATTEMPTING]
        assert ledger.guids == {"G"}
        assert ledger.recall(ledger.key("person:+12025550118", "hello")) == {}


def test_it_is_private_and_holds_no_private_text(tmp_path: Path) -> None:
    path = tmp_path / "list.ledger"
    with SendLedger(path) as ledger:
        ledger.note(Memory(ledger.key("person:+12025550117", "secret"), 0, 1, ATTEMPTING))
        other = tmp_path / "other.ledger"
        with SendLedger(other) as another:
            assert another.key("person:+12025550117") != ledger.key("person:+12025550117")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"2025550117" not in path.read_bytes()
    assert b"secret" not in path.read_bytes()


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_that_was_cut_off_counts_as_not_written(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "list.ledger"
    with SendLedger(path) as ledger:
        first, second = ledger.key("a"), ledger.key("b")
        ledger.note(Memory(first, 0, 1, "observed", guid="G"))
        whole = path.stat().st_size
        ledger.note(Memory(second, 0, 1, ATTEMPTING))
    path.write_bytes(path.read_bytes()[: whole + cut])
    with SendLedger(path) as ledger:
        assert ledger.recall(first)
        assert ledger.recall(second) == {}
        ledger.note(Memory(second, 0, 1, "accepted"))
    with SendLedger(path) as ledger:
        assert ledger.recall(second)[0].state == "accepted"


def test_a_second_run_at_once_is_refused(tmp_path: Path) -> None:
    with SendLedger(tmp_path / "list.ledger"), pytest.raises(UsageError) as caught:
        SendLedger(tmp_path / "list.ledger")
    assert "another run" in caught.value.message
    SendLedger(tmp_path / "list.ledger").close()


@pytest.mark.parametrize("content", [b"target,text\n1,hello\n", b'{"send_ledger": 99, "salt": "x"}\n', b"\n", b"\xff"])
def test_another_file_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        SendLedger(path)
    assert path.read_bytes() == content


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        SendLedger(tmp_path)
    with pytest.raises(UsageError):
        SendLedger(tmp_path / "no" / "such" / "folder")
