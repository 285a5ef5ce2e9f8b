"""The owner's address book: who is known by a name, as a Mac with Contacts tells it."""

from __future__ import annotations

from imsg_sdk.sandbox.world.world import World
from imsg_sdk.server.envelope import Request
from imsg_sdk.server.extension import Handled, Next
from imsg_sdk.wire import WireChat

__all__ = ["tell_names"]


def tell_names(world: World, request: Request, go_on: Next) -> Handled:
    """Answer a request, with the names of people where the program tells them."""
    result, after = go_on(request)
    if not isinstance(result, dict):
        return result, after
    for chat in result.get("chats", ()) if request.method == "chats.list" else ():
        if isinstance(chat, WireChat):
            _name(world, chat)
    if "contacts" in result and request.method in ("initialize", "status"):
        result["contacts"] = {"available": True}
    return result, after


def _name(world: World, chat: WireChat) -> None:
    if chat.is_group:
        return
    name = world.circle.of(chat.identifier).name
    if name and name.casefold() != chat.identifier.casefold():
        chat.contact_name = name
