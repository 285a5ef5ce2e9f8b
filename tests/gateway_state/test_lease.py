"""One gateway for a state and for a database, for as long as its process lives."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.errors import GatewayAlreadyRunning, JournalError
from imsg_sdk.gateway.state import Lease, read_lease, state_folder
from imsg_sdk.gateway.state.folder import make_private_file

HOLDER = Path(__file__).with_name("holder.py")
Acquire = Callable[..., Lease]


@pytest.fixture
def leases(tmp_path: Path) -> Path:
    return tmp_path / "leases"


@pytest.fixture
def acquire(folder: Path, leases: Path, clock: Any) -> Iterator[Acquire]:
    taken = []

    def take(**options: Any) -> Lease:
        values = {"folder": folder, "identity": "database 1", "clock": clock, "leases": leases, **options}
        lease = Lease.acquire(values.pop("folder"), **values)
        taken.append(lease)
        return lease

    yield take
    for lease in taken:
        lease.release()


@pytest.fixture
def start(folder: Path, leases: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a starter of processes that hold the lease; they end with the test."""
    started = []

    def run(what: str, identity: str = "database 1") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(HOLDER), str(folder), identity, str(leases), what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate(timeout=20)


def said(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split(maxsplit=2)


def test_a_second_gateway_is_told_who_runs(acquire: Acquire, folder: Path) -> None:
    with acquire() as lease:
        with pytest.raises(GatewayAlreadyRunning) as caught:
            acquire()
        assert (caught.value.pid, caught.value.since) == (os.getpid(), "2026-01-05T12:00:00.000Z")
        assert caught.value.host == lease.info.host
        assert f"process {os.getpid()}" in str(caught.value)
        assert read_lease(folder) == lease.info
    assert read_lease(folder) is None
    acquire()


def test_two_state_folders_cannot_share_a_database(acquire: Acquire, tmp_path: Path) -> None:
    acquire()
    other = state_folder(tmp_path / "other")
    with pytest.raises(GatewayAlreadyRunning, match="this Messages database"):
        acquire(folder=other)
    # What was taken before the refusal is given back.
    assert read_lease(other) is None
    acquire(folder=other, identity="database 2")


def test_accounts_run_side_by_side(acquire: Acquire, folder: Path) -> None:
    acquire(account="Home")
    acquire(account="work", identity="database 2")
    assert read_lease(folder) is None
    assert [read_lease(folder, name).account for name in ("home", "work")] == ["Home", "work"]  # type: ignore[union-attr]


def test_a_lease_ends_with_its_process_however_it_ends(acquire: Acquire, start: Any, folder: Path) -> None:
    process = start("hold")
    _, pid = said(process)
    with pytest.raises(GatewayAlreadyRunning) as caught:
        acquire()
    assert caught.value.pid == int(pid)
    assert read_lease(folder).pid == int(pid)  # type: ignore[union-attr]
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=20)
    assert read_lease(folder) is None
    acquire()


def test_a_forked_process_keeps_no_lease_and_writes_no_journal(acquire: Acquire, start: Any) -> None:
    process = start("fork")
    words = dict([said(process)[:2], said(process)[:2]])
    assert words.keys() == {"held", "refused"}
    os.kill(int(words["held"]), signal.SIGKILL)
    process.wait(timeout=20)
    # The forked one is still there: it waits for the end of its input.
    os.kill(int(words["refused"]), 0)
    acquire()


def test_of_many_that_start_at_once_one_runs(start: Any) -> None:
    processes = [start("hold") for _ in range(5)]
    said_at_once = [said(process)[:1] for process in processes]
    assert sorted(said_at_once) == [["held"], *[["refused"]] * 4]


def test_on_a_full_disk_no_lease_is_taken(acquire: Acquire, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(JournalError, match="No space left"):
            acquire()
    assert read_lease(folder) is None
    acquire()


def test_to_look_takes_no_lease_away(acquire: Acquire, folder: Path) -> None:
    assert read_lease(folder) is None
    lease = acquire()
    for _ in range(3):
        assert read_lease(folder) == lease.info
    lease.release()
    lease.release()
    assert repr(lease) == "<Lease, released>"


def test_a_lock_file_that_says_nothing_still_locks(acquire: Acquire, folder: Path) -> None:
    acquire()
    (folder / "gateway-default.lock").write_text("", encoding="utf-8")
    with pytest.raises(GatewayAlreadyRunning) as caught:
        acquire()
    assert caught.value.pid is None


def test_a_place_that_cannot_be_locked_is_refused(
    acquire: Acquire, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", unsupported)
        with pytest.raises(JournalError, match="cannot be locked") as caught:
            acquire()
    assert "disk of this machine" in caught.value.hint
    acquire()


def test_a_lock_on_a_database_goes_with_its_lease(acquire: Acquire, leases: Path) -> None:
    lease = acquire()
    assert len(list(leases.iterdir())) == 1
    lease.release()
    assert list(leases.iterdir()) == []


def test_a_lock_file_that_was_taken_away_meanwhile_locks_nothing(
    acquire: Acquire, leases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquire().release()
    opened = []

    def slow(path: Path) -> int:
        # Another gateway gives its lease back between the opening of the file and its lock.
        descriptor = make_private_file(path)
        if path.parent == leases and not opened:
            opened.append(path)
            path.unlink()
        return descriptor

    monkeypatch.setattr("imsg_sdk.gateway.state.lease.make_private_file", slow)
    acquire()
    assert opened == list(leases.iterdir())
    with pytest.raises(GatewayAlreadyRunning):
        acquire()


def test_without_a_home_the_locks_lie_in_the_temporary_folder(
    folder: Path, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("IMSG_SDK_STATE_DIR", str(tmp_path / "file" / "below"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Lease.acquire(folder, identity="database 1", clock=clock):
        assert len(list((tmp_path / f"imsg-sdk-leases-{os.geteuid()}").iterdir())) == 1


def test_a_link_in_the_place_of_a_lock_is_refused(acquire: Acquire, folder: Path, tmp_path: Path) -> None:
    (folder / "gateway-default.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError, match="cannot be opened"):
        acquire()
    with pytest.raises(JournalError, match="cannot be read"):
        read_lease(folder)
    assert not (tmp_path / "elsewhere").exists()


def test_the_shared_place_is_that_of_the_user(
    folder: Path, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMSG_SDK_STATE_DIR", str(tmp_path / "mine"))
    with Lease.acquire(folder, identity="database 1", clock=clock):
        other = state_folder()
        with pytest.raises(GatewayAlreadyRunning):
            Lease.acquire(other, identity="database 1", clock=clock)
    assert [each.name for each in other.iterdir() if each.is_dir()] == ["leases"]
