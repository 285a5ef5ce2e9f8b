"""Answers a request with the bytes that its method names."""

import json
import sys

if "--help" in sys.argv:
    print("imsg rpc")
    sys.exit()
RESULTS = {
    "initialize": b'{"version": "0.14.1"}',
    "chats.list": b'{"chats": []}',
    "invalid utf-8": b'{"text": "\xff\xfe"}',
    "half a surrogate pair": b'{"text": "\\ud800"}',
    "nothing": b"null",
    "a number": b"1e999",
    "too deep": b"[" * 100_000 + b"]" * 100_000,
}
for line in sys.stdin:
    request = json.loads(line)
    answer = b'{"jsonrpc": "2.0", "id": %d, "result": %b}\n' % (request["id"], RESULTS[request["method"]])
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
