"""A list of messages: shown first, sent once, reported row by row, and safe to run again."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest

from imsg_sdk import AsyncIMessageClient, frames
from imsg_sdk.addressing import Handle
from imsg_sdk.client import bulk
from imsg_sdk.errors import ClientClosed, InvalidParams, UsageError
from imsg_sdk.models import SendRow, SendState

HERE = Path(__file__).parent
PEOPLE = [{"target": 3, "text": "one"}, {"target": 4, "text": "two"}, {"target": 3, "text": "three"}]


def send_many(scripted: Any, rows: Any = PEOPLE, **options: Any) -> pd.DataFrame:
    options = {"ledger": scripted.folder / "list.ledger", "dry_run": False, "per_minute": None, **options}
    return scripted.client.send_many(rows, **options)


def error(disposition: str, retry_safe: bool = False) -> dict[str, Any]:
    data = {"disposition": disposition, "retry_safe": retry_safe, "operation": "send", "detail": "…"}
    return {"code": -32603, "message": "…", "data": data}


def test_nothing_is_sent_unless_one_says_so(scripted: Any) -> None:
    frame = scripted.client.send_many(pd.DataFrame(PEOPLE))
    assert frame.state.tolist() == ["planned"] * 3
    assert frame.chat_id.tolist() == [3, 4, 3]
    assert frame.n_characters.tolist() == [3, 3, 5]
    assert frame.is_retry_safe.isna().all()
    assert scripted.asked == []
    assert list(scripted.folder.iterdir()) == []


def test_the_frame_has_the_columns_and_kinds_of_its_table(scripted: Any) -> None:
    for rows in (PEOPLE, []):
        frame = scripted.client.send_many(rows or pd.DataFrame({"target": [], "text": []}))
        assert frame.columns.tolist() == list(frames.SENDS.names)
        assert frame.dtypes.astype(str).drop("state").to_dict() == {
            name: kind for name, kind in frames.dtypes(frames.SENDS).items() if name != "state"
        }


def test_a_plan_shows_each_target_as_given_and_whom_it_reaches(scripted: Any) -> None:
    given = [3, "(202) 555-0117", "Mum", Handle("+12025550199"), pd.NA, 4.0]
    frame = scripted.client.send_many(pd.DataFrame({"target": pd.Series(given, dtype=object), "text": "hello"}))
    assert frame.target.tolist()[:4] == ["3", "(202) 555-0117", "Mum", "+12025550199"]
    assert frame.target.isna().tolist() == [False, False, False, False, True, False]
    assert frame.recipient[[0, 1, 3, 5]].tolist() == ["+12025550117", "+12025550117", "+12025550199", "+12025550118"]
    assert frame.recipient.isna().tolist() == [False, False, True, False, True, False]


def test_each_row_is_sent_once_and_told(scripted: Any) -> None:
    frame = send_many(scripted)
    assert frame.state.tolist() == ["observed"] * 3
    assert frame.rowid.tolist() == [100, 101, 102]
    assert scripted.texts == ["one", "two", "three"]
    assert not frame.was_sent_before.any()


def test_a_second_run_sends_nothing_again(scripted: Any) -> None:
    send_many(scripted)
    rehearsal = scripted.client.send_many(PEOPLE, ledger=scripted.folder / "list.ledger")
    assert rehearsal.state.tolist() == ["skipped"] * 3
    again = send_many(scripted, [*PEOPLE, {"target": 4, "text": "four"}])
    assert again.state.tolist() == ["observed"] * 4
    assert again.was_sent_before.tolist() == [True, True, True, False]
    assert again.rowid.tolist() == [100, 101, 102, 103]
    assert scripted.texts == ["one", "two", "three", "four"]


def test_rows_that_cannot_be_meant_are_reported_and_the_others_sent(scripted: Any) -> None:
    rows = pd.DataFrame(
        {
            "target": [3, 99, "Mum", None, 4, 3, "+12025550118", 3],
            "text": ["hello", "x", "x", "x", " ", "hello", "hi", "tail"],
        }
    )
    frame = send_many(scripted, rows)
    assert frame.state.tolist() == [
        "observed", "refused", "refused", "refused", "refused", "skipped", "observed", "observed"
    ]  # fmt: skip
    assert frame.problem.notna().tolist() == [False, True, True, True, True, True, False, False]
    assert "row 0" in frame.problem[5]
    assert frame.is_retry_safe.tolist() == [False, True, True, True, True, True, False, False]
    assert scripted.texts == ["hello", "hi", "tail"]


def test_one_person_is_the_same_however_they_are_named(scripted: Any) -> None:
    names = [3, "+12025550117", "(202) 555-0117", "chat_id:3", "chat_guid:iMessage;-;+12025550117"]
    frame = send_many(scripted, [{"target": name, "text": "hello"} for name in names])
    assert frame.state.tolist() == ["observed", *["skipped"] * 4]
    assert scripted.texts == ["hello"]


def test_a_row_that_is_uncertain_is_never_sent_again(scripted: Any) -> None:
    scripted.script({"row": True}, {"then": error("may_have_completed")}, {"row": True})
    first = send_many(scripted)
    assert first.state.tolist() == ["observed", "uncertain", "observed"]
    assert first.is_retry_safe.tolist() == [False, False, False]
    second = send_many(scripted)
    assert second.state.tolist() == ["observed", "uncertain", "observed"]
    assert scripted.texts == ["one", "two", "three"]


def test_a_row_that_was_uncertain_is_found_when_it_shows(scripted: Any) -> None:
    scripted.script({"then": error("may_have_completed")})
    assert send_many(scripted, PEOPLE[:1]).state.tolist() == ["uncertain"]
    scripted.script({"row": True})
    scripted.client.call("send", {"chat_id": 3, "text": "one"})  # it shows late: somebody else writes the row
    assert send_many(scripted, PEOPLE[:1]).state.tolist() == ["observed"]
    assert scripted.texts == ["one", "one"]


def test_a_row_that_surely_failed_is_tried_in_the_next_run(scripted: Any) -> None:
    scripted.script({"then": error("not_started", retry_safe=True)}, {"row": True})
    first = send_many(scripted)
    assert first.state.tolist() == ["failed", "observed", "observed"]
    assert first.is_retry_safe[0]
    second = send_many(scripted)
    assert second.state.tolist() == ["observed"] * 3
    assert scripted.texts == ["one", "two", "three", "one"]


def test_what_keeps_failing_stops_the_rest(scripted: Any) -> None:
    scripted.script({"then": error("not_started", retry_safe=True)})
    rows = [{"target": 3, "text": f"text {number}"} for number in range(6)]
    frame = send_many(scripted, rows, max_failures=2)
    assert frame.state.tolist() == ["failed", "failed", *["skipped"] * 4]
    assert len(scripted.asked) == 2
    scripted.script({"row": True})
    assert send_many(scripted, rows).state.tolist() == ["observed"] * 6


def test_rows_that_an_earlier_run_left_open_stop_nothing(scripted: Any) -> None:
    rows = [{"target": 3, "text": f"text {number}"} for number in range(6)]
    scripted.script({"then": error("may_have_completed")})
    assert send_many(scripted, rows[:4], max_failures=9).state.tolist() == ["uncertain"] * 4
    scripted.script({"row": True})
    assert send_many(scripted, rows).state.tolist() == [*["uncertain"] * 4, "observed", "observed"]
    assert len(scripted.asked) == 6


def test_a_database_that_is_replaced_in_the_middle_leads_to_nobody_else(scripted: Any) -> None:
    guids = ["iMessage;-;+12025550117", "iMessage;-;+12025550118"]
    before = [{"id": 90 + chat, "chat_id": chat, "chat_guid": guids[chat - 3]} for chat in (3, 4)]
    scripted.remember(*before)

    def replace(done: int, _: int | None) -> None:
        if done == 1:
            scripted.remember(*({**row, "chat_guid": guids[4 - row["chat_id"]]} for row in before))

    frame = send_many(scripted, progress=replace)
    assert frame.state.tolist() == ["observed", "refused", "refused"]
    assert frame.is_retry_safe.tolist() == [False, True, True]
    assert scripted.texts == ["one"]


@pytest.mark.parametrize("limit", [4, 5])
def test_a_text_that_was_sent_is_known_however_it_would_be_cut_now(scripted: Any, limit: int) -> None:
    row = [{"target": 3, "text": "one two  "}]
    assert send_many(scripted, row).state.tolist() == ["observed"]
    sender, options = scripted.client._sending
    scripted.client._sends = (sender, msgspec.structs.replace(options, chunk_limit=limit))
    assert send_many(scripted, row).state.tolist() == ["uncertain"]
    assert scripted.texts == ["one two  "]


def test_a_long_text_goes_on_with_the_part_that_is_missing(scripted: Any) -> None:
    rows = [{"target": 3, "text": "a" * 4000 + " " + "b" * 4000 + " c"}]
    scripted.script({"row": True}, {"then": error("not_started", retry_safe=True)}, {"row": True})
    first = send_many(scripted, rows)
    assert first.state.tolist() == ["failed"]
    assert "part 2" in first.problem[0]
    assert send_many(scripted, rows).state.tolist() == ["observed"]
    assert [text[0] for text in scripted.texts] == ["a", "b", "b", "c"]


def test_files_are_sent_and_told_apart_by_their_content(scripted: Any, tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("one.txt", "same.txt", "other.txt"))
    one.write_text("x")
    same.write_text("x")
    other.write_text("y")
    rows = pd.DataFrame({"target": 3, "file": [str(one), str(same), str(other), str(tmp_path / "gone.txt")]})
    frame = send_many(scripted, rows)
    assert frame.state.tolist() == ["observed", "skipped", "observed", "refused"]
    assert str(tmp_path) not in frame.problem[3]


def test_columns_can_have_other_names_and_ids_may_be_floats(scripted: Any) -> None:
    rows = pd.DataFrame({"who": [3.0, None], "what": ["hello", "x"]})
    frame = send_many(scripted, rows, target="who", text="what")
    assert frame.state.tolist() == ["observed", "refused"]


def test_any_table_will_do(scripted: Any) -> None:
    class Table:
        def to_pandas(self) -> pd.DataFrame:
            return pd.DataFrame(PEOPLE)

    assert scripted.client.send_many(Table()).state.tolist() == ["planned"] * 3
    holes = [{"target": pd.NA, "text": "x"}, {"target": 3, "text": float("nan")}, {"target": 3, "text": pd.NaT}]
    assert scripted.client.send_many(holes).state.tolist() == ["refused"] * 3


def test_a_plan_shows_neither_whom_nor_what() -> None:
    plan = bulk.Planned(
        SendRow(row=0, state=SendState.PLANNED), [{"to": "+12025550117", "text": "hi"}], "chat", "+1202"
    )
    assert repr(plan) == "<Planned <SendRow 0, planned>, 1 parts>"


def test_progress_is_told(scripted: Any) -> None:
    told: list[tuple[int, int | None]] = []
    send_many(scripted, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_messages_keep_their_distance(scripted: Any) -> None:
    scripted.client.send(3, "first")  # both children are up
    begun = time.monotonic()
    send_many(scripted, per_minute=300)
    assert 0.4 <= time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("rows", "options", "kind"),
    [
        (PEOPLE, {"ledger": None}, UsageError),
        ("a text", {}, InvalidParams),
        (5, {}, InvalidParams),
        ([1, 2], {}, InvalidParams),
        ({"target": 3}, {}, InvalidParams),
        (pd.DataFrame({"phone": [3], "text": ["x"]}), {}, InvalidParams),
        (pd.DataFrame({"target": [3]}), {}, InvalidParams),
        (PEOPLE, {"per_minute": 0}, InvalidParams),
        (PEOPLE, {"max_failures": 0}, InvalidParams),
    ],
    ids=str,
)
def test_a_list_that_cannot_be_meant_sends_nothing(scripted: Any, rows: Any, options: Any, kind: Any) -> None:
    with pytest.raises(kind) as caught:
        send_many(scripted, rows, **options)
    assert caught.value.hint
    assert scripted.asked == []


def test_a_closed_client_sends_no_list(scripted: Any) -> None:
    scripted.client.close()
    with pytest.raises(ClientClosed):
        send_many(scripted)


def test_the_twin_does_the_same(scripted: Any) -> None:
    async def both() -> tuple[list[str], list[str]]:
        backend = scripted.client._core.pool.backend
        async with AsyncIMessageClient({}, cli_path=list(backend.program)) as client:
            dry = await client.send_many(PEOPLE)
            ledger = scripted.folder / "list.ledger"
            wet = await client.send_many(PEOPLE, dry_run=False, ledger=ledger, per_minute=None)
            return [row.state for row in dry], [row.state for row in wet]

    dry, wet = asyncio.run(both())
    assert dry == ["planned"] * 3
    assert wet == ["observed"] * 3
    assert scripted.texts == ["one", "two", "three"]


# ---- kill -9 ---------------------------------------------------------------------------------------------------------

RUN = """
import json, sys
from imsg_sdk import IMessageClient
program, ledger, rows = json.loads(sys.argv[1])
with IMessageClient({}, cli_path=program, close_timeout_s=0.2) as client:
    client._sending[0]._settle_timeout_s = 0.1
    client.send_many(rows, ledger=ledger, dry_run=False, per_minute=None)
