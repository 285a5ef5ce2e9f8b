"""A stand-in for ``imsg`` of one version: answers from a recording of it, ``imsg_replay.py RECORDING ARGV…``.

A request that was recorded gets its recorded answer, in the order of recording where it was asked more than
once.  Any other reading request is answered from the same objects: the chats of the longest ``chats.list``
and the messages of the longest history of each chat, filtered as its params say.  What the recording cannot
know is an error, never a guess.  Where the real program crashed, this one does too.

``IMSG_REPLAY_GATE=METHOD:FOLDER`` makes requests of one method wait: a byte goes into the pipe
``FOLDER/started``, and the answer comes when a byte can be read from ``FOLDER/go``.  ``replay.pid`` tells
the process id.
"""

from __future__ import annotations

import base64
import gzip
import json
import lzma
import os
import signal
import sys
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

METHOD_NOT_FOUND = {"code": -32601, "message": "Method not found"}
INVALID_PARAMS = {"code": -32602, "message": "Invalid params"}
STRICT = "0.14"
"""From this version on, unknown keys are refused and ``initialize`` answers."""

KEYS = {
    "initialize": {"protocol_version"},
    "status": set(),
    "chats.list": {"limit", "unread_only"},
    "messages.history": {
        "chat_id", "limit", "participants", "start", "end", "attachments", "convert_attachments",
    },
    "messages.search": {"query", "match", "limit"},
    "messages.after": {
        "since_rowid", "chat_id", "limit", "attachments", "convert_attachments", "include_reactions",
    },
    "watch.subscribe": {
        "chat_id", "since_rowid", "participants", "start", "end", "attachments", "convert_attachments",
        "include_reactions", "debounce_ms", "buffer_limit",
    },
    "watch.unsubscribe": {"subscription"},
}  # fmt: skip


def canonical(value: Any) -> str:
    """Return text that is equal for equal JSON values."""
    return json.dumps(value, sort_keys=True)


