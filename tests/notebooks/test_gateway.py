"""A gateway in a real kernel: cells that are run again, an interrupt, queued cells, and the panel."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]

MAKE = """
from imsg_sdk import Gateway
from imsg_sdk.testing import Sandbox
box = Sandbox(clock="real").make()
state = {state!r}
client = box.client()
"""
START = """
gateway = Gateway({"imessage": {"allowFrom": ["*"], "dmPolicy": "open"}}, client=client, state_dir=state)

@gateway.on_message
def answer(context):
    return "WORDS"

gateway.start()
"""
ASK = """
gateway.drain(through=box.receive("+15550001001", "hello").rowid)
print(box.sent()[-1].text)
"""
RUN = """
import sys

def tell(frame, event, argument):
    if frame.f_code.co_qualname == "LoopThread.wait":  # from here on run() is what is interrupted
        sys.setprofile(None)
        print("blocks", flush=True)

sys.setprofile(tell)
gateway.run()
"""


def displays(kernel: Any, code: str) -> list[str]:
    """Run a cell and return the kinds of what it displayed, and what came for them afterwards."""
    cell = kernel.client.execute(code, store_history=True)
    kinds, deadline, idle = [], time.monotonic() + 30, False
    while not idle or "update_display_data" not in kinds:
        message = kernel.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
        if message["parent_header"].get("msg_id") == cell or message["msg_type"] == "update_display_data":
            if message["msg_type"] in ("display_data", "update_display_data"):
                kinds.append(message["msg_type"])
                assert set(message["content"]["data"]) == {"text/plain", "text/html"}
            idle = idle or (message["msg_type"] == "status" and message["content"]["execution_state"] == "idle")
    kernel.client.get_shell_msg(timeout=30)
    return kinds


def test_a_gateway_lives_in_a_notebook(kernel: Any, tmp_path: Path) -> None:
    kernel.value(MAKE.format(state=str(tmp_path / "state")))
    kernel.value(START.replace("WORDS", "first"))
    assert kernel.value(ASK) == "first"
    # The cell of the handler alone, while the gateway runs.
    kernel.value('@gateway.on_message\ndef answer(context):\n    return "second"')
    assert kernel.value(ASK) == "second"
    # The whole cell: the gateway before it ends, which frees its state.
    kernel.value(START.replace("WORDS", "third"))
    assert kernel.value(ASK) == "third"
    count = "import threading; print(sum(t.name == 'imsg-gateway' for t in threading.enumerate()))"
    assert kernel.value(count) == "1"

    # Held by what the notebook keeps, the old one makes room all the same.
    kernel.value("gateway")
    kernel.value(START.replace("WORDS", "fourth"))
    assert kernel.value(ASK) == "fourth"
    assert kernel.value(count) == "1"

    kinds = displays(kernel, "gateway.dashboard(interval_s=0.1)\nbox.receive('+15550001001', 'hello');")
    assert kinds.count("display_data") == 1
    kernel.value("gateway.dashboard().close()")

    blocking = kernel.send(RUN)
    while "blocks" not in str(kernel.client.get_iopub_msg(timeout=30)["content"].get("text")):
        pass
    kernel.interrupt()
    [reply] = kernel.replies(blocking)
    assert "KeyboardInterrupt" in reply.error
    assert kernel.value("print(gateway.status().state)") == "stopped"
