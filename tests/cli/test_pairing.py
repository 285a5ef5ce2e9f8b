"""``imsg-sdk pairing``, beside a gateway that runs."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imsg_sdk._time import SystemClock
from imsg_sdk.gateway.state import Journal, PairingStore, state_folder

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return state_folder(tmp_path / "state")


@pytest.fixture
def store(folder: Path) -> Iterator[PairingStore]:
    """Return the store of a gateway that runs while the commands do."""
    clock = SystemClock()
    with Journal.open(folder, identity="database 1", clock=clock) as journal:
        yield PairingStore.of(journal, clock)


@pytest.fixture
def pairing(run: Run, folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    return lambda name, *options: run("pairing", name, *options, "--state-dir", str(folder))


def test_a_person_is_approved_while_the_gateway_runs_and_can_be_revoked(pairing: Run, store: PairingStore) -> None:
    request = store.ask("+1 555 123 0001", chat_id=7)
    assert request is not None
    assert not store.is_approved("+15551230001")
    done = pairing("approve", request.code.lower())
    assert (done.returncode, done.stdout, done.stderr) == (0, "approved: +15…01\n", "")
    assert store.is_approved("+1 (555) 123-0001")
    assert pairing("revoke", "+1 (555) 123-0001").returncode == 0
    assert not store.is_approved("+15551230001")


def test_the_list_shows_who_waits_and_who_was_let_in(pairing: Run, store: PairingStore) -> None:
    first = store.ask("ann@example.com", chat_id=7)
    second = store.ask("+15551230002")
    assert first is not None
    assert second is not None
    store.approve(first.code)
    done = pairing("list")
    assert done.returncode == 0
    assert re.search(rf"\+15…02 +pending +{second.code} ", done.stdout)
    assert re.search(r"a…@….com +approved", done.stdout)
    assert "5551230002" not in done.stdout
    rows = [json.loads(line) for line in pairing("list", "--json", "--full").stdout.splitlines()]
    assert [(row["account"], row["handle"], row["state"]) for row in rows] == [
        ("default", "+15551230002", "pending"),
        ("default", "ann@example.com", "approved"),
    ]
    assert "5551230002" not in pairing("list", "--json").stdout


def test_nothing_to_do_is_said_with_exit_code_1(pairing: Run, store: PairingStore) -> None:
    for command in (("approve", "AAAAAAAA"), ("revoke", "+15551230001")):
        done = pairing(*command)
        assert (done.returncode, done.stdout) == (1, "")
        assert "→" in done.stderr
    assert pairing("list").stdout == "nobody waits, and nobody was approved\n"
    assert pairing("list", "--json").stdout == ""


def test_without_a_state_nothing_is_made(run: Run, tmp_path: Path) -> None:
    missing = tmp_path / "none"
    assert run("pairing", "list", "--state-dir", str(missing)).returncode == 0
    assert run("pairing", "approve", "AAAAAAAA", "--state-dir", str(missing)).returncode == 1
    assert not missing.exists()


def test_accounts_are_told_apart(pairing: Run, store: PairingStore, folder: Path) -> None:
    clock = SystemClock()
    with Journal.open(folder, account="work", identity="database 2", clock=clock) as journal:
        other = PairingStore.of(journal, clock)
        request = other.ask("+15551230003")
        store.ask("+15551230004")
        assert request is not None
        assert "account" in pairing("list").stdout
        assert pairing("approve", request.code, "--account", "default").returncode == 1
        assert pairing("approve", request.code).returncode == 0
        assert other.is_approved("+15551230003")
        assert not store.is_approved("+15551230003")


@pytest.mark.parametrize("arguments", [(), ("aprove", "X"), ("approve",), ("revoke",)])
def test_wrong_use_is_told_from_failure(run: Run, arguments: tuple[str, ...]) -> None:
    done = run("pairing", *arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_foreign_file_is_a_failure_with_a_remedy(pairing: Run, folder: Path) -> None:
    (folder / "gateway-default.db").write_text("no database " * 100, encoding="utf-8")
    done = pairing("list")
    assert done.returncode == 1
    assert "→ move the file away" in done.stderr
