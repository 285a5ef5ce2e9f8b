"""Straight from the file or through a child: the same frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from imsg_sdk import IMessageClient, read_chat_db
from imsg_sdk.columns import TABLES
from imsg_sdk.sandbox.history.generate import generate
from imsg_sdk.sandbox.schema import SYSTEMS

DATABASES = ("sequoia", "monterey", "minimal", "awkward")


def through_child(client: IMessageClient, table: str) -> pd.DataFrame:
    if table == "chats":
        return client.chats()
    if table == "participants":
        return client.participants()
    return getattr(client, table)(limit=None)


@pytest.mark.parametrize("database", DATABASES)
def test_both_roads_give_equal_frames(database: str, copied: Callable[[str], Path]) -> None:
    assert_roads_meet(copied(database))


@pytest.mark.parametrize("system", SYSTEMS)
def test_both_roads_meet_on_every_system(system: str, tmp_path: Path) -> None:
    """Fresh histories, awkward rows included, of every schema that the generator knows."""
    path = tmp_path / "chat.db"
    generate(path, seed=len(system), messages=900, system=system, awkward=True)
    assert_roads_meet(path)


def assert_roads_meet(path: Path) -> None:
    straight = read_chat_db(path)
    with IMessageClient.from_chat_db(path) as client:
        for name, table in TABLES.items():
            frame = through_child(client, name)
            assert list(frame.columns) == list(table.names)
            assert_frame_equal(frame, getattr(straight, name))
    assert len(straight.messages) > 100


@pytest.mark.parametrize("database", DATABASES)
def test_children_join_back_on_the_messages(database: str, copied: Callable[[str], Path]) -> None:
    history = read_chat_db(copied(database))
    rowids = set(history.messages["rowid"])
    assert history.messages["rowid"].is_unique
    for child in (history.reactions, history.attachments, history.edits):
        assert set(child["message_rowid"]) <= rowids
    counts = history.reactions.groupby("message_rowid").size()
    stated = history.messages.set_index("rowid")["n_reactions"].dropna()
    assert (stated[stated > 0].astype(int) == counts.reindex(stated[stated > 0].index)).all()
    assert set(history.participants["chat_id"]) <= set(history.chats["chat_id"])
