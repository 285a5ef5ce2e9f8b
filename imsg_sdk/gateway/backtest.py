"""A policy tried on history: who would have been answered, and who by another policy.

The rules are those of the gateway, asked once for all rows that they cannot tell apart.  pandas is imported on use.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from imsg_sdk.config import Config, GatewayConfig, load_config
from imsg_sdk.gateway.facts import gather_facts
from imsg_sdk.gateway.mentions import Mention
from imsg_sdk.gateway.policy import Decision, Facts, Policy, decide, is_blank
from imsg_sdk.gateway.reasons import Reason
from imsg_sdk.gateway.rehearsal import ConfigLike
from imsg_sdk.models import Message
from imsg_sdk.text import trim

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["backtest"]

_KEYS = ("chat_id", "chat_identifier", "is_group", "sender", "is_from_me", "kind")
_SHOWN = ("rowid", "created_at", "chat_id", "chat_name", "is_group", "sender")


def backtest(
    frame: pd.DataFrame,
    policy: Policy | ConfigLike,
    other: Policy | ConfigLike | None = None,
    *,
    chats: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Decide every message of a history, by one policy or by two side by side.

    Age, duplicates, echoes, rates and debounce are left out: they belong to the moment, not to the message.

    Parameters
    ----------
    frame
        Messages, with the columns of :data:`imsg_sdk.columns.MESSAGES`.
    policy
        The policy, or settings to make it of.
    other
        A second one to compare with.
    chats
        Chats, where a list names people by ``chat_guid``, which messages do not have.

    Returns
    -------
    pandas.DataFrame
        One row per message, in the order and with the index of `frame`: what tells the message again, ``dispatched``
        and ``reason`` (NA where dispatched).  With `other` also ``other_dispatched``, ``other_reason`` and
        ``change``: ``same``, ``gained`` (answered by `other` only) or ``lost``.

    Warns
    -----
    UserWarning
        A list has ``chat_guid`` entries and `chats` was not given.
    """
    rows = _Rows(frame, chats)
    result = frame[[name for name in _SHOWN if name in frame.columns]].copy()
    result["dispatched"], result["reason"] = rows.decided(_compiled(policy))
    if other is not None:
        result["other_dispatched"], result["other_reason"] = rows.decided(_compiled(other))
        gained = result["other_dispatched"].astype("int8") - result["dispatched"].astype("int8")
        names = gained.map({0: "same", 1: "gained", -1: "lost"}).astype(object)
        result["change"] = names.astype(_category(["same", "gained", "lost"]))
    return result


def _category(names: list[str]) -> Any:
    """Return a category over object, the same for both generations of pandas and for every history."""
    import pandas as pd

    return pd.CategoricalDtype(pd.Index(names, dtype=object))


def _compiled(policy: Policy | ConfigLike) -> Policy:
    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, GatewayConfig):
        return Policy(policy)
    config = policy if isinstance(policy, Config) else load_config(policy, environ={})
    return Policy(config.gateway)


