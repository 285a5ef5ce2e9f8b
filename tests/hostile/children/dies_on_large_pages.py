"""Crashes on every history of more than 100 rows, and notes each request in the file of its last argument."""

import json
import os
import pathlib
import sys

if "--help" in sys.argv:
    print("imsg rpc")
    sys.exit()
for line in sys.stdin:
    request = json.loads(line)
    with pathlib.Path(sys.argv[1]).open("a") as notes:
        notes.write(json.dumps([request["method"], request["params"]]) + "\n")
    if request["params"].get("limit", 0) > 100 and request["method"] == "messages.history":
        os.abort()
    result = {"version": "0.14.1", "messages": [], "chats": []}
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
