"""Prints what messages say on both its outputs, answers errors that repeat it, and ends badly when asked to."""

import json
import sys

if "--help" in sys.argv:
    print("imsg rpc")
    sys.exit()
SECRET = "meet me at +1 555 010 0200"
for line in sys.stdin:
    request = json.loads(line)
    print(SECRET, file=sys.stderr, flush=True)
    print(SECRET)
    answer = {"jsonrpc": "2.0", "id": request["id"]}
    if request["method"] == "initialize":
        answer["result"] = {"version": "0.14.1"}
    elif request["method"] == "chats.list":
        answer["result"] = {"chats": [{"id": 1, "name": SECRET, "identifier": [SECRET], "is_group": SECRET}]}
    elif request["method"] == "end":
        sys.exit(SECRET)
    else:
        answer["error"] = {"code": -32603, "message": "Internal error", "data": SECRET}
    print(json.dumps(answer), flush=True)
