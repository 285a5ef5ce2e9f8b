"""What the gateway remembers for a while: echoes, rates, bursts, pairing and unanswered messages."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from imsg_sdk.config import GatewayConfig, GroupPolicy
from imsg_sdk.errors import GatewayError
from imsg_sdk.gateway import Policy, decide, gather_facts
from imsg_sdk.gateway.coalescer import Coalescer
from imsg_sdk.gateway.echo import SelfChat, SentCache, is_self_chat, text_key
from imsg_sdk.gateway.limits import LoopBreaker, RateLimiter
from imsg_sdk.gateway.pairing import ALPHABET, PairingBook, PairingRequest, code_from, pairing_text
from imsg_sdk.gateway.pending import PendingHistory
from imsg_sdk.models import Attachment, Message

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LANE = "chat_id:7"


def message(text: str = "hello", **more: object) -> Message:
    return Message(**{"rowid": 9, "guid": "G", "chat_id": 7, "sender": "+1", "text": text, **more})  # type: ignore[arg-type]


# Echoes.


def test_an_id_is_an_echo_for_a_minute_and_its_text_is_not() -> None:
    cache = SentCache()
    cache.settle(cache.begin(LANE, "hello"), 0, ["G"])
    assert cache.is_echo(message("edited since"), 60)
    assert not cache.is_echo(message(guid="other"), 1)
    assert not cache.is_echo(message(), 61)
    assert len(cache) == 0


def test_a_row_id_counts_and_a_word_instead_of_an_id_does_not() -> None:
    cache = SentCache()
    cache.settle(cache.begin(LANE, "a"), 0, [9, None])
    cache.settle(cache.begin(LANE, "b"), 0, ["ok", "unknown", ""])
    assert cache.is_echo(message("x", guid=None), 1)
    assert not cache.is_echo(message("x", guid="ok", rowid=0), 1)
    assert cache.is_echo(message("b", guid="other", rowid=8), 1)


def test_a_text_without_an_id_is_an_echo_for_four_seconds_in_its_chat() -> None:
    cache = SentCache()
    cache.settle(cache.begin(LANE, "a\r\nb "), 0)
    assert cache.is_echo(message("\ufffda\nb"), 4)
    assert not cache.is_echo(message("a\nb", chat_id=8), 4)
    assert not cache.is_echo(message("a\nb"), 4.1)
    assert not cache.is_echo(message(""), 1)


def test_a_send_under_way_is_recognised_until_it_fails() -> None:
    cache = SentCache()
    ticket = cache.begin(LANE, "hello")
    assert cache.is_echo(message(), 500)
    cache.forget(ticket)
    cache.settle(ticket, 1, ["G"])
    assert not cache.is_echo(message(), 1)


def test_the_cache_keeps_no_more_than_it_may() -> None:
    cache = SentCache()
    for number in range(5000):
        cache.settle(cache.begin(LANE, str(number)), 0, [f"id-{number}"])
    assert len(cache) == 4096
    assert not cache.is_echo(message(guid="id-0"), 0)
    assert cache.is_echo(message(guid="id-4999"), 0)
    assert repr(cache) == "<SentCache of 4096 messages>"


def test_texts_are_compared_without_damage_in_front() -> None:
    assert text_key("\0\ufeff a\r\nb\r ") == "a\nb"


def test_a_chat_with_oneself_is_told_by_all_three_addresses() -> None:
    own = message(chat_identifier="+1 555", destination_caller_id="+1555", sender=None, is_from_me=True)
    assert is_self_chat(own)
    assert is_self_chat(message(chat_identifier="+1555", destination_caller_id="+1555", sender="1-555"))
    assert not is_self_chat(message(chat_identifier="+1555", destination_caller_id="+1555", sender="+2"))
    assert not is_self_chat(message(chat_identifier="+1555", sender="+1555"))
    assert not is_self_chat(message(is_group=True, chat_identifier="+1555", destination_caller_id="+1555", sender=None))


def test_the_twin_of_an_own_row_is_known_for_ten_seconds() -> None:
    twins = SelfChat(most=2)
    twins.note(message(created_at=NOW, is_from_me=True), 0)
    twin = message(created_at=NOW + timedelta(seconds=1))
    assert twins.is_twin(twin, 10)
    assert not twins.is_twin(message("other", created_at=NOW), 10)
    assert not twins.is_twin(message(created_at=NOW + timedelta(seconds=1.1)), 10)
    assert not twins.is_twin(message(created_at=NOW, is_from_me=True), 10)
    assert not twins.is_twin(message(), 10)
    assert not twins.is_twin(twin, 10.1)
    for number in range(3):
        twins.note(message(str(number), created_at=NOW), 20)
    assert not twins.is_twin(message("0", created_at=NOW), 20)
    assert twins.is_twin(message("2", created_at=NOW), 20)


# Limits.


def test_five_echoes_in_a_minute_open_the_breaker_until_a_quiet_minute() -> None:
    breaker = LoopBreaker()
    for second in (0, 15, 30, 45, 61):
        breaker.record(LANE, second)
    assert not breaker.is_open(LANE, 61)
    breaker.record(LANE, 62)
    assert breaker.is_open(LANE, 62)
    assert not breaker.is_open("chat_id:8", 62)
    breaker.record(LANE, 100)
    assert breaker.is_open(LANE, 160)
    assert not breaker.is_open(LANE, 160.1)


def test_a_chat_may_burst_and_then_has_a_rate() -> None:
    limiter = RateLimiter(burst=2, per_minute=60)
    for _ in range(2):
        assert limiter.has_token(LANE, 0)
        limiter.take(LANE, 0)
    assert not limiter.has_token(LANE, 0.9)
    assert limiter.has_token("chat_id:8", 0.9)
    assert limiter.has_token(LANE, 1)
    limiter.take(LANE, 1)
    assert not limiter.has_token(LANE, 0)  # a clock that goes back gives nothing
    free = RateLimiter(burst=0)
    free.take(LANE, 0)
    assert free.has_token(LANE, 0)


def test_limits_remember_only_so_many_chats() -> None:
    breaker, limiter = LoopBreaker(limit=1), RateLimiter(burst=1)
    for number in range(5000):
        breaker.record(str(number), 0)
        limiter.take(str(number), 0)
    assert not breaker.is_open("0", 0)
    assert breaker.is_open("4999", 0)
    assert limiter.has_token("0", 0)
    assert not limiter.has_token("4999", 0)


# Bursts.


def test_messages_of_one_person_are_merged_when_they_pause() -> None:
    coalescer = Coalescer(1.0)
    assert coalescer.add(message(" one ", rowid=1), 0.0) == []
    assert coalescer.add(message("two", rowid=2), 0.8) == []
    assert coalescer.add(message("hi", rowid=3, sender="+2"), 0.9) == []
    assert coalescer.next_due_s() == 1.8
    assert coalescer.due(1.7) == []
    [ready] = coalescer.due(1.8)
    assert (ready.message.rowid, ready.message.text) == (2, "one\ntwo")
    assert [each.rowid for each in ready.carried] == [1]
    assert len(coalescer) == 1
    [other] = coalescer.flush()
    assert (other.message.text, other.carried) == ("hi", ())
    assert coalescer.next_due_s() is None


def test_nobody_is_held_back_for_ever() -> None:
    coalescer = Coalescer(1.0)
    for tenth in range(0, 100, 9):
        coalescer.add(message(str(tenth)), tenth / 10)
        if ready := coalescer.due(tenth / 10):
            assert tenth / 10 == pytest.approx(5.4)
            assert len(ready[0].rows) == 7
            return
    pytest.fail("the batch never left")


@pytest.mark.parametrize(
    "alone",
    [
        message("/status"),
        message(""),
        message("\ufffc"),
        message(attachments=(Attachment(message_rowid=9),)),
        message(is_from_me=True),
        message(is_reaction=True),
        message(sender=" "),
    ],
)
def test_what_goes_alone_does_not_overtake(alone: Message) -> None:
    coalescer = Coalescer(1.0)
    coalescer.add(message("before", sender=alone.sender), 0)
    rows = [ready.message.text for ready in coalescer.add(alone, 0.1)]
    assert rows[-1] == alone.text
    assert len(rows) == (1 if alone.sender == " " else 2)


def test_how_much_is_held_back_can_be_asked_while_more_comes() -> None:
    coalescer = Coalescer(1.0)
    coalescer.add(message(), 0)

    class Growing(list[Message]):
        def __len__(self) -> int:
            coalescer.add(message(chat_id=8), 0)  # as another thread would at this moment
            return super().__len__()

    [batch] = coalescer._batches.values()
    batch.messages = Growing(batch.messages)
    assert len(coalescer) == 1


def test_without_a_delay_nothing_waits_and_keys_are_bounded() -> None:
    assert [ready.message.text for ready in Coalescer(0).add(message("x"), 0)] == ["x"]
    coalescer = Coalescer(1.0)
    ready = [each for number in range(2050) for each in coalescer.add(message(sender=str(number)), number / 1e6)]
    assert [each.message.sender for each in ready] == ["0", "1"]


# Pairing.


def book(**more: object) -> PairingBook:
    codes = iter(["AAAAAAAA", "AAAAAAAA", "BBBBBBBB", "CCCCCCCC", "DDDDDDDD"])
    return PairingBook(lambda: next(codes), **more)  # type: ignore[arg-type]


def test_a_code_is_told_once_and_approved_once() -> None:
    pairing = book()
    request = pairing.ask("+1 (555) 0", NOW, chat_id=0)
    assert request is not None
    assert (request.handle, request.code, request.chat_id) == ("+15550", "AAAAAAAA", None)
    assert pairing.ask("+15550", NOW + timedelta(minutes=5)) is None
    assert pairing.pending(NOW)[0].last_seen_at == NOW + timedelta(minutes=5)
    assert pairing.approve("ZZZZZZZZ", NOW) is None
    assert pairing.approve(" aaaaaaaa ", NOW) is not None
    assert pairing.ask("sms:+1 5550", NOW) is None
    assert pairing.approve("AAAAAAAA", NOW) is None


def test_three_wait_at_most_and_an_hour_at_most() -> None:
    pairing = book()
    told = [pairing.ask(f"+{number}", NOW + timedelta(minutes=number)) for number in range(1, 5)]
    assert [request is not None for request in told] == [True, True, True, False]
    assert len({request.code for request in told if request}) == 3
    assert pairing.ask("+4", NOW + timedelta(minutes=61)) is not None
    assert [request.handle for request in pairing.pending(NOW + timedelta(minutes=61))] == ["+2", "+3", "+4"]


def test_a_star_is_never_approved_and_stored_surplus_goes() -> None:
    kept = [
        PairingRequest(handle=f"+{n}", code=str(n), created_at=NOW, last_seen_at=NOW + timedelta(minutes=n))
        for n in range(5)
    ]
    pairing = book(pending=kept, approved=["*", " ", "A@B.C"])
    assert {request.handle for request in pairing.pending(NOW)} == {"+2", "+3", "+4"}
    assert pairing.ask("*", NOW) is None
    assert pairing.ask("a@b.c", NOW + timedelta(minutes=61)) is None
    assert pairing.ask("b@b.c", NOW + timedelta(minutes=61)) is not None
    assert "+2" not in repr(pairing) + repr(kept[2])


def test_codes_are_easy_to_read_and_never_run_in_circles() -> None:
    codes = {code_from(secrets.token_bytes)() for _ in range(100)}
    assert len(codes) == 100
    assert all(len(code) == 8 and set(code) <= set(ALPHABET) for code in codes)
    assert not set("IO01") & set(ALPHABET)
    stuck = PairingBook(lambda: "SAMECODE")
    request = stuck.ask("+1", NOW)
    assert request is not None
    assert request.code in pairing_text(request, "+1")
    with pytest.raises(GatewayError):
        stuck.ask("+2", NOW)


# Unanswered messages.


def test_only_what_lacked_a_mention_is_kept_and_the_oldest_goes() -> None:
    policy = Policy(GatewayConfig(group_policy=GroupPolicy.OPEN, mention_patterns=("@bot",)))
    history = PendingHistory(2, most_chats=2)

    def note(text: str, chat_id: int = 7, **more: object) -> None:
        row = message(text, chat_id=chat_id, is_group=True, created_at=NOW, **more)
        facts = gather_facts(row, policy)
        history.record(row, decide(row, policy, facts), facts, policy)

    for text in ("one", "two", "three", "@bot", " "):
        note(text)
    note("mine", is_from_me=True)
    assert [entry.text for entry in history.entries(7)] == ["two", "three"]
    assert history.entries(7)[0].message_id == "9"
    note("x", 8)
    note("x", 7)
    note("x", 9)
    assert (len(history.entries(7)), history.entries(8), len(history.entries(9))) == (2, (), 1)
    history.clear(7)
    history.clear(None)
    assert history.entries(7) == history.entries(None) == ()


def test_a_limit_of_none_keeps_none() -> None:
    policy = Policy(GatewayConfig(group_policy=GroupPolicy.OPEN, mention_patterns=("@bot",)))
    row = message(is_group=True)
    facts = gather_facts(row, policy)
    history = PendingHistory(0)
    history.record(row, decide(row, policy, facts), facts, policy)
    assert history.entries(7) == ()
