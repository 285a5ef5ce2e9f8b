"""Acting from scripts and notebooks: the part of :class:`imsg_sdk.IMessageClient` that changes what is there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, SupportsIndex

from imsg_sdk.addressing import Handle
from imsg_sdk.client.plan import run
from imsg_sdk.client.sync_sending import SyncSending
from imsg_sdk.models import CreatedChat, HandleCheck, Message, SendResult

if TYPE_CHECKING:
    from imsg_sdk.client.whom import SendTarget

__all__ = ["SyncActions"]


class SyncActions(SyncSending):
    """Verbs that change something; most need the bridge into Messages, which the program may not have.

    Each is asked for once.  Where it returns nothing, the program said that it did it; the history shows little of
    it, so nothing is read back.
    """

    def react(self, message: Message | str, reaction: str, *, remove: bool = False, part: SupportsIndex = 0) -> None:
        """Put a tapback on a message, or take an own one back.

        Parameters
        ----------
        message
            A record of a message, or its guid.
        reaction
            ``"love"``, ``"like"``, ``"dislike"``, ``"laugh"``, ``"emphasize"``, ``"question"``, their emoji, or any
            other one emoji where the program can do that.
        remove
            Take it back.
        part
            Which part of a message of several, from 0 on.

        Raises
        ------
        Unsupported
            The program cannot do it, or not now; the hint says what would make it able to.
        InvalidParams
            The reaction is neither one of the six nor one emoji; nothing was asked for.
        NotFound
            There is no such message.
        SendRefused, SendFailed, SendUncertain
            As for :meth:`send`.
        """
        from imsg_sdk.client import actions

        run(actions.react(self._sending[0], message, reaction, remove=remove, part=part))

    def edit(self, message: Message | str, text: str, *, part: SupportsIndex = 0) -> None:
        """Replace the text of an own message; Messages allows it for 15 minutes, five times.

        Parameters
        ----------
        message, part
            As for :meth:`react`.
        text
            The new text.

        Raises
        ------
        Unsupported, NotFound, SendRefused, SendFailed, SendUncertain
            As for :meth:`react`; refused too if somebody else wrote the message.
        """
        from imsg_sdk.client import actions

        run(actions.edit(self._sending[0], message, text, part=part))

    def unsend(self, message: Message | str, *, part: SupportsIndex = 0) -> None:
        """Take an own message back; Messages allows it for two minutes.

        Parameters
        ----------
        message, part
            As for :meth:`react`.

        Raises
        ------
        Unsupported, NotFound, SendRefused, SendFailed, SendUncertain
            As for :meth:`edit`.
        """
        from imsg_sdk.client import actions

        run(actions.unsend(self._sending[0], message, part=part))

    def delete_message(self, message: Message | str) -> None:
        """Remove a message from this Mac; the others keep it.

        Raises
        ------
        Unsupported, NotFound, SendRefused, SendFailed, SendUncertain
            As for :meth:`react`.
        """
        from imsg_sdk.client import actions

        run(actions.delete_message(self._sending[0], message))

    def notify_anyway(self, message: Message | str) -> None:
        """Notify the other side of an own message that arrived in silence, since they do not want to be disturbed.

        Raises
        ------
        Unsupported, NotFound, SendRefused, SendFailed, SendUncertain
            As for :meth:`edit`.
        """
        from imsg_sdk.client import actions

        run(actions.notify_anyway(self._sending[0], message))

    def mark_read(self, target: SendTarget) -> None:
        """Mark a chat read, which may send a receipt to the other side.

        Parameters
        ----------
        target
            As for :meth:`send`; there must be a chat.

        Raises
        ------
        AddressError, Unsupported, SendRefused, SendFailed, SendUncertain
            As for :meth:`react`.
        """
        from imsg_sdk.client import actions

        run(actions.mark_read(self._sending[0], target))

    def mark_unread(self, target: SendTarget) -> None:
        """Mark a chat unread.  See `mark_read`."""
        from imsg_sdk.client import actions

        run(actions.mark_unread(self._sending[0], target))

    def typing(self, target: SendTarget, is_typing: bool = True, *, service: str | None = None) -> None:
        """Show the other side that something is being typed, or no longer.

        Parameters
        ----------
        target, service
            As for :meth:`send`.
        is_typing
            False ends it.

        Raises
        ------
        AddressError, Unsupported, SendRefused, SendFailed, SendUncertain
            As for :meth:`react`.
        """
        from imsg_sdk.client import actions

        run(actions.typing(self._sending[0], target, is_typing=is_typing, service=service))

    def create_chat(
        self, people: str | Handle | Iterable[str | Handle], *, name: str | None = None, text: str | None = None
    ) -> CreatedChat:
        """Begin a chat with one person or several.

        Parameters
        ----------
        people
            Their exact handles.
        name
            Name of the group.
        text
            A first message to all of them.

        Returns
        -------
        CreatedChat
            With the guid of the chat; :meth:`send` takes it as a target.

        Raises
        ------
        AddressError, Unsupported, SendRefused, SendFailed, SendUncertain
            As for :meth:`send`.
        """
        from imsg_sdk.client import actions

        return run(actions.create_chat(self._sending[0], people, name=name, text=text))

    def delete_chat(self, target: SendTarget) -> None:
        """Delete a chat, with its messages, from this Mac; the others keep it.  See `mark_read`."""
        from imsg_sdk.client import actions

        run(actions.delete_chat(self._sending[0], target))

    def rename_group(self, chat: SendTarget, name: str) -> None:
        """Name a group for everybody in it; an empty name takes it away.

        Parameters
        ----------
        chat
            A group, as for :meth:`send`.
        name
            The new name.

        Raises
        ------
        AddressError
            It is no group.
        Unsupported, SendRefused, SendFailed, SendUncertain
            As for :meth:`react`.
        """
        from imsg_sdk.client import actions

        run(actions.rename_group(self._sending[0], chat, name))

    def set_group_icon(self, chat: SendTarget, file: str | os.PathLike[str] | None) -> None:
        """Set the picture of a group; None takes it away.  See `rename_group`."""
        from imsg_sdk.client import actions

        sender, options = self._sending
        run(actions.set_group_icon(sender, chat, file, max_mb=options.max_file_mb))

    def add_participant(self, chat: SendTarget, handle: str | Handle) -> None:
        """Add the person of an exact handle to a group.  See `rename_group`."""
        from imsg_sdk.client import actions

        run(actions.add_participant(self._sending[0], chat, handle))

    def remove_participant(self, chat: SendTarget, handle: str | Handle) -> None:
        """Remove a person, who must be in it, from a group.  See `rename_group`."""
        from imsg_sdk.client import actions

        run(actions.remove_participant(self._sending[0], chat, handle))

    def leave_group(self, chat: SendTarget) -> None:
        """Leave a group.  See `rename_group`."""
        from imsg_sdk.client import actions

        run(actions.leave_group(self._sending[0], chat))

    def send_poll(self, target: SendTarget, question: str, options: Iterable[str]) -> SendResult:
        """Send a poll to a chat.

        Parameters
        ----------
        target
            As for :meth:`send`; there must be a chat.
        question
            What is asked.
        options
            2 to 12 different texts.

        Returns
        -------
        SendResult
            As for :meth:`send`.

        Raises
        ------
        AddressError, Unsupported, SendRefused, SendFailed, SendUncertain
            As for :meth:`send`.
        """
        from imsg_sdk.client import actions

        return run(actions.send_poll(self._sending[0], target, question, options))

    def vote(self, poll: Message | str, option: str | SupportsIndex, *, remove: bool = False) -> SendResult:
        """Vote in a poll, or take an own vote back.

        Parameters
        ----------
        poll
            A record of the message that holds the poll, or its guid.
        option
            Text or id of an option, or its number, from 1 on.
        remove
            Take the vote back.

        Raises
        ------
        Unsupported, InvalidParams, NotFound, SendRefused, SendFailed, SendUncertain
            As for :meth:`react`.
        """
        from imsg_sdk.client import actions

        return run(actions.vote(self._sending[0], poll, option, remove=remove))

    def check_handle(self, handle: str | Handle) -> HandleCheck:
        """Ask Apple whether a handle can be reached by iMessage; nobody is told.

        Raises
        ------
        AddressError
            It is no handle of one person.
        Unsupported
            The program cannot do it, or not now.
        """
        from imsg_sdk.client import actions

        return run(actions.check_handle(self._sending[0], handle))
