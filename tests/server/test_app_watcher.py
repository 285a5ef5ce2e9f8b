"""The watcher against a store that fails, locks and forgets, without a file."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import pytest

from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.methods import watcher as watching
from imsg_sdk.server.methods.wakeups import Wakeups
from imsg_sdk.server.methods.watcher import Subscription, Watcher
from imsg_sdk.server.store.store import StoreError, WatchPage, WatchView


class FakeStore:
    """A table of row ids, each with or without a chat; may raise on demand."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.rows: dict[int, bool] = {}
        self.failures: queue.SimpleQueue[Exception] = queue.SimpleQueue()
        self.defect: Exception | None = None
        self.version = 0
        self.opened = self.closed = 0

    @property
    def identity(self) -> tuple[int, int]:
        """As if another file had never been there."""
        return (0, 0)

    def warm(self) -> None:
        """Do nothing: there is nothing to read."""

    def data_version(self) -> int:
        """Change with every commit."""
        self._fail()
        return self.version

    def max_rowid(self) -> int:
        """Return the last row."""
        return max(self.rows, default=0)

    def watch_after(self, cursor: int, view: WatchView, limit: int = 100) -> WatchPage:
        """Return the rows behind `cursor`; a message here is just its number."""
        if self.defect is not None:
            raise self.defect
        self._fail()
        scanned = [rowid for rowid in sorted(self.rows) if rowid > cursor][:limit]
        return self._page(scanned, scanned[-1] if scanned else cursor, more=len(scanned) == limit)

    def watch_rows(self, rowids: list[int], view: WatchView) -> WatchPage:
        """Return those of `rowids` that have a chat now."""
        return self._page([rowid for rowid in rowids if rowid in self.rows], 0, more=False)

    def unlinked_rows(self, after_rowid: int, view: WatchView) -> list[int]:
        """Return the rows that have no chat."""
        self._fail()
        return [rowid for rowid, linked in sorted(self.rows.items()) if rowid > after_rowid and not linked]

    def close(self) -> None:
        """Count the calls."""
        self.closed += 1

    def _page(self, rowids: list[int], cursor: int, *, more: bool) -> WatchPage:
        linked: list[Any] = [rowid for rowid in rowids if self.rows[rowid]]
        return WatchPage(linked, cursor, [rowid for rowid in rowids if not self.rows[rowid]], more)

    def _fail(self) -> None:
        if not self.failures.empty():
            raise self.failures.get()

    def commit(self, **rows: bool) -> None:
        """Add or change rows, named ``r`` and a number."""
        self.rows |= {int(name[1:]): linked for name, linked in rows.items()}
        self.version += 1


class FakeSource:
    """Opens the one fake store."""

    def __init__(self, store: FakeStore) -> None:
        self.path = store.path
        self.store = store

    def open_another(self) -> FakeStore:
        """Return it."""
        self.store.opened += 1
        return self.store


class Caught:
    """A sink whose contents a test can wait for."""

    def __init__(self) -> None:
        self.seen: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def messages(self, number: int, messages: list[Any]) -> None:
        """Keep row ids."""
        for message in messages:
            self.seen.put(message)

    def failed(self, number: int, text: str) -> None:
        """Keep the reason."""
        self.seen.put(text)

    def next(self) -> Any:
        """Wait for the next thing."""
        return self.seen.get(timeout=5)


@pytest.fixture
def store(tmp_path: Any) -> FakeStore:
    return FakeStore(str(tmp_path / "none" / "chat.db"))


@pytest.fixture
def caught() -> Caught:
    return Caught()


@pytest.fixture
def watcher(store: FakeStore, caught: Caught) -> Iterator[Watcher]:
    source: Any = FakeSource(store)
    made = Watcher(source, caught)
    yield made
    made.close()
    assert store.closed == store.opened


def subscribe(watcher: Watcher, since_rowid: int | None = None) -> Subscription:
    subscription = watcher.open(WatchView(), since_rowid)
    watcher.start(subscription)
    return subscription


def test_light_check_alone_finds_a_commit(watcher: Watcher, store: FakeStore, caught: Caught) -> None:
    """There is no such folder, so that no file event can come."""
    store.commit(r1=True)
    subscribe(watcher)
    store.commit(r2=True)
    assert caught.next() == 2