class Recording:
    """Answers by request, and the objects they hold."""

    def __init__(self, path: str) -> None:
        self.version = ""
        self.answers: dict[str, deque[Any]] = defaultdict(deque)
        self.watches: dict[str, list[Any]] = {}
        self.commands: dict[str, Any] = {}
        self.framing: dict[bytes, Any] = {}
        self.chats: list[Any] = []
        self.histories: dict[int, list[Any]] = {}
        opener = lzma.open if path.endswith(".xz") else gzip.open
        with opener(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                self._keep(json.loads(line))

    def _keep(self, record: dict[str, Any]) -> None:
        self.version = record["imsg"]
        kind = record["kind"]
        if kind == "rpc":
            request = record["request"]
            self.answers[key_of(request)].append(record["lines"])
            self._keep_objects(request, record["lines"][0])
        elif kind == "watch":
            self.watches[canonical(record["params"])] = record["lines"]
        elif kind == "cli":
            self.commands[canonical(record["argv"])] = record
        elif kind == "framing":
            raw = record["raw"].encode() if "raw" in record else base64.b64decode(record["raw_base64"])
            self.framing[raw] = record

    def _keep_objects(self, request: dict[str, Any], answer: Any) -> None:
        result = answer.get("result") if isinstance(answer, dict) else None
        params = request.get("params")
        if not isinstance(result, dict) or not isinstance(params, dict):
            return
        if request.get("method") == "chats.list" and len(result["chats"]) > len(self.chats):
            self.chats = result["chats"]
        if request.get("method") == "messages.history" and params.get("attachments") is True:
            chat_id, messages = params.get("chat_id"), result["messages"]
            if type(chat_id) is int and len(messages) > len(self.histories.get(chat_id, [])):
                self.histories[chat_id] = messages

    @property
    def is_strict(self) -> bool:
        """Say whether this version refuses unknown keys."""
        return self.version >= STRICT


def key_of(request: dict[str, Any]) -> str:
    """Return what makes two requests the same: everything but the id."""
    return canonical({name: value for name, value in request.items() if name != "id"})


class Replay:
    """The ``rpc`` command: one request after the other."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.subscriptions = 0
        self.gated, _, self.gate = os.environ.get("IMSG_REPLAY_GATE", "").partition(":")

    def serve(self) -> int:
        """Answer until the end of input."""
        for raw in sys.stdin.buffer:
            for line in self._lines(raw.rstrip(b"\n").removesuffix(b"\r")):
                text = line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)
                sys.stdout.buffer.write(text.encode() + b"\n")
            sys.stdout.buffer.flush()
        return 0

    def _lines(self, raw: bytes) -> list[Any]:
        try:
            request = json.loads(raw)
        except ValueError:
            request = None
        if not isinstance(request, dict) or "method" not in request:
            return self.recording.framing.get(raw, {"lines": []})["lines"]
        self._wait_at_gate(request["method"])
        if request["method"] == "replay.pid":
            return [{"jsonrpc": "2.0", "id": request.get("id"), "result": {"pid": os.getpid()}}]
        if kept := self.recording.answers.get(key_of(request)):
            lines = kept[0] if len(kept) == 1 else kept.popleft()
            if isinstance(lines[0], str):
                sys.stdout.buffer.flush()
                os.kill(os.getpid(), signal.SIGILL)
            return [self._renumber({**line, "id": request["id"]}) if "id" in line else line for line in lines]
        if request["method"] == "watch.subscribe":
            return self._subscribe(request)
        outcome = self._answer(request["method"], request.get("params", {}))
        return [{"jsonrpc": "2.0", "id": request.get("id"), **outcome}] if "id" in request else []

    def _wait_at_gate(self, method: str) -> None:
        if self.gate and method == self.gated:
            Path(self.gate, "started").write_bytes(b".")
            with Path(self.gate, "go").open("rb", buffering=0) as go:
                go.read(1)

    def _renumber(self, line: dict[str, Any]) -> dict[str, Any]:
        result = line.get("result")
        if not isinstance(result, dict) or "subscription" not in result:
            return line
        self.subscriptions += 1
        return {**line, "result": {**result, "subscription": self.subscriptions}}

    def _subscribe(self, request: dict[str, Any]) -> list[Any]:
        self.subscriptions += 1
        recorded = self.recording.watches.get(canonical(request.get("params", {})), [])
        lines: list[Any] = []
        for line in recorded:
            if "id" in line:
                result = {**line["result"], "subscription": self.subscriptions}
                lines.append({**line, "id": request["id"], "result": result})
            else:
                lines.append({**line, "params": {**line["params"], "subscription": self.subscriptions}})
        if not lines:
            result = {"subscription": self.subscriptions}
            if self.recording.is_strict:
                result["buffer_limit"] = 256
            lines.append({"jsonrpc": "2.0", "id": request["id"], "result": result})
        return lines

    def _answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        known = KEYS.get(method)
        if known is None or (method in ("initialize", "status", "messages.after") and not self.recording.is_strict):
            return {"error": {**METHOD_NOT_FOUND, "data": method}}
        if self.recording.is_strict and (unknown := sorted(params.keys() - known)):
            return {"error": {**INVALID_PARAMS, "data": f"unknown {method} param: {unknown[0]}"}}
        if method == "chats.list":
            return {"result": {"chats": self.recording.chats[: params.get("limit", 20)]}}
        if method == "messages.history":
            rows = self.recording.histories.get(params["chat_id"], [])
            return {"result": {"messages": select(rows, params)}}
        if method == "watch.unsubscribe":
            return {"result": {"ok": True}}
        return {"error": {"code": -32603, "message": "Internal error", "data": f"{method} was not recorded like this"}}


def select(rows: list[Any], params: dict[str, Any]) -> list[Any]:
    """Return messages of a history, newest first, as the params ask."""
    people = [person.casefold() for person in params.get("participants", [])]
    if people:
        rows = [row for row in rows if row["sender"].casefold() in people]
    if "start" in params:
        rows = [row for row in rows if row["created_at"] >= params["start"]]
    if "end" in params:
        rows = [row for row in rows if row["created_at"] < params["end"]]
    rows = rows[: max(params.get("limit", 50), 1)]
    return rows if params.get("attachments") else [{**row, "attachments": []} for row in rows]


def histories_of(path: str, chat_id: int) -> list[Any]:
    """Return the recorded history of a chat, from where it was unpacked if it was."""
    unpacked = os.environ.get("IMSG_REPLAY_HISTORIES")
    if not unpacked:
        return Recording(path).histories.get(chat_id, [])
    file = Path(unpacked, f"{chat_id}.json")
    return list(json.loads(file.read_bytes())) if file.is_file() else []


def unpack(path: str, folder: Path) -> None:
    """Write each chat's history into a file of its own, so that a command need not read the whole recording."""
    folder.mkdir()
    for chat_id, messages in Recording(path).histories.items():
        (folder / f"{chat_id}.json").write_text(json.dumps(messages), encoding="utf-8")


def history_command(path: str, argv: list[str]) -> int:
    """Answer ``history --json``: message objects, newest first, one a line."""
    params: dict[str, Any] = {"attachments": True}
    words = iter(argv)
    for word in words:
        if word == "--chat-id":
            params["chat_id"] = int(next(words))
        elif word == "--limit":
            params["limit"] = int(next(words))
        elif word in ("--start", "--end"):
            params[word[2:]] = next(words)
        elif word == "--participants":
            params["participants"] = next(words).split(",")
        elif word == "--db":
            next(words)
        elif word not in ("--json", "--attachments"):
            sys.stdout.write(f"Unknown option {word}\n")
            return 1
    for row in select(histories_of(path, params["chat_id"]), params):
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    return 0


def main(path: str, argv: list[str]) -> int:
    """Act as ``imsg ARGV…``."""
    version = ".".join(Path(path).name.split(".")[1:4])
    command = argv[0] if argv else ""
    if argv in (["--version"], ["-V"]):
        sys.stdout.write(version + "\n")
    elif command == "rpc" and {"--help", "-h"} & set(argv):
        sys.stdout.write("imsg rpc\nRun JSON-RPC over stdin/stdout\n")
    elif command == "rpc":
        return Replay(Recording(path)).serve()
    elif command == "history":
        return history_command(path, argv[1:])
    elif command == "status":
        sys.stdout.write(json.dumps({"version": version, "basic_features": True, "rpc_methods": []}) + "\n")
    else:
        record = Recording(path).commands.get(canonical(argv), {"stdout": "Unknown subcommand\n", "exit": 1})
        sys.stdout.write(record["stdout"])
        return int(record["exit"])
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
