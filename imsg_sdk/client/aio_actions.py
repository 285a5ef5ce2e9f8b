"""Acting from an event loop: the part of :class:`imsg_sdk.AsyncIMessageClient` that changes what is there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, SupportsIndex

from imsg_sdk.addressing import Handle
from imsg_sdk.client.aio_sending import AsyncSending
from imsg_sdk.client.awaiting import run_async
from imsg_sdk.models import CreatedChat, HandleCheck, Message, SendResult

if TYPE_CHECKING:
    from imsg_sdk.client.whom import SendTarget

__all__ = ["AsyncActions"]


class AsyncActions(AsyncSending):
    """Verbs that change something; most need the bridge into Messages, which the program may not have.

    Each is asked for once.  Where it returns nothing, the program said that it did it; the history shows little of
    it, so nothing is read back.
    """

    async def react(
        self, message: Message | str, reaction: str, *, remove: bool = False, part: SupportsIndex = 0
    ) -> None:
        """Put a tapback on a message, or take an own one back.  See `IMessageClient.react`."""
        from imsg_sdk.client import actions

        await run_async(actions.react(self._sending[0], message, reaction, remove=remove, part=part))

    async def edit(self, message: Message | str, text: str, *, part: SupportsIndex = 0) -> None:
        """Replace the text of an own message.  See `IMessageClient.edit`."""
        from imsg_sdk.client import actions

        await run_async(actions.edit(self._sending[0], message, text, part=part))

    async def unsend(self, message: Message | str, *, part: SupportsIndex = 0) -> None:
        """Take an own message back; Messages allows it for two minutes.  See `IMessageClient.unsend`."""
        from imsg_sdk.client import actions

        await run_async(actions.unsend(self._sending[0], message, part=part))

    async def delete_message(self, message: Message | str) -> None:
        """Remove a message from this Mac; the others keep it.  See `IMessageClient.delete_message`."""
        from imsg_sdk.client import actions

        await run_async(actions.delete_message(self._sending[0], message))

    async def notify_anyway(self, message: Message | str) -> None:
        """Notify the other side of an own message that arrived in silence.  See `IMessageClient.notify_anyway`."""
        from imsg_sdk.client import actions

        await run_async(actions.notify_anyway(self._sending[0], message))

    async def mark_read(self, target: SendTarget) -> None:
        """Mark a chat read, which may send a receipt to the other side.  See `IMessageClient.mark_read`."""
        from imsg_sdk.client import actions

        await run_async(actions.mark_read(self._sending[0], target))

    async def mark_unread(self, target: SendTarget) -> None:
        """Mark a chat unread.  See `IMessageClient.mark_unread`."""
        from imsg_sdk.client import actions

        await run_async(actions.mark_unread(self._sending[0], target))

    async def typing(self, target: SendTarget, is_typing: bool = True, *, service: str | None = None) -> None:
        """Show the other side that something is being typed, or no longer.  See `IMessageClient.typing`."""
        from imsg_sdk.client import actions

        await run_async(actions.typing(self._sending[0], target, is_typing=is_typing, service=service))

    async def create_chat(
        self, people: str | Handle | Iterable[str | Handle], *, name: str | None = None, text: str | None = None
    ) -> CreatedChat:
        """Begin a chat with one person or several.  See `IMessageClient.create_chat`."""
        from imsg_sdk.client import actions

        return await run_async(actions.create_chat(self._sending[0], people, name=name, text=text))

    async def delete_chat(self, target: SendTarget) -> None:
        """Delete a chat, with its messages, from this Mac; the others keep it.  See `IMessageClient.delete_chat`."""
        from imsg_sdk.client import actions

        await run_async(actions.delete_chat(self._sending[0], target))

    async def rename_group(self, chat: SendTarget, name: str) -> None:
        """Name a group for everybody in it; an empty name takes it away.  See `IMessageClient.rename_group`."""
        from imsg_sdk.client import actions

        await run_async(actions.rename_group(self._sending[0], chat, name))

    async def set_group_icon(self, chat: SendTarget, file: str | os.PathLike[str] | None) -> None:
        """Set the picture of a group; None takes it away.  See `IMessageClient.set_group_icon`."""
        from imsg_sdk.client import actions

        sender, options = self._sending
        await run_async(actions.set_group_icon(sender, chat, file, max_mb=options.max_file_mb))

    async def add_participant(self, chat: SendTarget, handle: str | Handle) -> None:
        """Add the person of an exact handle to a group.  See `IMessageClient.add_participant`."""
        from imsg_sdk.client import actions

        await run_async(actions.add_participant(self._sending[0], chat, handle))

    async def remove_participant(self, chat: SendTarget, handle: str | Handle) -> None:
        """Remove a person, who must be in it, from a group.  See `IMessageClient.remove_participant`."""
        from imsg_sdk.client import actions

        await run_async(actions.remove_participant(self._sending[0], chat, handle))

    async def leave_group(self, chat: SendTarget) -> None:
        """Leave a group.  See `IMessageClient.leave_group`."""
        from imsg_sdk.client import actions

        await run_async(actions.leave_group(self._sending[0], chat))

    async def send_poll(self, target: SendTarget, question: str, options: Iterable[str]) -> SendResult:
        """Send a poll to a chat.  See `IMessageClient.send_poll`."""
        from imsg_sdk.client import actions

        return await run_async(actions.send_poll(self._sending[0], target, question, options))

    async def vote(self, poll: Message | str, option: str | SupportsIndex, *, remove: bool = False) -> SendResult:
        """Vote in a poll, or take an own vote back.  See `IMessageClient.vote`."""
        from imsg_sdk.client import actions

        return await run_async(actions.vote(self._sending[0], poll, option, remove=remove))

    async def check_handle(self, handle: str | Handle) -> HandleCheck:
        """Ask Apple whether a handle can be reached by iMessage; nobody is told.  See `IMessageClient.check_handle`."""
        from imsg_sdk.client import actions

        return await run_async(actions.check_handle(self._sending[0], handle))
