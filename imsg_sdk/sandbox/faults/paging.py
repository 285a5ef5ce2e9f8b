"""How 0.14.1 pages over a message of two chats."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Any, ClassVar, Final

import msgspec

from imsg_sdk.sandbox.faults.fault import Fault
from imsg_sdk.sandbox.faults.output import end_process
from imsg_sdk.sandbox.faults.play import Play
from imsg_sdk.server.extension import Handled, Next
from imsg_sdk.server.requests.envelope import Request

__all__ = ["DiesOnTwoChats"]

_ILLEGAL_INSTRUCTION: Final = 4
_LIMIT: Final = 100


class DiesOnTwoChats(Fault, frozen=True, kw_only=True, tag="dies_on_two_chats"):
    """Ends the child at a page of ``messages.after`` that holds a message of two chats and is not the last one.

    Where the copies do not fit on the page it stops before them; where such a message is the first, the page is empty
    and the cursor stays for ever, as with ``limit`` 1.  With a chat named nothing happens.

    Source: 0.14.1 reads a message once for each of its chats and falls over the second, which was seen on recorded
    databases; real programs trap, which ends them by a signal.
    """

    METHODS: ClassVar[tuple[str, ...]] = ("messages.after",)
    times: int | None = None

    def on_request(self, play: Play, request: Request, go_on: Next) -> Handled:
        """Answer as far as 0.14.1 does."""
        result, then = go_on(request)
        if request.params.get("chat_id") is not None:
            return result, then
        return self._page(play, request, msgspec.to_builtins(result)), then

    def _page(self, play: Play, request: Request, result: dict[str, Any]) -> dict[str, Any]:
        limit = request.params.get("limit", _LIMIT)
        kept: list[Any] = []
        doubled = is_full = False
        cursor = request.params["since_rowid"]
        for rowid, copies in groupby(result["messages"], itemgetter("id")):
            n_copies = max(len(play.world.chats_of(rowid)), 1)
            if is_full := len(kept) + n_copies > limit:
                break
            kept += copies
            doubled = doubled or n_copies > 1
            cursor = rowid
        has_more = is_full or result["has_more"]
        if doubled and has_more:
            end_process(1, _ILLEGAL_INSTRUCTION)
        return {"messages": kept, "next_rowid": cursor if is_full else result["next_rowid"], "has_more": has_more}
