"""A new world: beside a database that is there, or one that is made for it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from imsg_sdk._time import to_us
from imsg_sdk.errors import ConfigError
from imsg_sdk.sandbox.database import Database
from imsg_sdk.sandbox.schema import find_system
from imsg_sdk.sandbox.world import scheduled
from imsg_sdk.sandbox.world.accounts import Person, accounts_of, stored
from imsg_sdk.sandbox.world.answers import Answers, Chatter, check_script
from imsg_sdk.sandbox.world.ledger import Ledger, newest_us, refuse_real
from imsg_sdk.sandbox.world.state import State
from imsg_sdk.sandbox.world.world import NewChat, World

__all__ = ["Cast", "copy_history", "make_world", "read_cast", "refuse_another"]

_PAUSE_US: Final = 3_600_000_000
"""A virtual clock begins an hour after the newest message."""
_EMPTY_US: Final = to_us(datetime(2025, 11, 3, 9, 0, tzinfo=UTC))
"""Where a virtual clock begins that has no history to go on from."""


class Cast(msgspec.Struct, forbid_unknown_fields=True):
    """Who is on the other side, as a file says it.  ``others`` is ``friendly`` or ``silent``."""

    people: list[Person] = []
    others: str = "silent"
    accounts: list[str] = []
    chatter: list[dict[str, Any]] = []
    chats: list[NewChat] = []


def make_world(
    path: str,
    *,
    seed: int = 0,
    clock: str = "virtual",
    bridge: bool = True,
    people: Cast | None = None,
    names: Mapping[str, str] | None = None,
    languages: Mapping[str, str] | None = None,
    system: str = "tahoe",
    **settings: Any,
) -> State:
    """Make a world beside a database; where there is none, an empty one is made.

    Parameters
    ----------
    path
        The database.
    seed
        The same seed and the same requests give the same rows.
    clock
        ``"virtual"`` or ``"real"``.
    bridge
        Whether there is a bridge.
    people
        Who is there and how they answer; None means that whoever is in the database is friendly.
    names
        Names by address, where the history has them.
    languages
        Languages by name; those without write English.
    system
        Whose tables an empty database gets.
    settings
        Further settings of the world.
    """
    refuse_real(path)
    if not Path(path).exists():
        with contextlib.closing(Database.create(Path(path), find_system(system))) as database:
            database.finish()
    cast = people or Cast(others="friendly")
    ledger = Ledger(path)
    settings = {**_time(path, clock), "seed": seed, "turns": 0, "bridge": bridge, "others": cast.others, **settings}
    own = [{"address": stored(each)} for each in cast.accounts]
    found = [{"address": account.address, "guid": account.guid} for account in accounts_of(ledger)]
    state = State.create(path, {**settings, "accounts": own or found})
    answers = Answers(World(state, ledger))
    answers.join()
    with state.turn():
        answers.admit([*cast.people, *_named(names or {}, languages or {}, cast.people)])
        for chat in cast.chats:
            answers.world.make_chat(chat)
        for chatter in cast.chatter:
            answers.begin(chatter)
        scheduled.plan(answers.world)
    ledger.close()
    return state


def _time(path: str, clock: str) -> dict[str, Any]:
    """Return the settings of a clock that goes on from the newest message."""
    newest = newest_us(path)
    begin = newest + _PAUSE_US if newest else _EMPTY_US
    if clock == "virtual":
        return {"clock": clock, "now_us": begin, "offset_us": 0}
    # A history that ends later than today goes on all the same.
    ahead = max(begin - time.time_ns() // 1000, 0) if newest else 0
    return {"clock": clock, "now_us": 0, "offset_us": ahead}


def refuse_another(path: str) -> None:
    """Refuse to take the place of a world.

    Raises
    ------
    FileExistsError
        There is one.
    """
    if State(path).exists:
        raise FileExistsError(f"there is a world beside {Path(path).name}: --force makes another in its place")


def copy_history(source: str, path: str) -> None:
    """Begin with a copy of another database, with what is in its log only; the original is opened read-only.

    Raises
    ------
    FileExistsError
        There is such a file already.
    ConfigError
        The source cannot be read.
    """
    if Path(path).exists():
        raise FileExistsError(f"{Path(path).name} exists: a history is copied to a new file only")
    if not Path(source).is_file():
        raise ConfigError("there is no such file", path="history", hint="a chat.db to begin with")
    uri = f"{Path(source).absolute().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as old, contextlib.closing(sqlite3.connect(path)) as new:
        old.backup(new)


def read_cast(path: str) -> Cast:
    """Return the people that a file tells of: a list of them, or an object with ``people``, ``others``, ….

    Raises
    ------
    ConfigError
        It says something else.
    """
    try:
        value = msgspec.json.decode(_read(path))
        cast = msgspec.convert({"people": value} if isinstance(value, list) else value, Cast)
        for person in cast.people:
            check_script(person.script or [])
        msgspec.convert([*cast.chatter, *(each for person in cast.people for each in person.chatter)], list[Chatter])
        return cast
    except ConfigError:
        raise
    except (msgspec.MsgspecError, ValueError) as error:
        raise ConfigError(str(error), path="people") from None


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{error.strerror}: {Path(path).name}", path="people", hint="a JSON file") from None


def _named(names: Mapping[str, str], languages: Mapping[str, str], told: Sequence[Person]) -> list[Person]:
    """Return the people of a history by their names, but for those told of."""
    found: dict[str, list[str]] = {}
    for address, name in names.items():
        if not any(address in person.addresses for person in told):
            found.setdefault(name, []).append(address)
    return [
        Person(
            name,
            addresses,
            imessage="@" in addresses[0] or len(addresses[0]) > 7,
            language=languages.get(name, "en"),
        )
        for name, addresses in found.items()
    ]
