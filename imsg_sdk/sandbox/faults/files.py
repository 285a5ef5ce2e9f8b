"""The database itself: locked, replaced, rotated, gone, or not to be read any more."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from imsg_sdk.sandbox.faults.fault import Fault
from imsg_sdk.sandbox.faults.play import Play
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.extension import Handled, Next
from imsg_sdk.server.faults import UNOPENABLE_DETAIL, RpcError
from imsg_sdk.server.requests.envelope import Request, notification_line

if TYPE_CHECKING:
    from imsg_sdk.sandbox.world.world import World

__all__ = ["DatabaseLocked", "DatabaseMissing", "DatabaseReplaced", "DatabaseRotated", "PermissionLost", "bring_back"]

_READING: Final = ("chats.*", "messages.*", "message.send_status", "watch.subscribe", "message", "x.*")
_AWAY: Final = ".away"
_TRIGGERS: Final = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE '%message%'"


class _Unreadable(Fault, frozen=True, kw_only=True):
    """Every request that reads is refused, and subscriptions with something to tell end."""

    METHODS: ClassVar[tuple[str, ...]] = _READING
    times: int | None = None
    TEXT: ClassVar[str] = ""

    def on_request(self, play: Play, request: Request, go_on: Next) -> Handled:
        """Refuse."""
        self._refuse(play)

    def on_message(self, play: Play, number: int, params: Any) -> list[Any]:
        """End the subscription with the reason."""
        play.end(number, notification_line("error", {"subscription": number, "error": {"message": self.TEXT}}))
        return []

    def _refuse(self, play: Play) -> NoReturn:
        raise RpcError.internal()


class DatabaseLocked(_Unreadable, frozen=True, kw_only=True, tag="database_locked"):
    """Holds a lock that readers cannot get past; ``is_opening`` true if the program just opens the file.

    Source: requests wait five seconds and fail with a text that says nothing; at the first open the newer program says
    that the database is unavailable; a subscription that has to wait that long ends with SQLite's own words.
    """

    TEXT: ClassVar[str] = "database is locked (code: 5)"
    is_opening: bool = False

    def _refuse(self, play: Play) -> NoReturn:
        if self.is_opening and play.dialect is Dialect.V1:
            raise RpcError.no_database(play.source.shown_path, UNOPENABLE_DETAIL)
        raise RpcError.internal()


class PermissionLost(_Unreadable, frozen=True, kw_only=True, tag="permission_lost"):
    """Takes away the right to read the database in the middle of work.

    Source: Full Disk Access that is switched off, or given to another process than the one that reads.
    """

    TEXT: ClassVar[str] = "authorization denied (code: 23)"

    def _refuse(self, play: Play) -> NoReturn:
        if play.dialect is Dialect.V1:
            raise RpcError.no_database(play.source.shown_path, UNOPENABLE_DETAIL)
        raise RpcError.internal()


class _Silencing(Fault, frozen=True, kw_only=True):
    """Something happens to the file, after which subscriptions may say nothing more."""

    IS_DEED: ClassVar[bool] = True
    is_silent: bool = False

    def beside_messages(self, play: Play, number: int, params: list[Any]) -> list[Any]:
        """Keep older subscriptions silent."""
        return [] if self._is_silenced(play, number) else params

    def beside_error(self, play: Play, number: int, params: list[Any]) -> list[Any]:
        """Keep them silent about their end, too."""
        return [] if self._is_silenced(play, number) else params

    def _is_silenced(self, play: Play, number: int) -> bool:
        return self.is_silent and bool(play.recall("done")) and play.is_older(number)


class DatabaseReplaced(_Silencing, frozen=True, kw_only=True, tag="database_replaced"):
    """Puts another file in the place of the database: a copy, without its newest ``lost_rows`` messages.

    With ``is_silent`` subscriptions fall silent, else they end with an ``error`` as this package's server tells it.

    Source: restored backups and migrations; 0.9 stays with the old file for good, 0.14 reads the new one and leaves
    its subscriptions on the old.
    """

    lost_rows: int = 0

    def deed(self, play: Play) -> None:
        """Replace the file."""
        path = Path(play.world.ledger.path)
        other = path.with_name(path.name + ".new")
        with (
            contextlib.closing(sqlite3.connect(path)) as source,
            contextlib.closing(sqlite3.connect(other, isolation_level=None)) as target,
        ):
            source.backup(target)
            if self.lost_rows:
                _forget_newest(target, self.lost_rows)
            target.execute("PRAGMA journal_mode = WAL")
        play.world.ledger.close()
        for name in ("-wal", "-shm"):
            path.with_name(path.name + name).unlink(missing_ok=True)
            beside = other.with_name(other.name + name)
            beside.unlink(missing_ok=True)
        other.replace(path)


def _forget_newest(target: sqlite3.Connection, rows: int) -> None:
    newest = [rowid for (rowid,) in target.execute("SELECT ROWID FROM message ORDER BY ROWID DESC LIMIT ?", (rows,))]
    names = [name for (name,) in target.execute(_TRIGGERS)]
    for name in names:  # they call functions that only Apple's own process has
        target.execute(f'DROP TRIGGER "{name}"')
    for rowid in newest:
        target.execute("DELETE FROM chat_message_join WHERE message_id = ?", (rowid,))
        target.execute("DELETE FROM message WHERE ROWID = ?", (rowid,))


class DatabaseRotated(_Silencing, frozen=True, kw_only=True, tag="database_rotated"):
    """Writes the log into the database and cuts it off; with ``is_silent`` older subscriptions hear nothing more.

    Source: busy Macs do this all the time; 0.9 keeps listening to the old log.
    """

    is_silent: bool = True

    def deed(self, play: Play) -> None:
        """Rotate the log."""
        play.world.ledger.checkpoint()


class DatabaseMissing(Fault, frozen=True, kw_only=True, tag="database_missing"):
    """Moves the file away and, ``seconds`` of the world later, back.

    Source: disks that are unmounted, folders that are synchronised; 0.14 answers that the database is unavailable.
    """

    IS_DEED: ClassVar[bool] = True
    seconds: float = 30.0

    def deed(self, play: Play) -> None:
        """Move it."""
        path = Path(play.world.ledger.path)
        play.world.ledger.checkpoint()
        play.world.ledger.close()
        path.replace(path.with_name(path.name + _AWAY))
        play.world.after(self.seconds, "fault.back")


def bring_back(world: World, args: dict[str, Any]) -> dict[str, Any]:
    """Move the database back to where it was."""
    path = Path(world.ledger.path)
    away = path.with_name(path.name + _AWAY)
    if away.exists() and not path.exists():
        away.replace(path)
    return {}
