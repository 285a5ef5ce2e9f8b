"""Leaves before it answers anything."""

import sys

if "--help" in sys.argv:
    print("imsg rpc")
    sys.exit()
sys.stderr.write("cannot read /Users/jane/Library for jane@example.com\n")
sys.exit(3)
