"""Replay recorded requests against our own server, a real child each time, and collect what differs.

Every ``replay_…`` takes the records of one kind and a :class:`Server`, and yields :class:`Fault`.
"""

from __future__ import annotations

import base64
import queue
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from child import Child, Server
from comparator import (
    MISSING,
    Difference,
    Rules,
    canonical,
    compare,
    compare_notifications,
    is_error_answer,
)

QUIET_S = 0.25
"""A subscription that has said everything recorded must say nothing more for this long."""
WINDOW = 24
"""Requests in flight: enough to keep the child busy, far below its limit of 128."""


class Fault(NamedTuple):
    """A recorded case and one difference in it."""

    case: str
    request: Any
    difference: Difference


# --- rpc -----------------------------------------------------------------------------------------------


DEFAULT_LIMITS = {"chats.list": 20, "messages.history": 50, "messages.search": 50, "messages.scheduled": 50}


def rules_for(request: Any, server: Server) -> Rules:
    """Return the rules for the answer to one request."""
    params = request.get("params")
    method = str(request.get("method", ""))
    limit = params.get("limit") if isinstance(params, dict) else None
    try:
        number = max(int(limit), 1)  # legacy takes "4" and 4.7 for 4, and asks for one row at least
    except (TypeError, ValueError, OverflowError):
        number = DEFAULT_LIMITS.get(method)
    return Rules(dates=server.dates, method=method, limit=number)


def replay_rpc(records: list[dict[str, Any]], server: Server) -> Iterator[Fault]:
    """Send every request in turn, some in flight; the child is started anew where the real one crashed."""
    for record, answer in answers(records, server):
        for difference in _judge(record, answer, server):
            yield Fault("rpc", record["request"], difference)


def _judge(record: dict[str, Any], answer: Any, server: Server) -> list[Difference]:
    if len(record["lines"]) != 1:
        return [Difference("<lines>", len(record["lines"]), 1)]
    expected = record["lines"][0]
    if isinstance(expected, str):
        fine = is_error_answer(answer) and answer.get("id") == record["request"].get("id")
        return [] if fine else [Difference("<crash>", "an error answer", answer)]
    return compare(expected, answer, rules_for(record["request"], server))


def answers(records: list[dict[str, Any]], server: Server) -> Iterator[tuple[dict[str, Any], Any]]:
    todo = list(reversed(records))
    while todo:
        conversation = _Conversation(server)
        yield from conversation.run(todo)


class _Conversation:
    """One child and the requests it is asked, until the end, or until the real program had crashed."""

    def __init__(self, server: Server) -> None:
        self._by_id = server.dialect == "v1"
        self._child = server.start()
        self._open: dict[str, dict[str, Any]] = {}
        self._sent = 0

    def run(self, todo: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Any]]:
        fresh_start = False
        while (todo and not fresh_start) or self._open:
            while todo and not fresh_start and len(self._open) < WINDOW:
                record = todo.pop()
                fresh_start = isinstance(record["lines"][0], str)
                self._ask(record)
            try:
                line = self._child.read()
            except queue.Empty:
                line = "<no answer in time>"
            if not isinstance(line, dict):
                yield from self._broken_off(line, todo)
                break
            if (found := self._match(line)) is not None:
                yield found, line
        self._child.end()

    def _ask(self, record: dict[str, Any]) -> None:
        key = canonical(record["request"].get("id")) if self._by_id else str(self._sent)
        self._open[key] = record
        self._sent += 1
        self._child.send(record["request"])

    def _match(self, line: dict[str, Any]) -> dict[str, Any] | None:
        if "method" in line:
            return None  # a notification of a subscription that is about to end
        key = canonical(line.get("id"))
        if key.startswith('"<ours>'):
            return None
        found = self._open.pop(key if self._by_id else next(iter(self._open), ""), None)
        self._unsubscribe(line)
        return found

    def _unsubscribe(self, line: dict[str, Any]) -> None:
        """End a subscription again, as the recording did without writing it down."""
        result = line.get("result")
        if self._by_id and isinstance(result, dict) and "subscription" in result:
            params = {"subscription": result["subscription"]}
            self._child.send(
                {"jsonrpc": "2.0", "id": f"<ours>{self._sent}", "method": "watch.unsubscribe", "params": params}
            )

    def _broken_off(self, why: Any, todo: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Any]]:
        """Blame the oldest open request, put the others back for the next child."""
        first, *others = self._open.values()
        yield first, f"<{why or 'child ended'}: {self._child.end()[2][-300:]}>"
        self._open.clear()
        todo.extend(reversed(others))


