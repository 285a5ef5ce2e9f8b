"""``python -m imsg_sdk.sandbox``: ``generate`` and ``world`` make what ``rpc`` and its kind then serve."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_MAKING = ("generate", "world", "-h", "--help")


def main(argv: Sequence[str] | None = None, *, prog: str = "python -m imsg_sdk.sandbox") -> int:
    """Run the command line; return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in _MAKING:
        from imsg_sdk.sandbox.command import main as make

        return make(words, prog=prog)
    from imsg_sdk.sandbox.world.child import main as serve  # a child must start at once: nothing else is loaded

    return serve(words)


if __name__ == "__main__":
    raise SystemExit(main())
