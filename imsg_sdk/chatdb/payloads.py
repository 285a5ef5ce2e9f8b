"""Payloads of app messages: everything that can be read out of them.

They come in many wrappings: keyed archive, property list, JSON or text, and inside these once more as data
or as the content of a URL.  All are opened.  Nothing here raises on any input.
"""

from __future__ import annotations

import plistlib
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final
from urllib.parse import unquote_to_bytes, urlsplit
from xml.parsers.expat import ExpatError

import msgspec

from imsg_sdk.chatdb.imsg_text import strip_blank

__all__ = ["Payload", "nodes", "read_plist"]

_DEPTH: Final = 32
_NODES: Final = 20_000
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BASE64: Final = re.compile(r"[\w+/=-]{8,}")
_URL_LENGTH: Final = 65_536


class Payload:
    """The objects of a payload, with those inside its data values and URLs."""

    def __init__(self, payload: bytes, summary: bytes) -> None:
        self.objects: list[Any] = [*_objects(payload), *_objects(summary)]
        self.scheme: str | None = None
        self.host: str | None = None
        self.query_keys: set[str] = set()
        for data in [node for node in nodes(self.objects) if isinstance(node, bytes)]:
            self.objects += _objects(data)
        for text in [node for node in nodes(self.objects) if isinstance(node, str)]:
            self._open_url(strip_blank(text))

    @property
    def hints_at_poll(self) -> bool:
        """Return whether scheme or host of the URL name a poll."""
        return any("poll" in (part or "").lower() for part in (self.scheme, self.host))

    def _open_url(self, text: str) -> None:
        if len(text) > _URL_LENGTH or not _URL.match(text):
            return
        try:
            parts = urlsplit(text)
            lowered = parts.hostname
        except ValueError:
            return
        at = parts.netloc.lower().rfind(lowered) if lowered else -1
        host = parts.netloc[at : at + len(lowered)] if lowered and at >= 0 else lowered
        scheme = text.partition(":")[0]
        self.scheme = self.scheme or scheme
        self.host = self.host or host
        if scheme.lower() == "data":
            content = re.split(r"[?#]", text.partition(",")[2], maxsplit=1)[0]
            self.objects += _embedded(_percent_decoded(content))
        for item in filter(None, parts.query.split("&")):
            name, equals, value = item.partition("=")
            self.query_keys.add(_percent_decoded(name))
            if equals:
                self.objects += _embedded(_percent_decoded(value))


def _objects(data: bytes) -> list[Any]:
    """Open one piece of data in every way that works."""
    if not data:
        return []
    found = _structured(data)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return found
    return [*found, text, *_embedded(text)]


def _structured(data: bytes) -> list[Any]:
    found: list[Any] = []
    if (plist := read_plist(data)) is not None:
        found.append(plist)
        if (resolved := _resolve_archive(plist)) is not None:
            found.append(resolved)
    if data.lstrip()[:1] in (b"{", b"["):
        with suppress(msgspec.DecodeError, RecursionError):  # text that only looks like JSON
            found.append(msgspec.json.decode(data))
    return found


def _embedded(text: str) -> list[Any]:
    """Open what a URL carries: structured text, or the same in base64."""
    text = _percent_decoded(text)
    found = _structured(text.encode("utf-8", "surrogatepass"))
    compact = strip_blank(text)
    if _BASE64.fullmatch(compact):
        plain = compact.replace("-", "+").replace("_", "/")
        try:
            data = b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        except (Base64Error, ValueError):
            return found
        found += _objects(data)
    return found


def _percent_decoded(text: str) -> str:
    """Undo percent encoding; text that holds a wrong sequence stays as it is."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError:
        return text


def read_plist(data: bytes) -> Any:
    """Read a property list, binary or XML; None if it is none."""
    if not data.startswith((b"bplist", b"<?xml", b"<plist", b"<!DOCTYPE")):
        return None
    try:
        return plistlib.loads(data)
    except (
        plistlib.InvalidFileException,
        ExpatError,
        ValueError,
        LookupError,
        TypeError,
        OverflowError,
        RecursionError,
    ):
        return None


def _resolve_archive(plist: Any) -> Any:
    """Follow the references of a keyed archive from its root."""
    if not isinstance(plist, dict):
        return None
    objects, top = plist.get("$objects"), plist.get("$top")
    if not isinstance(objects, list) or not isinstance(top, dict):
        return None
    uids = [value.data for value in top.values() if isinstance(value, plistlib.UID)]
    root = top.get("root")
    start = root.data if isinstance(root, plistlib.UID) else next(iter(uids), None)
    return None if start is None else _Resolver(objects).at(start, frozenset())


class _Resolver:
    """Turns the object table of a keyed archive into plain values."""

    def __init__(self, objects: list[Any]) -> None:
        self._objects = objects
        self._left = _NODES

    def at(self, index: int, seen: frozenset[int]) -> Any:
        if not 0 < index < len(self._objects) or index in seen or len(seen) >= _DEPTH:
            return None
        return self._value(self._objects[index], seen | {index}, 0)

    def _value(self, value: Any, seen: frozenset[int], depth: int) -> Any:
        self._left -= 1
        if depth > _DEPTH or self._left < 0:
            return None
        if isinstance(value, plistlib.UID):
            return self.at(value.data, seen)
        if isinstance(value, list):
            return self._list(value, seen, depth)
        if not isinstance(value, dict):
            return value
        if "NS.relative" in value:
            return self._url(value, seen, depth)
        keys, values = value.get("NS.keys"), value.get("NS.objects")
        if isinstance(keys, list) and isinstance(values, list):
            pairs: Iterable[tuple[Any, Any]] = (
                (self._value(key, seen, depth + 1), one) for key, one in zip(keys, values, strict=False)
            )
        elif isinstance(values, list):
            return self._list(values, seen, depth)
        else:
            pairs = ((key, one) for key, one in value.items() if key not in ("$class", "$classes", "$classname"))
        resolved = {key: self._value(one, seen, depth + 1) for key, one in pairs if isinstance(key, str)}
        return {key: one for key, one in resolved.items() if one is not None}

    def _list(self, values: list[Any], seen: frozenset[int], depth: int) -> list[Any]:
        resolved = (self._value(one, seen, depth + 1) for one in values)
        return [one for one in resolved if one is not None]

    def _url(self, value: dict[str, Any], seen: frozenset[int], depth: int) -> Any:
        relative = self._value(value["NS.relative"], seen, depth + 1)
        base = self._value(value.get("NS.base"), seen, depth + 1)
        if isinstance(relative, str) and isinstance(base, str) and not _URL.match(relative):
            return base.rstrip("/") + "/" + relative.lstrip("/")
        return relative if isinstance(relative, str) else None


def nodes(objects: Iterable[Any]) -> Iterator[Any]:
    """Walk through objects in depth, parents first."""
    left = _NODES
    stack = [(one, 0) for one in reversed(list(objects))]
    while stack and left:
        node, depth = stack.pop()
        left -= 1
        yield node
        children: Iterable[Any] = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        if depth + 1 < _DEPTH:
            stack += [(child, depth + 1) for child in reversed(list(children))]