def replay_exit(records: list[dict[str, Any]], server: Server) -> Iterator[Fault]:
    """A child that answered everything ends with the recorded code at the end of input, and quietly."""
    child = server.start()
    rest, code, stderr = child.end()
    expected = records[0]
    yield from _faults("exit", "end of input", compare([expected["exit"], [], ""], [code, rest, stderr]))


# --- one input, one child ------------------------------------------------------------------------------


def _faults(case: str, request: Any, differences: Iterable[Difference]) -> Iterator[Fault]:
    return (Fault(case, request, difference) for difference in differences)


def _in_parallel(work: Callable[[Any], list[Fault]], items: Iterable[Any]) -> Iterator[Fault]:
    with ThreadPoolExecutor(3) as pool:
        for faults in pool.map(work, items):
            yield from faults


def _parsed(text: str | bytes) -> list[Any]:
    """Return the lines of an output, parsed where they are JSON."""
    raw = text.encode() if isinstance(text, str) else text
    lines = []
    for line in raw.split(b"\n"):
        if line:
            try:
                lines.append(msgspec.json.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError):
                lines.append(line.decode(errors="replace"))
    return lines


def replay_framing(records: list[dict[str, Any]], server: Server) -> Iterator[Fault]:
    """One line as it was, to a child of its own."""

    def work(record: dict[str, Any]) -> list[Fault]:
        raw = record["raw"].encode() if "raw" in record else base64.b64decode(record["raw_base64"])
        done = server.run("rpc", "--db", f"{server.database}.db", stdin=raw + b"\n")
        expected = [[msgspec.json.decode(line) for line in record["lines"]], record["exit"], record["stderr"]]
        got = [_parsed(done.stdout), done.returncode, done.stderr.decode(errors="replace")]
        if server.foreign:
            expected[0], got[0] = ([_without_content(line) for line in lines] for lines in (expected[0], got[0]))
        rules = Rules(dates=server.dates, method="chats.list", limit=1)
        return list(_faults("framing", raw[:120], compare(expected, got, rules)))

    yield from _in_parallel(work, records)


def _without_content(line: Any) -> Any:
    return {**line, "result": None} if isinstance(line, dict) and "result" in line else line


EOF_INPUT = {
    "one request, no newline, then end of input": (
        b'{"jsonrpc":"2.0","id":1,"method":"chats.list","params":{"limit":1}}'
    ),
    "no input at all": b"",
    "forty requests, then end of input": b"".join(
        b'{"jsonrpc":"2.0","id":%d,"method":"messages.history","params":{"chat_id":1,"limit":5}}\n' % number
        for number in range(40)
    ),
}


def replay_eof(records: list[dict[str, Any]], server: Server) -> Iterator[Fault]:
    """Input, then its end at once: everything accepted is answered."""
    for record in records:
        done = server.run("rpc", "--db", f"{server.database}.db", stdin=EOF_INPUT[record["raw"]])
        by_id = {line["id"]: line for line in map(msgspec.json.decode, record["lines"])}
        got = {line["id"]: line for line in _parsed(done.stdout)}
        rules = Rules(dates=server.dates, method="messages.history", limit=5)
        expected = [{str(key): by_id[key] for key in by_id}, record["exit"], record["stderr"]]
        answer = [{str(key): got[key] for key in got}, done.returncode, done.stderr.decode(errors="replace")]
        yield from _faults("eof", record["raw"], compare(expected, answer, rules))


CLI_METHODS = {"chats": "chats.list", "history": "messages.history", "search": "messages.search"}


def replay_cli(records: list[dict[str, Any]], server: Server) -> Iterator[Fault]:
    """One command each.  Help and tables for people count by exit code and first line, the rest by content."""

    def work(record: dict[str, Any]) -> list[Fault]:
        argv = record["argv"]
        done = server.run(*argv)
        differences = compare(record["exit"], done.returncode, where="<exit>")
        differences += _compare_output(argv, record["stdout"], done.stdout.decode(errors="replace"), server)
        differences += compare(record["stderr"], done.stderr.decode(errors="replace"), where="<stderr>")
        return list(_faults("cli", argv, differences))

    yield from _in_parallel(work, records)


def _compare_output(argv: list[str], expected: str, got: str, server: Server) -> list[Difference]:
    if argv in (["--version"], ["-V"]):
        return [] if got.strip() and got.count("\n") == 1 else [Difference("<version>", expected, got)]
    limit = next((int(word) for word in argv[1:] if word.isdigit() and "--limit" in argv), 50)
    rules = Rules(dates=server.dates, method=CLI_METHODS.get(argv[0] if argv else "", ""), limit=limit)
    if expected.startswith("{"):
        # As lists of the same name as in an RPC answer, so that the same rules hold.
        name = "chats" if argv[0] == "chats" else "messages"
        wrapped = [{name: _parsed(text)} for text in (expected, got)]
        if argv[0] in ("stats", "status", "group"):
            wrapped = [_parsed(text) for text in (expected, got)]
        return _without_version(compare(wrapped[0], wrapped[1], rules))
    if _is_for_people(argv, expected):
        return [d for d in compare(_first(expected), _first(got), where="<first line>") if not _is_version_line(d)]
    return compare(expected, got, where="<stdout>")


