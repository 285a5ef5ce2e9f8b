"""Polls: what the payload of a poll or vote row says.

The payload comes in many wrappings: keyed archive, property list, JSON or text, and inside these once more
as data or as the content of a URL.  All are opened, and the facts are gathered by the names of keys.
Nothing here raises on any input.
"""

from __future__ import annotations

import plistlib
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator
from contextlib import suppress
from math import isfinite
from typing import Any, Final
from urllib.parse import unquote_to_bytes, urlsplit
from xml.parsers.expat import ExpatError

import msgspec

from imsg_sdk.chatdb.imsg_text import strip_blank

__all__ = ["POLLS_BUNDLE", "UPDATE_TYPE", "VOTE_TYPE", "Poll", "PollVote", "decode_poll", "is_polls_bundle"]

POLLS_BUNDLE: Final = "com.apple.messages.Polls"
VOTE_TYPE: Final = 4000
UPDATE_TYPE: Final = 2
_DEPTH: Final = 32
_NODES: Final = 20_000
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BASE64: Final = re.compile(r"[\w+/=-]{8,}")
_URL_LENGTH: Final = 65_536


class PollVote(msgspec.Struct, frozen=True):
    """One selection of one person."""

    option_id: str
    participant: str | None
    event_type: str
    server_time: str | None = None


class Poll(msgspec.Struct, kw_only=True):
    """A poll, a vote or a row of the poll app of which nothing can be read."""

    kind: str
    """``created``, ``vote`` or ``unknown``."""
    poll_guid: str | None
    question: str | None = None
    options: dict[str, str] = {}
    """Option text by option id, in payload order."""
    votes: list[PollVote] = []
    original_guid: str | None = None
    creator: str | None = None
    participants: list[str] = []
    metadata: dict[str, Any] = {}


def is_polls_bundle(balloon: str) -> bool:
    """Return whether a balloon id is that of Apple's polls, as an extension or bare."""
    return balloon == POLLS_BUNDLE or balloon.endswith(":" + POLLS_BUNDLE)


def decode_poll(
    *,
    balloon: str,
    payload: bytes,
    summary: bytes,
    associated_type: int | None,
    associated_guid: str,
    guid: str,
    sender: str,
) -> Poll | None:
    """Decode a row, None if it has nothing to do with polls.

    Parameters
    ----------
    associated_guid
        As stored; a part prefix is taken off.
    sender
        Who sent the row; stands in for a voter or creator that the payload does not name.
    """
    is_vote = associated_type == VOTE_TYPE
    if not is_polls_bundle(balloon) and not is_vote:
        return None
    scan = _Scan(payload, summary)
    facts = _Facts(scan.objects)
    if not is_polls_bundle(balloon) and not (facts.votes or facts.has_empty_votes or scan.hints_at_poll):
        return None
    target = (associated_guid.rpartition("/")[2] or associated_guid) or None
    votes = [msgspec.structs.replace(vote, participant=vote.participant or sender or None) for vote in facts.votes]
    creator = facts.creator
    metadata = {
        "bundle_id": balloon or None,
        "associated_message_type": associated_type,
        "payload_bytes": len(payload) or None,
        "summary_bytes": len(summary) or None,
        "url_scheme": scan.scheme,
        "url_host": scan.host,
        "query_keys": sorted(scan.query_keys) or None,
    }
    poll = Poll(kind="unknown", poll_guid=facts.guid or target or guid or None, original_guid=target)
    poll.metadata = {key: value for key, value in metadata.items() if value is not None}
    if is_vote or votes:
        poll.kind = "vote" if votes or facts.has_empty_votes else "unknown"
        poll.question, poll.options, poll.votes = facts.question, facts.options, votes
    elif facts.question or facts.options:
        poll.kind, poll.poll_guid = "created", facts.guid or guid or None
        poll.question, poll.options = facts.question, facts.options
        poll.original_guid = target if associated_type == UPDATE_TYPE else None
        creator = creator or sender or None
    poll.creator = creator
    people = [*facts.participants, creator, *(vote.participant for vote in votes)]
    poll.participants = sorted({name for person in people if (name := strip_blank(person or ""))})
    return poll


