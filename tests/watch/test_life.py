"""A watch in an event loop, under interrupts, and forgotten: it blocks nobody, loses nothing and leaves nothing."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import AsyncIMessageClient, IMessageClient
from imsg_sdk.client.pool import Role
from imsg_sdk.errors import AddressError, ClientClosed, CursorMismatch

SERVER = (sys.executable, "-m", "imsg_sdk.server")


def in_loop(body: Callable[[AsyncIMessageClient], Awaitable[None]], db: Any, dialect: str = "v1") -> None:
    async def main() -> None:
        async with AsyncIMessageClient.from_chat_db(db.path, dialect=dialect) as client:
            await asyncio.wait_for(body(client), 30)

    asyncio.run(main())


@pytest.mark.parametrize("dialect", ["v1", "legacy"])
def test_the_twin_hands_out_the_same(db: Any, dialect: str) -> None:
    async def body(client: AsyncIMessageClient) -> None:
        async with client.watch(since=18) as watch:
            assert [message.rowid for message in await watch.get_many(5, 10)][:1] == [19]
            while watch.status().handed_out < 2:
                await watch.get(10)
            rowid = db.message("new")
            message = await watch.get(10)
            assert message is not None
            assert message.rowid == rowid
            assert await watch.get(0) is None
            cursor = watch.cursor
        second = db.message("newer")
        found = []
        async with client.watch(since=cursor) as watch:
            async for message in watch:
                found.append(message.rowid)
                await watch.close()
        assert found == [second]
        with pytest.raises(ClientClosed):
            await watch.get(0)

    in_loop(body, db, dialect)


def test_the_twin_refuses_when_it_is_entered(db: Any, make_db: Callable[..., Any]) -> None:
    async def body(client: AsyncIMessageClient) -> None:
        with pytest.raises(AddressError):
            await client.watch("+15559999").start()
        async with AsyncIMessageClient.from_chat_db(make_db(90).path) as other, other.watch() as watch:
            beyond = watch.cursor
        with pytest.raises(CursorMismatch):
            async with client.watch(since=beyond):
                pass

    in_loop(body, db)


def test_the_loop_runs_on_while_a_watch_waits(db: Any) -> None:
    async def body(client: AsyncIMessageClient) -> None:
        async with client.watch() as watch:
            waiting = asyncio.ensure_future(watch.get(20))
            turns = 0
            while turns < 50:
                await asyncio.sleep(0)
                turns += 1
            assert not waiting.done()
            rowid = db.message("at last")
            message = await waiting
            assert message is not None
            assert message.rowid == rowid

    in_loop(body, db)


def test_a_cancelled_wait_loses_nothing(db: Any) -> None:
    async def body(client: AsyncIMessageClient) -> None:
        async with client.watch() as watch:
            expected, found = [], []
            for number in range(20):
                waiting = asyncio.ensure_future(watch.get(20))
                await asyncio.sleep(0)
                expected.append(db.message(f"new {number}"))
                waiting.cancel()
                try:
                    message = await waiting
                except asyncio.CancelledError:
                    continue
                assert message is not None
                found.append(message.rowid)
            while len(found) < 20:
                found += [message.rowid for message in await watch.get_many(20, 10)]
            assert found == expected

    in_loop(body, db)


def test_tasks_take_turns(db: Any) -> None:
    async def body(client: AsyncIMessageClient) -> None:
        async with client.watch(since=0) as watch:
            tasks = [asyncio.ensure_future(watch.get(10)) for _ in range(20)]
            found = [message.rowid for message in await asyncio.gather(*tasks) if message is not None]
            assert sorted(found) == list(range(1, 21))

    in_loop(body, db)


def test_closing_wakes_the_loop(db: Any) -> None:
    async def body(client: AsyncIMessageClient) -> None:
        watch = await client.watch().start()
        waiting = asyncio.ensure_future(watch.get())
        await asyncio.sleep(0)
        await watch.close()
        assert await waiting is None
        other = await client.watch().start()
        waiting = asyncio.ensure_future(other.get())
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(ClientClosed):
            await waiting

    in_loop(body, db)


def test_an_interrupt_ends_the_wait_and_loses_nothing(db: Any, client_of: Callable[..., IMessageClient]) -> None:
    with client_of(db).watch() as watch:
        for number in range(3):
            timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                watch.get(20)
            timer.join()
            rowid = db.message(f"after interrupt {number}")
            message = watch.get(10)
            assert message is not None
            assert message.rowid == rowid


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # one may strike in a weakref's callback
def test_interrupts_at_any_moment_lose_and_repeat_nothing(
    make_db: Callable[..., Any], client_of: Callable[..., IMessageClient]
) -> None:
    """The signal comes from a timer of the system, so it strikes between any two instructions."""
    db = make_db(4000)
    found: list[int] = []
    interrupts = 0
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with client_of(db).watch(since=0) as watch:
            while len(found) < 4000:
                batch = []
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.001 + 0.0017 * (interrupts % 13))
                    batch = watch.get_many(50, 5)
                    signal.setitimer(signal.ITIMER_REAL, 0)
                except KeyboardInterrupt:
                    interrupts += 1
                found += [message.rowid for message in batch]
            assert watch.status().handed_out == 4000
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    assert found == list(range(1, 4001))
    assert interrupts


def n_subscriptions(client: IMessageClient) -> int:
    """Return how many subscriptions the watching child has open, as far as this side knows."""
    session: Any = client._core.pool.session(Role.WATCH)
    return len(session.connection._subscriptions)


def test_a_forgotten_watch_ends_its_subscription(
    db: Any, odd: Callable[..., IMessageClient], reading: Any, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    client = odd(db, log=log)
    for _ in range(3):
        watch = client.watch()
        reading.until(watch, lambda status: status.is_live)
        deadline = time.monotonic() + reading.wait_s
        while n_subscriptions(client) == 0 and time.monotonic() < deadline:
            watch.get(0.02)
        assert n_subscriptions(client) == 1
        gone = weakref.ref(watch)
        del watch
        gc.collect()
        assert gone() is None
        assert n_subscriptions(client) == 0
    client.chats(1)
    client.watch().close()
    asked = [json.loads(line)[0] for line in log.read_text(encoding="utf-8").splitlines()]
    assert asked.count("watch.subscribe") == asked.count("watch.unsubscribe") == 3


def test_a_forgotten_client_ends_with_its_watch(db: Any) -> None:
    watch = IMessageClient.from_chat_db(db.path).watch(since=0)
    gc.collect()
    assert watch.get(10) is not None
    client = weakref.ref(watch._client)
    del watch
    gc.collect()
    assert client() is None


def test_a_watch_leaves_no_thread_and_no_process(db: Any) -> None:
    program = """
