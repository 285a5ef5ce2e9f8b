"""The make-believe Messages: what it means to send, to receive, and to have something delivered and read.

All rows are written here, in one transaction each, as Messages would write them.  Who says what when is the business
of :mod:`imsg_sdk.sandbox.world.answers`; what goes wrong takes part through the hooks of :class:`World`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import msgspec

from imsg_sdk.sandbox import body
from imsg_sdk.sandbox.database import DIRECT, GROUP, Attachment, Handle, Message
from imsg_sdk.sandbox.database import Chat as ChatRow
from imsg_sdk.sandbox.schema import TAHOE
from imsg_sdk.sandbox.world.accounts import Account, Accounts, Chat, Circle, Member, read_chat, stored
from imsg_sdk.sandbox.world.ledger import Ledger, Row
from imsg_sdk.sandbox.world.state import SECOND_US, State, Turn

__all__ = ["NOT_ON_IMESSAGE", "Draft", "Heard", "NewChat", "Placement", "Post", "World"]

_SECOND: Final = 1_000_000_000
NOT_ON_IMESSAGE: Final = 22
"""The error of what was sent to somebody without iMessage."""
_DELIVERED_S: Final = (0.3, 2.0)
_MIRRORED_S: Final = 0.3
"""How soon the copy of what one writes to oneself comes in."""


class Draft(msgspec.Struct):
    """A message that is to be written.  ``fields`` are further columns of its row."""

    text: str | None = None
    runs: Sequence[body.Run] | None = None
    files: list[Attachment] = []
    guid: str | None = None
    service: str | None = None
    fields: dict[str, Any] = {}


class Placement(msgspec.Struct):
    """How a row is about to be written: what faults may change."""

    message: Message
    chat: Chat
    chat_ids: list[int]
    then: list[Callable[[int], object]] = []
    """What is done with the row id once the row is there."""
    reaches: bool = True
    """Whether it gets to anybody: is delivered, read and answered."""


class Post(msgspec.Struct, frozen=True):
    """A message that was written."""

    rowid: int
    guid: str
    chat: Chat
    member: Member | None
    """Who wrote it; None is the owner."""
    text: str
    date_ns: int
    service: str = "iMessage"
    reaches: bool = True


class Heard(msgspec.Struct, frozen=True):
    """Something that the people in a chat notice."""

    event: str
    """``message``, ``tapback``, ``edit``, ``unsend``, ``typing``, ``read`` or ``group``."""
    chat: Chat
    member: Member | None = None
    text: str = ""
    guid: str = ""


class NewChat(msgspec.Struct, forbid_unknown_fields=True):
    """A chat that is to be there.  One that ``is_thread`` is of several people, and yet no group on the wire."""

    addresses: list[str]
    name: str | None = None
    service: str | None = None
    account: str | None = None
    is_thread: bool = False


Kind = Callable[["World", dict[str, Any]], dict[str, Any]]
"""Carries out one kind of entry of the agenda; :class:`LookupError` says that what it is about is gone."""


class World:
    """Messages, its database and its owner.

    Parameters
    ----------
    state
        Time, chance and everything that is not in the database.
    ledger
        The database.
    """

    def __init__(self, state: State, ledger: Ledger) -> None:
        self.state = state
        self.ledger = ledger
        self.accounts = Accounts(state)
        self.circle = Circle(ledger, state)
        self.placing: Callable[[Placement], None] = lambda _: None
        self.hearing: Callable[[Heard], None] = lambda _: None
        self.changed: Callable[[], None] = lambda: None
        self.kinds: dict[str, Kind] = dict(_KINDS)
        self.sent: list[Post] = []
        """What the owner has sent in this turn."""

    def turn(self) -> AbstractContextManager[Turn]:
        """Change the world in one piece; inside another turn this belongs to that one."""
        return self.state.turn()

    def after(self, seconds: float, kind: str, *, is_background: bool = False, **args: Any) -> None:
        """Let something happen in so many seconds: one of :attr:`kinds`."""
        with self.turn() as turn:
            due = turn.now_us + round(max(seconds, 0.0) * SECOND_US)
            self.state.enter(due, kind, args, is_background=is_background)
        self.changed()

    def do(self, kind: str, args: dict[str, Any]) -> dict[str, Any]:
        """Carry out one of :attr:`kinds`."""
        with self.turn():
            return self.kinds[kind](self, args)

    def chat(self, rowid: int) -> Chat:
        """Return a chat; it must be there."""
        found = read_chat(self.ledger, rowid, self.accounts)
        if found is None:
            raise LookupError(f"no chat {rowid}")
        return found

    def find_chat(self, name: str | int) -> Chat | None:
        """Return a chat by row id, guid or identifier."""
        if isinstance(name, int):
            return read_chat(self.ledger, name, self.accounts)
        row = self.ledger.row(
            "SELECT ROWID AS id FROM chat WHERE guid = ?1 OR chat_identifier = ?1 ORDER BY guid = ?1 DESC, ROWID",
            (name,),
        )
        return None if row is None else self.chat(row["id"])

    def chat_with(self, name: int | str) -> Chat:
        """Return a chat that must be there, by row id, guid or identifier."""
        chat = self.find_chat(name)
        if chat is None:
            raise LookupError("no such chat")
        return chat

    def direct_chat(self, address: str, service: str, account: Account | None = None) -> Chat:
        """Return the chat with one address, made where there is none."""
        address = stored(address)
        for prefix in (service, "any"):
            if (found := self.find_chat(f"{prefix};-;{address}")) is not None:
                return found
        return self.new_chat([address], service, account=account)

    def new_chat(
        self,
        addresses: Sequence[str],
        service: str,
        *,
        name: str | None = None,
        account: Account | None = None,
        is_thread: bool = False,
    ) -> Chat:
        """Make a chat.  With `is_thread` one of several people that the wire does not call a group."""
        account = account or self.accounts.default
        addresses = list(dict.fromkeys(map(stored, addresses)))
        with self.turn() as turn, self.ledger.transaction() as database:
            prefix = "any" if database.system.has(TAHOE) else service
            is_group = len(addresses) > 1
            identifier = f"chat{turn.dice.between(10**17, 10**18 - 1)}" if is_group else addresses[0]
            handles = [self._handle(address, service) for address in addresses]
            row = ChatRow(
                0,
                f"{prefix};{'+' if is_group and not is_thread else '-'};{identifier}",
                GROUP if is_group and not is_thread else DIRECT,
                identifier,
                service,
                account_id=account.guid or None,
                room_name=identifier if is_group else None,
                account_login=account.login,
                last_addressed_handle=account.address,
                display_name=name,
                group_id=turn.dice.guid(),
            )
            rowid = database.add_chat(row, handles)
        return self.chat(rowid)

    def make_chat(self, wanted: NewChat) -> Chat:
        """Make a chat that somebody asks for; one person's is found where it is there."""
        service = wanted.service
        if service is None:
            service = "iMessage" if all(self.circle.of(each).imessage for each in wanted.addresses) else "SMS"
        account = self.accounts.of(wanted.account)
        if len(wanted.addresses) == 1:
            return self.direct_chat(wanted.addresses[0], service, account)
        return self.new_chat(wanted.addresses, service, name=wanted.name, account=account, is_thread=wanted.is_thread)

    def add_member(self, chat: Chat, address: str) -> Member:
        """Put somebody into a chat."""
        address = stored(address)
        with self.turn(), self.ledger.transaction() as database:
            handle_id = self._handle(address, chat.service)
            database.connection.execute(
                "INSERT OR IGNORE INTO chat_handle_join (chat_id, handle_id) VALUES (?, ?)", (chat.rowid, handle_id)
            )
        return Member(handle_id, address, chat.service)

    def remove_member(self, chat: Chat, member: Member) -> None:
        """Take somebody out of a chat."""
        self.ledger.execute(
            "DELETE FROM chat_handle_join WHERE chat_id = ? AND handle_id = ?", (chat.rowid, member.handle_id)
        )

    def member(self, chat: Chat, address: str, service: str) -> Member:
        """Return somebody as the writer of a message in a chat, whoever that is."""
        address = stored(address)
        found = chat.member(address)
        if found is not None and found.service == service:
            return found
        with self.turn():
            return Member(self._handle(address if found is None else found.address, service), address, service)

    def newest(self, chat: Chat, member: Member | None) -> Row:
        """Return the newest message of somebody in a chat; None is the owner."""
        whose = "ifnull(m.is_from_me, 0) = 1" if member is None else "ifnull(m.is_from_me, 0) = 0 AND m.handle_id = ?2"
        row = self.ledger.row(
            "SELECT m.ROWID AS rowid, m.* FROM chat_message_join j JOIN message m ON m.ROWID = j.message_id"
            f" WHERE j.chat_id = ?1 AND {whose} AND ifnull(m.associated_message_type, 0) = 0"
            " AND ifnull(m.item_type, 0) = 0"
            " ORDER BY j.message_id DESC LIMIT 1",
            (chat.rowid,) if member is None else (chat.rowid, member.handle_id),
        )
        if row is None:
            raise LookupError("no message to do that to")
        return row

    def thread_of(self, row: Row, part: int = 0) -> dict[str, Any]:
        """Return the columns of a reply to a message; it belongs to the thread of what it answers."""
        length = body.utf16_length(self.text_of(row))
        return {
            "thread_originator_guid": row.get("thread_originator_guid") or row["guid"],
            "thread_originator_part": row.get("thread_originator_part") or f"{part}:0:{length}",
        }

    def _handle(self, address: str, service: str) -> int:
        row = self.ledger.row("SELECT ROWID AS id FROM handle WHERE id = ? AND service = ?", (address, service))
        if row is not None:
            return int(row["id"])
        with self.ledger.transaction() as database:
            handle_id = database.add_handle(Handle(0, address, None, service))
            database.flush()
        return handle_id

    def send(self, chat: Chat, draft: Draft) -> Post:
        """Send something as the owner; delivery and reading follow in time."""
        if (draft.service or chat.service) == "iMessage" and not self._takes_imessage(chat):
            draft.fields = {**draft.fields, "error": NOT_ON_IMESSAGE, "is_sent": 0}
        with self.turn():
            post = self.write(chat, None, draft)
            self.sent.append(post)
            if not post.reaches:
                return post
            self.follow(post)
            if self._is_self(chat):
                self.after(_MIRRORED_S, "mirror", guid=post.guid, chat_id=chat.rowid)
            elif not (draft.fields.get("item_type") or draft.fields.get("error")):
                self.hearing(Heard("message", chat, None, post.text, post.guid))
        return post

    def receive(self, chat: Chat, member: Member, draft: Draft) -> Post:
        """Let somebody else's message come in."""
        with self.turn():
            post = self.write(chat, member, draft)
            if chat.has_several:
                self.hearing(Heard("overheard", chat, member, post.text, post.guid))
        return post

    def mirror(self, guid: str, chat_id: int) -> Post:
        """Let the copy of a message to oneself come in."""
        chat, row = self.chat(chat_id), self.found(guid)
        return self.write(chat, chat.members[0], Draft(self.text_of(row), service=row["service"]))

    def write(self, chat: Chat, member: Member | None, draft: Draft) -> Post:
        """Write one row with all that belongs to it."""
        with self.turn() as turn:
            message = self._message(turn, chat, member, draft)
            placement = Placement(message, chat, [chat.rowid])
            self.placing(placement)
            date = message.date or 0
            with self.ledger.transaction() as database:
                there = self.ledger.row("SELECT ROWID AS id FROM message WHERE guid = ?", (message.guid,))
                # There already: a process was killed when it had written the row and not yet struck off the entry.
                rowid = there["id"] if there else database.add_message(message, placement.chat_ids, draft.files)
            for action in placement.then:
                action(rowid)
        text, service = draft.text or "", message.service or ""
        return Post(rowid, message.guid, chat, member, text, date, service, placement.reaches)

    def _message(self, turn: Turn, chat: Chat, member: Member | None, draft: Draft) -> Message:
        service = draft.service or chat.service
        message = Message(
            guid=draft.guid or turn.dice.guid(),
            service=service,
            date=turn.stamp_ns(),
            destination_caller_id=chat.account.address,
            account=chat.account.login,
            account_guid=chat.account.guid or None,
            reply_to_guid=self._last_guid(chat),
        )
        if member is None:
            message.is_from_me = message.is_sent = 1
            message.handle_id = 0 if chat.has_several or not chat.members else chat.members[0].handle_id
        else:
            message.handle_id = member.handle_id
            message.is_delivered = 1
        if draft.text is not None:
            # On recent systems most texts stand in the body only.
            only_body = turn.dice.chance(self.state.get("body_only", 0.3))
            message.text = None if only_body else draft.text
            message.attributed_body = body.attributed(draft.text, draft.runs) if draft.runs else body.plain(draft.text)
        for name, value in draft.fields.items():
            setattr(message, name, value)
        return message

    def _last_guid(self, chat: Chat) -> str | None:
        row = self.ledger.row(
            "SELECT m.guid FROM chat_message_join j JOIN message m ON m.ROWID = j.message_id WHERE j.chat_id = ?"
            " ORDER BY j.message_id DESC LIMIT 1",
            (chat.rowid,),
        )
        return None if row is None else row["guid"]

    def _takes_imessage(self, chat: Chat) -> bool:
        return chat.has_several or all(self.circle.of(member.address).imessage for member in chat.members)

    def _is_self(self, chat: Chat) -> bool:
        return len(chat.members) == 1 and self.accounts.owns(chat.members[0].address)

    def follow(self, post: Post) -> None:
        """Have an own message delivered; SMS tells nothing."""
        if post.service != "iMessage" or not post.chat.members:
            return
        low, high = _DELIVERED_S
        with self.turn() as turn:
            self.after(low + (high - low) * turn.dice.random(), "deliver", guid=post.guid)

    def deliver(self, guid: str) -> None:
        """Mark an own message as delivered, unless it failed."""
        row = self.found(guid)
        if not row.get("error"):
            with self.turn() as turn:
                values = {"is_delivered": 1, "date_delivered": turn.stamp_ns()}
                self.ledger.update("message", row["rowid"], values)

    def read_by_peer(self, chat: Chat, member: Member) -> None:
        """Let somebody read the owner's messages of a direct chat, and tell where the person tells."""
        person = self.circle.of(member.address)
        if chat.has_several or chat.service != "iMessage" or not person.receipts:
            return
        with self.turn() as turn, self.ledger.transaction():
            now = turn.stamp_ns()
            rows = self.ledger.rows(
                "SELECT * FROM (SELECT m.ROWID AS rowid, m.* FROM chat_message_join j"
                " JOIN message m ON m.ROWID = j.message_id WHERE j.chat_id = ? ORDER BY j.message_id DESC LIMIT 200)"
                " WHERE is_from_me = 1 AND ifnull(is_read, 0) = 0 AND service = 'iMessage'",
                (chat.rowid,),
            )
            for row in rows:
                if row.get("error"):
                    continue
                values = {"is_read": 1, "date_read": now, "is_delivered": 1}
                if not row.get("date_delivered"):
                    values["date_delivered"] = now
                self.ledger.update("message", row["rowid"], values)

    def read_by_owner(self, chat: Chat) -> int:
        """Read what came in; return how many messages that were."""
        with self.turn() as turn, self.ledger.transaction():
            now = turn.stamp_ns()
            rows = self.ledger.rows(
                "SELECT m.ROWID AS id FROM message m JOIN chat_message_join j ON j.message_id = m.ROWID"
                " WHERE j.chat_id = ? AND ifnull(m.is_from_me, 0) = 0 AND ifnull(m.is_read, 0) = 0",
                (chat.rowid,),
            )
            for row in rows:
                self.ledger.update("message", row["id"], {"is_read": 1, "date_read": now})
            if self.ledger.has("chat", "last_read_message_timestamp"):
                self.ledger.update("chat", chat.rowid, {"last_read_message_timestamp": now})
        self.hearing(Heard("read", chat))
        return len(rows)

    def message(self, key: int | str) -> Row | None:
        """Return a message row by row id or guid, in any case of letters."""
        where = "ROWID = ?" if isinstance(key, int) else "guid = ?"
        row = self.ledger.row(f"SELECT ROWID AS rowid, * FROM message WHERE {where}", (key,))
        if row is None and isinstance(key, str):  # without an index, so only where it must be
            row = self.ledger.row("SELECT ROWID AS rowid, * FROM message WHERE guid = ? COLLATE NOCASE", (key,))
        return row

    def found(self, key: int | str) -> Row:
        """Return a message row that must be there."""
        row = self.message(key)
        if row is None:
            raise LookupError("no such message")
        return row

    def chats_of(self, rowid: int) -> list[int]:
        """Return the chats of a message."""
        rows = self.ledger.rows("SELECT chat_id FROM chat_message_join WHERE message_id = ? ORDER BY 1", (rowid,))
        return [row["chat_id"] for row in rows]

    def text_of(self, row: Row) -> str:
        """Return the text of a message row."""
        from imsg_sdk.chatdb.imsg_text import decode_body

        if isinstance(row.get("text"), str) and row["text"]:
            return str(row["text"])
        stored = row.get("attributedBody")
        return decode_body(stored) if isinstance(stored, bytes) else ""

    def delete(self, rowid: int) -> None:
        """Move a message to Recently Deleted; older systems have no such place."""
        with self.turn() as turn, self.ledger.transaction() as database:
            if self.ledger.has("chat_recoverable_message_join"):
                for chat_id in self.chats_of(rowid):
                    database.connection.execute(
                        "INSERT OR IGNORE INTO chat_recoverable_message_join (chat_id, message_id, delete_date)"
                        " VALUES (?, ?, ?)",
                        (chat_id, rowid, turn.stamp_ns()),
                    )
            else:
                database.connection.execute("DELETE FROM message WHERE ROWID = ?", (rowid,))
            database.connection.execute("DELETE FROM chat_message_join WHERE message_id = ?", (rowid,))

    def happen(self, chat: Chat, member: Member | None, **fields: Any) -> Post:
        """Write the row of something that happened to a group."""
        return self.write(chat, member, Draft(fields={"part_count": None, **fields}))


def _update(world: World, args: dict[str, Any]) -> dict[str, Any]:
    """Change columns of a message: ``guid`` or ``rowid``, and ``values``."""
    row = world.found(args.get("rowid") or args["guid"])
    world.ledger.update("message", row["rowid"], args["values"])
    return {}


def _link(world: World, args: dict[str, Any]) -> dict[str, Any]:
    """Put a message into a chat: ``guid`` or ``rowid``, and ``chat_id``."""
    row = world.found(args.get("rowid") or args["guid"])
    with world.ledger.transaction() as database:
        if args["chat_id"] not in world.chats_of(row["rowid"]):
            database.link(args["chat_id"], row["rowid"], row.get("date"))
    return {}


def _deliver(world: World, args: dict[str, Any]) -> dict[str, Any]:
    world.deliver(args["guid"])
    return {}


def _mirror(world: World, args: dict[str, Any]) -> dict[str, Any]:
    post = world.mirror(args["guid"], args["chat_id"])
    return {"guid": post.guid}


_KINDS: Final[dict[str, Kind]] = {"deliver": _deliver, "mirror": _mirror, "update": _update, "link": _link}
