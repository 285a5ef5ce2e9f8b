"""The sandbox as tests hold it, and what they may ask of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imsg_sdk import Gateway, IMessageClient
from imsg_sdk.errors import ClientClosed, InvalidParams
from imsg_sdk.testing import Sandbox, assert_nothing_sent, assert_sent

ADA, BEN, CAM = "+15550001001", "ben@example.org", "cam@example.org"


def test_the_same_seed_and_calls_give_the_same_messages(make_imsg_sandbox: Callable[..., Sandbox]) -> None:
    guids = []
    for seed in (5, 5, 6):
        sandbox = make_imsg_sandbox(seed=seed)
        guids.append([sandbox.receive(ADA, "one").guid, sandbox.receive(BEN, "two").guid])
    assert guids[0] == guids[1]
    assert guids[0] != guids[2]


def test_everything_of_it_is_gone_at_the_end() -> None:
    with Sandbox() as sandbox:
        sandbox.receive(ADA, "hello")
        client = sandbox.client()
        assert len(client.messages()) == 1
        folder = Path(sandbox.db_path).parent
        assert folder.is_dir()
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()
    assert client.is_closed
    with pytest.raises(ClientClosed):
        sandbox.receive(ADA, "anybody?")


def test_what_was_sent_is_told_with_whom_it_reached(imsg_sandbox: Sandbox, imsg_client: IMessageClient) -> None:
    group = imsg_sandbox.call("sandbox.chat", addresses=[ADA, BEN], name="Lunch")["chat_id"]
    imsg_sandbox.receive(ADA, "hello")
    imsg_sandbox.receive(ADA, "hello all", chat=group)
    imsg_client.send(ADA, "to one")
    imsg_client.send(f"chat_id:{group}", "to both")

    first, second = imsg_sandbox.sent()
    assert (first.text, first.recipients, first.service) == ("to one", (ADA,), "iMessage")
    assert (second.chat_id, set(second.recipients)) == (group, {ADA, BEN})
    assert imsg_sandbox.sent(since=first.id) == [second]


def test_a_poll_and_the_first_text_of_a_chat_are_sent_too(imsg_sandbox: Sandbox, imsg_client: IMessageClient) -> None:
    arrival = imsg_sandbox.receive(ADA, "hello")
    imsg_client.create_chat([BEN])
    imsg_client.react(arrival.guid, "love")
    assert_nothing_sent(imsg_sandbox)
    imsg_client.create_chat([CAM], text="hi")
    assert_sent(imsg_sandbox, to=CAM, text="hi")
    imsg_client.send_poll(arrival.chat_id, "When?", ["now", "later"])
    assert_sent(imsg_sandbox, to=ADA)
    with pytest.raises(AssertionError):
        assert_nothing_sent(imsg_sandbox)


def test_assertions_say_what_was_sent_instead(imsg_sandbox: Sandbox, imsg_client: IMessageClient) -> None:
    imsg_sandbox.receive(ADA, "hello")
    assert_nothing_sent(imsg_sandbox)
    imsg_client.send(ADA, "good morning")

    assert assert_sent(imsg_sandbox, to="+1 (555) 000-1001", text="good morning").recipients == (ADA,)
    assert_sent(imsg_sandbox, containing="morning", times=None)
    assert_nothing_sent(imsg_sandbox, to=BEN)
    with pytest.raises(AssertionError, match=r"was to be sent once and was sent never; what was sent:\n  to \+1555"):
        assert_sent(imsg_sandbox, to=ADA, text="good night")
    with pytest.raises(AssertionError, match="3 times and was sent once"):
        assert_sent(imsg_sandbox, to=ADA, times=3)
    with pytest.raises(AssertionError, match="nothing was to be sent"):
        assert_nothing_sent(imsg_sandbox)


def test_people_act_and_time_moves(imsg_sandbox: Sandbox, imsg_client: IMessageClient) -> None:
    begin = imsg_sandbox.now
    guid = imsg_sandbox.receive(ADA, "first draft").guid
    imsg_sandbox.edit(ADA, "last draft", guid=guid)
    imsg_client.send(ADA, "nice")
    imsg_sandbox.tapback(ADA, "love")
    imsg_sandbox.read(ADA)
    imsg_sandbox.typing(ADA)
    imsg_sandbox.advance(3600)

    assert (imsg_sandbox.now - begin).total_seconds() >= 3600
    assert imsg_sandbox.clock.now() == imsg_sandbox.now
    assert imsg_client.message(guid).text == "last draft"
    assert len(imsg_client.reactions()) == 1
    imsg_sandbox.unsend(ADA, guid=guid)


def test_what_makes_no_sense_is_refused_by_name(imsg_sandbox: Sandbox) -> None:
    with pytest.raises(InvalidParams) as caught:
        imsg_sandbox.receive(ADA, "hello", chat=77)
    assert "chat" in str(caught.value.data)


def test_children_can_be_killed(imsg_sandbox: Sandbox, imsg_client: IMessageClient) -> None:
    imsg_sandbox.receive(ADA, "hello")
    assert len(imsg_client.messages()) == 1

    assert imsg_sandbox.kill_child(imsg_client, "send") == 0
    assert imsg_sandbox.kill_child(imsg_client) == 1
    assert len(imsg_client.messages()) == 1


def test_a_sandbox_that_nobody_holds_is_gone() -> None:
    import gc

    sandbox = Sandbox().make()
    folder = Path(sandbox.db_path).parent
    del sandbox
    gc.collect()
    assert not folder.exists()


def test_a_slip_in_a_call_of_the_sandbox_names_the_method_once(imsg_sandbox: Sandbox) -> None:
    for method, params, said in (
        ("sandbox.receive", {"from": "+15550001001", "txt": "a"}, "unknown field `txt`"),
        ("sandbox.fault", {"name": "exit", "point": "somewhere"}, "point is request or done"),
    ):
        with pytest.raises(InvalidParams) as caught:
            imsg_sandbox.call(method, **params)
        assert said in caught.value.message
        assert caught.value.message.count(method) == 1


def test_a_failing_assertion_tells_what_the_gateway_made_of_it(
    imsg_sandbox: Sandbox, imsg_fault: Callable[..., object], make_imsg_gateway: Callable[..., Gateway]
) -> None:
    gateway = make_imsg_gateway(allow_from=[ADA], handler=lambda context: 1 / int(context.text))
    rows = [imsg_sandbox.receive(*message).rowid for message in ((ADA, "0"), (BEN, "1"))]
    gateway.drain(through=rows[-1])
    with pytest.raises(AssertionError, match=f"message {rows[0]}: the handler failed: ZeroDivisionError") as caught:
        assert_sent(imsg_sandbox, to=ADA)
    assert f"message {rows[1]}: dropped, dm_not_allowed" in str(caught.value)

    gateway.on_message(lambda context: "yes")
    imsg_fault("uncertain_delivery", arrives=False)
    gateway.drain(through=imsg_sandbox.receive(ADA, "1").rowid)
    with pytest.raises(AssertionError, match=r"an answer to chat [0-9]+: uncertain"):
        assert_sent(imsg_sandbox, to=ADA)


def test_on_the_virtual_clock_nothing_is_looked_for_at_length(make_imsg_sandbox: Callable[..., Sandbox]) -> None:
    assert make_imsg_sandbox().client().config.settle_timeout_s == 0.5
    assert make_imsg_sandbox().client(settle_timeout_s=2).config.settle_timeout_s == 2
    assert make_imsg_sandbox(clock="real").client().config.settle_timeout_s == 5