import gc, sys, threading
from imsg_sdk import IMessageClient
before = threading.active_count()
with IMessageClient.from_chat_db(sys.argv[1]) as client:
    for _ in range(3):
        with client.watch(since=0) as watch:
            assert len(watch.get_many(20, 10)) > 0
    during = {thread.name for thread in threading.enumerate()}
assert not [name for name in during if "watch" in name.lower() and "start" not in name], during
del client, watch
gc.collect()
left = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
for thread in left:
    thread.join(5)
assert threading.active_count() == before
forgotten = IMessageClient.from_chat_db(sys.argv[1]).watch(since=0)
assert forgotten.get(10) is not None
"""
    done = subprocess.run([sys.executable, "-c", program, db.path], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_fork_cannot_use_the_watch(db: Any) -> None:
    program = """
import os, sys
from imsg_sdk import IMessageClient
from imsg_sdk.errors import ForkedProcess
with IMessageClient.from_chat_db(sys.argv[1]) as client, client.watch(since=0) as watch:
    assert watch.get(10).rowid == 1
    pid = os.fork()
    if pid == 0:
        try:
            watch.get(1)
        except ForkedProcess:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert watch.get(10).rowid == 2
"""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, db.path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_fork_ends_whatever_a_thread_was_doing_when_it_was_made(db: Any) -> None:
    program = """
import os, signal, sys, threading
from imsg_sdk import IMessageClient
client = IMessageClient.from_chat_db(sys.argv[1])
watch = client.watch()
while not watch.status().is_live:
    watch.get(0.1)
lock = client._core.pool.latest.connection._lock
is_held, may_end = threading.Event(), threading.Event()
def hold():
    with lock:
        is_held.set()
        may_end.wait(30)
threading.Thread(target=hold, daemon=True).start()
assert is_held.wait(10)
pid = os.fork()
if pid == 0:
    signal.alarm(10)  # instead of a wait without end
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
may_end.set()
client.close()
"""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, db.path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_end_of_the_process_is_prompt_while_a_watch_waits(db: Any, tmp_path: Path) -> None:
    program = """
import sys, threading
from imsg_sdk import IMessageClient
client = IMessageClient.from_chat_db(sys.argv[1])
watch = client.watch()
threading.Thread(target=watch.get, daemon=True).start()
print("waiting", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", program, db.path], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (0, "waiting\n", "")
