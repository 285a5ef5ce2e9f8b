"""Prints text that is not the protocol, and goes on."""

import sys

if "--help" in sys.argv:
    print("imsg rpc")
    sys.exit()
for _ in range(1000):
    print("Hello! I am not JSON.", flush=True)
sys.stdin.read()
