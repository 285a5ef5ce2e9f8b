"""``python -m imsg_sdk`` is ``imsg-sdk``."""

from imsg_sdk.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
