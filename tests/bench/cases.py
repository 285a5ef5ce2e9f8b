"""The cases of the benchmark: what is promised, how it is measured."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import msgspec
from measure import Bench, Figure, Server, children_cpu, fetching, is_installed, median_of, run_python, timed_figure

from imsg_sdk.wire import WireMessage

COLUMNS_24 = """
SELECT m.ROWID, m.guid, j.chat_id, h.id, m.is_from_me, m.text, m.attributedBody, m.date, m.service, m.date_read,
       m.date_delivered, m.is_read, m.is_sent, m.is_delivered, m.error, m.item_type, m.associated_message_guid,
       m.associated_message_type, m.thread_originator_guid, m.reply_to_guid, m.date_edited, m.date_retracted,
       m.message_summary_info, m.expressive_send_style_id
FROM message m
LEFT JOIN chat_message_join j ON j.message_id = m.ROWID
LEFT JOIN handle h ON h.ROWID = m.handle_id
"""
ARROW = ("pyarrow", "adbc_driver_sqlite")
READ = 'history = read_chat_db(PATH, tables=["messages", "reactions", "edits"])'
READ_ALL = "history = read_chat_db(PATH)"
# Imports are measured by a case of their own, so they are done before the clock starts.
READ_SETUP = """
import contextlib
from imsg_sdk.frames import MESSAGES, empty_frame
from imsg_sdk.frames.history import read_chat_db
empty_frame(MESSAGES)
with contextlib.suppress(ImportError):
    import imsg_sdk.frames.arrow
"""


def file_to_frame(bench: Bench) -> Iterator[Figure]:
    """Frames straight from the file, text decoded, tapbacks and edits folded, against fetching 24 columns."""
    roads = [
        ("file → frames", READ, ARROW, (), 2.2),
        ("file → frames, with pyarrow alone", READ, ARROW[1:], ARROW[:1], 1.6),
        ("file → frames, with the Arrow reader", READ, (), ARROW, 1.0),
        ("file → all six frames", READ_ALL, ARROW, (), None),
    ]
    able = [road for road in roads if not road[3] or is_installed(*road[3])]
    base, *costs = bench.costs([fetching(COLUMNS_24), *((body, READ_SETUP, hidden) for _, body, hidden, _, _ in able)])
    yield Figure("sqlite3 fetchall of 24 columns, CPU", base.cpu_s, "s")
    for (name, _, _, _, target), cost in zip(able, costs, strict=True):
        yield Figure(name, cost.cpu_s / base.cpu_s, "× baseline", target, note=f"{cost.cpu_s:.2f} s")
    for name, _, _, needed, target in roads:
        if needed and not is_installed(*needed):
            yield Figure(name, None, "× baseline", target, note=f"install {' and '.join(needed)}")


def through_the_client(bench: Bench) -> Iterator[Figure]:
    """Everything through a child and the client, the child's CPU counted too."""
    base = bench.baseline(COLUMNS_24).cpu_s
    body = """
with IMessageClient.from_chat_db(PATH) as client:
    messages = client.messages(limit=None)
"""
    setup = READ_SETUP + "\nfrom imsg_sdk import IMessageClient"
    cost = bench.cost(body, setup=setup)
    note = f"{cost.cpu_s:.2f} s CPU of both, {cost.wall_s:.2f} s wall; aim 2.0"
    yield Figure("child → client → messages", cost.cpu_s / base, "× baseline", 3.5, note=note)
    whole = (
        body.rstrip() + "\n    reactions, attachments = client.reactions(limit=None), client.attachments(limit=None)\n"
    )
    cost = bench.cost(whole, setup=setup)
    yield Figure(
        "child → client → messages, reactions, attachments", cost.cpu_s / base, "× baseline", note=f"{cost.cpu_s:.2f} s"
    )


def history_of_one_chat(bench: Bench) -> Iterator[Figure]:
    """`messages.history` of the largest chat."""
    with closing(sqlite3.connect(bench.path)) as database:
        chat_id, rows = database.execute(
            "SELECT chat_id, count(*) FROM chat_message_join GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
        ).fetchone()
    name, asked = f"messages.history of {rows:,} messages", {"chat_id": chat_id, "limit": rows}
    with Server(bench.path) as server:
        server.ask("initialize", protocol_version=1)
        first = server.timed("messages.history", **asked)
        yield Figure(f"{name}, first", first, "s", 0.15, note="real program 0.7–0.9")
        yield timed_figure(f"{name}, again", "s", 0.15, bench.rounds, lambda: server.timed("messages.history", **asked))


class _Page(msgspec.Struct):
    messages: list[WireMessage]
    next_rowid: int
    has_more: bool


class _Answer(msgspec.Struct):
    result: _Page


