"""Speaks a later version, with keys that nobody knows yet."""

import json
import sys

if "--help" in sys.argv:
    print("imsg rpc")
    sys.exit()
CHAT = {"id": 1, "identifier": "+15550100200", "name": "", "service": "iMessage", "is_group": False}
for line in sys.stdin:
    request = json.loads(line)
    result = {
        "initialize": {"version": "0.99.0", "protocol_version": 2, "future": {}},
        "chats.list": {"chats": [{**CHAT, "last_message_at": "2026-01-01T00:00:00.000Z", "mood": "fine"}], "more": 1},
        "messages.history": {"messages": [{"id": 5, "chat_id": 1, "text": "hi", "is_from_me": True, "mood": 7}]},
    }[request["method"]]
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
