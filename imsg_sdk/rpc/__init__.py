"""The child process and the JSON-RPC spoken with it."""
