"""Rows that break readers, in chats of their own; each kind has been seen in real databases.

Grouped as people meet them: texts, bodies, links between tables, dates, tapbacks, edits, groups, attachments.
"""

from __future__ import annotations

import plistlib
from collections.abc import Callable, Sequence

from imsg_sdk.sandbox import archive, body
from imsg_sdk.sandbox.database import DIRECT, Attachment, Chat, Database, Message
from imsg_sdk.sandbox.history.chats import ChatSpec, Registry
from imsg_sdk.sandbox.history.conversation import Contact, Conversation, Setting
from imsg_sdk.sandbox.history.media import JPEG, PLUGIN
from imsg_sdk.sandbox.people import Person
from imsg_sdk.sandbox.schema import HIGH_SIERRA, TAHOE

__all__ = ["AwkwardRows"]

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
SLOT = "\ufffc"
NOWHERE = 900_000_000
"""A row id that no row has."""

FAMILY = "👨‍👩‍👧‍👦"
Told = Callable[[Message, Sequence[int], Sequence[Attachment], str | None, str], None]


def _person(name: str) -> Person:
    return Person(name.title(), "en", "gb", None, f"{name}@example.com", "")


class AwkwardRows:
    """Adds the awkward rows to a database.

    Parameters
    ----------
    date
        Nanoseconds since 2001 from which their dates count.
    told
        Called for every row: message, chats, attachments, text a person sees, kind.
    """

    def __init__(self, database: Database, registry: Registry, setting: Setting, date: int, told: Told) -> None:
        self._database = database
        self._registry = registry
        self._setting = setting
        self._told = told
        self._date = date
        self._chat = self._new_chat("awkward")
        self._chat_ids = (self._registry.chat_ids[-1],)

    def _new_chat(self, name: str, spec: ChatSpec | None = None) -> Conversation:
        return self._registry.conversation(spec or ChatSpec("talk", [_person(name)]))

    def _enter(self, name: str) -> None:
        """Go on in a chat of its own."""
        self._chat = self._new_chat(name)
        self._chat_ids = (self._registry.chat_ids[-1],)

    @property
    def _contact(self) -> Contact:
        return self._chat.members[0]

    def _message(self, text: str | None = None, **fields: object) -> Message:
        self._date += MINUTE
        message = self._chat.message(None if fields.pop("mine", False) else self._contact, self._date)
        message.text = text
        for name, value in fields.items():
            setattr(message, name, value)
        return message

    def _put(
        self,
        message: Message,
        text: str | None,
        *,
        kind: str = "message",
        chat_ids: Sequence[int] | None = None,
        files: Sequence[Attachment] = (),
    ) -> int:
        chats = self._chat_ids if chat_ids is None else chat_ids
        rowid = self._database.add_message(message, chats, files)
        self._told(message, chats, files, text, kind)
        return rowid

    def _say(self, text: str | None = None, **fields: object) -> int:
        return self._put(self._message(text, **fields), text)

    def add_all(self) -> None:
        """Add every row of the checklist."""
        for add in (
            self._texts,
            self._bodies,
            self._raw_texts,
            self._links,
            self._dates,
            self._tapbacks,
            self._edits,
            self._groups,
            self._attachments,
        ):
            add()

    def _texts(self) -> None:
        body_only = ["Only in the body", f"Hi {FAMILY} Ada 👍🏽 🇮🇹", "x" * 1_000_000]
        body_only += ["é" * 100, *("x" * size for size in (127, 128, 129, 145, 146, 255, 32_767, 32_768))]
        body_only += ["NSString NSDictionary + NSNumber iI", "before ㆄ after", "ↄ first", "a\u0000b", "tab\tnew\nline"]
        body_only += ["abc \u202e desrever", "שלום abc 123 مرحبا", "\u200fright", "\u200d joined", "  kept  ", "\ufffe"]
        for style, text in enumerate(body_only):
            self._put(self._message(attributed_body=body.plain(text, style % 4)), text)
        text = "In the body, while text is empty"
        self._put(self._message("", attributed_body=body.plain(text)), text)
        self._put(self._message(None, attributed_body=body.plain("", 0)), "")
        self._put(self._message("", attributed_body=b""), "")
        self._put(self._message(None), None)
        for service in (None, "rcs", "Foo", "iMessageLite"):
            self._say(f"By {service}", service=service)
        runs = body.stretches((f"{FAMILY} and ", {}), ("Ada", {body.MENTION: "awkward@example.com"}), ("!", {}))
        text = f"{FAMILY} and Ada!"
        self._put(self._message(attributed_body=body.attributed(text, runs)), text)

    def _bodies(self) -> None:
        self._enter("damaged")
        whole = body.plain("This text is longer than what is left of it")
        wrong = bytearray(whole)
        wrong[wrong.index(b"\x84\x01+") + 3] = 0x7E
        damaged = [whole[:60], whole[:130], bytes(wrong), b"\x00\xff" * 40, b"bplist00\xd0\x08", whole[:-20], b"\x04"]
        for blob in damaged:
            self._say("The text stands beside it", attributed_body=blob)
            # What a reader can salvage is its own affair: nothing is promised here.
            self._put(self._message(attributed_body=blob), None, kind="damaged")
        utf16 = b"\xff\xfe" + "plain UTF-16 ✓".encode("utf-16-le")
        self._put(self._message(attributed_body=utf16), "plain UTF-16 ✓")
        bad = body.plain("caf\u00e9").replace("é".encode(), b"\xe9\xff")
        self._put(self._message(attributed_body=bad), "caf\ufffd\ufffd", kind="damaged")

    def _raw_texts(self) -> None:
        """Texts that no driver binds as text: invalid bytes, surrogates, NUL."""
        self._enter("bytes")
        for raw in (b"caf\xe9 ol\xe9", b"cut \xf0\x9f\x98", "lone \ud83d".encode("utf-8", "surrogatepass"), b"a\x00b"):
            rowid = self._put(self._message("?"), raw.decode("utf-8", "replace"), kind="damaged")
            self._database.flush()
            self._database.connection.execute("UPDATE message SET text = CAST(? AS TEXT) WHERE ROWID = ?", (raw, rowid))

    def _links(self) -> None:
        self._enter("loose-ends")
        first = self._chat_ids[0]
        self._say("In one chat")
        self._put(self._message("In no chat"), "In no chat", chat_ids=())
        self._put(self._message("In a chat that is gone"), "In a chat that is gone", chat_ids=(NOWHERE,))
        two = (first, self._registry.chat_ids[0])
        self._put(self._message("In two chats"), "In two chats", chat_ids=two)
        self._put(self._message("Also in one that is gone"), "Also in one that is gone", chat_ids=(first, NOWHERE))
        self._database.link(first, NOWHERE, self._date)
        deleted = self._message("Deleted yesterday")
        self._database.add_recently_deleted(deleted, first, self._date + 86_400 * SECOND)
        self._told(deleted, (), (), "Deleted yesterday", "deleted")
        for handle_id in (None, 0, NOWHERE):
            self._say("From nobody known", handle_id=handle_id)
        for guid in ("not-a-uuid", "0f1e2d3c-0000-4000-8000-00000000beef", "a b'c/d:e", "p:0/inside"):
            self._say("Strange guid", guid=guid)
        other = "iMessage" if self._setting.system.has(TAHOE) else "any"
        address = self._contact.address
        twin = Chat(0, f"{other};-;{address}", DIRECT, address, "iMessage")
        chat_id = self._database.add_chat(twin, [self._contact.handle_id])
        self._registry.chat_ids.append(chat_id)
        self._put(self._message("Another chat with me"), "Another chat with me", chat_ids=(chat_id,))
        self._say("Reply to nothing", thread_originator_guid="GONE", thread_originator_part="x")

    def _dates(self) -> None:
        self._enter("dates")
        seconds = 1 if 0 < self._setting.system.rank < HIGH_SIERRA else SECOND
        now = self._date // SECOND * seconds
        for date in (0, None, -5 * 365 * 86_400 * seconds, 9_120_000_000 * seconds, now + 10**9 * seconds):
            self._put_dated(date, f"Dated {date}")
        for date in (412_345_678, 700_000_000, 1):
            self._put_dated(date, "Dated in seconds")

    def _put_dated(self, date: int | None, text: str) -> None:
        message = self._message(text, date=date, date_read=0)
        in_seconds, self._database.in_seconds = self._database.in_seconds, False
        self._put(message, text)
        self._database.in_seconds = in_seconds

    def _tapbacks(self) -> None:
        self._enter("tapbacks")
        target = self._message("React to me")
        self._put(target, "React to me")
        guid = target.guid
        self._react(2000, f"p:0/{guid}")
        self._react(2001, f"p:0/{guid}")
        self._react(2003, f"bp:{guid}", mine=True)
        self._react(2004, guid, handle_id=NOWHERE)
        self._react(3005, f"p:0/{guid}")
        self._react(2000, f"p:12/{guid}")
        self._react(2006, f"p:1/{guid}", associated_message_emoji=None)
        self._react(2006, f"p:2/{guid}", associated_message_emoji="🏴󠁧󠁢󠁷󠁬󠁳󠁿")
        self._react(2007, f"p:0/{guid}")
        self._react(3007, f"p:0/{guid}")
        self._react(1000, f"p:0/{guid}")
        self._react(2000, "p:0/GONE")
        self._react(2001, "p:0/")
        self._react(2002, None)
        self._react(5000, f"p:0/{guid}")
        self._say("Loved “React to me”", service="SMS")

    def _react(self, kind: int, about: str | None, **fields: object) -> None:
        name = "Reacted to “React to me”"
        message = self._message(name, associated_message_type=kind, associated_message_guid=about, **fields)
        self._put(message, name, kind="tapback" if kind != 5000 else "unknown")

    def _edits(self) -> None:
        self._enter("edits")
        seconds = self._date / SECOND
        versions = [(seconds + 60 * n, body.plain(f"Version {n}")) for n in range(6)]
        last = body.plain("Version 5")
        five = archive.edit_summary({0: versions}, [9])
        self._put(self._message(attributed_body=last, message_summary_info=five, date_edited=self._date), "Version 5")
        self._put(self._message(attributed_body=last, message_summary_info=five), "Version 5")
        bare = plistlib.dumps(
            {"ec": {"10": [{"d": seconds, "t": last}], "2": []}, "ust": True}, fmt=plistlib.FMT_BINARY
        )
        self._say("No ranges", message_summary_info=bare, date_edited=self._date)
        self._say("Summary is nonsense", message_summary_info=b"bplist00nonsense", date_edited=self._date)
        whole = archive.edit_summary({}, [13], [0])
        gone = self._message(None, message_summary_info=whole, date_retracted=self._date, is_empty=1)
        self._put(gone, None, kind="unsent")
        parts = archive.edit_summary({}, [1, 5, 1], [1])
        files = [self._file(part) for part in (0, 2)]
        runs: list[body.Run] = [
            (1, {body.FILE: file.guid, body.PART: part}) for part, file in zip((0, 2), files, strict=True)
        ]
        partly = self._message(None, message_summary_info=parts, date_edited=self._date, part_count=3)
        partly.attributed_body = body.attributed(SLOT * 2, runs)
        self._put(partly, SLOT * 2, kind="partly unsent", files=files)

    def _groups(self) -> None:
        crowd = [_person(f"guest{n:02d}") for n in range(31)]
        self._chat = self._new_chat("", ChatSpec("group", crowd, name="Party 🎉\nof 32"))
        self._chat_ids = (self._registry.chat_ids[-1],)
        for contact in self._chat.members:
            self._say("Me too!", handle_id=contact.handle_id)
        left = self._registry.contact(_person("leftlongago"), "iMessage")
        self._say("I was here before I left", handle_id=left.handle_id)
        for name in (None, ""):
            self._chat = self._new_chat("", ChatSpec("group", crowd[:3], name=name))
            self._chat_ids = (self._registry.chat_ids[-1],)
            self._say(f"The name of this group is {name!r}")
        self._put(self._message(item_type=99, group_action_type=7), None, kind="event")

    def _file(self, part: int = 0) -> Attachment:
        shelf, dice = self._setting.shelf, self._chat.dice
        return shelf.attachment(JPEG, part, self._date, outgoing=False, dice=dice)

    def _attachments(self) -> None:
        self._enter("files")
        nameless, negative, escaping, far = (self._file() for _ in range(4))
        nameless.filename = nameless.transfer_name = nameless.mime_type = nameless.uti = None
        negative.total_bytes, negative.filename = -1, "~/Library/Messages/Attachments/00/00/no such~file.jpeg"
        escaping.filename, escaping.transfer_name = "~/Library/Messages/Attachments/../../../etc/x.jpeg", "../../x.jpeg"
        far.filename = "/var/folders/zz/T/com.example/of another machine.jpeg"
        far.created_date = -86_400
        for file in (nameless, negative, escaping, far):
            self._put(self._message(SLOT), SLOT, files=[file])
        five = [self._file(part) for part in range(3)]
        self._put(self._message(SLOT * 5), SLOT * 5, files=five)
        shared = self._file()
        self._put(self._message("No slot, one file"), "No slot, one file", files=[shared])
        self._put(self._message(SLOT), SLOT, files=[shared])
        payload = self._setting.shelf.attachment(PLUGIN, 0, self._date, outgoing=False, dice=self._chat.dice)
        payload.hide_attachment = 1
        self._put(self._message("Only a payload"), "Only a payload", files=[payload])
        rowid = self._say("A file that is not there", cache_has_attachments=1)
        self._database.attach(rowid, NOWHERE)
        self._say("Says it has files", cache_has_attachments=1)
