"""A make-believe Messages to test against: a folder with a world in it, clients of it, and a hand on its controls."""

from __future__ import annotations

import contextlib
import sqlite3
import weakref
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec

from imsg_sdk._time import from_us
from imsg_sdk.client.pool import Role
from imsg_sdk.client.sandboxed import PrivateSandbox
from imsg_sdk.rpc.backends import Backend, our_server, refuse_windows
from imsg_sdk.rpc.commands import never
from imsg_sdk.testing.control import Control

if TYPE_CHECKING:
    import os

    from imsg_sdk.client.aio import AsyncIMessageClient
    from imsg_sdk.client.base import BaseClient
    from imsg_sdk.client.sync import IMessageClient
    from imsg_sdk.gateway.gateway import Gateway

__all__ = ["Arrival", "FaultHandle", "Sandbox", "Sent", "WorldClock"]

_MODULE = "imsg_sdk.sandbox"
_SENDING = ("send", "poll.send")
_SETTLE_S = 0.5
"""Looks for what was sent take real time, and on the virtual clock nothing comes meanwhile."""

Client = TypeVar("Client", bound="BaseClient")


class Arrival(msgspec.Struct, frozen=True):
    """A message that came in."""

    rowid: int
    guid: str
    chat_id: int


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the owner sent, or did, as the sandbox saw it."""

    id: int
    method: str
    """What was asked for: ``send``, ``tapback``, ``message.edit``, …."""
    text: str | None = None
    file: str | None = None
    chat_id: int | None = None
    """Where it went; None if nothing was written."""
    recipients: tuple[str, ...] = ()
    """The addresses it went to: everybody in the chat."""
    service: str | None = None
    guid: str | None = None
    rowid: int | None = None
    at: datetime
    refused: int | None = None
    """The code of the error it ended with, if it did."""
    params: dict[str, Any] = {}


class FaultHandle:
    """A fault that was switched on; as a context manager it is switched off at the end."""

    def __init__(self, sandbox: Sandbox, number: int, name: str) -> None:
        self._sandbox = sandbox
        self.id = number
        self.name = name

    def _row(self) -> dict[str, Any]:
        return next((row for row in self._sandbox.faults() if row["id"] == self.id), {})

    @property
    def is_on(self) -> bool:
        """Whether it was not switched off."""
        return bool(self._row())

    @property
    def seen(self) -> int:
        """How many events it was waiting for came along until it was spent."""
        return int(self._row().get("seen", 0))

    @property
    def fired(self) -> int:
        """How many of them it struck."""
        return int(self._row().get("fired", 0))

    def clear(self) -> None:
        """Switch it off, and what it left behind: what hangs goes on."""
        self._sandbox.clear_faults(self.id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def __repr__(self) -> str:
        return f"<fault {self.name}, id {self.id}>"


class WorldClock:
    """Shows the time of a sandbox, as of when it was last moved from here."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._now = sandbox.now

    def set(self, now: datetime) -> None:
        """Show another time."""
        self._now = now

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return self._now.timestamp()