class _Rows:
    """The rows of a frame, sorted into kinds: rows of one kind differ in nothing but a text that holds something."""

    def __init__(self, frame: pd.DataFrame, chats: pd.DataFrame | None) -> None:
        import pandas as pd

        self.pd = pd
        self.has_guids = chats is not None
        self.index = frame.index
        self.texts = [trim(text) if text else "" for text in _plain(frame, "text")]
        guids = {} if chats is None else dict(zip(chats["chat_id"].tolist(), _plain(chats, "guid"), strict=True))
        self.kinds, firsts = self._sorted(frame)
        columns = {name: _plain(frame.iloc[firsts], name) for name in (*_KEYS, "n_attachments")}
        self.messages = [
            _message(dict(zip(columns, values, strict=True)), guids, self.texts[first])
            for first, *values in zip(firsts, *columns.values(), strict=True)
        ]

    def _sorted(self, frame: pd.DataFrame) -> tuple[Any, Any]:
        """Return the number of the kind of each row, and a row of each kind."""
        pd = self.pd
        blank = pd.Series([is_blank(text) for text in self.texts], dtype=bool)
        keys = [pd.factorize(blank)]
        keys += [pd.factorize(frame[name], use_na_sentinel=False) for name in _KEYS if name in frame.columns]
        if "n_attachments" in frame.columns:
            keys.append(pd.factorize(frame["n_attachments"].fillna(0) > 0))
        kinds = keys[0][0].astype("int64")
        for codes, values in keys[1:]:
            # Numbered anew at each step, so that the product cannot overflow.
            kinds, _ = pd.factorize(kinds * len(values) + codes)
        firsts = pd.Series(kinds).drop_duplicates().index.to_numpy()
        return kinds, firsts

    def decided(self, policy: Policy) -> tuple[Any, Any]:
        """Return the columns ``dispatched`` and ``reason`` under a policy."""
        if not self.has_guids and (policy.dm_list.guids or policy.group_list.guids):
            warnings.warn("chat_guid entries match nothing: give chats= to the back-test", stacklevel=3)
        by_kind: list[str | None] = []
        open_kinds = []
        for number, message in enumerate(self.messages):
            facts = gather_facts(message, policy)
            by_kind.append(_reason(decide(message, policy, facts)))
            if _depends_on_text(message, policy, facts):
                open_kinds.append(number)
        reasons = self.pd.Series(by_kind, dtype=object).take(self.kinds).to_numpy(copy=True)
        for place, reason in self._by_text(policy, open_kinds):
            reasons[place] = reason
        column = self.pd.Series(reasons, index=self.index, dtype=object)
        return column.isna(), column.astype(_category([str(reason) for reason in Reason]))

    def _by_text(self, policy: Policy, kinds: list[int]) -> Iterator[tuple[int, str | None]]:
        """Decide the rows whose text matters; once for each answer that patterns and commands give."""
        known: dict[tuple[int, Mention, bool], str | None] = {}
        facts_of = {number: gather_facts(self.messages[number], policy) for number in kinds}
        for place in self.pd.Series(self.kinds).isin(kinds).to_numpy().nonzero()[0].tolist():
            kind, text = int(self.kinds[place]), self.texts[place]
            mention = policy.mentions.match(text)
            key = (kind, mention, policy.has_command(text))
            if key not in known:
                facts = msgspec.structs.replace(facts_of[kind], text=text, mention=mention)
                known[key] = _reason(decide(self.messages[kind], policy, facts))
            yield place, known[key]


def _depends_on_text(message: Message, policy: Policy, facts: Facts) -> bool:
    if not facts.is_group or is_blank(facts.text):
        return False
    mute, spoken = (
        decide(message, policy, msgspec.structs.replace(facts, text="-", mention=mention))
        for mention in (Mention.NOT_MENTIONED, Mention.MENTIONED)
    )
    return mute.reason is not spoken.reason or policy.config.use_access_groups is True


def _reason(decision: Decision) -> str | None:
    return None if decision.reason is None else str(decision.reason)


def _message(values: dict[str, Any], guids: dict[int, str | None], text: str) -> Message:
    chat_id = values["chat_id"]
    return Message(
        rowid=0,
        chat_id=None if chat_id is None else int(chat_id),
        chat_guid=guids.get(chat_id),
        chat_identifier=values["chat_identifier"],
        is_group=bool(values["is_group"]),
        sender=values["sender"],
        is_from_me=bool(values["is_from_me"]),
        is_reaction=values["kind"] == "reaction",
        n_attachments=int(values["n_attachments"] or 0),
        text=text,
    )


def _plain(frame: pd.DataFrame, name: str) -> list[Any]:
    """Return a column as Python values with None for NA; a column that is not there is None in every row."""
    if name not in frame.columns:
        return [None] * len(frame)
    column = frame[name]
    return list(column.astype(object).where(column.notna(), None))