class _Facts:
    """What the objects of a payload say, gathered by the names of keys; the first word counts."""

    def __init__(self, objects: Iterable[Any]) -> None:
        self.question: str | None = None
        self.guid: str | None = None
        self.creator: str | None = None
        self.participants: list[str] = []
        self.options: dict[str, str] = {}
        self.votes: list[PollVote] = []
        self.has_empty_votes = False
        for node in _nodes(objects):
            if isinstance(node, dict):
                self._take(node)

    def _take(self, node: dict[str, Any]) -> None:
        self.question = self.question or _word(node, "question", "title", "prompt", "pollQuestion")
        self.guid = self.guid or _word(node, "pollGUID", "pollGuid", "pollIdentifier", "pollID", "pollId", "poll_guid")
        self.creator = self.creator or _word(node, "creatorHandle", "creator", "creatorIdentifier", "createdBy")
        for key in ("participants", "participantHandles", "participantIdentifiers"):
            names = [strip_blank(name) for name in _array(node.get(key)) if isinstance(name, str)]
            if any(names):
                self.participants += filter(None, names)
                break
        for raw in _first_array(node, "orderedPollOptions", "pollOptions", "options", "choices"):
            if option := _option(raw):
                self.options.setdefault(*option)
        self._take_votes(node)

    def _take_votes(self, node: dict[str, Any]) -> None:
        raw = _first_array(node, "votes", "pollVotes", "responses")
        if not raw and "voteOptionIdentifier" in node:
            raw = [node]
        votes = [vote for one in raw if (vote := _vote(one))]
        known = {(vote.option_id, vote.participant or "") for vote in self.votes}
        for vote in votes:
            if (vote.option_id, vote.participant or "") not in known:
                self.votes.append(vote)
                known.add((vote.option_id, vote.participant or ""))
        if not votes and any(node.get(key) == [] for key in ("votes", "pollVotes", "responses")):
            self.has_empty_votes = True


class _Scan:
    """The objects of a payload, with those inside its data values and URLs."""

    def __init__(self, payload: bytes, summary: bytes) -> None:
        self.objects: list[Any] = [*_objects(payload), *_objects(summary)]
        self.scheme: str | None = None
        self.host: str | None = None
        self.query_keys: set[str] = set()
        for data in [node for node in _nodes(self.objects) if isinstance(node, bytes)]:
            self.objects += _objects(data)
        for text in [node for node in _nodes(self.objects) if isinstance(node, str)]:
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
    if (plist := _plist(data)) is not None:
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


def _plist(data: bytes) -> Any:
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


def _nodes(objects: Iterable[Any]) -> Iterator[Any]:
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


def _word(node: dict[str, Any], *keys: str) -> str | None:
    for key in keys:
        value = node.get(key)
        if isinstance(value, str):
            if word := strip_blank(value):
                return word
        elif isinstance(value, bool):
            return "1" if value else "0"
        elif isinstance(value, int | float):
            return str(int(value)) if isfinite(value) and value == int(value) else repr(value)
    return None


def _array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _first_array(node: dict[str, Any], *keys: str) -> list[Any]:
    return next((found for key in keys if (found := _array(node.get(key)))), [])


def _option(raw: Any) -> tuple[str, str] | None:
    if isinstance(raw, str):
        text = strip_blank(raw)
        return (text, text) if text else None
    if not isinstance(raw, dict):
        return None
    text = _word(raw, "pollOptionText", "text", "title", "label", "value") or ""
    ident = _word(raw, "optionIdentifier", "identifier", "id", "optionID", "optionId", "option_id")
    return (ident or text, text) if text else None


def _vote(raw: Any) -> PollVote | None:
    if not isinstance(raw, dict):
        return None
    option = _word(raw, "voteOptionIdentifier", "optionID", "optionId", "option_id")
    if option is None:
        return None
    removed = any(isinstance(raw.get(key), int | float) and raw[key] for key in ("removed", "isRemoved", "isRemoval"))
    return PollVote(
        option,
        _word(raw, "participantHandle", "participant", "participantIdentifier", "handle", "sender"),
        _word(raw, "eventType", "type", "action") or ("removed" if removed else "selected"),
        _word(raw, "serverVoteTime", "serverTime", "timestamp"),
    )
