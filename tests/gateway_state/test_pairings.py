"""Pairing requests and approvals, shared by a gateway and the commands beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.gateway.state import Journal, PairingStore, accounts_of, state_path

Open = Callable[..., Journal]


@pytest.fixture
def beside(folder: Path, clock: Any) -> Iterator[PairingStore]:
    """Return the store as another process opens it."""
    with PairingStore.open(folder, clock=clock) as store:
        yield store


def test_an_approval_beside_a_gateway_holds_at_once(journal: Journal, beside: PairingStore, clock: Any) -> None:
    store = PairingStore.of(journal, clock)
    request = store.ask("+1 (555) 123-0001", chat_id=7)
    assert request is not None
    assert beside.pending() == (request,)
    assert not store.is_approved("+15551230001")
    assert beside.approve(f" {request.code.lower()} ") == request
    assert store.is_approved("imessage:+15551230001")
    assert store.approved == {"+15551230001"}
    assert store.pending() == ()
    assert beside.revoke("+1 555 123 0001")
    assert not beside.revoke("+1 555 123 0001")
    assert not store.is_approved("+15551230001")


def test_own_approvals_hold_at_once_too(journal: Journal, clock: Any) -> None:
    store = PairingStore.of(journal, clock)
    request = store.ask("ann@example.com")
    assert request is not None
    assert store.approved == frozenset()
    assert store.approve(request.code) is not None
    assert store.is_approved("Ann@Example.com")
    assert store.ask("ann@example.com") is None
    assert store.revoke("ann@example.com")
    assert not store.is_approved("ann@example.com")


def test_a_code_is_told_once_and_lives_for_an_hour(journal: Journal, open_journal: Open, clock: Any) -> None:
    store = PairingStore.of(journal, clock)
    first = store.ask("+15551230001")
    assert first is not None
    clock.advance(minutes=30)
    assert store.ask("+15551230001") is None
    journal.close()
    again = PairingStore.of(open_journal(), clock)
    (waiting,) = again.pending()
    assert (waiting.code, waiting.last_seen_at) == (first.code, clock.at)
    clock.advance(minutes=30)
    assert again.pending() == ()
    assert again.approve(first.code) is None
    second = again.ask("+15551230001")
    assert second is not None
    assert second.code != first.code


def test_no_more_than_three_wait(journal: Journal, clock: Any) -> None:
    store = PairingStore.of(journal, clock)
    assert all(store.ask(f"+1555123000{number}") for number in range(3))
    assert store.ask("+15551230009") is None
    assert len(store.pending()) == 3


def test_a_store_of_a_journal_leaves_it_open(journal: Journal, clock: Any) -> None:
    with PairingStore.of(journal, clock) as store:
        assert store.pending() == ()
    assert journal.cursor is None
    assert repr(store) == "<PairingStore>"


def test_accounts_are_found_by_their_files(open_journal: Open, folder: Path, tmp_path: Path) -> None:
    open_journal(account="Work")
    open_journal(account="default")
    assert accounts_of(folder) == ("default", "work")
    assert accounts_of(tmp_path / "none") == ()
    assert state_path(tmp_path / "none") == tmp_path / "none"


def test_a_fork_is_told_in_its_own_process(folder: Path, tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from imsg_sdk._time import SystemClock\n"
        "from imsg_sdk.errors import ForkedProcess\n"
        "from imsg_sdk.gateway.state import Journal\n"
        "journal = Journal.open(Path(sys.argv[1]), identity='1', clock=SystemClock())\n"
        "journal.move_cursor('c')\n"
        "if not os.fork():\n"
        "    try:\n"
        "        journal.cursor\n"
        "    except ForkedProcess:\n"
        "        journal.close()\n"
        "        os._exit(7)\n"
        "    os._exit(0)\n"
        "status = os.wait()[1]\n"
        "journal.move_cursor('d')\n"
        "print(os.WEXITSTATUS(status), journal.cursor)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["7", "d"], done.stderr
