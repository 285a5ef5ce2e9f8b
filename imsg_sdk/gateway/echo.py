"""Our own messages coming back: told apart by id, and by text only while no id is known.  Pure; time is given.

Also the chat with oneself, where every own row is at once a message and its echo.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec

from imsg_sdk._time import to_us
from imsg_sdk.addressing import normalize_handle
from imsg_sdk.gateway.conversation import lane_of
from imsg_sdk.models import Message
from imsg_sdk.text import trim

__all__ = ["SelfChat", "SentCache", "is_self_chat", "text_key"]

TEXT_LIFE_S: Final = 4.0
ID_LIFE_S: Final = 60.0
MOST_SENT: Final = 4096

_NO_IDS: Final = frozenset({"", "ok", "unknown"})
"""What old programs answer instead of an id."""
_LINE_END = re.compile(r"\r\n?")
_DAMAGE: Final = "\0\ufeff\ufffd\ufffe\uffff"


def text_key(text: str) -> str:
    """Return a text as it is compared: one kind of line end, trimmed, without what decoders put in front."""
    return trim(trim(_LINE_END.sub("\n", text)).lstrip(_DAMAGE))


class _Sent(msgspec.Struct):
    key: tuple[str, str]
    ids: frozenset[str] = frozenset()
    settled_s: float | None = None
    """None while the send is under way."""


class SentCache:
    """What was sent lately.

    A send is begun before it goes out and settled when its answer is there.  Times are seconds of any steady clock.

    Parameters
    ----------
    text_life_s
        How long a text that got no id is recognised, once it was settled.
    id_life_s
        How long an id is recognised.
    """

    def __init__(self, *, text_life_s: float = TEXT_LIFE_S, id_life_s: float = ID_LIFE_S) -> None:
        self._text_life_s = text_life_s
        self._id_life_s = max(id_life_s, text_life_s)
        self._under_way: dict[int, _Sent] = {}
        self._settled: OrderedDict[int, _Sent] = OrderedDict()
        self._by_key: dict[tuple[str, str], set[int]] = {}
        self._by_id: dict[str, int] = {}
        self._last_ticket = 0

    def __len__(self) -> int:
        return len(self._under_way) + len(self._settled)

    def __repr__(self) -> str:
        return f"<SentCache of {len(self)} messages>"

    def begin(self, lane: str, text: str) -> int:
        """Note that a text is about to be sent into a chat; return a ticket for :meth:`settle` or :meth:`forget`."""
        self._last_ticket += 1
        sent = self._under_way[self._last_ticket] = _Sent((lane, text_key(text)))
        self._by_key.setdefault(sent.key, set()).add(self._last_ticket)
        if len(self) > MOST_SENT:
            self.forget(next(iter(self._settled or self._under_way)))
        return self._last_ticket

    def settle(self, ticket: int, now_s: float, ids: Iterable[object] = ()) -> None:
        """Note that it went out, with what the program calls it: guid, row id, or nothing."""
        sent = self._under_way.pop(ticket, None)
        if sent is None:
            return
        sent.ids = frozenset(text for each in ids if each is not None and (text := str(each)) not in _NO_IDS)
        sent.settled_s = now_s
        self._settled[ticket] = sent
        self._by_id.update(dict.fromkeys(sent.ids, ticket))

    def forget(self, ticket: int) -> None:
        """Note that it did not go out."""
        sent = self._under_way.pop(ticket, None) or self._settled.pop(ticket, None)
        if sent is None:
            return
        tickets = self._by_key[sent.key]
        tickets.discard(ticket)
        if not tickets:
            del self._by_key[sent.key]
        for each in sent.ids:
            if self._by_id.get(each) == ticket:
                del self._by_id[each]

    def is_echo(self, message: Message, now_s: float) -> bool:
        """Tell whether a message is something we sent."""
        while self._settled and self._is_old(next(iter(self._settled.values())), now_s):
            self.forget(next(iter(self._settled)))
        if any(str(each) in self._by_id for each in (message.guid, message.rowid) if each):
            return True
        key = (lane_of(message), text_key(message.text or ""))
        return bool(key[1]) and any(self._text_counts(ticket, now_s) for ticket in self._by_key.get(key, ()))

    def _is_old(self, sent: _Sent, now_s: float) -> bool:
        return sent.settled_s is not None and now_s - sent.settled_s > self._id_life_s

    def _text_counts(self, ticket: int, now_s: float) -> bool:
        sent = self._settled.get(ticket)
        if sent is None:
            return True  # under way: its echo can come at any moment
        return not sent.ids and sent.settled_s is not None and now_s - sent.settled_s <= self._text_life_s


def is_self_chat(message: Message) -> bool:
    """Tell whether a message stands in the owner's chat with themselves.

    Where the program does not say which own address was used, nothing can be told, and it does not.
    """
    identifier = normalize_handle(message.chat_identifier or "")
    if message.is_group or not identifier or normalize_handle(message.destination_caller_id or "") != identifier:
        return False
    return message.sender is None or normalize_handle(message.sender) == identifier


class SelfChat:
    """The twin rows of the chat with oneself: what is written comes once as sent and once as received.

    Parameters
    ----------
    window_s
        Most seconds between the dates of two twins.
    life_s
        How long the first is remembered.
    """

    def __init__(self, *, window_s: float = 1.0, life_s: float = 10.0, most: int = 512) -> None:
        self._window_us = round(window_s * 1_000_000)
        self._life_s = life_s
        self._most = most
        self._seen: OrderedDict[tuple[str, str, int], float] = OrderedDict()

    def note(self, message: Message, now_s: float) -> None:
        """Remember an own row, whether or not it was answered."""
        if message.created_at is not None:
            self._seen[lane_of(message), text_key(message.text or ""), to_us(message.created_at)] = now_s
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def is_twin(self, message: Message, now_s: float) -> bool:
        """Tell whether a received row repeats an own row."""
        while self._seen and now_s - next(iter(self._seen.values())) > self._life_s:
            self._seen.popitem(last=False)
        if message.created_at is None or message.is_from_me:
            return False
        scope, key, at_us = lane_of(message), text_key(message.text or ""), to_us(message.created_at)
        return any(
            (scope, key) == (each_scope, each_key) and abs(each_us - at_us) <= self._window_us
            for each_scope, each_key, each_us in self._seen
        )
