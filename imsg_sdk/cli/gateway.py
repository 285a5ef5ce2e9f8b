"""``gateway``: run one, ask for its status, and rehearse decisions."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imsg_sdk.cli import erase, reading, rows
from imsg_sdk.errors import ConfigError, GatewayError, ImsgError

if TYPE_CHECKING:
    from imsg_sdk.client.base import BaseClient
    from imsg_sdk.gateway import Context, GatewayStatus
    from imsg_sdk.models import Message

__all__ = ["add"]

DONE, FAILED = 0, 1

_EXAMPLES = """  imsg-sdk gateway call providers.status --params '{"probe":true}'
  imsg-sdk gateway run --config gateway.json5 --handler bot:answer
  imsg-sdk gateway decide --config gateway.json5 --messages messages.jsonl"""


def add(commands: reading.Commands) -> None:
    """Add the command ``gateway`` and its own commands."""
    own = reading.new_group(
        commands, "gateway", "answer messages by a function of yours: run, call, decide, erase", _EXAMPLES
    )
    _add_call(own)
    _add_run(own)
    _add_decide(own)
    erase.add(own)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", help="the settings file (JSON5)")
    parser.add_argument("--account", metavar="NAME", help="which of the accounts in it")


def _add_state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state-dir", metavar="DIR", help="the gateway's state folder")


# call


def _add_call(commands: reading.Commands) -> None:
    parser = reading.new_command(
        commands,
        "call",
        "ask for the status of a gateway, whether it runs or not, as JSON; exit code 1 if the call is wrong",
        """  imsg-sdk gateway call providers.status --params '{"probe":true}'""",
    )
    parser.add_argument("method", metavar="METHOD", help="providers.status")
    parser.add_argument(
        "--params", metavar="JSON", default="{}", help='an object: "probe" (true or false) and "timeoutMs"'
    )
    _add_settings(parser)
    _add_state(parser)
    parser.set_defaults(run=_call)


def _call(arguments: argparse.Namespace) -> int:
    from imsg_sdk._time import SystemClock
    from imsg_sdk.config import load_config
    from imsg_sdk.gateway import provider
    from imsg_sdk.gateway.state import state_path

    try:
        params = _json(arguments.params, "--params")
        config = load_config(arguments.config, account=arguments.account)
        folder = state_path(arguments.state_dir)  # who only asks makes none
        answer = provider.call(arguments.method, params, config, folder, SystemClock(), probe=provider.probe)
    except ImsgError as error:
        print(f"Gateway call failed: {error.message}", file=sys.stderr)
        return FAILED
    # The form of the reference, which people and their scripts know.
    print(json.dumps(answer, ensure_ascii=False, indent=None if arguments.json else 2))
    return DONE


def _json(text: str, name: str, hint: str = "quote it for the shell") -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = error.args[0] if error.args else "nested too deeply"
        raise GatewayError(f"{name} is not JSON: {reason}", hint=hint) from None


# run


def _add_run(commands: reading.Commands) -> None:
    parser = reading.new_command(
        commands,
        "run",
        "watch and answer until interrupted or terminated; the log goes to standard error",
        "  imsg-sdk gateway run --config gateway.json5 --handler bot:answer\n"
        "  imsg-sdk gateway run --config gateway.json5 --handler bot:answer --sandbox\n"
        "  imsg-sdk gateway run --config gateway.json5 --observe",
    )
    _add_settings(parser)
    _add_state(parser)
    parser.add_argument(
        "--handler", metavar="MODULE:FUNCTION", help="what answers: a function, or a Handlers, of a module on the path"
    )
    parser.add_argument("--observe", action="store_true", help="decide and note everything, send nothing")
    parser.add_argument(
        "--run-handlers", action="store_true", help="with --observe: let the handler run, and note what it says"
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--sandbox", dest="in_sandbox", action="store_true", help="in a sandbox with people who write and answer"
    )
    place.add_argument("--db", dest="database", metavar="PATH", help="over a copy of chat.db; nothing can be sent")
    parser.add_argument("--seed", type=int, metavar="N", help="with --sandbox: which fictional people (default 1)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from imsg_sdk.gateway import Gateway

    if arguments.run_handlers and not arguments.observe:
        raise ConfigError("--run-handlers goes with --observe", path="--run-handlers", hint="handlers run anyway")
    if arguments.handler is None and not arguments.observe:
        raise ConfigError("no handler is named", path="--handler", hint="--handler module:function, or --observe")
    gateway = Gateway(
        None if arguments.config is None else Path(arguments.config),
        client=_client(arguments),
        handler=None if arguments.handler is None else load_handler(arguments.handler),
        mode="observe" if arguments.observe else "live",
        run_handlers=arguments.run_handlers,
        account=arguments.account,
        state_dir=arguments.state_dir,
    )
    logging.basicConfig(
        level=logging.DEBUG if arguments.debug else logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("imsg_sdk.gateway.traffic").setLevel(logging.DEBUG)
    signal.signal(signal.SIGTERM, _stop)
    has_begun = False
    try:
        gateway.start()
        has_begun = True
        print(f"gateway {gateway.config.account} runs, mode {gateway.mode}; Ctrl-C stops it", file=sys.stderr)
        gateway.run()
    except _Terminated:
        gateway.stop()
    finally:
        if has_begun:
            _print_status(gateway.status(), as_json=arguments.json)
    return DONE


def _print_status(status: GatewayStatus, *, as_json: bool) -> None:
    if as_json:
        rows.write_json(status.to_dict())
    else:
        print(status, file=sys.stderr)


class _Terminated(BaseException):
    """The process was asked to end."""


def _stop(number: int, frame: object) -> None:
    raise _Terminated


def _client(arguments: argparse.Namespace) -> BaseClient | None:
    from imsg_sdk import IMessageClient

    if arguments.in_sandbox:
        seed = 1 if arguments.seed is None else arguments.seed
        return IMessageClient.sandbox(seed=seed, people=_small_talk(arguments))
    return None if arguments.database is None else IMessageClient.from_chat_db(arguments.database)


def _small_talk(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return people who write by themselves: those whom the settings name, and less often anybody."""
    from imsg_sdk.addressing import AllowKind
    from imsg_sdk.config import load_config

    named = load_config(arguments.config, account=arguments.account).gateway.allow_from
    chatter: list[dict[str, Any]] = [{"every": [5, 15]}]
    chatter += [{"from": each.value, "every": [3, 9]} for each in named if each.kind is AllowKind.HANDLE]
    return {"others": "friendly", "chatter": chatter}


