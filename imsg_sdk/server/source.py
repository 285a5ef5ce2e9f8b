"""The life of the database file behind the server: missing, there, replaced, gone.

The newer dialect looks at the path anew for every request and remembers no failure; the older one opens
the file once, before the first request, and stays with it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import MISSING_DETAIL, UNOPENABLE_DETAIL, RpcError
from imsg_sdk.server.store.store import OpenFailed, Store, StoreError

__all__ = ["DatabaseFile"]

_TRIES: Final = 2
_LOCKED: Final = frozenset({5, 6})


class _Lease:
    """An open store and the number of requests that use it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.users = 0


class DatabaseFile:
    """Hands the open store of the file now at `path` to whoever asks, and closes it after the last user."""

    def __init__(self, path: str, *, dialect: Dialect, extended: bool = False, home: str | None = None) -> None:
        self.path = path
        self.shown_path = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        """The path as text, whatever bytes the caller gave."""
        self._dialect = dialect
        self._extended = extended
        self._home = home
        self._lock = threading.Lock()
        self._current: _Lease | None = None

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Lend the store for one request.

        Raises
        ------
        RpcError
            The file cannot be opened now (-32002), or a query failed (-32603).
        """
        lease = self._borrow()
        try:
            yield lease.store
        except StoreError:
            raise RpcError.internal() from None
        finally:
            self._give_back(lease)

    def open_another(self) -> Store:
        """Open the file at `path` once more, for a user who keeps it and closes it; raises as `store` does."""
        for attempt in range(_TRIES):
            try:
                return self._open()
            except OpenFailed as failed:
                # A file that is being put in place may be half there at the first look; a lock was waited for.
                if failed.missing or failed.code in _LOCKED or attempt + 1 == _TRIES:
                    raise self._unavailable(failed) from None
        raise AssertionError("the last try returns or raises")

    def features(self) -> dict[str, bool] | str:
        """Return what the schema has, or why there is no database."""
        try:
            with self.store() as store:
                return store.features()
        except RpcError as error:
            return error.data["detail"] if isinstance(error.data, dict) else error.data

    def open_first(self) -> None:
        """Open the file before the first request; raises :class:`OpenFailed`."""
        self._current = _Lease(self._open())

    def close(self) -> None:
        """Close the store; nobody may be using it."""
        with self._lock:
            lease, self._current = self._current, None
        if lease is not None:
            lease.store.close()

    def _borrow(self) -> _Lease:
        with self._lock:
            lease = self._current
            if lease is None or (self._dialect is Dialect.V1 and not lease.store.is_current()):
                lease = self._reopen()
            lease.users += 1
            return lease

    def _reopen(self) -> _Lease:
        old, self._current = self._current, None
        if old is not None and not old.users:
            old.store.close()
        self._current = _Lease(self.open_another())
        return self._current

    def _unavailable(self, failed: OpenFailed) -> RpcError:
        if self._dialect is Dialect.LEGACY:
            return RpcError.internal(failed.text)
        return RpcError.no_database(self.shown_path, MISSING_DETAIL if failed.missing else UNOPENABLE_DETAIL)

    def _open(self) -> Store:
        return Store.open(self.path, dialect=self._dialect, extended=self._extended, home=self._home)

    def _give_back(self, lease: _Lease) -> None:
        with self._lock:
            lease.users -= 1
            if lease is not self._current and not lease.users:
                lease.store.close()
