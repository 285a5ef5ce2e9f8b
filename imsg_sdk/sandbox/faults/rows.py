"""Rows that are written late, twice, empty, old, or to the wrong place."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from imsg_sdk.rpc import protocol
from imsg_sdk.sandbox.archive import URL_BALLOON
from imsg_sdk.sandbox.faults.fault import SENDS, Fault, text_of
from imsg_sdk.sandbox.faults.play import Play
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.senders import Operation

if TYPE_CHECKING:
    from imsg_sdk.sandbox.world.sender import Perform, Result
    from imsg_sdk.sandbox.world.world import Placement, World

__all__ = [
    "BacklogFlush",
    "GhostRow",
    "LateIsFromMe",
    "LateLink",
    "SelfChatPair",
    "TwoChats",
    "UrlPreviewPair",
    "write_preview",
]

_ROW: Final = ("row",)
_OWN: Final = {"is_from_me": True}
_BESIDE_S: Final = 0.5
_PREVIEW: Final = (
    "SELECT ROWID AS id, guid FROM message WHERE ROWID > ? AND balloon_bundle_id = ? ORDER BY ROWID LIMIT 1"
)
_URL: Final = re.compile(r"https?://\S+")


class LateLink(Fault, frozen=True, kw_only=True, tag="late_link"):
    """Writes a message without its chat, which is joined ``seconds`` later; subscriptions of before never report it.

    With ``is_reported`` true they report it when it is joined, as this package's server does by itself.

    Source: the chat of a row comes in a later transaction; 0.13 and 0.14 look twenty times, about ten seconds, and
    then drop the row for good, while ``messages.after`` and history have it.
    """

    METHODS: ClassVar[tuple[str, ...]] = _ROW
    seconds: float = 60.0
    is_reported: bool = False

    def on_row(self, play: Play, placement: Placement) -> None:
        """Write the row now and its joins later."""
        guid = placement.message.guid
        for chat_id in placement.chat_ids:
            play.world.after(self.seconds, "link", guid=guid, chat_id=chat_id)
        placement.chat_ids = []
        linked_us = play.world.state.now_us() + round(self.seconds * 1_000_000)
        play.remember(guids={**play.recall("guids", {}), guid: linked_us})

    def beside_messages(self, play: Play, number: int, params: list[Any]) -> list[Any]:
        """Leave out what a program would have given up."""
        if self.is_reported:
            return params
        linked_us, opened_us = play.recall("guids", {}), play.opened_us(number)
        return [each for each in params if linked_us.get(_guid(each), 0) <= opened_us]


class LateIsFromMe(Fault, frozen=True, kw_only=True, tag="late_is_from_me"):
    """Writes an own message as if somebody else had written it; ``seconds`` later it is the owner's.

    Source: a gateway that answered its own messages, because the flag was not set when the row was reported.
    """

    METHODS: ClassVar[tuple[str, ...]] = _ROW
    FIELDS: ClassVar[dict[str, Any]] = _OWN
    seconds: float = 2.0

    def on_row(self, play: Play, placement: Placement) -> None:
        """Write it as the other's."""
        message = placement.message
        values = {"is_from_me": 1, "is_sent": message.is_sent, "handle_id": message.handle_id}
        play.world.after(self.seconds, "update", guid=message.guid, values=values)
        message.is_from_me = message.is_sent = 0
        if placement.chat.members:
            message.handle_id = placement.chat.members[0].handle_id


class SelfChatPair(Fault, frozen=True, kw_only=True, tag="self_chat_pair"):
    """Lets an own message come back as one from the other side, ``seconds`` later and with a guid of its own.

    Source: what one writes to oneself is there twice, once sent and once received; reflections of the same kind were
    seen in chats with others.
    """

    METHODS: ClassVar[tuple[str, ...]] = _ROW
    FIELDS: ClassVar[dict[str, Any]] = _OWN
    seconds: float = 0.5

    def on_row(self, play: Play, placement: Placement) -> None:
        """Let it come back."""
        if placement.chat.members:
            guid = placement.message.guid
            play.world.after(self.seconds, "mirror", guid=guid, chat_id=placement.chat.rowid)


class UrlPreviewPair(Fault, frozen=True, kw_only=True, tag="url_preview_pair"):
    """Follows a message with a link by a second row that is its preview, ``seconds`` later.

    With ``is_reported_apart`` both are reported, which needs ``seconds`` 0; else as the server folds them.

    Source: links come as two rows; programs before 0.11 report both as messages, newer ones make one of them.
    """

    METHODS: ClassVar[tuple[str, ...]] = _ROW
    seconds: float = 1.0
    times: int | None = None
    is_reported_apart: bool = False

    def on_row(self, play: Play, placement: Placement) -> None:
        """Plan the preview."""
        message = placement.message
        found = _URL.search(text_of(placement))
        if found is None or message.balloon_bundle_id:
            return
        who = next((one.address for one in placement.chat.members if one.handle_id == message.handle_id), None)
        args: dict[str, Any] = {
            "chat_id": placement.chat.rowid,
            "address": None if message.is_from_me else who,
            "url": found[0],
        }
        if self.seconds > 0:
            play.world.after(self.seconds, "fault.preview", **args)
        else:
            placement.then.append(lambda _: play.world.do("fault.preview", args))

    def beside_messages(self, play: Play, number: int, params: list[Any]) -> list[Any]:
        """Report the preview as a message of its own."""
        if not self.is_reported_apart or self.seconds > 0:
            return params
        return [each for whole in params for each in self._apart(play, whole)]

    def _apart(self, play: Play, params: Any) -> list[Any]:
        message = msgspec.to_builtins(params["message"])
        message.pop("url_preview", None)
        if _URL.search(message["text"]) is None or message.get("balloon_bundle_id"):
            return [params]
        deadline = time.monotonic() + _BESIDE_S
        # Both rows are written by the same hand, so where the first is seen the second is there in no time.
        while (row := play.world.ledger.row(_PREVIEW, (message["id"], URL_BALLOON))) is None:
            if time.monotonic() > deadline:
                return [params]
        other = {**message, "id": row["id"], "guid": row["guid"], "balloon_bundle_id": URL_BALLOON, "attachments": []}
        return [{**params, "message": message}, {**params, "message": other}]


