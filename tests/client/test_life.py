"""A client's life: start, use from odd places, and an end that leaves nothing behind."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import pickle
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import IMessageClient, read_chat_db
from imsg_sdk.client.pool import Role
from imsg_sdk.config import ClientConfig
from imsg_sdk.errors import AddressError, ClientClosed, ConfigError, DatabaseUnavailable, ForkedProcess, UsageError
from imsg_sdk.rpc.backends import our_server, ssh_backend

LATE = Path(__file__).resolve().parents[1] / "hostile" / "children" / "answers_late.py"


def pid_of(client: IMessageClient) -> int:
    session = client._core.pool.latest
    assert session is not None
    pid: int = session.connection._transport.pid  # type: ignore[attr-defined]
    return pid


def wait_gone(pid: int, timeout_s: float = 5) -> bool:
    """Return whether a process ends within the time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if _is_zombie(pid):
            return True
        threading.Event().wait(0.01)
    return False


def eventually(holds: Callable[[], bool], timeout_s: float = 10) -> bool:
    """Return whether something becomes true within the time."""
    deadline = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    return holds()


def _is_zombie(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip().startswith("Z") or not state.strip()


def test_connecting_twice_is_connecting_once(database: Path) -> None:
    with IMessageClient.from_chat_db(database) as client:
        first = pid_of(client)
        assert client.connect() is client
        assert pid_of(client) == first


def test_roles_have_children_of_their_own(database: Path) -> None:
    from imsg_sdk.client.plan import run

    with IMessageClient.from_chat_db(database) as client:
        sessions = {id(run(client._core.session(role))) for role in Role}
        assert len(sessions) == 3
        assert "3 children" in repr(client)


def test_a_closed_client_says_so(database: Path) -> None:
    client = IMessageClient.from_chat_db(database).connect()
    pid = pid_of(client)
    client.close()
    client.close()
    assert client.is_closed
    assert wait_gone(pid)
    with pytest.raises(ClientClosed) as caught:
        client.chats()
    assert caught.value.hint


def test_a_client_that_was_never_used_closes(database: Path) -> None:
    client = IMessageClient.from_chat_db(database)
    client.close()
    with pytest.raises(ClientClosed):
        client.connect()


def test_a_forgotten_client_takes_its_child_along(database: Path) -> None:
    client = IMessageClient.from_chat_db(database).connect()
    pid = pid_of(client)
    del client
    gc.collect()
    assert wait_gone(pid)


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the process ids of all children that are started, guards included."""
    pids: list[int] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            pids.append(self.pid)

    monkeypatch.setattr("imsg_sdk.rpc.transport.subprocess.Popen", Noted)
    return pids


@pytest.mark.parametrize("n_spawned", [0, 1, 2, 3, 4])
def test_closing_while_it_starts_leaves_no_child(database: Path, spawned: list[int], n_spawned: int) -> None:
    """The program is proven by one child and a guard, and then started as another and a guard."""
    client = IMessageClient(cli_path=[sys.executable, "-m", "imsg_sdk.server"], db_path=database)
    started = client._core.pool.session(Role.READ)
    assert isinstance(started, Future)
    while len(spawned) < n_spawned and not started.done():
        threading.Event().wait(0.001)
    client.close()
    assert started.exception(5) is None or isinstance(started.exception(), ClientClosed)
    for thread in [each for each in threading.enumerate() if each.name.startswith("imsg-start")]:
        thread.join(5)
        assert not thread.is_alive()
    assert all(wait_gone(pid) for pid in spawned)


def test_a_start_that_hangs_is_ended_by_closing(spawned: list[int]) -> None:
    client = IMessageClient(cli_path=[sys.executable, str(LATE.with_name("never_answers.py"))], startup_timeout_s=60)
    started = client._core.pool.session(Role.READ)
    assert isinstance(started, Future)
    while len(spawned) < 3:
        threading.Event().wait(0.001)
    client.close()
    assert isinstance(started.exception(5), ClientClosed)
    assert all(wait_gone(pid) for pid in spawned)


FEW_FILES = """
import os, resource, sys
from imsg_sdk import IMessageClient
from imsg_sdk.errors import BackendNotFound
client = IMessageClient.from_chat_db(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
held = []
while True:
    try:
        held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        break
while held:
    try:
        client.connect()
        break
    except BackendNotFound as error:
        assert "open files" in error.hint, error
    os.close(held.pop())
client.close()
print("started with", len(held), "files held")
"""


def test_a_process_without_files_to_spare_says_so_and_loses_none(database: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FEW_FILES, str(database)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[2]) > 5


def test_no_thread_outlives_a_closed_client(database: Path) -> None:
    before = set(threading.enumerate())
    with IMessageClient.from_chat_db(database) as client:
        client.chats(1)
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive(), thread.name


def test_calls_from_many_threads_all_come_back(database: Path) -> None:
    with IMessageClient.from_chat_db(database) as client:
        barrier = threading.Barrier(8)
        lengths: list[int] = []

        def read() -> None:
            barrier.wait(10)
            lengths.extend(len(client.messages(limit=n)) for n in range(1, 6))

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(lengths) == sorted(list(range(1, 6)) * 8)


def test_an_interrupt_ends_the_call_and_nothing_else() -> None:
    client = IMessageClient(cli_path=[sys.executable, str(LATE)]).connect()
    pid = pid_of(client)
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.2, lambda: os.kill(os.getpid(), 2))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        client.call("slow", timeout_s=20)
    timer.join(5)
    assert client.call("status")["to"] == "status"
    assert pid_of(client) == pid
    client.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_cannot_use_the_client(database: Path) -> None:
    with IMessageClient.from_chat_db(database) as client:
        client.chats(1)
        pid = os.fork()
        if pid == 0:
            try:
                client.chats(1)
            except ForkedProcess as error:
                os._exit(0 if error.hint else 2)
            except BaseException:  # noqa: BLE001
                os._exit(3)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert len(client.chats(1)) == 1


def test_a_client_cannot_be_pickled(database: Path) -> None:
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(IMessageClient.from_chat_db(database))


SCRIPT = """
import os, signal, sys
from imsg_sdk import IMessageClient
client = IMessageClient.from_chat_db(sys.argv[1]).connect()
print(client._core.pool.latest.connection._transport.pid, flush=True)
{end}
"""


@pytest.mark.parametrize(
    "end", ["pass", "sys.exit(3)", "os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)", "raise ValueError"]
)
def test_no_child_outlives_its_parent(database: Path, end: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(end=end), str(database)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert wait_gone(int(done.stdout))


def test_logs_and_reprs_hold_no_private_text(database: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="imsg_sdk")
    with IMessageClient.from_chat_db(database) as client:
        client.search("secret words")
        with pytest.raises(AddressError) as caught:
            client.messages(participants="+15555550100")
        person = client.messages(limit=None)["sender"].dropna().iloc[-1]
        client.messages(participants=person)
        shown = repr(client) + str(caught.value)
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "x.messages" in logged
    for private in ("secret", "5555550100", person, str(database)):
        assert private not in logged + shown


# ---- settings -----------------------------------------------------------------------------------------------------


def test_keywords_win_over_a_config_object() -> None:
    config = ClientConfig(cli_path="other", read_timeout_s=1.0)
    client = IMessageClient(config, read_timeout_s=2.0)
    assert (client.config.cli_path, client.config.read_timeout_s) == ("other", 2.0)


def test_a_settings_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "settings.json5"
    path.write_text("{imessage: {cliPath: 'my-imsg'}}", encoding="utf-8")
    assert IMessageClient(path).config.cli_path == "my-imsg"


def test_an_invalid_setting_is_named() -> None:
    with pytest.raises(ConfigError, match="read_timeout_s"):
        IMessageClient(read_timeout_s=-1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: IMessageClient(cli_path=5),  # type: ignore[arg-type]
        lambda: IMessageClient(cli_path=[]),
        lambda: IMessageClient(cli_path=b"imsg"),  # type: ignore[arg-type]
        lambda: IMessageClient(cli_path=["imsg", 5]),  # type: ignore[list-item]
        lambda: IMessageClient(db_path=5),  # type: ignore[arg-type]
        lambda: IMessageClient(db_path=""),
        lambda: IMessageClient(5),  # type: ignore[arg-type]
        lambda: IMessageClient.from_chat_db("nul\0"),
        lambda: IMessageClient.from_chat_db(None),  # type: ignore[arg-type]
        lambda: IMessageClient.from_chat_db("chat.db", dialect="v3"),
        lambda: IMessageClient.sandbox(messages="5"),  # type: ignore[arg-type]
        lambda: IMessageClient.sandbox(seed=1.5),  # type: ignore[arg-type]
        lambda: IMessageClient.sandbox(preset="no such"),
        lambda: IMessageClient.over_ssh(""),
        lambda: IMessageClient.over_ssh("mac", ssh="ssh -p 22"),
    ],
)
def test_what_no_client_can_be_made_of_is_named_with_a_remedy(make: Callable[[], IMessageClient]) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert caught.value.hint


def test_ssh_gets_one_quoted_command() -> None:
    backend = ssh_backend("me@mac", cli_path="/opt/my imsg", db_path="~/it's/chat.db")
    argv = backend.argv("rpc")
    assert argv[0] == "ssh"
    assert argv[-2] == "me@mac"
    assert argv[-1] == "exec '/opt/my imsg' rpc --db ~/'it'\"'\"'s/chat.db'"
    with pytest.raises(UsageError):
        ssh_backend("-oProxyCommand=evil")


def test_over_ssh_runs_the_program_there(database: Path, tmp_path: Path) -> None:
    """A stand-in for ssh that hands the command to a shell, as sshd does."""
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nwhile [ "$1" != mac ]; do shift; done\nshift\nexec /bin/sh -c "$*"\n', encoding="utf-8")
    ssh.chmod(0o755)
    program = tmp_path / "imsg here"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m imsg_sdk.server "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    with IMessageClient.over_ssh("mac", cli_path=str(program), db_path=str(database), ssh=[str(ssh)]) as client:
        assert len(client.messages(limit=3)) == 3
        assert "mac" in repr(client)
        assert client.doctor().ok


def test_our_server_is_this_python() -> None:
    assert our_server("chat.db").argv("rpc")[:3] == [sys.executable, "-m", "imsg_sdk.server"]


# ---- databases ----------------------------------------------------------------------------------------------------


def make_foreign(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE note (text)")


Spoil = Callable[[Path], object]
BROKEN: dict[str, Spoil] = {
    "missing": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "text": lambda path: path.write_text("this is no database" * 100, encoding="utf-8"),
    "empty": lambda path: path.write_bytes(b""),
    "of another program": make_foreign,
    "cut off": lambda path: path.write_bytes((LATE.parents[2] / "fixtures" / "monterey.db").read_bytes()[:100_000]),
}


@pytest.mark.parametrize("kind", ["extended", "v1", "legacy"])
@pytest.mark.parametrize("state", BROKEN)
def test_a_database_that_cannot_be_read_is_named_with_a_remedy(state: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    BROKEN[state](path)
    server = [sys.executable, "-m", "imsg_sdk.server"]
    if kind == "extended":
        client = IMessageClient.from_chat_db(path)
    else:
        client = IMessageClient(cli_path=server if kind == "v1" else [*server, "--dialect", "legacy"], db_path=path)
    with client:
        with pytest.raises(DatabaseUnavailable) as caught:
            client.messages()
        assert caught.value.hint
        assert str(path) in caught.value.message
        assert "Full Disk Access" not in str(caught.value)
        with pytest.raises(DatabaseUnavailable) as in_this_process:
            read_chat_db(path)
        assert str(caught.value) == str(in_this_process.value)
        report = client.doctor()
        assert {step.name: step.state for step in report.steps}["database"] == "failed"
        assert [step.remedy for step in report.steps if step.state == "failed"]


def test_a_link_to_a_database_will_do(database: Path, tmp_path: Path) -> None:
    """The program itself refuses symbolic links."""
    link = tmp_path / "link.db"
    link.symlink_to(database)
    with IMessageClient.from_chat_db(link) as client:
        assert len(client.chats(1)) == 1


@pytest.mark.parametrize("kind", ["v1", "legacy"])
def test_a_database_that_appears_is_read_without_a_new_client(kind: str, database: Path, tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    server = [sys.executable, "-m", "imsg_sdk.server"]
    with IMessageClient(cli_path=server if kind == "v1" else [*server, "--dialect", "legacy"], db_path=path) as client:
        with pytest.raises(DatabaseUnavailable):
            client.chats(1)
        path.write_bytes(database.read_bytes())
        assert len(client.chats(1)) == 1


@pytest.mark.parametrize("kind", ["v1", "legacy"])
def test_a_database_that_is_replaced_is_read_anew(kind: str, database: Path, tmp_path: Path) -> None:
    path, other = tmp_path / "chat.db", tmp_path / "other.db"
    path.write_bytes((LATE.parents[2] / "fixtures" / "minimal.db").read_bytes())
    other.write_bytes(database.read_bytes())
    server = [sys.executable, "-m", "imsg_sdk.server"]
    with IMessageClient(cli_path=server if kind == "v1" else [*server, "--dialect", "legacy"], db_path=path) as client:
        before = client.stats().total_messages
        other.replace(path)
        assert client.stats().total_messages != before


def test_a_sandbox_needs_nothing_and_leaves_nothing() -> None:
    client = IMessageClient.sandbox(seed=3, messages=300)
    folder = Path(client._core.pool.backend.db_path or "").parent
    with client:
        assert len(client.messages(limit=None)) > 100
        assert folder.is_dir()
    assert not folder.exists()


def test_a_sandbox_that_is_not_used_makes_nothing() -> None:
    client = IMessageClient.sandbox(seed=3, messages=300)
    assert not Path(client._core.pool.backend.folder or "").exists()
    client.close()


SANDBOX = """
import sys
from imsg_sdk import IMessageClient
client = IMessageClient.sandbox(messages=int(sys.argv[1]))
print(client._core.pool.backend.folder, flush=True)
client.connect()
print("connected", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("moment", ["in use", "being made"])
def test_the_sandbox_of_a_killed_process_is_removed(moment: str) -> None:
    argv = [sys.executable, "-c", SANDBOX, "300" if moment == "in use" else "1000000"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        if moment == "in use":
            assert process.stdout.readline().strip() == "connected"
        else:
            assert eventually(lambda: folder.exists() and any(folder.iterdir()))
        process.kill()
    assert eventually(lambda: not folder.exists())


def test_closing_ends_a_sandbox_that_is_being_made(spawned: list[int]) -> None:
    client = IMessageClient.sandbox(messages=1_000_000)
    started = client._core.pool.session(Role.READ)
    folder = Path(client._core.pool.backend.folder or "")
    assert eventually(lambda: folder.exists() and any(folder.iterdir()))
    client.close()
    assert isinstance(started, Future)
    assert isinstance(started.exception(5), ClientClosed)
    assert all(wait_gone(pid) for pid in spawned)
    assert eventually(lambda: not folder.exists())


def test_a_seed_gives_the_same_sandbox_again() -> None:
    frames = []
    for _ in range(2):
        with IMessageClient.sandbox(seed=5, messages=200) as client:
            frames.append(client.messages(limit=None)[["guid", "text", "created_at"]])
    assert frames[0].equals(frames[1])


def test_a_sandbox_may_invent_its_people() -> None:
    with IMessageClient.sandbox(seed=5, messages=300, preset=None) as client:
        assert len(client.messages(limit=None)) > 100


def test_a_sandbox_of_impossible_size_is_refused() -> None:
    with pytest.raises(UsageError):
        IMessageClient.sandbox(messages=0)
    with pytest.raises(UsageError) as caught:
        IMessageClient.sandbox(messages=1).chats()
    assert "more" in caught.value.hint
