"""Writes 20 MB to stderr before each answer."""

import json
import sys

if "--help" in sys.argv:
    print("imsg rpc")
    sys.exit()
for line in sys.stdin:
    sys.stderr.write("noise\n" * (20 << 18))
    sys.stderr.flush()
    print(json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": {"version": "0.14.1"}}), flush=True)
