"""``gateway erase``: forget a person, whether or not a gateway runs."""

from __future__ import annotations

import argparse
import sys

from imsg_sdk.cli import pairing, reading, rows

__all__ = ["add"]

DONE, FAILED = 0, 1


def add(commands: reading.Commands) -> None:
    """Add the command ``erase``."""
    parser = reading.new_command(
        commands,
        "erase",
        "remove what a person wrote, and their handle, from what a gateway keeps; exit code 1 if there is nothing",
        "  imsg-sdk gateway erase +15551234567",
    )
    parser.add_argument("handle", metavar="HANDLE", help="the person's number or address, in any spelling")
    pairing.add_places(parser)
    parser.set_defaults(run=_erase)


def _erase(arguments: argparse.Namespace) -> int:
    from imsg_sdk._time import SystemClock
    from imsg_sdk.addressing import Handle
    from imsg_sdk.gateway.state import erase_beside

    folder, accounts = pairing.places(arguments)
    found = {account: erase_beside(folder, account, arguments.handle, SystemClock()) for account in accounts}
    total = sum(found.values())
    shown = Handle(arguments.handle).redacted
    if arguments.json:
        for account, number in found.items():
            rows.write_json({"account": account, "handle": shown, "erased": number})
    elif total:
        print(f"erased: {shown}, from {total:,} {'place' if total == 1 else 'places'}")
    if not total:
        print(f"imsg-sdk: {shown} stands nowhere", file=sys.stderr)
    return DONE if total else FAILED