def write_preview(world: World, args: dict[str, Any]) -> dict[str, Any]:
    """Write the preview of a link: ``chat_id``, ``address`` (null: the owner) and ``url``."""
    from imsg_sdk.sandbox.world.links import link_draft

    chat = world.chat(args["chat_id"])
    member = None if args["address"] is None else world.member(chat, args["address"], chat.service)
    post = world.write(chat, member, link_draft(world, args["url"]))
    return {"rowid": post.rowid, "guid": post.guid}


class TwoChats(Fault, frozen=True, kw_only=True, tag="two_chats"):
    """Puts a message into a second chat: ``other``, or the one with the lowest row id.

    Source: one person by SMS and by iMessage, and numbers that changed; programs before 0.15 report a row once for each
    of its chats, as does this package's server where it speaks as they do.
    """

    METHODS: ClassVar[tuple[str, ...]] = _ROW
    other: int | None = None

    def on_row(self, play: Play, placement: Placement) -> None:
        """Add the chat."""
        other = self.other
        if other is None:
            sql = "SELECT min(ROWID) AS id FROM chat WHERE ROWID NOT IN (SELECT value FROM json_each(?))"
            row = play.world.ledger.row(sql, (str(placement.chat_ids),))
            other = row["id"] if row else None
        if other is not None and other not in placement.chat_ids:
            placement.chat_ids = [*placement.chat_ids, other]


class BacklogFlush(Fault, frozen=True, kw_only=True, tag="backlog_flush"):
    """Lets ``rows`` messages come in at once that were written ``age_s`` seconds ago and later.

    Source: a Mac that slept or was signed out gets days of messages in one minute; gateways answered all of them.
    """

    IS_DEED: ClassVar[bool] = True
    rows: int = 20
    age_s: float = 3 * 86_400.0
    sender: str | None = None
    words: str = "an old message"

    def deed(self, play: Play) -> None:
        """Let them come."""
        from imsg_sdk._time import us_to_apple_ns
        from imsg_sdk.sandbox.world.world import Draft

        world = play.world
        with world.turn() as turn:
            sender = self.sender or self._somebody(world)
            chat = world.direct_chat(sender, "iMessage")
            member = world.member(chat, sender, chat.service)
            first = turn.now_us - round(self.age_s * 1_000_000)
            for index in range(self.rows):
                date = us_to_apple_ns(first + round(index * self.age_s / max(self.rows, 1) * 900_000))
                world.receive(chat, member, Draft(f"{self.words} {index + 1}", fields={"date": date}))

    @staticmethod
    def _somebody(world: World) -> str:
        people = world.circle.all()
        if not people:
            raise LookupError("nobody is there; name a sender")
        return people[0].addresses[0]


class GhostRow(Fault, frozen=True, kw_only=True, tag="ghost_row"):
    """Takes a send and writes an empty row of no chat in its place; the program finds that row and says so.

    Source: macOS 26 does this with sends to chats; 0.9 reports a failure that names the row, 0.14 an unknown outcome.
    """

    METHODS: ClassVar[tuple[str, ...]] = SENDS

    def on_send(self, play: Play, operation: Operation, go_on: Perform) -> Result:
        """Send into nowhere."""
        play.local["is_ghost"] = True
        try:
            go_on(operation)
        finally:
            play.local["is_ghost"] = False
        rowid = play.local.pop("ghost", 0)
        text = (
            f"Messages accepted the chat send but wrote an unjoined empty outgoing row ({rowid});"
            " delivery to the target chat was not confirmed"
        )
        if play.dialect is Dialect.LEGACY:
            raise RpcError.internal(f"AppleScript failed: {text}")
        data = {"retry_safe": False, "disposition": "may_have_completed", "transport": "applescript"}
        raise RpcError(protocol.OUTCOME_UNKNOWN, data | {"operation": "send", "detail": text})

    def beside_row(self, play: Play, placement: Placement) -> None:
        """Make an own row a ghost while such a send goes on."""
        message = placement.message
        if not play.local.get("is_ghost") or not message.is_from_me:
            return
        chat = placement.chat
        message.text = message.attributed_body = None
        message.handle_id = play.world.member(chat, chat.guid, chat.service).handle_id
        placement.chat_ids, placement.reaches = [], False
        placement.then.append(lambda rowid: play.local.update(ghost=rowid))


def _guid(params: Any) -> str:
    message = params["message"]
    return str(message["guid"] if isinstance(message, dict) else message.guid)
