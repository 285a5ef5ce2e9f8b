"""A program that sends as it is told to: scripted.py FOLDER [--dialect legacy] rpc.

FOLDER/script.jsonl holds one line per `send`: {"row": true} writes the message into the history, "then" says what
follows: ok (the default), die, hang, garbage, kill (whoever asked), or an object that is the error.  "result" is
added to {"ok": true}.  "chats": "gone" empties the list of chats.
Every request that changes something is written to FOLDER/asked.jsonl before anything else happens: what a person
may have received.  FOLDER/rows.jsonl is the history.
"""

import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path

folder, dialect = Path(sys.argv[1]), "legacy" if "legacy" in sys.argv else "v1"
if "--help" in sys.argv:
    print("imsg rpc")
    sys.exit()
if "status" in sys.argv:
    print(json.dumps({"version": "0.9.0"}))
    sys.exit()

METHODS = ["initialize", "status", "chats.list", "messages.history", "messages.after", "send", "tapback"]
CHATS = [
    {"id": 3, "identifier": "+12025550117", "guid": "iMessage;-;+12025550117", "participants": ["+12025550117"]},
    {"id": 4, "identifier": "+12025550118", "guid": "iMessage;-;+12025550118", "participants": ["+12025550118"]},
    # A thread of several people, named after one of them.
    {"id": 6, "identifier": "+12025550119", "guid": "any;-;+12025550119", "participants": ["+12025550119", "b@x.org"]},
]


def lines(name):
    path = folder / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def append(name, value):
    with (folder / name).open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(value) + "\n")


def write_row(params):
    rowid = 100 + len(lines("rows.jsonl"))
    chat = next((each for each in CHATS if each["id"] == params.get("chat_id")), CHATS[0])
    name = params.get("file", "").rpartition("/")[2]
    files = [{"filename": name, "transfer_name": name, "uti": "", "mime_type": "", "total_bytes": 1}] if name else []
    row = {"id": rowid, "chat_id": chat["id"], "guid": f"ROW-{rowid}", "sender": "", "is_from_me": True}
    row |= {"text": params.get("text", ""), "created_at": "2026-03-04T18:22:05.120Z", "reactions": []}
    row |= {"attachments": [{**each, "is_sticker": False, "original_path": "", "missing": False} for each in files]}
    row |= {"chat_identifier": chat["identifier"], "chat_guid": chat["guid"], "chat_name": "", "is_group": False}
    append("rows.jsonl", row | {"participants": chat["participants"]})
    return rowid


def say(identity, **answer):
    print(json.dumps({"jsonrpc": "2.0", "id": identity, **answer}), flush=True)


def act(request):
    params = request["params"]
    append("asked.jsonl", {"method": request["method"], "params": params})
    script = lines("script.jsonl")
    step = script[min(len(lines("asked.jsonl")), len(script)) - 1] if script else {"row": True}
    if step.get("row"):
        write_row(params)
    if step.get("chats") == "gone":
        (folder / "gone").touch()
    match step.get("then", "ok"):
        case "die":
            os._exit(3)
        case "kill":
            os.kill(os.getppid(), signal.SIGKILL)
            os._exit(3)
        case "hang":
            time.sleep(60)
        case "garbage":
            print('{"jsonrpc": "2.0", "id": 1, "result": {"ok"', flush=True)
        case "ok":
            say(request["id"], result={"ok": True, **step.get("result", {})})
        case error:
            say(request["id"], error=error)


for line in sys.stdin:
    request = json.loads(line)
    params, identity = request["params"], request["id"]
    rows = [row for row in lines("rows.jsonl") if row["chat_id"] == params.get("chat_id")]
    match request["method"]:
        case "initialize" if dialect == "v1":
            say(identity, result={"version": "0.14.1", "supported_methods": METHODS, "methods": METHODS})
        case "chats.list":
            rest = {"name": "", "service": "iMessage", "last_message_at": "2026-03-04T18:22:05.120Z", "is_group": False}
            there = [] if (folder / "gone").exists() else CHATS
            say(identity, result={"chats": [chat | rest for chat in there]})
        case "messages.history":
            say(identity, result={"messages": rows[::-1][: params["limit"]]})
        case "messages.after" if dialect == "v1":
            rows = [row for row in rows if row["id"] > params["since_rowid"]]
            say(identity, result={"messages": rows, "next_rowid": 10**6, "has_more": False})
        case "send" | "tapback" | "typing":
            act(request)
        case method:
            say(identity, error={"code": -32601, "message": "Method not found", "data": method})
