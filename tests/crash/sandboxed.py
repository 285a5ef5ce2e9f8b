"""The real gateway through the real client and children, over a make-believe Messages that outlives them all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from world import Scenario, World, apart, key_of

from imsg_sdk import IMessageClient
from imsg_sdk.gateway import Context, Gateway
from imsg_sdk.gateway.state import Journal, StateReader
from imsg_sdk.rpc.backends import our_server

_LONG = 300
_FRIEND, _OTHER, _STRANGER = "+15551230001", "+15551230002", "+15551230009"
ANSWERS = {"two": ["a" * _LONG + "\n" + "b" * _LONG, "c"], "say": ["said"], "none": []}
RECEIVED = ((_STRANGER, "hey"), (_FRIEND, "two"), (_OTHER, "say"), (_FRIEND, "none"), (_OTHER, "fail"))

CONFIG: dict[str, Any] = {
    "imessage": {"dmPolicy": "pairing", "allowFrom": [_FRIEND, _OTHER], "textChunkLimit": 400},
}


class SandboxScenario(Scenario):
    """A gateway that makes up for what came while it was away, and sends through a child.

    Parameters
    ----------
    bridge
        Whether the program can name what it sends, so that it is found again by its name.
    """

    def __init__(self, *, bridge: bool) -> None:
        self._bridge = "--bridge" if bridge else "--no-bridge"

    chunks = ("a" * 8, "b" * 8, "c", "said", "This")

    def prepare(self, folder: Path) -> None:
        """Make a world, let a gateway watch it once, and let messages come when it is gone."""
        world = [*_COMMAND, "world", str(_database(folder)), "--clock", "real", self._bridge]
        subprocess.run(world, check=True, timeout=30, stdout=subprocess.DEVNULL)
        apart(lambda: self._live(folder, through=None))
        answers = _controls(folder, *(("sandbox.receive", {"from": who, "text": text}) for who, text in RECEIVED))
        _rows(folder).write_text(json.dumps([answer["rowid"] for answer in answers]), encoding="utf-8")

    def rows_in(self, folder: Path) -> frozenset[int]:
        """Return the rows that came."""
        return frozenset(json.loads(_rows(folder).read_text(encoding="utf-8")))

    def live(self, folder: Path, reached: Callable[[str], None]) -> None:
        """Live until everything is answered."""
        Journal.reached = lambda self, point: reached(point)  # type: ignore[method-assign]
        last = max(self.rows_in(folder))
        has_come = any(row.message_rowid == last for row in StateReader(folder).decisions())
        self._live(folder, through=None if has_come else last)

    def sent(self, folder: Path) -> list[str]:
        """Return what the make-believe Messages was asked to send."""
        (answer,) = _controls(folder, ("sandbox.sent", {}))
        return [key_of(each["values"]["text"]) for each in answer["sent"] if each["refused"] is None]

    def _live(self, folder: Path, *, through: int | None) -> None:
        os.environ["IMSG_SDK_STATE_DIR"] = str(folder.with_name("shared"))
        world = World(folder)

        def handler(context: Context) -> Iterator[str]:
            world.note("handled", context.message.guid, context.attempt)
            yield from ANSWERS[context.message.text or ""]

        backend = our_server(str(_database(folder)), module="imsg_sdk.sandbox")
        with (
            IMessageClient._over(backend, None) as client,
            Gateway(CONFIG, client=client, handler=handler, state_dir=folder) as gateway,
        ):
            gateway.drain(30, through=through)


_COMMAND = (sys.executable, "-m", "imsg_sdk.sandbox")


def _database(folder: Path) -> Path:
    return folder.with_name("chat.db")


def _rows(folder: Path) -> Path:
    return folder.with_name("rows.json")


def _controls(folder: Path, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """Call methods of the sandbox, in a child of their own."""
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n"
        for number, (method, params) in enumerate(calls)
    ]
    done = subprocess.run(
        [*_COMMAND, "rpc", "--db", str(_database(folder))],
        input="".join(lines),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=30,
    )
    return [json.loads(line)["result"] for line in done.stdout.splitlines()]
