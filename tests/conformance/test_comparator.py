"""The comparator lets through what is free, and nothing else: it must be able to fail."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest
from comparator import Dates, Rules, canonical, compare, compare_notifications, is_error_answer
from recordings import load, read_dates

DATES = Dates(messages={1: 100, 2: 100, 3: 90}, chats={1: 5, 2: 5, 3: 4})


def history(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": {"messages": list(rows)}}


def row(rowid: int, **more: Any) -> dict[str, Any]:
    return {"id": rowid, "chat_id": 1, "text": f"text {rowid}", "attachments": [], "reactions": [], **more}


def rules(method: str = "messages.history", limit: int | None = 50) -> Rules:
    return Rules(dates=DATES, method=method, limit=limit)


def test_rows_of_one_date_may_stand_in_any_order() -> None:
    assert compare(history(row(1), row(2), row(3)), history(row(2), row(1), row(3)), rules()) == []


def test_rows_of_two_dates_may_not() -> None:
    (found,) = compare(history(row(1), row(2), row(3)), history(row(1), row(3), row(2)), rules())
    assert found.shape == ".result.messages<order>"


def test_messages_after_stands_in_the_order_of_row_ids() -> None:
    assert compare(history(row(1), row(2)), history(row(2), row(1)), rules("messages.after"))


def test_a_limit_that_cuts_a_date_may_keep_any_row_of_it() -> None:
    assert compare(history(row(1)), history(row(2)), rules(limit=1)) == []
    assert compare(history(row(1)), history(row(3)), rules(limit=1))
    assert compare(history(row(1)), history(row(2)), rules(limit=2))


def test_a_row_that_is_missing_repeated_or_too_many_is_found() -> None:
    assert [d.where for d in compare(history(row(1), row(3)), history(row(1)), rules())] == [".result.messages[3,1]"]
    assert compare(history(row(1)), history(row(1), row(3)), rules())
    assert compare(history(row(1)), history(row(1), row(1)), rules())


def test_a_message_of_two_chats_is_two_rows() -> None:
    copies = history(row(1), row(1, chat_id=2))
    assert compare(copies, history(row(1, chat_id=2), row(1)), rules()) == []
    assert compare(copies, history(row(1), row(1)), rules())


def test_attachments_of_one_message_have_no_order() -> None:
    one, other = {"filename": "a", "total_bytes": 1}, {"filename": "b", "total_bytes": 2}
    assert compare(history(row(1, attachments=[one, other])), history(row(1, attachments=[other, one])), rules()) == []
    changed = history(row(1, attachments=[{**other, "total_bytes": 3}, one]))
    (found,) = compare(history(row(1, attachments=[one, other])), changed, rules())
    assert found.where.endswith(".total_bytes")


def test_reactions_keep_their_order_unless_their_dates_are_equal() -> None:
    first, second, third = ({"id": number, "type": "like", "created_at": "x"} for number in (1, 2, 3))
    expected = history(row(9, reactions=[first, second, third]))
    assert compare(expected, history(row(9, reactions=[second, first, third])), rules()) == []
    assert compare(expected, history(row(9, reactions=[first, third, second])), rules())


def test_equal_counts_have_no_order() -> None:
    one, other, less = ({"handle": name, "message_count": n} for name, n in (("a", 5), ("b", 5), ("c", 4)))
    expected = {"senders": [one, other, less]}
    assert compare(expected, {"senders": [other, one, less]}) == []
    assert compare(expected, {"senders": [one, less, other]})
    assert compare({"dates": [1, 2]}, {"dates": [2, 1]})


def test_the_clock_and_the_version_are_free_but_must_be_what_they_claim() -> None:
    noon, later = "2026-01-01T12:00:00.000Z", "2026-01-02T12:00:00.123Z"
    assert compare({"checked_at": noon}, {"checked_at": later}) == []
    assert compare({"checked_at": noon}, {"checked_at": "today"})
    assert compare({"result": {"version": "0.14.1"}}, {"result": {"version": "9"}}) == []
    assert compare({"result": {"version": "0.14.1"}}, {"result": {"version": 9}})
    assert compare({"result": {"protocol_version": 1}}, {"result": {"protocol_version": 2}})


@pytest.mark.parametrize(
    ("expected", "got"),
    [(1, True), (0, False), (1, 1.0), (None, 0), ("1", 1), ([], {}), ("a", "a "), ({"a": None}, {})],
)
def test_types_and_absence_count(expected: Any, got: Any) -> None:
    assert compare(expected, got)
    assert compare({"key": expected}, {"key": got})


def test_only_an_error_answer_stands_for_a_crash() -> None:
    assert is_error_answer({"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "Invalid params"}})
    assert not is_error_answer({"jsonrpc": "2.0", "id": 1, "result": {}})
    assert not is_error_answer({"jsonrpc": "2.0", "id": 1, "error": {"message": "?"}})
    assert not is_error_answer("<child ended>")


def test_notifications_come_once_and_in_order() -> None:
    one, two = ({"method": "message", "params": {"message": {"id": n, "chat_id": 1}}} for n in (1, 2))
    copy_ = {"method": "message", "params": {"message": {"id": 1, "chat_id": 2}}}
    assert compare_notifications([one, copy_, two], [copy_, one, two], rules(), "") == []
    assert compare_notifications([one, two], [two, one], rules(), "")
    assert compare_notifications([one, two], [one], rules(), "")
    assert compare_notifications([one, two], [one, two, two], rules(), "")


# --- the recordings themselves -------------------------------------------------------------------------


def histories(golden: Path, version: str) -> dict[str, Any]:
    answered = {
        canonical(record["request"].get("params")): record["lines"][0]
        for record in load(golden, "monterey", version)["rpc"]
        if record["request"].get("method") == "messages.history"
    }
    return {key: line for key, line in answered.items() if isinstance(line, dict) and "result" in line}


def test_two_recordings_of_the_same_history_agree(golden: Path) -> None:
    """0.13.1 and 0.14.1 answer whole histories alike; two recordings hold them in different key order."""
    old, new = histories(golden, "0.13.1"), histories(golden, "0.14.1")
    whole = [key for key in old.keys() & new.keys() if '"limit":100000' in key]
    dates = read_dates(golden / "monterey.db")
    assert len(whole) > 20
    for key in whole:
        ours = Rules(dates=dates, method="messages.history", limit=100_000)
        assert compare({**old[key], "id": 1}, {**new[key], "id": 1}, ours) == []


def test_any_changed_value_of_a_recorded_answer_is_found(golden: Path) -> None:
    dates = read_dates(golden / "monterey.db")
    dice = random.Random(7)
    answers = sorted(histories(golden, "0.14.1").items())
    for key, answer in dice.sample(answers, 60):
        broken = copy.deepcopy(answer)
        place = spoil(broken, dice)
        ours = Rules(dates=dates, method="messages.history", limit=None)
        assert compare(answer, copy.deepcopy(answer), ours) == []
        assert compare(answer, broken, ours), (key, place)


def spoil(value: Any, dice: random.Random) -> str:
    """Change, drop or add one thing somewhere inside, in place; return where."""
    path = ""
    while True:
        key = dice.choice(sorted(value)) if isinstance(value, dict) else dice.randrange(len(value))
        path += f"/{key}"
        inner = value[key]
        if isinstance(inner, dict | list) and inner and dice.random() < 0.9:
            value = inner
            continue
        if isinstance(value, dict) and dice.random() < 0.3:
            del value[key]
        elif isinstance(inner, bool) or inner is None:
            value[key] = 0 if inner is None else not inner
        elif isinstance(inner, int | float):
            value[key] = inner + 1
        elif isinstance(inner, str):
            value[key] = inner + "x"
        else:
            value[key] = None
        return path