class Sandbox:
    """A make-believe Messages of its own: people, a clock, what goes wrong, and what was sent.

    Parameters
    ----------
    seed
        The same seed and the same calls give the same rows, with the virtual clock.
    people
        Who is there and how they answer, as for :meth:`IMessageClient.sandbox`; by default nobody answers.
    messages
        How many rows of history to begin with; 0 begins with an empty database.
    preset
        ``"demo"`` for the history of the demo, None for invented people.
    history
        A ``chat.db`` to begin with instead; it is copied.
    clock
        ``"virtual"``: time moves by :meth:`advance` and :meth:`run_until_idle` only.  ``"real"``: it goes by itself.
    bridge
        Whether everything can be done, or only plain sending.
    dialect
        ``"v1"`` or ``"legacy"``: the generation of ``imsg`` that its programs speak as.
    timeout_s
        Longest wait for one answer of the controls.

    Examples
    --------
    >>> from imsg_sdk.testing import Sandbox
    >>> with Sandbox() as sandbox, sandbox.client() as client:  # doctest: +SKIP
    ...     sandbox.receive("+15550001001", "are you there?")
    ...     client.messages()
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        people: Sequence[Mapping[str, Any]] | Mapping[str, Any] | str | os.PathLike[str] | None = (),
        messages: int = 0,
        preset: str | None = None,
        history: str | os.PathLike[str] | None = None,
        clock: str = "virtual",
        bridge: bool = True,
        dialect: str = "v1",
        timeout_s: float = 30.0,
    ) -> None:
        refuse_windows()
        is_empty = not messages and preset is None and history is None
        self._private = PrivateSandbox(
            seed=seed,
            messages=messages or 4000,
            preset="empty" if is_empty else preset,
            people=people,
            history=history,
            clock=clock,
            bridge=bridge,
        )
        self._dialect = dialect
        self._control = Control(self._backend_of("v1", extended=False), timeout_s=timeout_s)
        self._clients: weakref.WeakSet[BaseClient] = weakref.WeakSet()
        self._gateways: weakref.WeakSet[Gateway] = weakref.WeakSet()
        self._has_real_time = clock == "real"
        self._is_made = False
        self._clock: WorldClock | None = None
        self._finalizer = weakref.finalize(self, _let_go, self._control, self._private)

    def _backend_of(self, dialect: str | None, *, extended: bool) -> Backend:
        private = self._private
        dialect = dialect or self._dialect
        return our_server(private.path, dialect=dialect, extended=extended, folder=private.folder, module=_MODULE)

    # ---- life ------------------------------------------------------------------------------------------------------

    def make(self) -> Self:
        """Make the folder and the world in it; done by whatever needs it first."""
        if not self._is_made:
            self._private.make(never)
            self._is_made = True
        return self

    def close(self) -> None:
        """Close the clients, end the children, and remove the folder."""
        for client in list(self._clients):
            client._close()
        self._finalizer()

    def __enter__(self) -> Self:
        return self.make()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "not made yet" if not self._is_made else "open" if self._finalizer.alive else "closed"
        return f"<Sandbox, {state}>"

    @property
    def db_path(self) -> str:
        """Where the database is."""
        return self._private.path

    # ---- clients ---------------------------------------------------------------------------------------------------

    def client(self, *, extended: bool = True, dialect: str | None = None, **settings: Any) -> IMessageClient:
        """Return a client, closed with the sandbox at the latest.

        Parameters
        ----------
        extended
            Read by this package's own methods, as everywhere but with the real program.  False gives exactly what
            ``imsg`` says, and so what faults of its paging strike.
        dialect
            Another generation than the sandbox's.
        settings
            Keywords of :class:`IMessageClient`, such as ``read_timeout_s``.  On the virtual clock ``settle_timeout_s``
            is half a second unless given.
        """
        from imsg_sdk.client.sync import IMessageClient

        return self._known(
            IMessageClient._over(self._backend_of(dialect, extended=extended), None, **self._settings(settings))
        )

    def async_client(
        self, *, extended: bool = True, dialect: str | None = None, **settings: Any
    ) -> AsyncIMessageClient:
        """Return an asynchronous client; everything as for :meth:`client`."""
        from imsg_sdk.client.aio import AsyncIMessageClient

        return self._known(
            AsyncIMessageClient._over(self._backend_of(dialect, extended=extended), None, **self._settings(settings))
        )

    def _settings(self, given: dict[str, Any]) -> dict[str, Any]:
        return given if self._has_real_time else {"settle_timeout_s": _SETTLE_S, **given}

    def _known(self, client: Client) -> Client:
        """Make the world for a client, and close it with the sandbox."""
        self.make()
        self._clients.add(client)
        return client

    def explain_with(self, gateway: Gateway) -> None:
        """Let assertions that fail tell what a gateway decided; the fixture ``make_imsg_gateway`` sees to it."""
        self._gateways.add(gateway)

    @property
    def gateways(self) -> list[Gateway]:
        """What :meth:`explain_with` was given and is still held by somebody."""
        return list(self._gateways)

    def argv(self, *, extended: bool = False, dialect: str | None = None) -> list[str]:
        """Return how to start one of its programs, for whatever starts it: ``imsg rpc`` in all but name."""
        self.make()
        return self._backend_of(dialect, extended=extended).argv("rpc")

    @staticmethod
    def kill_child(client: BaseClient, role: str | None = None) -> int:
        """Kill the children of a client with ``kill -9``, or the one of a role (``read``, ``send``, ``watch``).

        Returns
        -------
        int
            How many there were.
        """
        killed = 0
        for each in Role if role is None else (Role(role),):
            killed += client._core.pool.kill(each)
        return killed

    # ---- time and people -------------------------------------------------------------------------------------------

    def call(self, method: str, /, **params: Any) -> Any:
        """Ask the sandbox itself: one of its methods ``sandbox.…``."""
        self.make()
        return self._control.call(method, params)

    @property
    def now(self) -> datetime:
        """What time it is there."""
        return from_us(self.call("sandbox.now")["now_us"])

    @property
    def clock(self) -> WorldClock:
        """The clock of the sandbox, for a :class:`~imsg_sdk.Gateway` that is to live in its time."""
        if self._clock is None:
            self._clock = WorldClock(self)
        return self._clock

    def advance(self, seconds: float) -> int:
        """Move time on; return how much happened on the way."""
        return self._moved(self.call("sandbox.advance", seconds=seconds))

    def run_until_idle(self, limit: int = 100_000) -> int:
        """Move time on until nothing more is to happen; return how much happened."""
        return self._moved(self.call("sandbox.run_until_idle", limit=limit))

    def _moved(self, answer: dict[str, Any]) -> int:
        if self._clock is not None:
            self._clock.set(from_us(answer["now_us"]))
        return int(answer["done"])

    @property
    def people(self) -> list[dict[str, Any]]:
        """Who is there."""
        return list(self.call("sandbox.people")["people"])

    def add_people(self, *people: Mapping[str, Any]) -> None:
        """Let more people be there, in place of whoever had one of their addresses."""
        self.call("sandbox.people", add=[dict(person) for person in people])

    def switch(self, **settings: Any) -> None:
        """Change what the program can do: ``bridge=False``, …."""
        self.call("sandbox.switch", **settings)

    def receive(self, sender: str, text: str | None = None, **options: Any) -> Arrival:
        """Let a message come in.

        Parameters
        ----------
        sender
            Phone number or mail address.
        text
            What it says; a file alone needs none.
        options
            ``chat`` (id, guid or identifier; by default the direct chat), ``files`` (paths), ``reply_to`` (guid),
            ``service``, ``at`` (an instant: later than now, it comes then, else it is late), ``link``, ``to``, ….
        """
        given = {name: value for name, value in options.items() if value is not None}
        answer = self.call("sandbox.receive", **{"from": sender, **given}, **({} if text is None else {"text": text}))
        return Arrival(answer.get("rowid", 0), answer.get("guid", ""), answer.get("chat_id", 0))

    def tapback(self, sender: str, reaction: str = "love", **options: Any) -> Arrival:
        """Let somebody react to a message: the owner's newest there, or that of ``guid``."""
        answer = self.call("sandbox.tapback", **{"from": sender, "reaction": reaction, **options})
        return msgspec.convert(answer, Arrival)

    def edit(self, sender: str, text: str, **options: Any) -> None:
        """Let somebody change a message: their newest there, or that of ``guid``."""
        self.call("sandbox.edit", **{"from": sender, "text": text, **options})

    def unsend(self, sender: str, **options: Any) -> None:
        """Let somebody take a message back: their newest there, or that of ``guid``."""
        self.call("sandbox.unsend", **{"from": sender, **options})

    def typing(self, sender: str, **options: Any) -> None:
        """Let somebody begin to type, or cease with ``typing=False``."""
        self.call("sandbox.typing", **{"from": sender, **options})

    def read(self, sender: str, **options: Any) -> None:
        """Let somebody read what the owner wrote."""
        self.call("sandbox.read", **{"from": sender, **options})

    # ---- faults ----------------------------------------------------------------------------------------------------

    def fault(self, name: str, /, **options: Any) -> FaultHandle:
        """Let something go wrong from now on, as the page on faults lists it.

        Parameters
        ----------
        name
            Such as ``"exit"``, ``"silent_watch"``, ``"uncertain_delivery"``.
        options
            Those of the fault, and when it strikes: ``method``, ``params``, ``text``, ``chat``, ``after``,
            ``every``, ``chance``, ``times`` (None: always), ``in_s``, ``for_s``.

        Raises
        ------
        InvalidParams
            There is no such fault, or it takes no such option.
        """
        return FaultHandle(self, self.call("sandbox.fault", name=name, **options)["id"], name)

    def faults(self) -> list[dict[str, Any]]:
        """Return what is switched on: id, name, options, and how many events were seen and struck."""
        return list(self.call("sandbox.faults")["faults"])

    def clear_faults(self, number: int | None = None) -> None:
        """Switch off one fault, or all of them."""
        self.call("sandbox.clear_faults", **({} if number is None else {"id": number}))

    # ---- what was sent ---------------------------------------------------------------------------------------------

    def sent(self, since: int = 0) -> list[Sent]:
        """Return what the owner has sent and was not refused, oldest first; `since` is the id of the last one known.

        Polls and the first text of a new chat are among it; tapbacks and edits are among :meth:`acts` only.
        """
        return [act for act in self.acts(since) if _is_message(act) and act.refused is None]

    def acts(self, since: int = 0) -> list[Sent]:
        """Return everything that the owner did or tried: sent, reacted, edited, …, refusals included."""
        found = self.call("sandbox.sent", since=since)["sent"]
        members = self._members({act["chat_id"] for act in found if act.get("chat_id")})
        return [_sent(act, members) for act in found]

    def _members(self, chats: Iterable[int]) -> dict[int, tuple[str, ...]]:
        members: dict[int, list[str]] = {chat: [] for chat in chats}
        if not members:
            return {}
        with contextlib.closing(sqlite3.connect(f"file:{self.db_path}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "SELECT j.chat_id, h.id FROM chat_handle_join j JOIN handle h ON h.ROWID = j.handle_id ORDER BY h.ROWID"
            )
            for chat, address in rows:
                if chat in members and address not in members[chat]:
                    members[chat].append(address)
        return {chat: tuple(addresses) for chat, addresses in members.items()}


def _is_message(act: Sent) -> bool:
    """Tell whether somebody got a message by it."""
    return act.method.startswith(_SENDING) or (act.method == "chats.create" and act.text is not None)


def _sent(act: dict[str, Any], members: Mapping[int, tuple[str, ...]]) -> Sent:
    values, chat = act.get("values", {}), act.get("chat_id")
    addresses = members.get(chat, ()) if chat else ()
    to = act.get("to")
    return Sent(
        id=act["id"],
        method=act["method"],
        text=values.get("text"),
        file=values.get("file"),
        chat_id=chat,
        recipients=addresses or ((to,) if to else ()),
        service=act.get("service"),
        guid=act.get("guid"),
        rowid=act.get("rowid"),
        at=from_us(act["at_us"]),
        refused=act.get("refused"),
        params=values,
    )


def _let_go(control: Control, private: PrivateSandbox) -> None:
    control.close()
    private.remove()
