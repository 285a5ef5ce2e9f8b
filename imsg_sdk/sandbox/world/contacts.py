"""The owner's address book: who is known by a name, as a Mac with Contacts tells it."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from imsg_sdk.chatdb.packing import rows_of
from imsg_sdk.sandbox.world.world import World
from imsg_sdk.server.extension import Handled, Next
from imsg_sdk.server.requests.envelope import Request
from imsg_sdk.wire import WireChat

__all__ = ["tell_names"]


def tell_names(world: World, request: Request, go_on: Next) -> Handled:
    """Answer a request, with the names of people where the program tells them."""
    result, after = go_on(request)
    if not isinstance(result, dict):
        return result, after
    if request.method == "chats.list":
        for chat in result.get("chats", ()):
            if isinstance(chat, WireChat) and not chat.is_group and (person := _name(world, chat.identifier)):
                chat.contact_name = person
                if chat.x is not UNSET and chat.x.get("name") == chat.identifier:
                    chat.x["name"] = person
    elif request.method == "x.chats" and "columns" in result:
        _name_columns(world, result["columns"], result["rows"])
    elif request.method in ("initialize", "status") and "contacts" in result:
        result["contacts"] = {"available": True}
    return result, after


def _name(world: World, address: str | None) -> str | None:
    person = world.circle.known(address) if address else None
    return person.name if person and address and person.name.casefold() != address.casefold() else None


def _name_columns(world: World, columns: dict[str, Any], rows: int) -> None:
    """Fill in what is the name of a person; a name that a chat was given stays."""
    addresses, names, groups = (
        rows_of(columns[key], rows) if key in columns else [None] * rows for key in ("identifier", "name", "is_group")
    )
    known = [None if is_group else _name(world, address) for address, is_group in zip(addresses, groups, strict=True)]
    columns["contact_name"] = known
    columns["name"] = [
        person if person and name in (None, address) else name
        for person, name, address in zip(known, names, addresses, strict=True)
    ]
