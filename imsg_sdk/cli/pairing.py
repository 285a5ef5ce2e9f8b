"""``pairing``: who asked a gateway for access, who has it, and giving and taking it; works while a gateway runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from imsg_sdk.cli import reading, rows
from imsg_sdk.cli.terminal import Cells

if TYPE_CHECKING:
    from pathlib import Path

    from imsg_sdk.gateway.state import PairingRow, PairingStore

__all__ = ["add", "add_places", "places"]

DONE, FAILED = 0, 1

_EXAMPLES = """  imsg-sdk pairing list
  imsg-sdk pairing approve K7WQ2MNA
  imsg-sdk pairing revoke +15551234567"""


def add(commands: reading.Commands) -> None:
    """Add the command ``pairing`` and its three."""
    own = reading.new_group(commands, "pairing", "who may write to a gateway: list, approve, revoke", _EXAMPLES)
    listing = _add(own, "list", "who waits with a code, and who was approved", "  imsg-sdk pairing list --full", _list)
    approving = _add(
        own,
        "approve",
        "let in the person who was told a code; exit code 1 if nobody was",
        "  imsg-sdk pairing approve K7WQ2MNA",
        _approve,
    )
    approving.add_argument("code", metavar="CODE", help="the code, in any case")
    revoking = _add(
        own,
        "revoke",
        "take an approval back; exit code 1 if there is none",
        "  imsg-sdk pairing revoke +15551234567",
        _revoke,
    )
    revoking.add_argument("handle", metavar="HANDLE", help="the person's number or address, in any spelling")
    for each in (listing, approving, revoking):
        each.add_argument("--full", action="store_true", help="show whole handles")
        add_places(each)


def add_places(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which state is meant."""
    parser.add_argument("--account", metavar="NAME", help="only this account (default: all that have state)")
    parser.add_argument("--state-dir", metavar="DIR", help="the gateway's state folder")


def _add(
    commands: reading.Commands, name: str, text: str, examples: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    parser = reading.new_command(commands, name, text, examples)
    parser.set_defaults(run=run)
    return parser


def _list(arguments: argparse.Namespace) -> int:
    from imsg_sdk._time import SystemClock
    from imsg_sdk.gateway.state import StateReader

    folder, accounts = places(arguments)
    now = SystemClock().now()
    found = [(account, row) for account in accounts for row in StateReader(folder, account).pairing(now)]
    if arguments.json:
        for account, row in found:
            rows.write_json(_as_json(account, row, full=arguments.full))
    elif found:
        _print_table(found, full=arguments.full, now=now)
    else:
        print("nobody waits, and nobody was approved")
    return DONE


def _print_table(found: list[tuple[str, PairingRow]], *, full: bool, now: datetime) -> None:
    names = [account for account, _ in found]
    people = [row for _, row in found]
    columns = [
        Cells("person", [_shown(row.handle, full=full) for row in people], stretch=True),
        Cells("state", [row.state for row in people]),
        Cells("code", [row.code or "" for row in people]),
        Cells("chat", ["" if row.chat_id is None else str(row.chat_id) for row in people], right=True),
        Cells("since, local time", [rows.local_time(row.approved_at or row.asked_at) for row in people]),
        Cells("left", [_left(row, now) for row in people], right=True),
    ]
    if len(set(names)) > 1:
        columns.insert(0, Cells("account", names))
    reading.print_table(columns)


def _left(row: PairingRow, now: datetime) -> str:
    from imsg_sdk.gateway.pairing import LIFE

    if row.asked_at is None:
        return ""
    return f"{max(0, int((row.asked_at + LIFE - now).total_seconds() // 60))} min"


def _approve(arguments: argparse.Namespace) -> int:
    for account, store in _stores(arguments):
        request = store.approve(arguments.code)
        if request is not None:
            return _tell(arguments, account, request.handle, "approved")
    return _nobody("nobody waits with this code", "a code lives for an hour: `imsg-sdk pairing list` shows who waits")


def _revoke(arguments: argparse.Namespace) -> int:
    revoked = [account for account, store in _stores(arguments) if store.revoke(arguments.handle)]
    for account in revoked:
        _tell(arguments, account, arguments.handle, "revoked")
    if revoked:
        return DONE
    return _nobody("this person was not approved", "`imsg-sdk pairing list --full` shows who was")


def _tell(arguments: argparse.Namespace, account: str, handle: str, state: str) -> int:
    shown = _shown(handle, full=arguments.full)
    if arguments.json:
        rows.write_json({"account": account, "handle": shown, "state": state})
    else:
        print(f"{state}: {shown}")
    return DONE


def _nobody(text: str, remedy: str) -> int:
    print(f"imsg-sdk: {text}\n  → {remedy}", file=sys.stderr)
    return FAILED


def places(arguments: argparse.Namespace) -> tuple[Path, tuple[str, ...]]:
    """Return the state folder, and the accounts that have state there and are meant."""
    from imsg_sdk.gateway.state import accounts_of, state_folder, state_path

    folder = state_path(arguments.state_dir)
    known = accounts_of(folder)
    wanted = known if arguments.account is None else tuple(each for each in known if each == arguments.account.lower())
    # Made by a gateway only; here it is at most closed to others.
    return (state_folder(folder) if known else folder), wanted


def _stores(arguments: argparse.Namespace) -> Iterator[tuple[str, PairingStore]]:
    from imsg_sdk._time import SystemClock
    from imsg_sdk.gateway.state import PairingStore

    folder, accounts = places(arguments)
    for account in accounts:
        with PairingStore.open(folder, account=account, clock=SystemClock()) as store:
            yield account, store


def _shown(handle: str, *, full: bool) -> str:
    from imsg_sdk.addressing import Handle

    return handle if full else Handle(handle).redacted


def _as_json(account: str, row: PairingRow, *, full: bool) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in row.__struct_fields__}
    return {"account": account, **values, "handle": _shown(row.handle, full=full)}
