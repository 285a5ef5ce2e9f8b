"""The child process and the JSON-RPC spoken with it."""

from logging import NullHandler, getLogger

# A library does not print: without this, Python's last resort writes warnings to stderr.
getLogger("imsg_sdk").addHandler(NullHandler())