def everything_in_pages(bench: Bench) -> Iterator[Figure]:
    """`messages.after` over the whole file, 500 a page, decoded, one page after the other."""
    decode = msgspec.json.Decoder(_Answer).decode
    count, cursor, more = 0, 0, True
    own_cpu, their_cpu = time.process_time(), children_cpu()
    with Server(bench.path) as server:
        server.ask("initialize", protocol_version=1)
        started = time.perf_counter()
        while more:
            page = decode(server.ask("messages.after", since_rowid=cursor, limit=500)).result
            count += len(page.messages)
            cursor, more = page.next_rowid, page.has_more
        seconds = time.perf_counter() - started
    cpu = time.process_time() - own_cpu + children_cpu() - their_cpu
    note = f"{count:,} in {seconds:.1f} s, {cpu:.1f} s CPU of both; real program 1,200"
    yield Figure(
        "messages.after in pages of 500", count / seconds, "messages/s", 50_000, more_is_better=True, note=note
    )


def search_without_a_hit(bench: Bench) -> Iterator[Figure]:
    """`messages.search` for what nobody wrote."""
    name, asked = "messages.search without a hit", {"query": "quixotically absent"}
    with Server(bench.path) as server:
        server.ask("initialize", protocol_version=1)
        first = server.timed("messages.search", **asked)
        yield Figure(f"{name}, first", first, "s", 0.5, note="real program 4–5")
        yield timed_figure(f"{name}, again", "s", 0.5, bench.rounds, lambda: server.timed("messages.search", **asked))


def imports(bench: Bench) -> Iterator[Figure]:
    """Import times (CPU), net of the interpreter's own start."""
    for statement, target_ms in [("import imsg_sdk", 5), ("from imsg_sdk import IMessageClient", 60)]:
        script = f"import time\nt = time.process_time()\n{statement}\nprint(time.process_time() - t)"
        run_python(script)  # the first run writes byte code
        seconds = median_of(max(bench.rounds, 11), lambda script=script: float(run_python(script)))
        yield Figure(statement, seconds * 1000, "ms", target_ms)


def starts(bench: Bench) -> Iterator[Figure]:
    """Server start to first answer, fresh process to first frame."""
    yield timed_figure("server start to first answer", "ms", 100, bench.rounds, lambda: _first_answer(bench))
    for name, call in [
        ("fresh process to first frame, client", "client.chats()"),
        ("fresh process to first messages, client", "client.messages()"),
    ]:
        program = (
            "from imsg_sdk import IMessageClient\n"
            f"with IMessageClient.from_chat_db({str(bench.path)!r}) as client: {call}"
        )
        run_python(program)
        yield timed_figure(name, "s", 1.0, bench.rounds, partial(_wall, program))


def _first_answer(bench: Bench) -> float:
    started = time.perf_counter()
    with Server(bench.path) as server:
        server.ask("initialize", protocol_version=1)
        return (time.perf_counter() - started) * 1000


def _wall(script: str) -> float:
    started = time.perf_counter()
    run_python(script)
    return time.perf_counter() - started


def memory(bench: Bench) -> Iterator[Figure]:
    """What the whole history weighs: the peak of reading it, and the frames themselves."""
    roads = [("without pyarrow", ARROW)]
    if is_installed("pyarrow"):
        roads.append(("with [arrow]", ()))
    for name, hidden in roads:
        cost = bench.cost(READ_ALL, setup=READ_SETUP, hidden=hidden)
        size = cost.peak_bytes / 2**20
        note = f"{cost.peak_bytes / bench.messages:,.0f} bytes a message"
        yield Figure(f"peak of file → frames, {name}", size, "MiB", note=note)
    script = f"PATH = {str(bench.path)!r}\n{READ_SETUP}\n{READ}\nprint(history.messages.memory_usage(deep=True).sum())"
    yield Figure("the messages frame as pandas weighs it", float(run_python(script)) / 2**20, "MiB")


def idle_watch(bench: Bench) -> Iterator[Figure]:
    """CPU of a server that watches and hears nothing."""
    for count in (1, 64):
        short, long = (_watching_cpu(bench, count, seconds) for seconds in (1, 11))
        yield Figure(f"idle cost of {count} subscription{'s' * (count > 1)}", (long - short) * 10, "% of core", 2.0)


def _watching_cpu(bench: Bench, subscriptions: int, seconds: float) -> float:
    """Return the CPU seconds of a whole server process that watched for `seconds`."""
    before = children_cpu()
    with Server(bench.path) as server:
        server.ask("initialize", protocol_version=1)
        for _ in range(subscriptions):
            server.ask("watch.subscribe")
        time.sleep(seconds)
    return children_cpu() - before