"""


def run_to_its_death(scripted: Any, rows: list[dict[str, Any]]) -> None:
    """Start a run in a process of its own; the script kills it in the middle of a send."""
    program = list(scripted.client._core.pool.backend.program)
    arguments = json.dumps([program, str(scripted.folder / "list.ledger"), rows])
    ended = subprocess.run([sys.executable, "-c", RUN, arguments], timeout=30, check=False)
    assert ended.returncode == -signal.SIGKILL


def test_a_run_that_is_killed_and_run_again_gives_nobody_anything_twice(scripted: Any) -> None:
    rows = [{"target": 3 + number % 2, "text": f"text {number}"} for number in range(20)]
    sent, killed, lost = {"row": True}, {"row": True, "then": "kill"}, {"then": "kill"}
    scripted.script(*[sent] * 4, killed, *[sent] * 4, lost, *[sent] * 3, killed, sent)
    for _ in range(3):
        run_to_its_death(scripted, rows)
    frame = send_many(scripted, rows)
    assert Counter(scripted.texts) == Counter(row["text"] for row in rows)
    # The one of which nobody can know is reported, and all others are known to have arrived.
    assert frame.state.tolist() == ["observed"] * 9 + ["uncertain"] + ["observed"] * 10
    assert frame.was_sent_before.tolist() == [True] * 9 + [False] + [True] * 4 + [False] * 6


def test_a_run_that_is_killed_between_the_note_and_the_send_leaves_one_row_open(scripted: Any) -> None:
    from imsg_sdk.client.send_ledger import SendLedger

    class Killed(BaseException):
        pass

    note = SendLedger.note

    def noted(self: SendLedger, memory: Any) -> None:
        note(self, memory)
        if memory.state == "attempting" and len(scripted.asked) == 1:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SendLedger, "note", noted)
        with pytest.raises(Killed):
            send_many(scripted)
    frame = send_many(scripted)
    assert frame.state.tolist() == ["observed", "uncertain", "observed"]
    assert scripted.texts == ["one", "three"]
    assert "not sent again" in frame.problem[1]
