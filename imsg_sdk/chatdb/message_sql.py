"""SQL of the message table, for any schema.  Text only: nothing here touches a database."""

from __future__ import annotations

from typing import Final

from imsg_sdk.chatdb.previews import URL_BALLOON
from imsg_sdk.chatdb.schema import Schema
from imsg_sdk.chatdb.tapbacks import TAPBACK_SQL

__all__ = ["KINDS", "SEND_STATES", "MessageSql"]

KINDS: Final = ["message", "link", "app", "poll", "poll_vote", "poll_update", "event", "unknown", "reaction"]
SEND_STATES: Final = ["pending", "sent", "delivered", "failed"]

_POLLS: Final = "com.apple.messages.Polls"
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
            *self.words(),
            f"CASE WHEN {self.is_mine} THEN 0 ELSE {self._number('handle_id')} END",
            self.is_mine,
            self._kind(),
            self.time("date"),
            service,
            self._is_read(),
            self.time("date_read"),
            self._send_state(),
            self.time("date_delivered"),
            self._text("reply_to_guid"),
            destination,
            self._is_rare(),
        ]

    def words(self) -> tuple[str, str]:
        """Return text and body; the body only where it says more than the text.

        When both are there they carry the same string, but for a text that was not kept up with an edit.
        """
        text, body = self._schema.raw("message", "text", "m"), self._raw("attributedbody")
        needed = f"ifnull({text}, '') = '' OR {self._number('is_audio_message')} OR {self._number('date_edited')} <> 0"
        return f"CAST({text} AS TEXT)", f"CASE WHEN {needed} THEN CAST({body} AS BLOB) END"

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

    def _kind(self) -> str:
        balloon, kind = self._text("balloon_bundle_id"), {name: code for code, name in enumerate(KINDS)}
        polls = f"{balloon} = '{_POLLS}' OR {balloon} LIKE '%:{_POLLS}'"
        return (
            f"CASE WHEN {self._number('item_type')} <> 0 THEN {kind['event']}"
            f" WHEN {self.association} = 0 THEN"
            f" CASE WHEN {balloon} IS NULL THEN {kind['message']}"
            f" WHEN {balloon} = '{URL_BALLOON}' THEN {kind['link']}"
            f" WHEN {polls} THEN {kind['poll']} ELSE {kind['app']} END"
            f" WHEN {self.association} = 4000 THEN {kind['poll_vote']}"
            f" WHEN {self.association} IN (2, 3) THEN"
            f" CASE WHEN {balloon} IS NULL THEN {kind['message']}"
            f" WHEN {polls} THEN {kind['poll_update']} ELSE {kind['app']} END"
            f" WHEN {self.is_tapback} THEN {kind['reaction']} ELSE {kind['unknown']} END"
        )

    def _is_read(self) -> str:
        mine = f"{self.time('date_read')} IS NOT NULL" if self.has("date_read") else "-1"
        return f"CASE WHEN {self.is_mine} THEN {mine} ELSE ifnull({self._number('is_read', 'NULL')} <> 0, -1) END"

    def _send_state(self) -> str:
        if not self.knows_sending:
            return "-1"
        code = {name: number for number, name in enumerate(SEND_STATES)}
        pending = code["pending"] if self.has("is_sent") else -1
        return (
            f"CASE WHEN NOT {self.is_mine} THEN -1 WHEN {self._number('error')} <> 0 THEN {code['failed']}"
            f" WHEN {self._number('is_delivered')} <> 0 OR {self._number('date_delivered')} > 0"
            f" THEN {code['delivered']}"
            f" WHEN {self._number('is_sent')} <> 0 THEN {code['sent']} ELSE {pending} END"
        )

    # ── what few rows have ───────────────────────────────────────────────────────────────────────

    def _is_rare(self) -> str:
        """Return the mark of rows worth a second look; bare columns, since it is weighed for every row."""
        texts = ("thread_originator_guid", "expressive_send_style_id", "balloon_bundle_id", "subject")
        numbers = ("item_type", "error", "is_audio_message", "schedule_type", "is_spam", "filter_action")
        conditions = [f"{self._raw(name)} <> ''" for name in texts if self.has(name)]
        conditions += [self._raw(name) for name in numbers if self.has(name)]
        return f"CASE WHEN {' OR '.join((*conditions, self.tells_the_past))} THEN 1 END"

    def rare(self) -> list[str]:
        """Return the columns of :class:`~imsg_sdk.chatdb.rare.Rare`."""
        spam = f"{self._number('is_spam')} <> 0 OR {self._number('filter_action')} = 2"
        waits = f"{self._number('schedule_type')} = 2 AND {self._number('schedule_state')} <> 0"
        return [
            "m.ROWID",
            f"nullif({self._number('error')}, 0)",
            self.time("date_edited"),
            self.time("date_retracted"),
            f"CASE WHEN {self.tells_the_past} THEN {self._raw('message_summary_info')} END",
            f"CASE WHEN {waits} THEN {self.time('date')} END",
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
