"""A loop over a watch in a cell: the interrupt key ends it, and the next loop goes on where it stopped."""

from __future__ import annotations

import os
import select
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]

BEGIN = """
from imsg_sdk import AsyncIMessageClient, IMessageClient
client = IMessageClient.sandbox(seed=1, messages=300)
watch = client.watch()
def begun():
    with open({fifo!r}, "wb", buffering=0) as pipe:
        pipe.write(b".")
"""
SYNC_LOOP = """
begun()
for message in watch:
    pass
"""
ASYNC_LOOP = """
twin = AsyncIMessageClient.sandbox(seed=1, messages=300)
async with twin.watch() as other:
    begun()
    async for message in other:
        pass
"""


@pytest.mark.parametrize("loop", [SYNC_LOOP, ASYNC_LOOP], ids=["for", "async for"])
def test_an_interrupt_ends_a_loop_over_a_watch(kernel: Any, tmp_path: Path, loop: str) -> None:
    fifo = tmp_path / "begun"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    kernel.value(BEGIN.format(fifo=str(fifo)))
    cell = kernel.send(loop)
    assert select.select([reading], [], [], 60)[0], "the loop did not begin"
    os.close(reading)
    kernel.interrupt()
    (reply,) = kernel.replies(cell, timeout_s=20)
    assert reply.status == "error"
    assert kernel.value("print(watch.get(0), watch.is_closed)") == "None False"
