"""Refuses every method twice before it answers, as a server with too much to do; `always` for ever."""

import collections
import json
import sys

if "--help" in sys.argv:
    print("imsg rpc")
    sys.exit()
asked = collections.Counter()
for line in sys.stdin:
    request = json.loads(line)
    asked[request["method"]] += 1
    answer = {"jsonrpc": "2.0", "id": request["id"], "result": {"version": "0.14.1", "tries": asked[request["method"]]}}
    if request["method"] != "initialize" and (asked[request["method"]] < 3 or request["method"] == "always"):
        del answer["result"]
        answer["error"] = {"code": -32000, "message": "Server busy", "data": "outstanding request limit exceeded"}
    print(json.dumps(answer), flush=True)
