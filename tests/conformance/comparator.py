"""What makes two answers the same: the rules under which recordings of one program agree.

Pure: takes parsed lines, reads nothing, starts nothing.  Everything that is not freed by a rule below
must be equal in type and value.  :func:`compare` gives the differences, an empty list means agreement.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MISSING = "<absent>"


class Difference(NamedTuple):
    """One place where an answer is not what was recorded."""

    where: str
    expected: Any
    got: Any

    @property
    def shape(self) -> str:
        """The place without its positions, so that equal faults fall together."""
        return re.sub(r"\[.*?\](?=[.<]|$)", "[]", self.where)


@dataclass(frozen=True)
class Dates:
    """Stored dates by row id; rows of one date may stand in any order."""

    messages: Mapping[int, Any] = field(default_factory=dict)
    chats: Mapping[int, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    """What a comparison needs to know besides the two answers."""

    dates: Dates = field(default_factory=Dates)
    method: str = ""
    limit: int | None = None


def canonical(value: Any) -> str:
    """Return text that is equal for equal values, key order aside."""
    return msgspec.json.encode(value, order="deterministic").decode()


def compare(expected: Any, got: Any, rules: Rules | None = None, where: str = "") -> list[Difference]:
    """Return every difference between a recorded and a given value."""
    rules = rules or Rules()
    if isinstance(expected, dict) and isinstance(got, dict):
        return _compare_objects(expected, got, rules, where)
    if isinstance(expected, list) and isinstance(got, list):
        return _compare_lists(expected, got, rules, where)
    if _is_free(where, expected, got):
        return []
    same = type(expected) is type(got) and expected == got
    return [] if same else [Difference(where, expected, got)]


def _is_free(where: str, expected: Any, got: Any) -> bool:
    """``checked_at`` is the clock's and ``version`` the program's; both must still be what they claim."""
    if where.endswith(".checked_at"):
        return all(isinstance(value, str) and ISO.fullmatch(value) for value in (expected, got))
    if where.endswith("result.version") or where == ".version":
        return isinstance(expected, str) and isinstance(got, str) and bool(got)
    return False


def _compare_objects(expected: dict[str, Any], got: dict[str, Any], rules: Rules, where: str) -> list[Difference]:
    found = []
    for key in sorted(expected.keys() | got.keys()):
        here = f"{where}.{key}"
        if key not in expected:
            found.append(Difference(here, MISSING, got[key]))
        elif key not in got:
            found.append(Difference(here, expected[key], MISSING))
        else:
            found += compare(expected[key], got[key], rules, here)
    return found


Rank = Callable[[Any], Hashable]


def _rank_of(where: str, rules: Rules) -> Rank | None:
    """Return what two elements of this list must share to be exchangeable, or None if order is all."""
    name = where.rsplit(".", 1)[-1]
    if name == "attachments":
        return lambda _: 0
    if name == "reactions":
        return lambda row: _date(rules.dates.messages, row, "created_at")
    if name == "messages" and rules.method == "messages.after":
        return lambda row: _key(row, "id")
    if name == "messages":
        return lambda row: _date(rules.dates.messages, row, "created_at")
    if name in ("chats", "senders", "services", "types"):
        return lambda row: _count(row) or _date(rules.dates.chats, row, "last_message_at")
    return None


def _key(row: Any, key: str) -> Hashable:
    return canonical(row.get(key)) if isinstance(row, dict) else canonical(row)


def _date(dates: Mapping[int, Any], row: Any, shown: str) -> Hashable:
    """Return the stored date of a row, which is finer than the one it shows."""
    rowid = row.get("id") if isinstance(row, dict) else None
    return canonical(dates[rowid]) if type(rowid) is int and rowid in dates else _key(row, shown)


def _count(row: Any) -> Hashable:
    """Return by what statistics are ordered: the count, of attachments also the bytes."""
    if isinstance(row, dict) and ("message_count" in row or "attachment_count" in row):
        return (row.get("message_count"), row.get("attachment_count"), row.get("total_bytes"))
    return None


def _identity(element: Any) -> str:
    """Return what makes an element of a list itself, whatever else it says; in brackets, ready for a place."""
    if isinstance(element, dict):
        for keys in (("id", "chat_id"), ("id",), ("chat_id",), ("handle",), ("uti", "mime_type"), ("service",)):
            if all(key in element for key in keys):
                return canonical([element[key] for key in keys])
    return canonical([element])


def _compare_lists(expected: list[Any], got: list[Any], rules: Rules, where: str) -> list[Difference]:
    rank = _rank_of(where, rules)
    if rank is None:
        return _compare_in_order(expected, got, rules, where)
    if where.endswith(".attachments"):
        return _compare_as_bag(expected, got, where)
    known = {_identity(element): element for element in expected}
    given = {_identity(element): element for element in got}
    found = []
    for key in known.keys() & given.keys():
        found += compare(known[key], given[key], rules, f"{where}{key}")
    lost, extra = known.keys() - given.keys(), given.keys() - known.keys()
    if not _is_cut_within_a_date(expected, got, rank, rules, {*lost, *extra}):
        found += [Difference(f"{where}{key}", known[key], MISSING) for key in sorted(lost)]
        found += [Difference(f"{where}{key}", MISSING, given[key]) for key in sorted(extra)]
    if not (lost or extra) and [rank(row) for row in expected] != [rank(row) for row in got]:
        order = [_identity(row) for row in expected], [_identity(row) for row in got]
        found.append(Difference(f"{where}<order>", *_first_disorder(*order)))
    if len(known) == len(expected) and len(given) != len(got):
        found.append(Difference(f"{where}<repeated>", len(expected), len(got)))
    return found


def _first_disorder(expected: list[str], got: list[str]) -> tuple[Any, Any]:
    for position, (one, other) in enumerate(zip(expected, got, strict=False)):
        if one != other:
            return expected[position : position + 4], got[position : position + 4]
    return len(expected), len(got)


def _is_cut_within_a_date(expected: list[Any], got: list[Any], rank: Rank, rules: Rules, odd: set[str]) -> bool:
    """Say whether all odd rows share one date, at which a limit cut both lists.

    It need not be the last one shown: the limit counts in the order of SQL, where a date that is text comes
    first, and the program sorts what is left by what it makes of the date.
    """
    if not odd or rules.limit is None or not len(expected) == len(got) == rules.limit:
        return False
    if [rank(row) for row in expected] != [rank(row) for row in got]:
        return False
    return len({rank(row) for row in [*expected, *got] if _identity(row) in odd}) == 1


def _compare_in_order(expected: list[Any], got: list[Any], rules: Rules, where: str) -> list[Difference]:
    found = []
    for index, (one, other) in enumerate(zip(expected, got, strict=False)):
        found += compare(one, other, rules, f"{where}[{index}]")
    for index in range(len(got), len(expected)):
        found.append(Difference(f"{where}[{index}]", expected[index], MISSING))
    for index in range(len(expected), len(got)):
        found.append(Difference(f"{where}[{index}]", MISSING, got[index]))
    return found


def _compare_as_bag(expected: list[Any], got: list[Any], where: str) -> list[Difference]:
    known, given = Counter(map(canonical, expected)), Counter(map(canonical, got))
    lost, extra = sorted((known - given).elements()), sorted((given - known).elements())
    if len(lost) == len(extra):  # pair them up, so that the report names keys instead of whole objects
        pairs = zip(lost, extra, strict=True)
        return [
            difference
            for index, (one, other) in enumerate(pairs)
            for difference in compare(msgspec.json.decode(one), msgspec.json.decode(other), None, f"{where}[{index}]")
        ]
    return [Difference(f"{where}<bag>", lost, extra)]


def is_error_answer(line: Any) -> bool:
    """Say whether a line is an error answer, which is right wherever the real program crashed."""
    return (
        isinstance(line, dict)
        and line.get("jsonrpc") == "2.0"
        and isinstance(line.get("error"), dict)
        and type(line["error"].get("code")) is int
    )


def compare_notifications(expected: list[Any], got: list[Any], rules: Rules, where: str) -> list[Difference]:
    """Compare what one subscription said: ascending by row id, copies of one row in any order."""
    known = {_notice(line): line for line in expected}
    given = {_notice(line): line for line in got}
    found = [
        difference
        for key in known.keys() & given.keys()
        for difference in compare(known[key], given[key], rules, f"{where}{key}")
    ]
    found += [Difference(f"{where}{key}", known[key], MISSING) for key in sorted(known.keys() - given.keys())]
    found += [Difference(f"{where}{key}", MISSING, given[key]) for key in sorted(given.keys() - known.keys())]
    if known.keys() == given.keys():
        order = [_row(line) for line in expected], [_row(line) for line in got]
        if order[0] != order[1]:
            found.append(Difference(f"{where}<order>", *_first_disorder(*order)))
    return found


def _notice(line: dict[str, Any]) -> str:
    message = line.get("params", {}).get("message")
    return canonical([line]) if message is None else canonical([message["id"], message["chat_id"]])


def _row(line: dict[str, Any]) -> str:
    message = line.get("params", {}).get("message")
    return canonical(line) if message is None else str(message["id"])
