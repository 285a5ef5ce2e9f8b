"""Answers every request but the first with a line of 64 MB."""

import json
import sys

if "--help" in sys.argv:
    print("imsg rpc")
    sys.exit()
for line in sys.stdin:
    request = json.loads(line)
    text = "" if request["method"] == "initialize" else "x" * (64 << 20)
    result = {"version": "0.14.1", "text": text}
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