def _is_for_people(argv: list[str], text: str) -> bool:
    """Say whether an output is help, a table or advice; a single line of error is none of these."""
    return text.count("\n") > 1 or ("--json" not in argv and argv[:1] != [] and argv[0] in _TABLES)


_TABLES = ("chats", "group", "history", "search", "stats", "status", "scheduled")


def _first(text: str) -> str:
    return text.split("\n", 1)[0]


def _is_version_line(difference: Difference) -> bool:
    """``imsg 0.14.1`` heads the root help; the number is the program's own."""
    texts = (difference.expected, difference.got)
    return all(isinstance(text, str) and text.startswith("imsg ") and text[5:6].isdigit() for text in texts)


def _without_version(differences: list[Difference]) -> list[Difference]:
    """Drop the program's version, and the report for people that repeats it."""
    return [d for d in differences if d.shape not in ("[].version", "[].message")]


# --- watching ------------------------------------------------------------------------------------------


def replay_watch(records: list[dict[str, Any]], server: Server) -> Iterator[Fault]:
    """One subscription per child, all of a file at once; each must say what was recorded, and nothing more."""
    children = [server.start() for _ in records]
    for child, record in zip(children, records, strict=True):
        child.send({"jsonrpc": "2.0", "id": 7, "method": "watch.subscribe", "params": record["params"]})
    for child, record in zip(children, records, strict=True):
        lines = _take(child, len(record["lines"]))
        lines += _take_until_quiet(child)
        rest, code, stderr = child.end()
        differences = _compare_watch(record["lines"], lines + rest, server)
        differences += compare([record["exit"], ""], [code, stderr], where="<exit>")
        yield from _faults("watch", record["params"], differences)


def _take(child: Child, count: int) -> list[Any]:
    lines = []
    try:
        while len(lines) < count and (line := child.read(20)) is not None:
            lines.append(line)
    except queue.Empty:
        pass  # the comparison names what did not come
    return lines


def _take_until_quiet(child: Child) -> list[Any]:
    lines = []
    deadline = time.monotonic() + 5
    try:
        while time.monotonic() < deadline and (line := child.read(QUIET_S)) is not None:
            lines.append(line)
    except queue.Empty:
        pass  # quiet: this is the end that is hoped for
    return lines


def _compare_watch(expected: list[Any], got: list[Any], server: Server) -> list[Difference]:
    rules = Rules(dates=server.dates)
    answers = [[line for line in lines if "id" in line] for lines in (expected, got)]
    notices = [[line for line in lines if "id" not in line] for lines in (expected, got)]
    differences = compare(answers[0], answers[1], rules, "answer")
    differences += compare_notifications(notices[0], notices[1], rules, "notice")
    if server.dialect == "v1" and got and "id" not in got[0]:
        differences.append(Difference("<first line>", "the answer", got[0]))
    return differences


# --- databases that are not there ----------------------------------------------------------------------


def replay_broken(records: list[dict[str, Any]], server: Server) -> Iterator[Fault]:
    """Requests in turn over paths that hold no good database.

    A subscription's ``error`` notification may come between any two lines, so answers are compared in
    order and notifications beside them.
    """
    exits = {record["path"]: record for record in records if record["kind"] == "broken-exit"}
    for path, last in exits.items():
        asked = [record for record in records if record["kind"] == "broken" and record["path"] == path]
        expected = [msgspec.json.decode(line) for record in asked for line in record["lines"]]
        child = server.start(path)
        got: list[Any] = []
        for record in asked:
            child.send(record["request"])
        got += _take(child, len(expected)) + _take_until_quiet(child)
        rest, code, stderr = child.end()
        ends = compare([last["exit"], last["stderr"]], [code, stderr], where="<exit>")
        yield from _faults("broken", path, [*_compare_mixed(expected, got + rest, server), *ends])


def _compare_mixed(expected: list[Any], got: list[Any], server: Server) -> list[Difference]:
    answers = [[line for line in lines if "method" not in line] for lines in (expected, got)]
    notices = [[line for line in lines if "method" in line] for lines in (expected, got)]
    if server.dialect == "v1":  # lanes overtake each other, and the recorded ids are all the same
        answers = [sorted(lines, key=canonical) for lines in answers]
    found = compare(answers[0], answers[1], Rules(dates=server.dates), "answers")
    return found + compare_notifications(notices[0], notices[1], Rules(dates=server.dates), "notices")


