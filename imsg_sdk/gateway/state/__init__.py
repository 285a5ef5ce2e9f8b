"""The state of a gateway on disk: journal, outbox, leases, pairing, and readers of them.

One SQLite file for each account, in a folder that only its owner can read, bound to one Messages database.
"""

from __future__ import annotations

from imsg_sdk.gateway.state.erasing import erase_beside
from imsg_sdk.gateway.state.folder import STATE_VARIABLE, accounts_of, state_folder, state_path
from imsg_sdk.gateway.state.journal import POINTS, Journal
from imsg_sdk.gateway.state.lease import Lease, LeaseInfo, read_lease
from imsg_sdk.gateway.state.pairings import PairingStore
from imsg_sdk.gateway.state.reader import StateReader
from imsg_sdk.gateway.state.records import (
    DecisionRow,
    Entry,
    EntryState,
    Outbound,
    OutboundRow,
    OutboxState,
    PairingRow,
    Unfinished,
)

__all__ = [
    "POINTS",
    "STATE_VARIABLE",
    "DecisionRow",
    "Entry",
    "EntryState",
    "Journal",
    "Lease",
    "LeaseInfo",
    "Outbound",
    "OutboundRow",
    "OutboxState",
    "PairingRow",
    "PairingStore",
    "StateReader",
    "Unfinished",
    "accounts_of",
    "erase_beside",
    "read_lease",
    "state_folder",
    "state_path",
]