def load_handler(name: str) -> Any:
    """Return the function that ``module:function`` names; the current folder is on the path.

    Raises
    ------
    ConfigError
        There is no such module or function in it.
    """
    from importlib import import_module

    module_name, _, path = name.partition(":")
    if not module_name or not path:
        raise ConfigError(f"{name!r} names no handler", path="--handler", hint="write module:function")
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - text in, text out
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"there is no module {error.name}", path="--handler", hint="start it from the folder of the module"
        ) from error
    for part in path.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise ConfigError(f"{module_name} has no function {path}", path="--handler", hint="write module:function")
    return found


# decide


def _add_decide(commands: reading.Commands) -> None:
    parser = reading.new_command(
        commands,
        "decide",
        "rehearse: what a gateway would do with messages, one JSON object a line; nothing is read or sent",
        "  imsg-sdk gateway decide --config gateway.json5 --messages messages.jsonl\n"
        "  imsg-sdk gateway decide --config gateway.json5 --messages messages.jsonl --replies replies.jsonl\n"
        "  imsg-sdk messages --json | imsg-sdk gateway decide --config gateway.json5 --messages -",
    )
    _add_settings(parser)
    parser.add_argument(
        "--messages",
        metavar="FILE",
        required=True,
        help="message objects as programs send them, or rows of messages --json, one a line; - is stdin",
    )
    parser.add_argument(
        "--replies",
        metavar="FILE",
        help="what the handler says to each message, in their order: a reply or a list a line",
    )
    parser.set_defaults(run=_decide)


def _decide(arguments: argparse.Namespace) -> int:
    from imsg_sdk.config import load_config
    from imsg_sdk.gateway import rehearse

    config = load_config(arguments.config, account=arguments.account)
    messages = [_message(value) for value in _lines(arguments.messages)]
    replies = [] if arguments.replies is None else list(_lines(arguments.replies))
    script = _Script(messages, replies)
    for outcome in rehearse(config, script, script.answer):
        rows.write_json(outcome.to_dict())
    return DONE


class _Script:
    """Messages, and what is said to each: a rehearsal takes the next message when the one before is answered."""

    def __init__(self, messages: list[Any], replies: list[Any]) -> None:
        self._messages = messages
        self._replies = replies
        self._place = 0

    def __iter__(self) -> Iterator[Any]:
        for place, message in enumerate(self._messages):
            self._place = place
            yield message

    def answer(self, context: Context) -> Any:
        reply = self._replies[self._place] if self._place < len(self._replies) else None
        return reply["replies"] if isinstance(reply, dict) and "replies" in reply else reply


def _message(value: Any) -> Any:
    """Return a message object, also where it stands in a notification."""
    for name in ("params", "message"):
        inner = value.get(name) if isinstance(value, dict) else None
        value = inner if isinstance(inner, dict) else value
    if not isinstance(value, dict):
        raise GatewayError("a line of --messages is no object", hint="write one JSON object a line")
    return _row(value) if "rowid" in value and "id" not in value else value


def _row(value: dict[str, Any]) -> Message:
    """Return the record of a row of `imsg-sdk messages --json`, or of `imsg-sdk export`."""
    import msgspec

    from imsg_sdk.models import Message

    known = {name: value[name] for name in Message.__struct_fields__ if value.get(name) is not None}
    try:
        return msgspec.convert(known, Message)
    except msgspec.ValidationError as error:
        raise GatewayError(f"a row of --messages is not as it was written: {error}", hint="give it unchanged") from None


def _lines(path: str) -> Iterator[Any]:
    read: Callable[[], bytes] = sys.stdin.buffer.read if path == "-" else Path(path).read_bytes
    try:
        text = read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GatewayError(f"{path} is not UTF-8 from byte {error.start} on", hint="write it as UTF-8") from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _json(line, f"line {number} of {path}", "write one JSON object a line")
