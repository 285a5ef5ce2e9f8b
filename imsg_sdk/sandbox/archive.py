"""The property lists that Messages keeps beside a text: summaries, edits, link and poll payloads.

Pure: values in, bytes out.
"""

from __future__ import annotations

import base64
import json
import plistlib
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from imsg_sdk.chatdb.polls import POLLS_BUNDLE
from imsg_sdk.chatdb.previews import URL_BALLOON

__all__ = [
    "EXTENSION",
    "POLLS_APP",
    "URL_BALLOON",
    "app",
    "edit_summary",
    "link",
    "poll",
    "poll_votes",
    "reaction_summary",
    "user_info",
]

EXTENSION: Final = "com.apple.messages.MSMessageExtensionBalloonPlugin:"
POLLS_APP: Final = EXTENSION + f"0000000000:{POLLS_BUNDLE}"
"""Values of ``balloon_bundle_id``: who draws what stands in ``payload_data``."""

PlistValue = Any


def _plist(value: PlistValue) -> bytes:
    return plistlib.dumps(value, fmt=plistlib.FMT_BINARY)


class _Keyed:
    """An ``NSKeyedArchiver`` of the objects that payloads are made of."""

    def __init__(self) -> None:
        self.objects: list[PlistValue] = ["$null"]
        self._classes: dict[str, plistlib.UID] = {}

    def put(self, value: PlistValue) -> plistlib.UID:
        """Store a value; return where."""
        uid = plistlib.UID(len(self.objects))
        self.objects.append(value)
        return uid

    def kind(self, *names: str) -> plistlib.UID:
        """Store a class once."""
        if names[0] not in self._classes:
            self._classes[names[0]] = self.put({"$classname": names[0], "$classes": list(names)})
        return self._classes[names[0]]

    def url(self, address: str) -> plistlib.UID:
        """Store an ``NSURL``."""
        return self.put(
            {"NS.base": plistlib.UID(0), "NS.relative": self.put(address), "$class": self.kind("NSURL", "NSObject")}
        )

    def dictionary(self, items: Mapping[str, plistlib.UID]) -> plistlib.UID:
        """Store an ``NSDictionary``."""
        return self.put(
            {
                "NS.keys": [self.put(key) for key in items],
                "NS.objects": list(items.values()),
                "$class": self.kind("NSDictionary", "NSObject"),
            }
        )

    def bytes(self, root: plistlib.UID) -> bytes:
        """Return the archive."""
        return _plist(
            {"$version": 100_000, "$archiver": "NSKeyedArchiver", "$top": {"root": root}, "$objects": self.objects}
        )


def link(address: str, title: str, summary: str, site: str, icon: bytes) -> bytes:
    """Return the payload of a link preview."""
    keyed = _Keyed()
    image = keyed.put({"richLinkImageAttachmentSubstituteIndex": 0, "$class": keyed.kind("RichLinkImage", "NSObject")})
    metadata = keyed.put(
        {
            "version": 1,
            "title": keyed.put(title),
            "summary": keyed.put(summary),
            "siteName": keyed.put(site),
            "URL": keyed.url(address),
            "originalURL": keyed.url(address),
            "image": image,
            "icon": keyed.put(icon),
            "$class": keyed.kind("LPLinkMetadata", "NSObject"),
        }
    )
    whole = {"richLinkMetadata": metadata, "richLinkIsPlaceholder": False}
    return keyed.bytes(keyed.put({**whole, "$class": keyed.kind("RichLink", "NSObject")}))


def app(name: str, address: str, caption: str, subcaption: str, session: str) -> bytes:
    """Return the payload of an app's balloon."""
    keyed = _Keyed()
    info = keyed.dictionary({"caption": keyed.put(caption), "subcaption": keyed.put(subcaption)})
    items = {
        "an": keyed.put(name),
        "ldtext": keyed.put(caption),
        "layoutClass": keyed.put("MSMessageTemplateLayout"),
        "URL": keyed.url(address),
        "sessionIdentifier": keyed.put(session),
        "userInfo": info,
    }
    return keyed.bytes(keyed.dictionary(items))


def _data_url(value: PlistValue) -> str:
    packed = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return "data:," + base64.b64encode(packed).decode().replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def poll(title: str, options: Sequence[tuple[str, str]], creator: str) -> bytes:
    """Return the payload of a poll, or of options added to one; options are (id, text)."""
    choices = [
        {"optionIdentifier": key, "text": text, "attributedText": "", "creatorHandle": creator, "canBeEdited": True}
        for key, text in options
    ]
    item = {"title": title, "creatorHandle": creator, "orderedPollOptions": choices}
    keyed = _Keyed()
    url = keyed.url(_data_url({"version": 1, "item": item}))
    return keyed.bytes(keyed.dictionary({"URL": url, "an": keyed.put("Polls"), "ldtext": keyed.put("Poll")}))


def poll_votes(votes: Sequence[str], voter: str) -> bytes:
    """Return the payload of a vote; no votes take back what was voted."""
    chosen = [{"voteOptionIdentifier": key, "participantHandle": voter} for key in votes]
    keyed = _Keyed()
    url = keyed.url(_data_url({"version": 1, "item": {"votes": chosen}}))
    return keyed.bytes(keyed.dictionary({"URL": url, "an": keyed.put("Polls")}))


def edit_summary(
    versions: Mapping[int, Sequence[tuple[float, bytes]]],
    lengths: Sequence[int],
    retracted: Sequence[int] = (),
) -> bytes:
    """Return the summary of an edited or unsent message.

    Parameters
    ----------
    versions
        By part: seconds since 2001 and body of every version, the original first.
    lengths
        Length of each original part in UTF-16 units.
    retracted
        Parts taken back.
    """
    ranges: dict[str, PlistValue] = {}
    place = 0
    for part, length in enumerate(lengths):
        ranges[str(part)] = {"lo": place, "le": length}
        place += length
    summary: dict[str, PlistValue] = {"otr": ranges, "ust": True, "amc": 0}
    if versions:
        summary["ec"] = {str(part): [{"d": d, "t": t} for d, t in each] for part, each in versions.items()}
        summary["ep"] = list(versions)
    if retracted:
        summary["rp"] = list(retracted)
    return _plist(summary)


_REACTION_HEAD = b"bplist00\xd3\x01\x02\x03\x04\x05\x06SamcSamsSust\x10\x01\x09"
_REACTION_OFFSETS = (8, 15, 19, 23, 27, 30, 29)


def reaction_summary(text: str) -> bytes:
    """Return the summary of a tapback: ``{amc: 1, ams: text, ust: true}``.

    Written by hand, since one row in ten needs it and the library takes twenty times as long.
    """
    if text.isascii():
        data, size, marker = text.encode(), len(text), 0x50
    else:
        data = text.encode("utf-16-be", "surrogatepass")
        size, marker = len(data) // 2, 0x60
    if size < 15:
        length = bytes((marker | size,))
    elif size < 256:
        length = bytes((marker | 15, 0x10, size))
    else:
        length = bytes((marker | 15, 0x11)) + size.to_bytes(2, "big")
    body = _REACTION_HEAD + length + data
    table = bytes(_REACTION_OFFSETS)
    return body + table + struct.pack(">6x2B3Q", 1, 1, 7, 0, len(body))


def user_info(**values: PlistValue) -> bytes:
    """Return the ``user_info`` of an attachment; underscores in names become hyphens."""
    return _plist({name.replace("_", "-"): value for name, value in values.items()})
