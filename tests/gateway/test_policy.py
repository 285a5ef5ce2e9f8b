"""The rules: what each of them stops, in which order, and what no setting can bring about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsg_sdk.addressing import is_allowed, parse_allow_entry
from imsg_sdk.config import DmPolicy, GatewayConfig, GroupConfig, GroupPolicy
from imsg_sdk.errors import ConfigError
from imsg_sdk.gateway import RULES, Decision, Facts, Policy, Reason, decide, explain, gather_facts
from imsg_sdk.gateway.mentions import Mention
from imsg_sdk.gateway.policy import AllowList
from imsg_sdk.gateway.reasons import log_text, remedy
from imsg_sdk.models import Attachment, Message

Maker = Callable[..., Policy]
Decider = Callable[..., Decision]

ANN = "+15550001111"
BOB = "+15550009999"
PATTERNS = ["@clawd"]


def dm(**more: Any) -> dict[str, Any]:
    return {"id": 5, "chat_id": 7, "sender": ANN, "is_from_me": False, "text": "hey", "is_group": False, **more}


def group(**more: Any) -> dict[str, Any]:
    return dm(**{"chat_id": 42, "is_group": True, **more})


TABLE: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    ({}, dm(), "dm_not_allowed"),
    ({"allowFrom": ["*"]}, dm(), None),
    ({"allowFrom": ["*"], "dmPolicy": "open"}, dm(), None),
    ({"allowFrom": ["+1 (555) 000-1111"]}, dm(), None),
    ({"allowFrom": [15550001111]}, dm(), None),
    ({"allowFrom": [BOB]}, dm(), "dm_not_allowed"),
    ({"allowFrom": ["CHAT: 7"]}, dm(sender="stranger@x.org"), None),
    ({"allowFrom": [7]}, dm(), "dm_not_allowed"),
    ({"allowFrom": ["chat_id:0"]}, dm(chat_id=0), None),
    ({"allowFrom": ["Amazon"]}, dm(sender="AMAZON "), None),
    ({"allowFrom": ["Amazon"]}, dm(sender="Bob"), "dm_not_allowed"),
    ({"allowFrom": [ANN]}, dm(sender="tel:+15550001111"), None),
    ({"allowFrom": ["guid:iMessage;-;x"]}, dm(chat_guid=" iMessage;-;x "), None),
    ({"allowFrom": ["guid:iMessage;-;x"]}, dm(chat_guid="iMessage;-;X"), "dm_not_allowed"),
    ({"allowFrom": ["chatident:x"]}, dm(chat_identifier="x"), None),
    ({"allowFrom": ["*"], "dmPolicy": "disabled"}, dm(), "dm_policy_disabled"),
    ({"dmPolicy": "pairing"}, dm(), "pairing"),
    ({"dmPolicy": "pairing", "allowFrom": [ANN]}, dm(), None),
    ({"allowFrom": ["*"]}, dm(sender="   "), "no_sender"),
    ({"allowFrom": ["*"]}, dm(sender=None), "no_sender"),
    ({"allowFrom": ["*"]}, dm(is_from_me=True), "from_me"),
    ({"allowFrom": ["*"]}, dm(text=" \ufffc "), "empty"),
    ({"allowFrom": ["*"]}, dm(text=None, attachments=[None]), "empty"),
    ({"allowFrom": ["*"]}, dm(text="", attachments=[{"missing": True}]), None),
    ({"allowFrom": ["*"]}, dm(is_reaction=True), "reaction"),
    ({"allowFrom": ["*"]}, group(), "group_allowlist_empty"),
    ({"groupPolicy": "open"}, group(chat_id=0), "group_without_chat_id"),
    ({"groupPolicy": "open"}, group(chat_id=None, chat_guid="iMessage;+;chat1"), "group_without_chat_id"),
    ({"groupPolicy": "disabled", "groupAllowFrom": ["*"]}, group(), "group_policy_disabled"),
    ({"groupPolicy": "open"}, group(text="@clawd"), None),
    ({"groupPolicy": "open"}, group(text="hello"), "no_mention"),
    ({"groupPolicy": "open"}, group(text="@Cl\u200bAWD ping"), None),
    ({"groupPolicy": "open", "groups": {"*": {"requireMention": False}}}, group(), None),
    (
        {"groupPolicy": "open", "groups": {"*": {"requireMention": False}, "42": {"requireMention": True}}},
        group(),
        "no_mention",
    ),
    ({"groupPolicy": "open", "groups": {"*": {"requireMention": False}, "42": {}}}, group(), None),
    ({"groupPolicy": "open", "groups": {"99": {}}}, group(text="@clawd"), "group_not_listed"),
    ({"groupPolicy": "open", "groups": {" 42": {}}}, group(text="@clawd"), "group_not_listed"),
    ({"groupPolicy": "open", "groups": {}}, group(text="@clawd"), None),
    ({"allowFrom": [ANN]}, group(text="@clawd"), None),
    ({"allowFrom": [ANN], "groupAllowFrom": []}, group(text="@clawd"), "group_allowlist_empty"),
    ({"allowFrom": ["*", BOB]}, group(text="@clawd"), "group_sender_not_allowed"),
    ({"groupAllowFrom": ["*"]}, group(text="@clawd"), None),
    ({"groupPolicy": "open"}, group(text="could you /STATUS please"), None),
    ({"groupPolicy": "open", "groupAllowFrom": ["chat_id:42"]}, group(text="/status: x"), None),
    ({"groupPolicy": "open", "groupAllowFrom": [BOB]}, group(text="/status"), "no_mention"),
]


@pytest.mark.parametrize(("block", "message", "reason"), TABLE)
def test_a_message_is_dropped_for_the_first_reason_that_holds(
    block: dict[str, Any], message: dict[str, Any], reason: str | None, make_policy: Maker, decided: Decider
) -> None:
    decision = decided(message, make_policy(patterns=PATTERNS, **block))
    assert decision.reason == reason
    assert decision.dispatched is (reason is None)


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"is_duplicate": True, "is_echo": True}, "duplicate"),
        ({"carried_by": 9}, "coalesced"),
        ({"is_echo": True}, "echo"),
        ({"is_looping": True, "is_rate_limited": True}, "loop"),
        ({"is_rate_limited": True}, "rate_limited"),
        ({"age_s": 901.0}, "stale"),
        ({"age_s": 899.0}, None),
        ({"age_s": 901.0, "is_replayed": True}, None),
        ({"age_s": 7201.0, "is_replayed": True}, "stale"),
    ],
)
def test_facts_stop_messages_that_the_settings_admit(
    known: dict[str, Any], reason: str | None, make_policy: Maker, decided: Decider
) -> None:
    assert decided(dm(), make_policy(allowFrom=["*"]), **known).reason == reason


def test_a_merged_row_names_the_row_that_carries_it(make_policy: Maker, decided: Decider) -> None:
    assert decided(dm(), make_policy(), carried_by=9).detail == "carried by row 9"


def test_an_approved_sender_passes_in_direct_messages_only(make_policy: Maker, decided: Decider) -> None:
    policy = make_policy(dmPolicy="pairing", groupAllowFrom=[BOB])
    assert decided(dm(), policy, is_paired=True).dispatched
    assert decided(group(), policy, is_paired=True).reason == "group_sender_not_allowed"
    assert decided(dm(), make_policy(allowFrom=[BOB]), is_paired=True).reason == "dm_not_allowed"


def test_age_is_counted_from_the_date_of_the_message(make_policy: Maker) -> None:
    policy, sent = make_policy(), datetime(2026, 1, 5, tzinfo=UTC)
    message = Message(rowid=1, created_at=sent)
    assert gather_facts(message, policy, received_at=sent + timedelta(minutes=2)).age_s == 120
    assert gather_facts(Message(rowid=1), policy, received_at=sent).age_s is None


def test_an_own_row_passes_as_a_note_to_oneself_only(make_policy: Maker) -> None:
    policy = make_policy(allowFrom=[ANN])
    record = Message(rowid=1, chat_id=7, chat_identifier=ANN, is_from_me=True, text="hi", is_group=False)
    assert decide(record, policy, gather_facts(record, policy)).reason is Reason.FROM_ME
    assert decide(record, policy, gather_facts(record, policy, is_self_message=True)).dispatched
    echoed = gather_facts(record, policy, is_self_message=True, is_echo=True)
    assert decide(record, policy, echoed).reason is Reason.ECHO


def test_mentions_and_commands_are_told_to_the_handler(make_policy: Maker, decided: Decider) -> None:
    policy = make_policy(groupPolicy="open", groupAllowFrom=[ANN], patterns=PATTERNS)
    spoken = decided(group(text="@clawd"), policy)
    assert (spoken.was_mentioned, spoken.command_authorized) == (True, True)
    commanded = decided(group(text="/status"), policy)
    assert (commanded.was_mentioned, commanded.command_authorized) == (False, True)
    stranger = decided(group(text="@clawd /status", sender=BOB), policy)
    assert (stranger.was_mentioned, stranger.command_authorized) == (True, False)


def test_access_groups_are_an_option(make_policy: Maker, decided: Decider) -> None:
    policy = make_policy(groupPolicy="open")
    gated, free = (
        Policy(GatewayConfig(group_policy=GroupPolicy.OPEN, use_access_groups=value)) for value in (True, False)
    )
    assert decided(group(text="/status"), policy).command_authorized
    assert decided(group(text="/status"), gated).reason == "command_unauthorized"
    assert decided(group(text="hi"), gated).command_authorized is False
    assert decided(group(text="/status"), free).command_authorized


def test_a_listed_direct_chat_can_be_treated_as_a_group(make_policy: Maker, decided: Decider) -> None:
    block = {"groupPolicy": "open", "groups": {"7": {"requireMention": False}}}
    assert decided(dm(), make_policy(**block)).reason == "dm_not_allowed"
    decision = decided(dm(), make_policy(options={"listed_chats_are_groups": True}, **block))
    assert decision.dispatched
    assert decision.is_group


def test_the_caller_may_beat_require_mention_and_the_commands(make_policy: Maker, decided: Decider) -> None:
    free = make_policy(groupPolicy="open", patterns=PATTERNS, options={"require_mention": False})
    assert decided(group(), free).dispatched
    own = make_policy(groupPolicy="open", patterns=PATTERNS, options={"commands": ("ping",)})
    assert decided(group(text="/ping"), own).dispatched
    assert not decided(group(text="/status"), own).dispatched
    none = make_policy(groupPolicy="open", patterns=PATTERNS, options={"commands": ()})
    assert not decided(group(text="/status"), none).dispatched


def test_patterns_that_are_all_invalid_refuse_to_start(make_policy: Maker) -> None:
    with pytest.raises(ConfigError) as caught:
        make_policy(patterns=["(broken", "+1555"])
    assert caught.value.path == "messages.groupChat.mentionPatterns"
    assert "'(broken'" in caught.value.message


def test_what_settings_cannot_do_is_said_at_the_start(make_policy: Maker) -> None:
    policy = make_policy(groupPolicy="open", patterns=["(broken", "@clawd"], groups={"*": {}, "x": {}, "007": {}})
    assert [text.partition(":")[0] for text in policy.warnings] == ["left out, not a usable pattern"] + [
        "imessage.groups"
    ] * 2
    assert "mentionPatterns" in make_policy(groupPolicy="open", patterns=[]).warnings[0]
    assert not make_policy(groupPolicy="disabled").warnings


def test_a_pattern_out_of_time_is_told_apart_from_one_that_does_not_match() -> None:
    policy = Policy(GatewayConfig(group_policy=GroupPolicy.OPEN, mention_patterns=("@clawd",)))
    message = Message(rowid=1, chat_id=42, is_group=True, sender=ANN, text="hi")
    facts = Facts(sender=ANN, handle=ANN, text="hi", is_group=True, mention=Mention.PATTERN_TIMEOUT)
    decision = decide(message, policy, facts)
    assert (decision.reason, decision.detail) == ("no_mention", "pattern_timeout")
    assert repr(decision) == "<Decision dropped: no_mention (pattern_timeout)>"


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason.GROUP_POLICY_DISABLED, "Blocked iMessage group message (groupPolicy: disabled)"),
        (Reason.GROUP_ALLOWLIST_EMPTY, "Blocked iMessage group message (groupPolicy: allowlist, no groupAllowFrom)"),
        (Reason.GROUP_SENDER_NOT_ALLOWED, "Blocked iMessage sender +1… (not in groupAllowFrom)"),
        (Reason.GROUP_NOT_LISTED, "imessage: skipping group message (42) not in allowlist"),
        (Reason.DM_NOT_ALLOWED, "Blocked iMessage sender +1… (not in allowFrom)"),
        (Reason.NO_MENTION, "imessage: skipping group message (no mention)"),
        (Reason.FROM_ME, None),
        (Reason.NO_SENDER, None),
        (Reason.GROUP_WITHOUT_CHAT_ID, None),
    ],
)
def test_the_log_says_what_the_reference_says(reason: Reason, text: str | None) -> None:
    assert log_text(reason, sender="+1…", chat_id=42) == text


def test_an_explanation_names_every_rule_asked_and_the_setting(make_policy: Maker) -> None:
    policy = make_policy(groupPolicy="open", groups={"99": {}})
    message = Message(rowid=1, chat_id=42, is_group=True, sender=ANN, text="private words")
    explanation = explain(message, policy, gather_facts(message, policy))
    assert [verdict.outcome for verdict in explanation.verdicts] == ["passed"] * 11 + ["dropped"]
    assert explanation.remedy == 'add "42": {} to imessage.groups'
    assert str(explanation).splitlines()[-1] == '→ add "42": {} to imessage.groups'
    assert "private" not in str(explanation) + repr(explanation)
    assert repr(policy) == "<Policy dm=allowlist groups=open>"
    assert remedy(Reason.FROM_ME) is None


def test_every_reason_of_a_rule_is_asked_once() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    assert set(names) == {str(reason) for reason in Reason} - {"malformed", "erased"} | {"dispatch"}


# What no setting and no message can bring about.

HANDLES = [ANN, "+1 (555) 000-1111", BOB, "amazon", "AMAZON", "a@b.c", "A@B.C", "22395", "urn:biz:x", "chat_id:5", ""]
ENTRIES = [*HANDLES[:-1], "*", "chat_id:7", "CHAT:42", "guid:g", "chatident:i", "imessage:+15550001111", 15550009999]
lists = st.lists(st.sampled_from(ENTRIES), max_size=4).map(lambda each: tuple(map(parse_allow_entry, each)))
flags = st.one_of(st.none(), st.booleans())
registries = st.one_of(
    st.none(),
    st.dictionaries(st.sampled_from(["*", "7", "42"]), st.builds(GroupConfig, require_mention=flags), max_size=3),
)
configs = st.builds(
    GatewayConfig,
    dm_policy=st.sampled_from(DmPolicy),
    allow_from=lists,
    group_policy=st.sampled_from(GroupPolicy),
    group_allow_from=st.one_of(st.none(), lists),
    groups=registries,
    mention_patterns=st.sampled_from([None, (), ("@clawd",), ("x{2}", "(")]),
    use_access_groups=flags,
)
texts = st.one_of(
    st.none(), st.sampled_from(["", " ", "hey", "@clawd", "/status", "xx", "\ufffc"]), st.text(max_size=20)
)
messages = st.builds(
    Message,
    rowid=st.integers(0, 9),
    chat_id=st.sampled_from([None, 0, 7, 42]),
    chat_guid=st.sampled_from([None, "", "g"]),
    chat_identifier=st.sampled_from([None, "i", ANN]),
    is_group=flags,
    is_from_me=st.booleans(),
    is_reaction=st.booleans(),
    sender=st.one_of(st.none(), st.sampled_from(HANDLES), st.text(max_size=8)),
    text=texts,
    attachments=st.sampled_from([(), (Attachment(message_rowid=1),)]),
)
circumstances = st.fixed_dictionaries(
    {},
    optional={
        "is_duplicate": st.booleans(),
        "is_echo": st.booleans(),
        "is_looping": st.booleans(),
        "is_paired": st.booleans(),
        "carried_by": st.one_of(st.none(), st.just(3)),
        "age_s": st.one_of(st.none(), st.floats(allow_nan=True)),
    },
)


def outcome(message: Message, config: GatewayConfig, known: dict[str, Any]) -> Decision:
    policy = Policy(config)
    return decide(message, policy, gather_facts(message, policy, **known))


@given(messages, configs, circumstances)
def test_every_message_gets_one_decision_and_an_explanation_that_ends_in_it(
    message: Message, config: GatewayConfig, known: dict[str, Any]
) -> None:
    policy = Policy(config)
    facts = gather_facts(message, policy, **known)
    decision = decide(message, policy, facts)
    assert decision == decide(message, policy, facts)
    assert decision.dispatched is (decision.reason is None)
    explanation = explain(message, policy, facts)
    assert explanation.decision == decision
    assert explanation.verdicts[-1].rule == decision.rule
    assert all(verdict.outcome == "passed" for verdict in explanation.verdicts[:-1])


@given(messages, configs, circumstances)
def test_own_echoed_and_repeated_messages_are_never_dispatched(
    message: Message, config: GatewayConfig, known: dict[str, Any]
) -> None:
    if message.is_from_me or known.get("is_echo") or known.get("is_duplicate") or known.get("carried_by"):
        assert not outcome(message, config, known).dispatched


@given(messages, configs, circumstances, st.data())
def test_taking_an_entry_out_admits_nobody(
    message: Message, config: GatewayConfig, known: dict[str, Any], data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(["allow_from", "group_allow_from"]))
    entries = getattr(config, field)
    if not entries:
        return
    gone = data.draw(st.integers(0, len(entries) - 1))
    smaller = msgspec.structs.replace(config, **{field: entries[:gone] + entries[gone + 1 :]})
    before, after = outcome(message, config, known), outcome(message, smaller, known)
    if after.dispatched and not before.dispatched:
        # The one thing a shorter list gives: with none left, nobody is told apart, so commands are everybody's.
        assert before.reason in (Reason.NO_MENTION, Reason.COMMAND_UNAUTHORIZED)
        assert message.is_group
        assert config.group_policy is GroupPolicy.OPEN


@given(messages, configs, circumstances, st.sampled_from(["dm", "groups", "registry", "mention"]))
def test_a_further_block_admits_nobody(
    message: Message, config: GatewayConfig, known: dict[str, Any], block: str
) -> None:
    changes: dict[str, dict[str, Any]] = {
        "dm": {"dm_policy": DmPolicy.DISABLED},
        "groups": {"group_policy": GroupPolicy.DISABLED},
        "registry": {"groups": {"1": GroupConfig()}},
        "mention": {"groups": {name: GroupConfig(require_mention=True) for name in config.groups or {"*": None}}},
    }
    stricter = msgspec.structs.replace(config, **changes[block])
    if outcome(message, stricter, known).dispatched:
        assert outcome(message, config, known).dispatched or block == "registry"


@given(messages, configs, circumstances, st.randoms(use_true_random=False))
def test_order_and_repetition_of_entries_do_not_matter(
    message: Message, config: GatewayConfig, known: dict[str, Any], chance: Any
) -> None:
    mixed = list(config.allow_from) * 2
    chance.shuffle(mixed)
    other = msgspec.structs.replace(config, allow_from=tuple(mixed))
    assert outcome(message, config, known) == outcome(message, other, known)


@pytest.mark.parametrize("spelling", ["+15550001111", "1 555 000 1111", "imessage:SMS: +1(555)000.1111", 15550001111])
def test_spelling_of_entries_does_not_matter(spelling: str | int, make_policy: Maker, decided: Decider) -> None:
    assert decided(dm(), make_policy(allowFrom=[spelling])).dispatched


@given(lists, messages)
def test_a_compiled_list_admits_whom_the_entries_admit(entries: Any, message: Message) -> None:
    facts = gather_facts(message, Policy(GatewayConfig()))
    plain = is_allowed(
        entries,
        sender=facts.handle,
        chat_id=message.chat_id,
        chat_guid=message.chat_guid,
        chat_identifier=message.chat_identifier,
    )
    assert AllowList(entries).admits(message, facts.handle) is plain
