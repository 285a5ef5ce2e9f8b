"""The whole gateway over a real child: a make-believe Messages with people who write and answer."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.gateway import Gateway
from imsg_sdk.testing import Sandbox

ADA, BEN, EVE = "+15550001001", "+15550001002", "+15550009999"
WAIT_S = 20.0
SETTINGS: dict[str, Any] = {
    "imessage": {"allowFrom": [ADA, BEN], "includeAttachments": True},
    "messages": {"groupChat": {"mentionPatterns": ["@bot"]}},
}


class BoxClock:
    """The clock of a sandbox; it moves when :meth:`advance` moves it."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box
        self._now = box.now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def advance(self, seconds: float) -> None:
        self._box.advance(seconds)
        self._now = self._box.now


both = pytest.mark.parametrize("box", ["v1", "legacy"], indirect=True)


@pytest.fixture
def box(request: pytest.FixtureRequest, make_imsg_sandbox: Callable[..., Sandbox]) -> Sandbox:
    people = [{"name": "Ada", "addresses": [ADA]}, {"name": "Ben", "addresses": [BEN]}]
    return make_imsg_sandbox(people=people, dialect=getattr(request, "param", "v1"))


@pytest.fixture
def start(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[Gateway, BoxClock]]]:
    """Return a way to start gateways over the sandbox, which share one state."""
    monkeypatch.setenv("IMSG_SDK_STATE_DIR", str(tmp_path / "shared"))
    started: list[Gateway] = []

    def run(handler: Any = None, config: Any = SETTINGS, **options: Any) -> tuple[Gateway, BoxClock]:
        clock = BoxClock(box)
        client = box.client()
        gateway = Gateway(config, client=client, handler=handler, clock=clock, state_dir=tmp_path / "state", **options)
        started.append(gateway)
        gateway.start()
        return gateway, clock

    yield run
    for gateway in started:
        gateway.stop()


def said(box: Sandbox) -> list[tuple[int | None, str | None]]:
    return [(each.chat_id, each.text) for each in box.sent()]


@both
def test_people_are_answered_where_they_wrote_and_strangers_are_not(box: Sandbox, start: Any) -> None:
    gateway, _ = start(lambda context: f"you said {context.text}")
    ada = box.receive(ADA, "hello")
    box.receive(EVE, "buy this")
    ben = box.receive(BEN, "good morning")
    gateway.drain(WAIT_S, through=ben.rowid)
    assert sorted(said(box)) == [(ada.chat_id, "you said hello"), (ben.chat_id, "you said good morning")]
    frame = gateway.decisions()
    assert frame[frame["sender"] == EVE]["reason"].tolist() == ["dm_not_allowed"]
    assert gateway.outbox()["state"].tolist() == ["observed", "observed"]


def test_in_a_group_only_who_speaks_to_it_is_answered(box: Sandbox, start: Any) -> None:
    group = box.call("sandbox.chat", addresses=[ADA, BEN], name="Lunch")["chat_id"]
    gateway, _ = start(lambda context: f"{context.group_subject}: {context.sender}")
    box.receive(ADA, "where?", chat=group)
    last = box.receive(BEN, "@bot where?", chat=group)
    gateway.drain(WAIT_S, through=last.rowid)
    assert said(box) == [(group, f"Lunch: {BEN}")]
    assert gateway.decisions()["reason"].dropna().tolist()[0] == "no_mention"


def test_a_conversation_goes_on_by_itself(make_imsg_sandbox: Any, tmp_path: Path, monkeypatch: Any, until: Any) -> None:
    monkeypatch.setenv("IMSG_SDK_STATE_DIR", str(tmp_path / "shared"))
    script = [{"matches": "question", "times": 2, "do": [{"wait": 5}, {"say": "an answer"}]}]
    box = make_imsg_sandbox(people=[{"name": "Ada", "addresses": [ADA], "script": script}])
    clock = BoxClock(box)
    handler = lambda context: f"question after {context.text}"  # noqa: E731
    with Gateway(SETTINGS, client=box.client(), handler=handler, clock=clock, state_dir=tmp_path / "s") as gateway:
        gateway.drain(WAIT_S, through=box.receive(ADA, "hello").rowid)
        for turn in (2, 3):
            clock.advance(60)
            until(lambda turn=turn: len(box.sent()) == turn)
        gateway.drain(WAIT_S)
        assert [text for _, text in said(box)] == ["question after hello", *["question after an answer"] * 2]


