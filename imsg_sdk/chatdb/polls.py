"""Polls: what a poll or vote row says.

The facts are gathered by the names of keys from all that the payload holds, see
:mod:`imsg_sdk.chatdb.payloads`.  Nothing here raises on any input.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any, Final

import msgspec

from imsg_sdk.chatdb.imsg_text import strip_blank

__all__ = ["POLLS_BUNDLE", "UPDATE_TYPE", "VOTE_TYPE", "Poll", "PollVote", "decode_poll", "is_polls_bundle"]

POLLS_BUNDLE: Final = "com.apple.messages.Polls"
VOTE_TYPE: Final = 4000
UPDATE_TYPE: Final = 2


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
    # What opens payloads (property lists, XML, URLs) is slow to load, and most histories hold no poll.
    from imsg_sdk.chatdb.payloads import Payload, nodes

    scan = Payload(payload, summary)
    facts = _Facts(nodes(scan.objects))
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

    def __init__(self, nodes: Iterable[Any]) -> None:
        self.question: str | None = None
        self.guid: str | None = None
        self.creator: str | None = None
        self.participants: list[str] = []
        self.options: dict[str, str] = {}
        self.votes: list[PollVote] = []
        self.has_empty_votes = False
        for node in nodes:
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
