"""Several short messages of one person, made one before the rules are asked.  Pure; time is given.

The last message carries the texts of all, line by line, and is decided upon; each of the others is decided
``coalesced``, with the row that carries it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from imsg_sdk.addressing import format_chat_target
from imsg_sdk.gateway.commands import command_detector
from imsg_sdk.gateway.policy import is_blank
from imsg_sdk.models import Message
from imsg_sdk.text import trim

__all__ = ["Coalesced", "Coalescer"]

MOST_KEYS: Final = 2048
LONGEST_WAIT: Final = 5
"""Times the delay, from the first message on."""


class Coalesced(msgspec.Struct, frozen=True):
    """What leaves the coalescer: the message to decide upon, and the rows it was made of, oldest first.

    The last of `rows` is the one that carries the others.
    """

    message: Message
    rows: tuple[Message, ...]

    @property
    def carried(self) -> tuple[Message, ...]:
        """Return the rows whose text another one carries."""
        return self.rows[:-1]

    def __repr__(self) -> str:
        return f"<Coalesced {self.message!r} of {len(self.rows)} rows>"


class _Batch(msgspec.Struct):
    messages: list[Message]
    due_s: float
    latest_s: float


class Coalescer:
    """Holds messages back until their sender has paused.

    Parameters
    ----------
    delay_s
        The pause; every further message starts it again, up to five times its length in all.  0 holds nothing.
    """

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._has_command = command_detector()
        self._batches: dict[tuple[str, str], _Batch] = {}

    def __len__(self) -> int:
        # Asked from other threads, too: a copy is taken in one step.
        return sum(len(batch.messages) for batch in list(self._batches.values()))

    def __repr__(self) -> str:
        return f"<Coalescer holding {len(self)} messages>"

    def add(self, message: Message, now_s: float) -> list[Coalesced]:
        """Take a message in; return what may go on at once, in order."""
        if self._delay_s <= 0:
            return [Coalesced(message, (message,))]
        key = self._key(message)
        if self._goes_alone(message):
            # What the person wrote before is not overtaken.
            return [*self._flush(key), Coalesced(message, (message,))]
        ready = []
        batch = self._batches.get(key)
        if batch is None:
            if len(self._batches) >= MOST_KEYS:
                ready = self._flush(min(self._batches, key=lambda each: self._batches[each].due_s))
            batch = self._batches[key] = _Batch([], 0.0, now_s + LONGEST_WAIT * self._delay_s)
        batch.messages.append(message)
        batch.due_s = min(now_s + self._delay_s, batch.latest_s)
        return ready

    def due(self, now_s: float) -> list[Coalesced]:
        """Return what has waited long enough, the longest due first."""
        keys = sorted(
            (key for key, batch in self._batches.items() if batch.due_s <= now_s),
            key=lambda key: self._batches[key].due_s,
        )
        return [ready for key in keys for ready in self._flush(key)]

    def next_due_s(self) -> float | None:
        """Return when :meth:`due` has something next."""
        return min((batch.due_s for batch in self._batches.values()), default=None)

    def flush(self) -> list[Coalesced]:
        """Return everything held back, for a stop."""
        return [ready for key in list(self._batches) for ready in self._flush(key)]

    def _key(self, message: Message) -> tuple[str, str]:
        chat = format_chat_target(message.chat_id) or message.chat_guid or message.chat_identifier or "unknown"
        return chat, trim(message.sender or "")

    def _goes_alone(self, message: Message) -> bool:
        text = trim(message.text or "")
        return (
            message.is_from_me
            or message.is_reaction
            or not trim(message.sender or "")
            or bool(message.attachments)
            or is_blank(text)
            or self._has_command(text)
        )

    def _flush(self, key: tuple[str, str]) -> list[Coalesced]:
        batch = self._batches.pop(key, None)
        if batch is None:
            return []
        last = batch.messages[-1]
        if len(batch.messages) > 1:
            text = "\n".join(trim(each.text or "") for each in batch.messages)
            last = msgspec.structs.replace(last, text=text)
        return [Coalesced(last, tuple(batch.messages))]