def test_lock_is_waited_for_however_long(watcher: Watcher, store: FakeStore, caught: Caught) -> None:
    for code in (5, 6, 5):
        store.failures.put(StoreError("database is locked (code: 5)", code))
    store.commit(r1=True)
    subscribe(watcher, -1)
    assert caught.next() == 1
    for _ in range(3):
        store.failures.put(StoreError("database is locked (code: 5)", 5))
    store.commit(r2=True)
    assert caught.next() == 2


def test_lock_at_the_beginning_does_not_replay_the_past(
    watcher: Watcher, store: FakeStore, caught: Caught, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.commit(r1=True, r2=True)
    store.failures.put(StoreError("database is locked (code: 5)", 5))
    subscription = watcher.open(WatchView(), None)
    watcher.start(subscription)
    sentinel = watcher.open(WatchView(), 1)
    watcher.start(sentinel)
    assert caught.next() == 2
    store.commit(r3=True)
    assert [caught.next(), caught.next()] == [3, 3]


def test_other_failure_ends_one_subscription_with_its_text(watcher: Watcher, store: FakeStore, caught: Caught) -> None:
    subscription = subscribe(watcher, -1)
    store.defect = StoreError("database disk image is malformed (code: 11)", 11)
    store.commit(r1=True)
    assert caught.next() == "database disk image is malformed (code: 11)"
    assert not subscription.is_live


def test_defect_ends_one_subscription_and_not_the_thread(
    watcher: Watcher, store: FakeStore, caught: Caught, caplog: pytest.LogCaptureFixture
) -> None:
    store.defect = RuntimeError("defect")
    store.commit(r1=True)
    subscribe(watcher, -1)
    assert caught.next() == "internal error"
    store.defect = None
    subscribe(watcher, -1)
    assert caught.next() == 1
    assert "a subscription failed" in caplog.text


def test_rows_without_a_chat_are_kept_in_bounds(watcher: Watcher, store: FakeStore) -> None:
    store.rows = dict.fromkeys(range(1, 3001), False)
    subscription = watcher.open(WatchView(), -1)
    while subscription.seconds_left(0.0) == 0.0:
        subscription.take_turn(Caught(), 0.0)
    assert len(subscription._holes) == watching._MAX_HOLES
    assert min(subscription._holes) == 3001 - watching._MAX_HOLES


def test_rows_without_a_chat_are_given_up_after_a_day(watcher: Watcher, store: FakeStore, caught: Caught) -> None:
    store.commit(r1=False, r2=False)
    subscription = watcher.open(WatchView(), -1)
    subscription.take_turn(caught, 0.0)
    store.commit(r1=True)
    subscription.note_change(1.0)
    subscription.take_turn(caught, 1.0)
    assert caught.next() == 1
    store.commit(r2=True)
    subscription.note_change(100_000.0)
    subscription.take_turn(caught, 100_000.0)
    assert caught.seen.empty()


def test_debounce_gathers_a_burst_from_its_first_change_on(watcher: Watcher, store: FakeStore, caught: Caught) -> None:
    subscription = watcher.open(WatchView(), -1, 0.5)
    subscription.take_turn(caught, 0.0)
    for row, now in (("r1", 10.0), ("r2", 10.4)):
        store.commit(**{row: True})
        subscription.note_change(now)
        subscription.take_turn(caught, now)
    assert caught.seen.empty()
    assert subscription.seconds_left(10.4) == pytest.approx(0.1)
    subscription.take_turn(caught, 10.5)
    assert [caught.next(), caught.next()] == [1, 2]
    assert subscription.seconds_left(10.5) is None


def test_after_the_end_nothing_begins(watcher: Watcher, caught: Caught) -> None:
    prepared = watcher.open(WatchView(), None)
    watcher.close()
    watcher.start(prepared)
    with pytest.raises(RpcError) as refusal:
        watcher.open(WatchView(), None)
    assert (refusal.value.code, refusal.value.data) == (-32000, "server is shutting down")
    watcher.stop(prepared.number)


def test_pokes_and_file_events_wake_up(tmp_path: Any) -> None:
    database = tmp_path / "chat.db"
    wakeups = Wakeups(str(database))
    for _ in range(100_000):
        wakeups.poke()
    assert wakeups.wait(5) is False
    if wakeups.tells_of_files:
        (tmp_path / "other.txt").write_text("not about us", encoding="utf-8")
        assert wakeups.wait(0.05) is False
        (tmp_path / "chat.db-wal").write_text("about us", encoding="utf-8")
        assert wakeups.wait(5) is True
    wakeups.close()