def replay_later(records: list[dict[str, Any]], server: Server) -> Iterator[Fault]:
    """One child, while its database comes, is replaced by another, and goes."""
    path = server.folder / "later.db"
    path.unlink(missing_ok=True)
    child = server.start("later.db")
    step = "missing"
    for record in records:
        if record["step"] != step:
            step = record["step"]
            _change(path, step)
        if "request" not in record:
            rest, code, stderr = child.end()
            yield from _faults("later", step, compare([record["exit"], [], record["stderr"]], [code, rest, stderr]))
            continue
        child.send(record["request"])
        got, notices = _take_answer(child)
        differences = compare(record["lines"], [got], rules_for(record["request"], server))
        differences += [Difference("<notice>", MISSING, notice) for notice in notices]
        yield from _faults("later", [step, record["request"]], differences)


def _take_answer(child: Child) -> tuple[Any, list[Any]]:
    """Return the next answer and the notifications before it."""
    notices = []
    for line in iter(lambda: _take(child, 1), []):
        if "method" not in line[0]:
            return line[0], notices
        notices.append(line[0])
    return "<no answer>", notices


def _change(path: Path, step: str) -> None:
    if step == "there":
        shutil.copyfile(path.with_name("sequoia.db"), path)
    elif step == "replaced by another":
        copy = path.with_name("other.copy")
        shutil.copyfile(path.with_name("monterey.db"), copy)
        copy.replace(path)
    elif step == "gone":
        path.unlink()


# --- limits --------------------------------------------------------------------------------------------


def replay_flood(records: list[dict[str, Any]], server: Server) -> Iterator[Fault]:
    """400 requests in one write: each is answered, none beyond 128 waits, the surplus is refused at once."""
    (record,) = records
    child = server.start()
    child.send(
        *(
            {"jsonrpc": "2.0", "id": number, "method": "messages.history", "params": {"chat_id": 1, "limit": 200}}
            for number in range(400)
        )
    )
    lines = _take(child, record["answered"])
    rest, code, _ = child.end()
    yield from _faults("flood", "400 at once", _judge_flood(record, lines, rest, code))


def _judge_flood(record: dict[str, Any], lines: list[Any], rest: list[Any], code: int) -> Iterator[Difference]:
    (example,) = record["example"]
    refused = [line for line in lines if "error" in line]
    ids = Counter(line.get("id") for line in lines)
    yield from compare({str(number): 1 for number in range(400)}, {str(key): ids[key] for key in ids}, where="ids")
    yield from compare([record["exit"], []], [code, rest], where="<exit>")
    for line in refused:
        yield from compare({**example, "id": line.get("id")}, line, where="refused")
        if line.get("id", 0) < 128:
            yield Difference("refused[early]", "answered", line.get("id"))
    if not refused:
        yield Difference("refused", "more than none", 0)
    if len(lines) - len(refused) < 128:
        yield Difference("accepted", "at least 128", len(lines) - len(refused))


def replay_subscriptions(records: list[dict[str, Any]], server: Server) -> Iterator[Fault]:
    """70 subscriptions one after the other: 64 live, the others are refused."""
    (record,) = records
    child = server.start()
    granted, refused = 0, []
    for number in range(1, 71):
        child.send({"jsonrpc": "2.0", "id": number, "method": "watch.subscribe", "params": {"chat_id": 999_999}})
        (line,) = _take(child, 1) or ("<no answer>",)
        granted += isinstance(line, dict) and "result" in line
        if isinstance(line, dict) and "error" in line:
            refused.append(line)
    child.end()
    differences = compare(record["answered"], granted, where="granted")
    differences += compare(record["lines"], refused[: len(record["lines"])], where="refused")
    yield from _faults("subscriptions", "70 in turn", differences)


REPLAYS: dict[str, Callable[[list[dict[str, Any]], Server], Iterator[Fault]]] = {
    "rpc": replay_rpc,
    "exit": replay_exit,
    "framing": replay_framing,
    "eof": replay_eof,
    "watch": replay_watch,
    "cli": replay_cli,
    "broken": replay_broken,
    "later": replay_later,
    "flood": replay_flood,
    "subscriptions": replay_subscriptions,
}
"""What is replayed, by kind; ``broken`` covers ``broken-exit`` too."""

NOT_REPLAYED = {
    "overflow": "our server reads on only as its reader takes, so its buffer never overflows",
    "live": "the rows that were written meanwhile are not recorded",
}


def replay(kinds: dict[str, list[dict[str, Any]]], kind: str, server: Server) -> Iterator[Fault]:
    """Replay one kind of a file."""
    records = kinds.get(kind, [])
    if kind == "broken":
        records = records + kinds.get("broken-exit", [])
    yield from REPLAYS[kind](records, server)
