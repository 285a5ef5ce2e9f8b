"""What real programs reported is handed out: each message once, in the order of rows, tapbacks where asked for."""

from __future__ import annotations

import gzip
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk import IMessageClient
from imsg_sdk.client.watching import listening

TESTS = Path(__file__).resolve().parents[1]
RECORDINGS = TESTS / "fixtures" / "imsg"
REPLAY = TESTS / "replay" / "imsg_replay.py"


def reported(path: Path, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages of a recorded subscription."""
    opener = lzma.open if path.suffix == ".xz" else gzip.open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if record["kind"] == "watch" and record["params"] == params:
                return [each["params"]["message"] for each in record["lines"] if each.get("method") == "message"]
    raise LookupError(params)


@pytest.mark.parametrize("recording", ["monterey.0.9.0", "monterey.0.13.1"])
@pytest.mark.parametrize("tapbacks", [True, False])
def test_what_a_program_reported_is_handed_out(
    recording: str,
    tapbacks: bool,
    client_of_program: Callable[..., IMessageClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = RECORDINGS / f"{recording}.jsonl.xz"
    monkeypatch.setattr(listening, "_POLL_ROWS", 0)  # a recording answers one subscription only
    since = -1 if tapbacks else 573
    params = {"since_rowid": since, "attachments": True} | ({"include_reactions": True} if tapbacks else {})
    expected = reported(path, params)
    rowids = list(dict.fromkeys(message["id"] for message in expected if message["chat_id"]))
    client = client_of_program([sys.executable, str(REPLAY), str(path)])
    found = []
    with client.watch(since=max(since, 0), include_reactions=tapbacks) as watch:
        while len(found) < len(rowids):
            messages = watch.get_many(500, 10)
            assert messages, watch.status()
            found += messages
    assert [message.rowid for message in found] == rowids
    by_rowid = {message["id"]: message for message in reversed(expected)}
    for message in found:
        wire = by_rowid[message.rowid]
        assert (message.guid, message.text or "", message.is_reaction) == (
            wire["guid"],
            wire["text"],
            wire.get("is_reaction", False),
        )
        assert message.n_attachments == len(wire["attachments"])
