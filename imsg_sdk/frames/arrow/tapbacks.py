"""Tapbacks that stand, found with array arithmetic; the rules are those of :mod:`imsg_sdk.chatdb.tapbacks`.

A tenth of a history are tapbacks, so a Python object for each of them is worth avoiding.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import repeat
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imsg_sdk.chatdb.folding import emoji_in, specials_sql
from imsg_sdk.chatdb.message_sql import MessageSql
from imsg_sdk.chatdb.tapbacks import (
    FACES,
    FIRST_REMOVAL,
    STICKER_REMOVED,
    STICKERS,
    UNDATED,
    face_of,
    target_of,
)
from imsg_sdk.frames.arrow.source import Source, whole

__all__ = ["Standing", "special_rows"]

_COLUMNS: Final = {
    "kind": pa.int64(),
    "association": pa.string(),
    "emoji": pa.string(),
    "rowid": pa.int64(),
    "guid": pa.string(),
    "has_balloon": pa.int64(),
    "is_from_me": pa.int64(),
    "handle": pa.int64(),
    "destination": pa.string(),
    "created_at": pa.int64(),
    "text": pa.string(),
    "body": pa.binary(),
}
"""What :func:`imsg_sdk.chatdb.folding.specials_sql` gives."""
_NOWHERE: Final = np.iinfo(np.int64).min


class Standing:
    """The tapbacks that stand after all of them, oldest first."""

    def __init__(self, rows: pa.Table, handles: Mapping[int, str], shown_by: Mapping[str, str]) -> None:
        rows = rows.filter(rows["association"].is_valid())
        created, rowid = pc.fill_null(rows["created_at"], UNDATED).to_numpy(), rows["rowid"].to_numpy()
        rows = rows.take(pa.array(np.lexsort((rowid, created))))
        target, part = self._targets(whole(rows["association"]), shown_by)
        sender, person = self._people(whole(rows["handle"]), rows["is_from_me"].to_numpy() != 0, handles)
        at = _standing(rows["kind"].to_numpy(), _numbered(target, part, person))
        self._rows = rows.take(pa.array(at))
        self._target, self._part, self._sender = target[at], part[at], sender[at]
        self._counts = np.bincount(self._target, minlength=len(self.guids))

    def _targets(self, associations: Any, shown_by: Mapping[str, str]) -> tuple[Any, Any]:
        """Return of each row the number of its target in `guids`, and its part."""
        encoded = associations.dictionary_encode()
        known = [target_of(association) for association in encoded.dictionary.to_pylist()]
        targets = pa.array([shown_by.get(guid, guid) for guid, _ in known], pa.string()).dictionary_encode()
        self.guids = targets.dictionary
        """What tapbacks were put on, whether they stand or not."""
        codes = encoded.indices.to_numpy()
        return targets.indices.to_numpy()[codes], np.array([part for _, part in known], np.int64)[codes]

    def _people(self, handles: Any, is_mine: Any, names: Mapping[int, str]) -> tuple[Any, Any]:
        """Return of each row the number of its sender in `_senders`, and of the person who counts as one."""
        encoded = handles.dictionary_encode()
        known = [*encoded.dictionary.to_pylist(), None]
        people: dict[Hashable, int] = {True: 0}
        numbers = [people.setdefault(names.get(handle) or handle or 0, len(people)) for handle in known]
        self._senders = [*(names.get(handle) for handle in known), None]
        # No handle is -1, which finds the last of an array.
        codes = pc.fill_null(encoded.indices, -1).to_numpy()
        sender = np.where(is_mine, len(known), np.arange(len(known))[codes])
        return sender, np.where(is_mine, 0, np.array(numbers)[codes])

    def counts(self, guids: pa.ChunkedArray) -> Any:
        """Return how many stand on each of these messages."""
        found = pc.fill_null(pc.index_in(guids, value_set=self.guids), -1).to_numpy()
        return np.append(self._counts, 0)[found]

    def columns(self, owners: Mapping[str, int]) -> list[list[Any]]:
        """Return the table of reactions for messages, given as rowids by guid."""
        messages = np.fromiter(map(owners.get, self.guids.to_pylist(), repeat(_NOWHERE)), np.int64, len(self.guids))
        message = messages[self._target]
        order = np.argsort(message, kind="stable")
        order = order[message[order] != _NOWHERE]
        rows = self._rows.take(pa.array(order))
        kinds = rows["kind"].to_pylist()
        return [
            message[order].tolist(),
            rows["rowid"].to_pylist(),
            [FACES[kind][0] for kind in kinds],
            [face_of(kind, emoji) for kind, emoji in zip(kinds, _emoji(rows), strict=True)],
            self._part[order].tolist(),
            [self._senders[number] for number in self._sender[order].tolist()],
            (rows["is_from_me"].to_numpy() != 0).tolist(),
            rows["created_at"].to_pylist(),
        ]


def _standing(kinds: Any, key: Any) -> Any:
    """Return the positions of the rows that stand; `key` numbers what can hold one tapback; oldest rows first."""
    at = np.arange(len(kinds))
    is_sticker = np.isin(kinds, STICKERS)
    is_removed_sticker = kinds == STICKER_REMOVED
    is_single = ~(is_sticker | is_removed_sticker)
    # Of several values for one place the last one stays: the newest row of each key.
    newest: Any = np.full(len(at), -1)
    newest[key[is_single]] = at[is_single]
    removed: Any = np.full(len(at), -1)
    removed[key[is_removed_sticker]] = at[is_removed_sticker]
    stands = is_single & (newest[key] == at) & (kinds < FIRST_REMOVAL)
    return np.flatnonzero(stands | (is_sticker & (removed[key] < at)))


def _numbered(*columns: Any) -> Any:
    """Return one number for each distinct row of several columns of integers."""
    numbers: Any = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, codes = np.unique(column, return_inverse=True)
        numbers = np.unique(numbers * max(len(values), 1) + codes, return_inverse=True)[1]
    return numbers


def _emoji(rows: pa.Table) -> list[str | None]:
    """Return the emoji that rows name, in a column of their own or in a sentence."""
    emoji: list[str | None] = rows["emoji"].to_pylist()
    is_said = pc.and_(rows["emoji"].is_null(), pc.or_(rows["text"].is_valid(), rows["body"].is_valid()))
    for at in np.flatnonzero(is_said.to_numpy()).tolist():
        emoji[at] = emoji_in(rows["text"][at].as_py(), rows["body"][at].as_py())
    return emoji


def special_rows(source: Source, sql: MessageSql) -> pa.Table:
    """Return all tapbacks and link previews."""
    return pa.table(dict(zip(_COLUMNS, source.columns(specials_sql(sql, "1"), _COLUMNS.values()), strict=True)))
