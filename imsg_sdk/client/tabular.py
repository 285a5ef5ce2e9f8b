"""Frames out of what a program answers; pandas is imported when the first one is built."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from imsg_sdk.arguments import refused
from imsg_sdk.client.core import Core, Progress
from imsg_sdk.client.filters import Filter
from imsg_sdk.client.plan import Plan, run
from imsg_sdk.client.targets import Targets
from imsg_sdk.columns import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ProgressOption", "frame_of", "read_frame", "shown"]

ProgressOption = bool | Progress | None
"""Show progress or not, a function that is told of it, or None: where a person looks."""


def frame_of(table: Table, plan: Plan[list[Any]]) -> pd.DataFrame:
    """Run a plan and return its records as a frame; blocks."""
    from imsg_sdk.frames.build import frame_from_records

    return frame_from_records(table, run(plan))


def read_frame(
    core: Core, table: Table, chat: Targets, wanted: Filter, *, attachments: bool, progress: Progress | None
) -> Plan[pd.DataFrame]:
    """Read messages or their children as a frame: columns of our own server, else records."""
    from imsg_sdk.client import history

    session = yield from core.session()
    chats, wanted = yield from history.chosen(core, chat, wanted)
    if not session.profile.extended:
        from imsg_sdk.client.reading import read_chats
        from imsg_sdk.frames.build import frame_from_records

        found = yield from read_chats(core, chats, wanted, attachments=attachments, progress=progress)
        return frame_from_records(table, history.children(table, found))
    from imsg_sdk.frames.build import FrameBuilder

    builder = FrameBuilder(table)
    yield from core.pages(table.name, wanted.query(chats), builder.add, progress)
    return builder.frame()


def shown(option: ProgressOption, limit: int | None) -> AbstractContextManager[Progress | None]:
    """Return what is told of the progress of a call that reads at most `limit` messages."""
    if option is True or (option is None and limit is None):
        from imsg_sdk.progress import Progress as Panel

        return Panel(unit="messages")
    if option and not callable(option):
        raise refused("progress must be True, False, None or a function")
    return nullcontext(option or None)
