"""The ways to send: by AppleScript, and by the bridge.

Params were checked by the server.  What the shapes of success rest on: V seen, S read in the sources of 0.14.1,
A read in those of 0.9, ? inferred here.

===============================  ====  ==========================================================================
``send`` by AppleScript          A S   ``id`` and ``guid`` only where the row was found again; ``message_id``,
                                       ``chat_guid`` and ``service`` since 0.10
``send`` by the bridge           A S   never ``id``
found again, before 0.14         A     by the text column, so never a text that stands in the body only
not found again                  A S   a bare ok before 0.14, -32001 since; a file alone is not looked for
file and text                    A ?   AppleScript: text, then file, two rows; bridge: one row with both
service ``auto``                 S     known by SMS only: sms; not on iMessage: sms if that is allowed, else error 22
``send.tracked``                 S     the bridge's answer, and ``attempt_id`` in lower case
``send.rich``, ``.attachment``   A     ``guid`` and ``message_id``, equal
``send.multipart``               D     one row with a run for each part; ``id`` is its row id (?)
``send.sticker``                 S     ``transfer_guid`` besides (its value ?)
``tapback``                      A     a row of its own; taking it back deletes that and adds the removal (chat-db)
``message.*``, ``group.*``       A     ``{"ok": true}``; rows as real databases have them, limits of time as Apple's
``chats.create``                 A S   ``chat_guid``; with a text ``message_guid``, ``service``
``poll.*``                       S     events and ids; ``poll`` and ``comment`` are left out
``handles.check``                S ?   names of the keys; ``id_status`` 1 or 2
``contacts.*``                   ?     ``ok`` and one flag
an unknown message               ?     refused before dispatch, as what the helper cannot find
without a bridge                 V ?   as on a machine without Messages, where that names the bridge (``refusals``);
                                       ``send`` works by AppleScript
===============================  ====  ==========================================================================
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from imsg_sdk.sandbox import body
from imsg_sdk.sandbox.world.accounts import Chat, takes_imessage
from imsg_sdk.sandbox.world.actions import Actions
from imsg_sdk.sandbox.world.files import SLOT, filed, files_of, present, stage
from imsg_sdk.sandbox.world.refusals import NoBridge
from imsg_sdk.sandbox.world.world import Draft, Post, World
from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.paths import expand_home
from imsg_sdk.server.requests.targets import Target
from imsg_sdk.server.senders import Operation

__all__ = ["Sending"]

Result = dict[str, Any]
Formatting = list[dict[str, Any]] | None

_NOT_ALLOWED: Final = "Not authorized to send Apple events to Messages. (-1743)"
_PLAIN: Final = frozenset("0123456789 +-.()")


class Sending:
    """Carries out what there is a Messages for.

    Parameters
    ----------
    world
        Where it happens.
    dialect
        Decides how results are told.
    """

    def __init__(self, world: World, dialect: Dialect) -> None:
        self._world = world
        self._dialect = dialect
        self._unbridged = NoBridge(dialect)
        self._actions = Actions(world, dialect)

    def perform(self, operation: Operation, *, has_bridge: bool) -> Result:
        """Carry out an operation, or refuse it."""
        sends = operation.method == "send"
        if sends and not (has_bridge and _is_bridged(operation)) and operation.values["transport"].lower() != "bridge":
            return self._by_applescript(operation)
        if not has_bridge:
            return self._unbridged.perform(operation)
        match operation.method:
            case "send" | "send.tracked":
                return self._bridged(operation)
            case "send.rich":
                return self._rich(operation)
            case "send.attachment":
                return self._attachment(operation)
            case "send.multipart":
                return self._multipart(operation)
            case "send.sticker":
                return self._sticker(operation)
        return self._actions.perform(operation, self._chat_of(operation))

    def _chat_of(self, operation: Operation) -> Chat | None:
        target = operation.target
        if target.row is not None:
            return self._world.chat(target.row.chat_id)
        if target.to is not None:
            return self._world.find_chat(target.to)
        if target == Target():
            return None
        raise self._actions.refusal(operation, "Chat not found")

    # AppleScript

    def _by_applescript(self, operation: Operation) -> Result:
        values = operation.values
        if not self._world.state.get("automation", True):
            raise RpcError.internal(f"AppleScript failed: {_NOT_ALLOWED}")
        chat, service = self._addressed(operation)
        path = present(values["file"]) if values["file"] else None
        posted: Post | None = None
        if values["text"]:
            posted = self._world.send(chat, Draft(values["text"], service=service))
        if path:
            self._send_file(chat, path, service=service, fields={})
        result: Result = {"ok": True, "transport": "applescript"}
        if posted is not None and self._is_found(posted):
            result |= {"id": posted.rowid, "guid": posted.guid, "message_id": posted.guid}
        return result | {"chat_guid": chat.guid, "service": service}

    def _is_found(self, post: Post) -> bool:
        """Return whether the program finds the row of what it has sent; the older one looks at a column only."""
        if self._dialect is Dialect.V1:
            return True
        row = self._world.message(post.rowid)
        return row is not None and row["text"] == post.text

    def _addressed(self, operation: Operation) -> tuple[Chat, str]:
        """Return the chat and the service that a send comes to."""
        target, values = operation.target, operation.values
        if target.to is None:
            if target.row is not None:
                chat = self._world.chat(target.row.chat_id)
                return chat, chat.service
            identifier = target.identifier or (target.guid or "").rpartition(";")[2]
            if not _is_handle(identifier):
                raise RpcError.internal("AppleScript failed: Can't get chat id. (-1728)")
            address, wanted = identifier, "auto"
        else:
            address, wanted = _normalised(target.to, values["region"]), values["service"]
        return self._by_address(address, wanted, target, allow_sms=values["allow_sms_fallback"])

    def _by_address(self, address: str, wanted: str, target: Target, *, allow_sms: bool) -> tuple[Chat, str]:
        world = self._world
        row = target.row
        if wanted == "auto":
            known_by_sms = row is not None and row.service in ("SMS", "RCS")
            on_imessage = world.circle.of(address).imessage and takes_imessage(address)
            wanted = "imessage" if on_imessage and not known_by_sms else "sms"
            if wanted == "sms" and not allow_sms and not known_by_sms:
                return world.direct_chat(address, "iMessage"), "iMessage"
        service = "SMS" if wanted == "sms" else "iMessage"
        # Messages finds the chat of the service, whichever one the program found by the bare address.
        is_of_service = row is not None and (row.service == service or (row.guid or "").startswith("any;"))
        chat = world.chat(row.chat_id) if row is not None and is_of_service else world.direct_chat(address, service)
        return chat, service

    # the bridge

    def _bridged(self, operation: Operation) -> Result:
        values = operation.values
        chat = self._known(operation)
        draft = Draft(values["text"] or None, fields=self._thread(operation, values["reply_to"], 0))
        draft.runs = _styled(values["text"], values["text_formatting"])
        if operation.method == "send.tracked":
            draft.guid = values["attempt_id"].upper()
        if values["file"]:
            self._with_file(draft, values["file"], values["text_formatting"])
        post = self._world.send(chat, draft)
        result = {"ok": True, "transport": "bridge", "guid": post.guid, "message_id": post.guid}
        result |= {"chat_guid": chat.guid, "service": post.service}
        if operation.method == "send.tracked":
            result["attempt_id"] = values["attempt_id"].lower()
        return result

    def _known(self, operation: Operation) -> Chat:
        chat = self._chat_of(operation)
        if chat is None:
            raise self._actions.refusal(operation, "Chat not found")
        return chat

    def _rich(self, operation: Operation) -> Result:
        values = operation.values
        chat = self._known(operation)
        if values["url"] is not None:
            return _told(self._actions.send_link(chat, values["url"]))
        fields = self._thread(operation, values["reply_to"], values["part_index"])
        fields |= {"expressive_send_style_id": values["effect_id"], "subject": values["subject"]}
        draft = Draft(values["text"] or None, fields=fields, runs=_styled(values["text"], values["text_formatting"]))
        if values["file"] is not None:
            self._with_file(draft, values["file"], values["text_formatting"])
        return _told(self._world.send(chat, draft))

    def _attachment(self, operation: Operation) -> Result:
        values = operation.values
        chat = self._known(operation)
        path = present(values["file"])
        fields = self._thread(operation, values["reply_to"], values["part_index"] or 0)
        if values["audio"]:
            fields |= {"is_audio_message": 1, "is_expirable": 1}
        return _told(self._send_file(chat, path, fields=fields))

    def _multipart(self, operation: Operation) -> Result:
        values = operation.values
        chat = self._known(operation)
        texts = [part["text"] for part in values["parts"]]
        runs: list[body.Run] = []
        for index, part in enumerate(values["parts"]):
            runs += _styled(part["text"], part.get("text_formatting", part.get("textFormatting")), part=index)
        fields = {"expressive_send_style_id": values["effect_id"], "subject": values["subject"]}
        fields["part_count"] = len(texts)
        post = self._world.send(chat, Draft("".join(texts), runs, fields=fields))
        return _told(post) | {"id": post.rowid, "chat_guid": chat.guid, "parts_count": len(texts)}

    def _sticker(self, operation: Operation) -> Result:
        values = operation.values
        chat = self._known(operation)
        path = present(values["file"])
        fields: dict[str, Any] = {}
        if values["attach_to"]:
            guid = values["attach_to"].rpartition("/")[2]
            fields = {"associated_message_guid": f"p:{values['part_index'] or 0}/{guid}"}
            fields["associated_message_type"] = 1000
        post = self._send_file(chat, path, fields=fields, is_sticker=1)
        return _told(post) | {"transfer_guid": next(iter(files_of(self._world, post.rowid)), "")}

    def _thread(self, operation: Operation, reply_to: str | None, part: int) -> dict[str, Any]:
        """Return the columns of a reply; it belongs to the thread of what it answers."""
        if not reply_to:
            return {}
        row = self._world.message(reply_to.rpartition("/")[2])
        if row is None:
            raise self._actions.refusal(operation, "Message not found")
        return self._world.thread_of(row, part)

    def _with_file(self, draft: Draft, path: str, formatting: Formatting) -> None:
        if self._dialect is Dialect.V1 and not Path(expand_home(path)).is_file():
            detail = "The attachment could not be staged before bridge dispatch."
            raise RpcError.not_dispatched("send-attachment", detail)
        file = stage(self._world, present(path))
        words = draft.text or ""
        draft.files = [file]
        draft.text = SLOT + words
        draft.runs = [*filed([file.guid], ""), *_styled(words, formatting, part=1)]
        draft.fields = {**draft.fields, "part_count": 1 + bool(words)}

    def _send_file(
        self,
        chat: Chat,
        path: str,
        *,
        service: str | None = None,
        fields: dict[str, Any],
        is_sticker: int = 0,
    ) -> Post:
        file = stage(self._world, path)
        file.is_sticker = is_sticker
        return self._world.send(chat, Draft(SLOT, filed([file.guid], ""), [file], service=service, fields=fields))


def _is_bridged(operation: Operation) -> bool:
    """Return whether the bridge is taken where there is one."""
    return operation.target.is_known_chat and operation.values["transport"].lower() != "applescript"


def _told(post: Post) -> Result:
    return {"ok": True, "guid": post.guid, "message_id": post.guid}


def _styled(text: str, formatting: Formatting, *, part: int = 0) -> list[body.Run]:
    """Return the runs of a text with styles: ranges given as ``start``, ``length`` and ``styles``."""
    if not formatting or not text:
        return body.stretches((text, {}), part=part)
    ends = {0, len(text)}
    ranges: list[tuple[int, int, list[str]]] = []
    for piece in formatting:
        start, length = piece.get("start", piece.get("location")), piece.get("length")
        styles = piece.get("styles", piece.get("style"))
        names = [styles] if isinstance(styles, str) else styles
        if isinstance(start, int) and isinstance(length, int) and isinstance(names, list):
            ranges.append((start, start + length, [name for name in names if name in body.STYLES]))
            ends |= {min(max(start, 0), len(text)), min(max(start + length, 0), len(text))}
    cuts = sorted(ends)
    pieces = []
    for low, high in pairwise(cuts):
        styles_here = [name for start, end, names in ranges if start <= low < end for name in names]
        pieces.append((text[low:high], {body.STYLES[name]: 1 for name in styles_here}))
    return body.stretches(*pieces, part=part)


def _is_handle(text: str) -> bool:
    return "@" in text or (bool(text) and _PLAIN.issuperset(text))


def _normalised(address: str, region: str) -> str:
    """Return a number with its country, as the program reads it in `region`; anything else stays."""
    if "@" in address or not _PLAIN.issuperset(address) or not address.strip():
        return address
    import phonenumbers

    try:
        number = phonenumbers.parse(address, region)
    except phonenumbers.NumberParseException:
        return address
    if not phonenumbers.is_possible_number(number):
        return address
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
