"""What the bridge does besides sending: tapbacks, edits, chats, groups, polls, and looking somebody up."""

from __future__ import annotations

from typing import Any, Final

from imsg_sdk._time import apple_to_us
from imsg_sdk.sandbox import archive, body
from imsg_sdk.sandbox.world.accounts import Chat, stored, takes_imessage
from imsg_sdk.sandbox.world.ledger import Row
from imsg_sdk.sandbox.world.links import link_draft
from imsg_sdk.sandbox.world.reactions import tapback
from imsg_sdk.sandbox.world.state import SECOND_US
from imsg_sdk.sandbox.world.versions import edit, edits, unsend
from imsg_sdk.sandbox.world.world import Draft, Heard, Post, World
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.senders import Operation

__all__ = ["Actions"]

Result = dict[str, Any]

_EDIT_WITHIN_S: Final = 15 * 60
_MOST_EDITS: Final = 5
_UNSEND_WITHIN_S: Final = 2 * 60
_VOTE: Final = 4000


class Actions:
    """Carries out what the bridge is asked for; the chat is there where the method has one."""

    def __init__(self, world: World, dialect: Dialect) -> None:
        self._world = world
        self._dialect = dialect

    def refusal(self, operation: Operation, detail: str) -> RpcError:
        """Return how the bridge says that it cannot do a thing."""
        if self._dialect is Dialect.LEGACY:
            return RpcError.internal(f"Dylib error: {detail}")
        return RpcError.not_dispatched(operation.verb, detail)

    def perform(self, operation: Operation, chat: Chat | None) -> Result:
        """Carry out `operation`."""
        method, _, action = operation.method.partition(".")
        if operation.method in ("handles.check", "chats.create"):
            return self._check(operation) if action == "check" else self._create(operation)
        if operation.method in ("typing", "read") and chat is None:
            return {"ok": True}  # towards somebody with whom there is no chat yet
        if chat is None:
            raise self.refusal(operation, "Chat not found")
        match method:
            case "tapback":
                return self._tapback(operation, chat)
            case "message":
                return self._message(operation, chat, action)
            case "group":
                return self._group(operation, chat, action)
            case "chats":
                return self._chats(chat, action)
            case "poll":
                return self._poll(operation, chat, action)
            case "contacts":
                return {"ok": True, **({"should_share": False} if action == "shouldShareContact" else {})}
            case "typing":
                self._world.hearing(Heard("typing", chat, text="start" if operation.values["typing"] else "stop"))
            case "read":
                self._world.read_by_owner(chat)
        return {"ok": True}

    def _found(self, operation: Operation, chat: Chat) -> Row:
        guid = operation.values["message_id"].strip().rpartition("/")[2].removeprefix("bp:")
        row = self._world.message(guid)
        if row is None or chat.rowid not in self._world.chats_of(row["rowid"]):
            raise self.refusal(operation, "Message not found")
        return row

    def _tapback(self, operation: Operation, chat: Chat) -> Result:
        values = operation.values
        row = self._found(operation, chat)
        tapback(self._world, chat, None, row, values["reaction"], part=values["part_index"])
        self._world.hearing(Heard("tapback", chat, None, values["reaction"], row["guid"]))
        return {"ok": True, "reaction": values["reaction"]}

    def _message(self, operation: Operation, chat: Chat, action: str) -> Result:
        row = self._found(operation, chat)
        if action == "delete":
            self._world.delete(row["rowid"])
            return {"ok": True}
        if not row.get("is_from_me"):
            raise self.refusal(operation, "Message was not sent by this account")
        match action:
            case "edit":
                self._edit(operation, row)
                self._world.hearing(Heard("edit", chat, None, operation.values["text"], row["guid"]))
            case "unsend":
                if self._age_s(row) > _UNSEND_WITHIN_S:
                    raise self.refusal(operation, "Message is too old to be unsent")
                unsend(self._world, row)
                self._world.hearing(Heard("unsend", chat, None, "", row["guid"]))
            case "notifyAnyways":
                self._world.ledger.update("message", row["rowid"], {"did_notify_recipient": 1})
        return {"ok": True}

    def _edit(self, operation: Operation, row: Row) -> None:
        if self._age_s(row) > _EDIT_WITHIN_S:
            raise self.refusal(operation, "Message is too old to be edited")
        if row.get("date_retracted"):
            raise self.refusal(operation, "Message was unsent")
        if edits(row) >= _MOST_EDITS:
            raise self.refusal(operation, "Message was edited too often")
        edit(self._world, row, operation.values["text"])

    def _age_s(self, row: Row) -> float:
        return (self._world.state.now_us() - (apple_to_us(row.get("date")) or 0)) / SECOND_US

    def _group(self, operation: Operation, chat: Chat, action: str) -> Result:
        world, values = self._world, operation.values
        if not chat.has_several:
            raise self.refusal(operation, "Chat is not a group")
        match action:
            case "rename":
                world.ledger.update("chat", chat.rowid, {"display_name": values["name"]})
                world.happen(chat, None, item_type=2, group_title=values["name"] or None)
            case "setIcon":
                world.happen(chat, None, item_type=3, group_action_type=1 if values["file"] else 2)
            case "addParticipant":
                member = world.add_member(chat, values["address"].strip())
                world.happen(chat, None, item_type=1, other_handle=member.handle_id)
            case "removeParticipant":
                leaving = chat.member(values["address"].strip())
                if leaving is None:
                    raise self.refusal(operation, "Participant not found")
                world.remove_member(chat, leaving)
                world.happen(chat, None, item_type=1, group_action_type=1, other_handle=leaving.handle_id)
            case "leave":
                world.happen(chat, None, item_type=3)
        world.hearing(Heard("group", chat, None, action))
        return {"ok": True}

    def _chats(self, chat: Chat, action: str) -> Result:
        world = self._world
        if action == "delete":
            with world.turn(), world.ledger.transaction():
                for row in world.ledger.rows(
                    "SELECT message_id AS id FROM chat_message_join WHERE chat_id = ?", (chat.rowid,)
                ):
                    world.delete(row["id"])
            return {"ok": True}
        newest = world.ledger.row(
            "SELECT m.ROWID AS id FROM message m JOIN chat_message_join j ON j.message_id = m.ROWID"
            " WHERE j.chat_id = ? AND ifnull(m.is_from_me, 0) = 0 ORDER BY m.date DESC, m.ROWID DESC LIMIT 1",
            (chat.rowid,),
        )
        if newest is not None:
            world.ledger.update("message", newest["id"], {"is_read": 0, "date_read": 0})
        return {"ok": True}

    def _create(self, operation: Operation) -> Result:
        world, values = self._world, operation.values
        addresses = [address.strip() for address in values["addresses"] if address.strip()]
        service = "SMS" if (values["service"] or "").lower() == "sms" else "iMessage"
        with world.turn():
            if len(set(map(stored, addresses))) == 1:
                chat = world.direct_chat(addresses[0], service)
            else:
                chat = world.new_chat(addresses, service, name=values["name"])
            result: Result = {"ok": True, "chat_guid": chat.guid}
            if values["text"]:
                result["message_guid"] = world.send(chat, Draft(values["text"])).guid
        return result | {"service": service}

    def _check(self, operation: Operation) -> Result:
        address = operation.values["address"].strip()
        alias = (operation.values["alias_type"] or ("email" if "@" in address else "phone")).lower()
        available = takes_imessage(stored(address)) and self._world.circle.of(address).imessage
        return {
            "ok": True,
            "address": address,
            "alias_type": alias,
            "destination": f"{'mailto' if alias == 'email' else 'tel'}:{address}",
            "id_status": 1 if available else 2,
            "available": available,
            "service": "iMessage",
        }

    def _poll(self, operation: Operation, chat: Chat, action: str) -> Result:
        if action == "send":
            return self._ask(operation, chat)
        world, values = self._world, operation.values
        poll = values["poll_guid"].strip()
        chosen = _selected(world, poll)
        chosen = [key for key in chosen if key != values["option_id"]]
        if action == "vote":
            chosen = [*chosen, values["option_id"]]
        voter = chat.account.address
        payload = archive.poll_votes(chosen, voter)
        post = self._balloon(chat, payload, associated_message_guid=poll, associated_message_type=_VOTE)
        result: Result = {
            "ok": True,
            "event": "imessage.poll.voted" if action == "vote" else "imessage.poll.unvoted",
            "poll_guid": poll,
            "option_id": values["option_id"],
            "guid": post.guid,
            "message_id": post.guid,
        }
        # The older program does not look into the poll, so it cannot name the option.
        if values.get("option_text") is not None:
            result["option_text"] = values["option_text"]
        return result | ({} if action == "vote" else {"remaining_option_ids": chosen})

    def _ask(self, operation: Operation, chat: Chat) -> Result:
        world, values = self._world, operation.values
        with world.turn() as turn:
            options = [(turn.dice.guid(), text.strip()) for text in values["options"] if text.strip()]
        creator = values["creator_handle"] or chat.account.address
        post = self._balloon(chat, archive.poll(values["question"].strip(), options, creator))
        if values["comment"] and not values["suppress_comment"]:
            world.send(chat, Draft(values["comment"]))
        return {"ok": True, "event": "imessage.poll.created", "guid": post.guid, "message_id": post.guid}

    def _balloon(self, chat: Chat, payload: bytes, **fields: Any) -> Post:
        slot = "\ufffd"
        row = {"balloon_bundle_id": archive.POLLS_APP, "payload_data": payload, **fields}
        return self._world.write(chat, None, Draft(slot, body.stretches((slot, {})), fields=row))

    def send_link(self, chat: Chat, url: str) -> Post:
        """Send a link with its preview in one row."""
        return self._world.send(chat, link_draft(self._world, url))


def _selected(world: World, poll: str) -> list[str]:
    """Return what the owner's newest vote chose."""
    from imsg_sdk.server.source import DatabaseFile

    source = DatabaseFile(world.ledger.path, dialect=Dialect.V1)
    try:
        with source.store() as store:
            facts = store.poll(poll)
    finally:
        source.close()
    return list(facts.selected) if facts is not None else []
