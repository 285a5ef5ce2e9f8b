"""Who is answered: the rules, in order, and nothing else.

Every drop reason is born here.  No I/O, no clock, no randomness: what a rule needs to know of the world is a fact
that was found before (:mod:`imsg_sdk.gateway.facts`).  :func:`decide`, :func:`explain` and the back-test run one
and the same tuple of rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from imsg_sdk.addressing import AllowEntry, AllowKind
from imsg_sdk.config.settings import DmPolicy, GatewayConfig, GroupPolicy
from imsg_sdk.errors import ConfigError
from imsg_sdk.gateway.commands import command_detector
from imsg_sdk.gateway.mentions import Mention, MentionPatterns, name_pattern
from imsg_sdk.gateway.reasons import Reason, remedy
from imsg_sdk.models import Message
from imsg_sdk.text import trim

__all__ = ["RULES", "AllowList", "Decision", "Explanation", "Facts", "Policy", "Rule", "Verdict", "decide", "explain"]

_CHAT_ID = re.compile(r"0|-?[1-9][0-9]*")
_SAYS_NOTHING: Final = "\x01"
"""A text in which nobody is spoken to."""
_PLACEHOLDER_CHARACTER: Final = "\ufffc"


class AllowList:
    """The entries of one list, sorted by what they name so that asking costs the same however long the list is."""

    __slots__ = ("anyone", "chat_ids", "guids", "handles", "identifiers", "is_empty")

    def __init__(self, entries: tuple[AllowEntry, ...]) -> None:
        def values(kind: AllowKind) -> frozenset[Any]:
            return frozenset(entry.value for entry in entries if entry.kind is kind)

        self.is_empty = not entries
        self.anyone = bool(values(AllowKind.ANYONE))
        self.handles = values(AllowKind.HANDLE) - {""}
        self.chat_ids = values(AllowKind.CHAT_ID)
        self.guids = values(AllowKind.CHAT_GUID) - {""}
        self.identifiers = values(AllowKind.CHAT_IDENTIFIER) - {""}

    def admits(self, message: Message, handle: str) -> bool:
        """Tell whether an entry names the sender, given in normal form, or the chat; no entries name nobody."""
        if self.anyone or handle in self.handles or message.chat_id in self.chat_ids:
            return True
        if self.guids and message.chat_guid and trim(message.chat_guid) in self.guids:
            return True
        return bool(self.identifiers and message.chat_identifier and trim(message.chat_identifier) in self.identifiers)


class Policy:
    """A :class:`GatewayConfig`, compiled once.

    Parameters
    ----------
    config
        The settings.
    require_mention
        Beats what the settings say of every group.
    listed_chats_are_groups
        Treat a direct chat that `config.groups` lists by its own id as a group.
    quotes_in_body
        Also write the message that one answers into the body of its context.
    commands
        Words that count as control commands, without the slash; None means those of the reference.
    max_age_s, max_replayed_age_s
        Oldest message that is answered, when it arrives live and when it is made up for after a pause; None takes
        what the settings say.

    Raises
    ------
    ConfigError
        Mention patterns are configured and none of them is valid.
    """

    def __init__(
        self,
        config: GatewayConfig,
        *,
        require_mention: bool | None = None,
        listed_chats_are_groups: bool = False,
        quotes_in_body: bool = False,
        commands: tuple[str, ...] | None = None,
        max_age_s: float | None = None,
        max_replayed_age_s: float | None = None,
    ) -> None:
        self.config = config
        self.max_age_s = config.max_age_s if max_age_s is None else max_age_s
        self.max_replayed_age_s = config.max_replayed_age_s if max_replayed_age_s is None else max_replayed_age_s
        self.dm_list = AllowList(config.allow_from)
        self.group_list = AllowList(_group_entries(config))
        self.groups = config.groups or {}
        self.mentions = MentionPatterns(_pattern_sources(config))
        self.detects_mentions = bool(self.mentions)
        self.has_command = command_detector() if commands is None else command_detector(commands)
        self.quotes_in_body = quotes_in_body
        self._listed_are_groups = listed_chats_are_groups
        self._require_mention = require_mention
        self.warnings = tuple(_warnings(self))

    def __repr__(self) -> str:
        return f"<Policy dm={self.config.dm_policy} groups={self.config.group_policy}>"

    def is_group(self, message: Message) -> bool:
        """Tell whether the rules for groups hold for this message."""
        return bool(message.is_group) or (
            self._listed_are_groups and bool(message.chat_id) and str(message.chat_id) in self.groups
        )

    def lists_group(self, chat_id: int | None) -> bool:
        """Tell whether the registry of groups, if there is one, holds this chat or ``*``."""
        return not self.groups or "*" in self.groups or str(chat_id) in self.groups

    def requires_mention(self, chat_id: int | None) -> bool:
        """Tell whether a message of this group must speak to us: its own entry, else that of ``*``, else yes."""
        if self._require_mention is not None:
            return self._require_mention
        for name in (str(chat_id), "*"):
            group = self.groups.get(name)
            if group is not None and group.require_mention is not None:
                return group.require_mention
        return True

    def authorizes_commands(self, message: Message, handle: str) -> bool:
        """Tell whether the sender of a group message may give control commands."""
        if self.config.use_access_groups is None:
            return self.group_list.is_empty or self.group_list.admits(message, handle)
        if not self.config.use_access_groups:
            return True
        return self.dm_list.admits(message, handle) or self.group_list.admits(message, handle)


def _group_entries(config: GatewayConfig) -> tuple[AllowEntry, ...]:
    if config.group_allow_from is not None:
        return config.group_allow_from
    # Opening direct messages to everyone does not open groups.
    return tuple(entry for entry in config.allow_from if entry.kind is not AllowKind.ANYONE)


def _pattern_sources(config: GatewayConfig) -> tuple[str, ...]:
    if config.mention_patterns is not None:
        return config.mention_patterns
    derived = name_pattern(config.identity_name)
    return (derived,) if derived else ()


def _warnings(policy: Policy) -> list[str]:
    invalid = policy.mentions.invalid
    named = [f"mentionPatterns[{pattern.index}] {pattern.source!r}: {pattern.reason}" for pattern in invalid]
    if invalid and not policy.mentions:
        raise ConfigError(
            f"no mention pattern is valid: {'; '.join(named)}",
            path="messages.groupChat.mentionPatterns",
            hint="write JavaScript regular expressions, or leave the key out",
        )
    found = [f"left out, not a usable pattern: {each}" for each in named]
    groups_speak = policy.config.group_policy is not GroupPolicy.DISABLED and (
        policy.config.group_policy is GroupPolicy.OPEN or not policy.group_list.is_empty
    )
    if groups_speak and not policy.mentions and policy.requires_mention(None):
        found.append(
            "in groups, all that allowed people write is answered: set messages.groupChat.mentionPatterns, "
            'or imessage.groupPolicy to "disabled"'
        )
    if groups_speak and policy.mentions.match(_SAYS_NOTHING) is Mention.MENTIONED:
        found.append("a mention pattern matches every text: in groups, all that allowed people write is answered")
    odd = [name for name in policy.groups if name != "*" and not _CHAT_ID.fullmatch(name)]
    return found + [f"imessage.groups: {name[:40]!r} is no chat id and matches no group" for name in odd]


class Facts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the rules know beside message and policy; found by :func:`imsg_sdk.gateway.facts.gather_facts`."""

    sender: str = ""
    """The sender, trimmed."""
    handle: str = ""
    """The normal form of the sender."""
    text: str = ""
    """The text, trimmed."""
    is_group: bool = False
    mention: Mention = Mention.NOT_MENTIONED
    age_s: float | None = None
    """Age when it was received; None where that does not count."""
    is_replayed: bool = False
    """It was made up for after a pause."""
    is_duplicate: bool = False
    carried_by: int | None = None
    """Row of the later message that its text was merged into."""
    is_echo: bool = False
    is_self_message: bool = False
    """Written by the owner to themselves, and no echo."""
    is_paired: bool = False
    """The sender's pairing code was approved."""
    is_looping: bool = False
    is_rate_limited: bool = False


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a message: dispatched, or dropped for one reason."""

    dispatched: bool
    rule: str
    reason: Reason | None = None
    detail: str | None = None
    is_group: bool = False
    was_mentioned: bool = False
    command_authorized: bool = False

    def __repr__(self) -> str:
        if self.dispatched:
            return "<Decision dispatched>"
        return f"<Decision dropped: {self.reason}{f' ({self.detail})' if self.detail else ''}>"


Condition = Callable[[Message, Policy, Facts], bool]
Answer = Callable[[Message, Policy, Facts], Decision]


class Rule(msgspec.Struct, frozen=True):
    """One rule: its name, what it asks, the condition under which it answers, and its answer."""

    name: str
    question: str
    holds: Condition
    answer: Decision | Answer

    def check(self, message: Message, policy: Policy, facts: Facts) -> Decision | None:
        """Return the answer of this rule, None where it has none."""
        if not self.holds(message, policy, facts):
            return None
        return self.answer if isinstance(self.answer, Decision) else self.answer(message, policy, facts)


def _dropped(reason: Reason, detail: str | None = None) -> Decision:
    return Decision(dispatched=False, rule=str(reason), reason=reason, detail=detail)


_NO_MENTION: Final = _dropped(Reason.NO_MENTION)
_PATTERN_TIMEOUT: Final = _dropped(Reason.NO_MENTION, str(Mention.PATTERN_TIMEOUT))
_DISPATCHED: Final = {
    (is_group, mentioned, authorized): Decision(
        dispatched=True, rule="dispatch", is_group=is_group, was_mentioned=mentioned, command_authorized=authorized
    )
    for is_group in (False, True)
    for mentioned in (False, True)
    for authorized in (False, True)
}


def _when(reason: Reason, question: str, holds: Condition, answer: Answer | None = None) -> Rule:
    """Make the rule that drops a message for `reason` when `holds` says so."""
    return Rule(str(reason), question, holds, answer or _dropped(reason))


def _is_stale(message: Message, policy: Policy, facts: Facts) -> bool:
    limit_s = policy.max_replayed_age_s if facts.is_replayed else policy.max_age_s
    return facts.age_s is not None and facts.age_s > limit_s


def _has_no_sender(message: Message, policy: Policy, facts: Facts) -> bool:
    # Records of own messages have no sender at all: those are from_me.
    return not facts.sender and not (message.is_from_me and message.sender is None)


def _sender_not_in_group_list(message: Message, policy: Policy, facts: Facts) -> bool:
    return (
        facts.is_group
        and policy.config.group_policy is GroupPolicy.ALLOWLIST
        and not policy.group_list.admits(message, facts.handle)
    )


def _sender_not_in_dm_list(message: Message, policy: Policy, facts: Facts) -> bool:
    return (
        not facts.is_group
        and policy.config.dm_policy is not DmPolicy.PAIRING
        and not policy.dm_list.admits(message, facts.handle)
    )


def _is_unpaired(message: Message, policy: Policy, facts: Facts) -> bool:
    return (
        not facts.is_group
        and policy.config.dm_policy is DmPolicy.PAIRING
        and not facts.is_paired
        and not policy.dm_list.admits(message, facts.handle)
    )


def _is_unauthorized_command(message: Message, policy: Policy, facts: Facts) -> bool:
    return (
        facts.is_group
        and policy.config.use_access_groups is True
        and policy.has_command(facts.text)
        and not policy.authorizes_commands(message, facts.handle)
    )


def _lacks_mention(message: Message, policy: Policy, facts: Facts) -> bool:
    return (
        facts.is_group
        and facts.mention is not Mention.MENTIONED
        and policy.detects_mentions
        and policy.requires_mention(message.chat_id)
        and not (policy.has_command(facts.text) and policy.authorizes_commands(message, facts.handle))
    )


def _no_mention(message: Message, policy: Policy, facts: Facts) -> Decision:
    return _PATTERN_TIMEOUT if facts.mention is Mention.PATTERN_TIMEOUT else _NO_MENTION


def _carried(message: Message, policy: Policy, facts: Facts) -> Decision:
    return _dropped(Reason.COALESCED, f"carried by row {facts.carried_by}")


def is_blank(text: str) -> bool:
    """Tell whether a trimmed text holds nothing but places of attachments and the space between them."""
    return not text or (_PLACEHOLDER_CHARACTER in text and not trim(text.replace(_PLACEHOLDER_CHARACTER, "")))


def _is_empty(message: Message, policy: Policy, facts: Facts) -> bool:
    return is_blank(facts.text) and not message.attachments and not message.n_attachments


def _dispatch(message: Message, policy: Policy, facts: Facts) -> Decision:
    if not facts.is_group:
        return _DISPATCHED[False, True, True]
    authorized = policy.authorizes_commands(message, facts.handle)
    return _DISPATCHED[True, facts.mention is Mention.MENTIONED, authorized]


RULES: Final[tuple[Rule, ...]] = (
    _when(Reason.DUPLICATE, "Was it reported before?", lambda m, p, f: f.is_duplicate),
    _when(Reason.COALESCED, "Was it merged into a later one?", lambda m, p, f: f.carried_by is not None, _carried),
    _when(Reason.NO_SENDER, "Is there no sender?", _has_no_sender),
    _when(Reason.FROM_ME, "Did the owner write it?", lambda m, p, f: m.is_from_me and not f.is_self_message),
    _when(Reason.REACTION, "Is it a tapback?", lambda m, p, f: m.is_reaction),
    _when(Reason.ECHO, "Did the gateway send it?", lambda m, p, f: f.is_echo),
    _when(
        Reason.GROUP_WITHOUT_CHAT_ID,
        "Is it from a group that has no chat id?",
        lambda m, p, f: f.is_group and not m.chat_id,
    ),
    _when(Reason.STALE, "Is it too old?", _is_stale),
    _when(
        Reason.GROUP_POLICY_DISABLED,
        "Are groups switched off?",
        lambda m, p, f: f.is_group and p.config.group_policy is GroupPolicy.DISABLED,
    ),
    _when(
        Reason.GROUP_ALLOWLIST_EMPTY,
        "Is nobody allowed in groups?",
        lambda m, p, f: f.is_group and p.config.group_policy is GroupPolicy.ALLOWLIST and p.group_list.is_empty,
    ),
    _when(Reason.GROUP_SENDER_NOT_ALLOWED, "Is the sender not allowed in groups?", _sender_not_in_group_list),
    _when(
        Reason.GROUP_NOT_LISTED,
        "Are groups listed, and this one not?",
        lambda m, p, f: f.is_group and not p.lists_group(m.chat_id),
    ),
    _when(
        Reason.DM_POLICY_DISABLED,
        "Are direct messages switched off?",
        lambda m, p, f: not f.is_group and p.config.dm_policy is DmPolicy.DISABLED,
    ),
    _when(Reason.DM_NOT_ALLOWED, "Is the sender not allowed in direct messages?", _sender_not_in_dm_list),
    _when(Reason.PAIRING, "Is the sender not paired?", _is_unpaired),
    _when(Reason.COMMAND_UNAUTHORIZED, "Is it a command of somebody who may give none?", _is_unauthorized_command),
    _when(Reason.NO_MENTION, "Must it speak to us, and does not?", _lacks_mention, _no_mention),
    _when(Reason.EMPTY, "Has it neither text nor attachment?", _is_empty),
    _when(Reason.LOOP, "Does this chat go in circles?", lambda m, p, f: f.is_looping),
    _when(Reason.RATE_LIMITED, "Is this chat too fast?", lambda m, p, f: f.is_rate_limited),
    Rule("dispatch", "Does nothing stand against it?", lambda m, p, f: True, _dispatch),
)
"""The rules in order; the first that answers decides, and the last always answers."""

_STEPS: Final = tuple((rule.holds, rule.answer) for rule in RULES)


def decide(message: Message, policy: Policy, facts: Facts) -> Decision:
    """Return what becomes of a message.

    Total, pure and deterministic: the same three arguments always give the same decision, and none raise.

    Parameters
    ----------
    message
        The message, as a record.
    policy
        The compiled settings.
    facts
        What else is known, from :func:`imsg_sdk.gateway.facts.gather_facts`.
    """
    for holds, answer in _STEPS:
        if holds(message, policy, facts):
            return answer if isinstance(answer, Decision) else answer(message, policy, facts)
    raise AssertionError("the last rule answers")  # pragma: no cover


class Verdict(msgspec.Struct, frozen=True):
    """What one rule said: ``passed``, ``dropped`` or ``dispatched``."""

    rule: str
    question: str
    outcome: str


class Explanation(msgspec.Struct, frozen=True):
    """A decision, every rule that was asked on the way to it, and the setting that would admit the message."""

    decision: Decision
    verdicts: tuple[Verdict, ...]
    remedy: str | None = None

    def __str__(self) -> str:
        width = max(len(verdict.rule) for verdict in self.verdicts)
        lines = [f"{verdict.rule:<{width}}  {verdict.outcome:<10}  {verdict.question}" for verdict in self.verdicts]
        return "\n".join([*lines, *([f"→ {self.remedy}"] if self.remedy else [])])


def explain(message: Message, policy: Policy, facts: Facts) -> Explanation:
    """Return the decision of :func:`decide` with the verdict of every rule up to the one that decided."""
    verdicts = []
    for rule in RULES:
        decision = rule.check(message, policy, facts)
        outcome = "passed" if decision is None else "dispatched" if decision.dispatched else "dropped"
        verdicts.append(Verdict(rule.name, rule.question, outcome))
        if decision is not None:
            advice = remedy(decision.reason, chat_id=message.chat_id) if decision.reason else None
            return Explanation(decision, tuple(verdicts), advice)
    raise AssertionError("the last rule answers")  # pragma: no cover
