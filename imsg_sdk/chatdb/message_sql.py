"""SQL of the message table, for any schema.  Text only: nothing here touches a database."""

from __future__ import annotations

from typing import Final, NamedTuple

from imsg_sdk.chatdb.previews import URL_BALLOON
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.chatdb.tapbacks import TAPBACK_SQL

__all__ = ["FLAGS", "RARE", "Flags", "MessageSql"]

SEND_STATES: Final = (None, "pending", "sent", "delivered", "failed")
_READ: Final = 2
_STATE: Final = 8
RARE: Final = 64
"""Added to the flags of a row that has more to say."""


class Flags(NamedTuple):
    """Small facts about a message."""

    is_from_me: bool
    is_read: bool | None
    send_state: str | None


FLAGS: Final = tuple(
    Flags(
        bool(code & 1),
        (None, False, True, None)[code // _READ % 4],
        SEND_STATES[code % RARE // _STATE] if code % RARE // _STATE < len(SEND_STATES) else None,
    )
    for code in range(2 * RARE)
)
"""What the number of the flags of a row means."""

_POLLS: Final = "com.apple.messages.Polls"
_MAX_INT: Final = 2**63 - 1
_SHORT_SUMMARY: Final = 61
"""Shorter summaries hold neither edits nor unsends; most rows have one of these."""


class MessageSql:
    """Expressions over ``message m`` for one schema.

    A code of -1 says that the file does not know.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self.is_mine = f"{self._number('is_from_me')} <> 0"
        self.association = self._number("associated_message_type")
        self.is_tapback, self.is_special = self._specials()
        emoji = self._text("associated_message_emoji")
        self.says_more_than_its_kind = (
            f"m.balloon_bundle_id = '{URL_BALLOON}' OR ({self.association} IN (2006, 3006) AND {emoji} IS NULL)"
            if self.has("balloon_bundle_id")
            else f"{self.association} IN (2006, 3006) AND {emoji} IS NULL"
        )
        self.knows_edits = self.has("date_edited") or self.has("message_summary_info")
        self.knows_unsends = self.has("date_retracted") or self.has("message_summary_info")
        self.knows_reading = self.has("is_read") or self.has("date_read")
        self.knows_sending = self.has("is_sent") or self.has("is_delivered")
        self.knows_spam = self.has("is_spam") or self.has("filter_action")
        summary = self._raw("message_summary_info")
        self.tells_the_past = (
            f"{self._raw('date_edited')} OR {self._raw('date_retracted')}"
            f" OR ({summary} IS NOT NULL AND length({summary}) > {_SHORT_SUMMARY})"
        )

    def has(self, column: str) -> bool:
        """Tell whether the message table has this column."""
        return self._schema.has("message", column)

    def _text(self, column: str) -> str:
        return self._schema.text("message", column, "m")

    def _number(self, column: str, default: str = "0") -> str:
        return self._schema.number("message", column, "m", default)

    def _raw(self, column: str) -> str:
        return self._schema.raw("message", column, "m")

    def time(self, column: str) -> str:
        """Return SQL for an instant of a message in Unix microseconds."""
        return self._schema.time("message", column, "m")

    # ── rows that say something about other rows ─────────────────────────────────────────────────

    def _specials(self) -> tuple[str, str]:
        """Return the conditions for tapbacks, and for tapbacks and link previews.

        The bare column comes first: it settles nine rows of ten without a conversion.
        """
        conditions = []
        tapback = "0"
        if self.has("associated_message_type") and self.has("associated_message_guid"):
            tapback = f"(m.associated_message_type >= 1000 AND {TAPBACK_SQL.format(self.association)})"
            conditions.append(tapback)
        if self.has("balloon_bundle_id"):
            conditions.append(f"m.balloon_bundle_id = '{URL_BALLOON}'")
        return tapback, " OR ".join(conditions) or "0"

    def tapback(self) -> list[str]:
        """Return kind (0 for a link preview), association and emoji."""
        return [
            f"CASE WHEN {self.is_tapback} THEN {self.association} ELSE 0 END",
            self._text("associated_message_guid"),
            self._text("associated_message_emoji"),
        ]

    def candidate(self, with_text: str) -> list[str]:
        """Return what :class:`~imsg_sdk.chatdb.previews.Candidate` is made of."""
        text, body = self._text("text"), self._raw("attributedbody")
        return [
            "m.ROWID",
            self._text("guid"),
            f"{self._text('balloon_bundle_id')} IS NOT NULL",
            self.is_mine,
            self._number("handle_id", "NULL"),
            self._text("destination_caller_id"),
            self.time("date"),
            f"CASE WHEN {with_text} THEN {text} END",
            f"CASE WHEN ({with_text}) AND {text} IS NULL THEN CAST({body} AS BLOB) END",
        ]

    # ── what every row has ───────────────────────────────────────────────────────────────────────

    def dense(self, service: str, destination: str) -> list[str]:
        """Return the columns of :class:`~imsg_sdk.chatdb.messages.Dense`; the arguments are two of them."""
        return [
            "m.ROWID",
            self._text("guid"),
            self._words(),
            f"CASE WHEN m.is_from_me THEN 0 ELSE {self._raw('handle_id')} END",
            self._flags(),
            self.time("date"),
            service,
            self.time("date_read"),
            self.time("date_delivered"),
            self._text("reply_to_guid"),
            destination,
        ]

    def words_alone(self) -> list[str]:
        """Return rowid, instant, text or body, and a mark on rows whose body may say more than the text."""
        return ["m.ROWID", self.time("date"), self._words(), f"CASE WHEN {self._is_amended()} THEN 1 END"]

    def _is_amended(self) -> str:
        return f"{self._raw('is_audio_message')} OR {self._raw('date_edited')}"

    def _words(self) -> str:
        """Return the text, else the body, as bytes; both carry the same string where both are there."""
        text, body = self._raw("text"), self._raw("attributedbody")
        return (
            f"CASE WHEN {text} <> '' THEN CAST({text} AS TEXT)"
            f" ELSE ifnull(CAST({body} AS BLOB), CAST({text} AS TEXT)) END"
        )

    def words_apart(self) -> tuple[str, str]:
        """Return the same as two columns, text and body, at least one of them NULL."""
        text, body = self._raw("text"), self._raw("attributedbody")
        return (
            f"CASE WHEN {text} <> '' OR {body} IS NULL THEN CAST({text} AS TEXT) END",
            f"CASE WHEN {text} <> '' THEN NULL ELSE CAST({body} AS BLOB) END",
        )

    def category(self, column: str, known: int) -> str:
        """Return SQL for a text with few values: the position of a known one, the text of any other.

        The statement takes `known` parameters, the texts known so far.
        """
        text = self._text(column)
        if text == "NULL":
            return "-1"
        cases = "".join(f" WHEN ? THEN {code}" for code in range(known))
        name = self._raw(column)
        return f"CASE {name}{cases} ELSE ifnull({text}, -1) END" if known else f"ifnull({text}, -1)"

    def _flags(self) -> str:
        """Return small facts as one number, which names a row of :data:`FLAGS`.

        Bare columns, and one value to carry instead of four: this is weighed for every row.
        """
        mine = f"1 + {_READ} * ({self._is_read_by_them()}) + {_STATE} * ({self._send_state()})"
        other = f"{_READ} * ifnull(1 + ({self._raw('is_read')} <> 0), 0)"
        rare = f"CASE WHEN {self._is_rare()} THEN {RARE} ELSE 0 END"
        return f"CASE WHEN m.is_from_me THEN {mine} ELSE {other} END + {rare}"

    def _is_read_by_them(self) -> str:
        name = "m.date_read"
        return f"CASE WHEN {name} <> 0 AND {name} <= {_MAX_INT} THEN 2 ELSE 1 END" if self.has("date_read") else "0"

    def _send_state(self) -> str:
        if not self.knows_sending:
            return "0"
        code = {name: number for number, name in enumerate(SEND_STATES)}
        pending = code["pending"] if self.has("is_sent") else 0
        delivered = f"{self._raw('is_delivered')} OR ({self._raw('date_delivered')} BETWEEN 1 AND {_MAX_INT})"
        return (
            f"CASE WHEN {self._raw('error')} THEN {code['failed']} WHEN {delivered} THEN {code['delivered']}"
            f" WHEN {self._raw('is_sent')} THEN {code['sent']} ELSE {pending} END"
        )

    # ── what few rows have ───────────────────────────────────────────────────────────────────────

    def _is_rare(self) -> str:
        """Return the mark of rows worth a second look."""
        texts = ("thread_originator_guid", "expressive_send_style_id", "balloon_bundle_id", "subject")
        numbers = (
            "item_type",
            "associated_message_type",
            "error",
            "is_audio_message",
            "schedule_type",
            "is_spam",
            "filter_action",
        )
        conditions = [f"{self._raw(name)} <> ''" for name in texts if self.has(name)]
        conditions += [self._raw(name) for name in numbers if self.has(name)]
        return " OR ".join((*conditions, self.tells_the_past))

    def _kind(self) -> str:
        balloon = self._text("balloon_bundle_id")
        polls = f"{balloon} = '{_POLLS}' OR {balloon} LIKE '%:{_POLLS}'"
        return (
            f"CASE WHEN {self._number('item_type')} <> 0 THEN 'event'"
            f" WHEN {self.association} = 0 THEN"
            f" CASE WHEN {balloon} IS NULL THEN 'message'"
            f" WHEN {balloon} = '{URL_BALLOON}' THEN 'link'"
            f" WHEN {polls} THEN 'poll' ELSE 'app' END"
            f" WHEN {self.association} = 4000 THEN 'poll_vote'"
            f" WHEN {self.association} IN (2, 3) THEN"
            f" CASE WHEN {balloon} IS NULL THEN 'message' WHEN {polls} THEN 'poll_update' ELSE 'app' END"
            f" WHEN {self.is_tapback} THEN 'reaction' ELSE 'unknown' END"
        )

    def rare(self) -> list[str]:
        """Return the columns of :class:`~imsg_sdk.chatdb.rare.Rare`."""
        spam = f"{self._number('is_spam')} <> 0 OR {self._number('filter_action')} = 2"
        waits = (
            f"{self._number('schedule_type')} = 2 AND {self._number('schedule_state')} <> 0"
            f" AND NOT ({self._number('is_sent')} OR {self._number('is_delivered')} OR {self._number('error')})"
        )
        summary = self._raw("message_summary_info")
        return [
            "m.ROWID",
            self._kind(),
            f"CASE WHEN {self._is_amended()} THEN CAST({self._raw('attributedbody')} AS BLOB) END",
            f"nullif({self._number('error')}, 0)",
            self.time("date_edited"),
            self.time("date_retracted"),
            f"CASE WHEN ({self.tells_the_past}) AND typeof({summary}) = 'blob' THEN {summary} END",
            f"{waits}",
            self._text("thread_originator_guid"),
            self._text("thread_originator_part"),
            self._text("expressive_send_style_id"),
            self._text("balloon_bundle_id"),
            f"{self._number('is_audio_message')} <> 0",
            spam,
            self._text("subject"),
            self._number("item_type"),
            self._number("group_action_type"),
            f"CASE WHEN {self.is_mine} THEN 0 ELSE {self._number('handle_id')} END",
            self._number("other_handle"),
            self._text("group_title"),
            self._number("share_status"),
        ]
