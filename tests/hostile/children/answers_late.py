"""Answers the method `slow` only together with the request after it."""

import json
import sys

if "--help" in sys.argv:
    print("imsg rpc")
    sys.exit()
held = []
for line in sys.stdin:
    request = json.loads(line)
    answer = {"jsonrpc": "2.0", "id": request["id"], "result": {"version": "0.14.1", "to": request["method"]}}
    held.append(json.dumps(answer))
    if request["method"] != "slow":
        print("\n".join(held), flush=True)
        held.clear()
