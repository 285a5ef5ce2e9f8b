"""Never loop, never speak unasked: echoes, the chat with oneself, pairing, tapbacks, courtesies, files."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.errors import GatewayError, SendFailed, Unsupported
from imsg_sdk.gateway.live import media
from imsg_sdk.models import Attachment, SendResult, SendState

WAIT_S = 5.0
PAIRING: dict[str, Any] = {"imessage": {"dmPolicy": "pairing"}}


def config(**block: Any) -> dict[str, Any]:
    return {"imessage": {"allowFrom": ["*"], "dmPolicy": "open", "groupPolicy": "open", **block}}


# echoes


def test_what_comes_back_under_its_own_id_is_an_echo(program: Any, make_gateway: Any, reasons: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive())
        guid = gateway.outbox()["guid"][0]
        gateway.drain(through=program.receive("ok", guid=guid))
        assert reasons(gateway) == [None, "echo"]


def test_echoes_are_known_after_a_restart(program: Any, make_gateway: Any, reasons: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive())
        guid = gateway.outbox()["guid"][0]
    program.receive("ok", guid=guid)
    with make_gateway(handler=lambda context: "ok") as gateway:
        gateway.drain(through=3)
        assert reasons(gateway) == [None, "echo"]


def test_a_chat_full_of_echoes_is_left_alone(program: Any, make_gateway: Any, reasons: Any, clock: Any) -> None:
    with make_gateway(config(limits={"loopEchoes": 2}), handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive())
        for _ in range(2):
            row = program.receive("ok", rowid=int(gateway.outbox()["rowid"][0]), guid=f"echo-{_}")
        gateway.drain(through=row)
        gateway.drain(through=program.receive("are you there?"))
        gateway.drain(through=program.receive("and you?", chat_id=8))
        assert reasons(gateway) == [None, "echo", "echo", "loop", None]
        clock.move(61)
        gateway.drain(through=program.receive("now?"))
        assert reasons(gateway)[-1] is None


def test_in_the_chat_with_oneself_own_words_are_answered_and_twins_are_not(
    program: Any, make_gateway: Any, reasons: Any
) -> None:
    me = {"chat_identifier": "+1999", "destination_caller_id": "+1999", "chat_id": 5}
    with make_gateway(handler=lambda context: "noted") as gateway:
        program.receive("remember", is_from_me=True, sender=None, **me)
        gateway.drain(through=program.receive("remember", sender="+1999", **me))
        guid = gateway.outbox()["guid"][0]
        program.receive("noted", guid=guid, is_from_me=True, sender=None, **me)
        gateway.drain(through=program.receive("noted", sender="+1999", **me))
        assert reasons(gateway) == [None, "echo", "from_me", "echo"]
    assert [(send["chat_id"], send["text"]) for send in program.sends] == [(5, "noted")]


def test_the_chat_with_oneself_is_no_loop(program: Any, make_gateway: Any, reasons: Any) -> None:
    me = {"chat_identifier": "+1999", "destination_caller_id": "+1999", "chat_id": 5}
    with make_gateway(handler=lambda context: "noted") as gateway:
        for number in range(8):
            program.receive(f"remember {number}", is_from_me=True, sender=None, **me)
            gateway.drain(through=program.receive(f"remember {number}", sender="+1999", **me))
            guid = gateway.outbox()["guid"][number]
            program.receive("noted", guid=guid, is_from_me=True, sender=None, **me)
            gateway.drain(through=program.receive("noted", sender="+1999", **me))
        assert reasons(gateway) == [None, "echo", "from_me", "echo"] * 8


def test_an_own_answer_that_was_not_delivered_is_no_note_to_oneself(
    program: Any, make_gateway: Any, reasons: Any, states: Any
) -> None:
    me = {"chat_identifier": "+1999", "destination_caller_id": "+1999", "chat_id": 5}
    left = SendResult(state=SendState.OBSERVED, guid="not-delivered", rowid=2)
    program.results.append(SendFailed("Messages could not send it", sent=(left,)))
    with make_gateway(handler=lambda context: ["noted"]) as gateway:
        gateway.drain(through=program.receive("remember", is_from_me=True, sender=None, **me))
        more = {"guid": "not-delivered", "rowid": 2, "is_from_me": True, "sender": None}
        gateway.drain(through=program.receive("noted", **me, **more))
        assert reasons(gateway) == [None, "from_me"]
        assert states(gateway) == ["failed"]
    assert len(program.sends) == 1


def test_an_own_answer_that_is_seen_late_is_no_note_to_oneself(
    program: Any, make_gateway: Any, reasons: Any, clock: Any
) -> None:
    me = {"chat_identifier": "+1999", "destination_caller_id": "+1999", "chat_id": 5}
    with make_gateway(handler=lambda context: "noted") as gateway:
        gateway.drain(through=program.receive("remember", is_from_me=True, sender=None, **me))
        guid = gateway.outbox()["guid"][0]
    clock.move(600)
    row = program.receive("noted", guid=guid, is_from_me=True, sender=None, **me)
    with make_gateway(handler=lambda context: "noted") as gateway:
        gateway.drain(through=row)
        assert reasons(gateway) == [None, "from_me"]
    assert len(program.sends) == 1


# pairing


def test_an_unknown_sender_is_told_a_code_once_and_is_in_after_approval(
    program: Any, make_gateway: Any, reasons: Any
) -> None:
    with make_gateway(PAIRING, handler=lambda context: "welcome") as gateway:
        program.receive("let me in", chat_id=3)
        gateway.drain(through=program.receive("hello?", chat_id=3))
        assert reasons(gateway) == ["pairing", "pairing"]
        [send] = program.sends
        waiting = gateway.pairing()
        code = waiting["code"][0]
        assert send["chat_id"] == 3
        assert code in send["text"]
        assert gateway.approve(code.lower()) == "+15550001"
        gateway.drain(through=program.receive("now?", chat_id=3))
        assert reasons(gateway)[-1] is None
        assert gateway.revoke("+1 555-0001")
        assert not gateway.revoke("+15550001")
        gateway.drain(through=program.receive("and now?", chat_id=3))
        assert reasons(gateway)[-1] == "pairing"
    assert [code in send["text"] for send in program.sends] == [True, False, False]
    assert program.sends[1]["text"] == "welcome"


def test_a_code_that_nobody_was_told_lets_nobody_in(make_gateway: Any) -> None:
    with make_gateway(PAIRING) as gateway, pytest.raises(GatewayError):
        gateway.approve("AAAAAAAA")


def test_no_more_than_three_strangers_are_told_codes(program: Any, make_gateway: Any) -> None:
    with make_gateway(PAIRING) as gateway:
        for number in range(5):
            row = program.receive(sender=f"+1555000{number}", chat_id=number + 1)
        gateway.drain(through=row)
    assert [send["chat_id"] for send in program.sends] == [1, 2, 3]


def test_nobody_is_told_a_code_by_an_observer_or_in_a_group(program: Any, make_gateway: Any, reasons: Any) -> None:
    with make_gateway(PAIRING, mode="observe") as gateway:
        gateway.drain(through=program.receive())
    with make_gateway({"imessage": {"dmPolicy": "pairing", "groupPolicy": "open"}}) as gateway:
        gateway.drain(through=program.receive(is_group=True))
    assert program.sends == []


# tapbacks


@pytest.mark.parametrize(("mode", "told"), [("off", []), ("own", ["out"]), ("all", ["other", "out"])])
def test_tapbacks_are_events_and_never_messages(
    program: Any, make_gateway: Any, reasons: Any, mode: str, told: list[str]
) -> None:
    events = []
    gateway = make_gateway(config(reactionNotifications=mode), handler=lambda context: "ok")

    @gateway.on_reaction
    def noted(context: Any) -> str:
        events.append(context.message.text)
        return "never sent"

    tapback = {"is_reaction": True, "is_reaction_add": True, "reaction_type": "love"}
    with gateway:
        gateway.drain(through=program.receive())
        guid = gateway.outbox()["guid"][0]
        program.receive("other", reacted_to_guid="in-1", **tapback)
        gateway.drain(through=program.receive("out", reacted_to_guid=f"p:0/{guid}", **tapback))
        assert reasons(gateway) == [None, "reaction", "reaction"]
    assert events == told
    assert [send["text"] for send in program.sends] == ["ok"]


def test_tapbacks_of_strangers_and_own_ones_are_not_told(program: Any, make_gateway: Any) -> None:
    events = []
    gateway = make_gateway({"imessage": {"allowFrom": ["+1222"], "reactionNotifications": "all"}})
    gateway.on_reaction(lambda context: events.append(context.sender))
    tapback = {"is_reaction": True, "reacted_to_guid": "x", "text": "Loved"}
    with gateway:
        program.receive(sender="+1333", **tapback)
        program.receive(sender=None, is_from_me=True, **tapback)
        gateway.drain(through=program.receive(sender="+1222", **tapback))
    assert events == ["+1222"]


def test_every_handler_of_tapbacks_is_told_and_errors_are_kept(program: Any, make_gateway: Any) -> None:
    events = []
    gateway = make_gateway(config(reactionNotifications="all"))
    gateway.on_reaction(lambda context: 1 / 0)
    gateway.on_reaction(lambda context: events.append(context.sender))
    with gateway:
        gateway.drain(through=program.receive(sender="+1222", is_reaction=True, reacted_to_guid="x"))
        assert gateway.status().handler_errors == 1
    assert events == ["+1222"]
    assert isinstance(gateway.errors[0].__cause__, ZeroDivisionError)


# courtesies


def test_an_accepted_chat_is_marked_read_and_shows_typing(program: Any, make_gateway: Any) -> None:
    seen = []

    def handler(context: Any) -> str:
        done.wait(WAIT_S)
        seen.extend(program.acts)
        return "ok"

    done = threading.Event()
    settings = config(sendReadReceipts=True, sendTyping=True)
    with make_gateway(settings, handler=handler) as gateway:
        row = program.receive(chat_id=7)
        threading.Timer(0.1, done.set).start()
        gateway.drain(through=row)
    assert seen == [("read", 7), ("typing", 7)]
    assert program.acts[-1] == ("still", 7)


def test_typing_ends_before_the_answer_goes_out(program: Any, make_gateway: Any) -> None:
    deliver = program.deliver

    async def noted(params: Any, **options: Any) -> Any:
        program.acts.append(("sent", params["chat_id"]))
        return await deliver(params, **options)

    program.deliver = noted
    with make_gateway(config(sendTyping=True), handler=lambda context: "ok") as gateway:
        gateway.drain(through=program.receive(chat_id=7))
    assert program.acts == [("typing", 7), ("still", 7), ("sent", 7)]


def test_without_the_bridge_courtesies_are_left_out(program: Any, make_gateway: Any, caplog: Any) -> None:
    async def cannot(chat_id: int, **options: Any) -> None:
        program.acts.append(("tried", chat_id))
        raise Unsupported("no bridge")

    program.mark_read = program.show_typing = cannot
    with make_gateway(config(sendReadReceipts=True), handler=lambda context: "ok") as gateway:
        for _ in range(3):
            gateway.drain(through=program.receive())
    assert len(program.sends) == 3
    assert len(program.acts) == 1
    assert "cannot do them" in caplog.text


def test_dropped_messages_and_observers_leave_no_traces_in_a_chat(program: Any, make_gateway: Any) -> None:
    settings = config(sendReadReceipts=True, sendTyping=True)
    with make_gateway(settings, lambda context: "ok", mode="observe", run_handlers=True) as gateway:
        gateway.drain(through=program.receive())
    with make_gateway({"imessage": {"sendReadReceipts": True}}) as gateway:
        gateway.drain(through=program.receive())
    assert program.acts == []


# files


def test_a_file_goes_out_with_its_caption(program: Any, make_gateway: Any, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"png")
    with make_gateway(handler=lambda context: {"text": "look", "mediaUrl": str(picture)}) as gateway:
        gateway.drain(through=program.receive())
    assert [(send["file"], send["text"]) for send in program.sends] == [(str(picture), "look")]


@pytest.fixture
def site() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if "good" in self.path else 404)
            self.end_headers()
            if "good" in self.path:
                self.wfile.write(b"x" * 3000)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_on_the_web_is_fetched_and_removed(program: Any, make_gateway: Any, site: str, states: Any) -> None:
    sizes = []
    deliver = program.deliver

    async def looking(params: Any, **options: Any) -> Any:
        sizes.append((Path(params["file"]).name, Path(params["file"]).stat().st_size))
        return await deliver(params, **options)

    program.deliver = looking
    with make_gateway(handler=lambda context: {"mediaUrls": [f"{site}/good.png", f"{site}/bad.png"]}) as gateway:
        gateway.drain(through=program.receive())
        assert states(gateway) == ["observed", "failed"]
        assert gateway.outbox()["detail"][1] == "Failed to fetch media: HTTP 404"
    assert sizes == [("good.png", 3000)]
    assert not Path(program.sends[0]["file"]).exists()


def test_a_file_on_the_web_that_is_too_large_is_not_sent(
    program: Any, make_gateway: Any, site: str, states: Any
) -> None:
    settings = config(mediaMaxMb=0.001)
    with make_gateway(settings, handler=lambda context: {"mediaUrl": f"{site}/good.png"}) as gateway:
        gateway.drain(through=program.receive())
        assert states(gateway) == ["failed"]
    assert program.sends == []


def test_a_file_on_the_web_that_never_ends_holds_up_nobody(
    program: Any, make_gateway: Any, states: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "_LONGEST_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/a.png"
        with make_gateway(handler=lambda context: [{"mediaUrl": address}, "and a word"]) as gateway:
            gateway.drain(WAIT_S, through=program.receive())
            assert states(gateway) == ["failed", "observed"]
            assert gateway.outbox()["detail"][0] == "Failed to fetch media: timed out"


def test_attachments_outside_of_the_folders_of_messages_are_not_given(program: Any, make_gateway: Any) -> None:
    seen = []
    program.roots = ("/srv/Attachments",)
    files = tuple(
        Attachment(message_rowid=1, path=path, is_missing=False, mime_type="image/png")
        for path in ("/etc/passwd", "/srv/Attachments/a.png", "/extra/b.png", "/Users/x/Library/Messages/Attachments/c")
    )
    settings = config(includeAttachments=True, attachmentRoots=["/extra"])
    with make_gateway(settings, handler=lambda context: seen.append(context)) as gateway:
        gateway.drain(through=program.receive("look", attachments=files))
    [context] = seen
    assert [each.path for each in context.attachments] == [each.path for each in files[1:]]
    assert context.refused_attachments == 1
