"""``demo``: a fictional history is made, read through a child process, and shown as tables.

Every part is computed from the frames that any user gets, by the lines that stand beside it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from imsg_sdk.cli import demo_parts, reading, rows, terminal
from imsg_sdk.cli.terminal import Style

if TYPE_CHECKING:
    from imsg_sdk import IMessageClient

__all__ = ["add"]

_NEXT_STEPS = """
  your own messages, on a Mac     imsg-sdk doctor        then  imsg-sdk chats
  a copy of a chat.db, anywhere   imsg-sdk chats --db PATH
  a history like this, in Python  from imsg_sdk import IMessageClient
                                  client = IMessageClient.sandbox(seed={seed})
                                  client.messages(limit=None)
  the same, in a notebook         notebooks/01_quickstart.ipynb
  to read                         docs/tutorial.md
"""


class Demo(msgspec.Struct):
    """What the demo shows, as data."""

    history: dict[str, Any]
    chats: list[dict[str, Any]]
    conversation: dict[str, Any]
    hours: dict[str, list[int]]
    people: list[dict[str, Any]]
    tapbacks: list[dict[str, Any]]
    search: dict[str, Any]
    columns: list[dict[str, str]]


def add(commands: reading.Commands) -> None:
    """Add the command ``demo``."""
    parser = reading.new_command(
        commands,
        "demo",
        "see it work on any machine: a fictional history, read and shown",
        "  imsg-sdk demo\n  imsg-sdk demo --seed 7 --messages 20000\n  imsg-sdk demo --json",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another history (default 1)")
    parser.add_argument(
        "--messages", type=int, default=4000, metavar="N", help="how many messages to make (default 4000)"
    )
    parser.set_defaults(run=_demo)


def _demo(arguments: argparse.Namespace) -> int:
    from imsg_sdk import IMessageClient
    from imsg_sdk.sandbox.history.demo import demo as make

    with tempfile.TemporaryDirectory(prefix="imsg-sdk-demo-") as folder:
        begun = time.perf_counter()
        path = Path(folder) / "chat.db"
        summary = make(path, seed=arguments.seed, messages=arguments.messages)
        made_s = time.perf_counter() - begun
        with IMessageClient.from_chat_db(path) as client:
            demo = _look(client, dict(summary.names))
        demo.history |= {"seed": arguments.seed, "made_s": round(made_s, 2)}
    if arguments.json:
        rows.write_json(msgspec.to_builtins(demo))
    else:
        print("\n".join(line.rstrip() for line in _page(demo)))
    return 0


def _look(client: IMessageClient, names: dict[str, str]) -> Demo:
    """Read everything once, then look at it from several sides."""
    begun = time.perf_counter()
    chats = client.chats(limit=None)
    everything = client.messages(limit=None)
    reactions = client.reactions(limit=None)
    read_s = time.perf_counter() - begun
    # What waits for its time stands in the days to come, and was said by nobody yet.
    messages = everything[~everything["is_scheduled"].fillna(False)].reset_index(drop=True)
    sent = messages["created_at"]
    names = demo_parts.with_groups(names, chats)
    word = demo_parts.word_to_look_for(messages)
    hits = client.search(word, limit=4)
    return Demo(
        history={
            "messages": len(messages),
            "chats": len(chats),
            "tapbacks": len(reactions),
            "first": rows.local_time(sent.min(), "%B %Y", zone=demo_parts.ZONE),
            "last": rows.local_time(sent.max(), "%B %Y", zone=demo_parts.ZONE),
            "read_s": round(read_s, 2),
        },
        chats=demo_parts.top_chats(chats, messages, names),
        conversation=demo_parts.conversation(messages, reactions, names),
        hours=demo_parts.hours(messages),
        people=demo_parts.people(messages, names),
        tapbacks=demo_parts.tapbacks(reactions, messages),
        search={"text": word, "hits": demo_parts.plain(hits, names)},
        columns=demo_parts.columns(messages),
    )


def _page(demo: Demo) -> list[str]:
    style, total = Style.of(sys.stdout), min(terminal.columns_of(sys.stdout), 100)
    history = demo.history
    view = demo_parts.View(style, total)
    return [
        "",
        style.bold("A history that never happened"),
        f"{history['messages']:,} messages in {history['chats']} chats with {history['tapbacks']:,} tapbacks, "
        f"{history['first']} to {history['last']}",
        style.dim(f"made in {history['made_s']:.1f} s, read through a child process in {history['read_s']:.1f} s"),
        *view.section("Chats", "client.chats()", view.chats(demo.chats)),
        *view.section(
            f"A conversation: {demo.conversation['chat']}",
            f"client.messages({demo.conversation['chat_id']})",
            view.conversation(demo.conversation),
        ),
        *view.section("When", 'messages["created_at"].dt.hour', view.hours(demo.hours)),
        *view.section("Who", 'messages.groupby("sender")', view.people(demo.people)),
        *view.section("Tapbacks", "client.reactions()", view.tapbacks(demo.tapbacks)),
        *view.section(
            f"Looking for “{demo.search['text']}”",
            f'client.search("{demo.search["text"]}")',
            view.hits(demo.search),
        ),
        *view.section("What a message is", "messages.dtypes", view.columns(demo.columns)),
        *view.section("Next", "", _NEXT_STEPS.format(seed=history["seed"]).strip("\n").splitlines()),
        "",
    ]