def test_children_that_are_killed_lose_and_repeat_nothing(box: Sandbox, start: Any) -> None:
    gateway, _ = start(lambda context: context.text)
    client = gateway._client
    texts = []
    for number in range(2):
        box.kill_child(client)  # type: ignore[arg-type]
        arrival = box.receive(ADA, f"message {number}")
        texts.append(f"message {number}")
        gateway.drain(WAIT_S, through=arrival.rowid)
    assert [text for _, text in said(box)] == texts


@both
def test_what_came_while_it_was_away_is_answered_once(box: Sandbox, start: Any) -> None:
    gateway, _ = start(lambda context: context.text)
    gateway.drain(WAIT_S, through=box.receive(ADA, "one").rowid)
    gateway.stop()
    two = box.receive(BEN, "two")
    gateway, _ = start(lambda context: context.text)
    gateway.drain(WAIT_S, through=two.rowid)
    gateway.drain(WAIT_S, through=box.receive(ADA, "three").rowid)
    assert [text for _, text in said(box)] == ["one", "two", "three"]


def test_an_observer_sends_nothing(box: Sandbox, start: Any) -> None:
    gateway, _ = start(lambda context: "never", mode="observe", run_handlers=True)
    gateway.drain(WAIT_S, through=box.receive(ADA, "hello").rowid)
    assert box.acts() == []
    assert gateway.outbox()["state"].tolist() == ["refused"]


def test_a_send_nobody_can_vouch_for_is_reported_and_not_repeated(make_imsg_sandbox: Any, tmp_path: Path) -> None:
    box = make_imsg_sandbox(people=[{"name": "Ada", "addresses": [ADA]}])
    options: dict[str, Any] = {"clock": BoxClock(box), "state_dir": tmp_path / "s"}
    client = box.client(settle_timeout_s=0.5)
    with Gateway(SETTINGS, client=client, handler=lambda context: context.text, **options) as gateway:
        box.receive(ADA, "first words")
        gateway.drain(WAIT_S)
        box.fault("uncertain_delivery", arrives=False, text="lost?", times=1)
        gateway.drain(WAIT_S, through=box.receive(ADA, "lost?").rowid)
        assert gateway.outbox()["state"].tolist()[-1] == "uncertain"
        gateway.drain(WAIT_S, through=box.receive(ADA, "and now").rowid)
        assert gateway.outbox()["state"].tolist()[-1] == "observed"


def test_attachments_reach_the_handler_and_files_go_out(box: Sandbox, start: Any, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 64)
    seen = []

    def handler(context: Any) -> Path:
        seen.append([Path(each.path or "").name for each in context.attachments])
        return picture

    gateway, _ = start(handler)
    gateway.drain(WAIT_S, through=box.receive(ADA, "look", files=[str(picture)]).rowid)
    assert seen == [["picture.png"]]
    [sent] = box.sent()
    assert sent.text is None
    assert Path(str(sent.file)).name == "picture.png"


def test_the_state_of_a_make_believe_goes_with_it(box: Sandbox, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("IMSG_SDK_STATE_DIR", str(tmp_path / "real"))
    gateway = Gateway(SETTINGS, client=box.client(), clock=BoxClock(box))
    with gateway:
        folder = gateway._folder()
        assert folder.is_dir()
    assert not list((tmp_path / "real").glob("*.db"))
    del gateway
    assert not folder.exists()


def test_leaving_without_a_stop_is_quick_and_clean(tmp_path: Path) -> None:
    """The interpreter ends although a gateway runs and one of its handlers hangs."""
    import subprocess

    code = f"""
import os, threading
os.environ["IMSG_SDK_STATE_DIR"] = {str(tmp_path)!r}
from imsg_sdk import Gateway
from imsg_sdk.testing import Sandbox
begun = threading.Event()
def hang(context):
    begun.set()
    threading.Event().wait()
box = Sandbox(clock="real").make()
gateway = Gateway({{"imessage": {{"allowFrom": ["*"], "dmPolicy": "open"}}}}, client=box.client(), handler=hang)
gateway.start()
box.receive("+15550001001", "hello")
assert begun.wait(20)
print("leaving", flush=True)
"""
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "leaving\n"
    assert done.stderr == ""
    assert time.monotonic() - started < 30


def test_the_state_of_a_gateway_over_a_private_sandbox_goes_with_it() -> None:
    with IMessageClient.sandbox(preset="empty", people=[]) as client:
        gateway = Gateway({}, client=client)
        folder = gateway._folder()
        assert folder.is_dir()
        del gateway
        gc.collect()
        assert not folder.exists()
