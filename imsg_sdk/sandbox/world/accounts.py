"""Who is who: the owner's own addresses, the people on the other side, and the chats between them.

Read from the database whenever they are asked for, so that what another writer does is seen.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from imsg_sdk.sandbox.people import owner
from imsg_sdk.sandbox.world.ledger import Ledger, Row
from imsg_sdk.sandbox.world.state import State

__all__ = [
    "Account",
    "Accounts",
    "Chat",
    "Circle",
    "Member",
    "Person",
    "accounts_of",
    "read_chat",
    "stored",
    "takes_imessage",
]

_SELF: Final = owner()
_MARKS: Final = frozenset("+0123456789 -.()/\u00a0\u2011")


class Account(msgspec.Struct, frozen=True):
    """One own address: where messages come in and what they are sent from."""

    address: str
    guid: str = ""

    @property
    def login(self) -> str:
        """The spelling of ``account_login``."""
        return f"{'E' if '@' in self.address else 'P'}:{self.address}"


class Person(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody on the other side.

    ``imessage`` tells whether the addresses take iMessages (short codes never do), ``receipts`` whether the person
    lets others see what was read, ``script`` what the person does about what happens: rules of
    :mod:`imsg_sdk.sandbox.world.answers`.  Without a script the person does as the world's ``others`` do.
    """

    name: str
    addresses: list[str]
    imessage: bool = True
    receipts: bool = True
    language: str = "en"
    script: list[dict[str, Any]] | None = None
    chatter: list[dict[str, Any]] = []


class Member(msgspec.Struct, frozen=True):
    """A participant of a chat: a row of ``handle``."""

    handle_id: int
    address: str
    service: str


class Chat(msgspec.Struct, frozen=True):
    """A chat as it stands, and whom it is with."""

    rowid: int
    guid: str
    identifier: str
    service: str
    name: str
    members: tuple[Member, ...]
    account: Account

    @property
    def is_group(self) -> bool:
        """Whether the wire calls it a group."""
        return ";+;" in self.guid or ";+;" in self.identifier

    @property
    def has_several(self) -> bool:
        """Whether there are several others, whatever the wire calls it."""
        return self.is_group or len(self.members) > 1

    def member(self, address: str) -> Member | None:
        """Return the participant of this address."""
        wanted = stored(address).casefold()
        return next((one for one in self.members if one.address.casefold() == wanted), None)


class Accounts:
    """The owner's own addresses; the first is used where a chat says nothing else."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def all(self) -> list[Account]:
        """Return all of them."""
        return [Account(**one) for one in self._state.get("accounts", [])] or [Account(_SELF.phone or "")]

    @property
    def default(self) -> Account:
        """What new chats are begun from."""
        return self.all[0]

    def owns(self, address: str) -> bool:
        """Return whether an address is one of the owner's."""
        return stored(address).casefold() in (account.address.casefold() for account in self.all)

    def of(self, address: str | None) -> Account:
        """Return the account of an address, or the default."""
        return next((one for one in self.all if one.address == address), self.default)


def accounts_of(ledger: Ledger) -> list[Account]:
    """Return the addresses that chats were addressed by, the most used first."""
    if not ledger.has("chat", "last_addressed_handle"):
        return []
    guid = "max(account_id)" if ledger.has("chat", "account_id") else "NULL"
    rows = ledger.rows(
        f"SELECT last_addressed_handle AS address, {guid} AS guid FROM chat"
        " WHERE ifnull(last_addressed_handle, '') != '' GROUP BY 1 ORDER BY count(*) DESC, 1"
    )
    return [Account(row["address"], row["guid"] or "") for row in rows]


class Circle:
    """The people: those the world was told of, and whoever else is in the database."""

    def __init__(self, ledger: Ledger, state: State) -> None:
        self._ledger = ledger
        self._state = state
        self._known: dict[str, tuple[int, Person]] = {}
        self._version: Any = None

    def _told(self) -> dict[str, tuple[int, Person]]:
        """Return those the world was told of by their addresses; read anew when somebody was added."""
        version = self._state.get("people")
        if version != self._version or version is None:
            people = [(number, msgspec.convert(value, Person)) for number, value in self._state.listed("person")]
            self._known = {address.casefold(): each for each in people for address in each[1].addresses}
            self._version = version
        return self._known

    def add(self, *people: Person) -> None:
        """Add people, each in place of whoever had one of the addresses."""
        with self._state.turn():
            for person in people:
                person.addresses = list(map(stored, person.addresses))
                told = self._told()
                for number in {told[each][0] for each in map(str.casefold, person.addresses) if each in told}:
                    self._state.remove("person", number)
                number = self._state.add("person", msgspec.to_builtins(person))
                self._state.put("people", number)

    def known(self, address: str) -> Person | None:
        """Return the person of an address whom the world was told of."""
        found = self._told().get(stored(address).casefold())
        return None if found is None else found[1]

    def of(self, address: str) -> Person:
        """Return the person of an address; a stranger is called by it."""
        if (found := self.known(address)) is not None:
            return found
        address = stored(address)
        return Person(address, self._same_person(address), imessage=takes_imessage(address))

    def _same_person(self, address: str) -> list[str]:
        if not self._ledger.has("handle", "person_centric_id"):
            return [address]
        rows = self._ledger.rows(
            "SELECT DISTINCT b.id AS id FROM handle a JOIN handle b ON b.person_centric_id = a.person_centric_id"
            " WHERE a.id = ? AND ifnull(a.person_centric_id, '') != '' ORDER BY b.ROWID",
            (address,),
        )
        return [row["id"] for row in rows] or [address]

    def all(self) -> list[Person]:
        """Return everybody, those the world was told of first."""
        told = dict(self._told().values())
        found = [told[number] for number in sorted(told)]
        met = set(self._told())
        for row in self._ledger.rows("SELECT DISTINCT id FROM handle ORDER BY ROWID"):
            if row["id"].casefold() not in met:
                found.append(self.of(row["id"]))
                met |= {address.casefold() for address in found[-1].addresses}
        return found


def stored(address: str) -> str:
    """Return an address as Messages keeps it: a number with its country has no blanks and no marks."""
    text = address.strip()
    if text.startswith("+") and _MARKS.issuperset(text):
        return "+" + "".join(filter(str.isdigit, text))
    return text


def takes_imessage(address: str) -> bool:
    """Return whether an address can be on iMessage at all: a mail address or a full number."""
    return "@" in address or (address.startswith("+") and len(address) > 7) or address.startswith("urn:")


def read_chat(ledger: Ledger, rowid: int, accounts: Accounts) -> Chat | None:
    """Return a chat by its row."""
    row = ledger.row("SELECT ROWID AS rowid, * FROM chat WHERE ROWID = ?", (rowid,))
    return None if row is None else _chat(ledger, row, accounts)


def _chat(ledger: Ledger, row: Row, accounts: Accounts) -> Chat:
    members = ledger.rows(
        "SELECT h.ROWID AS handle_id, h.id AS address, h.service FROM chat_handle_join j"
        " JOIN handle h ON h.ROWID = j.handle_id WHERE j.chat_id = ? ORDER BY h.id, h.ROWID",
        (row["rowid"],),
    )
    return Chat(
        row["rowid"],
        _text(row, "guid"),
        _text(row, "chat_identifier"),
        _text(row, "service_name") or "iMessage",
        _text(row, "display_name"),
        tuple(Member(**member) for member in members),
        accounts.of(row.get("last_addressed_handle")),
    )


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
